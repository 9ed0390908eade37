"""A recorded machine: builds `/sys`, `/dev` and `/proc` trees in a folder, so that no such hardware is needed."""

from __future__ import annotations

import os
from pathlib import Path

from engine.host import DevNo, Roots

PCI = "pci0000:00/0000:00:1f.2"


class FakeMachine:
    """Trees under one folder; device nodes are small files that hold their number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sys, self.dev, self.proc = folder / "sys", folder / "dev", folder / "proc"
        self.mounts: list[str] = []
        self.swaps: list[str] = []
        for directory in (
            self.sys / "block", self.sys / "class" / "block", self.sys / "dev" / "block", self.dev, self.proc / "self",
            self.proc / "sys" / "kernel" / "random",
        ):  # fmt: skip
            directory.mkdir(parents=True)
        (self.proc / "sys" / "kernel" / "random" / "boot_id").write_text("11111111-aaaa-bbbb-cccc-222222222222\n")
        self.mount("/", (0, 30), "tmpfs", "tmpfs")

    @property
    def roots(self) -> Roots:
        return Roots(self.sys, self.dev, self.proc, self.devno_of)

    def devno_of(self, path: str | os.PathLike[str]) -> DevNo | None:
        real = Path(os.path.realpath(path))
        if not real.is_file() or self.dev not in real.parents:
            return None
        major, _, minor = real.read_text().partition(":")
        return int(major), int(minor)

    def write(self, directory: Path, **attributes: object) -> None:
        """Attributes as sysfs files; `__` in a name stands for a folder."""
        for name, value in attributes.items():
            path = directory.joinpath(*name.split("__"))
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(value, bytes):
                path.write_bytes(value)
            else:
                path.write_text(f"{value}\n")

    def disk(
        self,
        name: str,
        devno: DevNo,
        size: int,
        place: str = "virtual",
        device: dict[str, object] | None = None,
        node: bool = True,
        **attributes: object,
    ) -> Path:
        """A disk under `/sys/devices/PLACE/block/NAME`, its SCSI or NVMe device being PLACE."""
        parent = self.sys / "devices" / place
        directory = parent / "block" / name if not place.endswith(name) else parent
        directory.mkdir(parents=True)
        for folder in ("holders", "slaves"):
            (directory / folder).mkdir()
        facts: dict[str, object] = {
            "dev": f"{devno[0]}:{devno[1]}", "size": size // 512, "ro": 0, "removable": 0, "hidden": 0,
            "diskseq": len(list((self.sys / "block").iterdir())) + 1,
            "queue__logical_block_size": 512, "queue__physical_block_size": 512, "queue__rotational": 1,
            "stat": "100 0 800 40 0 0 0 0 0 60 60 0 0 0 0 0 0",
        }  # fmt: skip
        self.write(directory, **{**facts, **attributes})
        if device is not None:
            self.write(parent, **device)
            (directory / "device").symlink_to(os.path.relpath(parent, directory))
        self._enter(name, directory, devno, node)
        (self.sys / "block" / name).symlink_to(directory)
        return directory

    def partition(self, disk: str, number: int, devno: DevNo, start: int, size: int) -> str:
        name = f"{disk}p{number}" if disk[-1].isdigit() else f"{disk}{number}"
        directory = Path(os.path.realpath(self.sys / "block" / disk)) / name
        directory.mkdir()
        (directory / "holders").mkdir()
        self.write(
            directory, dev=f"{devno[0]}:{devno[1]}", partition=number, start=start // 512, size=size // 512, ro=0
        )
        self._enter(name, directory, devno, True)
        return name

    def _enter(self, name: str, directory: Path, devno: DevNo, node: bool) -> None:
        (self.sys / "class" / "block" / name).symlink_to(directory)
        (self.sys / "dev" / "block" / f"{devno[0]}:{devno[1]}").symlink_to(directory)
        if node:
            path = self.dev / name.replace("!", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(f"{devno[0]}:{devno[1]}")

    def remove(self, name: str) -> None:
        """Unplug: the names go, as the kernel takes them away."""
        directory = Path(os.path.realpath(self.sys / "block" / name))
        numbers = (directory / "dev").read_text().strip()
        for link in (
            self.sys / "block" / name, self.sys / "class" / "block" / name, self.sys / "dev" / "block" / numbers,
            self.dev / name,
        ):  # fmt: skip
            link.unlink(missing_ok=True)

    def holds(self, lower: str, upper: str) -> None:
        """`upper` (md, dm) is made of `lower`."""
        low, high = self.sys / "class" / "block" / lower, self.sys / "class" / "block" / upper
        (low / "holders" / upper).symlink_to(high.resolve())
        (high / "slaves" / lower).symlink_to(low.resolve())

    def link(self, by_id: str, name: str) -> None:
        folder = self.dev / "disk" / "by-id"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / by_id).symlink_to(f"../../{name}")

    def mount(
        self, point: str, devno: DevNo, fstype: str, source: str, options: str = "rw,relatime", more: str = "rw"
    ) -> None:
        number = len(self.mounts) + 20
        escaped = point.replace("\\", "\\134").replace(" ", "\\040")
        source = source.replace(" ", "\\040")
        self.mounts.append(
            f"{number} 1 {devno[0]}:{devno[1]} / {escaped} {options} shared:1 - {fstype} {source} {more}"
        )
        (self.proc / "self" / "mountinfo").write_text("\n".join(self.mounts) + "\n")

    def swap(self, path: str, kind: str, kib: int) -> None:
        self.swaps.append(f"{path}\t{kind}\t{kib}\t0\t-2")
        (self.proc / "swaps").write_text("Filename\tType\tSize\tUsed\tPriority\n" + "\n".join(self.swaps) + "\n")


def vpd80(serial: str) -> bytes:
    """The SCSI page that holds the unit serial number."""
    text = serial.encode()
    return bytes([0, 0x80]) + len(text).to_bytes(2, "big") + text


def sata(machine: FakeMachine, name: str, minor: int, serial: str, port: int = 1, **more: object) -> Path:
    """A SATA disk as libata shows it."""
    place = f"{PCI}/ata{port}/host{port - 1}/target{port - 1}:0:0/{port - 1}:0:0:0"
    device: dict[str, object] = {
        "vendor": "ATA     ", "model": "TESTDISK HDD 64M", "rev": "2.5+", "type": 0, "state": "running",
        "vpd_pg80": vpd80(serial), "iorequest_cnt": "0x64", "iodone_cnt": "0x64", "ioerr_cnt": "0x0",
    }  # fmt: skip
    size = int(more.pop("size", 64 << 20))  # type: ignore[call-overload]
    device.update(more.pop("device", {}))  # type: ignore[call-overload]
    return machine.disk(name, (8, minor), size, place, device, **more)


def recorded_machine(folder: Path) -> FakeMachine:
    """The machine of `tests/data/devices/lsblk-transports.json`, in use as in `lsblk-claims.json`."""
    machine = FakeMachine(folder)
    sata(machine, "sda", 0, "WD-TEST0001", 1, device={"wwid": "naa.50014ee0deadbeef"})
    machine.partition("sda", 1, (8, 1), 1 << 20, 30 << 20)
    machine.partition("sda", 2, (8, 2), 31 << 20, 33 << 20)
    sata(
        machine, "sdb", 16, "BAD-SSD-0002", 2, queue__rotational=0,
        device={"model": "TESTDISK SSD BAD", "wwid": "naa.500a0751cafe0002"},
    )  # fmt: skip
    sata(machine, "sdc", 32, "MD-A", 3, device={"model": "QEMU HARDDISK   "})
    sata(machine, "sdd", 48, "MD-B", 4, device={"model": "QEMU HARDDISK   "})
    virtio = "pci0000:00/0000:00:05.0/virtio2/host8/target8:0:{0}/8:0:{0}:0"
    scsi: dict[str, object] = {"vendor": "QEMU    ", "model": "QEMU HARDDISK   ", "rev": "2.5+", "state": "running"}
    machine.disk(
        "sde", (8, 64), 64 << 20, virtio.format(0),
        {**scsi, "vendor": "ACME    ", "model": "ROADRUNNER 4K   ", "wwid": "naa.5000c500aabbccdd"},
        queue__logical_block_size=4096, queue__physical_block_size=4096,
    )  # fmt: skip
    machine.disk("sdf", (8, 80), 3298534883328, virtio.format(1), scsi, ro=1, queue__physical_block_size=4096)
    usb = "pci0000:00/0000:00:07.0/usb2/2-{0}/2-{0}:1.0/host{1}/target{1}:0:0/{1}:0:0:0"
    machine.disk("sdg", (8, 96), 64 << 20, usb.format(2, 10), scsi)
    stick = machine.disk("sdh", (8, 112), 64 << 20, usb.format(1, 9), scsi, removable=1)
    for port, serial in ((2, "27842-0000:00:07.0-2"), (1, "USBSTICK77")):
        directory = machine.sys / f"devices/pci0000:00/0000:00:07.0/usb2/2-{port}"
        machine.write(directory, idVendor="46f4", idProduct="0001", serial=serial)
    assert stick.exists()
    machine.disk(
        "sr0", (11, 0), 1073741312, f"{PCI}/ata5/host4/target4:0:0/4:0:0:0",
        {**scsi, "model": "QEMU DVD-ROM    ", "type": 5}, removable=1, ro=1,
    )  # fmt: skip
    nvme = "pci0000:00/0000:00:06.0/nvme/nvme0"
    machine.disk(
        "nvme0n1", (259, 0), 64 << 20, f"{nvme}/nvme0n1", nsid=1, queue__rotational=0,
        wwid="nvme.1b36-4e564d45544553543031-51454d55204e564d65204374726c-00000001",
    )  # fmt: skip
    machine.write(
        machine.sys / "devices" / nvme, model="QEMU NVMe Ctrl" + " " * 26, serial="NVMETEST01          ", state="live",
        firmware_rev="7.2.22",
    )  # fmt: skip
    (machine.sys / "block/nvme0n1/device").symlink_to(machine.sys / "devices" / nvme)
    machine.disk("loop0", (7, 0), 10 << 20, "virtual/block/loop0", loop__backing_file="/images/one", loop__offset=0)
    machine.disk("loop1", (7, 1), 10 << 20, "virtual/block/loop1", loop__backing_file="/images/two", ro=1)
    machine.disk("loop2", (7, 2), 0, "virtual/block/loop2")
    machine.disk("zram0", (251, 0), 16 << 20, "virtual/block/zram0")
    machine.disk("md0", (9, 0), 66060288, "virtual/block/md0", md__level="raid1", md__array_state="read-auto")
    machine.disk(
        "dm-0", (252, 0), 20 << 20, "virtual/block/dm-0", node=False, dm__name="vg0-lv0", dm__uuid="LVM-abcdef", ro=0
    )
    (machine.dev / "mapper").mkdir()
    (machine.dev / "mapper" / "vg0-lv0").write_text("252:0")
    machine.holds("sdc", "md0")
    machine.holds("sdd", "md0")
    machine.holds("nvme0n1", "dm-0")
    for link, name in (
        ("ata-TESTDISK_HDD_64M_WD-TEST0001", "sda"), ("wwn-0x50014ee0deadbeef", "sda"),
        ("ata-TESTDISK_HDD_64M_WD-TEST0001-part1", "sda1"), ("usb-QEMU_QEMU_HARDDISK_USBSTICK77-0:0", "sdh"),
    ):  # fmt: skip
        machine.link(link, name)
    machine.mount("/m", (8, 1), "ext4", "/dev/sda1")
    machine.swap(str(machine.dev / "sda2"), "partition", 33792)
    machine.swap(str(machine.dev / "zram0"), "partition", 16384)
    return machine
