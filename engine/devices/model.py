"""What is known of a disk without opening it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from engine.host.roots import DevNo
from engine.text import format_size

USE_WORDS = {
    "mount": "mounted at {what}",
    "swap": "in use as swap",
    "lvm": "part of the logical volume {what}",
    "md": "part of the RAID array {what}",
    "crypt": "holds the opened encrypted volume {what}",
    "mpath": "one path of the multipath device {what}",
    "dm": "part of the mapped device {what}",
    "loop": "attached to the loop device {what}",
    "btrfs": "one of the devices of the btrfs mounted at {what}",
    "holder": "held by {what}",
}


@dataclass(frozen=True, slots=True)
class Use:
    """One way in which the running system uses a device.

    ``kind`` is a key of ``USE_WORDS``; ``what`` the mount point, volume or device on the other side; ``node`` the
    kernel name of the disk, partition or device on top of it that is used; ``read_only`` when nothing is written that
    way (a read-only mount of a journalling file system may still have replayed its journal).
    """

    kind: str
    what: str
    node: str
    read_only: bool = False

    @property
    def words(self) -> str:
        """``mounted at /home``; text from the system: through ``safe_text`` before it is shown."""
        text = USE_WORDS.get(self.kind, USE_WORDS["holder"]).format(what=self.what)
        return f"{text} (read-only)" if self.read_only and self.kind in ("mount", "loop") else text


@dataclass(frozen=True, slots=True)
class Port:
    """Where a disk is plugged in; noted while it is there, for it cannot be read after it is gone.

    ``text`` stays the same when the same disk returns to the same place (no host or target counters in it).
    ``scsi_host`` (``host2``) is where a rescan is asked for, ``usb`` (``2-1``) names the USB port for power switching,
    ``ata`` (``ata3``) is the name used in the kernel log, ``nvme`` (``nvme0``) the controller, ``pci`` its slot.
    """

    text: str
    scsi_host: str | None = None
    usb: str | None = None
    ata: str | None = None
    nvme: str | None = None
    pci: str | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """How much a disk was asked and how much it answered since it was attached.

    ``requested``, ``done`` and ``errors`` are commands of SCSI-like disks, None for others; ``in_flight`` is the number
    of requests waiting for an answer now and ``completed`` those answered, for every disk.
    """

    completed: int
    in_flight: int
    requested: int | None = None
    done: int | None = None
    errors: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """What a disk (or a partition) is known by when it comes back under another name; kept with the map.

    All may be unknown; ``size_bytes`` is then 0. ``asdict`` gives its JSON form, ``Identity.from_facts`` reads it.
    """

    size_bytes: int
    wwn: str | None = None
    serial: str | None = None
    serial_source: str | None = None
    vendor: str | None = None
    model: str | None = None
    logical_sector: int = 512
    physical_sector: int = 512
    transport: str = ""
    kind: str = "disk"
    port: str | None = None
    sysfs_path: str = ""
    by_id: tuple[str, ...] = ()
    diskseq: int | None = None
    boot_id: str | None = None
    """With ``diskseq``: the same numbers on the same boot are the same attachment."""
    first_seen_name: str = ""
    backing_file: str | None = None
    backing_offset: int = 0
    disk_bytes: int | None = None
    """Partitions: size of the whole disk; the other facts are the disk's too."""
    partition: int | None = None
    partition_start: int | None = None
    """Partitions: number, and start in bytes."""

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Identity:
        """From its JSON form; unknown keys are passed over, values of a wrong type count as unknown."""
        made: dict[str, Any] = {"size_bytes": 0}
        for entry in fields(cls):
            value = facts.get(entry.name)
            if entry.name == "by_id":
                if isinstance(value, list | tuple):
                    made["by_id"] = tuple(item for item in value if isinstance(item, str))
            elif entry.type.startswith("int"):
                if isinstance(value, int) and not isinstance(value, bool):
                    made[entry.name] = value
            elif isinstance(value, str):
                made[entry.name] = value
        return cls(**made)

    @property
    def words(self) -> str:
        """``WDC WD10EZEX, serial WD-123, 931.5 GiB``: one line for logs and questions."""
        named = " ".join(part for part in (self.vendor, self.model) if part) or self.backing_file or self.kind
        parts = [named]
        if self.partition is not None:
            parts[0] = f"partition {self.partition} of {named}"
        if self.serial:
            parts.append(f"serial {self.serial}")
        elif self.wwn:
            parts.append(f"WWN {self.wwn}")
        if self.size_bytes > 0:
            parts.append(format_size(self.size_bytes))
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition that the kernel knows. ``start`` and ``size`` in bytes; other fields as in ``Device``."""

    name: str
    path: str
    number: int
    devno: DevNo
    start: int
    size: int
    read_only: bool
    filesystem: str | None
    label: str | None
    by_id: tuple[str, ...]
    uses: tuple[Use, ...]
    system: tuple[str, ...] = ()

    @property
    def mounted_at(self) -> tuple[str, ...]:
        """Mount points of what lies on it, through volumes and arrays as well."""
        return mount_points(self.uses)

    @property
    def in_use_by(self) -> tuple[str, ...]:
        """Everything that uses it, in words."""
        return use_words(self.uses)


@dataclass(frozen=True, slots=True)
class Device:
    """A whole disk, or something that behaves like one (loop, RAID array, logical volume).

    Strings come from the drive: they pass ``engine.text.safe_text`` before they reach a terminal.
    """

    name: str
    """Kernel name: ``sda``, ``nvme0n1``, ``md0``. It changes from one attachment to the next."""
    path: str
    """Its node: ``/dev/sda``, ``/dev/mapper/vg-home``."""
    kind: str
    """``disk``, ``rom``, ``loop``, ``lvm``, ``crypt``, ``mpath``, ``dm``, ``raid1`` (md level), ``zram``, ``ram``."""
    devno: DevNo
    """Major and minor number."""
    size: int
    """Bytes. 0: no medium, not bound, not answering, or a sector size that the kernel refuses (520, 528)."""
    logical_sector: int
    """Bytes of the smallest read the drive accepts."""
    physical_sector: int
    """Bytes of the drive's real sectors, as it says."""
    read_only: bool
    removable: bool
    """The medium can be taken out (stick, card, disc); an external USB disk is not removable but ``hotplug``."""
    hotplug: bool
    """It may be unplugged while the machine runs, as far as is known."""
    rotational: bool | None
    """Spinning disk; USB bridges say so of everything."""
    transport: str
    """``sata``, ``ata``, ``usb``, ``nvme``, ``sas``, ``fc``, ``iscsi``, ``scsi``, ``virtio``, ``mmc``, ``firewire``,
    ``xen``, ``loop``, ``md``, ``dm``, ``ram`` or empty when unknown."""
    vendor: str | None
    model: str | None
    serial: str | None
    wwn: str | None
    """World wide name: ``0x5001...``, ``eui.0025...``; None when the drive has none or hides it."""
    firmware: str | None
    by_id: tuple[str, ...]
    """Names under ``/dev/disk/by-id``, sorted; empty where udev does not run."""
    diskseq: int | None
    """Number of this attachment, grows with every plug-in (Linux 5.15 and later)."""
    hctl: str | None
    """SCSI address ``host:channel:target:lun``."""
    port: Port | None
    sysfs_path: str
    """Resolved directory below ``/sys/devices``."""
    state: str | None
    """What the kernel thinks of it: ``running``, ``offline``, ``blocked``, ``live``; None where it does not say."""
    table: str | None
    """Partition table type as udev saw it (``dos``, ``gpt``)."""
    filesystem: str | None
    """Type of what lies directly on the whole disk, if anything (``ext4``, ``LVM2_member``)."""
    label: str | None
    serial_source: str | None = None
    """Where the serial number came from: ``drive``, ``usb`` (the bridge's: weak) or ``udev``."""
    backing_file: str | None = None
    """Loop devices: the file or device behind it."""
    backing_offset: int = 0
    """Loop devices: where in the backing file it begins, in bytes."""
    slaves: tuple[str, ...] = ()
    """Kernel names of the devices that this one is made of."""
    counters: Counters | None = None
    partitions: tuple[Partition, ...] = ()
    uses: tuple[Use, ...] = ()
    """All uses of the disk and of everything on it."""
    system: tuple[str, ...] = ()
    """Why it belongs to the running system: ``/``, ``/boot``, ``swap``, ``this program``, ``the case``."""
    node: bool = True
    """There is a block device node to open (containers show disks without one)."""
    readable: bool = True
    """Permissions let this process open it for reading."""
    boot_id: str | None = None
    """Which boot of this machine ``diskseq`` counts in."""
    notes: tuple[str, ...] = field(default=())
    """Facts about the look-up itself: what could not be found out, and why."""

    @property
    def identity(self) -> Identity:
        """What the whole disk is known by."""
        return Identity(
            size_bytes=self.size,
            wwn=self.wwn,
            serial=self.serial,
            serial_source=self.serial_source,
            vendor=self.vendor,
            model=self.model,
            logical_sector=self.logical_sector,
            physical_sector=self.physical_sector,
            transport=self.transport,
            kind=self.kind,
            port=self.port.text if self.port is not None else None,
            sysfs_path=self.sysfs_path,
            by_id=self.by_id,
            diskseq=self.diskseq,
            boot_id=self.boot_id,
            first_seen_name=self.name,
            backing_file=self.backing_file,
            backing_offset=self.backing_offset,
        )

    def partition_identity(self, part: Partition) -> Identity:
        """What one of its partitions is known by: the disk's facts, and where on it the partition lies."""
        return replace(
            self.identity,
            size_bytes=part.size,
            by_id=part.by_id,
            first_seen_name=part.name,
            disk_bytes=self.size,
            partition=part.number,
            partition_start=part.start,
        )

    def part(self, name: str) -> Partition | None:
        """The partition of that kernel name."""
        return next((part for part in self.partitions if part.name == name), None)

    @property
    def mounted_at(self) -> tuple[str, ...]:
        """Mount points of the disk and of everything on it."""
        return mount_points(self.uses)

    @property
    def in_use_by(self) -> tuple[str, ...]:
        """Everything that uses the disk or a part of it, in words."""
        return use_words(self.uses)

    @property
    def in_use(self) -> bool:
        """Something in the running system has it open."""
        return bool(self.uses)

    @property
    def is_system(self) -> bool:
        """It carries the running system: never written, and fenced off on screens."""
        return bool(self.system)

    @property
    def writable_use(self) -> bool:
        """Something may be writing to it now."""
        return any(not use.read_only for use in self.uses)

    @property
    def title(self) -> str:
        """What a person calls it: vendor and model, or the backing file, or its kind."""
        named = " ".join(part for part in (self.vendor, self.model) if part)
        return named or self.backing_file or self.kind

    @property
    def headline(self) -> str:
        """The most important thing about it in a few words; empty for an idle, readable disk."""
        found = self.warnings
        return found[0] if found else ""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to know before choosing it, most important first, each a few words."""
        found = []
        if self.system:
            found.append(f"system disk: {', '.join(self.system)}")
        if self.state not in (None, "running", "live"):
            found.append(f"the kernel says: {self.state}")
        if self.size == 0:
            found.append(_empty_words(self))
        found += [use_place(use, self.name) for use in self.uses if not (self.system and use.kind == "mount")]
        if not self.node:
            found.append("no device node here (container?)")
        elif not self.readable:
            found.append("no access: needs root")
        if self.counters is not None and self.counters.errors:
            found.append(f"{self.counters.errors} failed commands since it was attached")
        if self.serial is None and self.wwn is None and self.kind == "disk":
            found.append("no serial number: cannot be told from another of its kind")
        return tuple(dict.fromkeys(found))


def _empty_words(device: Device) -> str:
    if device.kind == "rom" or device.removable:
        return "no medium"
    if device.kind == "disk" and device.transport not in ("", "ram"):
        return "size 0: not answering, or sectors of 520 or 528 bytes (reachable only with sg tools)"
    return "not set up"


def use_place(use: Use, name: str) -> str:
    """The use in words, with the partition it concerns when that is not the disk ``name`` itself."""
    return use.words if use.node == name else f"{use.words} ({use.node})"


def mount_points(uses: tuple[Use, ...]) -> tuple[str, ...]:
    """The mount points among ``uses``, each once."""
    return tuple(dict.fromkeys(use.what for use in uses if use.kind == "mount"))


def use_words(uses: tuple[Use, ...]) -> tuple[str, ...]:
    """The uses in words, each once."""
    return tuple(dict.fromkeys(use.words for use in uses))
