"""Runs commands and jobs one after the other, each in a process of its own, with a mark between them in the trace.

``python -m tests.safety.visitor PLAN RESULT``: ``PLAN`` is a JSON list of ``{name, words}`` or ``{name, kind,
arguments, folder}``; ``RESULT`` gets name -> {status, said}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from tests.safety.traced import MARK


def main(plan: str, result: str) -> None:
    """Go through the plan."""
    import tui.commands  # noqa: F401

    told: dict[str, dict[str, object]] = {}
    for visit in json.loads(Path(plan).read_text()):
        try:
            os.open(MARK + visit["name"], os.O_RDONLY)
        except OSError:
            pass  # it is not there: only the trace sees it
        log = Path(f"{result}.said")
        pid = os.fork()
        if pid == 0:
            _child(visit, log)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        told[visit["name"]] = {"status": status, "said": log.read_text(errors="replace")[-2000:]}
    Path(result).write_text(json.dumps(told))


def _child(visit: dict[str, Any], log: Path) -> None:
    status = 99
    try:
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for number, ours in ((out, 1), (out, 2), (null, 0)):
            os.dup2(number, ours)
        status = _job(visit) if "kind" in visit else _command(visit)
        sys.stdout.flush()
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _command(visit: dict[str, Any]) -> int:
    from tui.commands import run

    return run([*visit["words"], *(("--quiet",) if "--quiet" not in visit["words"] else ())])


def _job(visit: dict[str, Any]) -> int:
    from engine.jobs import create
    from engine.jobs.run import main as run_job

    return run_job([str(create(visit["kind"], visit["arguments"], visit["folder"]).directory)])


if __name__ == "__main__":
    main(*sys.argv[1:])
