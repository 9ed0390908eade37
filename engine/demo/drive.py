"""A failing drive for the demonstration, served by the failing disk that the project's tests use.

It is a program of its own (``tests/failing_disk``, see ``parts``) and needs FUSE on the machine; where either is
missing the demonstration falls back on ddrescue's test mode, which needs nothing.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from engine.atomic import write_json
from engine.demo.parts import program
from engine.errors import OutsideError, outside
from engine.tools import find_tool

_START_S = 20.0


@dataclass(frozen=True, slots=True)
class DemoDrive:
    """A served drive: the file that fails (``path``) and the control socket of its power switch."""

    path: Path
    control: Path
    pid: int

    @property
    def power_command(self) -> list[str]:
        """The argument list that cycles this drive's power."""
        return [sys.executable, str(_program().parent / "power.py"), str(self.control), "cycle", "--wait", "20"]


def _program() -> Path:
    return program("failing_disk")


def why_not() -> str | None:
    """Why no failing drive can be served here, in words; None when it can."""
    if not _program().exists():
        return "the failing disk did not come along with this rescuedeck"
    if find_spec("mfusepy") is None:
        return "the Python package mfusepy is missing"
    if not os.path.exists("/dev/fuse"):
        return "this machine has no FUSE (/dev/fuse is missing)"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "you may not use /dev/fuse"
    if find_tool("fusermount3") is None:
        return "fusermount3 is missing (package fuse3)"
    return None


def serve(folder: Path, image: Path, profile: dict[str, Any]) -> DemoDrive:
    """Serve ``image`` with ``profile`` under ``folder`` until ``stop`` is called or the machine goes down.

    The process is detached: a rescue that goes on after the deck was closed keeps its drive. One that is served there
    already is used. Raises ``OutsideError``.
    """
    running = find(folder)
    if running is not None:
        return running
    mount, control = folder / "bus", folder / "power.socket"
    try:
        mount.mkdir(parents=True, exist_ok=True)
        write_json(folder / "profile.json", profile)
        with open(folder / "server.log", "ab") as log:  # noqa: SIM115
            child = subprocess.Popen(
                [sys.executable, str(_program()), str(mount), "--image", str(image), "--profile",
                 str(folder / "profile.json"), "--control", str(control)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip
    except OSError as error:
        raise outside(error, "cannot start the demonstration drive", folder) from error
    answer = _ready(child)
    if answer is None:
        child.terminate()
        raise OutsideError("the demonstration drive did not start", path=folder / "server.log", advice="read that file")
    drive = DemoDrive(Path(answer["path"]), control, child.pid)
    write_json(folder / "server.json", {"pid": child.pid, "path": str(drive.path), "control": str(control)})
    return drive


def _ready(child: subprocess.Popen[bytes]) -> dict[str, Any] | None:
    assert child.stdout is not None
    deadline = time.monotonic() + _START_S
    data = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while b"\n" not in data and (left := deadline - time.monotonic()) > 0:
            if waiting.select(left):
                chunk = os.read(child.stdout.fileno(), 4096)
                if not chunk:
                    break
                data += chunk
    try:
        value = json.loads(data)
        return value if isinstance(value, dict) and value.get("ready") else None
    except ValueError:
        return None


def find(folder: Path) -> DemoDrive | None:
    """The drive that is being served under ``folder``, if its process is still the one that was started."""
    try:
        facts = json.loads((folder / "server.json").read_bytes())
        drive = DemoDrive(Path(facts["path"]), Path(facts["control"]), int(facts["pid"]))
        command = Path(f"/proc/{drive.pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return drive if os.fsencode(drive.control) in command else None


def stop(folder: Path) -> bool:
    """End the drive served under ``folder``; False when there is none. Waits until it is unmounted."""
    drive = find(folder)
    if drive is None:
        return False
    os.kill(drive.pid, signal.SIGTERM)
    deadline = time.monotonic() + 10
    while find(folder) is not None and time.monotonic() < deadline:
        try:
            os.waitpid(drive.pid, os.WNOHANG)
        except ChildProcessError:
            pass
        time.sleep(0.05)
    return True
