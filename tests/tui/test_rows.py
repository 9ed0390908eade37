"""Rows in columns: pure arithmetic that must hold for any text and any width."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui.shell import HOSTILE
from tui.keys import SCOPES
from tui.terminal import to_ascii
from tui.widgets.key_row import fitting
from tui.widgets.labels import fit, fit_right, shorten
from tui.widgets.rows import Cell, Column, Row, Section, lay_out

anything = st.text(max_size=60) | st.sampled_from(HOSTILE)
columns = st.builds(
    Column,
    title=st.sampled_from(("", "size", "a longer title")),
    width=st.integers(1, 40),
    right=st.booleans(),
    flex=st.booleans(),
    least=st.integers(0, 20),
    drop=st.integers(0, 3),
    path=st.booleans(),
)


@given(st.lists(columns, min_size=1, max_size=6), st.lists(st.lists(anything, max_size=7), max_size=5), st.data())
def test_every_line_fills_its_width_with_printable_text(columns: list[Column], cells: list[list[str]], data) -> None:
    width = data.draw(st.integers(58, 200))
    rows = tuple(Row(str(n), tuple(Cell(c, "row--soft") for c in row)) for n, row in enumerate(cells))
    needed = 2 + sum(max(c.least, c.width, 8, 14) + 2 for c in columns if not c.drop)
    for line in lay_out([Section("THINGS", tuple(columns), rows, "nothing")], max(width, needed)):
        text = "".join(part for part, _style in line.spans)
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text)
        if line.row is not None:
            assert cell_len(text) + 2 <= max(width, needed) + 2


def test_a_narrow_list_drops_columns_in_order_and_keeps_the_note() -> None:
    columns = (
        Column("device", 18, least=10),
        Column("bus", 7, drop=2),
        Column("serial", 20, drop=3),
        Column("", 60, flex=True, least=20),
    )
    row = Row("1", ("/dev/sdb", "sata", "S1D5XYZ0ABCDEF", "system disk: /, swap"))

    def shown(width: int) -> str:
        return "".join(part for part, _style in lay_out([Section("", columns, (row,))], width)[-1].spans)

    assert "S1D5XYZ0ABCDEF" in shown(80)
    assert "S1D5" not in shown(50)
    assert "sata" in shown(50)
    assert "sata" not in shown(36)
    assert "system disk: /, swap" in shown(36)


def test_empty_columns_take_no_room() -> None:
    section = Section("A", (Column("a", 8), Column("rate", 12), Column("b", 8)), (Row("1", ("x", "", "y")),))
    heading, line = ("".join(part for part, _style in line.spans) for line in lay_out([section], 60))
    assert "rate" not in heading
    assert line.split() == ["x", "y"]


@given(anything, st.integers(0, 40))
def test_fitting_text_has_exactly_the_width(text: str, width: int) -> None:
    from engine.text import safe_text

    text = safe_text(text)
    assert cell_len(shorten(text, width)) <= max(0, width)
    assert cell_len(fit(text, width)) == width
    assert cell_len(fit_right(text, width)) == width


def test_shortening_keeps_the_end_of_a_path() -> None:
    assert shorten("/srv/cases/2026/smith/image.img", 20).endswith("/image.img")


@given(st.text())
def test_ascii_text_fills_the_same_cells(text: str) -> None:
    from engine.text import safe_text

    text = safe_text(text)
    plain = to_ascii(text)
    assert plain.isascii()
    assert cell_len(plain) == cell_len(text)


def test_ascii_keeps_letters_where_only_glyphs_are_missing() -> None:
    assert to_ascii("Müller ─│┌ ▶ … █", letters=False) == "Müller -|+ > ~ #"
    assert to_ascii("Müller 文", letters=True) == "M?ller ??"


@given(st.sampled_from(sorted(SCOPES)), st.integers(10, 200))
def test_key_row_shows_whole_entries_only(scope: str, width: int) -> None:
    entries = sorted(
        {k.action: (k, True) for s in (scope, "screen", "deck") for k in SCOPES[s][1] if k.footer}.values(),
        key=lambda entry: entry[0].footer,
    )
    kept = fitting(entries, width)
    used = 2 + sum(cell_len(key.display) + 1 + cell_len(key.label) for key, _ in kept) + 2 * max(0, len(kept) - 1)
    assert used <= width or not kept
    assert [entry for entry in entries if entry in kept] == kept, "the order stays"
    if width >= 60:
        assert {"app.help", "screen.back"} & {key.action for key, _ in entries} <= {key.action for key, _ in kept}


@given(anything, st.integers(8, 60))
def test_long_facts_go_on_in_the_next_line(text: str, width: int) -> None:
    from engine.text import safe_text
    from tui.widgets.facts import _pieces

    text = safe_text(text)
    pieces = _pieces(text, width)
    assert all(cell_len(piece.rstrip(" ")) <= width for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", ""), "nothing is lost"


def test_paths_break_after_a_slash() -> None:
    from tui.widgets.facts import _pieces

    assert _pieces("cannot read /srv/cases/smith/rescue.map", 24) == ["cannot read /srv/cases/", "smith/rescue.map"]
