"""The fields of a structure as a tree beside the bytes: rows, colours and words, no drawing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.hex.inspector import Reading
from engine.template import Field
from engine.text import safe_text
from tui.widgets.hex_rows import FIELD_CLASSES, WRONG, Span
from tui.widgets.rows import Cell, Column, Row, Section

FIELD, GROUP = "field:", "group:"
COLUMNS = (Column("", 28, flex=True, least=10), Column("", 40, flex=True, least=10))
_MOST_SPANS = 8192


def field_rows(title: str, fields: Sequence[Field], folded: Collection[str] = ()) -> Section:
    """Fields in their order, those of an inner structure under its name. ``folded``: groups shown by name only."""
    rows: list[Row] = []
    shown: tuple[str, ...] = ()
    for number, field in enumerate(fields):
        *groups, name = field.name.split(".")
        hidden = False
        for depth in range(len(groups)):
            path = tuple(groups[: depth + 1])
            key = ".".join(path)
            if shown[: depth + 1] != path:
                inside = [one for one in fields[number:] if one.name.startswith(key + ".")]
                rows.append(_group_row(key, groups[depth], depth, inside, key in folded))
            if key in folded:
                hidden = True
                shown = path
                break
        if hidden:
            continue
        shown = tuple(groups)
        rows.append(_field_row(number, name, len(groups), field))
    return Section(safe_text(title, 60), COLUMNS, tuple(rows), "no structure is laid over these bytes: t chooses one")


def _group_row(key: str, name: str, depth: int, inside: Sequence[Field], folded: bool) -> Row:
    wrong = sum(one.problem is not None for one in inside)
    words = "" if not wrong else f"{wrong} wrong"
    if folded:
        words = f"{len(inside)} fields" + (f", {words}" if words else "")
    text = f"{'  ' * depth}{'+' if folded else '-'} {name}"
    return Row(GROUP + key, (text, Cell(words, "row--danger" if wrong else "row--soft")), "row--strong")


def _field_row(number: int, name: str, depth: int, field: Field) -> Row:
    mark = "" if field.problem is None else "!! " if field.critical else "! "
    style = "" if field.problem is None else "row--danger" if field.critical else "row--warning"
    return Row(f"{FIELD}{number}", ("  " * depth + name, Cell(mark + value_words(field), style)))


def value_words(field: Field) -> str:
    """What a field means, or its value, in a few words."""
    if field.value is None:
        return "??"
    if field.meaning:
        return field.meaning
    if isinstance(field.value, int):
        return str(field.value)
    return field.value[:8].hex(" ") + (" ..." if len(field.value) > 8 else "")


def field_words(field: Field) -> str:
    """All about a field on one line: its name, value, meaning, and what is wrong with it."""
    if field.value is None:
        value = "??"
    elif isinstance(field.value, int):
        value = f"{field.value} = 0x{field.value:x}" if abs(field.value) > 9 else str(field.value)
    else:
        value = field.value[:12].hex(" ") + (" ..." if len(field.value) > 12 else "")
    meaning = field.meaning if field.meaning not in ("", str(field.value)) else ""
    words = f"{safe_text(field.name, 60)}  {value}" + (f"  {meaning}" if meaning else "")
    if field.problem is not None:
        expected = f" (expected {field.expected})" if field.expected else ""
        words = f"{'!!' if field.critical else '!'} {words}: {field.problem}{expected}"
    return words


def inspector_sections(readings: Sequence[Reading], around: Sequence[Reading] = ()) -> list[Section]:
    """What begins here, dates that are plausible, numbers and text, and the rest."""
    columns = (Column("", 15, least=8), Column("", 40, flex=True, least=10))

    def rows(chosen: Sequence[Reading], style: str = "") -> tuple[Row, ...]:
        return tuple(Row(f"{one.kind}:{one.name}", (one.name, one.value), style) for one in chosen)

    dates = [one for one in readings if one.kind == "date" and one.likely]
    plain = [one for one in readings if one.kind != "date" and one.likely]
    rest = [one for one in readings if not one.likely]
    here = [Section("HERE", columns, rows(around))] if around else []
    return [
        Section("DATES", columns, rows(dates), "none that is plausible"),
        *here,
        Section("VALUES", columns, rows(plain), "nobody has read these bytes"),
        Section("LESS LIKELY", columns, rows(rest, "row--soft"), ""),
    ]


def field_spans(fields: Sequence[Field]) -> list[Span]:
    """The bytes of each field with its colour: neighbours differ, wrong ones stand out."""
    spans = []
    for number, field in enumerate(fields[:_MOST_SPANS]):
        style = WRONG if field.problem is not None and field.value is not None else FIELD_CLASSES[number % 3]
        spans.append(Span(field.offset, field.offset + field.size, style))
    return spans


def first_folds(fields: Sequence[Field]) -> frozenset[str]:
    """The groups that begin folded: of a long array all whose fields are right, but the first."""
    groups = list(dict.fromkeys(".".join(one.name.split(".")[:-1]) for one in fields if "." in one.name))
    if len(groups) <= 8:
        return frozenset()
    wrong = {".".join(one.name.split(".")[:-1]) for one in fields if one.problem is not None}
    return frozenset(group for group in groups[1:] if group not in wrong)
