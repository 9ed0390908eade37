"""Files that leave: the right bytes, told when they are not whole, and going on after whatever happened."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import engine.extract.loop as loop
from engine.errors import CancelledError, OutsideError
from engine.extract import Item, Options, extract
from engine.extract.hashing import CHUNK
from engine.progress import Silent
from engine.ranges import RangeSet
from engine.source import BytesSource, Extent, ExtentSource, FileSource, HoleSource
from engine.source.base import ReadError

ROOT = Path(__file__).parents[3]


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def noise(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def names(folder: Path) -> list[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())


class Stopping(Silent):
    """Asks to stop once ``limit`` bytes are done."""

    def __init__(self, limit: int) -> None:
        self.limit, self.done = limit, 0
        self.calls: list[tuple[int, int | None, str]] = []

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        self.done = done
        self.calls.append((done, total, message))

    def cancelled(self) -> bool:
        return self.done >= self.limit


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Progress is told at every step."""
    monkeypatch.setattr(loop, "_TELL_S", 0.0)


def test_fragments_gaps_times_sums_and_the_sidecar(tmp_path):
    disk = noise(3_000_000)
    (tmp_path / "disk").write_bytes(disk)
    with FileSource(tmp_path / "disk") as source:
        extents = [Extent(2_000_000, 500_000), Extent(None, 4_000_000), Extent(1, 999_999)]
        items = [
            Item("Films/One.mpg", ExtentSource(source, extents), 1_000_000_000.5, {"title": "One"}),
            Item("Films/one.MPG", BytesSource(b"")),
        ]
        report = extract(items, tmp_path / "out")
    whole = disk[2_000_000:2_500_000] + bytes(4_000_000) + disk[1:1_000_000]
    one, two = report.written
    assert one.path.read_bytes() == whole
    assert one.sha256 == sha(whole) and two.sha256 == sha(b"")
    assert one.path.stat().st_blocks * 512 < 2_000_000
    assert one.path.stat().st_mtime == 1_000_000_000.5
    assert not report.failed and not report.missing_bytes
    assert names(tmp_path / "out") == [
        "Films/One.mpg", "Films/One.mpg.rescue.json", "Films/one (2).MPG", "Films/one (2).MPG.rescue.json",
    ]  # fmt: skip
    told = json.loads((tmp_path / "out/Films/One.mpg.rescue.json").read_text())
    assert told["sha256"] == one.sha256 and told["complete"] and told["facts"] == {"title": "One"}
    assert told["source_ranges"] == [[2_000_000, 500_000], [None, 4_000_000], [1, 999_999]]
    assert told["modified"].startswith("2001-09-09T01:46:40")


def test_what_nobody_has_read_is_sparse_and_told(tmp_path):
    disk = noise(9_000_000)
    below = HoleSource(BytesSource(disk), RangeSet([(1_000_000, 4_000_000), (8_999_000, 8_999_001)]))
    item = Item("film.mpg", ExtentSource(below, [Extent(500_000, 8_500_000)]))
    (written,) = extract([item], tmp_path).written
    assert written.path.name == "film.holed.mpg"
    assert list(written.missing) == [(500_000, 3_500_000), (8_499_000, 8_499_001)]
    told = json.loads((tmp_path / "film.holed.mpg.rescue.json").read_text())
    assert told["missing_bytes"] == 3_000_001 and not told["complete"]
    assert told["missing_source"] == [[1_000_000, 4_000_000], [8_999_000, 8_999_001]]
    data = written.path.read_bytes()
    assert data[:500_000] == disk[500_000:1_000_000]
    assert not any(data[500_000:3_500_000])
    assert data[3_500_000:8_499_000] == disk[4_000_000:8_999_000]
    assert written.sha256 == sha(data)
    assert written.path.stat().st_blocks * 512 < 6_000_000


class Failing(BytesSource):
    """Gives read errors at ``bad``; counts its reads."""

    def __init__(self, data: bytes, bad: RangeSet, code: str = "read-error") -> None:
        super().__init__(data)
        self.bad, self.code, self.reads = bad, code, 0

    def read_into(self, offset, buffer):
        self.reads += 1
        if self.bad.overlaps(offset, offset + len(buffer)):
            raise ReadError("cannot read", code=self.code, offset=offset)
        return super().read_into(offset, buffer)


def test_a_read_error_costs_its_sectors_only_and_is_told(tmp_path):
    data = noise(5_000_000)
    source = Failing(data, RangeSet([(3_000_000, 3_000_001), (4_999_999, 5_000_000)]))
    (written,) = extract([Item("a.bin", source)], tmp_path).written
    low = 3_000_000 // 512 * 512
    assert list(written.missing) == [(low, low + 512), (5_000_000 // 512 * 512, 5_000_000)]
    assert written.path.name == "a.holed.bin"
    assert names(tmp_path) == ["a.holed.bin", "a.holed.bin.rescue.json"]
    got = written.path.read_bytes()
    assert got[:low] == data[:low] and got[low + 512 : 4_999_680] == data[low + 512 : 4_999_680]
    assert not any(got[low : low + 512])


def test_a_dying_drive_is_not_asked_for_ever(tmp_path):
    source = Failing(noise(CHUNK * 2), RangeSet.of(0, CHUNK))
    (written,) = extract([Item("a", source)], tmp_path).written
    assert written.missing.total == CHUNK
    assert source.reads < 64 + 3 * 64


def test_a_drive_that_is_gone_ends_it_and_what_is_written_is_kept(tmp_path):
    data = noise(CHUNK * 3)
    gone = Failing(data, RangeSet.of(CHUNK, CHUNK * 2), "device-gone")
    options = Options(journal=tmp_path / "journal")
    with pytest.raises(ReadError):
        extract([Item("whole", BytesSource(data[:99])), Item("cut", gone)], tmp_path / "out", options)
    assert "whole" in names(tmp_path / "out") and "cut.part" in names(tmp_path / "out")
    assert (tmp_path / "out/cut.part").stat().st_size == CHUNK
    gone.bad = RangeSet()
    report = extract([Item("whole", BytesSource(data[:99])), Item("cut", gone)], tmp_path / "out", options)
    assert [one.sha256 for one in report.written] == [sha(data[:99]), sha(data)]
    assert [name for name in names(tmp_path / "out") if "json" not in name] == ["cut", "whole"]


def test_stopped_and_gone_on_without_reading_twice(tmp_path):
    data = noise(CHUNK * 8 + 17)
    options = Options(journal=tmp_path / "journal")

    def items(source):
        return [Item("first", BytesSource(b"1" * 1000)), Item("second", source), Item("third", BytesSource(b"3"))]

    with pytest.raises(CancelledError):
        extract(items(Failing(data, RangeSet())), tmp_path / "out", options, Stopping(CHUNK * 3))
    assert names(tmp_path / "out") == ["first", "first.rescue.json", "second.part"]
    stamp = os.stat(tmp_path / "out/first").st_mtime_ns
    source = Failing(data, RangeSet.of(0, CHUNK * 3))
    told = Stopping(1 << 60)
    report = extract(items(source), tmp_path / "out", options, told)
    assert [one.sha256 for one in report.written] == [sha(b"1" * 1000), sha(data), sha(b"3")]
    assert source.reads == 6
    assert os.stat(tmp_path / "out/first").st_mtime_ns == stamp
    assert told.calls[-1][:2] == (len(data) + 1001, len(data) + 1001)
    assert [one.path.name for one in report.written] == ["first", "second", "third"]
    again = extract(items(Failing(data, RangeSet.of(0, len(data)))), tmp_path / "out", options)
    assert again == report or [one.sha256 for one in again.written] == [one.sha256 for one in report.written]


def test_lost_sectors_before_a_kill_never_become_content(tmp_path):
    data = noise(CHUNK * 4)
    options = Options(journal=tmp_path / "journal")
    bad = RangeSet.of(100, 101)
    source = Failing(data, RangeSet.of(CHUNK * 2, CHUNK * 2 + 1), "device-gone")
    first = Failing(data, bad)
    source.read_into = lambda offset, view: (  # errors at first, then the drive goes away
        first.read_into(offset, view) if offset < CHUNK * 2 else Failing.read_into(source, offset, view)
    )
    with pytest.raises(ReadError):
        extract([Item("f", source)], tmp_path / "out", options)
    (written,) = extract([Item("f", BytesSource(data))], tmp_path / "out", options).written
    assert list(written.missing) == [(0, 512)]
    assert written.path.name == "f.holed"


def test_after_a_power_cut_only_what_was_synced_counts(tmp_path, monkeypatch):
    data = noise(CHUNK * 4)
    options = Options(journal=tmp_path / "journal")
    with pytest.raises(CancelledError):
        extract([Item("f", BytesSource(data))], tmp_path / "out", options, Stopping(CHUNK * 2))
    part = tmp_path / "out/f.part"
    with open(part, "r+b") as stream:  # the file system kept the size but lost what was never synced
        stream.seek(CHUNK * 2)
        stream.write(bytes(CHUNK))
    monkeypatch.setattr("engine.extract.ledger._boot", lambda: "another boot")
    (written,) = extract([Item("f", BytesSource(data))], tmp_path / "out", options).written
    assert written.sha256 == sha(data) == sha(written.path.read_bytes())


def test_other_holes_or_another_purpose_begin_anew(tmp_path):
    data = noise(CHUNK * 3)
    options = Options(journal=tmp_path / "journal", purpose="a")
    holed = HoleSource(BytesSource(data), RangeSet.of(0, 512))
    with pytest.raises(CancelledError):
        extract([Item("f.x", holed)], tmp_path / "out", options, Stopping(CHUNK * 2))
    (written,) = extract([Item("f.x", BytesSource(data))], tmp_path / "out", options).written
    assert written.path.name == "f.x" and written.sha256 == sha(data) and not written.missing
    (other,) = extract([Item("f.x", BytesSource(data))], tmp_path / "out", Options(options.journal, "b")).written
    assert other.path.name == "f (2).x"


@pytest.mark.parametrize("crash", ["linked", "named"])
def test_a_crash_between_part_and_name(tmp_path, crash):
    data = noise(5000)
    options = Options(journal=tmp_path / "journal")
    extract([Item("f", BytesSource(data)), Item("g", BytesSource(data))], tmp_path / "out", options)
    lines = [line for line in options.journal.read_text().splitlines() if "sha256" not in line]
    options.journal.write_text("\n".join(lines) + "\n" + '{"key": "torn')
    if crash == "linked":
        os.link(tmp_path / "out/f", tmp_path / "out/f.part")
    report = extract([Item("f", BytesSource(data)), Item("g", BytesSource(data))], tmp_path / "out", options)
    assert [one.path.name for one in report.written] == ["f", "g"]
    assert [name for name in names(tmp_path / "out") if "json" not in name] == ["f", "g"]
    assert report.written[0].sha256 == sha(data)


KILLED = """
import sys
from pathlib import Path
from engine.extract import Item, Options, extract
from engine.source import Extent, ExtentSource, FileSource
disk, out, journal = map(Path, sys.argv[1:])
source = FileSource(disk)
third = source.size // 3
items = [Item(f"film {n}.mpg", ExtentSource(source, [Extent(n * third, third)]), 1e9) for n in range(3)]
for one in extract(items, out, Options(journal=journal)).written:
    print(one.sha256)
"""


def test_killed_again_and_again_it_comes_to_the_same_end(tmp_path):
    data = noise(90_000_000)
    (tmp_path / "disk").write_bytes(data)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "disk"), str(tmp_path / "out"), str(tmp_path / "journal")]
    generator = random.Random(5)
    for _ in range(5):
        child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
        until = generator.randrange(len(data))
        deadline = time.monotonic() + 30
        while child.poll() is None and time.monotonic() < deadline:
            found = [one.stat().st_size for one in (tmp_path / "out").glob("film*") if one.suffix != ".json"]
            if sum(found) >= until:
                break
            time.sleep(0.001)
        child.send_signal(signal.SIGKILL)
        child.wait()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    third = len(data) // 3
    assert done.stdout.split() == [sha(data[n * third : (n + 1) * third]) for n in range(3)]
    assert [name for name in names(tmp_path / "out") if "json" not in name] == [f"film {n}.mpg" for n in range(3)]
    assert all((tmp_path / f"out/film {n}.mpg").stat().st_mtime == 1e9 for n in range(3))


def test_no_room_is_said_before_anything_is_written(tmp_path):
    free = os.statvfs(tmp_path)
    with pytest.raises(OutsideError) as caught:
        extract([Item("x", ExtentSource(BytesSource(b""), [Extent(0, free.f_bavail * free.f_frsize + (1 << 40))]))
                 for _ in range(0)] + [Item("x", Huge(free.f_blocks * free.f_frsize))], tmp_path / "out")  # fmt: skip
    assert caught.value.code == "no-space"
    assert names(tmp_path / "out") == []


class Huge(BytesSource):
    """Claims a size."""

    def __init__(self, size: int) -> None:
        super().__init__(b"")
        self.size = size


def test_a_full_disk_ends_it_and_it_goes_on(tmp_path):
    data = noise(3 << 20)
    limit = "import resource, sys\nresource.setrlimit(resource.RLIMIT_FSIZE, (600000, 600000))"
    (tmp_path / "disk").write_bytes(data)
    argv = [str(tmp_path / "disk"), str(tmp_path / "out"), str(tmp_path / "journal")]
    found = subprocess.run([sys.executable, "-c", KILLED.replace("import sys", limit), *argv], cwd=ROOT,
                           capture_output=True, text=True, check=False)  # fmt: skip
    assert "no-space" in found.stderr or "larger than" in found.stderr
    found = subprocess.run([sys.executable, "-c", KILLED, *argv], cwd=ROOT, capture_output=True, text=True, check=True)
    assert len(found.stdout.split()) == 3


def test_nothing_leaves_the_target(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "elsewhere").mkdir()
    (out / "Films").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutsideError) as caught:
        extract([Item("Films/a", BytesSource(b"x"))], out)
    assert caught.value.code == "link"
    (out / "b.part").symlink_to(tmp_path / "elsewhere/victim")
    (out / "c").symlink_to(tmp_path / "elsewhere/victim")
    hostile = ["../../a", "/abs", "b", "c", "x/../../y", "\x1b]0;\x07", "..", ""]
    report = extract([Item(name, BytesSource(b"x")) for name in hostile], out)
    assert len(report.written) == len(hostile)
    assert all(one.path.resolve().is_relative_to(out.resolve()) for one in report.written)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_replacing_on_request(tmp_path):
    for data in (b"old", b"new"):
        extract([Item("a", BytesSource(data))], tmp_path, Options(existing="replace"))
    assert (tmp_path / "a").read_bytes() == b"new"
    (again,) = extract([Item("a", BytesSource(b"third"))], tmp_path).written
    assert again.path.name == "a (2)"


def test_many_small_files_are_noted_after_they_are_on_the_disk(tmp_path):
    items = [Item(f"{n % 7}/{n}", BytesSource(noise(n, n))) for n in range(300)]
    report = extract(items, tmp_path / "out", Options(journal=tmp_path / "journal", sidecar=False))
    assert len(names(tmp_path / "out")) == 300
    assert all(one.path.read_bytes() == noise(one.index, one.index) for one in report.written)
    again = extract(items, tmp_path / "out", Options(journal=tmp_path / "journal", sidecar=False))
    assert [one.path for one in again.written] == [one.path for one in report.written]
