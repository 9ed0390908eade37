"""One disk as sysfs describes it: no program, no privilege, no access to the disk itself."""

from __future__ import annotations

import os
import re
from pathlib import Path

from engine.devices.model import Counters, Device, Partition, Port
from engine.host.blocks import backing_file, node_devno, partitions_of, slaves_of
from engine.host.roots import Roots, names_in, read_int, read_raw, read_text

SECTOR = 512  # sysfs sizes and starts are in 512-byte units on every disk, 4096-byte-sector ones too
_VIRTUAL = {"loop": "loop", "zram": "zram", "ram": "ram", "md": "md", "dm-": "dm"}
_PCI = re.compile(r"[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]\Z")
_USB = re.compile(r"\d+-\d+(?:\.\d+)*\Z")
_USB_INTERFACE = re.compile(r"\d+-\d+(?:\.\d+)*:\d+\.\d+\Z")
_HCTL = re.compile(r"(\d+):(\d+):(\d+):(\d+)\Z")
# Counters that grow with each plug-in: they would make the same socket look like another one.
_COUNTED = re.compile(r"(?:host|target|virtio|nvme|session|port-|end_device-|expander-|rport-|mmc)\d")


def read_disk(name: str, roots: Roots) -> Device | None:
    """The disk of that kernel name without its uses, or None when it vanished meanwhile."""
    directory = roots.node_directory(name)
    devno = node_devno(name, roots)
    if devno is None:
        return None
    real = os.path.realpath(directory)
    transport = transport_of(name, real)
    kind = kind_of(name, directory)
    path = _path(name, directory, roots)
    serial, source = _serial(directory, real, transport)
    vendor, model = _names(directory, transport)
    rotational = read_int(directory / "queue" / "rotational")
    removable = read_int(directory / "removable") == 1
    return Device(
        name=name,
        path=path,
        kind=kind,
        devno=devno,
        size=(read_int(directory / "size") or 0) * SECTOR,
        logical_sector=read_int(directory / "queue" / "logical_block_size") or SECTOR,
        physical_sector=read_int(directory / "queue" / "physical_block_size") or SECTOR,
        read_only=read_int(directory / "ro") == 1,
        removable=removable,
        hotplug=removable or transport in ("usb", "mmc"),
        rotational=None if rotational is None else rotational == 1,
        transport=transport,
        vendor=vendor,
        model=model,
        serial=serial,
        wwn=_wwn(directory),
        firmware=read_text(directory / "device" / "firmware_rev") or read_text(directory / "device" / "rev"),
        by_id=(),
        diskseq=read_int(directory / "diskseq"),
        hctl=_hctl(directory),
        port=port_of(real, directory),
        sysfs_path=real,
        state=read_text(directory / "device" / "state"),
        table=None,
        filesystem=None,
        label=None,
        serial_source=source,
        backing_file=backing_file(name, roots),
        backing_offset=read_int(directory / "loop" / "offset") or 0,
        slaves=tuple(slaves_of(name, roots)),
        counters=read_counters(directory),
        partitions=tuple(
            part for child in partitions_of(name, roots) if (part := read_partition(child, roots)) is not None
        ),
    )


def read_partition(name: str, roots: Roots) -> Partition | None:
    """A partition of that kernel name without its uses, or None when it vanished meanwhile."""
    directory = roots.node_directory(name)
    devno = node_devno(name, roots)
    if devno is None:
        return None
    return Partition(
        name=name,
        path=roots.node_path(name),
        number=read_int(directory / "partition") or 0,
        devno=devno,
        start=(read_int(directory / "start") or 0) * SECTOR,
        size=(read_int(directory / "size") or 0) * SECTOR,
        read_only=read_int(directory / "ro") == 1,
        filesystem=None,
        label=None,
        by_id=(),
        uses=(),
    )


def read_counters(directory: Path) -> Counters | None:
    """Request counters from ``stat`` and, for SCSI-like disks, ``device/io*_cnt`` (hexadecimal)."""
    fields = (read_text(directory / "stat") or "").split()
    numbers = [int(field) for field in fields if field.isdecimal()]
    if len(numbers) < 9:
        return None
    completed = numbers[0] + numbers[4] + sum(numbers[at] for at in (11, 15) if at < len(numbers))
    device = directory / "device"
    return Counters(
        completed=completed,
        in_flight=numbers[8],
        requested=read_int(device / "iorequest_cnt"),
        done=read_int(device / "iodone_cnt"),
        errors=read_int(device / "ioerr_cnt"),
    )


def kind_of(name: str, directory: Path) -> str:
    """``disk``, ``rom``, ``loop``, ``lvm`` ... as ``lsblk`` calls them."""
    if name.startswith("dm-"):
        prefix = (read_text(directory / "dm" / "uuid") or "").partition("-")[0].lower()
        return prefix if prefix in ("lvm", "crypt", "mpath", "dmraid") else "dm"
    if name.startswith("md") and (directory / "md").is_dir():
        return read_text(directory / "md" / "level") or "md"
    if name.startswith("sr") or read_text(directory / "device" / "type") == "5":
        return "rom"
    for prefix in ("loop", "zram", "ram"):
        if name.startswith(prefix):
            return prefix
    return "disk"


def transport_of(name: str, real: str) -> str:
    """How the disk is attached, from its place in the device tree."""
    for prefix, transport in _VIRTUAL.items():
        if name.startswith(prefix) and "/virtual/" in real:
            return "ram" if transport in ("zram", "ram") else transport
    parts = real.split("/")
    for part in reversed(parts[:-1]):
        for pattern, transport in (
            (r"usb\d+", "usb"), (r"ata\d+", "sata"), (r"nvme\d*", "nvme"), (r"nvme-subsystem", "nvme"),
            (r"mmc\d+", "mmc"), (r"end_device-", "sas"), (r"rport-", "fc"), (r"session\d+", "iscsi"),
            (r"fw\d+", "firewire"), (r"virtio\d+", "virtio"), (r"vbd-", "xen"),
        ):  # fmt: skip
            if re.match(pattern, part):
                return transport
    return "scsi" if any(re.match(r"host\d+\Z", part) for part in parts) else ""


def port_of(real: str, directory: Path) -> Port | None:
    """The socket the disk is plugged into, None for devices without one."""
    parts = real.split("/")
    if "virtual" in parts:
        return None
    found: dict[str, str] = {}
    for part in parts:
        if _PCI.match(part):
            found["pci"] = part
        elif _USB.match(part):
            found["usb"] = part
        elif re.match(r"ata\d+\Z", part):
            found["ata"] = part
        elif re.match(r"host\d+\Z", part):
            found["scsi_host"] = part
        elif re.match(r"nvme\d+\Z", part):
            found["nvme"] = part
    places = [part for part in parts if _PCI.match(part)][-1:]
    places += [part for part in parts if _USB_INTERFACE.match(part)][-1:]
    places += [found["ata"]] if "ata" in found else []
    hctl = _HCTL.match(_hctl(directory) or "")
    if hctl:
        places.append(":".join(hctl.groups()[1:]))
    namespace = read_int(directory / "nsid")
    if namespace is not None:
        places.append(f"namespace {namespace}")
    if not places:  # buses we do not know by name: the path without its counters
        places = [part for part in parts[1:-2] if part != "devices" and not _COUNTED.match(part)]
    return Port(" ".join(places), **found) if places else None


def _path(name: str, directory: Path, roots: Roots) -> str:
    mapped = read_text(directory / "dm" / "name")
    if mapped:
        named = roots.dev / "mapper" / mapped
        if named.exists():
            return str(named)
    return roots.node_path(name)


def _hctl(directory: Path) -> str | None:
    if not (directory / "device").exists():
        return None
    last = os.path.basename(os.path.realpath(directory / "device"))
    return last if _HCTL.match(last) else None


def _names(directory: Path, transport: str) -> tuple[str | None, str | None]:
    device = directory / "device"
    vendor = read_text(device / "vendor")
    model = read_text(device / "model") or read_text(device / "name")
    if vendor is not None and (vendor == "ATA" or vendor.startswith("0x") or transport in ("nvme", "virtio")):
        vendor = None  # "ATA" is the kernel's own word, 0x1af4 a PCI number
    if transport == "virtio" and not _hctl(directory):
        model = model or "virtual disk"
    return vendor, model


def _serial(directory: Path, real: str, transport: str) -> tuple[str | None, str | None]:
    """The serial number and where it came from; USB first gives the bridge's, as udev does, to stay comparable."""
    if transport == "usb":
        for parent in Path(real).parents:
            if (parent / "idVendor").exists():
                found = read_text(parent / "serial")
                if found:
                    return found, "usb"
                break
    for place in (directory / "serial", directory / "device" / "serial"):
        found = read_text(place)
        if found:
            return found, "drive"
    page = read_raw(directory / "device" / "vpd_pg80")  # SCSI "unit serial number"; libata makes it for SATA disks
    if page is not None and len(page) > 4 and page[1] == 0x80:
        length = int.from_bytes(page[2:4], "big")
        found = page[4 : 4 + length].decode("ascii", "backslashreplace").strip(" \0")
        if found:
            return found, "usb" if transport == "usb" else "drive"
    return None, None


def _wwn(directory: Path) -> str | None:
    for place in (directory / "wwid", directory / "device" / "wwid"):
        text = read_text(place)
        if text:
            return normal_wwn(text)
    return None


def normal_wwn(text: str) -> str | None:
    """``naa.5001...`` and ``0x5001...`` in one form; None for identifiers that are no world wide name (``t10.``)."""
    text = text.strip().lower()
    if text.startswith("naa."):
        text = "0x" + text[4:]
    if text.startswith("0x"):
        return text if len(text) > 10 and set(text[2:]) - {"0"} else None
    if text.startswith(("eui.", "uuid.", "nvme.")):
        return text if set(text.partition(".")[2]) - {"0", "-"} else None
    return None


def disk_names(roots: Roots) -> list[str]:
    """Kernel names of the whole disks, hidden ones (NVMe paths behind a multipath head) left out."""
    return [name for name in names_in(roots.block) if read_int(roots.block / name / "hidden") != 1]
