"""Titles and the recorder's own files as items to extract: names, times, facts; holes filled on request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.dvr import Part, RecorderFile, Recordings, Title
from engine.dvr.document import file_document, title_document
from engine.errors import NotFoundError
from engine.extract import Item, safe_component
from engine.recordings.filling import filled
from engine.source import ExtentSource, Source


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to leave. ``parts``: each part a file of its own; ``fill``: lost packs become padding packs."""

    parts: bool = False
    fill: bool = False


def chosen(recordings: Recordings, ids: Sequence[str] | None) -> list[Title]:
    """The titles of these ids (None: all that are not play lists of others, nor empty). Raises ``NotFoundError``."""
    if ids is None:
        return [title for title in recordings.titles if title.size and title.kind != "play list"]
    by_id = {title.id: title for title in recordings.titles}
    unknown = [id_ for id_ in ids if id_ not in by_id]
    if unknown:
        from engine.text import safe_text

        raise NotFoundError(f"there is no title {safe_text(unknown[0], 40)!r}", code="no-title",
                            advice="dvr list shows the ids")  # fmt: skip
    return [by_id[id_] for id_ in dict.fromkeys(ids)]


def title_items(
    recordings: Recordings,
    titles: Iterable[Title],
    view: Source,
    wish: Wish = Wish(),  # noqa: B008 (frozen)
) -> list[Item]:
    """One item for each title, or for each of its parts. ``view``: ``recordings.view(source)``."""
    items: list[Item] = []
    for title in titles:
        if wish.parts and len(title.parts) > 1:
            width = len(str(len(title.parts)))
            items += [
                _item(recordings, title, (part,), view, wish, f"{stem(title)} part {number:0{width}}.mpg", number)
                for number, part in enumerate(title.parts, 1)
            ]
        else:
            items.append(_item(recordings, title, title.parts, view, wish, f"{stem(title)}.mpg", None))
    return items


def _item(
    recordings: Recordings, title: Title, parts: tuple[Part, ...], view: Source, wish: Wish, name: str,
    number: int | None,
) -> Item:  # fmt: skip
    content = ExtentSource(view, [extent for part in parts for extent in part.extents])
    facts: dict[str, Any] = {
        **title_document(title),
        "recorder": recordings.recorder,
        "family": recordings.finding.family,
        "variant": recordings.variant,
        "swapped": recordings.finding.swapped,
    }
    if number is not None:
        facts["part"] = number
    when = parts[0].recorded_at if number is not None and parts[0].recorded_at else title.recorded_at
    if wish.fill and content.holes:
        source, ranges = filled(content)
        return Item(name, source, timestamp(when), facts, ranges)
    return Item(name, content, timestamp(when), facts)


def file_items(files: Iterable[RecorderFile], view: Source) -> list[Item]:
    """The recorder's own files under their own names."""
    return [
        Item(file.path.lstrip("/"), ExtentSource(view, file.extents), timestamp(file.modified), file_document(file))
        for file in files
        if file.size == 0 or file.extents
    ]


def stem(title: Title) -> str:
    """File name without extension: name and time, which together tell same-named titles apart."""
    when = f"{title.recorded_at:%Y-%m-%d %H.%M}" if title.recorded_at else ""
    words = [title.name, when] if title.name else [when or title.kind, "" if when else title.id]
    extra = [*(["(deleted)"] if title.deleted else []), *(["(incomplete)"] if title.incomplete else [])]
    return safe_component(" ".join(word for word in (*words, *extra) if word).lstrip(". ")) or "title"


def timestamp(when: datetime | None) -> float | None:
    """Local time as a POSIX time; None when it is not set or cannot be one."""
    if when is None:
        return None
    try:
        return when.timestamp()
    except (OverflowError, OSError, ValueError):
        return None
