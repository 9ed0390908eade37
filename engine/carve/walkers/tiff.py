"""TIFF 6.0, BigTIFF and the camera raws built on it: the end is the largest extent that any directory names."""

from __future__ import annotations

import calendar
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from engine.carve.outcome import WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_MOST_ENTRIES, _MOST_VALUES, _MOST_DIRECTORIES = 4096, 1 << 20, 512
_SUB = (330, 34665, 34853, 40965)
_PAIRS = ((273, 279), (324, 325), (513, 514))
_RAW = {"NIKON": "nef", "SONY": "arw", "PENTAX": "pef", "RICOH": "pef", "SAMSUNG": "srw"}


@dataclass(frozen=True, slots=True)
class _Form:
    big: bool
    order: str

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, "little" if self.order == "<" else "big")


def walk(view: View) -> Outcome:
    """TIFF, DNG, NEF, ARW, CR2, PEF, SRW, ORF, RW2."""
    head = view.take(0, 16)
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None:
        raise NotThis
    version = struct.unpack(order + "H", head[2:4])[0]
    if version == 43:
        if struct.unpack(order + "HH", head[4:8]) != (8, 0):
            raise NotThis
        form, first = _Form(True, order), struct.unpack(order + "Q", head[8:16])[0]
    elif version in (42, 0x55, 0x4F52, 0x5352):
        form, first = _Form(False, order), struct.unpack(order + "I", head[4:8])[0]
    else:
        raise NotThis
    end, make, model, raw, taken = 8, "", "", False, None
    todo, seen = [first], set[int]()
    while todo:
        at = todo.pop()
        if at in seen or not at:
            continue
        seen.add(at)
        if len(seen) > _MOST_DIRECTORIES:
            raise Broken(view.good, "too many directories")
        tags, reach, following = _directory(view, form, at)
        end = max(end, reach)
        for tag in _SUB:
            todo.extend(tags.get(tag, ())[:64])
        if following:
            todo.append(following)
        for starts, sizes in _PAIRS:
            for start, size in zip(tags.get(starts, ()), tags.get(sizes, ()), strict=False):
                end = max(end, start + size)
        raw |= 50706 in tags
        make, model = make or _text(view, tags, 271), model or _text(view, tags, 272)
        taken = taken or _when(_text(view, tags, 36867) or _text(view, tags, 306))
    if end <= 16:
        raise Broken(8, "no directory names any data")
    view.need(end)
    if raw:
        extension = "dng"
    elif head[8:10] == b"CR":
        extension = "cr2"
    elif version == 0x55:
        extension = "rw2"
    elif version in (0x4F52, 0x5352):
        extension = "orf"
    else:
        extension = next((ext for name, ext in _RAW.items() if make.upper().startswith(name)), None) or "tif"
    return complete(end, WALKED, "the largest extent of all its directories", extension=extension, name=model,
                    modified=taken)  # fmt: skip


def _directory(view: View, form: _Form, at: int) -> tuple[dict[int, list[int]], int, int]:
    view.step()
    count_size, entry, inline = (8, 20, 8) if form.big else (2, 12, 4)
    count = form.number(view.take(at, count_size))
    if not 0 < count <= _MOST_ENTRIES:
        raise Broken(at, f"a directory of {count} entries")
    table = view.take(at + count_size, count * entry)
    following = form.number(view.peek(at + count_size + count * entry, inline))
    reach = at + count_size + count * entry + inline
    tags: dict[int, list[int]] = {}
    last = -1
    for tag, kind, number, value in _entries(table, form, entry, inline):
        if tag < last and tag < 256:
            raise Broken(at, "directory entries out of order")
        last = tag
        unit = _SIZES.get(kind)
        if unit is None:
            continue
        size = unit * number
        position = form.number(value)
        if size > inline:
            reach = max(reach, position + size)
        if tag in (271, 272, 306, 36867):
            tags[tag] = [position if size > inline else -1, min(size, 64)]
        elif tag in _SUB or any(tag in pair for pair in _PAIRS) or tag == 50706:
            if number > _MOST_VALUES:
                raise Broken(at, "too many values")
            data = view.take(position, size) if size > inline else value[:size]
            tags[tag] = [form.number(data[i * unit : (i + 1) * unit]) for i in range(number)]
    view.mark(at)
    return tags, reach, following


def _entries(table: bytes, form: _Form, entry: int, inline: int) -> Iterator[tuple[int, int, int, bytes]]:
    for offset in range(0, len(table), entry):
        tag, kind = struct.unpack_from(form.order + "HH", table, offset)
        yield (
            tag,
            kind,
            form.number(table[offset + 4 : offset + entry - inline]),
            table[offset + entry - inline : offset + entry],
        )


def _text(view: View, tags: dict[int, list[int]], tag: int) -> str:
    at, size = tags.get(tag, (-1, 0))
    if at < 0 or view.holed(at, size):
        return ""
    return view.peek(at, size).split(b"\0")[0].decode("latin-1").strip()


def _when(text: str) -> float | None:
    digits = [part for part in text.replace(":", " ").split() if part.isdecimal()]
    if len(digits) != 6:
        return None
    year, month, day, hour, minute, second = (int(part) for part in digits)
    if not (1970 <= year < 2200 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second < 61):
        return None
    return float(calendar.timegm((year, month, day, hour, minute, second)))


def describe(data: bytes) -> tuple[float | None, str]:
    """The time of taking and the camera that a TIFF structure in memory (an Exif segment) names."""
    from engine.carve.view import Reader, WalkError
    from engine.source.extents import BytesSource

    view = View(Reader(BytesSource(data)), 0)
    order = {b"II": "<", b"MM": ">"}.get(data[:2])
    if order is None or len(data) < 8:
        return None, ""
    form = _Form(False, order)
    taken: float | None = None
    model = ""
    todo = [form.number(data[4:8])]
    for _ in range(8):
        if not todo:
            break
        try:
            tags, _, _ = _directory(view, form, todo.pop())
            model = model or _text(view, tags, 272)
            taken = taken or _when(_text(view, tags, 36867) or _text(view, tags, 306))
            todo += tags.get(34665, [])[:1]
        except WalkError:
            break
    return taken, model
