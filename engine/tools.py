"""Programs outside: found once in a fixed PATH, run without a shell, with a limit, output capped."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from engine.errors import OutsideError

# Never the current folder, never what a user's PATH was talked into: these run as root on client data.
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MAX_OUTPUT = 64 << 20


def child_environment(**extra: str) -> dict[str, str]:
    """The environment for child programs: plain locale (their output is parsed), fixed PATH, only home inherited."""
    env = {"LC_ALL": "C", "LANG": "C", "PATH": SEARCH_PATH}
    for name in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR"):
        if name in os.environ:
            env[name] = os.environ[name]
    env.update(extra)
    return env


@cache
def find_tool(name: str) -> str | None:
    """The absolute path of a program, or None. ``RESCUEDECK_TOOL_<NAME>`` overrides it (another build of ddrescue)."""
    override = os.environ.get("RESCUEDECK_TOOL_" + name.upper().replace("-", "_"))
    if override:
        return override if os.path.isabs(override) and os.access(override, os.X_OK) else None
    return shutil.which(name, path=SEARCH_PATH)


def need_tool(name: str, package: str, purpose: str) -> str:
    """``find_tool`` or ``OutsideError`` that says which Debian package brings it and what it is for."""
    found = find_tool(name)
    if found is None:
        raise OutsideError(
            f"{name} is not installed; it is needed for {purpose}",
            code="no-tool",
            advice=f"install it: apt install {package}",
        )
    return found


@dataclass(frozen=True, slots=True)
class Finished:
    """What a child program left: exit status (negative: died by that signal), output decoded leniently."""

    status: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class Produced:
    """As ``Finished``, for a program whose output is data."""

    status: int
    stdout: bytes
    stderr: str


def run(argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None) -> Finished:
    """Run a program to its end. Raises ``OutsideError`` when it cannot start or is not done within ``timeout_s``.

    A child stuck in the kernel (state D) cannot be reaped: it is killed, left behind, and the caller goes on.
    """
    done = run_bytes(argv, timeout_s=timeout_s, stdin=stdin)
    return Finished(done.status, done.stdout.decode("utf-8", "replace"), done.stderr)


def run_bytes(argv: Sequence[str], *, timeout_s: float, stdin: bytes | None = None) -> Produced:
    """``run`` with its output as it came."""
    try:
        child = subprocess.Popen(
            list(argv),
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=child_environment(),
            start_new_session=True,
            close_fds=True,
        )
    except OSError as error:
        raise OutsideError(
            f"cannot start {os.path.basename(argv[0])}: {error.strerror}", code="no-tool", path=argv[0]
        ) from error
    try:
        out, err = child.communicate(stdin, timeout=timeout_s)
    except subprocess.TimeoutExpired as error:
        child.kill()
        try:
            child.communicate(timeout=1)
        except subprocess.TimeoutExpired:
            for stream in (child.stdout, child.stderr, child.stdin):
                if stream is not None:
                    stream.close()
        raise OutsideError(
            f"{os.path.basename(argv[0])} did not answer within {timeout_s:g} s",
            code="timeout",
            advice="the device may hang; do not ask it again until it has been power-cycled",
        ) from error
    return Produced(child.returncode, out[:_MAX_OUTPUT], err[:_MAX_OUTPUT].decode("utf-8", "replace"))
