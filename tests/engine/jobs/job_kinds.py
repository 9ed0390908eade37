"""Kinds of work for tests. They run in real job processes, through ``tests.engine.jobs.job_runner``."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any

from engine.atomic import append_line
from engine.errors import DamagedError
from engine.jobs.context import JobContext
from engine.jobs.kinds import KINDS, Kind, Runner
from engine.progress import check

_HERE = "tests.engine.jobs.job_kinds"
KINDS_OF_TESTS = {
    **KINDS,
    "copy": Kind("copy", f"{_HERE}:copy", True, "copies a file with checkpoints"),
    "fail": Kind("fail", f"{_HERE}:fail", True, "fails as asked"),
    "deaf": Kind("deaf", f"{_HERE}:deaf", True, "does not ask whether it should stop"),
    "talk": Kind("talk", f"{_HERE}:talk", True, "records events until stopped"),
    "print": Kind("print", f"{_HERE}:print_much", True, "prints much"),
    "child": Kind("child", f"{_HERE}:child", True, "starts a program that holds the job"),
    "once": Kind("once", f"{_HERE}:talk", False, "cannot be resumed"),
    "odd": Kind("odd", f"{_HERE}:odd", True, "returns something that is no result"),
}
RUNNER = Runner("tests.engine.jobs.job_runner", KINDS_OF_TESTS)


def copy(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Copies ``source`` to ``target`` block by block; each eighth block is a checkpoint.

    Every block that is written is noted in ``trace``, so that a test can see what was done twice.
    """
    size = os.path.getsize(arguments["source"])
    block, done = arguments["block"], int((job.saved or {}).get("done", 0))
    target = os.open(arguments["target"], os.O_RDWR | os.O_CREAT, 0o600)
    source = os.open(arguments["source"], os.O_RDONLY)
    append_line(arguments["trace"], b"run %d from %d" % (job.run_number, done), durable=False)
    while done < size:
        data = os.pread(source, block, done)
        os.pwrite(target, data, done)
        append_line(arguments["trace"], b"%d" % done, durable=False)
        done += len(data)
        job.update(done, size, "B", "copies")
        job.facts(position=done)
        if done // block % 8 == 0 or done == size or job.cancelled():
            os.fsync(target)
            job.event("kept", done=done)
            job.checkpoint({"done": done})
        check(job)
        time.sleep(arguments.get("pause_s", 0))
    return {"size": size}


def fail(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Fails in the way of ``how``."""
    job.update(3, 10, "blocks")
    if arguments["how"] == "error":
        raise DamagedError("the map is torn", path="/case/a.map", line=3, code="map-torn", advice="take the older one")
    if arguments["how"] == "exit":
        raise SystemExit(5)
    raise ZeroDivisionError("by \x1b[31mzero")


def deaf(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Works for 60 s without asking."""
    job.update(1, None, "things")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        time.sleep(0.02)
    return {}


def talk(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Records ``count`` events (for ever without it), and then goes on until it is asked to stop if ``stay`` is set."""
    number = 0
    while number < arguments.get("count", 1 << 60):
        number += 1
        job.event("said", number=number, text="x" * arguments.get("size", 10))
        job.update(number, arguments.get("count"), "events", f"number {number}")
        check(job)
        if arguments.get("pause_s"):
            job.wait(arguments["pause_s"])
    while arguments.get("stay"):
        job.wait(10)
        check(job)
    return {"events": number}


def print_much(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Prints ``lines`` lines of 1 kB."""
    for number in range(arguments["lines"]):
        os.write(2, b"%-1023d\n" % number)
        if number % 100 == 0:
            job.wait(0.05)
    job.wait(1)
    return {}


def child(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Starts a program that keeps the job's lock, and waits for it."""
    program = subprocess.Popen(["sleep", "60"], pass_fds=(job.lock_fd,), start_new_session=True)
    job.facts(child=program.pid)
    job.update(1, None, "children")
    try:
        while not job.wait(0.1) and program.poll() is None:
            pass
        check(job)
    finally:
        program.send_signal(signal.SIGTERM)
        program.wait(5)
    return {}


def odd(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Returns no mapping."""
    return [1, 2]  # type: ignore[return-value]
