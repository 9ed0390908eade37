"""An assembly by hand: every figure of it can be changed, and what the members say to it is shown at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.arrays import Member, judge, refuse_devices
from engine.errors import RescueError, UsageError
from engine.raid.layout import Geometry, Layout, order_of_words
from engine.raid.model import Candidate
from engine.text import parse_size
from tui import background
from tui.keys import bindings
from tui.raid_view import candidate_facts
from tui.raid_words import members_words, strip_words
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section

_COLUMNS = (Column("", 14, least=12), Column("value", 60, flex=True, least=20))
_LAYOUTS = tuple(Layout)


class RaidHandScreen(DeckScreen):
    """The figures above, what speaks for and against them below."""

    TITLE = "array by hand"
    SCOPES = ("hand", "list")
    BINDINGS = bindings("hand")
    HELP = (
        "Say it yourself: layout, strip, order (members from 1, x for a missing one), where the data begin, how "
        "many rows "
        "the parity stays on a drive. After each change the members are asked: how much of the parity evidence agrees, "
        "and what stands in the array that it makes. w takes it to the list of assemblies, where it can be "
        "opened, saved "
        "and written as an image like the others."
    )

    def __init__(self, members: Sequence[Member], geometry: Geometry | None, use: Callable[[Candidate], None]) -> None:
        super().__init__(str(members[0].path.parent))
        self._members, self._use = list(members), use
        count = max(3, len(members))
        order = tuple(n if n < len(members) else None for n in range(count))
        self._geometry = geometry or Geometry(Layout.LEFT_SYMMETRIC, 65536, order, (0,) * count)
        self._list = RowList(id="hand-list")
        self._facts = Facts(label_width=8)
        self._judged: Candidate | None = None
        self._looks: background.Latest[Candidate] = background.Latest()

    def body(self) -> Iterable[Widget]:
        """Figures and reasons."""
        yield self._list
        yield VerticalScroll(self._facts, id="hand-pane")

    def on_mount(self) -> None:
        """Judge what it begins with."""
        self._list.focus()
        self._show()
        self._ask_members()

    def _show(self) -> None:
        geometry = self._geometry
        offsets = ", ".join(str(one) for one in geometry.offsets) if len(set(geometry.offsets)) > 1 else str(
            geometry.data_offset
        )  # fmt: skip
        rows = (
            Row("layout", ("layout", str(geometry.layout))),
            Row("strip", ("strip", strip_words(geometry.strip))),
            Row("order", ("order", members_words(geometry.order, ","))),
            Row("offset", ("data from", offsets)),
            Row("delay", ("parity stays", f"{geometry.delay} row" + ("s" if geometry.delay > 1 else ""))),
            Row("first", ("first stay", str(geometry.first_delay))),
            Row("rows", ("rows", "as many as the members hold" if geometry.rows is None else str(geometry.rows))),
        )
        self._list.show([Section("", _COLUMNS, rows)])

    def _ask_members(self) -> None:
        self._judged = None
        self.refresh_bindings()
        self._facts.show([("", "asking the members ...")])
        geometry, members = self._geometry, self._members

        def look() -> Candidate:
            refuse_devices(members)
            return judge(members, geometry)

        self._looks.start(self, look, self._take, self._failed)

    def _take(self, one: Candidate) -> None:
        self._judged = one
        self._facts.show(candidate_facts(one))
        self.refresh_bindings()

    def _failed(self, error: RescueError) -> None:
        self._facts.show([("no", Cell(str(error), "row--danger"))])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what can be assembled can be used."""
        return (True if self._judged is not None else None) if action == "use" else True

    def _set(self, **values: object) -> None:
        try:
            self._geometry = replace(self._geometry, **values)  # type: ignore[arg-type]
        except RescueError as error:
            self.tell_error(error)
            return
        self._show()
        self._ask_members()

    def action_next_layout(self) -> None:
        """The next of the six."""
        at = _LAYOUTS.index(self._geometry.layout)
        self._set(layout=_LAYOUTS[(at + 1) % len(_LAYOUTS)])

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_change()

    def action_change(self) -> None:
        """The line under the cursor."""
        row, geometry = self._list.chosen, self._geometry
        if row is None:
            return
        if row.id == "layout":
            self.action_next_layout()
            return
        questions = {
            "strip": ("strip size (64K, 128s ...):", str(geometry.strip)),
            "order": ("members in drive order (3,1,x,2):", members_words(geometry.order, ",")),
            "offset": ("data from (one for all, or one for each drive):", ", ".join(str(o) for o in geometry.offsets)
                       if len(set(geometry.offsets)) > 1 else str(geometry.data_offset)),
            "delay": ("rows for which the parity stays on a drive:", str(geometry.delay)),
            "first": ("rows of the first stay:", str(geometry.first_delay)),
            "rows": ("rows (empty: as many as there are):", "" if geometry.rows is None else str(geometry.rows)),
        }  # fmt: skip
        question, value = questions[row.id]
        self.prompt.read(question, lambda text: self._changed(row.id, text.strip()), value=value)

    def _changed(self, what: str, text: str) -> None:
        geometry = self._geometry
        try:
            if what == "strip":
                self._set(strip=parse_size(text))
            elif what == "order":
                order = order_of_words(text)
                if any(member is not None and member >= len(self._members) for member in order):
                    raise UsageError(f"there are {len(self._members)} members", code="raid-order")
                self._set(order=order, offsets=self._offsets_for(order))
            elif what == "offset":
                found = [parse_size(word) for word in text.split(",")]
                self._set(offsets=tuple(found * geometry.drives if len(found) == 1 else found))
            elif what == "delay":
                delay = self._count(text)
                self._set(delay=delay, first_delay=delay)
            elif what == "first":
                self._set(first_delay=self._count(text))
            else:
                self._set(rows=self._count(text) if text else None)
        except RescueError as error:
            self.tell_error(error)

    def _offsets_for(self, order: tuple[int | None, ...]) -> tuple[int, ...]:
        """Each member keeps its own offset."""
        geometry = self._geometry
        known = {m: o for m, o in zip(geometry.order, geometry.offsets, strict=True) if m is not None}
        return tuple(known.get(m, geometry.data_offset) if m is not None else geometry.data_offset for m in order)

    @staticmethod
    def _count(text: str) -> int:
        if not text.isdecimal():
            raise UsageError(f"{text[:20]!r} is no number", code="usage")
        return int(text)

    def action_use(self) -> None:
        """To the list of assemblies."""
        if self._judged is not None:
            self._use(self._judged)
            self.app.pop_screen()
