"""Journal and state on disk: bounded, read past damage, kept up when the disk is full."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from engine.errors import OutsideError
from engine.jobs import JobState, JournalTail, create, resume, start, stop
from engine.jobs.directory import JobDirectory
from engine.jobs.journal import MAX_LINE, last_seq
from engine.jobs.ledger import RESERVES, Ledger
from tests.engine.jobs.helpers import eventually, look, until, until_ended
from tests.engine.jobs.job_kinds import RUNNER
from tests.support import needs_root


@pytest.fixture
def directory(tmp_path):
    with JobDirectory.create(tmp_path / "job") as opened:
        yield opened


def line(seq: int, **facts: object) -> bytes:
    return json.dumps({"seq": seq, "time": 1.5, "event": "e", **facts}).encode() + b"\n"


def test_a_line_is_read_only_when_it_is_whole(directory):
    path = directory.path / "journal.jsonl"
    tail = JournalTail(directory.path)
    assert tail.read() == []
    data = line(1) + line(2, text="\u2028")
    for end in range(len(data)):
        with open(path, "ab") as stream:
            stream.write(data[end : end + 1])
        found = [event.seq for event in tail.read()]
        assert found == ([1] if end == len(line(1)) - 1 else [2] if end == len(data) - 1 else [])
    assert (tail.damaged, tail.missed) == (0, 0)


def test_a_torn_line_is_closed_off_and_passed_over(directory):
    path = directory.path / "journal.jsonl"
    path.write_bytes(line(1) + line(2)[:-9])
    tail = JournalTail(directory.path)
    assert [event.seq for event in tail.read()] == [1]
    ledger = Ledger(directory)
    ledger.record("next", {"a": 1})
    (event,) = tail.read()
    assert (event.seq, event.kind, event.facts) == (2, "next", {"a": 1})
    assert tail.damaged == 1
    assert tail.missed == 0


@pytest.mark.parametrize(
    "junk",
    [b"\0" * 5000, b"[]", b"{}", b'{"seq": "x", "time": 0, "event": "e"}', b"[" * 5000, b"\xff\xfe", b"7" * 5000],
)
def test_junk_in_a_journal_is_passed_over(directory, junk):
    (directory.path / "journal.jsonl").write_bytes(line(1) + junk + b"\n" + line(2))
    tail = JournalTail(directory.path)
    assert [event.seq for event in tail.read()] == [1, 2]
    assert tail.damaged == 1
    assert last_seq(directory) == 2


def test_a_line_without_end_is_not_collected(directory):
    path = directory.path / "journal.jsonl"
    path.write_bytes(line(1) + b"x" * (3 << 20))
    tail = JournalTail(directory.path)
    assert [event.seq for event in tail.read()] == [1]
    with open(path, "ab") as stream:
        stream.write(b"\n" + line(2))
    assert [event.seq for event in tail.read()] == [2]


def test_rotation_bounds_the_journal_and_loses_nothing_for_a_watcher(directory):
    ledger = Ledger(directory, segment_bytes=4000)
    often, seldom, late = (JournalTail(directory.path) for _ in range(3))
    seen: list[int] = []
    rare: list[int] = []
    for number in range(1, 1001):
        ledger.record("e", {"text": "x" * 20})
        if number % 7 == 0:
            seen += [event.seq for event in often.read()]
        if number % 400 == 0:
            rare += [event.seq for event in seldom.read()]
    seen += [event.seq for event in often.read()]
    rare += [event.seq for event in seldom.read()]
    assert seen == list(range(1, 1001))
    assert often.missed == 0
    assert rare == sorted(set(rare))
    assert seldom.missed > 0
    assert len(rare) + seldom.missed + rare[0] - 1 == 1000
    assert late.read()[-1].seq == 1000
    sizes = [(directory.path / name).stat().st_size for name in ("journal.jsonl", "journal.1.jsonl")]
    assert all(size < 4200 for size in sizes)
    assert last_seq(directory) == 1000
    assert Ledger(directory)._seq == 1000


def test_after_a_rotation_the_number_is_found_in_the_older_file(directory):
    ledger = Ledger(directory)
    ledger.record("e", {})
    os.rename(directory.path / "journal.jsonl", directory.path / "journal.1.jsonl")
    assert last_seq(directory) == 1


def test_any_fact_can_be_recorded(directory):
    ledger = Ledger(directory)
    loop: list[object] = []
    loop.append(loop)
    ledger.record("e", {"path": Path("/x"), "nan": float("nan"), "bytes": b"\xff", "loop": loop, "name": "\udcff\x1b"})
    ledger.record("e", {"seq": 77, "large": ["y" * 4000] * 100})
    first, second = JournalTail(directory.path).read()
    assert first.facts["path"] == "/x"
    assert first.facts["nan"] is None
    assert first.facts["bytes"] == "ff"
    assert first.facts["name"] == "\udcff\x1b"
    assert second.seq == 2
    assert second.facts == {"too_large": True}
    assert (directory.path / "journal.jsonl").stat().st_size < MAX_LINE


def test_work_goes_on_when_the_journal_cannot_grow(jobs_dir):
    """A limit on the size of files stands for a full disk: the kernel cuts the write in the middle of a line."""
    job = start("talk", {"count": 400, "pause_s": 0.001, "stay": True, "size": 100}, jobs_dir, runner=RUNNER)
    limit = (job.directory / "journal.jsonl").stat().st_size + 10_000
    resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    job = until(job.directory, lambda job: job.progress.done == 400 and bool(job.warning))
    assert job.state is JobState.RUNNING
    assert "cannot save the journal (File too large)" in job.warning
    assert "the work goes on" in job.warning
    assert len(JournalTail(job.directory).read()) < 300
    resource.prlimit(job.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    job = until(job.directory, lambda job: not job.warning)
    stop(job.directory)
    assert until_ended(job.directory).state is JobState.STOPPED
    tail = JournalTail(job.directory)
    numbers = [event.facts["number"] for event in tail.read() if event.kind == "said"]
    assert numbers == list(range(1, 401)), "what waited in memory was not written later"
    assert tail.missed == 0


@pytest.fixture
def small_disk(tmp_path):
    needs_root()
    point = tmp_path / "disk"
    point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=0700", "none", str(point)], check=True)
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True)


def fill(point: Path) -> Path:
    path = point / "filler"
    with open(path, "ab", buffering=0) as stream:
        try:
            while True:
                stream.write(b"x" * 4096)
        except OSError:
            return path


def test_a_full_disk_is_told_and_the_last_words_still_fit(small_disk):
    job = start("talk", {"pause_s": 0.002, "size": 200}, small_disk / "jobs", runner=RUNNER)
    try:
        reserves = [job.directory / name for name in RESERVES]
        assert all(path.stat().st_size == 64 << 10 for path in reserves)
        filler = fill(small_disk)
        job = until(job.directory, lambda job: bool(job.warning))
        assert "No space left on device" in job.warning
        assert job.live
        assert reserves[1].exists(), "the room for the last words was given up too early"
        done = job.progress.done
        filler.unlink()
        job = until(job.directory, lambda job: not job.warning and job.progress.done > done)
        assert all(path.exists() for path in reserves)
        fill(small_disk)
        job = until(job.directory, lambda job: bool(job.warning))
        fill(small_disk)
        time.sleep(0.6)
        stop(job.directory)
        job = until_ended(job.directory)
        assert job.state is JobState.STOPPED
        events = JournalTail(job.directory).read()
        assert "job-ended" in [event.kind for event in events[-2:]]
        assert not any(path.exists() for path in reserves)
    finally:
        if look(job.directory).live:
            stop(job.directory, force=True)
            until_ended(job.directory)


@pytest.mark.parametrize("saved_before", [False, True])
def test_events_never_eat_the_room_in_which_a_full_disk_is_told(small_disk, saved_before):
    with JobDirectory.create(small_disk / "job") as directory:
        ledger = Ledger(directory)
        ledger.save_state({"done": 0})
        filler = fill(small_disk)
        if saved_before:
            assert ledger.save_state({"done": 1})
        for number in range(3000):
            ledger.record("said", {"number": number, "text": "x" * 200})
        for done in range(2, 50):
            assert ledger.save_state({"done": done}), "the state could not be saved"
        state = json.loads((directory.path / "state.json").read_text())
        assert state["done"] == 49
        assert "(No space left on device)" in state["warning"]
        assert "events could not be kept" in state["warning"]
        filler.unlink()
        ledger._next_restore = 0.0
        assert ledger.save_state({"done": 50})
        ledger.record("said", {"number": 3000})
        numbers = [event.facts["number"] for event in JournalTail(directory.path).read() if event.kind == "said"]
        assert numbers[-1000:] == list(range(2001, 3001))
        assert ledger.trouble == ""


def test_a_job_starts_on_a_full_disk_or_says_why_not(small_disk):
    job = create("self-test", {"steps": 3, "pause_s": 0}, small_disk / "jobs")
    filler = fill(small_disk)
    with pytest.raises(OutsideError, match="No space left"):
        resume(job.directory)
    filler.unlink()
    assert until_ended(resume(job.directory).directory).state is JobState.DONE


def test_the_folder_may_vanish_under_the_work(jobs_dir):
    job = start("copy", _copy_arguments(jobs_dir.parent), jobs_dir, runner=RUNNER)
    until(job.directory, lambda job: job.progress.done > 0)

    def gone() -> bool:
        shutil.rmtree(job.directory, ignore_errors=True)  # again when the job has just made a file in it
        return not job.directory.exists()

    eventually(gone)
    target = jobs_dir.parent / "target"
    eventually(lambda: target.exists() and target.read_bytes() == (jobs_dir.parent / "source").read_bytes())
    eventually(lambda: not Path(f"/proc/{job.pid}").exists())


def test_events_that_could_not_wait_any_longer_are_counted(directory, monkeypatch):
    ledger = Ledger(directory)
    with monkeypatch.context() as patch:
        patch.setattr(JobDirectory, "append", _no_room)
        outcomes = [ledger.record("e", {"number": number}) for number in range(1, 1501)]
        assert outcomes == [False] * 1500
        assert "500 events could not be kept" in ledger.trouble
        assert "No space left on device" in ledger.trouble
    assert ledger.record("e", {"number": 1501})
    tail = JournalTail(directory.path)
    events = tail.read()
    assert [event.facts["number"] for event in events[:-1]] == list(range(501, 1502))
    assert (events[-1].kind, events[-1].facts) == ("job-events-lost", {"count": 500})
    assert [event.seq for event in events] == list(range(501, 1503))


def _no_room(self: JobDirectory, name: str, line: bytes) -> None:
    raise OutsideError("cannot append: No space left on device") from OSError(errno.ENOSPC, "No space left on device")


def _copy_arguments(folder: Path) -> dict[str, object]:
    (folder / "source").write_bytes(os.urandom(512 << 10))
    names = {name: str(folder / name) for name in ("source", "target", "trace")}
    return {**names, "block": 4096, "pause_s": 0.005}
