"""``NAME.rescue.json``: where a file came from and which of its bytes nobody has read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.atomic import write_json
from engine.extract.model import Written
from engine.ranges import RangeSet
from engine.source import ExtentSource

SUFFIX = ".rescue.json"


def sidecar_path(path: Path) -> Path:
    """Beside the file."""
    return path.with_name(path.name + SUFFIX)


def write_sidecar(written: Written) -> None:
    """Save it. Raises ``OutsideError``."""
    write_json(sidecar_path(written.path), document(written), mode=0o644, durable=bool(written.missing))


def document(written: Written) -> dict[str, Any]:
    """Positions are bytes: ``missing`` in the file, ``source_ranges`` ([start or null for a gap, size], in the file's
    order) and ``missing_source`` in what the extents are of. A file that is no list of extents has no such ranges."""
    item, content = written.item, written.item.content
    extents: list[list[int | None]] | None = None
    missing_source: list[list[int]] | None = None
    if isinstance(content, ExtentSource):
        extents = [[one.start, one.size] for one in content.extents]
        missing_source = _listed(content.ranges_below(written.missing))
    modified = None if item.modified is None else _time(item.modified)
    return {
        "rescue": 1,
        "file": written.path.name,
        "name": item.name.encode("utf-8", "backslashreplace").decode("utf-8"),
        "size": written.size,
        "sha256": written.sha256,
        "complete": not written.missing,
        "missing_bytes": written.missing.total,
        "missing": _listed(written.missing),
        "filled": _listed(item.filled),
        "source": content.path,
        "source_ranges": extents,
        "missing_source": missing_source,
        "modified": modified,
        "facts": dict(item.facts),
    }


def _listed(ranges: RangeSet) -> list[list[int]]:
    return [[low, high] for low, high in ranges]


def _time(stamp: float) -> str | None:
    try:
        return datetime.fromtimestamp(stamp, UTC).isoformat()
    except (OverflowError, OSError, ValueError):
        return None
