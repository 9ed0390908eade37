"""The settings for a drive that drops off the bus: power switch, patience, budget, what comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual.widget import Widget
from textual.widgets import Static

from engine.devices import Identity
from engine.errors import RefusedError, RescueError
from engine.jobs import list_jobs
from engine.rescue.campaign.drive import KnownDrive
from engine.rescue.campaign.trial import Trial, try_switch
from engine.text import safe_text
from tui import background, campaign_draft
from tui.campaign_draft import BY_NAME, SETTINGS, CampaignPlan, Setting
from tui.keys import bindings
from tui.rescue_draft import Draft
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section

_COLUMNS = (Column("", 12, least=12), Column("", 200, flex=True, least=30))
_GROUPS = tuple(dict.fromkeys(one.group for one in SETTINGS))


def setting_sections(plan: CampaignPlan) -> list[Section]:
    """All settings by group; what differs from its default is strong."""
    plain = CampaignPlan()

    def row(one: Setting) -> Row:
        shown = one.shown(plan)
        return Row(one.name, (one.label, Cell(shown, "row--strong" if shown != one.shown(plain) else "")))

    return [
        Section(group, _COLUMNS, tuple(row(one) for one in SETTINGS if one.group == group)) for group in _GROUPS
    ]


class DropOffScreen(DeckScreen):
    """Calls ``then`` with the plan when it is left; what is chosen here is kept with the case at the start."""

    TITLE = "drive drops off"
    SCOPES = ("dropoff", "list")
    BINDINGS = bindings("dropoff")
    HELP = (
        "For a drive that answers nothing after a bad place until its power is cut. Say here who cuts it: a program, "
        "or you. The campaign then reads away from the places that cost it the drive, brings the drive back, "
        "recognises it by its number and by what was read before, and goes on, within the budget. Each power cycle is "
        "a risk for a dying drive: a limit is wise. T tries the power command: it cuts the power of whatever is on it."
    )

    def __init__(self, draft: Draft, then: Callable[[CampaignPlan], None]) -> None:
        super().__init__(draft.title)
        self._draft = draft
        self._plan = draft.campaign
        self._then = then
        self._trying = False
        self._list = RowList(id="dropoff-list")
        self._text = Static("", markup=False, classes="explain")

    @property
    def plan(self) -> CampaignPlan:
        """What is chosen so far."""
        return self._plan

    def body(self) -> Iterable[Widget]:
        """The list, and what the line under the cursor is for."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """Show all."""
        self._show()

    def _show(self) -> None:
        self._list.show(setting_sections(self._plan))
        self._explain()
        self.refresh_bindings()

    def _setting(self) -> Setting | None:
        row = self._list.chosen
        return BY_NAME[row.id] if row is not None else None

    def _explain(self) -> None:
        one = self._setting()
        self._text.update("" if one is None else f"{safe_text(one.shown(self._plan), 400)}\n{one.explain}")

    def on_row_list_moved(self) -> None:
        """Explain the one under the cursor."""
        self._explain()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_change()

    # -- changing -----------------------------------------------------------------------------------------------------

    def action_change(self) -> None:
        """Type another value; for the power first how."""
        one = self._setting()
        if one is None:
            return
        if one.name == "power":
            question = "Power: by hand (h), one command (c), off and on (o), by name (n)?"
            self.prompt.ask(question, self._power, choices="hconx", default="x")
            return
        typed = one.typed(self._plan)
        if typed in ("yes", "no"):
            self._take(one, "no" if typed == "yes" else "yes")
            return
        self.prompt.read(f"{one.label}:", lambda text: self._take(one, text), value=typed)

    def _take(self, one: Setting, text: str) -> None:
        self._try(lambda: one.take(self._plan, text))

    def _try(self, change: Callable[[], CampaignPlan]) -> None:
        try:
            self._plan = change()
        except RescueError as error:
            self.tell_error(error)
            return
        self.say("")
        self._show()

    def _power(self, key: str) -> None:
        plan = self._plan
        if key == "h":
            self._try(lambda: campaign_draft.by_hand(plan))
        elif key == "c":
            self._read("command that cuts and restores the power:", campaign_draft.typed_command(plan, "cycle"),
                       lambda text: campaign_draft.with_cycle(plan, text))  # fmt: skip
        elif key == "o":
            off = campaign_draft.typed_command(plan, "off")
            self.prompt.read("command that cuts the power:", self._read_on, value=off)
        elif key == "n":
            self._read("name of the power switch:", "", lambda text: campaign_draft.with_named(plan, text))

    def _read(self, prompt: str, value: str, change: Callable[[str], CampaignPlan]) -> None:
        self.prompt.read(prompt, lambda text: self._try(lambda: change(text)), value=value)

    def _read_on(self, off: str) -> None:
        plan = self._plan
        self._read("command that restores the power:", campaign_draft.typed_command(plan, "on"),
                   lambda on: campaign_draft.with_pair(plan, off, on))  # fmt: skip

    def action_default(self) -> None:
        """As it is without being set."""
        one = self._setting()
        if one is not None:
            self._try(lambda: campaign_draft.default_of(self._plan, one.name))

    # -- the trial ----------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing to try without a command."""
        if action == "test_power":
            return True if self._plan.settings.switch.automatic and not self._trying else None
        return True

    def action_test_power(self) -> None:
        """Cut and restore the power once, after an explicit yes."""
        shown = self._plan.settings.switch.shown
        self.prompt.ask(f"This CUTS THE POWER of the drive now. Run {shown}?", self._test)

    def _test(self, answer: str) -> None:
        if answer != "y":
            self.say("nothing was done")
            return
        draft, settings = self._draft, self._plan.settings
        self._trying = True
        self.refresh_bindings()
        self.say("the power is being cut and restored ... stay here until it is back", "warning")

        def work() -> Trial:
            if draft.case is not None and any(job.live for job in list_jobs(draft.case.jobs_dir).jobs):
                raise RefusedError("a job of this case runs: stop it before its drive loses power", code="busy")
            identity = Identity.from_facts(draft.identity) if draft.identity else None
            known = KnownDrive(draft.source, draft.size, identity) if draft.size else None
            return try_switch(settings.switch, known, wait_s=settings.wait_s)

        background.start(self, work, self._tested, self._not_tested)

    def _tested(self, trial: Trial) -> None:
        self._trying = False
        self.say(trial.words, "info" if trial.good else "warning")
        self.refresh_bindings()

    def _not_tested(self, error: RescueError) -> None:
        self._trying = False
        self.tell_error(error)
        self.refresh_bindings()

    def action_back(self) -> None:
        """Back; what was chosen counts. Not while the drive is without power."""
        if self._trying:
            self.say("the power is not back yet", "warning")
            return
        super().action_back()
        self._then(self._plan)
