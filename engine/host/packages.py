"""The Python packages that rescuedeck builds on: which of them load here, and what the lack of each costs.

Each is really imported, in a child process: one that was built for another processor ends its process instead of
raising an error.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from engine.text import safe_text
from engine.tools import child_environment

_LIMIT_S = 60.0
_CHILD = """
import importlib, importlib.metadata, json, sys
for word in sys.argv[1:]:
    module, _, name = word.partition("=")
    print(json.dumps([name]), flush=True)
    try:
        importlib.import_module(module)
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = "?"
        print(json.dumps([name, version, None]), flush=True)
    except ModuleNotFoundError as error:
        gone = error.name is not None and module.startswith(error.name)
        print(json.dumps([name, None, None if gone else str(error)]), flush=True)
    except Exception as error:
        print(json.dumps([name, None, str(error) or type(error).__name__]), flush=True)
"""


@dataclass(frozen=True, slots=True)
class Package:
    """A Python package by its name in the index, the module to import, and what is not possible without it."""

    name: str
    module: str
    without: str
    required: bool = False


PACKAGES = (
    Package("numpy", "numpy", "maps, images and volumes cannot be worked on", True),
    Package("construct", "construct", "no structure on a disk can be read", True),
    Package("psutil", "psutil", "running rescues cannot be watched", True),
    Package("platformdirs", "platformdirs", "the deck does not open", True),
    Package("textual", "textual", "the deck does not open; sub-commands work", True),
    Package("pytsk3", "pytsk3", "files of volumes are not listed; carving finds files all the same"),
    Package("hyperscan", "hyperscan", "carving looks at block borders only, not at every byte"),
    Package("simplejpeg", "simplejpeg", "carved JPEGs are not proven by decoding them"),
    Package("pillow", "PIL", "no previews of pictures"),
    Package("olefile", "olefile", "rebuilt documents are not checked by a second reader"),
    Package("mfusepy", "mfusepy", "the demonstration's drives do not drop off"),
)


@dataclass(frozen=True, slots=True)
class PackageState:
    """One package as found. ``version`` is None when it does not load; then ``problem`` says why, or is None when it is
    simply not there."""

    package: Package
    version: str | None
    problem: str | None = None


def look_at_packages(packages: Sequence[Package] = PACKAGES, python: str = sys.executable) -> list[PackageState]:
    """Import each of them in a child; a child that dies takes only the package it died of along."""
    states: dict[str, PackageState] = {}
    while left := [package for package in packages if package.name not in states]:
        for state in _ask(left, python):
            states[state.package.name] = state
    return [states[package.name] for package in packages]


def _ask(packages: Sequence[Package], python: str) -> list[PackageState]:
    """The states of at least the first of ``packages``."""
    words = [f"{package.module}={package.name}" for package in packages]
    try:
        done = subprocess.run(
            [python, "-P", "-c", _CHILD, *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=_LIMIT_S,
            check=False, env=child_environment(), cwd="/",
        )  # fmt: skip
        said, why = done.stdout, f"it ends the program that loads it (status {done.returncode})"
    except subprocess.TimeoutExpired as error:
        said, why = error.stdout or b"", "it does not finish loading"
    except OSError as error:
        return [PackageState(package, None, f"Python does not start: {error.strerror}") for package in packages]
    by_name = {package.name: package for package in packages}
    states: dict[str, PackageState] = {}
    begun = packages[0].name
    for line in said.splitlines():
        try:
            answer = json.loads(line)
        except ValueError:  # a package that prints while it is loaded
            continue
        if not isinstance(answer, list) or not answer or answer[0] not in by_name:
            continue
        begun = answer[0]
        if len(answer) == 3:
            problem = safe_text(str(answer[2]).splitlines()[0], 200) if answer[2] else None
            states[begun] = PackageState(by_name[begun], answer[1], problem)
    if begun not in states:
        states[begun] = PackageState(by_name[begun], None, why)
    return list(states.values())
