"""Discovery on recorded machines: every transport, every way of being in use, with and without lsblk and udev."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.devices import Device, Identity, discover, find_device, identify
from engine.devices.lsblk import COLUMNS, list_blocks, parse_listing
from engine.devices.sysfs import normal_wwn
from engine.errors import OutsideError, UsageError
from engine.tools import Finished
from tests.engine.machine import FakeMachine, recorded_machine, sata, vpd80

DATA = Path(__file__).parents[2] / "data" / "devices"


def answering(*names: str):
    """A run that answers like lsblk with these recordings, their rows put together."""
    rows = [row for name in names for row in json.loads((DATA / name).read_text())["blockdevices"]]

    def run(argv, *, timeout_s, stdin=None):
        return Finished(0, json.dumps({"blockdevices": rows}), "")

    return run


@pytest.fixture
def machine(tmp_path: Path) -> FakeMachine:
    return recorded_machine(tmp_path)


def listed(machine: FakeMachine, **more) -> dict[str, Device]:
    more.setdefault("lsblk_program", None)
    return {device.name: device for device in discover(machine.roots, **more)}


def test_sysfs_alone_tells_most(machine):
    found = listed(machine)
    assert list(found) == [
        "sda", "sdb", "sdc", "sdd", "sde", "sdf", "sdg", "sdh", "sr0", "nvme0n1", "md0", "dm-0", "loop0", "loop1",
    ]  # fmt: skip
    sda = found["sda"]
    assert (sda.model, sda.vendor, sda.serial, sda.serial_source) == ("TESTDISK HDD 64M", None, "WD-TEST0001", "drive")
    assert (sda.wwn, sda.transport, sda.hctl, sda.state) == ("0x50014ee0deadbeef", "sata", "0:0:0:0", "running")
    assert sda.by_id == ("ata-TESTDISK_HDD_64M_WD-TEST0001", "wwn-0x50014ee0deadbeef")
    assert sda.port is not None
    assert (sda.port.text, sda.port.ata, sda.port.scsi_host) == ("0000:00:1f.2 ata1 0:0:0", "ata1", "host0")
    assert [(p.name, p.number, p.start, p.size) for p in sda.partitions] == [
        ("sda1", 1, 1 << 20, 30 << 20), ("sda2", 2, 31 << 20, 33 << 20),
    ]  # fmt: skip
    assert all("lsblk" in device.notes[0] for device in found.values())


@pytest.mark.parametrize(
    ("name", "transport", "size", "sectors", "serial"),
    [
        ("sde", "virtio", 64 << 20, (4096, 4096), None),  # sysfs counts 512-byte units on a 4Kn disk too
        ("sdf", "virtio", 3298534883328, (512, 4096), None),
        ("sdg", "usb", 64 << 20, (512, 512), "27842-0000:00:07.0-2"),
        ("sdh", "usb", 64 << 20, (512, 512), "USBSTICK77"),
        ("nvme0n1", "nvme", 64 << 20, (512, 512), "NVMETEST01"),
        ("loop0", "loop", 10 << 20, (512, 512), None),
    ],
)
def test_each_transport(machine, name, transport, size, sectors, serial):
    device = listed(machine)[name]
    assert (device.transport, device.size, device.serial) == (transport, size, serial)
    assert (device.logical_sector, device.physical_sector) == sectors


def test_details_of_usb_nvme_optical_and_loop(machine):
    found = listed(machine)
    assert (found["sdg"].removable, found["sdg"].hotplug, found["sdg"].serial_source) == (False, True, "usb")
    assert found["sdg"].port.usb == "2-2"
    assert found["sdg"].port.text == "0000:00:07.0 2-2:1.0 0:0:0"
    assert (found["sdh"].removable, found["sdh"].hotplug) == (True, True)
    assert (found["nvme0n1"].model, found["nvme0n1"].state, found["nvme0n1"].rotational) == (
        "QEMU NVMe Ctrl", "live", False,
    )  # fmt: skip
    assert found["nvme0n1"].port.text == "0000:00:06.0 namespace 1"
    assert found["nvme0n1"].wwn.startswith("nvme.1b36-")
    assert (found["sr0"].kind, found["sr0"].read_only) == ("rom", True)
    assert (found["loop1"].kind, found["loop1"].backing_file, found["loop1"].read_only) == ("loop", "/images/two", True)
    assert (found["dm-0"].kind, found["dm-0"].slaves) == ("lvm", ("nvme0n1",))
    assert found["dm-0"].path == str(machine.dev / "mapper" / "vg0-lv0")
    assert found["md0"].kind == "raid1"


def test_what_uses_each(machine):
    found = listed(machine, everything=True)
    assert found["sda"].mounted_at == ("/m",)
    assert found["sda"].in_use_by == ("mounted at /m", "in use as swap")
    assert [part.in_use_by for part in found["sda"].partitions] == [("mounted at /m",), ("in use as swap",)]
    assert found["sda"].headline == "system disk: swap"
    assert found["sdc"].in_use_by == ("part of the RAID array md0 (raid1, read-auto)",)
    assert not found["sdc"].writable_use
    assert found["nvme0n1"].in_use_by == ("part of the logical volume vg0-lv0",)
    assert found["zram0"].in_use_by == ("in use as swap",)
    assert found["sdb"].uses == ()
    assert found["sdb"].headline == ""


def test_a_mount_far_up_is_seen_on_the_disk(machine):
    machine.mount("/data here", (252, 0), "xfs", "/dev/mapper/vg0-lv0", "ro,relatime", "ro")
    found = listed(machine)
    assert found["nvme0n1"].mounted_at == ("/data here",)
    assert found["dm-0"].in_use_by == ("mounted at /data here (read-only)",)
    assert "mounted at /data here (read-only) (dm-0)" in found["nvme0n1"].warnings


def test_loop_over_a_disk_is_a_use_of_it(machine):
    machine.disk("loop3", (7, 3), 1 << 20, "virtual/block/loop3", loop__backing_file=str(machine.dev / "sdb"))
    machine.mount("/x", (7, 3), "ext4", "/dev/loop3")
    found = listed(machine)
    assert found["sdb"].mounted_at == ("/x",)
    assert f"attached to the loop device {machine.dev / 'loop3'}" in found["sdb"].in_use_by


def test_system_disks_are_fenced_through_every_layer(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sda", 0, "A", 1)
    sata(machine, "sdb", 16, "B", 2)
    sata(machine, "sdc", 32, "C", 3)
    machine.partition("sda", 1, (8, 1), 1 << 20, 30 << 20)
    machine.partition("sda", 2, (8, 2), 31 << 20, 30 << 20)
    machine.disk("md0", (9, 0), 1 << 20, "virtual/block/md0", md__level="raid1")
    machine.disk("dm-0", (252, 0), 1 << 20, "virtual/block/dm-0", dm__name="vg-root", dm__uuid="CRYPT-x")
    for low, high in (("sda2", "md0"), ("sdb", "md0"), ("md0", "dm-0")):
        machine.holds(low, high)
    machine.mount("/", (252, 0), "ext4", "/dev/mapper/vg-root")
    case = tmp_path / "case"
    case.mkdir()
    machine.mount(str(case), (8, 32), "ext4", "/dev/sdc")
    found = listed(machine, keep=[case])
    assert "/" in found["sda"].system
    assert "/" in found["sdb"].system
    assert "/" in found["dm-0"].system
    assert found["sdc"].system == ("the case",)
    assert [part.system != () for part in found["sda"].partitions] == [False, True]
    assert found["sda"].headline.startswith("system disk: /")


def test_live_system_on_a_stick(tmp_path):
    """Overlay over a loop over a file on the stick: the stick is the system's disk."""
    machine = FakeMachine(tmp_path)
    sata(machine, "sdb", 16, "STICK", 2)
    machine.partition("sdb", 1, (8, 17), 1 << 20, 30 << 20)
    medium, lower = tmp_path / "run/live/medium", tmp_path / "run/live/lower"
    medium.mkdir(parents=True)
    lower.mkdir()
    (medium / "filesystem.squashfs").write_bytes(b"hsqs")
    backing = medium / "filesystem.squashfs"
    machine.disk("loop0", (7, 0), 1 << 20, "virtual/block/loop0", loop__backing_file=backing, ro=1)
    machine.mount(str(medium), (8, 17), "vfat", "/dev/sdb1", "ro")
    machine.mount(str(lower), (7, 0), "squashfs", "/dev/loop0", "ro")
    machine.mount("/", (0, 40), "overlay", "overlay", "rw", f"rw,lowerdir={lower},upperdir={tmp_path}/cow,workdir=/w")
    (tmp_path / "cow").mkdir()
    machine.mount(str(tmp_path / "cow"), (0, 41), "tmpfs", "tmpfs")
    found = listed(machine)
    assert "/" in found["sdb"].system
    assert "/" in found["loop0"].system


def test_btrfs_on_two_disks(machine):
    machine.mount("/pool", (0, 55), "btrfs", str(machine.dev / "sde"))
    members = machine.sys / "fs" / "btrfs" / "0000-1111" / "devices"
    members.mkdir(parents=True)
    for name in ("sde", "sdf"):
        (members / name).symlink_to(machine.sys / "block" / name)
    found = listed(machine)
    assert found["sde"].mounted_at == found["sdf"].mounted_at == ("/pool",)


def test_lsblk_adds_what_only_udev_knows(machine):
    found = listed(
        machine, run=answering("lsblk-transports.json", "lsblk-claims.json"), lsblk_program="/usr/bin/lsblk"
    )
    assert found["sdf"].serial == "BIG3T"
    assert found["sdf"].serial_source == "udev"
    assert found["sde"].serial == "SCSI4K99"
    assert (found["sdg"].hotplug, found["sda"].hotplug) == (True, False)
    assert found["sda"].notes == ()
    recorded = json.loads((DATA / "lsblk-transports.json").read_text())["blockdevices"]
    for row in recorded:
        device = found[row["name"]]
        assert (device.size, device.read_only, device.removable) == (row["size"], row["ro"], row["rm"])
        assert (device.logical_sector, device.physical_sector) == (row["log-sec"], row["phy-sec"])
        assert device.hctl == row["hctl"]
        assert device.wwn == row["wwn"]
        assert device.state == row["state"]
        assert device.transport == row["tran"] or row["tran"] is None
        if row["serial"] is not None and device.name != "sr0":
            assert device.serial == row["serial"]


def test_signatures_come_from_lsblk(machine):
    found = listed(machine, run=answering("lsblk-claims.json"), lsblk_program="lsblk")
    assert found["sda"].partitions[0].filesystem == "ext4"
    assert found["sda"].partitions[1].filesystem == "swap"
    assert found["nvme0n1"].filesystem == "LVM2_member"


def test_unknown_columns_are_left_out_and_asked_again():
    asked = []

    def old_lsblk(argv, *, timeout_s, stdin=None):
        columns = argv[-1].split(",")
        asked.append(columns)
        for unknown in ("SUBSYSTEMS", "HOTPLUG"):
            if unknown in columns:
                return Finished(1, "", f"lsblk: unknown column: {unknown},X\n".replace(",X", ""))
        row = {"kname": "sda", "maj:min": "8:0", "rm": "0", "ro": "1", "serial": " ABC "}
        return Finished(0, json.dumps({"blockdevices": [row]}), "")

    listing = list_blocks("lsblk", old_lsblk)
    assert [len(columns) for columns in asked] == [len(COLUMNS), len(COLUMNS) - 1, len(COLUMNS) - 2]
    assert listing.note is None
    assert listing.rows[8, 0]["serial"] == " ABC "


@pytest.mark.parametrize(
    "answer",
    [
        Finished(1, "", "lsblk: something else\n"),
        Finished(0, "no json", ""),
        Finished(0, '{"blockdevices": 7}', ""),
        Finished(0, "[]", ""),
        Finished(1, "", "lsblk: unknown column: NEVER-ASKED\n"),
    ],
)
def test_a_strange_lsblk_costs_facts_only(machine, answer):
    found = listed(machine, run=lambda argv, *, timeout_s, stdin=None: answer, lsblk_program="lsblk")
    assert found["sda"].serial == "WD-TEST0001"
    assert "file system types are not known" in found["sda"].notes[0]


def test_a_stuck_lsblk_costs_facts_only(machine):
    def stuck(argv, *, timeout_s, stdin=None):
        raise OutsideError("lsblk did not answer within 10 s", code="timeout")

    found = listed(machine, run=stuck, lsblk_program="lsblk")
    assert "did not answer" in found["sda"].notes[0]


def test_rows_of_any_shape_are_survived():
    rows = [None, 7, {"maj:min": 5}, {"maj:min": "x:y"}, {"maj:min": "8:0", "children": "none"}, {"maj:min": "8:0"}]
    assert list(parse_listing(json.dumps({"blockdevices": rows})).rows) == [(8, 0)]


def test_520_byte_sectors_show_as_a_disk_without_size(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sdb", 16, "NETAPP520", 1, size=0)
    device = listed(machine)["sdb"]
    assert device.size == 0
    assert "520" in device.headline


def test_empty_card_reader_is_listed_empty_slots_are_not(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sdc", 32, "READER", 1, size=0, removable=1)
    machine.disk("nbd0", (43, 0), 0, "virtual/block/nbd0")
    machine.disk("ram0", (1, 0), 4 << 20, "virtual/block/ram0")
    machine.disk("loop0", (7, 0), 0, "virtual/block/loop0")
    assert {name: device.headline for name, device in listed(machine).items()} == {"sdc": "no medium"}
    assert set(listed(machine, everything=True)) == {"sdc", "nbd0", "ram0", "loop0"}


def test_snaps_are_left_out(tmp_path):
    machine = FakeMachine(tmp_path)
    machine.disk(
        "loop7", (7, 7), 4 << 20, "virtual/block/loop7", loop__backing_file="/var/lib/snapd/snaps/core20_1.snap"
    )
    assert listed(machine) == {}
    assert set(listed(machine, everything=True)) == {"loop7"}


def test_many_disks_are_listed_quickly(tmp_path):
    """Work grows with the number of disks, not with its square: 200 disks read at most twice the files of 2 x 100."""
    opened = []

    def count(disks: int) -> int:
        machine = FakeMachine(tmp_path / str(disks))
        for number in range(disks):
            machine.disk(f"loop{number}", (7, number), 1 << 20, f"virtual/block/loop{number}", loop__backing_file="/x")
        opened.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("builtins.open", lambda *a, real=open, **k: (opened.append(a[0]), real(*a, **k))[1])
            assert len(listed(machine)) == disks
        return len(opened)

    assert count(200) <= 2 * count(100) + 10


def test_container_shows_disks_without_a_node_or_udev(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sda", 0, "HOST-DISK", 1, node=False)
    device = listed(machine)["sda"]
    assert not device.node
    assert device.by_id == ()
    assert "no device node here (container?)" in device.warnings


def test_a_node_of_another_device_is_not_taken_for_it(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sda", 0, "ONE", 1)
    (machine.dev / "sda").write_text("8:16")
    assert not listed(machine)["sda"].node


def test_offline_disk_says_so_first(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sda", 0, "ONE", 1, device={"state": "offline", "ioerr_cnt": "0x1f"})
    device = listed(machine)["sda"]
    assert device.headline == "the kernel says: offline"
    assert "31 failed commands since it was attached" in device.warnings


def test_odd_kernel_names(tmp_path):
    machine = FakeMachine(tmp_path)
    machine.disk("cciss!c0d0", (104, 0), 1 << 30, "pci0000:00/0000:00:09.0/cciss0/disk0", {"model": "LOGICAL VOLUME"})
    device = listed(machine)["cciss!c0d0"]
    assert device.path == str(machine.dev / "cciss" / "c0d0")
    assert device.node


def test_no_sys_no_proc_at_all(tmp_path):
    assert discover(FakeMachine(tmp_path / "m").roots.__class__(tmp_path, tmp_path, tmp_path), lsblk_program=None) == []


def test_find_device_by_node_link_name_and_partition(machine):
    for text in (
        str(machine.dev / "sda"), "sda", "wwn-0x50014ee0deadbeef", str(machine.dev / "sda1"),
        str(machine.dev / "disk/by-id/ata-TESTDISK_HDD_64M_WD-TEST0001-part1"),
    ):  # fmt: skip
        device = find_device(text, machine.roots)
        assert device is not None
        assert device.name == "sda"
    with pytest.raises(OutsideError):
        find_device("sdz", machine.roots)
    with pytest.raises(UsageError):
        find_device(str(machine.proc / "swaps"), machine.roots)


def test_identify_a_partition(machine):
    known = identify(machine.dev / "sda2", machine.roots)
    assert known is not None
    assert (known.partition, known.partition_start, known.size_bytes) == (2, 31 << 20, 33 << 20)
    assert (known.disk_bytes, known.serial) == (64 << 20, "WD-TEST0001")
    assert known.words == "partition 2 of TESTDISK HDD 64M, serial WD-TEST0001, 33.0 MiB"


def test_an_unknown_size_is_not_told_as_none():
    assert Identity.from_facts({"model": "TESTDISK", "serial": "X1"}).words == "TESTDISK, serial X1"


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("naa.50014ee0deadbeef", "0x50014ee0deadbeef"),
        ("0x5000C500AABBCCDD", "0x5000c500aabbccdd"),
        ("eui.0025385b11b02d3e", "eui.0025385b11b02d3e"),
        ("t10.ATA     SOME DISK   SERIAL", None),
        ("naa.0000000000000000", None),
        ("eui.0000000000000000", None),
        ("", None),
    ],
)
def test_world_wide_names(text, normal):
    assert normal_wwn(text) == normal


def test_a_cut_serial_page_is_survived(tmp_path):
    machine = FakeMachine(tmp_path)
    sata(machine, "sda", 0, "x", 1, device={"vpd_pg80": vpd80("ABCDEF")[:6]})
    sata(machine, "sdb", 16, "x", 2, device={"vpd_pg80": b"\0\x80\xff\xff" + b"\x1b[31m\xff"})
    found = listed(machine)
    assert found["sda"].serial == "AB"
    assert found["sdb"].serial == "\x1b[31m\\xff"  # safe_text's work, at the border
