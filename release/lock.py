"""The locked packages, as each Python needs them: requirements/runtime.txt with its markers decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parents[1]
RUNTIME = ROOT / "requirements" / "runtime.txt"


@dataclass(frozen=True, slots=True)
class Locked:
    """One package: normalised name, exact version, and the SHA-256 digests (hexadecimal) of its files."""

    name: str
    version: str
    digests: frozenset[str]


def locked_for(minor: str, machine: str, text: str | None = None) -> tuple[Locked, ...]:
    """What a Python ``minor`` ("3.12") on Linux and ``machine`` gets. Raises ValueError for a line it cannot read."""
    text = RUNTIME.read_text() if text is None else text
    surroundings = {
        "python_version": minor,
        "python_full_version": f"{minor}.0",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": machine,
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    found = []
    for block in re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n", "", text)):
        first, *rest = block.split("\\\n")
        read = re.fullmatch(r"([a-z0-9-]+)==([^ ;]+)(?: ; (.*?))? *", first.rstrip())
        if read is None:
            raise ValueError(f"not a locked requirement: {first!r}")
        digests = frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", "".join(rest)))
        if not digests:
            raise ValueError(f"no hashes: {first!r}")
        if read[3] is None or Marker(read[3]).evaluate(surroundings):
            found.append(Locked(read[1], read[2], digests))
    return tuple(found)
