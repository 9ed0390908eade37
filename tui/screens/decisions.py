"""Why a campaign did what it did: every sentence, the newest first."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.rescue.campaign.board import Decision
from engine.text import safe_text
from tui import campaign_words as words
from tui.keys import bindings
from tui.rescue_feed import News
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.rows import Cell

_JOURNALLED = frozenset({"decision", "pass", "power", "returned", "verdict", "note", "killer"})


def decisions_of(news: News) -> list[Decision]:
    """Sentences of the status and of the journal, in the order of their times; the same one is told once."""
    campaign = words.campaign_of(news)
    known = list(campaign.decisions) if campaign is not None else []
    texts = {one.text for one in known}
    for event in news.events:
        said = event.facts.get("message") or event.facts.get("reason") or event.facts.get("text")
        if event.kind in _JOURNALLED and isinstance(said, str) and not any(said in text for text in texts):
            known.append(Decision(event.time, said))
            texts.add(said)
    return sorted(known, key=lambda one: one.time)


def decision_facts(news: News) -> list[Fact]:
    """What holds now, then all sentences with their time."""
    campaign = words.campaign_of(news)
    facts: list[Fact] = []
    if campaign is not None:
        facts.append(("so far", words.ended(campaign)))
        step = words.step_text(campaign.next) if campaign.next is not None else ""
        for label, text in (("verdict", campaign.verdict_words), ("pass", step), ("why", words.next_text(campaign))):
            if text:
                facts.append((label, Cell(safe_text(text, 600), "row--strong")))
    found = decisions_of(news)
    if not found:
        return [*facts, ("", Cell("nothing was decided yet", "row--soft"))]
    return [*facts, *(
        (datetime.fromtimestamp(one.time).astimezone().strftime("%H:%M:%S"), safe_text(one.text, 600))
        for one in reversed(found)
    )]  # fmt: skip


class DecisionsScreen(DeckScreen):
    """A page to scroll; it shows how things were when it was opened."""

    TITLE = "decisions"
    SCOPES = ("decisions",)
    BINDINGS = bindings("decisions")
    AUTO_FOCUS = "VerticalScroll"
    HELP = (
        "Each pass of a campaign was chosen for a reason, and each loss of the drive came to a verdict: here they "
        "stand in full, the newest first. The journal in the job's folder keeps them all."
    )

    def __init__(self, news: News) -> None:
        super().__init__(news.case.title if news.case is not None else "")
        self._news = news
        self._facts = Facts(id="decisions-facts")

    def body(self) -> Iterable[Widget]:
        """Facts in a page that scrolls."""
        yield VerticalScroll(self._facts, id="details")

    def on_mount(self) -> None:
        """Fill it."""
        self._facts.show(decision_facts(self._news))
