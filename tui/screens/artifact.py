"""A small format decoded: its sheets of rows, one row in full below, exports, and a repair on a copy."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from engine.cases.artifacts import Cell as Value
from engine.cases.artifacts import Decoded, Kind, Repaired, Sheet, decode, export, repair_table
from engine.text import safe_text
from tui import background
from tui.dialogs.path import complete_path, written_path
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import plural

_STYLES = {"*": "row--soft", "!": "row--warning"}
_TEMPLATES = {"dbf": "dbf-header", "ipd": "ipd-header", "restore-log": "restore-log-entry"}


class ArtifactScreen(DeckScreen):
    """Facts above, rows in the middle, the row under the cursor below."""

    TITLE = "decoded"
    SCOPES = ("artifact", "list")
    BINDINGS = bindings("artifact")
    HELP = (
        "A table, log or backup of an old program, read as far as it is whole: * rows are deleted, ! rows are damaged "
        "or hold something that does not fit. The row under the cursor stands in full below. c and o save everything. "
        "f writes a copy of a damaged dBASE table with a rebuilt header; the file itself is never written to."
    )

    def __init__(self, path: Path, kind: Kind, map: Path | None = None) -> None:
        super().__init__(str(path))
        self._path, self._kind, self._map = path, kind, map
        self._words = Static("", markup=False, id="artifact-words")
        self._list = RowList(id="artifact-rows")
        self._facts = Facts(label_width=14)
        self._decoded: Decoded | None = None
        self._number = 0

    def body(self) -> Iterable[Widget]:
        """Facts, rows, one row."""
        yield self._words
        yield self._list
        yield VerticalScroll(self._facts, id="artifact-pane")

    def on_mount(self) -> None:
        """Read it."""
        self._list.focus()
        self.say("reading ...")
        background.start(self, lambda: decode(self._path, self._kind, map=self._map), self._take)

    def _take(self, decoded: Decoded) -> None:
        self._decoded = decoded
        wrong = len(decoded.problems)
        notes = "; ".join(decoded.notes)
        if wrong:
            self.say(f"{plural(wrong, 'thing is', 'things are')} wrong with it: p lists them. {notes}", "warning")
        else:
            self.say(notes or "nothing is wrong with it", "warning" if notes else "info")
        self._show()

    @property
    def _sheet(self) -> Sheet | None:
        sheets = self._decoded.sheets if self._decoded is not None else ()
        return sheets[self._number] if self._number < len(sheets) else None

    def _show(self) -> None:
        sheet, decoded = self._sheet, self._decoded
        facts = list(decoded.facts) if decoded is not None else []
        if decoded is not None and sheet is not None and len(decoded.sheets) > 1:
            facts.append(("sheet", f"{sheet.name} ({self._number + 1}/{len(decoded.sheets)})"))
        self._words.update("\n".join(safe_text(f" {label:<11}{text}", 400) for label, text in facts))
        self._list.show([] if sheet is None else [section(sheet)])
        self.on_row_list_moved()
        self.refresh_bindings()

    def on_row_list_moved(self) -> None:
        """Another row."""
        row, sheet = self._list.chosen, self._sheet
        self._facts.show(row_facts(sheet, int(row.id)) if row is not None and sheet is not None else ())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What makes sense for this file."""
        sheet = self._sheet
        if action in ("next_sheet", "previous_sheet"):
            return self._decoded is not None and len(self._decoded.sheets) > 1
        if action == "next_marked":
            return True if sheet is not None and any(mark != " " for mark in sheet.marks) else None
        if action in ("csv", "json"):
            return True if sheet is not None else None
        if action == "problems":
            return True if self._decoded is not None and self._decoded.problems else None
        return self._kind == "dbf" if action == "repair" else True

    def action_next_sheet(self) -> None:
        """The next sheet, the first after the last."""
        self._turn(1)

    def action_previous_sheet(self) -> None:
        """The sheet before."""
        self._turn(-1)

    def _turn(self, step: int) -> None:
        if self._decoded is not None and self._decoded.sheets:
            self._number = (self._number + step) % len(self._decoded.sheets)
            self._show()

    def action_next_marked(self) -> None:
        """The next row with a mark, from the top again after the last."""
        row, sheet = self._list.chosen, self._sheet
        if sheet is None:
            return
        marked = [number for number, mark in enumerate(sheet.marks) if mark != " "]
        at = int(row.id) if row is not None else -1
        if marked:
            self._list.choose(str(next((number for number in marked if number > at), marked[0])))

    def action_csv(self) -> None:
        """All rows as CSV."""
        self._export(".csv")

    def action_json(self) -> None:
        """All rows as JSON."""
        self._export(".json")

    def _export(self, suffix: str) -> None:
        number = self._number

        def take(path: str) -> None:
            where = written_path(path)
            self.say("writing ...")
            background.start(
                self, lambda: export(self._path, self._kind, number, where, map=self._map),
                lambda count: self.say(f"{plural(count, 'row', 'rows')} in {where.name}"),
            )  # fmt: skip

        self.prompt.read("save the rows as:", take, value=str(self._path.with_suffix(suffix)), complete=complete_path)

    def action_repair(self) -> None:
        """What would change, then where the copy goes."""
        background.start(self, lambda: repair_table(self._path, map=self._map), self._ask_repair)

    def _ask_repair(self, made: Repaired) -> None:
        if not made.made.needed:
            self.say("its header fits its rows: nothing needs to be repaired")
            return

        def take(path: str) -> None:
            where = written_path(path)
            background.start(self, lambda: repair_table(self._path, where, map=self._map), self._repaired)

        changed = sum(len(one.new) for one in made.made.changes) or len(made.made.head)
        words = {"header": "its header", "fields": "its fields", "donor": "a donor", "rows": "its rows"}[made.made.how]
        self.prompt.read(f"{changed} bytes of the header by {words}; write a copy to:", take,
                         value=str(self._path.with_name(self._path.stem + "-repaired" + self._path.suffix)),
                         complete=complete_path)  # fmt: skip

    def _repaired(self, made: Repaired) -> None:
        notes = "; ".join(made.made.notes)
        name = made.written.path.name if made.written is not None else ""
        self.say(f"{made.made.header.records} rows in {name}" + (f"; {notes}" if notes else ""))

    def action_problems(self) -> None:
        """All that is wrong, in the list."""
        if self._decoded is not None:
            rows = tuple(Row(str(number), ("" if one.offset is None else f"0x{one.offset:x}", one.message))
                         for number, one in enumerate(self._decoded.problems))  # fmt: skip
            columns = (Column("at", 12, right=True), Column("what is wrong", 60, flex=True, least=20))
            from tui.screens.artifact_problems import ProblemsScreen

            self.app.push_screen(ProblemsScreen(str(self._path), Section("", columns, rows)))

    def action_hex(self) -> None:
        """Its bytes."""
        self.deck.open_bytes(self._path, self._map, 0, _TEMPLATES.get(self._kind))


def section(sheet: Sheet) -> Section:
    """A sheet as rows of the list: as many columns as there is room for."""
    columns = [Column("", 2)]
    for place, name in enumerate(sheet.columns):
        right = all(isinstance(row[place], int | float) or row[place] is None for row in sheet.rows[:200])
        right = right and bool(sheet.rows)
        flex = not right and place in (0, len(sheet.columns) - 1)
        columns.append(Column(safe_text(name, 30), 60 if flex else 24, right=right, drop=place, flex=flex, least=6))
    rows = tuple(
        Row(str(at), (mark.strip(), *(cell_words(value) for value in row)), _STYLES.get(mark, ""))
        for at, (mark, row) in enumerate(zip(sheet.marks, sheet.rows, strict=True))
    )
    return Section("", tuple(columns), rows, "no rows")


def cell_words(value: Value) -> str:
    """A value as it stands in a cell."""
    return "" if value is None else "true" if value is True else "false" if value is False else str(value)


def row_facts(sheet: Sheet, number: int) -> list[Fact]:
    """A row in full."""
    facts: list[Fact] = []
    note = sheet.notes[number] if number < len(sheet.notes) else ""
    if note:
        facts.append(("wrong", Cell(safe_text(note, 400), "row--warning")))
    facts += [(name[:13], cell_words(value)) for name, value in zip(sheet.columns, sheet.rows[number], strict=True)]
    if sheet.more:
        facts.append(("", Cell(f"{sheet.more} more rows are not shown here; the exports have all", "row--soft")))
    return facts
