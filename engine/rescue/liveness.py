"""Does the drive still answer? First from sysfs, without touching it; then by one read of a place that is known good.

The read happens in a child process with a time limit: a drive that hangs holds the child, never us. Never asked while a
ddrescue hangs on the same drive, and never of a place that is not known to be good.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine import tools
from engine.devices.drive_state import Condition, Look, judge, look
from engine.errors import OutsideError, UsageError
from engine.mapfile.model import Mapfile
from engine.source.file import FileSource
from engine.text import safe_text

PROBE_SIZE = 4096
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from engine.rescue.touch import main; sys.exit(main(sys.argv[1:]))"
)
_ROOT = str(Path(__file__).resolve().parents[2])


class Alive(StrEnum):
    """What a look at the drive says."""

    YES = "yes"
    NO = "no"
    OTHER = "other"  # it answers, but not with what was rescued from that place
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Liveness:
    """The answer and its reason in words."""

    alive: Alive
    reason: str = ""


def baseline(source: str) -> Look | None:
    """How the drive looks in sysfs while it is well; None for a source that is no block device."""
    name = kernel_disk(source)
    return look(name) if name else None


def kernel_disk(source: str) -> str | None:
    """The kernel name of the whole disk behind a device path (``sda`` for /dev/disk/by-id/...-part1), from sysfs."""
    name = os.path.basename(os.path.realpath(source)).replace("/", "!")
    directory = Path("/sys/class/block") / name
    if not os.path.realpath(source).startswith("/dev/") or not directory.exists():
        return None
    if (directory / "partition").exists():
        return directory.resolve().parent.name
    return name


def known_good(known: Mapfile | None, size: int | None, sector: int) -> int | None:
    """The offset of a rescued place to probe: in the middle of the largest rescued area, far from what failed."""
    if known is None:
        return None
    areas = known.ranges("+", 0, size if size is not None else known.end)
    best = max(areas, key=lambda area: area[1] - area[0], default=None)
    step = max(PROBE_SIZE, sector)
    if best is None or best[1] - best[0] < 2 * step:
        return None
    middle = (best[0] + best[1]) // 2 // step * step
    return middle if middle >= best[0] else None


def check(
    source: str,
    known: Mapfile | None,
    *,
    image: str | None = None,
    shift: int = 0,
    sector: int = 512,
    well: Look | None = None,
    limit_s: float = 20.0,
) -> Liveness:
    """Look at a drive after a run. ``well`` is its ``baseline``; ``known`` the map that says where it was readable.

    With ``image`` (``shift`` bytes further on than the source) what comes back is compared with what was rescued.
    ``limit_s`` bounds the read.
    """
    if well is not None:
        verdict = judge([well, look(well.name)])
        if not verdict.usable:
            return Liveness(Alive.NO, verdict.reasons[0] if verdict.reasons else str(verdict.condition))
        if verdict.condition is Condition.BUSY:
            return Liveness(Alive.UNKNOWN, "; ".join(verdict.reasons))
    place = known_good(known, None, sector)
    size = max(PROBE_SIZE, sector) if place is not None else 0
    try:
        done = tools.run(
            [sys.executable, "-I", "-c", _START, _ROOT, os.path.abspath(source), str(place or 0), str(size)],
            timeout_s=limit_s,
        )
        answer = json.loads(done.stdout)
    except OutsideError as error:
        if error.code == "timeout":
            return Liveness(Alive.NO, f"a known good place was not read within {limit_s:g} s")
        return Liveness(Alive.UNKNOWN, error.message)
    except ValueError:
        return Liveness(Alive.UNKNOWN, f"the probe failed: {safe_text(done.stderr[-200:])}")
    if not answer.get("ok"):
        if answer.get("code") == "permission":
            return Liveness(Alive.UNKNOWN, str(answer.get("message")))
        where = f" at {place}" if place is not None else ""
        return Liveness(Alive.NO, f"{answer.get('message')}{where}")
    if place is None:
        return Liveness(Alive.UNKNOWN, "it opens, but no place is known good yet")
    if image is not None and not _same(image, place + shift, size, str(answer.get("sha256"))):
        return Liveness(Alive.OTHER, f"the {size} bytes at {place} differ from the image")
    return Liveness(Alive.YES, f"the {size} bytes at {place} were read again")


def _same(image: str, offset: int, size: int, digest: str) -> bool:
    """Whether the image holds what the drive returned; an image that cannot be compared (a device) counts as equal."""
    try:
        with FileSource(image) as source:
            if offset + size > source.size:
                return True
            return hashlib.sha256(source.read(offset, size).data).hexdigest() == digest
    except (OutsideError, UsageError):
        return True
