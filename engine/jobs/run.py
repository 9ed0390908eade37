"""The runner: ``python -m engine.jobs.run DIRECTORY`` does the work of one job directory and ends.

Exit code: 0 done, 130 stopped on request, otherwise that of the error (1 damaged or not found, 2 usage, 3 outside).
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from engine.errors import CancelledError, RescueError, outside
from engine.jobs.context import JobContext, say
from engine.jobs.directory import JobDirectory
from engine.jobs.kinds import KINDS, Kind, find_kind
from engine.jobs.ledger import Ledger
from engine.jobs.lock import adopt, take
from engine.jobs.model import JobState
from engine.jobs.snapshot import MAX_RESULT, Spec, load_held, read_checkpoint, read_spec
from engine.text import safe_text


def main(argv: Sequence[str] | None = None, kinds: Mapping[str, Kind] = KINDS) -> int:
    """Run a job directory to its end."""
    parser = argparse.ArgumentParser(prog="python -m engine.jobs.run", description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("--lock-fd", type=int, help="descriptor of the lock, taken by the starter")
    parser.add_argument("--ready-fd", type=int, help="descriptor to write to when the job runs")
    args = parser.parse_args(argv)
    os.umask(0o077)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    faulthandler.enable()
    try:
        with JobDirectory(args.directory) as directory:
            if args.lock_fd is None:
                lock_fd = take(directory)
            else:
                lock_fd = args.lock_fd
                adopt(directory, lock_fd)
            try:
                return _work(directory, lock_fd, args.ready_fd, kinds)
            finally:
                os.close(lock_fd)
    except RescueError as error:
        say(f"{error}\n")
        return error.exit_code


def _work(directory: JobDirectory, lock_fd: int, ready_fd: int | None, kinds: Mapping[str, Kind]) -> int:
    spec = read_spec(directory)
    directory.clear_temporary()
    job = JobContext(directory, Ledger(directory), load_held(directory, kinds), lock_fd=lock_fd)
    job.start()
    if ready_fd is not None:
        try:
            os.write(ready_fd, b"ok\n")
        except BrokenPipeError:
            pass  # the starter is gone already; the job goes on all the same
        os.close(ready_fd)
    try:
        job.saved = read_checkpoint(directory)
        result = _call(spec, job, kinds)
    except CancelledError as error:
        say(f"{error}\n")
        job.finish(JobState.STOPPED)
        return CancelledError.exit_code
    except RescueError as error:
        say(traceback.format_exc())
        job.finish(JobState.FAILED, error=_describe(error))
        return error.exit_code
    except OSError as error:
        say(traceback.format_exc())
        told = outside(error, "cannot go on")
        job.finish(JobState.FAILED, error=_describe(told))
        return told.exit_code
    except BaseException as error:
        say(traceback.format_exc())
        job.finish(JobState.FAILED, error=_describe_crash(error))
        return 3
    if not job.finish(JobState.DONE, result=result):
        say("the work is done, but that could not be saved\n")
        return 3
    return 0


def _call(spec: Spec, job: JobContext, kinds: Mapping[str, Kind]) -> dict[str, Any]:
    function = find_kind(spec.kind, kinds).function()
    with job.working():
        result = function(dict(spec.arguments), job)
    text = json.dumps(result, allow_nan=False)
    if not isinstance(result, dict) or len(text) > MAX_RESULT:
        raise TypeError(f"a job's result is a mapping of at most {MAX_RESULT} bytes as JSON")
    return result


def _describe(error: RescueError) -> dict[str, Any]:
    message = f"{error.message} ({error.where})" if error.where else error.message
    return {"message": message, "code": error.code, "advice": error.advice, "exit_code": error.exit_code}


def _describe_crash(error: BaseException) -> dict[str, Any]:
    return {
        "message": safe_text(f"the job crashed: {type(error).__name__}: {error}", 500),
        "code": "crash",
        "advice": "what was done so far is kept; stderr.log in the job's folder says where it happened",
        "exit_code": 3,
    }


if __name__ == "__main__":
    sys.exit(main())
