"""This very machine: loop devices, mounts, swap and hangs, compared with what the system's own tools say."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from engine.devices import discover, find_device, identify
from engine.devices.drive_state import Condition, judge, look
from engine.devices.health import read_health
from engine.devices.health_report import Verdict
from engine.devices.identity import Grade, compare
from engine.devices.probe import Place, compare_places, safest_places, try_open
from engine.devices.uevents import Uevents
from engine.devices.watch import wait_for
from engine.errors import RefusedError
from engine.host import Roots
from tests.failing_disk import FailingDisk, Hang, LoopDevice, attach_loop, make_image
from tests.support import find_tool, needs_fuse, needs_loop, needs_tool

ROOT = Path(__file__).parents[3]


def sh(*argv: str | Path, check: bool = True) -> str:
    program = find_tool(str(argv[0])) or str(argv[0])
    done = subprocess.run([program, *map(str, argv[1:])], capture_output=True, text=True, timeout=60, check=False)
    assert not check or done.returncode == 0, f"{argv}: {done.stderr}"
    return done.stdout


@pytest.fixture
def image(tmp_path: Path) -> Path:
    return make_image(tmp_path / "image", 16 << 20)


@pytest.fixture
def loop(image: Path):
    needs_loop()
    with attach_loop(image, read_only=False) as device:
        yield device


def device_of(loop: LoopDevice):
    found = find_device(str(loop.path))
    assert found is not None
    return found


def test_every_disk_agrees_with_lsblk():
    needs_tool("lsblk")
    columns = "NAME,KNAME,MAJ:MIN,TYPE,SIZE,RO,RM,ROTA,LOG-SEC,PHY-SEC,SERIAL,MOUNTPOINTS"
    said = json.loads(sh("lsblk", "-J", "-b", "-a", "-o", columns))["blockdevices"]
    ours = {device.name: device for device in discover(everything=True)}
    for row in said:
        device = ours.get(row["kname"])
        if device is None or row["type"] == "loop":  # others attach and detach loop devices at this moment
            continue
        assert device.size == int(row["size"] or 0)
        assert device.kind == row["type"] or device.kind in ("zram", "ram")
        assert f"{device.devno[0]}:{device.devno[1]}" == row["maj:min"]
        assert (device.read_only, device.removable, device.rotational) == (row["ro"], row["rm"], row["rota"])
        assert (device.logical_sector, device.physical_sector) == (row["log-sec"], row["phy-sec"])
        if row["serial"]:
            assert device.serial == row["serial"]
        mounted = {point for point in row["mountpoints"] if point and point.startswith("/")}
        assert mounted <= set(device.mounted_at)
    assert {row["kname"] for row in said if row["type"] == "disk"} <= set(ours)


def test_the_disk_of_the_root_file_system_is_fenced():
    devno = os.stat("/").st_dev
    if os.major(devno) == 0:
        pytest.skip("the root file system has no device of its own here")
    disks = [device for device in discover(everything=True) if "/" in device.system]
    assert disks
    assert all(device.is_system and device.headline.startswith("system disk") for device in disks)


def test_listing_opens_no_disk(loop, tmp_path):
    needs_tool("strace")
    trace = tmp_path / "trace"
    argv = [sys.executable, "-m", "tui", "devices", "--all", "--json"]
    done = subprocess.run(
        [find_tool("strace") or "", "-f", "-qq", "-o", trace, "-e", "trace=%file,ioctl", *argv],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if "ptrace" in done.stderr:
        pytest.skip("tracing is not permitted here")
    names = {device["path"] for device in json.loads(done.stdout)["devices"]}
    assert str(loop.path) in names
    opens = [line for line in trace.read_text().splitlines() if "open" in line and any(f'"{n}"' in line for n in names)]
    assert opens == []


def test_a_loop_device(loop, image):
    device = device_of(loop)
    assert (device.kind, device.transport, device.size) == ("loop", "loop", 16 << 20)
    assert (device.backing_file, device.uses, device.is_system) == (str(image), (), False)
    assert (device.node, device.readable) == (True, True)
    assert device.name in {found.name for found in discover()}


def test_a_loop_device_with_4096_byte_sectors(image):
    needs_loop()
    with attach_loop(image, sector_size=4096) as loop:
        device = device_of(loop)
        assert (device.logical_sector, device.size, device.read_only) == (4096, 16 << 20, True)
        opened = try_open(str(loop.path))
        assert (opened.code, opened.size, opened.sector_size) == ("ok", 16 << 20, 4096)


def test_a_partition_mounted_and_as_swap(loop, tmp_path):
    for tool in ("addpart", "delpart", "mkfs.ext4", "mkswap", "swapon"):
        needs_tool(tool)
    try:
        sh("addpart", loop.path, "1", "2048", "8192")
        sh("addpart", loop.path, "2", "12288", "8192")
        _use_partitions(loop, tmp_path)
    finally:  # a loop device keeps them when it is detached, for whoever gets its name next
        for number in ("1", "2"):
            sh("delpart", loop.path, number, check=False)


def _use_partitions(loop: LoopDevice, tmp_path: Path) -> None:
    first, second = Path(f"{loop.path}p1"), Path(f"{loop.path}p2")
    sh("mkfs.ext4", "-q", first)
    sh("mkswap", second)
    point = tmp_path / "mount point"
    point.mkdir()
    device = device_of(loop)
    assert [(part.number, part.start, part.size) for part in device.partitions] == [
        (1, 1 << 20, 4 << 20), (2, 6 << 20, 4 << 20),
    ]  # fmt: skip
    assert not device.in_use
    known = identify(first)
    assert known is not None
    assert (known.partition, known.size_bytes) == (1, 4 << 20)
    sh("mount", first, point)
    try:
        device = device_of(loop)
        assert device.mounted_at == (str(point),)
        assert device.partitions[0].in_use_by == (f"mounted at {point}",)
        assert device.writable_use
        assert try_open(str(loop.path)).busy
        assert try_open(str(first)).busy
        assert not try_open(str(second)).busy
        sh("mount", "-o", "remount,ro", point)
        assert not device_of(loop).writable_use
    finally:
        sh("umount", point)
    sh("swapon", second)
    try:
        device = device_of(loop)
        assert "in use as swap" in device.in_use_by
        assert "swap" in device.system  # and by that the disk of the backing file is the system's too
        assert device.partitions[1].in_use_by == ("in use as swap",)
    finally:
        sh("swapoff", second)
    assert device_of(loop).uses == ()


def test_a_loop_over_a_loop(loop):
    with attach_loop(loop.path) as upper:
        assert device_of(upper).backing_file == str(loop.path)
        assert device_of(loop).in_use_by == (f"attached to the loop device {upper.path} (read-only)",)


def test_unprivileged_sees_the_same_but_may_not_read(loop):
    """Without root everything is listed; only opening is not possible, and that is said."""
    code = """
import json, os, sys
from engine.devices import discover
from engine.devices.uevents import Uevents
def facts():
    return {d.name: [d.size, d.serial, d.model, d.transport, list(d.mounted_at), d.readable] for d in discover()}
facts()  # loads what is loaded late, while we still may read it
os.setgroups([]); os.setgid(65534); os.setuid(65534)
with Uevents() as events:
    print(json.dumps({"facts": facts(), "listening": events.listening}))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    said = json.loads(done.stdout)
    assert said["listening"]
    device = device_of(loop)
    seen = said["facts"][device.name]
    assert seen[:5] == [device.size, device.serial, device.model, device.transport, list(device.mounted_at)]
    assert seen[5] is False
    unreadable = replace(device, readable=False)
    assert unreadable.headline == "no access: needs root"


def test_kernel_messages_tell_of_a_loop(image):
    needs_loop()
    with Uevents() as events:
        if not events.listening:
            pytest.skip("no kernel messages in this container")
        with attach_loop(image) as loop:
            deadline = time.monotonic() + 10
            names: set[str | None] = set()
            while loop.path.name not in names and time.monotonic() < deadline:
                names |= {event.name for event in events.wait(1.0)}
        assert loop.path.name in names


@pytest.fixture
def alone():
    """Other tests' loop devices come and go too: a number that is free for a moment would be theirs."""
    needs_loop()
    with open(Path(tempfile.gettempdir()) / "rescuedeck-loop-tests.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def test_wait_for_a_loop_that_returns_under_another_name(image, tmp_path, alone):
    other = make_image(tmp_path / "other", 16 << 20, seed=2)
    with attach_loop(image) as loop:
        known = identify(loop.path)
        assert known is not None
    with attach_loop(other) as taken:  # takes the name, is of the same size: another drive
        back: list[LoopDevice] = []
        timer = threading.Timer(0.5, lambda: back.append(attach_loop(image)))
        timer.start()
        try:
            found = wait_for(known, 20.0)
        finally:
            timer.join()
            for device in back:
                device.detach()
        assert found.path == str(back[0].path)
        assert found.path != str(taken.path)


def test_the_same_attachment_and_the_next_one(image):
    needs_loop()
    with attach_loop(image) as loop:
        first = identify(loop.path)
        again = identify(loop.path)
        assert first is not None
        assert again is not None
        if first.diskseq is not None:
            assert compare(first, again).reason == "it has not been unplugged since"
    with attach_loop(image) as loop:
        later = identify(loop.path)
    assert later is not None
    assert compare(first, later).grade is Grade.SAME
    assert later.diskseq is None or later.diskseq != first.diskseq


def test_detached_loop_is_noticed(image):
    needs_loop()
    with attach_loop(image) as loop:
        name = loop.path.name
        well = look(name)
        assert judge([well]).condition is Condition.RUNNING
    assert judge([well, look(name)]).condition in (Condition.EMPTY, Condition.GONE)


def test_places_prove_the_contents(loop, image):
    data = image.read_bytes()
    offsets = safest_places([(0, 1 << 20), (2 << 20, 10 << 20)])
    places = [Place.of(offset, data[offset : offset + 4096]) for offset in offsets]
    assert len(places) == 2
    assert compare_places(str(loop.path), places) is True
    wrong = replace(places[0], sha256=hashlib.sha256(b"other").hexdigest())
    assert compare_places(str(loop.path), [places[1], wrong]) is False
    assert compare_places(str(loop.path), [Place(1 << 40, 4096, "")]) is None
    assert compare_places(str(loop.path) + "-gone", places) is None


@pytest.mark.parametrize(
    ("areas", "count", "expected"),
    [
        ([], 2, []),
        ([(0, 4096)], 2, []),  # no middle
        ([(0, 12288)], 1, [4096]),
        ([(0, 1 << 20)], 2, [348160, 696320]),
        ([(0, 1 << 20), (1 << 30, (1 << 30) + (1 << 24))], 2, [(1 << 30) + (1 << 23), 1 << 19]),
    ],
)
def test_places_lie_inside_the_largest_areas(areas, count, expected):
    assert safest_places(areas, count=count) == expected


def test_opening_what_is_not_there(tmp_path):
    assert try_open(str(tmp_path / "nothing")).code == "missing"
    (tmp_path / "file").write_bytes(b"x")
    assert not try_open(str(tmp_path / "file")).ok


def test_smartctl_on_a_loop_tells_that_it_knows_nothing(loop):
    needs_tool("smartctl")
    health = read_health(str(loop.path))
    assert health.verdict is Verdict.UNKNOWN
    assert health.exit_status != 0
    assert health.reasons[0]


def test_a_hung_drive_is_told_and_not_asked(image):
    """A read that hangs behind a real loop device: sysfs shows it, no question is put, the probe gives up in time."""
    needs_loop()
    needs_fuse()
    with FailingDisk(image, [Hang(offset=4 << 20, size=4096, times=1)], loop=True) as disk:
        name = Path(disk.device).name
        looks = [look(name)]
        reader = subprocess.Popen(
            [sys.executable, "-c", "import os, sys; os.pread(os.open(sys.argv[1], 0), 4096, 4 << 20)", disk.device],
            stderr=subprocess.DEVNULL,
        )
        try:
            disk.wait_state("hung", 20)
            deadline = time.monotonic() + 20
            while judge(looks, hang_after_s=1.0).condition is not Condition.HUNG and time.monotonic() < deadline:
                time.sleep(0.2)
                looks.append(look(name))
            verdict = judge(looks, hang_after_s=1.0)
            assert verdict.condition is Condition.HUNG
            assert "no answer" in verdict.reasons[0]
            with pytest.raises(RefusedError) as caught:
                read_health(disk.device)
            assert caught.value.code == "drive-ill"
            places = [Place(8 << 20, 4096, "00")]
            assert compare_places(str(disk.device), places, timeout_s=1.0) is None
            assert find_device(str(disk.device)) is not None  # listing goes on beside a hang
        finally:
            disk.power_cycle()
            reader.wait(30)


def test_drive_with_an_identity_comes_back_as_another(image):
    """The failing disk's own /sys and /dev: it returns under another name; then a stranger returns in its place."""
    needs_fuse()
    from tests.failing_disk import Power, Profile, Return

    power = Power(rename=True, returns={2: Return(identity={"serial": "STRANGER", "wwn": "0x5000c500ffffffff"})})
    with FailingDisk(image, Profile(power=power)) as disk:
        mount = Path(disk.mount)
        numbers: dict[str, int] = {}

        def devno_of(path):
            real = os.path.realpath(path)
            inside = real.startswith(str(mount)) and os.path.isfile(real)
            return (0, numbers.setdefault(real, len(numbers) + 1)) if inside else None

        roots = Roots(sys=mount / "sys", dev=mount / "dev", devno_of=devno_of)

        def devices():
            return discover(roots, everything=True, lsblk_program=None)

        known = devices()[0].identity
        assert known.by_id
        disk.power_cycle()
        found = wait_for(known, 10.0, roots=roots, list_devices=devices)
        assert found.device is not None
        assert found.device.name != known.first_seen_name
        assert found.grade is Grade.SAME
        disk.power_cycle()
        from engine.devices.identity import find

        assert find(known, devices()).grade is Grade.DIFFERENT
