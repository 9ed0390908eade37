"""The small print of a rescue: its command line, its files, its drive, everything that happened."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.rescue.status import RescueStatus
from engine.text import format_exact, safe_text
from tui.keys import bindings
from tui.rescue_feed import News
from tui.rescue_words import alert, event_lines, headline, remaining
from tui.screens.base import DeckScreen
from tui.widgets.facts import Fact, Facts
from tui.widgets.rows import Cell


def detail_facts(news: News, target: Path) -> list[Fact]:
    """Labels and values, the command line first."""
    status, job, case = news.status, news.job, news.case
    facts: list[Fact] = [("now", headline(news))] if job is not None else []
    told = alert(news, time.time())
    if told.text:
        facts.append(("look", Cell(told.text, "row--danger" if told.state == "-danger" else "row--warning")))
    if news.live:
        facts.append(("left", remaining(news)))
    if status is not None:
        facts += [("command", status.command or "none runs now"), ("recipe", _recipe(status))]
    source = status.source if status is not None else (case.source_path or "" if case is not None else "")
    if source:
        facts.append(("source", source))
    if case is not None:
        facts += [("drive", _identity(case.identity))] if case.identity else []
        facts += [("size", format_exact(case.source_size))] if case.source_size else []
        facts += [("case", str(case.directory))]
    image = status.image if status is not None else (str(case.image) if case is not None else "")
    facts += [("image", image)] if image else []
    facts.append(("map", str(news.map_path or target)))
    if status is not None and status.free_bytes is not None:
        facts.append(("free", f"{format_exact(status.free_bytes)} where the image lies"))
    if job is not None:
        facts.append(("job", str(job.directory)))
        facts.append(("state", f"{job.state}, run {job.runs}" + (f", process {job.pid}" if job.live else "")))
        if job.error is not None:
            facts.append(("error", Cell(job.error.message, "row--danger")))
        if job.warning:
            facts.append(("warning", Cell(job.warning, "row--warning")))
    lines = event_lines(news.events, 200)
    if not lines:
        facts.append(("events", Cell("nothing has happened yet", "row--soft")))
    facts += [("events" if number == 0 else "", line) for number, line in enumerate(reversed(lines))]
    return facts


def _recipe(status: RescueStatus) -> str:
    parts = [status.recipe_title or status.recipe or "-"]
    parts += [f"strategy {status.strategy}"] if status.strategy else []
    parts += [status.reason] if status.reason else []
    return ", ".join(parts)


def _identity(identity: object) -> str:
    if not isinstance(identity, dict):
        return ""
    wanted = ("vendor", "model", "serial", "wwn")
    return safe_text("  ".join(f"{name} {identity[name]}" for name in wanted if identity.get(name)))


class RescueDetailsScreen(DeckScreen):
    """A page to scroll; it shows how things were when it was opened."""

    TITLE = "rescue details"
    SCOPES = ("details",)
    BINDINGS = bindings("details")
    AUTO_FOCUS = "VerticalScroll"
    HELP = (
        "The command line is the one that runs now or ran last: what this deck does, you can do by hand. Events stand "
        "newest first; all of them are in journal.jsonl in the job's folder."
    )

    def __init__(self, news: News, target: Path) -> None:
        super().__init__(news.case.title if news.case is not None else target.name)
        self._news = news
        self._target = target
        self._facts = Facts(id="details-facts")

    def body(self) -> Iterable[Widget]:
        """Facts in a page that scrolls."""
        yield VerticalScroll(self._facts, id="details")

    def on_mount(self) -> None:
        """Fill it."""
        self._facts.show(detail_facts(self._news, self._target))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to copy without a command."""
        if action == "copy":
            return True if self._news.status is not None and self._news.status.command else None
        return True

    def action_copy(self) -> None:
        """The command line to the clipboard."""
        status = self._news.status
        if status is not None:
            self.app.copy_to_clipboard(status.command)
            self.say("the command line is on the clipboard, where the terminal allows that")
