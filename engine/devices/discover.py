"""The list of disks: sysfs first, ``lsblk`` for what only udev's database knows, ``by-id`` links for stable names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace

from engine import tools
from engine.devices import lsblk, sysfs, usage
from engine.devices.model import Device, Identity, Partition
from engine.errors import OutsideError, UsageError
from engine.host.blocks import node_of_path, whole_disk
from engine.host.roots import HERE, DevNo, Roots, names_in, read_text

_SNAPS = "/var/lib/snapd/"  # Ubuntu attaches dozens of them


def discover(
    roots: Roots = HERE,
    *,
    everything: bool = False,
    keep: Iterable[str | os.PathLike[str]] = (),
    run: lsblk.Run = tools.run,
    lsblk_program: str | None | bool = True,
    lsblk_timeout_s: float = 10.0,
) -> list[Device]:
    """Every disk of this machine, in order of name. Opens no disk, needs no privilege, never raises for a missing part.

    ``everything`` also lists RAM disks and unused loop, md and nbd slots. ``keep`` names places whose disks are marked
    as the system's as well (the case folder). ``lsblk_program`` is a path, True to look for it, None or False to do
    without.
    """
    program = tools.find_tool("lsblk") if lsblk_program is True else lsblk_program or None
    listing = lsblk.list_blocks(program, run, lsblk_timeout_s)
    use = usage.read_usage(roots, keep=keep)
    boot_id = read_text(roots.proc / "sys" / "kernel" / "random" / "boot_id")
    links = by_id_links(roots)
    devices = []
    for name in sysfs.disk_names(roots):
        bare = sysfs.read_disk(name, roots)
        if bare is not None and (everything or worth_listing(bare)):
            devices.append(replace(_complete(bare, listing, use, links, roots), boot_id=boot_id))
    return sorted(devices, key=_order)


def _order(device: Device) -> tuple[bool, int, str]:
    virtual = device.transport in ("loop", "ram", "md", "dm")
    return virtual, len(device.name), device.name


def worth_listing(device: Device) -> bool:
    """Not a RAM disk, not one of the empty slots that the kernel keeps ready (loop, md, nbd), not a mounted snap."""
    if device.kind in ("ram", "zram"):
        return False
    if device.kind == "loop":
        return device.backing_file is not None and not device.backing_file.startswith(_SNAPS)
    return device.size > 0 or device.port is not None


def _complete(
    bare: Device, listing: lsblk.Listing, use: usage.Usage, links: dict[DevNo, tuple[str, ...]], roots: Roots
) -> Device:
    row = listing.rows.get(bare.devno, {})
    serial = bare.serial or lsblk.string(row, "serial")
    wwn = bare.wwn
    if wwn is None:
        wwn = sysfs.normal_wwn(lsblk.string(row, "wwn") or "")
    hotplug = lsblk.boolean(row, "hotplug")
    known = roots.devno_of(bare.path)
    return replace(
        bare,
        serial=serial,
        serial_source=bare.serial_source or (("usb" if bare.transport == "usb" else "udev") if serial else None),
        wwn=wwn,
        vendor=bare.vendor or _vendor(row),
        model=bare.model or lsblk.string(row, "model"),
        firmware=bare.firmware or lsblk.string(row, "rev"),
        transport=bare.transport or lsblk.string(row, "tran") or "",
        hotplug=bare.hotplug if hotplug is None else hotplug or bare.hotplug,
        table=lsblk.string(row, "pttype"),
        filesystem=lsblk.string(row, "fstype"),
        label=lsblk.string(row, "label"),
        by_id=links.get(bare.devno, ()),
        partitions=tuple(_complete_partition(part, listing, use, links) for part in bare.partitions),
        uses=use.uses_of(bare.name),
        system=use.system_reasons(bare.name),
        node=known == bare.devno,
        readable=os.access(bare.path, os.R_OK),
        notes=(listing.note,) if listing.note else (),
    )


def _vendor(row: lsblk.Row) -> str | None:
    vendor = lsblk.string(row, "vendor")
    return None if vendor is None or vendor == "ATA" or vendor.startswith("0x") else vendor


def _complete_partition(
    bare: Partition, listing: lsblk.Listing, use: usage.Usage, links: dict[DevNo, tuple[str, ...]]
) -> Partition:
    row = listing.rows.get(bare.devno, {})
    return replace(
        bare,
        filesystem=lsblk.string(row, "fstype"),
        label=lsblk.string(row, "label"),
        by_id=links.get(bare.devno, ()),
        uses=use.uses_of(bare.name),
        system=use.system_reasons(bare.name),
    )


def by_id_links(roots: Roots = HERE) -> dict[DevNo, tuple[str, ...]]:
    """Names in ``/dev/disk/by-id`` by the device number they lead to; empty where udev does not run."""
    directory = roots.dev / "disk" / "by-id"
    found: dict[DevNo, list[str]] = {}
    for link in names_in(directory):
        devno = roots.devno_of(directory / link)
        if devno is not None:
            found.setdefault(devno, []).append(link)
    return {devno: tuple(names) for devno, names in found.items()}


def find_device(text: str, roots: Roots = HERE, devices: Iterable[Device] | None = None) -> Device | None:
    """The disk that ``text`` means: a node, a link to one, a kernel name, a ``by-id`` name, or one of its partitions.

    None when the node is there but the kernel shows no such disk (no ``/sys``, or it went away meanwhile). Raises
    ``UsageError`` when it is no block device and ``OutsideError`` when nothing of that name is there.
    """
    path = text if "/" in text else str(roots.dev / text)
    if not os.path.exists(path) and "/" not in text:
        path = str(roots.dev / "disk" / "by-id" / text)
    if not os.path.exists(path):
        path = text if "/" in text else str(roots.dev / text)
        raise OutsideError("there is no such device", code="missing", path=path, advice="see: rescuedeck devices")
    if roots.devno_of(path) is None:
        raise UsageError("that is not a block device", code="not-a-device", path=path)
    node = node_of_path(path, roots)
    if node is None:
        return None
    listed = discover(roots, everything=True) if devices is None else devices
    disk = whole_disk(node, roots)
    return next((device for device in listed if device.name == disk), None)


def identify(path: str | os.PathLike[str], roots: Roots = HERE) -> Identity | None:
    """What the disk or partition at ``path`` is known by; None when the kernel shows nothing of it. Raises as above."""
    device = find_device(os.fspath(path), roots)
    if device is None:
        return None
    part = device.part(node_of_path(path, roots) or "")
    return device.identity if part is None else device.partition_identity(part)
