"""A recorder's disk and a broken document for the demonstration, by their writers (see ``parts``)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from engine.demo.parts import program
from engine.tools import child_environment

NAMES = ("recorder.img", "letter.doc")
_LIMIT_S = 120.0


def _program() -> Path:
    return program("demo_extras")


def make_extras(directory: Path) -> tuple[Path, ...]:
    """Write them into ``directory`` if they are not there yet; returns those that are. They are an extra: the
    demonstration goes on without them.
    """
    if _program().exists() and not all((directory / name).exists() for name in NAMES):
        try:
            subprocess.run(
                [sys.executable, str(_program()), str(directory)], check=False, timeout=_LIMIT_S, capture_output=True,
                stdin=subprocess.DEVNULL, env=child_environment(), cwd="/",
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired):
            return ()
    return tuple(directory / name for name in NAMES if (directory / name).exists())
