"""``rescuedeck jobs`` as a person or a script calls it, on real job processes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs import JobState, Kind, create, load, start, stop
from engine.jobs.directory import JobDirectory
from engine.jobs.lock import is_held
from tests.engine.jobs.helpers import end_all, eventually, until, until_ended
from tui.commands import run

ROOT = Path(__file__).parents[2]


@pytest.fixture
def case(tmp_path) -> Iterator[Path]:
    """A case directory; its jobs are killed at the end."""
    from engine.cases import create_case

    yield create_case(tmp_path / "case").directory
    end_all(tmp_path)


def call(*words: object) -> subprocess.CompletedProcess[str]:
    """The command in this process: what it prints and its exit code."""
    argv = ["jobs", *map(str, words)]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(argv)
    return subprocess.CompletedProcess(argv, code, out.getvalue(), err.getvalue())


def document(*words: object, code: int = 0) -> dict:
    done = call(*words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def test_the_way_of_a_job(case):
    assert document("list", case) == {"jobs": [], "problems": []}
    job = start("self-test", {"steps": 100000, "pause_s": 0.01}, case / "jobs", "check\x1b[2J this")
    until(job.directory, lambda job: job.progress.done > 0 and job.progress.rate is not None)
    (entry,) = document("list", case)["jobs"]
    assert {"id", "kind", "state", "progress", "started", "message"} <= set(entry)
    assert set(entry["progress"]) == {"done", "total", "unit", "rate"}
    assert (entry["id"], entry["kind"], entry["state"]) == (job.id, "self-test", "running")
    assert entry["progress"]["total"] == 100000
    assert entry["started"].endswith("+00:00")
    for where in ((case,), (case / "jobs",), (job.directory,), (job.id,), ()):
        table = call("list", *where)
        assert job.id in table.stdout
        assert "running" in table.stdout
        assert "check\\x1b[2J this" in table.stdout
    shown = document("show", job.id)
    assert shown["jobs"][0]["events"][0]["event"] == "job-started"
    refused = call("resume", job.directory)
    assert refused.returncode == 3
    assert "running already" in refused.stderr
    stopped = document("stop", case)
    assert stopped["signal"] == "SIGTERM"
    assert until_ended(job.directory).state is JobState.STOPPED
    again = call("stop", case)
    assert (again.returncode, again.stdout) == (1, "")
    assert "does not run" in again.stderr
    assert document("resume", case)["jobs"][0]["state"] in ("running", "stopping")
    assert call("stop", case, "--force").returncode == 0
    assert until_ended(job.directory).state is JobState.LOST
    assert "can be resumed" in call("show", case).stdout
    assert call("remove", job.id).returncode == 0
    assert not job.directory.exists()
    assert call("list").stdout == "no jobs are known here\n"


def test_attach_follows_to_the_end(case):
    job = start("self-test", {"steps": 20, "pause_s": 0.05}, case / "jobs")
    done = call("attach", case)
    assert done.returncode == 0
    assert "job-ended" in done.stdout
    assert "state     done" in done.stdout
    (entry,) = document("attach", job.directory)["jobs"]
    assert entry["state"] == "done"
    assert entry["result"]["steps"] == 20


def test_attach_ends_with_the_code_of_the_jobs_error(case):
    start("self-test", {"steps": "many"}, case / "jobs")
    done = call("attach", case)
    assert done.returncode == 2
    assert "steps is a number" in done.stdout
    assert document("attach", case, code=2)["jobs"][0]["error"]["code"] == "job-arguments"


def test_of_several_jobs_one_must_be_named(case):
    jobs = [create("self-test", {}, case / "jobs") for _ in range(2)]
    done = call("resume", case)
    assert done.returncode == 2
    assert all(job.id in done.stderr for job in jobs)
    assert call("resume", jobs[0].id).returncode == 0
    stop(jobs[0].directory)
    until_ended(jobs[0].directory)


@pytest.mark.parametrize("verb", ["show", "stop", "resume", "attach", "remove", "list"])
def test_a_job_that_is_not_there_is_one_clear_line(verb, tmp_path):
    for where in (tmp_path / "nowhere", "no-such-job"):
        done = call(verb, where)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert document(verb, where, code=1)["error"]["code"] == "no-job"


def test_a_damaged_job_is_told_beside_the_others(case):
    job = create("self-test", {}, case / "jobs")
    bad = create("self-test", {}, case / "jobs")
    (bad.directory / "spec.json").write_text("{")
    done = call("list", case)
    assert done.returncode == 0
    assert job.id in done.stdout
    assert f"{bad.directory}/spec.json" in done.stderr
    assert len(document("list", case)["problems"]) == 1


class Terminal:
    """A program that has a real terminal of its own, which can be hung up."""

    def __init__(self, *argv: object) -> None:
        self.master, slave = os.openpty()
        self.process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *map(str, argv)], stdin=slave, stdout=slave, stderr=slave, cwd=ROOT
        )
        os.close(slave)
        self.text = ""

    def wait_for(self, wanted: str) -> None:
        end = time.monotonic() + 60
        while wanted not in self.text:
            assert time.monotonic() < end, self.text
            readable, _, _ = select.select([self.master], [], [], 1)
            if readable:
                self.text += os.read(self.master, 4096).decode()

    def hang_up(self) -> int:
        os.close(self.master)
        return self.process.wait(60)


def test_the_job_outlives_the_terminal_it_was_started_in(case):
    code = (
        "from engine.jobs import start\n"
        f"job = start('self-test', {{'steps': 200, 'pause_s': 0.005}}, {str(case / 'jobs')!r})\n"
        "print('started', job.id, flush=True)\ninput()\n"
    )
    terminal = Terminal(sys.executable, "-c", code)
    terminal.wait_for("started")
    (entry,) = document("list", case)["jobs"]
    directory = Path(entry["directory"])
    assert load(directory).live
    assert terminal.hang_up() != 0, "the program was not hung up"
    after = load(directory)
    assert after.live
    ended = until_ended(directory)
    assert ended.state is JobState.DONE
    assert ended.runs == 1
    assert ended.progress.done == 200 > after.progress.done


def test_a_hang_up_or_ctrl_c_ends_the_watching_only(case):
    job = start("self-test", {"steps": 100000, "pause_s": 0.01}, case / "jobs")
    first = Terminal(sys.executable, "-m", "tui", "jobs", "attach", case)
    second = Terminal(sys.executable, "-m", "tui", "jobs", "attach", job.id)
    first.wait_for("job-started")
    second.wait_for("writes")
    assert first.hang_up() != 0
    os.write(second.master, b"\x03")
    second.wait_for("the job goes on")
    assert second.process.wait(60) == 130
    os.close(second.master)
    now = load(job.directory)
    assert now.state is JobState.RUNNING
    assert now.pid == job.pid
    done = now.progress.done
    assert until(job.directory, lambda job: job.progress.done > done).stop_requests == 0
    stop(job.directory)
    until_ended(job.directory)


def test_a_stop_that_comes_with_the_start_is_not_lost(case):
    """SIGTERM before the runner listens: it waits for it."""
    job = create("self-test", {"steps": 100000, "pause_s": 0.01}, case / "jobs")
    argv = [sys.executable, "-c", f"from engine.jobs import resume; resume({str(job.directory)!r})"]
    starter = subprocess.Popen(argv, cwd=ROOT)
    with JobDirectory(job.directory) as directory:
        eventually(lambda: is_held(directory))
    pid = None
    while pid is None:
        holders = subprocess.run(["pgrep", "-f", f"engine.jobs.run .*{job.id}"], capture_output=True, text=True).stdout
        pid = int(holders.split()[0]) if holders.split() else None
    os.kill(pid, signal.SIGTERM)
    assert starter.wait(60) == 0
    assert until_ended(job.directory).state is JobState.STOPPED


def test_kinds_say_what_they_are():
    from engine.jobs import KINDS

    for name, kind in KINDS.items():
        assert isinstance(kind, Kind)
        assert kind.name == name
        assert kind.summary
        assert callable(kind.function())
