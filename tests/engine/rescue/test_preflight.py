"""The checks before a rescue starts: each refusal, each override, on recorded machines, files and real loop devices."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.devices import identify
from engine.devices.probe import Opened
from engine.devices.target import confirmation_word
from engine.errors import RefusedError
from engine.host import space
from engine.mapfile import Mapfile, hold_map, write_map
from engine.rescue.preflight import Machine, Severity, preflight, raise_if_refused, refused
from tests.engine.machine import FakeMachine, recorded_machine, sata
from tests.failing_disk import attach_loop, make_image
from tests.support import find_tool, needs_loop, needs_tool

SIZE = 4 << 20


class Place:
    """A source file, and where image and map would go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source, self.image, self.map = folder / "source", folder / "image", folder / "image.map"
        self.source.write_bytes(bytes(SIZE))

    def check(self, domain_bytes: int | None = None, **more):
        return preflight(self.source, self.image, self.map, domain_bytes, **more)

    def write_map(self, *blocks: tuple[int, int, str]) -> None:
        write_map(self.map, Mapfile.from_blocks(blocks))


@pytest.fixture
def place(tmp_path) -> Place:
    return Place(tmp_path)


def codes(checks, severity=Severity.REFUSE) -> list[str]:
    return [check.code for check in checks if check.severity is severity]


def test_a_fresh_start_from_a_file_is_fine(place):
    checks = place.check()
    assert codes(checks) == []
    assert codes(checks, Severity.OK) == ["source-readable", "three-things", "space", "map-new"]
    assert codes(checks, Severity.NOTE) == ["same-disk-as-file"]
    raise_if_refused(checks)


# -- source


def test_no_source(place):
    place.source.unlink()
    assert "source-missing" in codes(place.check())


def test_a_folder_as_source(place):
    place.source.unlink()
    place.source.mkdir()
    assert "source-kind" in codes(place.check())


def test_a_pipe_as_source(place):
    place.source.unlink()
    os.mkfifo(place.source)
    assert "source-kind" in codes(place.check())


def test_an_empty_source(place):
    place.source.write_bytes(b"")
    assert "source-empty" in codes(place.check())


def test_a_range_beyond_the_source(place):
    assert "domain-outside" in codes(place.check(input_start=SIZE))


# -- three things


@pytest.mark.parametrize("how", ["same", "hard", "soft", "dots"])
@pytest.mark.parametrize(("one", "two"), [("source", "image"), ("source", "map"), ("image", "map")])
def test_the_same_thing_twice(place, how, one, two):
    first, second = getattr(place, one), getattr(place, two)
    if not first.exists():
        first.write_bytes(b"")
    if how == "same":
        setattr(place, two, first)
    elif how == "hard":
        os.link(first, second)
    elif how == "soft":
        second.symlink_to(first)
    else:
        setattr(place, two, place.folder / "x" / ".." / first.name)
    assert "same-thing" in codes(place.check())


def test_names_of_files_that_are_not_there_yet_are_compared_too(place):
    (place.folder / "sub").mkdir()
    (place.folder / "way").symlink_to("sub")
    place.image, place.map = place.folder / "sub" / "new", place.folder / "way" / "new"
    assert "same-thing" in codes(place.check())


# -- image


def test_no_folder_for_the_image(place):
    place.image = place.folder / "nowhere" / "image"
    assert "image-folder" in codes(place.check())


def test_a_folder_as_image(place):
    place.image.mkdir()
    assert "image-kind" in codes(place.check())


def test_not_enough_room(place, monkeypatch):
    real = space.room_at
    monkeypatch.setattr(
        "engine.rescue.preflight.target.room_at", lambda *a: replace(real(*a), free=space.MARGIN + (1 << 20))
    )
    assert "no-space" in codes(place.check())
    assert codes(place.check(sparse=True)) == []
    assert "space-sparse" in codes(place.check(sparse=True), Severity.WARN)
    assert codes(place.check(domain_bytes=1 << 19)) == []  # only a part is wanted
    assert codes(place.check(remaining=4096)) == []  # nearly all is there already


def test_what_an_image_has_on_disk_already_needs_no_room(place, monkeypatch):
    place.write_map((0, SIZE, "+"))
    place.image.write_bytes(os.urandom(SIZE))
    os.sync()
    real = space.room_at
    monkeypatch.setattr(
        "engine.rescue.preflight.target.room_at", lambda *a: replace(real(*a), free=space.MARGIN + (1 << 20))
    )
    assert codes(place.check()) == []
    os.truncate(place.image, 0)
    os.truncate(place.image, SIZE)  # as long as before, but all holes
    assert codes(place.check()) == ["no-space"]


def test_needed_room_is_what_is_missing_and_a_margin():
    assert space.needed_bytes(100 << 20, 0) == (100 << 20) + (1 << 20) + space.MARGIN
    assert space.needed_bytes(100 << 20, 60 << 20) == (40 << 20) + (1 << 20) + space.MARGIN
    assert space.needed_bytes(100 << 20, 1 << 40) == (1 << 20) + space.MARGIN


@pytest.mark.parametrize(
    ("fstype", "size", "refuses"),
    [("vfat", (4 << 30) - 1, False), ("vfat", 4 << 30, True), ("ext3", (2 << 40) + 1, True), ("ext4", 1 << 50, False)],
)
def test_largest_file_of_a_file_system(place, monkeypatch, fstype, size, refuses):
    os.truncate(place.source, size) if size < 1 << 42 else os.truncate(place.source, 1 << 42)
    real, (limit, whose) = space.room_at, space.file_limit(fstype)
    monkeypatch.setattr(
        "engine.rescue.preflight.target.room_at",
        lambda *a: replace(real(*a), fstype=fstype, file_limit=limit, limited_by=whose, free=1 << 60),
    )
    assert ("file-limit" in codes(place.check())) is refuses


def test_the_limit_of_this_process_counts_too(tmp_path):
    code = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
from engine.host.space import room_at
room = room_at(sys.argv[1])
print(room.file_limit, room.limited_by)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-B", "-c", code, tmp_path], cwd=root, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split(" ", 1)[0] == "1048576"


def test_memory_is_no_safe_place():
    if not os.path.isdir("/dev/shm"):
        pytest.skip("no /dev/shm")
    room = space.room_at("/dev/shm/not-there-yet")
    assert room.in_memory
    assert room.free <= room.total


# -- map


def test_an_image_without_its_map(place):
    place.image.write_bytes(b"rescued")
    assert codes(place.check()) == ["image-without-map"]
    assert codes(place.check(adopt_image=True)) == []


def test_an_empty_map_over_an_image(place):
    """What ddrescue leaves behind on a full disk; starting with it would read everything again."""
    place.image.write_bytes(bytes(SIZE))
    place.map.write_bytes(b"")
    bak = place.map.with_name("image.map.bak")
    write_map(bak, Mapfile.from_blocks([(0, 3 << 20, "+"), (3 << 20, 1 << 20, "?")]))
    checks = place.check()
    assert codes(checks) == ["map-empty"]
    advice = refused(checks)[0].advice
    assert "image.map.bak" in advice
    assert "3.0 MiB" in advice
    assert codes(place.check(adopt_image=True)) == []
    place.image.unlink()
    assert codes(place.check()) == []


def test_the_best_earlier_map_of_the_case_is_named(place):
    place.image.write_bytes(bytes(SIZE))
    (place.folder / "maps").mkdir()
    for number, rescued in ((1, 1), (2, 2)):
        blocks = [(0, rescued << 20, "+"), (rescued << 20, SIZE - (rescued << 20), "?")]
        write_map(place.folder / "maps" / f"000{number}.map", Mapfile.from_blocks(blocks))
    (place.folder / "maps" / "0003.map").write_bytes(b"torn")
    found = refused(place.check(case_directory=place.folder))
    assert [check.code for check in found] == ["image-without-map"]
    assert "0002.map" in found[0].advice


def test_a_map_that_is_none(place):
    place.map.write_text("0 ? 1\n0 4096 +\n8192 4096 +\n")
    checks = refused(place.check())
    assert [check.code for check in checks] == ["map-malformed"]
    assert "line 3" in checks[0].message


def test_a_map_of_a_larger_drive(place):
    place.image.write_bytes(bytes(SIZE * 2))
    place.write_map((0, SIZE, "+"), (SIZE, 512, "+"), (SIZE + 512, SIZE, "?"))
    assert "map-past-end" in codes(place.check())
    place.write_map((0, SIZE, "+"), (SIZE, SIZE, "?"))
    checks = place.check()
    assert codes(checks) == []
    assert "map-longer" in codes(checks, Severity.WARN)


def test_a_map_of_a_smaller_drive_or_of_unknown_size(place):
    place.write_map((0, SIZE // 2, "?"))
    assert "map-shorter" in codes(place.check(), Severity.NOTE)
    place.write_map((0, (1 << 63) - 1, "?"))
    checks = place.check()
    assert codes(checks) == codes(checks, Severity.WARN) == []


def test_ddrescue_agrees_about_maps_past_the_end(place):
    """What we refuse, ddrescue refuses; what we only warn of, it accepts."""
    needs_tool("ddrescue")
    place.image.write_bytes(bytes(SIZE * 2))

    def status() -> int:
        argv = [find_tool("ddrescue") or "", "-q", place.source, place.image, place.map]
        return subprocess.run(argv, timeout=60, check=False).returncode

    place.write_map((0, SIZE + 512, "+"), (SIZE + 512, SIZE, "?"))
    assert (codes(place.check()), status()) == (["map-past-end"], 1)
    place.write_map((0, SIZE, "?"), (SIZE, SIZE, "*"))
    assert (codes(place.check()), status()) == ([], 0)


def test_a_map_whose_image_is_lost(place):
    place.write_map((0, SIZE, "+"))
    assert codes(place.check()) == ["image-missing"]
    place.write_map((0, SIZE, "?"))
    assert codes(place.check()) == []


def test_an_image_that_was_cut(place):
    place.write_map((0, SIZE // 2, "+"), (SIZE // 2, SIZE // 2, "?"))
    place.image.write_bytes(bytes(SIZE // 2))
    assert codes(place.check()) == []
    os.truncate(place.image, SIZE // 2 - 1)
    assert codes(place.check()) == ["image-short"]
    assert "image-short" in codes(place.check(sparse=True), Severity.WARN)
    os.truncate(place.image, SIZE // 2)
    assert codes(place.check(input_start=0, output_start=4096)) == ["image-short"]


def test_a_map_held_by_another_process(place):
    code = "import sys\nfrom engine.mapfile.lock import hold_map\nwith hold_map(sys.argv[1], 'a job'):\n"
    code += "    print('held', flush=True)\n    sys.stdin.read()\n"
    root = Path(__file__).parents[3]
    child = subprocess.Popen(
        [sys.executable, "-c", code, place.map], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        checks = refused(place.check())
        assert [check.code for check in checks] == ["map-held"]
        assert "a job" in checks[0].message
    finally:
        child.communicate(timeout=30)
    assert codes(place.check()) == []


def test_our_own_hold_is_no_hindrance(place):
    with hold_map(place.map):
        assert codes(place.check()) == []


def test_a_ddrescue_started_by_hand(place):
    needs_tool("ddrescue")
    other = place.folder / "other"
    child = subprocess.Popen(
        [find_tool("ddrescue") or "", "-q", "--max-read-rate=64Ki", str(place.source), "other", "other.map"],
        cwd=place.folder, stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        while not other.exists():
            assert child.poll() is None
        assert codes(place.check()) == ["source-being-read"]
        place.image = other
        assert "image-being-written" in codes(place.check())
    finally:
        child.terminate()
        child.communicate(timeout=30)


def test_refusals_become_one_error(place):
    place.image.mkdir()
    place.map = place.folder / "no" / "map"
    with pytest.raises(RefusedError) as caught:
        raise_if_refused(place.check())
    assert caught.value.code == "image-kind"
    assert "and 1 more" in caught.value.message


# -- drives, on a recorded machine


class Bench:
    """A recorded machine with a target folder on one of its disks."""

    def __init__(self, folder: Path) -> None:
        self.machine: FakeMachine = recorded_machine(folder)
        sata(self.machine, "sdj", 144, "TARGET-9876", 8, size=8 << 40)
        self.folder = folder / "target"
        self.folder.mkdir()
        self.machine.mount(str(self.folder), (8, 144), "ext4", "/dev/sdj")
        self.answer = Opened("ok", size=64 << 20)
        self.asked: list[str] = []

    def open(self, path: str) -> Opened:
        self.asked.append(path)
        return self.answer

    def known(self, name: str):
        found = identify(self.machine.dev / name, self.machine.roots)
        assert found is not None
        return found

    def check(self, source: str = "sdb", image: str | Path = "image", **more):
        from engine.devices import discover

        roots = self.machine.roots
        machine = Machine(roots, self.open, lambda: discover(roots, everything=True, lsblk_program=None))
        return preflight(
            self.machine.dev / source, self.folder / image, self.folder / "image.map", machine=machine, **more
        )


@pytest.fixture
def bench(tmp_path) -> Bench:
    return Bench(tmp_path)


def test_an_idle_drive_to_another_disk(bench):
    checks = bench.check(known=bench.known("sdb"))
    assert codes(checks) == codes(checks, Severity.WARN) == []
    for code in ("source-identity", "source-idle", "other-disk", "space"):
        assert code in codes(checks, Severity.OK)
    assert bench.asked == [str(bench.machine.dev / "sdb")]


def test_drives_that_cannot_be_opened(bench):
    for code in ("permission", "device-gone", "hung", "io"):
        bench.answer = Opened(code, "some reason")
        found = [check for check in refused(bench.check()) if check.code == "source-unreadable"]
        assert len(found) == 1
        assert "some reason" in found[0].message
    bench.answer = Opened("permission", "cannot open")
    assert "source-idle" in codes(bench.check(), Severity.OK)  # the rest is still looked at


def test_a_drive_in_use(bench):
    assert codes(bench.check("sda")) == ["source-in-use"]
    message = refused(bench.check("sda"))[0].message
    assert "mounted at /m (sda1)" in message
    assert "swap (sda2)" in message
    assert codes(bench.check("sda", allow_in_use=True)) == []
    assert "source-in-use" in codes(bench.check("sda", allow_in_use=True), Severity.WARN)
    assert codes(bench.check("nvme0n1")) == ["source-in-use"]  # a logical volume on it
    bench.answer = Opened("ok", size=30 << 20)
    assert codes(bench.check("sda1")) == ["source-in-use"]


def test_a_drive_mounted_read_only_is_a_warning(bench):
    bench.machine.mount("/ro", (8, 16), "ext4", "/dev/sdb", "ro")
    checks = bench.check()
    assert codes(checks) == []
    assert "source-used" in codes(checks, Severity.WARN)


def test_a_claim_that_nobody_explains(bench):
    bench.answer = Opened("ok", size=64 << 20, busy=True)
    assert codes(bench.check()) == ["source-in-use"]


def test_another_drive_than_the_known_one(bench):
    known = bench.known("sdb")
    assert codes(bench.check(known=replace(known, wwn="0x5000000000000001", diskseq=None))) == ["source-other"]
    assert "source-size" in codes(bench.check(known=replace(known, size_bytes=1 << 20)))
    unsure = replace(bench.known("sdh"), diskseq=None)
    assert codes(bench.check("sdh", known=unsure)) == ["source-unsure"]
    assert codes(bench.check("sdh", known=unsure, allow_unsure=True)) == []
    assert codes(bench.check(known=replace(known, wwn="0x5000000000000001", diskseq=None), allow_unsure=True)) != []


def test_nothing_is_written_to_the_disk_that_is_read(bench):
    bench.answer = Opened("ok", size=8 << 40)
    assert "same-disk" in codes(bench.check("sdj", allow_in_use=True))
    checks = bench.check("sdj", allow_in_use=True, allow_same_disk=True)
    assert "same-disk" in codes(checks, Severity.WARN)
    assert "same-disk" not in codes(checks)


def test_a_partition_and_a_target_beside_it_on_the_same_disk(bench):
    machine = bench.machine
    sata(machine, "sdk", 160, "BOTH", 9)
    machine.partition("sdk", 1, (8, 161), 1 << 20, 8 << 20)
    machine.partition("sdk", 2, (8, 162), 9 << 20, 8 << 20)
    machine.disk("dm-5", (252, 5), 8 << 20, "virtual/block/dm-5", dm__name="luks", dm__uuid="CRYPT-1")
    machine.holds("sdk2", "dm-5")
    machine.mount(str(bench.folder), (252, 5), "ext4", "/dev/mapper/luks")
    bench.answer = Opened("ok", size=8 << 20)
    assert codes(bench.check("sdk1")) == ["same-disk"]
    assert codes(bench.check("sdb")) == []


def test_the_case_folder_on_the_disk_that_is_read(bench, tmp_path):
    case = tmp_path / "case"
    case.mkdir()
    bench.machine.mount(str(case), (8, 16), "ext4", "/dev/sdb", "ro")
    found = [check for check in refused(bench.check(case_directory=case)) if check.code == "same-disk"]
    assert "case folder" in found[0].message


def test_a_target_that_nobody_can_place(bench, tmp_path):
    share = tmp_path / "share"
    share.mkdir()
    bench.machine.mount(str(share), (0, 77), "nfs4", "server:/export")
    checks = bench.check(image=share / "image")
    assert codes(checks) == []
    assert "disk-unknown" in codes(checks, Severity.NOTE)
    assert "target-network" in codes(checks, Severity.NOTE)


def test_a_drive_as_target_must_be_meant(bench):
    target = bench.machine.dev / "sde"
    assert codes(bench.check(image=target)) == ["target-not-confirmed"]
    assert codes(bench.check(image=target, confirmed_target="wrong")) == ["target-not-confirmed"]
    checks = bench.check(image=target, confirmed_target=" SDE ")  # without a serial number the name is typed
    assert codes(checks) == []
    assert "target-device" in codes(checks, Severity.WARN)
    assert codes(bench.check(image=bench.machine.dev / "sdj", confirmed_target="9876")) == ["target-in-use"]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("sda", "target-system"), ("sda1", "target-in-use"), ("sdc", "target-in-use"), ("sdf", "target-read-only"),
        ("loop0", "target-too-small"), ("loop2", "target-empty"), ("sdb", "target-is-source"), ("sdb", "same-thing"),
    ],
)  # fmt: skip
def test_drives_that_are_never_written(bench, target, code):
    from engine.devices import find_device

    device = find_device(str(bench.machine.dev / target), bench.machine.roots)
    assert device is not None
    word = confirmation_word(device)
    assert code in codes(bench.check(image=bench.machine.dev / target, confirmed_target=word))


# -- real loop devices


@pytest.fixture
def loop(tmp_path):
    needs_loop()
    image = make_image(tmp_path / "patient", 16 << 20)
    with attach_loop(image, read_only=False) as device:
        yield device


def test_a_real_loop_device_as_source(loop, tmp_path):
    checks = preflight(loop.path, tmp_path / "image", tmp_path / "map", known=identify(loop.path))
    assert codes(checks) == codes(checks, Severity.WARN) == []
    assert "source-identity" in codes(checks, Severity.OK)


def test_the_file_behind_the_source_as_image(loop, tmp_path):
    checks = preflight(loop.path, loop.backing, tmp_path / "map")
    assert "same-thing" in codes(checks)


def test_a_source_that_is_mounted(loop, tmp_path):
    needs_tool("mkfs.ext4")
    subprocess.run([find_tool("mkfs.ext4") or "", "-q", "-F", loop.path], check=True, timeout=60)
    point = tmp_path / "point"
    point.mkdir()
    subprocess.run(["mount", loop.path, point], check=True, timeout=60)
    try:
        assert "source-in-use" in codes(preflight(loop.path, tmp_path / "image", tmp_path / "map"))
        # the file behind it changes as well
        assert "source-in-use" in codes(preflight(loop.backing, tmp_path / "image", tmp_path / "map"))
        # an image is never written under a mounted file system
        (tmp_path / "source").write_bytes(bytes(4096))
        assert "image-in-use" in codes(preflight(tmp_path / "source", loop.backing, tmp_path / "map"))
        # nor onto the drive that is read
        assert "same-disk" in codes(preflight(loop.path, point / "image", point / "map", allow_in_use=True))
    finally:
        subprocess.run(["umount", point], check=True, timeout=60)


def test_an_image_that_is_attached(tmp_path):
    needs_loop()
    source = make_image(tmp_path / "source", 1 << 20)
    image = make_image(tmp_path / "image", 1 << 20)
    write_map(tmp_path / "map", Mapfile.from_blocks([(0, 1 << 20, "?")]))
    with attach_loop(image, read_only=True):
        checks = preflight(source, image, tmp_path / "map")
        assert codes(checks) == []
        assert "image-loop" in codes(checks, Severity.NOTE)
    with attach_loop(image, read_only=False):
        assert "image-loop" in codes(preflight(source, image, tmp_path / "map"), Severity.WARN)


def test_a_real_drive_as_target(loop, tmp_path):
    source = make_image(tmp_path / "source", 1 << 20)
    refusals = codes(preflight(source, loop.path, tmp_path / "map"))
    assert refusals == ["target-not-confirmed"]
    assert codes(preflight(source, loop.path, tmp_path / "map", confirmed_target=loop.path.name)) == []
