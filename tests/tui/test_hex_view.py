"""The hex widget: rows, sources of any size, moving only when the bytes are there, painting only what changed."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import ComposeResult
from textual.geometry import Region

from engine.hex.reading import PAGE, Page, Unread
from tests.tui.deck import WidgetApp
from tui.widgets.hex_rows import CURSOR, WRONG, Geometry, Run, Span, Spans, row_runs
from tui.widgets.hex_view import HexView

TB = 1 << 40


def test_the_widest_row_that_fits_is_taken() -> None:
    assert Geometry.fit(80, 1 << 30) == Geometry(16, 8) and Geometry.fit(80, 1 << 30).width == 76
    assert Geometry.fit(80, 200 * TB).columns == 16, "48-bit offsets still leave room for 16 bytes"
    assert Geometry.fit(46, 16 * TB).columns == 8
    assert Geometry.fit(160, 512).columns == 32
    assert [Geometry.fit(width, 512).columns for width in (45, 30, 20, 3)] == [8, 4, 2, 1]
    for columns in (1, 2, 4, 8, 16, 32):
        assert PAGE % columns == 0, "a row never lies over the border of two pages"


@pytest.mark.parametrize("columns", [1, 4, 8, 16, 32])
def test_a_click_finds_the_byte_that_is_drawn_there(columns: int) -> None:
    geometry = Geometry(columns, 8)
    data = bytes(range(columns))
    line = "".join(run.text for run in row_runs(geometry, 0, columns, Page(0, data), spans=Spans()))
    assert len(line) == geometry.width
    for x, char in enumerate(line):
        column = geometry.column_of(x)
        if geometry.bytes_at <= x < geometry.text_at - 2 and char != " ":
            assert column is not None and f"{data[column]:02x}"[(x - geometry.bytes_at - column // 8) % 3] == char
    assert geometry.column_of(0) is None
    assert geometry.column_of(geometry.text_at + columns - 1) == columns - 1


def texts(runs: list[Run]) -> list[tuple[str, str]]:
    return [(run.text, run.style) for run in runs]


def test_rows_of_content_holes_fields_and_the_end() -> None:
    page = Page(0, bytes(6) + b"Hi", (Unread(2, 4, "-"), Unread(4, 5, "?")))
    runs = row_runs(Geometry(8, 8), 0, 7, page, spans=Spans([Span(0, 2, WRONG), Span(1, 9, "late")]), cursor=6)
    line = "".join(run.text for run in runs)
    assert line == "00000000  00 00 -- -- ?? 00 48     ..--?.H "
    assert ("00 00", WRONG) in texts(runs) and ("-- --", "status--bad") in texts(runs)
    assert ("??", "status--non-tried") in texts(runs) and ("48", CURSOR) in texts(runs)
    assert row_runs(Geometry(8, 8), 8, 8, page, spans=Spans())[0].text.strip() == ""
    waiting = row_runs(Geometry(8, 8), 0, 8, None, spans=Spans())
    assert waiting[1].text.strip() == "", "what was not read yet is blank, never zeros"


class HexApp(WidgetApp):
    """A view over a source made up of its own page numbers."""

    def __init__(self, size: int, jump: int = 1) -> None:
        super().__init__()
        self.source_size, self.view = size, HexView(jump=jump)
        self.wanted: list[int] = []
        self.answering = True
        self.moves = 0

    def body(self) -> ComposeResult:
        yield self.view

    def on_mount(self) -> None:
        self.view.focus()
        self.view.show(self.source_size)

    def on_hex_view_wanted(self, message: HexView.Wanted) -> None:
        self.wanted += message.pages
        if self.answering:
            self.answer()

    def answer(self) -> None:
        pages, self.wanted = self.wanted, []
        self.view.supply({number: page(number, self.source_size) for number in pages})

    def on_hex_view_moved(self) -> None:
        self.moves += 1


def page(number: int, size: int) -> Page:
    start = number * PAGE
    length = max(0, min(PAGE, size - start))
    return Page(start, (number & 0xFFFFFFFF).to_bytes(4, "big") * (length // 4))


def test_a_source_of_petabytes_is_walked_end_to_end() -> None:
    size = (1 << 50) + 4096

    async def test() -> None:
        app = HexApp(size)
        async with app.run_test(size=(80, 10)) as pilot:
            await pilot.pause()
            assert app.lines()[0].startswith("0000000000000  00 00 00 00 ")
            await pilot.press("G")
            await pilot.pause()
            assert app.view.cursor == size - 1
            assert any(line.startswith(f"{size - app.view.geometry.columns:013x}") for line in app.lines())
            await pilot.press("g", "down", "right")
            await pilot.pause()
            assert app.view.cursor == app.view.geometry.columns + 1
            await pilot.press("down", "pagedown", "pageup", "up")
            await pilot.pause()
            assert app.view.cursor == app.view.geometry.columns + 1
            assert len(app.view._pages) <= 64

    asyncio.run(test())


def test_the_view_stays_until_the_bytes_are_there() -> None:
    async def test() -> None:
        app = HexApp(TB)
        async with app.run_test(size=(80, 10)) as pilot:
            await pilot.pause()
            before = app.lines()
            app.answering = False
            app.view.move_to(TB // 2)
            app.view.move_to(TB // 2 + 5)
            await pilot.pause()
            assert app.lines() == before and app.view.waiting
            assert app.view.cursor == TB // 2 + 5, "keys count from where it is on its way to"
            app.answer()
            await pilot.pause()
            assert not app.view.waiting and app.lines() != before

    asyncio.run(test())


def rows_painted(app: HexApp, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    painted: list[int] = []
    plain = app.view.refresh

    def count(*regions: Region, **options: bool) -> HexView:
        painted.append(sum(region.height for region in regions) if regions else app.view.size.height)
        plain(*regions, **options)
        return app.view

    monkeypatch.setattr(app.view, "refresh", count)
    return painted


def test_a_step_paints_its_rows_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        app = HexApp(TB)
        async with app.run_test(size=(80, 10)) as pilot:
            await pilot.pause()
            painted = rows_painted(app, monkeypatch)
            await pilot.press("right")
            assert sum(painted) <= 2
            painted.clear()
            await pilot.press("down")
            assert sum(painted) <= 2
            painted.clear()
            await pilot.press("v", "right")
            assert sum(painted) <= 6

    asyncio.run(test())


def test_on_a_slow_line_the_view_moves_by_several_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        whole = {}
        for jump in (1, 4):
            app = HexApp(TB, jump)
            async with app.run_test(size=(80, 10)) as pilot:
                await pilot.pause()
                app.view.move_to(9 * 16)
                await pilot.pause()
                painted = rows_painted(app, monkeypatch)
                for _ in range(8):
                    await pilot.press("down")
                whole[jump] = sum(height == 10 for height in painted)
                assert app.view.cursor == 17 * 16
        assert whole == {1: 8, 4: 2}

    asyncio.run(test())


def test_selecting_and_resizing() -> None:
    async def test() -> None:
        app = HexApp(4096)
        async with app.run_test(size=(80, 10)) as pilot:
            await pilot.pause()
            await pilot.press("right", "v", "down", "left", "v", "up")
            await pilot.pause()
            assert app.view.selection == (1, 17) and app.view.cursor == 0
            app.view.move_to(4000)
            await pilot.resize_terminal(45, 6)
            await pilot.pause()
            assert app.view.geometry.columns == 8
            low, high = app.view.span_on_show
            assert low <= 4000 < high
            assert app.view.selection == (1, 17)
            app.view.forget()
            await pilot.pause()
            assert not app.view.waiting
            await pilot.press("left_square_bracket", "left_square_bracket")
            assert app.view.cursor == 3072
            await pilot.press("right_square_bracket", "end")
            assert app.view.cursor == 3584 + 7

    asyncio.run(test())
