"""Starting, finding, stopping, resuming and removing jobs."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import engine
from engine import __version__
from engine.errors import NotFoundError, OutsideError, RefusedError, RescueError, UsageError, outside
from engine.jobs import registry
from engine.jobs.directory import (
    CHECKPOINT,
    JOURNAL,
    JOURNAL_OLD,
    LOCK,
    LOG,
    LOG_OLD,
    SPEC,
    STATE,
    TEMPORARY,
    WORK,
    JobDirectory,
    make_folder,
)
from engine.jobs.kinds import RUNNER, Runner, find_kind
from engine.jobs.ledger import RESERVES, encode
from engine.jobs.lock import Holder, find_holders, is_held, send, take
from engine.jobs.model import Job, JobState
from engine.jobs.snapshot import MAX_SPEC, Spec, load, load_held, read_spec, read_state
from engine.text import safe_text

READY_S = 20.0
_LEAVE_S = 5.0
_ENDED = (JobState.DONE, JobState.STOPPED, JobState.FAILED)
_FRESH = {
    "version": 1,
    "state": "starting",
    "pid": None,
    "stop_requests": 0,
    "stop_requested": None,
    "finished": None,
    "error": None,
    "result": None,
}
_OURS = re.compile(
    "|".join(re.escape(name) for name in (SPEC, STATE, LOCK, JOURNAL, JOURNAL_OLD, CHECKPOINT, LOG, LOG_OLD, *RESERVES))
    + f"|{TEMPORARY.pattern}"
    # what a kind keeps for its watchers; everything else of a kind belongs into the work folder
    + r"|[a-z][a-z0-9-]*\.json"
)


@dataclass(frozen=True, slots=True)
class Listing:
    """Jobs of a folder, newest first, and what could not be read there."""

    jobs: tuple[Job, ...]
    problems: tuple[RescueError, ...]


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Whom a stop was sent to, by which signal."""

    signal: str
    holders: tuple[Holder, ...]

    @property
    def stuck(self) -> bool:
        """Whether one of them waits in the kernel: it ends only when the drive answers or is unplugged."""
        return any(holder.stuck for holder in self.holders)


def start(
    kind: str,
    arguments: Mapping[str, Any],
    parent: str | os.PathLike[str],
    title: str = "",
    *,
    runner: Runner = RUNNER,
) -> Job:
    """Make a job directory in ``parent`` (made when missing) and run it in a process of its own.

    ``arguments`` are JSON values; paths in them must be absolute, the job runs in ``/``. The process has its own
    session and no terminal: it outlives this one. Not for an event loop: it waits until the process has come up
    (0.1 to 1 s, at most 20 s). Raises ``UsageError`` (unknown kind, arguments that JSON cannot say),
    ``OutsideError`` (cannot make the directory, the runner did not come up: the directory then stays, as failed).
    """
    return resume(create(kind, arguments, parent, title, runner=runner).directory, runner=runner)


def create(
    kind: str,
    arguments: Mapping[str, Any],
    parent: str | os.PathLike[str],
    title: str = "",
    *,
    runner: Runner = RUNNER,
) -> Job:
    """Make a job directory without running it (state queued; ``resume`` runs it). Raises as ``start``."""
    find_kind(kind, runner.kinds)
    now = time.time()
    spec = {
        "version": 1,
        "kind": kind,
        "title": title,
        "arguments": dict(arguments),
        "created": now,
        "asked_by": {"uid": os.getuid(), "user": os.environ.get("SUDO_USER"), "host": socket.gethostname()},
        "rescuedeck": __version__,
    }
    try:
        data = json.dumps(spec, allow_nan=False).encode("ascii")
    except (TypeError, ValueError) as error:
        raise UsageError(f"the job's arguments cannot be written down ({error})", code="job-arguments") from error
    if len(data) > MAX_SPEC:
        raise UsageError("the job's arguments are too large", code="job-arguments", advice="pass long lists by a file")
    folder = Path(parent).absolute()
    try:
        make_folder(folder)
    except OSError as error:
        raise outside(error, "cannot create the folder for jobs", folder) from error
    stamp = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d-%H%M%S")
    with JobDirectory.create(folder / f"{stamp}-{kind}-{os.urandom(3).hex()}") as directory:
        directory.save(STATE, encode({"version": 1, "state": "queued"}), durable=False)
        directory.save(SPEC, data, durable=True)
    registry.add(directory.path)
    return load(directory.path, runner.kinds)


def resume(directory: str | os.PathLike[str], *, runner: Runner = RUNNER) -> Job:
    """Run a queued, stopped, failed or lost job in the same directory; returns when its process has come up.

    Raises ``RefusedError`` (it runs, it is done, its kind cannot go on), and as ``load``.
    """
    with JobDirectory(directory) as opened:
        spec = read_spec(opened)
        _held_on(opened)
        lock_fd = take(opened)
        try:
            _may_run(load_held(opened, runner.kinds), spec, runner)
            told = {**(read_state(opened) or {}), **_FRESH}
            opened.save(STATE, encode(told), durable=False)
            try:
                _launch(opened, lock_fd, runner)
            except OutsideError as error:
                failed = {"message": error.message, "code": error.code, "advice": error.advice, "exit_code": 3}
                if (read_state(opened) or {}).get("state") == "starting":
                    opened.save(STATE, encode({**told, "state": "failed", "error": failed}), durable=False)
                raise
        finally:
            os.close(lock_fd)
    registry.add(opened.path)
    return load(opened.path, runner.kinds)


def _held_on(opened: JobDirectory) -> bool:
    """Whether a process holds the job; one that has written the end of its run gets the time to leave."""
    deadline = time.monotonic() + _LEAVE_S
    while is_held(opened):
        if time.monotonic() > deadline or load_held(opened).state not in _ENDED:
            return True
        time.sleep(0.01)
    return False


def _may_run(job: Job, spec: Spec, runner: Runner) -> None:
    kind = find_kind(spec.kind, runner.kinds)
    if job.state is JobState.DONE:
        raise RefusedError("the job is done", code="job-done", path=job.directory, advice="start a new one")
    if job.state is not JobState.QUEUED and not kind.resumable:
        raise RefusedError(
            f"a {kind.name} job cannot be resumed", code="job-kind", path=job.directory, advice="start a new one"
        )


def _launch(opened: JobDirectory, lock_fd: int, runner: Runner) -> None:
    """Start the runner with our lock; it stays held without a gap. Raises ``OutsideError`` when it does not come up."""
    ready, theirs = os.pipe2(os.O_CLOEXEC)
    log = opened.open_log()
    # A stop that comes before the runner listens must wait for it, not kill it.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    try:
        argv = [sys.executable, "-P", "-m", runner.module, f"--lock-fd={lock_fd}", f"--ready-fd={theirs}"]
        child = subprocess.Popen(
            [*argv, str(opened.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            close_fds=True,
            pass_fds=(lock_fd, theirs),
            start_new_session=True,
        )
    except OSError as error:
        os.close(ready)
        raise outside(error, "cannot start the job's process", sys.executable) from error
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs)
        os.close(log)
    # Somebody must take its exit status as long as we live; it does not keep us from ending.
    threading.Thread(target=child.wait, name=f"job-{child.pid}", daemon=True).start()
    try:
        readable, _, _ = select.select([ready], [], [], READY_S)
        came_up = not readable or os.read(ready, 16) != b""
    finally:
        os.close(ready)
    if not came_up:
        raise OutsideError(
            f"the job's process did not come up: {_last_words(opened)}", code="job-start", path=opened.path / LOG
        )


def _last_words(opened: JobDirectory) -> str:
    fd = opened.open_to_read(LOG)
    if fd is None:
        return "it said nothing"
    try:
        data = os.pread(fd, 4096, max(0, os.fstat(fd).st_size - 4096))
    finally:
        os.close(fd)
    lines = [line for line in data.decode("utf-8", "replace").splitlines() if line.strip()]
    return safe_text(lines[-1].strip(), 300) if lines else "it said nothing"


def _environment() -> dict[str, str]:
    """Our own environment, but only absolute places to import from, and this very package first among them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    places = [place for place in os.environ.get("PYTHONPATH", "").split(os.pathsep) if os.path.isabs(place)]
    home = str(Path(engine.__file__).absolute().parents[1])
    if home not in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib")):
        places.insert(0, home)
    if places:
        env["PYTHONPATH"] = os.pathsep.join(dict.fromkeys(places))
    if os.geteuid() == 0:
        env["PYTHONDONTWRITEBYTECODE"] = "1"  # no root-owned byte code in a person's tree
    return env


def list_jobs(parent: str | os.PathLike[str], *, runner: Runner = RUNNER) -> Listing:
    """The jobs in a folder, newest first; none when the folder is not there. Other folders in it are passed over.

    Raises ``OutsideError``.
    """
    try:
        names = sorted((e.name for e in os.scandir(parent) if e.is_dir(follow_symlinks=False)), reverse=True)
    except FileNotFoundError:
        return Listing((), ())
    except OSError as error:
        raise outside(error, "cannot list the jobs", parent) from error
    jobs: list[Job] = []
    problems: list[RescueError] = []
    for name in names:
        where = Path(parent, name)
        if os.access(where, os.X_OK) and not os.path.lexists(where / SPEC):
            continue  # another folder, whoever may write into it
        try:
            jobs.append(load(where, runner.kinds))
        except NotFoundError:
            continue  # removed while we looked
        except RescueError as error:
            if error.code != "no-job":
                problems.append(error)
    jobs.sort(key=lambda job: (job.created, job.id), reverse=True)
    return Listing(tuple(jobs), tuple(problems))


def stop(directory: str | os.PathLike[str], *, force: bool = False) -> StopRequest:
    """Ask a job to stop: it finishes its block, saves, and ends. A second request ends it at once, at the next
    Python instruction; ``force`` kills it (what was saved last stays). Only processes that hold the job's lock are
    signalled: the runner, or when that is dead, what it left running.

    Raises ``NotFoundError`` when it does not run, ``RefusedError`` when its process cannot be identified,
    ``OutsideError`` when it may not be signalled.
    """
    number = signal.SIGKILL if force else signal.SIGTERM
    with JobDirectory(directory) as opened:
        read_spec(opened)
        if not _held_on(opened):
            raise NotFoundError("the job does not run", code="not-running", path=opened.path)
        pid = (read_state(opened) or {}).get("pid")
        holders = find_holders(opened, pid if isinstance(pid, int) and not isinstance(pid, bool) else None)
        reached = tuple(holder for holder in holders if send(opened, holder.pid, number))
        if not reached and is_held(opened):
            raise RefusedError(
                "the process that holds the job cannot be identified",
                code="unknown-holder",
                path=opened.path,
                advice="it may belong to another user (use sudo), another computer or container",
            )
        return StopRequest(number.name, reached)


def remove(directory: str | os.PathLike[str]) -> None:
    """Remove a job that does not run: its own files and its work folder, nothing else.

    Raises ``RefusedError`` when it runs or when the folder holds files that are not the job's.
    """
    with JobDirectory(directory) as opened:
        read_spec(opened)
        _held_on(opened)
        lock_fd = take(opened)
        try:
            names = os.listdir(opened.fd)
            foreign = [name for name in names if name != WORK and not _OURS.fullmatch(name)]
            if foreign:
                raise RefusedError(
                    f"the job's folder holds other files ({safe_text(', '.join(sorted(foreign)), 200)})",
                    code="not-empty",
                    path=opened.path,
                    advice="move them away first",
                )
            try:
                if WORK in names:
                    shutil.rmtree(WORK, dir_fd=opened.fd)
                for name in sorted(names, key=lambda name: name == SPEC):
                    opened.unlink(name) if name != WORK else None
                os.rmdir(opened.path)
            except OSError as error:
                raise outside(error, "cannot remove the job", opened.path) from error
        finally:
            os.close(lock_fd)
    registry.forget(opened.path)
