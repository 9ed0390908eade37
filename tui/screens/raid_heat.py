"""The parity evidence: a strip for each member, a cell for each strip position, so that a person can see the
diagonal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.cases.arrays import Member
from engine.raid.model import Candidate, Detection
from engine.text import format_size
from tui.keys import bindings
from tui.raid_view import HeatColumn, chosen_parity, heat_columns, heat_letter
from tui.raid_words import candidate_words, members_words, share_words, strip_words
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.heat_strip import HeatStrip
from tui.widgets.rows import Cell

_AGREES = 0.6


class RaidHeatScreen(DeckScreen):
    """What is shown above, the strips, and the strip under the cursor below."""

    TITLE = "parity evidence"
    SCOPES = ("heat", "strips")
    HELP = (
        "One line for each member, one character for each strip position of the disk: # where nothing speaks "
        "against the "
        "parity lying there, O o : . where more and more does, blank where nothing can be told. A RAID5 shows a "
        "diagonal; "
        "+ and - show it in shorter and longer strips, and only the right one is clean. The reversed cells are "
        "where the "
        "chosen assembly has its parity; where the evidence contradicts it, the cell is red (bold, letter below #). n "
        "marks the next assembly, o lets you choose one by hand. | below a strip: places before it were not looked at."
    )

    def __init__(
        self, members: Sequence[Member], answer: Detection, chosen: Candidate | None, use: Callable[[Candidate], None]
    ) -> None:
        super().__init__(str(members[0].path.parent))
        self._members, self._answer, self._use = members, answer, use
        self._listed = list(answer.candidates)
        if chosen is not None and chosen not in self._listed:
            self._listed.insert(0, chosen)
        self._at = self._listed.index(chosen) if chosen is not None else 0
        self._times = max(1, (answer.strip_size or 65536) // answer.heat_run)
        self._state = Facts(label_width=8, id="heat-state")
        self._strip = HeatStrip(id="heat")
        self._facts = Facts(label_width=8)
        self._columns: list[HeatColumn] = []

    BINDINGS = bindings("heat")

    def body(self) -> Iterable[Widget]:
        """State, picture, one strip."""
        yield self._state
        yield self._strip
        yield VerticalScroll(self._facts, id="heat-facts")

    def on_mount(self) -> None:
        """Draw."""
        self._strip.focus()
        self._draw()

    @property
    def _chosen(self) -> Candidate | None:
        return self._listed[self._at] if self._listed else None

    def _draw(self) -> None:
        step = self._answer.heat_run * self._times
        self._columns = columns = heat_columns(self._answer, step)
        one = self._chosen
        marks = [
            chosen_parity(one.geometry, self._answer, c.position + step // 2) if one is not None else c.parity
            for c in columns
        ]
        good = [
            m is None or (c.cells[m] is None or (c.cells[m] or 0) >= _AGREES)
            for c, m in zip(columns, marks, strict=True)
        ]
        labels = ["x" if m is None else str(m + 1) for m in self._answer.columns]
        letters = ["".join(heat_letter(cell) for cell in c.cells) for c in columns]
        self._strip.show(labels, letters, [c.gap for c in columns], marks, good)
        told = [
            number
            for number, (c, m) in enumerate(zip(columns, marks, strict=True))
            if m is not None and c.cells[m] is not None
        ]
        agree = sum(good[number] for number in told)
        facts: list[Fact] = [
            ("strips", f"of {format_size(step)}; found: {strip_words(self._answer.strip_size)}, sequence "
             + (members_words(self._answer.sequence, "-") if self._answer.sequence is not None else "not known")),
        ]  # fmt: skip
        if one is not None:
            share = f"{agree} of {len(told)} strips agree"
            facts.append(("marked", f"{self._at + 1}. {share_words(one.score)}: {candidate_words(one)}"))
            facts.append(("", Cell(share, "row--good" if told and agree >= 0.9 * len(told) else "row--warning")))
        self._state.show(facts)
        self.on_heat_strip_moved()

    def on_heat_strip_moved(self) -> None:
        """Another strip."""
        if not self._columns:
            self._facts.show([("", "there is no evidence to be drawn")])
            return
        one = self._columns[self._strip.cursor]
        facts: list[Fact] = [("strip", f"at {one.position} of the members ({one.position // 512}s)")]
        for column, member in enumerate(self._answer.columns):
            value = one.cells[column]
            words = "nothing can be told here" if value is None else f"{value:.0%} in favour of the parity"
            name = "computed" if member is None else self._members[member].path.name
            named = "  <- the fit's parity" if one.parity == column else ""
            facts.append(("x" if member is None else str(member + 1), f"{words}  {name}{named}"))
        self._facts.show(facts)

    def action_shorter(self) -> None:
        """Half the strip."""
        if self._times > 1:
            self._times //= 2
            self._draw()
        else:
            self.say("the evidence was kept no finer than this")

    def action_longer(self) -> None:
        """Twice the strip."""
        if self._times < 4096:
            self._times *= 2
            self._draw()

    def action_next(self) -> None:
        """The parity of the next assembly."""
        if self._listed:
            self._at = (self._at + 1) % len(self._listed)
            self._draw()

    def action_hand(self) -> None:
        """Choose by hand."""
        from tui.screens.raid_hand import RaidHandScreen

        def use(one: Candidate) -> None:
            self._use(one)
            self._listed.insert(0, one)
            self._at = 0
            self._draw()

        one = self._chosen
        self.app.push_screen(RaidHandScreen(self._members, one.geometry if one is not None else None, use))
