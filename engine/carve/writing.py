"""Chosen finds as files, through the extraction room: whole, or told to be holed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from engine.carve.find import Find
from engine.carve.naming import file_name
from engine.extract import Item, Options, Report, extract
from engine.progress import SILENT, Reporter
from engine.source.extents import Extent, ExtentSource

if TYPE_CHECKING:
    from engine.source.base import Source


def find_item(source: Source, find: Find) -> Item:
    """A find as something to extract. A file of uncertain end says so in its name."""
    name = file_name(find, source.sector_size)
    if find.status.value != "complete":
        stem, dot, extension = name.rpartition(".")
        name = f"{stem}.{find.status.value}{dot}{extension}" if dot else f"{name}.{find.status.value}"
    content = ExtentSource(source, [Extent(start, size) for start, size in find.extents])
    facts = {"type": find.kind, "status": find.status.value, "confidence": find.confidence, "reason": find.reason}
    if find.at is not None:
        facts["at"] = find.at
    return Item(name, content, find.modified, facts)


def write_finds(
    source: Source, finds: Iterable[Find], target: Path, *, reporter: Reporter = SILENT, journal: Path | None = None
) -> Report:
    """Write them into ``target``. Raises as ``extract`` does."""
    items = [find_item(source, find) for find in finds]
    return extract(items, target, Options(journal=journal, purpose="carve"), reporter)
