"""Walking a template over bytes. Bounded: fixed-size structures only, no recursion, no number from the bytes decides
how long it takes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from construct import Array, Construct, Renamed, SizeofError, Struct

from engine.template.model import Context, Field, Note, Template, Value
from engine.text import safe_text

MAX_FIELDS = 8192
_INDEX = re.compile(r"\[\d+\]")
_PLAIN = Note()
Leaf = tuple[str, int, int, Construct]
"""Name, offset, size and parser of a plain field."""


def walk(
    template: Template,
    data: bytes,
    *,
    base: int = 0,
    facts: Mapping[str, Any] | None = None,
    holes: Sequence[tuple[int, int]] = (),
    stride: int | None = None,
) -> list[Field]:
    """The fields of ``template`` over ``data``, in their order; at most ``MAX_FIELDS``.

    ``base`` is where ``data`` begins (added to all offsets), ``holes`` are stretches that nobody has read, counted like
    the offsets. ``stride`` is the distance of repeated structures. Raises ``ValueError`` for a declaration that has no
    fixed size.
    """
    found: list[Field] = []
    layout = list(leaves(template.struct))
    step = max(stride or 0, template.size) if template.repeated else max(1, len(data))
    for number, start in enumerate(range(0, max(1, len(data)), step)):
        piece = data[start : start + step]
        unread = any(low < base + start + len(piece) and high > base + start for low, high in holes)
        if template.repeated and not any(piece) and not unread:
            continue
        prefix = f"[{number}]." if template.repeated else ""
        for item in _walk_one(layout, template, piece, base + start, facts or {}, holes, prefix):
            if len(found) >= MAX_FIELDS:
                return found
            found.append(item)
    return found


def leaves(struct: Construct, name: str = "") -> Iterator[Leaf]:
    """Every plain field of a fixed-size declaration, in order. Raises ``ValueError``."""
    waiting: list[tuple[Construct, str, int]] = [(struct, name, 0)]
    while waiting:
        part, called, offset = waiting.pop()
        while isinstance(part, Renamed):
            part = part.subcon
        size = _size(part)
        if isinstance(part, Struct):
            inner = []
            position = offset
            for child in part.subcons:
                inner.append((child, f"{called}.{child.name}" if called else str(child.name), position))
                position += _size(child)
            waiting += reversed(inner)
        elif isinstance(part, Array):
            count, each = int(part.count), _size(part.subcon)
            waiting += [(part.subcon, f"{called}[{index}]", offset + index * each) for index in reversed(range(count))]
        else:
            yield called, offset, size, part


def _size(part: Construct) -> int:
    try:
        return int(part.sizeof())
    except (SizeofError, TypeError) as error:
        raise ValueError(f"a template has a fixed size: {error}") from error


def _walk_one(
    layout: list[Leaf],
    template: Template,
    data: bytes,
    base: int,
    facts: Mapping[str, Any],
    holes: Sequence[tuple[int, int]],
    prefix: str,
) -> Iterator[Field]:
    groups: dict[str, dict[str, Value]] = {}
    known: dict[str, Value] = {}
    for name, offset, size, parser in layout:
        low, high = base + offset, base + offset + size
        if offset + size <= len(data) and not any(start < high and end > low for start, end in holes):
            group, _, short = name.rpartition(".")
            known[name] = groups.setdefault(group, {})[short] = parser.parse(data[offset : offset + size])
    for name, offset, size, _ in layout:
        raw = data[offset : offset + size]
        note = template.notes.get(_INDEX.sub("[]", name), _PLAIN)
        if name not in known:
            cut = len(raw) < size
            yield Field(prefix + name, base + offset, size, raw, None, critical=note.critical, expected=note.expected,
                        problem="cut off: the data end here" if cut else "never read")  # fmt: skip
            if cut:
                return
            continue
        value = known[name]
        context = Context(groups[name.rpartition(".")[0]], facts, data)
        meaning = note.meaning if isinstance(note.meaning, str) else note.meaning(value, context)
        problem = note.check(value, context) if note.check is not None else None
        yield Field(
            prefix + name, base + offset, size, raw, value, safe_text(meaning), note.critical, note.expected,
            None if problem is None else safe_text(problem),
        )  # fmt: skip
