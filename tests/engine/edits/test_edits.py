"""Edits: nothing is written that was not shown, everything can be taken back, a crash leaves both ways open."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.edits import Draft, Lift, State, Write, WritePlan, apply_plan, examine, read_journal, undo, unfinished
from engine.edits.target import Target, open_target
from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource, SplitSource, WindowSource
from tests.support import find_tool, needs_loop, needs_tool

SIZE = 64 << 10


def digest(*paths: Path) -> str:
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "d.img"
    path.write_bytes(random.Random(1).randbytes(SIZE))
    return path


def plan_for(image: Path, *changes: tuple[int, bytes]) -> WritePlan:
    with FileSource(image) as source:
        draft = Draft(source)
        for offset, data in changes:
            draft.put(offset, data, "because")
        return draft.plan("test", "a test")


CHANGES = ((446, b"A" * 66), (512, b"B" * 5000), (40_000, b"C"), (SIZE - 3, b"DDD"))


def test_apply_and_undo_bring_back_every_byte(image: Path, tmp_path: Path) -> None:
    before = image.read_bytes()
    plan = plan_for(image, *CHANGES)
    done = apply_plan(plan, image, undo_dir=tmp_path)
    expected = bytearray(before)
    for offset, data in CHANGES:
        expected[offset : offset + len(data)] = data
    assert image.read_bytes() == bytes(expected)
    journal = read_journal(done.undo_file)
    assert journal.finished
    assert journal.plan == plan
    taken = undo(done.undo_file)
    assert image.read_bytes() == before
    assert taken.before is State.APPLIED
    assert undo(done.undo_file).written == 0
    undo(done.undo_file, forward=True)
    assert image.read_bytes() == bytes(expected)
    assert (os.stat(done.undo_file).st_mode & 0o777) == 0o600


def test_only_sectors_that_change_are_written(image: Path) -> None:
    data = image.read_bytes()
    new = bytearray(data[1024:4096])
    new[600] ^= 1
    new[2000] ^= 1
    plan = plan_for(image, (1024, bytes(new)))
    assert [(write.offset, len(write.new)) for write in plan.writes] == [(1536, 512), (2560, 512)]
    assert not plan_for(image, (0, data)).writes


def test_a_plan_that_changes_nothing_writes_nothing(image: Path, tmp_path: Path) -> None:
    plan = plan_for(image, (0, image.read_bytes()[:100]))
    assert apply_plan(plan, image, undo_dir=tmp_path).undo_file is None
    assert sorted(os.listdir(tmp_path)) == ["d.img"]


def test_refused_when_the_bytes_are_not_those_that_were_shown(image: Path, tmp_path: Path) -> None:
    plan = plan_for(image, *CHANGES)
    with open(image, "r+b") as file:
        file.seek(40_000)
        file.write(b"\x99")
    before = digest(image)
    with pytest.raises(RefusedError, match="not those that were shown"):
        apply_plan(plan, image, undo_dir=tmp_path)
    assert digest(image) == before
    assert sorted(os.listdir(tmp_path)) == ["d.img"]
    with open(image, "ab") as file:
        file.write(b"longer")
    with pytest.raises(RefusedError):
        apply_plan(plan, image, undo_dir=tmp_path)


@pytest.mark.parametrize("size", [SIZE - 512, SIZE + 512])
def test_refused_when_only_the_size_is_another(image: Path, tmp_path: Path, size: int) -> None:
    plan = plan_for(image, (446, b"A" * 66))
    done = apply_plan(plan, image, undo_dir=tmp_path)
    undo(done.undo_file)
    os.truncate(image, size)
    before = digest(image)
    with pytest.raises(RefusedError) as caught:
        apply_plan(plan, image, undo_dir=tmp_path)
    assert caught.value.code == "target-changed"
    with pytest.raises(RefusedError) as caught:
        undo(done.undo_file)
    assert caught.value.code == "target-changed"
    assert digest(image) == before


def test_undo_refuses_when_somebody_else_has_written(image: Path, tmp_path: Path) -> None:
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=tmp_path)
    with open(image, "r+b") as file:
        file.seek(600)
        file.write(b"\x99")
    before = digest(image)
    with pytest.raises(RefusedError) as caught:
        undo(done.undo_file)
    assert caught.value.code == "target-changed"
    assert caught.value.offset == 512
    assert digest(image) == before


def test_holes_are_not_written_to(image: Path) -> None:
    with FileSource(image) as file:
        source = HoleSource(file, RangeSet([(1000, 1001), (SIZE - 1, SIZE)]))
        draft = Draft(source)
        for offset in (512, 999, 1001, 1023, SIZE - 512):
            with pytest.raises(RefusedError) as caught:
                draft.put(offset, b"x", "no")
            assert caught.value.code == "unread"
        draft.put(511, b"x", "beside it")
        draft.put(1024, b"x", "beside it")
        with pytest.raises(ValueError):
            draft.put(SIZE, b"x", "outside")


def test_plans_do_not_overlap_and_stay_inside() -> None:
    one, two = Write(0, b"ab", b"cd", ""), Write(1, b"b", b"e", "")
    for writes in ((one, two), (Write(9, b"ab", b"cd", ""),)):
        with pytest.raises(ValueError):
            WritePlan("x", "x", 10, writes)
    for bad in ((-1, b"a", b"b"), (0, b"", b""), (0, b"a", b"bc")):
        with pytest.raises(ValueError):
            Write(*bad, "")


def test_window_and_split_image(tmp_path: Path, image: Path) -> None:
    data = image.read_bytes()
    pieces = [tmp_path / f"s.{number:03d}" for number in (1, 2, 3)]
    for index, piece in enumerate(pieces):
        piece.write_bytes(data[index * 22_000 : (index + 1) * 22_000])
    before = digest(*pieces)
    with WindowSource(SplitSource.open(pieces[0]), 20_000, 30_000) as source:
        draft = Draft(source)
        draft.put(1990, b"Z" * 20, "over a border")
        draft.put(24_000 - 7, b"Z" * 14, "over another")
        plan = draft.plan("test", "a test")
    done = apply_plan(plan.shifted(20_000, len(data)), pieces[0], undo_dir=tmp_path)
    expected = bytearray(data)
    expected[21_990:22_010] = b"Z" * 20
    expected[43_993:44_007] = b"Z" * 14
    assert b"".join(piece.read_bytes() for piece in pieces) == bytes(expected)
    undo(done.undo_file)
    assert digest(*pieces) == before


def test_an_image_that_was_moved(image: Path, tmp_path: Path) -> None:
    before = digest(image)
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=tmp_path)
    moved = image.rename(tmp_path / "elsewhere.img")
    undo(done.undo_file, target=moved)
    assert digest(moved) == before


# --- the undo file


@pytest.mark.parametrize("cut", [0, 1, 10, 200, 2000])
def test_an_undo_file_that_was_cut_is_told_from_one_that_counts(image: Path, tmp_path: Path, cut: int) -> None:
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=tmp_path)
    whole = done.undo_file.read_bytes()
    done.undo_file.write_bytes(whole[:cut])
    before = digest(image)
    with pytest.raises((DamagedError, NotFoundError)):
        undo(done.undo_file)
    assert digest(image) == before


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 20_000), mask=st.integers(1, 255))
def test_a_damaged_undo_file_never_writes_wrong_bytes(
    tmp_path_factory: pytest.TempPathFactory, place: int, mask: int
) -> None:
    folder = tmp_path_factory.mktemp("undo")
    image = folder / "d.img"
    image.write_bytes(random.Random(1).randbytes(SIZE))
    before = digest(image)
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=folder)
    after = digest(image)
    data = bytearray(done.undo_file.read_bytes())
    data[place % len(data)] ^= mask
    done.undo_file.write_bytes(bytes(data))
    try:
        undo(done.undo_file)
    except (DamagedError, NotFoundError):
        assert digest(image) == after
    else:
        assert digest(image) == before


def test_undo_file_of_other_things(tmp_path: Path) -> None:
    strange = tmp_path / "x.undo"
    for content in (b"", b"hello\n", b"[1, 2]", random.Random(2).randbytes(3000)):
        strange.write_bytes(content)
        with pytest.raises(DamagedError):
            read_journal(strange)
        assert unfinished(tmp_path, tmp_path / "d.img") == []


def test_undo_file_can_be_read_without_us(image: Path, tmp_path: Path) -> None:
    """Length, SHA-256 and JSON a line; old bytes as base64."""
    before = image.read_bytes()
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=tmp_path)
    data = bytearray(image.read_bytes())
    for line in done.undo_file.read_text().splitlines():
        length, checksum, text = line.split(" ", 2)
        assert len(text) == int(length)
        assert hashlib.sha256(text.encode()).hexdigest() == checksum
        record = json.loads(text)
        if record["record"] == "write":
            data[record["offset"] : record["offset"] + record["length"]] = base64.b64decode(record["old"])
    assert bytes(data) == before


# --- crashes


SCRIPT = textwrap.dedent("""
    import sys
    from pathlib import Path
    from engine.edits import Draft, apply_plan, undo
    from engine.source import FileSource
    image, folder, what = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    if what == "undo":
        sys.stdout.write("begin\\n"); sys.stdout.flush()
        undo(next(Path(folder).glob("*.undo")))
    else:
        with FileSource(image) as source:
            draft = Draft(source)
            for offset, data in ((446, b"A" * 66), (512, b"B" * 5000), (40_000, b"C")):
                draft.put(offset, data, "because")
            plan = draft.plan("test", "a test")
        sys.stdout.write("begin\\n"); sys.stdout.flush()
        apply_plan(plan, image, undo_dir=folder)
    sys.stdout.write("done\\n"); sys.stdout.flush()
""")
SCRIPTED = ((446, b"A" * 66), (512, b"B" * 5000), (40_000, b"C"))
ROOT = Path(__file__).parents[3]


def run_killed(image: Path, folder: Path, what: str, call: str, number: int) -> tuple[bool, bool]:
    """Run the script and kill it at the entry of its Nth call; returns (it was killed, it said done)."""
    done = subprocess.run(
        [find_tool("strace") or "strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
         "-e", f"inject={call}:signal=KILL:when={number}", sys.executable, "-c", SCRIPT, str(image), str(folder), what],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    killed = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
    assert killed or done.returncode == 0, done.stderr
    return killed, "done" in done.stdout


CALLS = {"pwrite64": range(1, 5), "fsync": range(1, 9), "write": range(1, 6)}


@pytest.fixture(scope="module")
def strace_works() -> None:
    needs_tool("strace")
    probe = subprocess.run([find_tool("strace") or "strace", "-qq", "-o", "/dev/null", "true"], check=False)
    if probe.returncode:
        pytest.skip("strace may not trace here")


@pytest.mark.usefixtures("strace_works")
@pytest.mark.parametrize(("call", "number"), [(call, number) for call, numbers in CALLS.items() for number in numbers])
def test_killed_anywhere_it_is_old_or_new_or_recoverable(tmp_path: Path, image: Path, call: str, number: int) -> None:
    """At each system call that writes: afterwards the target is whole again, in either direction."""
    old = digest(image)
    fresh = tmp_path / "fresh.img"
    fresh.write_bytes(image.read_bytes())
    (tmp_path / "other").mkdir()
    apply_plan(plan_for(fresh, *SCRIPTED), fresh, undo_dir=tmp_path / "other")
    new = digest(fresh)
    folder = tmp_path / "undo"
    folder.mkdir()
    killed, said = run_killed(image, folder, "apply", call, number)
    if not killed:
        assert digest(image) == new
        return
    if said:
        assert digest(image) == new
    files = list(folder.glob("*.undo"))
    waiting = unfinished(folder, image)
    if digest(image) not in (old, new):
        assert waiting
    if waiting:
        with pytest.raises(RefusedError, match="cut short"):
            apply_plan(plan_for(image, (SIZE - 9, b"other")), image, undo_dir=folder)
        copy = image.read_bytes()
        undo(waiting[0].path, forward=True)
        assert digest(image) == new
        assert not unfinished(folder, image)
        image.write_bytes(copy)
        undo(waiting[0].path)
        assert digest(image) == old
    elif files and digest(image) == new:
        undo(files[0])
        assert digest(image) == old


@pytest.mark.usefixtures("strace_works")
@pytest.mark.parametrize(
    ("call", "number"), [("pwrite64", 1), ("pwrite64", 2), ("pwrite64", 3), ("fsync", 2), ("fsync", 4)]
)
def test_an_undo_that_was_killed_goes_on(tmp_path: Path, image: Path, call: str, number: int) -> None:
    old = digest(image)
    done = apply_plan(plan_for(image, *SCRIPTED), image, undo_dir=tmp_path)
    killed, _ = run_killed(image, tmp_path, "undo", call, number)
    assert killed
    assert unfinished(tmp_path, image)
    undo(done.undo_file)
    assert digest(image) == old
    assert not unfinished(tmp_path, image)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.booleans(), min_size=130, max_size=130))
def test_any_mixture_of_sectors_is_recoverable(tmp_path_factory: pytest.TempPathFactory, kept: list[bool]) -> None:
    """A power cut may leave any subset of the written sectors: both directions stay open."""
    folder = tmp_path_factory.mktemp("mix")
    image = folder / "d.img"
    old = random.Random(1).randbytes(SIZE)
    image.write_bytes(old)
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=folder)
    new = image.read_bytes()
    mixed = b"".join((new if kept[index] else old)[at : at + 512] for index, at in enumerate(range(0, SIZE, 512)))
    image.write_bytes(mixed)
    with open_target(image) as target:
        state, _ = examine(read_journal(done.undo_file), target)
    assert state is (State.APPLIED if mixed == new else State.UNTOUCHED if mixed == old else State.PARTIAL)
    undo(done.undo_file)
    assert image.read_bytes() == old
    image.write_bytes(mixed)
    undo(done.undo_file, forward=True)
    assert image.read_bytes() == new


def test_write_error_on_the_way_names_the_undo_file(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_for(image, *CHANGES)
    old = digest(image)
    real, calls = os.pwrite, []

    def failing(fd: int, data: bytes, at: int) -> int:
        calls.append(at)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return real(fd, data, at)

    monkeypatch.setattr(os, "pwrite", failing)
    with pytest.raises(Exception, match=r"\.undo"):
        apply_plan(plan, image, undo_dir=tmp_path)
    monkeypatch.undo()
    waiting = unfinished(tmp_path, image)
    assert len(waiting) == 1
    undo(waiting[0].path)
    assert digest(image) == old


@pytest.mark.parametrize("read_back", [b"\0", b"\xff"])
def test_bytes_that_read_back_differently_are_told(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_back: bytes
) -> None:
    """A medium that acknowledges and keeps something else; the undo file is not closed by that."""
    plan = plan_for(image, *CHANGES)
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real(fd, read_back * len(data), at))
    with pytest.raises(DamagedError, match="reads back differently") as caught:
        apply_plan(plan, image, undo_dir=tmp_path)
    assert ".undo" in caught.value.advice
    assert caught.value.offset == 446
    monkeypatch.undo()
    assert len(unfinished(tmp_path, image)) == 1


def test_what_is_read_back_comes_from_the_medium(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page cache would give back what was written, whatever the medium kept."""
    steps: list[str] = []
    real_read, real_write, real_advise = os.pread, os.pwrite, os.posix_fadvise

    def read(fd: int, count: int, at: int) -> bytes:
        if os.path.samestat(os.fstat(fd), os.stat(image)):
            steps.append("read")
        return real_read(fd, count, at)

    def write(fd: int, data: bytes, at: int) -> int:
        steps.append("write")
        return real_write(fd, data, at)

    def advise(fd: int, at: int, size: int, advice: int) -> None:
        steps.append("forget" if (at, size, advice) == (0, 0, os.POSIX_FADV_DONTNEED) else "?")
        real_advise(fd, at, size, advice)

    monkeypatch.setattr(os, "pread", read)
    monkeypatch.setattr(os, "pwrite", write)
    monkeypatch.setattr(os, "posix_fadvise", advise)
    plan = plan_for(image, (0, b"A" * 512))
    steps.clear()
    done = apply_plan(plan, image, undo_dir=tmp_path)
    assert steps == ["read", "write", "forget", "read"]
    steps.clear()
    undo(done.undo_file)
    assert steps[-3:] == ["write", "forget", "read"]


def test_nothing_is_written_before_the_undo_file_is_durable(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_sync, real_write = os.fsync, os.pwrite

    def sync(fd: int) -> None:
        steps.append("sync " + os.path.basename(os.readlink(f"/proc/self/fd/{fd}")))
        real_sync(fd)

    def write(fd: int, data: bytes, at: int) -> int:
        steps.append("write")
        return real_write(fd, data, at)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "pwrite", write)
    done = apply_plan(plan_for(image, *CHANGES), image, undo_dir=tmp_path)
    assert steps[:2] == [f"sync {done.undo_file.name}", f"sync {tmp_path.name}"]
    assert steps[2:-1] == ["write", "sync d.img"] * len(done.plan.writes)
    assert steps[-1] == f"sync {done.undo_file.name}"


@pytest.mark.parametrize("unit", [512, 4096])
def test_a_device_is_written_in_whole_sectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: int) -> None:
    """Read, changed and written back, in pieces of the buffer; a file in the place of the device."""
    monkeypatch.setattr("engine.edits.target._BOUNCE", 8192)
    calls: list[tuple[str, int, int]] = []
    real_read, real_write = os.preadv, os.pwritev

    def read(fd: int, views: list[memoryview], at: int) -> int:
        calls.append(("read", at, len(views[0])))
        return real_read(fd, views, at)

    def write(fd: int, views: list[memoryview], at: int) -> int:
        calls.append(("write", at, len(views[0])))
        return real_write(fd, views, at)

    monkeypatch.setattr(os, "preadv", read)
    monkeypatch.setattr(os, "pwritev", write)
    expected = bytearray(random.Random(3).randbytes(SIZE))
    path = tmp_path / "device"
    path.write_bytes(bytes(expected))
    target = Target(str(path), "device", [(os.open(path, os.O_RDWR), 0, SIZE)], unit)
    try:
        for offset, size in ((0, 1), (446, 66), (511, 2), (4095, 2), (8000, 20_000), (8192, 8192), (SIZE - 3, 3)):
            new = random.Random(size).randbytes(size)
            expected[offset : offset + size] = new
            target.write(offset, new)
            assert target.read(offset, size) == new
            assert target.read(max(0, offset - 700), 700) == bytes(expected[max(0, offset - 700) :][:700])
    finally:
        target.close()
    assert path.read_bytes() == bytes(expected)
    assert all(at % unit == 0 and size % unit == 0 and 0 < size <= 8192 for _, at, size in calls)


def test_half_a_sector_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "device"
    path.write_bytes(bytes(SIZE))
    with open(path, "r+b") as file:
        target = Target(str(path), "device", [(file.fileno(), 0, SIZE)], 512)
        monkeypatch.setattr(os, "pwritev", lambda fd, views, at: len(views[0]) - 1)
        with pytest.raises(OutsideError, match="cannot write at 700"):
            target.write(700, b"x")
        monkeypatch.setattr(os, "preadv", lambda fd, views, at: len(views[0]) - 1)
        monkeypatch.setattr(os, "pwritev", lambda *_: pytest.fail("written without having been read"))
        with pytest.raises(OutsideError, match="cannot write at 700"):
            target.write(700, b"x")
        with pytest.raises(OutsideError, match="ends early") as caught:
            target.read(700, 5)
        assert caught.value.code == "target-changed"


def test_nothing_outside_of_a_target(image: Path) -> None:
    with open_target(image) as target:
        for offset, size in ((-1, 2), (SIZE, 1), (SIZE - 1, 2)):
            with pytest.raises(ValueError, match="outside"):
                target.read(offset, size)
            with pytest.raises(ValueError, match="outside"):
                target.write(offset, bytes(size))
        assert len(target.read(SIZE - 1, 1)) == 1
        os.truncate(image, SIZE - 100)
        with pytest.raises(OutsideError, match="ends early"):
            target.read(SIZE - 200, 150)


def test_short_writes_are_gone_on_with(image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_write, real_read = os.pwrite, os.pread
    plan = plan_for(image, (600, b"B" * 3000))
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real_write(fd, bytes(data[:100]), at))
    monkeypatch.setattr(os, "pread", lambda fd, size, at: real_read(fd, min(size, 70), at))
    apply_plan(plan, image, undo_dir=tmp_path)
    assert image.read_bytes()[600:3600] == b"B" * 3000


def test_an_image_is_held_while_it_is_written(image: Path) -> None:
    with open_target(image), pytest.raises(RefusedError, match="another program holds it"):
        open_target(image)
    open_target(image).close()


# --- who else is there


def test_an_image_that_something_writes_is_refused(image: Path, tmp_path: Path) -> None:
    plan = plan_for(image, *CHANGES)
    child = subprocess.Popen([sys.executable, "-c", f"f = open({str(image)!r}, 'r+b'); print(1, flush=True); input()"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    try:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(RefusedError, match="may be writing"):
            apply_plan(plan, image, undo_dir=tmp_path)
    finally:
        child.communicate(b"\n")
    apply_plan(plan, image, undo_dir=tmp_path)


def test_a_mounted_image_is_refused(tmp_path: Path) -> None:
    needs_loop()
    needs_tool("mkfs.ext4")
    path = tmp_path / "d.img"
    path.write_bytes(bytes(4 << 20))
    subprocess.run([find_tool("mkfs.ext4") or "", "-q", "-F", str(path)], check=True)
    place = tmp_path / "mnt"
    place.mkdir()
    plan = plan_for(path, (0, b"x"))
    if subprocess.run(["mount", "-o", "loop", str(path), str(place)], check=False, capture_output=True).returncode:
        pytest.skip("may not mount here")
    try:
        with pytest.raises(RefusedError, match="mounted"):
            apply_plan(plan, path, undo_dir=tmp_path)
    finally:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def device(image: Path) -> object:
    needs_loop()
    losetup = find_tool("losetup") or "losetup"
    done = subprocess.run([losetup, "--show", "-f", str(image)], check=True, capture_output=True, text=True)
    name = done.stdout.strip()
    try:
        yield name
    finally:
        subprocess.run([losetup, "-d", name], check=True)


def test_a_device_only_with_its_word(device: str, image: Path, tmp_path: Path) -> None:
    before = digest(image)
    plan = plan_for(image, *CHANGES)
    for lift in (None, Lift("ab12", ""), Lift("ab12", "ab1"), Lift("", "")):
        with pytest.raises(RefusedError) as caught:
            apply_plan(plan, device, undo_dir=tmp_path, lift=lift)
        assert caught.value.code == "device-locked"
    assert digest(image) == before
    done = apply_plan(plan, device, undo_dir=tmp_path, lift=Lift("ab12", " AB12 "))
    expected = bytearray(random.Random(1).randbytes(SIZE))
    for offset, data in CHANGES:
        expected[offset : offset + len(data)] = data
    with open(device, "rb") as file:
        assert file.read() == bytes(expected)
    with pytest.raises(RefusedError):
        undo(done.undo_file)
    undo(done.undo_file, lift=Lift("ab12", "ab12"))
    assert digest(image) == before


def test_a_device_in_use_or_read_only_is_refused(device: str, image: Path, tmp_path: Path) -> None:
    plan = plan_for(image, *CHANGES)
    lift = Lift("w", "w")
    with open(device, "rb"):
        child = subprocess.Popen(["sleep", "60"], stdin=open(device, "rb"))  # noqa: SIM115
    try:
        with pytest.raises(RefusedError, match="sleep"):
            apply_plan(plan, device, undo_dir=tmp_path, lift=lift)
    finally:
        child.kill()
        child.wait()
    blockdev = find_tool("blockdev") or "blockdev"
    subprocess.run([blockdev, "--setro", device], check=True)
    with pytest.raises(RefusedError, match="read-only"):
        apply_plan(plan, device, undo_dir=tmp_path, lift=lift)
    subprocess.run([blockdev, "--setrw", device], check=True)
    apply_plan(plan, device, undo_dir=tmp_path, lift=lift)


def test_the_systems_own_disk_is_refused(tmp_path: Path) -> None:
    """Whatever is typed. Nothing is opened for writing on the way."""
    from engine.edits.guard import check_device
    from engine.host.blocks import stack_of_path

    nodes = [name for name in stack_of_path("/").nodes if os.path.exists(f"/dev/{name}")]
    if not nodes:
        pytest.skip("the root file system shows no disk here")
    for name in nodes:
        with pytest.raises(RefusedError, match="running system"):
            check_device(f"/dev/{name}", keep=(tmp_path,))
