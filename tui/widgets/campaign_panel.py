"""The campaign at a glance: figures beside the table of statuses, a row of bars for what each power cycle brought."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from engine.rescue.campaign.board import CampaignStatus
from tui import campaign_words as words
from tui import rescue_words
from tui.rescue_feed import News
from tui.widgets.figures import Figure, Sentence
from tui.widgets.rate_history import RateHistory
from tui.widgets.status_table import FigureList, StatusTable


class CampaignPanel(Widget):
    """Statuses, figures, what each cycle brought, what comes next. Each value is sent only when it changes."""

    DEFAULT_CSS = "CampaignPanel { layout: vertical; height: auto; width: 1fr; display: none; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._table = StatusTable(id="campaign-table")
        self._figures = FigureList(("cycles", "budget", "reading", "last good", "killers"), id="campaign-figures")
        self._bars = RateHistory(id="campaign-bars")
        self._cycles = Figure(id="campaign-cycles")
        self._next = Sentence(id="campaign-next")

    def compose(self) -> ComposeResult:
        yield Horizontal(self._table, self._figures, id="campaign-panel")
        label = Static("a cycle", markup=False, classes="rescue--label")
        yield Horizontal(label, self._bars, self._cycles, id="campaign-row")
        yield self._next

    def draw_plain(self) -> None:
        """Bars of ASCII characters."""
        self._bars.draw_plain()

    def show(self, news: News, campaign: CampaignStatus, now: float) -> None:
        """Show a campaign as it is now."""
        self._table.show([(row.bytes, row.share, row.areas) for row in rescue_words.status_rows(news)])
        place, rate = rescue_words.place(news, now), rescue_words.rate_now(news)
        reading = rescue_words.Told(f"{place.text} {rate.text}" if rate.text != "-" else place.text, place.state)
        figures = {
            "cycles": words.cycles(campaign),
            "budget": rescue_words.Told(words.budget(campaign, now)),
            "reading": reading,
            "last good": rescue_words.last_good(news, now),
            "killers": words.killers(campaign),
        }
        for label, told in figures.items():
            self._figures.show(label, told.text, told.state)
        self._bars.show(words.cycle_bars(campaign))
        self._cycles.show(words.cycle_text(campaign))
        self._next.show(words.next_text(campaign), most=3)
