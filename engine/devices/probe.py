"""Touching a drive from a safe distance: opening it, or reading a few places, in a child process with a limit.

A process that asks a hung drive sits in the kernel and cannot be killed; here that is a child that can be left behind.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import engine
from engine import tools
from engine.devices.lsblk import Run
from engine.errors import OutsideError

_ROOT = str(Path(engine.__file__).resolve().parents[1])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from engine.devices.probe_child import main; sys.exit(main())"
PLACE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class Opened:
    """How opening the drive for reading went; nothing was read.

    ``code`` is ``ok``, ``hung`` (no answer within the limit) or the code of the error (``permission``, ``device-gone``,
    ``missing``, ``io``); ``message`` says it in words. ``busy``: something in the system has claimed it or a part of
    it.
    """

    code: str
    message: str = ""
    size: int = 0
    sector_size: int = 512
    busy: bool = False

    @property
    def ok(self) -> bool:
        """It can be opened and has a size."""
        return self.code == "ok"


@dataclass(frozen=True, slots=True)
class Place:
    """A few bytes that were read before: ``sha256`` (hex) of ``[offset, offset + size)``."""

    offset: int
    size: int
    sha256: str

    @classmethod
    def of(cls, offset: int, data: bytes) -> Place:
        """From the bytes that the image holds there."""
        return cls(offset, len(data), hashlib.sha256(data).hexdigest())


@dataclass(frozen=True, slots=True)
class ReadAgain:
    """How reading known places again went. ``code`` as in ``Opened``; ``same`` means something only when it is ok."""

    code: str
    message: str = ""
    same: bool = False


def try_open(path: str, *, timeout_s: float = 20.0, run: Run = tools.run) -> Opened:
    """Open the drive read-only and claim it for a moment (O_EXCL): can it be read, how big is it, who else has it."""
    answer = _ask({"do": "open", "path": path}, timeout_s, run)
    if "error" in answer:
        return Opened(str(answer["error"]), str(answer.get("message", "")))
    return Opened("ok", "", int(answer["size"]), int(answer["sector_size"]), bool(answer["busy"]))


def compare_places(
    path: str, places: Sequence[Place], *, timeout_s: float = 30.0, run: Run = tools.run
) -> bool | None:
    """Whether the drive holds at these places what it held before. None when a place could not be read or no answer
    came.

    Use places in the middle of large areas that were read well, never beside a bad one.
    """
    if not places:
        return None
    read = read_places(path, places, timeout_s=timeout_s, run=run)
    return None if read.code != "ok" else read.same


def read_places(
    path: str, places: Sequence[Place], *, timeout_s: float = 30.0, run: Run = tools.run
) -> ReadAgain:
    """Read these places again, past the page cache; unlike ``compare_places`` it tells errors from other contents."""
    answer = _ask({"do": "hash", "path": path, "places": [[p.offset, p.size] for p in places]}, timeout_s, run)
    if "error" in answer:
        return ReadAgain(str(answer["error"]), str(answer.get("message", "")))
    return ReadAgain("ok", "", list(answer["hashes"]) == [place.sha256 for place in places])


def safest_places(areas: Iterable[tuple[int, int]], *, count: int = 2, size: int = PLACE_SIZE) -> list[int]:
    """Offsets for a content check: the middles of the largest finished areas ``(start, end)``, aligned to ``size``.

    Places that all disks share (the very start, zeros) prove nothing: the caller leaves out those whose bytes in the
    image are all equal.
    """
    largest = sorted(areas, key=lambda area: area[0] - area[1])
    chosen: list[int] = []
    parts = max(1, -(-count // max(1, len(largest[:count]))))
    for start, end in largest[:count]:
        step = (end - start) // (parts + 1)
        for number in range(1, parts + 1):
            offset = (start + step * number) // size * size
            inside = start + size <= offset and offset + 2 * size <= end  # a good neighbour on either side
            if inside and len(chosen) < count and offset not in chosen:
                chosen.append(offset)
    return chosen


def _ask(question: dict[str, Any], timeout_s: float, run: Run) -> dict[str, Any]:
    argv = [sys.executable, "-P", "-c", _START, _ROOT]
    try:
        finished = run(argv, timeout_s=timeout_s, stdin=json.dumps(question).encode("ascii"))
    except OutsideError as error:
        return {"error": "hung" if error.code == "timeout" else error.code, "message": error.message}
    try:
        answer = json.loads(finished.stdout)
    except ValueError:
        return {"error": "io", "message": finished.stderr.strip()[-200:] or "the helper process gave no answer"}
    return answer if isinstance(answer, dict) else {"error": "io", "message": "the helper process gave no answer"}
