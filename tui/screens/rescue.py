"""The live rescue: what is rescued, where the drive is being read, and whether it still answers.

The screen follows files that the rescue's own process writes; closing it changes nothing, and any number of them may
follow one rescue. Without a rescue it shows the map alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from engine.cases.next_steps import Step
from engine.errors import RescueError
from engine.jobs import Job, StopRequest, resume, stop
from engine.rescue.campaign.board import Phase
from engine.rescue.capabilities import probe
from engine.rescue.control import send
from engine.rescue.options import RescueOptions
from engine.rescue.status import State
from engine.text import format_duration, format_rate
from tui import background, campaign_words
from tui import rescue_words as words
from tui.going_on import Ahead
from tui.keys import bindings
from tui.next_words import step_line
from tui.rescue_feed import News, RescueFeed, drawn_domain
from tui.screens.base import DeckScreen
from tui.screens.campaign_hand import CAMPAIGN_ACTIONS, CampaignHand
from tui.widgets.block_map import BlockMap, Reading
from tui.widgets.campaign_panel import CampaignPanel
from tui.widgets.cell_line import cell_text
from tui.widgets.figures import Figure, Sentence
from tui.widgets.map_scale import MapScale
from tui.widgets.rate_history import RateHistory
from tui.widgets.status_table import FigureList, StatusTable
from tui.widgets.text_rows import TextRows

_HISTORY_EVERY_S = 5.0
_SLOW_LOOK_S = 5.0
_EVENTS = 40


class RescueScreen(CampaignHand):
    """``target`` is a case, a job directory or a mapfile."""

    TITLE = "rescue"
    SCOPES = ("rescue", "campaign", "map", "try", "budget")
    BINDINGS = bindings("rescue", "campaign")
    AUTO_FOCUS = "BlockMap"
    HORIZONTAL_BREAKPOINTS = [(0, "-tight"), (76, "-narrow"), (100, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (22, "-medium"), (32, "-tall")]
    HELP = (
        "A rescue with GNU ddrescue. It runs in a process of its own: leave this screen or lose the line, it goes on. "
        "On top what matters most: how much is rescued, what happens now, and what needs you. The map shows the drive "
        "from its first to its last byte, or the part you zoom into: + rescued, ? not tried yet, * failed and not "
        "trimmed, / trimmed and not scraped, - bad sector; a filled cell is of one status, a bare letter has others "
        "mixed in, and the row below the map says how much of each is in the cell under the cursor. > or < is where "
        "the drive is being read. 'last good' grows while a read hangs: a drive that has not answered for a minute "
        "usually needs its power switched off and on. Done does not mean rescued: look for gaps. With the strategy for "
        "drives that drop off, X marks where the drive was lost and o what you want left alone; the sentence below the "
        "figures says what is read now or next, and why."
    )

    def __init__(self, target: Path) -> None:
        super().__init__(target.name)
        self._feed = RescueFeed(target)
        self._target = target
        self._news = News()
        self._looking: float | None = None
        self._looks = 0
        self._asked = 0
        self._for_now = ""
        self._follow = False
        self._history_at = 0.0
        self.block_map = self._map = BlockMap(id="rescue-map")
        self._panel = CampaignPanel(id="rescue-campaign")
        self._scale = MapScale(id="rescue-scale")
        self._cell = Figure(indent=1, id="rescue-cell")
        self._state = Figure(id="rescue-state")
        self._headline = Figure(id="rescue-headline")
        self._alert = Sentence(id="rescue-alert")
        self._share = Figure(id="rescue-share")
        self._amount = Figure(id="rescue-size")
        self._left = Figure(id="rescue-left")
        self._run_time = Figure(right=True, id="rescue-run-time")
        self._table = StatusTable(id="rescue-table")
        self._figures = FigureList(("rate now", "average", "last good", "position", "errors"), id="rescue-figures")
        self._history = RateHistory(id="rescue-history")
        self._history_scale = Figure(right=True, id="rescue-history-scale")
        self._events = TextRows(id="rescue-events")
        self._ahead: Ahead | None = None

    def body(self) -> Iterable[Widget]:
        """State and share, map, sums and rates, events."""

        def label(text: str) -> Static:
            return Static(text, markup=False, classes="rescue--label")

        yield Horizontal(self._state, self._headline, self._run_time, id="rescue-top")
        yield self._alert
        yield Horizontal(label("rescued"), self._share, self._amount, label("left"), self._left, id="rescue-sums")
        yield self._scale
        yield self._map
        yield self._cell
        yield Horizontal(self._table, self._figures, id="rescue-panel")
        yield self._panel
        yield Horizontal(label("rate"), self._history, self._history_scale, id="rescue-rates")
        yield self._events

    def on_mount(self) -> None:
        """Follow."""
        options = self.deck.options
        if options.ascii or (options.ascii is None and not self.deck.terminal.glyphs):
            self._history.draw_plain()
            self._panel.draw_plain()
        self.look_now()
        self.set_interval(self.deck.options.poll_s, self._tick)

    # -- following ------------------------------------------------------------------------------------------------

    @property
    def news(self) -> News:
        """What the last look found."""
        return self._news

    @property
    def looks(self) -> int:
        """How many looks have come back."""
        return self._looks

    def look_now(self) -> None:
        """Do not wait for the timer."""
        self._tick()

    def _tick(self) -> None:
        """Look once more, unless the last look has not come back (a network mount that does not answer)."""
        if not self.on_top and self._looking is None and self._news.map is not None:
            return  # another screen is on top: nothing is sent, so nothing needs to be read
        if self._looking is not None:
            waited = time.monotonic() - self._looking
            if waited > _SLOW_LOOK_S:
                self.say(f"the case's files have not answered for {format_duration(waited)}", "warning")
            return
        self._looking = time.monotonic()
        background.start(self, self._feed.look, self._take, self._look_failed)

    def _look_failed(self, error: RescueError) -> None:
        self._looking = None
        self.tell_error(error)

    def _take(self, news: News) -> None:
        self._looking = None
        self._looks += 1
        before, self._news = self._news, news
        self._show_map(before)
        self._show_figures(time.time())
        self._show_history()
        self._show_events(before)
        self._tell_answer()
        campaign = self.campaign
        if campaign is not None and news.live and news.job is not None and campaign.phase is Phase.NEEDS_POWER:
            self.deck.power_asked(news.job.directory, campaign.since)
        self.open_map_when_free()
        if _mode(news) != _mode(before):
            self.refresh_bindings()
            self._look_ahead()
            if self._for_now and self.prompt.text == self._for_now:
                self.say("")

    def _look_ahead(self) -> None:
        """What comes next when it has ended or rests; while it runs there is nothing to be done."""
        case = self._news.case
        if case is None or self._news.live:
            self.offer("", None)
            return
        self._ahead = self._ahead or Ahead(self, case.directory, own=self._own_step)
        self._ahead.look()

    def _own_step(self, step: Step) -> tuple[str, Callable[[], None]] | None:
        return (step_line(step), self.action_resume) if step.id == "resume" else None

    def on_screen_resume(self) -> None:
        """Other screens may have done what was offered."""
        super().on_screen_resume()
        if self._news.map is not None:
            self._look_ahead()

    def _show_events(self, before: News) -> None:
        """What happened; in a campaign the sentences of what was decided and found."""
        campaign, old = self.campaign, campaign_words.campaign_of(before)
        if campaign is not None and campaign.decisions:
            if old is None or (campaign.decisions, campaign.next) != (old.decisions, old.next):
                self._events.show(campaign_words.newest_lines(campaign))
        elif self._news.events != before.events:
            self._events.show(words.event_lines(self._news.events, _EVENTS))

    def _show_map(self, before: News) -> None:
        news, status = self._news, self._news.status
        if news.map is None:
            self._show_cell()
        elif news.map is not before.map:
            size = status.size if status is not None else news.case.source_size if news.case is not None else None
            sector = news.case.sector_size if news.case is not None else 512
            self._map.show(news.map, domain=drawn_domain(news.map, size), sector=sector)
            self._show_scale()
            self._show_cell()
        campaign = self.campaign
        if campaign is not None:
            self._map.mark_campaign(*campaign_words.marks(campaign))
        shot = status.snapshot if status is not None and news.live and status.state is State.RUNNING else None
        if shot is None or shot.position is None:
            self._map.set_reading(None)
            return
        self._map.set_reading(Reading(shot.position, shot.direction.startswith("back")))
        if self._follow:
            self._map.reveal(shot.position)

    def _show_scale(self) -> None:
        self._scale.show(self._map.map, self._map.view)

    def _show_cell(self) -> None:
        if self._map.map is None:
            self._cell.show("no map yet: it appears with the first pass, and fills as the drive is read", "-muted")
            return
        marks = campaign_words.cell_marks(self.campaign, *self._map.cursor_cell) if self.campaign is not None else ""
        text = cell_text(self._map.map, self._map.view, self._map.cursor, max(10, self.size.width - 2))
        self._cell.show(f"{marks}  {text}" if marks else text, "-warning" if marks else "")

    def _show_figures(self, now: float) -> None:
        news = self._news
        self.set_subject(words.subject(news, self._target.name))
        self.set_writes(news.writes_to)
        alert, share, campaign = words.alert(news, now), words.rescued(news), self.campaign
        if campaign is not None:
            state, headline = campaign_words.state_word(news, campaign), campaign_words.headline(news, campaign, now)
        else:
            state, headline = words.state_word(news), words.headline(news)
        self._state.show(state.text, state.state)
        self._headline.show(headline)
        if self.has_class("-campaign") != (campaign is not None):
            self.set_class(campaign is not None, "-campaign")
        quiet = words.what(news) if campaign is None else campaign_words.what(news, campaign)
        self._alert.show(
            alert.text or quiet, alert.state or ("" if alert.text else "-muted"), most=2 if alert.text else 1
        )
        self._share.show(share.text, share.state)
        self._amount.show(words.rescued_size(news))
        self._left.show(words.remaining(news))
        self._run_time.show(words.run_time(news), "-muted")
        self._run_time.display = news.live
        if campaign is not None:
            self._panel.show(news, campaign, now)
            return
        self._table.show([(row.bytes, row.share, row.areas) for row in words.status_rows(news)])
        figures = {
            "rate now": words.rate_now(news),
            "average": words.Told(words.rate_average(news)),
            "last good": words.last_good(news, now),
            "position": words.place(news, now),
            "errors": words.errors(news),
        }
        for label, told in figures.items():
            self._figures.show(label, told.text, told.state)

    def _show_history(self) -> None:
        """The history changes as a whole when its scale does: not more often than every few seconds."""
        status = self._news.status
        if status is None or not status.history.rates:
            return
        now = time.monotonic()
        if self._history_at and now - self._history_at < _HISTORY_EVERY_S * self.deck.options.poll_s:
            return
        self._history_at = now
        if self._history.show(status.history.rates):
            seconds = self._history.group * status.history.step_s
            self._history_scale.show(f"top {format_rate(self._history.top)}, {_span(seconds)} a column")

    def _tell_answer(self) -> None:
        status = self._news.status
        if self._asked and status is not None and status.request >= self._asked:
            self._asked = 0
            if status.answer:
                self.say(status.answer)

    # -- the map --------------------------------------------------------------------------------------------------

    def on_block_map_moved(self) -> None:
        """Another cell under the cursor."""
        self._show_cell()

    def on_block_map_view_changed(self) -> None:
        """Zoomed or scrolled."""
        self._show_scale()
        self._show_cell()

    def on_block_map_not_found(self, message: BlockMap.NotFound) -> None:
        """Nothing more that is not rescued in that direction."""
        self.say("no further gap " + ("behind" if message.forwards else "before") + " the cursor")

    def action_follow(self) -> None:
        """Keep the place that is read in view, or stop to."""
        self._follow = not self._follow
        self.say("the view follows the drive" if self._follow else "the view stays where you put it")

    # -- the rescue -----------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey what cannot be done now."""
        job, live = self._news.job, self._news.live
        if action in CAMPAIGN_ACTIONS:
            return self.check_campaign(action)
        if action == "recipe" and self.campaign is not None:
            return False  # a campaign chooses its passes itself
        if not self.campaign_allows(action) and live:
            return None
        if action in ("stop", "kill", "end_pass", "options", "recipe"):
            # Hidden and not only grey without a rescue that runs: what can be done then must have the room.
            return live or (action == "stop" and job is not None and job.orphan)
        if action in ("pause", "resume"):
            # One key for both: the one that applies is shown.
            resting = not live or (self._news.status is not None and self._news.status.state is State.PAUSED)
            known = job is not None or self._news.case is not None
            over = job is not None and not live and not job.resumable
            return (resting == (action == "resume")) and not over and (True if known else None)
        if action == "edit_map":
            return True if self._news.map is not None else None
        if action == "setup":
            return not live and self._news.case is not None
        return True

    def ask_rescue(self, said: str, action: str, **facts: object) -> None:
        """Leave a request for the rescue; what becomes of it is told when it has answered."""
        job = self._news.job
        if job is None:
            return

        def sent(number: int) -> None:
            self._asked = number
            self._say_for_now(said)

        background.start(self, lambda: send(job.directory, action, **facts), sent)

    def _say_for_now(self, text: str) -> None:
        """A message that is wiped when the rescue has come to another state."""
        self._for_now = text
        self.say(text)

    def action_pause(self) -> None:
        """Pause."""
        self.ask_rescue("pausing after the read in flight ...", "pause")

    def action_resume(self) -> None:
        """Go on: after a pause, a stop, a crash; or set up the first run."""
        news = self._news
        if news.job is None:
            self.action_setup()
        elif news.live:
            self.ask_rescue("going on ...", "resume")
        else:
            self._resume(news.job)

    def _resume(self, job: Job) -> None:
        self._say_for_now("starting again where it was ...")
        background.start(self, lambda: resume(job.directory), self._resumed)

    def _resumed(self, job: Job) -> None:
        self.deck.bridge.look_now()
        self.say("")
        self.look_now()

    def action_stop(self) -> None:
        """End the rescue; asks."""
        self.prompt.ask("End this rescue? All that was read is kept, and it can go on later.", self._stop_answer)

    def _stop_answer(self, answer: str) -> None:
        job = self._news.job
        if answer == "y" and job is not None:
            self._say_for_now("stopping after the read in flight ...")
            background.start(self, lambda: stop(job.directory), self._stop_sent)

    def _stop_sent(self, request: StopRequest) -> None:
        self.deck.bridge.look_now()
        if request.stuck:
            self.say("a read hangs in the kernel: it ends when the drive answers or loses power", "warning")

    def action_kill(self) -> None:
        """Kill a ddrescue that does not end; asks."""
        question = "Kill ddrescue? The map stays as it was last saved: what was read since is read again."
        self.prompt.ask(question, lambda answer: self.ask_rescue("killing ...", "kill") if answer == "y" else None)

    def action_end_pass(self) -> None:
        """End this pass and let the strategy choose the next."""
        self.ask_rescue("ending this pass after the read in flight ...", "end-pass")

    def action_recipe(self) -> None:
        """Choose another recipe for the passes to come."""
        from tui.screens.rescue_recipes import RecipeScreen

        current = self._news.status.recipe if self._news.status is not None else ""
        self.app.push_screen(RecipeScreen(self._recipe_chosen, current=current, automatic=True))

    def _recipe_chosen(self, name: str) -> None:
        if name:
            self.ask_rescue(f"changing to {name} after the read in flight ...", "recipe", name=name)
        else:
            self.ask_rescue("back to the strategy's own choice ...", "strategy")

    def action_options(self) -> None:
        """Change options for the passes to come."""
        from tui.screens.rescue_options import OptionsScreen

        job, status = self._news.job, self._news.status
        if job is None:
            return
        try:
            in_force = status.options if status is not None else None
            options = RescueOptions.from_json(in_force or job.arguments.get("options") or {})
            capabilities = probe()
        except RescueError as error:
            self.tell_error(error)
            return
        self.app.push_screen(OptionsScreen(options, self._options_chosen, capabilities=capabilities))

    def _options_chosen(self, options: RescueOptions) -> None:
        self.ask_rescue("new options after the read in flight ...", "options", values=options.to_json())

    def action_setup(self) -> None:
        """Set up a rescue for this case."""
        case = self._news.case
        if case is None:
            self.say("a map alone has no source: open its case, or a device", "warning")
        else:
            self.deck.set_up_rescue(case.directory)

    def action_edit_map(self) -> None:
        """The editor on the map; a rescue that holds it can be paused for that (asks), or is followed."""
        path, job = self._news.map_path, self._news.job
        if path is None:
            return
        free = self.campaign is not None and self.campaign.phase is Phase.BY_HAND
        if job is None or not self._news.live or free:
            self.edit_map_at(path)
            return
        if self.campaign is not None:
            self.action_take_over()
            return

        def answer(key: str) -> None:
            if key == "y":
                send(job.directory, "pause", release_map=True)
            self.edit_map_at(path)

        self.prompt.ask("Pause the rescue, to edit its map? (n: only look at it)", answer)

    def edit_map_at(self, path: Path) -> None:
        """Open the map editor."""
        case, status = self._news.case, self._news.status
        image = Path(status.image) if status is not None and status.image else None
        self.deck.edit_map(path, case, image)

    def action_details(self) -> None:
        """Command line, files, drive, all events."""
        from tui.screens.rescue_details import RescueDetailsScreen

        self.app.push_screen(RescueDetailsScreen(self._news, self._target))

    def action_back(self) -> None:
        """Back; says that the rescue goes on."""
        live = self._news.live
        super().action_back()
        if live and isinstance(self.app.screen, DeckScreen):
            self.app.screen.say("the rescue goes on; open it again to watch it")


def _mode(news: News) -> tuple[object, ...]:
    """What decides which keys apply."""
    campaign = campaign_words.campaign_of(news)
    asked = (campaign.phase, campaign.requests) if campaign is not None else None
    return news.live, news.job is None, news.case is None, news.status.state if news.status is not None else None, asked


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
