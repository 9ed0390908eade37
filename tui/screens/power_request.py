"""The page that asks for a power cycle by hand: which drive, what to do, what is seen of it.

It rings, and goes by itself when the drive is back.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from textual.containers import Vertical
from textual.widget import Widget

from engine.errors import RescueError
from engine.jobs import JobState, StopRequest, stop
from engine.rescue.campaign.settings import PowerSwitch
from engine.rescue.control import send
from engine.text import format_duration
from tui import background
from tui.keys import bindings
from tui.power_request import RequestFeed, RequestNews, Sights, drive_facts, seen, step_now, steps
from tui.screens.base import DeckScreen
from tui.widgets.facts import Facts
from tui.widgets.figures import Figure, Sentence
from tui.widgets.labels import shorten

BELL_EVERY_S = 60.0
_MARKS = ("1", "2", "3")


class PowerRequestScreen(DeckScreen):
    """For the campaign in a job directory."""

    TITLE = "POWER"
    SCOPES = ("power",)
    BINDINGS = bindings("power")
    HELP = (
        "The drive has locked up, and only cutting its power brings it back. Compare model and serial number with the "
        "label on the drive before you pull a plug. What is seen of the drive stands below the steps: gone, back, or "
        "another drive, which is never read. When the drive is recognised the page goes by itself and the rescue goes "
        "on. Nothing is lost by waiting: everything read so far is saved."
    )

    def __init__(self, directory: Path) -> None:
        super().__init__(directory.parent.parent.name)
        self.directory = directory
        self._feed = RequestFeed(directory)
        self._news: RequestNews | None = None
        self._looking = False
        self._sights = Sights()
        self._rang: float | None = None
        self._since = 0.0
        self._banner = [Figure(id=f"power-banner-{number}", classes="power--banner") for number in range(3)]
        self._facts = Facts(id="power-facts")
        self._steps = [Sentence(id=f"power-step-{number}") for number in range(3)]
        self._seen = Sentence(id="power-seen")
        self._waited = Figure(indent=1, id="power-waited")

    def body(self) -> Iterable[Widget]:
        """Banner, drive, steps, what is seen."""
        yield Vertical(*self._banner, id="power-banner")
        yield self._facts
        yield Vertical(*self._steps, id="power-steps")
        yield self._seen
        yield self._waited

    @property
    def news(self) -> RequestNews | None:
        """What the last look found."""
        return self._news

    def on_mount(self) -> None:
        """Look, and go on looking."""
        self._look()
        self.set_interval(self.deck.options.poll_s, self._look)

    def _look(self) -> None:
        if not self._looking and self.is_attached:
            self._looking = True
            background.start(self, self._feed.look, self._take, self._failed)

    def _failed(self, error: RescueError) -> None:
        self._looking = False
        self.tell_error(error)

    def _take(self, news: RequestNews) -> None:
        self._looking = False
        before, self._news = self._news, news
        campaign = news.campaign
        if campaign is not None and campaign.since != self._since and news.asking:
            self._since, self._sights = campaign.since, Sights()
        if news.asking:
            self._sights = self._sights.after(news.path)
        if news.job.live and not news.asking and not news.coming:
            self._leave("the drive is back: the rescue goes on" if before is not None else "no power is needed now")
            return
        if news.job.state is JobState.DONE:  # between two looks the drive came back and the rest was read
            self._leave("the drive came back and the rescue ran to its end")
            return
        self._ring(news)
        self._show(news)
        if before is None or (before.asking, before.job.live) != (news.asking, news.job.live):
            self.refresh_bindings()

    def _ring(self, news: RequestNews) -> None:
        now = time.monotonic()
        if news.asking and (self._rang is None or now - self._rang >= BELL_EVERY_S):
            self._rang = now
            self.app.bell()

    def _show(self, news: RequestNews) -> None:
        self.set_subject(news.job.title)
        title = self._banner_text(news)
        for row, figure in enumerate(self._banner):
            figure.show(title if row == 1 else "")
        room = max(20, self.size.width - 16)  # one row each: the page must fit
        self._facts.show([(label, shorten(text, room)) for label, text in drive_facts(news, self._feed.identity)])
        now = step_now(news, self._sights)
        for number, (row_of_step, text) in enumerate(zip(self._steps, steps(self._off_seconds(news)), strict=True)):
            lead = "done" if number < now else "NOW " if number == now else "    "
            if number == 2 and now == 1:
                lead = "then"
            state = "-muted" if number < now else "-warning" if number == now else ""
            row_of_step.show(f"{lead} {_MARKS[number]}. {text}", state, most=2)
        told = seen(news, self._sights)
        self._seen.show(f"seen: {told.text}", told.state, most=3)
        self._waited.show(self._waiting(news), "-muted")

    def _banner_text(self, news: RequestNews) -> str:
        if not news.job.live:
            return "   THE CAMPAIGN HAS ENDED; everything rescued so far is saved"
        if news.coming:
            return "   POWER IS BACK: waiting until the drive answers"
        return "   CUT THE POWER OF THIS DRIVE, THEN RESTORE IT"

    def _waiting(self, news: RequestNews) -> str:
        campaign = news.campaign
        if campaign is None or not news.job.live:
            return news.job.error.advice or "" if news.job.error is not None else ""
        been = format_duration(max(0.0, time.time() - campaign.since))
        limit = f" of {format_duration(campaign.until_s)}" if campaign.until_s else ""
        count = f"power cycle {campaign.cycles + (1 if news.asking else 0)}"
        most = f" of {campaign.max_cycles}" if campaign.max_cycles is not None else ""
        reason = campaign.waits_for.removeprefix("waiting for you").lstrip(": ") if news.asking else ""
        why = f"; {reason}" if reason else ""
        return f"{count}{most}, waiting for {been}{limit}{why}"

    @staticmethod
    def _off_seconds(news: RequestNews) -> float:
        asked = news.job.arguments.get("campaign")
        switch = asked.get("switch") if isinstance(asked, dict) else None
        seconds = switch.get("off_seconds") if isinstance(switch, dict) else None
        return float(seconds) if isinstance(seconds, (int, float)) else PowerSwitch().off_seconds

    # -- answers ------------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Done only where it was asked for; nothing to give up when it is over."""
        if action in ("done", "give_up") and self._news is not None:
            possible = self._news.asking if action == "done" else self._news.job.live
            return True if possible else None
        return True

    def action_done(self) -> None:
        """The power was cut and restored."""
        background.start(self, lambda: send(self.directory, "power-done"), self._told)

    def _told(self, number: int) -> None:
        self.say("told: the drive is looked for ...")

    def action_give_up(self) -> None:
        """End the campaign."""
        self.prompt.ask("Give up and end it? All that was read is kept; it can go on later.", self._given_up)

    def _given_up(self, answer: str) -> None:
        if answer == "y":
            self.say("ending ...")
            background.start(self, lambda: stop(self.directory), self._stopped)

    def _stopped(self, request: StopRequest) -> None:
        self.deck.bridge.look_now()
        self._leave("the campaign ends; everything is saved")

    def _leave(self, words: str) -> None:
        """Off the stack, wherever in it this page lies."""
        if self.on_top:
            self.app.pop_screen()
            below = self.app.screen
            if isinstance(below, DeckScreen):
                below.say(words)
