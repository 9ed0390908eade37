"""Looking at a device, and repairing it, in a process of its own: a drive that hangs holds up that process alone.

A screen calls ``aside`` from a thread; the thread waits for a pipe, never for the device. The child is this very
package; it knows a fixed table of functions, and what goes through the pipes comes from ourselves on both sides.
"""

from __future__ import annotations

import base64
import os
import pickle
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import engine
from engine.errors import OutsideError, RescueError
from engine.tools import child_environment

TIMEOUT_S = 120.0
_FUNCTIONS = {
    "look": "engine.cases.partitions:look_here",
    "fields": "engine.cases.partitions:fields_here",
    "bytes": "engine.cases.partitions:bytes_here",
    "plan": "engine.cases.partitions:plan_here",
    "preview": "engine.cases.partitions:preview_here",
    "place": "engine.cases.repairing:repair_place",
    "apply": "engine.cases.repairing:apply_repair",
    "undo": "engine.cases.repairing:undo_repair",
    "recordings": "engine.recordings.apart:look_here",
    "recording-sample": "engine.recordings.apart:sample_here",
    "echo": "engine.cases.aside:echo",
}


def echo(value: Any) -> Any:
    """Gives back what it gets; raises it when it is an error."""
    if isinstance(value, Exception):
        raise value
    return value


def aside(name: str, *arguments: Any, timeout_s: float = TIMEOUT_S, **named: Any) -> Any:
    """Call a function of the table in a child process and return what it returns.

    Raises the ``RescueError`` that it raised; ``OutsideError`` (``timeout``) when it does not answer: the child is
    killed, and left behind if the kernel does not let go of it.
    """
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "engine.cases.aside"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(), cwd=os.getcwd(),
        start_new_session=True, close_fds=True,
    )  # fmt: skip
    try:
        out, err = child.communicate(pickle.dumps((name, arguments, named)), timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        child.kill()
        for stream in (child.stdin, child.stdout, child.stderr):
            if stream is not None:
                stream.close()
        raise OutsideError(
            f"the device did not answer within {timeout_s:g} s", code="timeout",
            advice="it may hang: do not ask it again before it was switched off and on",
        ) from error  # fmt: skip
    if child.returncode:
        last = err.decode("utf-8", "replace").strip().splitlines()[-1:] or ["it said nothing"]
        raise RuntimeError(f"the process that looks at the device failed: {last[0]}")
    good, value = pickle.loads(base64.b64decode(out))  # noqa: S301 - from our own child
    if not good:
        raise value
    return value


def _environment() -> Mapping[str, str]:
    """Our own package first among the places to import from, as for jobs."""
    home = str(Path(engine.__file__).absolute().parents[1])
    installed = home in (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
    return child_environment(PYTHONDONTWRITEBYTECODE="1", **({} if installed else {"PYTHONPATH": home}))


def main() -> None:
    """The child: one call from standard input, its outcome to standard output."""
    import importlib

    name, arguments, named = pickle.loads(sys.stdin.buffer.read())  # noqa: S301 - from our own parent
    module, _, function = _FUNCTIONS[name].partition(":")
    work: Callable[..., Any] = getattr(importlib.import_module(module), function)
    try:
        outcome = (True, work(*arguments, **named))
    except RescueError as error:
        outcome = (False, error)
    sys.stdout.buffer.write(base64.b64encode(pickle.dumps(outcome)))


if __name__ == "__main__":
    main()
