"""Real job processes: start, end, fail, stop, resume, be killed at any moment."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError, UsageError
from engine.jobs import JobState, JournalTail, Runner, create, list_jobs, remove, resume, start, stop, watch
from tests.engine.jobs.helpers import eventually, kill_runner, look, until, until_ended
from tests.engine.jobs.job_kinds import KINDS_OF_TESTS, RUNNER

ROOT = Path(__file__).parents[3]


@pytest.fixture
def copying(tmp_path):
    """Arguments of a copy job over 1 MiB of random bytes in 4 KiB blocks."""
    source = tmp_path / "source"
    source.write_bytes(random.Random(7).randbytes(1 << 20))
    return {
        "source": str(source),
        "target": str(tmp_path / "target"),
        "trace": str(tmp_path / "trace"),
        "block": 4096,
        "pause_s": 0.002,
    }


def kinds_of(directory: Path) -> list[str]:
    return [event.kind for event in JournalTail(directory).read()]


def test_a_job_runs_apart_from_us_and_leaves_its_result(jobs_dir, copying):
    job = start("copy", copying, jobs_dir, "the \x1b[31mfirst", runner=RUNNER)
    assert job.state in (JobState.RUNNING, JobState.DONE)
    if job.live:
        assert os.getsid(job.pid) == job.pid
        assert os.readlink(f"/proc/{job.pid}/cwd") == "/"
        assert os.readlink(f"/proc/{job.pid}/fd/0") == "/dev/null"
    job = until_ended(job.directory)
    assert job.state is JobState.DONE
    assert job.result == {"size": 1 << 20}
    assert (job.progress.done, job.progress.total, job.progress.unit) == (1 << 20, 1 << 20, "B")
    assert job.facts == {"position": 1 << 20}
    assert job.title == "the \\x1b[31mfirst"
    assert job.runs == 1
    assert Path(copying["target"]).read_bytes() == Path(copying["source"]).read_bytes()
    kinds = kinds_of(job.directory)
    assert kinds[0] == "job-started"
    assert kinds[-1] == "job-ended"
    assert kinds.count("kept") == (1 << 20) // 4096 // 8
    assert list_jobs(jobs_dir, runner=RUNNER).jobs == (job,)


def test_only_the_owner_may_look(jobs_dir, copying):
    job = until_ended(start("copy", {**copying, "pause_s": 0}, jobs_dir, runner=RUNNER).directory)
    assert job.directory.stat().st_mode & 0o777 == 0o700
    names = {"spec.json", "state.json", "lock", "journal.jsonl", "checkpoint.json", "stderr.log"}
    eventually(lambda: {path.name for path in job.directory.iterdir()} == names)
    assert {path.stat().st_mode & 0o777 for path in job.directory.iterdir()} == {0o600}


def test_killed_at_any_moment_it_resumes_and_loses_nothing(jobs_dir, copying):
    chance = random.Random(os.environ.get("PYTEST_RANDOM", 11))
    job = start("copy", copying, jobs_dir, runner=RUNNER)
    kept = []
    for _ in range(5):
        time.sleep(chance.uniform(0.0, 0.3))
        if not look(job.directory).live:
            break
        job = kill_runner(job.directory)
        if job.state is JobState.DONE:
            break
        assert job.state is JobState.LOST
        assert job.resumable
        checkpoint = job.directory / "checkpoint.json"
        kept.append(json.loads(checkpoint.read_bytes())["done"] if checkpoint.exists() else 0)
        job = resume(job.directory, runner=RUNNER)
        assert job.runs == len(kept) + 1
    assert kept, "it was never killed"
    job = until_ended(job.directory)
    assert job.state is JobState.DONE
    assert Path(copying["target"]).read_bytes() == Path(copying["source"]).read_bytes()
    began = [int(line.split()[-1]) for line in Path(copying["trace"]).read_text().splitlines() if "from" in line]
    assert began == [0, *kept], "a run began elsewhere than at the last checkpoint"
    # What was acknowledged is in the journal, in order, without a hole, over all kills.
    tail = JournalTail(job.directory)
    events = tail.read()
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    assert {event.facts["done"] for event in events if event.kind == "kept"} >= set(kept) - {0}
    assert not list(job.directory.glob(".*.tmp"))


def test_a_stop_finishes_the_block_and_a_resume_goes_on(jobs_dir, copying):
    job = start("copy", copying, jobs_dir, runner=RUNNER)
    until(job.directory, lambda job: job.progress.done > 0)
    request = stop(job.directory)
    assert [holder.pid for holder in request.holders] == [job.pid]
    stopped = until_ended(job.directory)
    assert stopped.state is JobState.STOPPED
    assert stopped.stop_requests == 1
    assert stopped.error is None
    assert stopped.resumable
    kept = json.loads((job.directory / "checkpoint.json").read_bytes())["done"]
    assert kept == stopped.progress.done
    assert "job-stop" in kinds_of(job.directory)
    with pytest.raises(NotFoundError):
        stop(job.directory)
    job = resume(job.directory, runner=RUNNER)
    assert job.progress.done >= kept, "the screen must not fall back to nothing"
    assert job.stop_requests == 0
    ended = until_ended(job.directory)
    assert ended.state is JobState.DONE
    assert ended.elapsed_s > stopped.elapsed_s
    assert Path(copying["target"]).read_bytes() == Path(copying["source"]).read_bytes()
    with pytest.raises(RefusedError, match="done"):
        resume(job.directory, runner=RUNNER)


def test_a_second_request_ends_work_that_does_not_ask(jobs_dir):
    job = start("deaf", {}, jobs_dir, runner=RUNNER)
    stop(job.directory)
    waiting = until(job.directory, lambda job: job.state is JobState.STOPPING)
    assert waiting.stop_requested is not None
    assert waiting.live
    stop(job.directory)
    assert until_ended(job.directory).state is JobState.STOPPED


def test_force_kills(jobs_dir):
    job = start("deaf", {}, jobs_dir, runner=RUNNER)
    assert kill_runner(job.directory).state is JobState.LOST


def test_it_is_never_started_twice(jobs_dir):
    job = start("talk", {"stay": True, "count": 1}, jobs_dir, runner=RUNNER)
    with pytest.raises(RefusedError, match="running already"):
        resume(job.directory, runner=RUNNER)
    with pytest.raises(RefusedError, match="running already"):
        remove(job.directory)
    second = subprocess.run(
        [sys.executable, "-m", "engine.jobs.run", str(job.directory)], cwd=ROOT, capture_output=True, text=True
    )
    assert second.returncode == 3
    assert "running already" in second.stderr
    now = look(job.directory)
    assert (now.state, now.pid, now.runs) == (JobState.RUNNING, job.pid, 1)
    stop(job.directory)
    until_ended(job.directory)


def test_of_many_who_resume_at_once_one_wins(jobs_dir):
    job = create("talk", {"stay": True, "count": 1}, jobs_dir, runner=RUNNER)
    assert job.state is JobState.QUEUED
    outcomes = []

    def attempt():
        try:
            outcomes.append(resume(job.directory, runner=RUNNER).pid)
        except RefusedError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(map(str, outcomes))[1:] == ["job-held"] * 3
    assert look(job.directory).runs == 1
    stop(job.directory)
    until_ended(job.directory)


def test_watchers_who_look_all_the_time_do_not_keep_a_job_from_starting(jobs_dir):
    job = create("self-test", {"steps": 1, "pause_s": 0}, jobs_dir)
    ended = threading.Event()

    def look_always():
        while not ended.is_set():
            look(job.directory)

    threads = [threading.Thread(target=look_always) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        resume(job.directory)
        assert until_ended(job.directory).state is JobState.DONE
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def test_an_error_becomes_the_jobs_message(jobs_dir):
    job = until_ended(start("fail", {"how": "error"}, jobs_dir, runner=RUNNER).directory)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.message == "the map is torn (/case/a.map, line 3)"
    assert (job.error.code, job.error.advice, job.error.exit_code) == ("map-torn", "take the older one", 1)
    assert job.progress.done == 3
    assert "DamagedError" in (job.directory / "stderr.log").read_text()
    assert job.resumable


@pytest.mark.parametrize(
    ("kind", "arguments", "said"),
    [
        ("fail", {"how": "crash"}, r"ZeroDivisionError: by \\x1b\[31mzero"),
        ("fail", {"how": "exit"}, "SystemExit: 5"),
        ("odd", {}, "TypeError: a job's result is a mapping"),
        ("copy", {}, "KeyError"),
    ],
)
def test_a_crash_is_told_with_its_trace(jobs_dir, kind, arguments, said):
    job = until_ended(start(kind, arguments, jobs_dir, runner=RUNNER).directory)
    assert job.state is JobState.FAILED
    assert job.error is not None
    assert job.error.code == "crash"
    assert re.search(said, job.error.message)
    assert "Traceback" in (job.directory / "stderr.log").read_text()


def test_data_does_not_choose_what_is_imported(jobs_dir):
    with pytest.raises(UsageError, match="no kind of job"):
        start("os:system", {}, jobs_dir)
    job = create("self-test", {}, jobs_dir)
    spec = json.loads((job.directory / "spec.json").read_bytes())
    for name in ("os:system", "tests.engine.jobs.job_kinds:copy", "copy"):
        (job.directory / "spec.json").write_text(json.dumps({**spec, "kind": name}))
        with pytest.raises(UsageError, match="no kind of job"):
            resume(job.directory)
        bare = subprocess.run([sys.executable, "-m", "engine.jobs.run", str(job.directory)], cwd=ROOT)
        assert bare.returncode == 2
        assert look(job.directory).error.code == "job-kind"


def test_a_kind_that_cannot_go_on_is_not_resumed(jobs_dir):
    job = start("once", {"stay": True, "count": 1}, jobs_dir, runner=RUNNER)
    stop(job.directory)
    job = until_ended(job.directory)
    assert job.state is JobState.STOPPED
    assert not job.resumable
    with pytest.raises(RefusedError, match="cannot be resumed"):
        resume(job.directory, runner=RUNNER)


def test_a_runner_that_does_not_come_up_is_told(jobs_dir):
    nowhere = Runner("tests.engine.jobs.no_such_module", KINDS_OF_TESTS)
    with pytest.raises(OutsideError, match=r"did not come up: .*no_such_module"):
        start("copy", {}, jobs_dir, runner=nowhere)
    (job,) = list_jobs(jobs_dir, runner=RUNNER).jobs
    assert job.state is JobState.FAILED
    assert "did not come up" in job.error.message


def test_arguments_that_cannot_be_written_down_are_refused(jobs_dir):
    for arguments in ({"a": object()}, {"a": float("nan")}):
        with pytest.raises(UsageError, match="cannot be written down"):
            start("self-test", arguments, jobs_dir)
    assert list_jobs(jobs_dir).jobs == ()


def test_a_damaged_checkpoint_ends_in_a_message_not_in_a_new_beginning(jobs_dir, copying):
    job = start("copy", copying, jobs_dir, runner=RUNNER)
    until(job.directory, lambda job: (job.directory / "checkpoint.json").exists())
    stop(job.directory)
    until_ended(job.directory)
    (job.directory / "checkpoint.json").write_text('{"done": 40')
    job = until_ended(resume(job.directory, runner=RUNNER).directory)
    assert job.state is JobState.FAILED
    assert job.error.code == "job-damaged"


def test_two_watchers_see_the_same_and_every_event(jobs_dir):
    job = start("talk", {"count": 300, "pause_s": 0.002}, jobs_dir, runner=RUNNER)
    seen: list[list[int]] = [[], []]
    last: list[JobState | None] = [None, None]

    def follow(index, period_s):
        for change in watch(job.directory, period_s=period_s, runner=RUNNER):
            seen[index] += [event.facts["number"] for event in change.events if event.kind == "said"]
            last[index] = change.job.state

    threads = [threading.Thread(target=follow, args=(0, 0.01)), threading.Thread(target=follow, args=(1, 0.15))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [list(range(1, 301))] * 2
    assert last == [JobState.DONE] * 2


def test_the_state_can_be_read_at_any_moment_and_is_not_written_too_often(jobs_dir):
    job = start("talk", {"size": 2000, "count": 100_000}, jobs_dir, runner=RUNNER)
    done, marks, until_s = 0, set(), time.monotonic() + 1.5
    began = time.monotonic()
    while time.monotonic() < until_s:
        value = json.loads((job.directory / "state.json").read_bytes())
        assert value["state"] == "running"
        assert value["done"] >= done
        done = value["done"]
        marks.add((job.directory / "state.json").stat().st_mtime_ns)
        assert look(job.directory).state is JobState.RUNNING
    assert done > 0
    assert len(marks) <= 2 * (time.monotonic() - began) + 2
    stop(job.directory)
    assert until_ended(job.directory).state is JobState.STOPPED
    sizes = {path.name: path.stat().st_size for path in job.directory.iterdir()}
    assert sizes["journal.jsonl"] <= (4 << 20) + 4096
    assert sizes.get("journal.1.jsonl", 0) <= (4 << 20) + 4096


def test_what_it_prints_is_bounded(jobs_dir):
    job = until_ended(start("print", {"lines": 1500}, jobs_dir, runner=RUNNER).directory)
    assert job.state is JobState.DONE
    log = (job.directory / "stderr.log").read_bytes()
    older = (job.directory / "stderr.1.log").read_bytes()
    assert len(log) < 2 << 20
    assert len(older) <= 256 << 10
    assert b"bytes were printed before" in log
    assert (older + log).count(b"1499 ") == 1, "the end is what is kept"


def test_what_a_killed_runner_leaves_running_holds_the_job_and_can_be_stopped(jobs_dir):
    job = start("child", {}, jobs_dir, runner=RUNNER)
    job = until(job.directory, lambda job: "child" in job.facts)
    stop(job.directory, force=True)
    job = until(job.directory, lambda job: job.orphan)
    assert job.live
    assert "runner was killed" in job.warning
    with pytest.raises(RefusedError, match="running already"):
        resume(job.directory, runner=RUNNER)
    request = stop(job.directory)
    assert [holder.pid for holder in request.holders] == [job.facts["child"]]
    assert until_ended(job.directory).state is JobState.LOST


def test_a_stop_signals_nobody_but_the_holder(jobs_dir):
    job = start("talk", {"stay": True, "count": 1}, jobs_dir, runner=RUNNER)
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        state = job.directory / "state.json"
        state.write_text(json.dumps({**json.loads(state.read_bytes()), "pid": innocent.pid}))
        request = stop(job.directory)
        assert [holder.pid for holder in request.holders] == [job.pid]
        until_ended(job.directory)
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_holder_that_is_no_job_process_we_can_see_is_left_alone(jobs_dir):
    """We hold the lock ourselves here, and never signal ourselves: as if it were a process of another machine."""
    from engine.jobs.directory import JobDirectory
    from engine.jobs.lock import take

    job = create("self-test", {}, jobs_dir)
    with JobDirectory(job.directory) as opened:
        fd = take(opened)
        try:
            assert look(job.directory).state is JobState.STARTING
            with pytest.raises(RefusedError, match="cannot be identified"):
                stop(job.directory)
        finally:
            os.close(fd)


def test_a_hang_up_does_not_reach_it(jobs_dir):
    job = start("talk", {"stay": True, "count": 1}, jobs_dir, runner=RUNNER)
    os.kill(job.pid, signal.SIGHUP)
    os.kill(job.pid, signal.SIGINT)
    assert until_ended(job.directory).state is JobState.STOPPED


def test_it_is_not_left_as_a_zombie(jobs_dir):
    job = until_ended(start("self-test", {"steps": 1, "pause_s": 0}, jobs_dir).directory)
    eventually(lambda: not Path(f"/proc/{job.pid}").exists())


def test_removing_takes_only_what_is_the_jobs(jobs_dir):
    job = until_ended(start("self-test", {"steps": 2, "pause_s": 0}, jobs_dir).directory)
    assert (job.directory / "work" / "steps.txt").exists()
    (job.directory / "image.img").write_text("precious")
    (job.directory / "rescue.json").write_text("{}")
    with pytest.raises(RefusedError, match=r"image\.img"):
        remove(job.directory)
    assert look(job.directory).state is JobState.DONE
    (job.directory / "image.img").unlink()
    remove(job.directory)
    assert not job.directory.exists()
    with pytest.raises(NotFoundError):
        remove(job.directory)
    with pytest.raises(DamagedError, match=r"no spec\.json"):
        remove(jobs_dir)
    assert jobs_dir.exists()
