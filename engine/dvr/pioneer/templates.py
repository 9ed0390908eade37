"""Templates of Pioneer's tables: title, link and file entries of each layout, addresses, block lists."""

from __future__ import annotations

from construct import Bytes, Int8ub, Int16ub, Int32ub

from engine.dvr.pioneer.layouts import BLOCK, GENRES, INPUTS, LAYOUTS, MARK_633H, MAX_RUN, Layout
from engine.dvr.pioneer.tables import time_stamp
from engine.dvr.templates_words import at, counted, hexed, laid, number, one_of, text
from engine.template import Context, Note, Template


def _stamp(value: bytes, _context: Context) -> str:
    date = time_stamp(value)
    return "not set" if date is None else f"{date:%Y-%m-%d %H:%M:%S}"


def _source(value: int, _context: Context) -> str:
    return INPUTS.get(value, f"channel {value}" if value < 0x80 else "not known")


def _file_index(value: int, context: Context) -> str | None:
    index = context.facts.get("index")
    return None if index is None or index == value else f"it is entry {index}"


def _title(layout: Layout) -> Template:
    width = {2: Int16ub, 4: Int32ub}
    fields = [
        (layout.title_first[0], "first_link", width[layout.title_first[1]]),
        (layout.title_count[0], "files", width[layout.title_count[1]]),
        (layout.title_source, "source", Int16ub),
        (layout.title_name, "name", Bytes(64)),
    ]
    if layout.title_first_other:
        fields.append((layout.title_first_other[0], "sort_2", width[layout.title_first_other[1]]))
    if layout.title_date is not None:
        fields.append((layout.title_date, "recorded", Bytes(8)))
    if layout.title_locked is not None and layout.title_genre is not None:
        fields += [(layout.title_locked, "locked", Int8ub), (layout.title_genre, "genre", Int8ub)]
    if layout.key == "633h":
        fields.append((92, "mark", Bytes(4)))
    notes = {
        "first_link": Note(number, critical=True, expected="an entry of the FOT, from 1"),
        "files": Note(
            number,
            critical=True,
            expected="0 = unused entry",
            check=lambda value, _: None if value <= 999 else "more than any title has",
        ),
        "source": Note(_source),
        "name": Note(text),
        "recorded": Note(_stamp),
        "locked": one_of({0: "no", 1: "yes"}),
        "genre": one_of({key: name or "none" for key, name in GENRES.items()}),
        "mark": Note(
            "",
            expected="00 24 CC 0C in entries in use",
            check=lambda value, context: (
                None if value == MARK_633H or not context.values.get("files") else "not the mark of this layout"
            ),
        ),
        "sort_2": Note(number),
    }
    return Template(
        f"pioneer-{layout.key}-title",
        f"Pioneer {layout.key} title (FNT)",
        laid(layout.fnt_entry, *fields),
        notes,
        repeated=True,
    )


def _link(layout: Layout) -> Template:
    struct = laid(layout.fot_entry, (8, "file", Int16ub), (10, "next_link", Int16ub))
    notes = {
        "file": Note(number, critical=True, expected="an entry of the FAT, from 1"),
        "next_link": Note(lambda value, _: str(value) if value else "the last", critical=True),
    }
    return Template(f"pioneer-{layout.key}-link", f"Pioneer {layout.key} chain (FOT)", struct, notes, repeated=True)


def _file(layout: Layout) -> Template:
    fields = [
        (layout.file_blocks, "block_directory", Int32ub),
        (layout.file_size, "size_blocks", Int32ub),
        (layout.file_index, "own_index", Int16ub),
        (layout.file_index + 2, "one", Int16ub),
    ]
    if layout.file_date is not None:
        fields.append((layout.file_date, "recorded", Bytes(8)))
    notes = {
        "block_directory": at(BLOCK),
        "size_blocks": Note(counted(BLOCK, "blocks"), critical=True),
        "own_index": Note(number, critical=True, expected="the index of this entry", check=_file_index),
        "one": Note(number, expected="1"),
        "recorded": Note(_stamp),
    }
    return Template(
        f"pioneer-{layout.key}-file",
        f"Pioneer {layout.key} file (FAT)",
        laid(layout.fat_entry, *fields),
        notes,
        repeated=True,
    )


_ADDRESS = Template(
    "pioneer-addresses",
    "Pioneer addresses of blocks",
    laid(8, (0, "block", Int32ub), (4, "unknown", Int32ub)),
    {"block": at(BLOCK), "unknown": Note(hexed)},
    repeated=True,
)
_RUNS = Template(
    "pioneer-block-list",
    "Pioneer block list",
    laid(8, (0, "first_block", Int32ub), (4, "blocks", Int16ub), (6, "unknown", Int16ub)),
    {
        "first_block": at(BLOCK),
        "unknown": Note(hexed),
        "blocks": Note(
            lambda value, _: f"{value & MAX_RUN} blocks" + (", flag set" if value > MAX_RUN else ""),
            critical=True,
            check=lambda value, _: None if value & MAX_RUN else "an empty run",
        ),
    },
    repeated=True,
)
TEMPLATES = {
    one.name: one for one in (*(make(layout) for layout in LAYOUTS for make in (_title, _link, _file)), _ADDRESS, _RUNS)
}
