"""Before a rescue starts: where it goes, how it reads, what would run, and everything that speaks against it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Static

from engine.devices import Device, find_device
from engine.devices.target import confirmation_word
from engine.errors import RescueError, UsageError
from engine.jobs import Job
from engine.rescue.capabilities import probe
from engine.rescue.checks import Severity as Weight
from engine.rescue.options import RescueOptions
from engine.rescue.preflight import Check, Severity
from engine.rescue.recipes import RECIPES
from engine.text import safe_text
from tui import background
from tui.campaign_draft import CampaignPlan
from tui.keys import BY_ID, bindings
from tui.rescue_draft import (
    BROKEN_MAP,
    OVERRIDES,
    Draft,
    Outlook,
    draft_for_case,
    draft_for_source,
    launch,
    outlook,
    with_domain,
)
from tui.rescue_feed import is_block_device
from tui.screens.base import DeckScreen
from tui.screens.rescue_options import summary
from tui.screens.rescue_recipes import explain
from tui.widgets.figures import Figure
from tui.widgets.labels import shorten
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import plural

_CHOICE = (Column("", 8), Column("", 200, flex=True, least=30))
_CHECK = (Column("", 6), Column("", 200, flex=True, least=30))
_MARKS = {
    Severity.OK: Cell("ok", "row--good"),
    Severity.NOTE: Cell("note", "row--soft"),
    Severity.WARN: Cell("WARN", "row--warning"),
    Severity.REFUSE: Cell("NO", "row--danger"),
    Weight.NOTE: Cell("note", "row--soft"),
    Weight.DANGER: Cell("DANGER", "row--danger"),
    Weight.REFUSED: Cell("NO", "row--danger"),
}
_SOURCE_TEXT = "It is only ever read. Compare what stands here with the label on the drive."
_STRATEGIES = {
    False: "standard: pass after pass, for a drive that answers",
    True: "drop-off: for a drive that locks up until its power is cut",
}
_STRATEGY_TEXT = (
    "standard: passes, the fast ones first, for drives that go on answering.\n"
    "drop-off: for a drive that answers nothing after a bad place until its power is cut. It keeps away from such "
    "places, brings the drive back by a power command or by asking you, and needs few power cycles."
)
_ORDER = ("NO", "DANGER", "WARN", "note", "ok")


def setup_sections(draft: Draft, view: Outlook | None, width: int = 80) -> list[Section]:
    """Choices, what would run, and the checks, the worst first."""
    room = max(20, width - 16)
    recipe = RECIPES[draft.recipe].title if draft.recipe else "automatic: the strategy chooses each pass"
    folder = "kept" if not draft.is_new else "there already" if os.path.lexists(draft.directory) else "a new folder"
    choices = (
        Row("set:source", ("source", shorten(draft.who or draft.source, room))),
        Row("set:case", ("case", f"{shorten(draft.directory, room - len(folder) - 4)}  ({folder})")),
        Row("set:image", ("image", _inside(draft, draft.image, room))),
        Row("set:map", ("map", _inside(draft, draft.map, room))),
        Row("set:strategy", ("strategy", _STRATEGIES[draft.drop_off])),
        *(
            (Row("set:campaign", ("drop-off", draft.campaign.summary)),)
            if draft.drop_off
            else (Row("set:recipe", ("recipe", recipe)), Row("set:retries", ("retries", _retries(draft))))
        ),
        Row("set:options", ("options", summary(draft.options))),
        Row("set:command", ("runs", _command(view))),
    )
    return [Section("PLAN", _CHOICE, choices), _checks(view)]


def _inside(draft: Draft, path: str, room: int) -> str:
    """A path; only its name where it lies in the case folder."""
    if Path(path).parent == Path(draft.directory):
        return f"{shorten(Path(path).name, room - 20)}  (in the case folder)"
    return shorten(path, room)


def _retries(draft: Draft) -> str:
    if draft.recipe:
        return "as the recipe and the options say"
    if not draft.retries:
        return "none"
    return f"{plural(draft.retries, 'pass', 'passes')} at most over what is bad"


def _command(view: Outlook | None) -> str | Cell:
    if view is None:
        return Cell("...", "row--soft")
    if view.problem:
        return Cell(view.problem, "row--danger")
    return view.command or Cell(view.reason or "nothing", "row--warning")


def _checks(view: Outlook | None) -> Section:
    if view is None:
        return Section("CHECKS", _CHECK, (), "looking; a drive that hangs can take half a minute ...")
    found = [
        Row(f"check:{number}", (_MARKS[check.severity], check.message + (f"; {check.advice}" if check.advice else "")))
        for number, check in enumerate(view.checks)
    ]
    found += [
        Row(f"finding:{number}", (_MARKS[finding.severity], f"{finding.option}: {finding.message}"))
        for number, finding in enumerate(view.findings)
    ]
    found.sort(key=_weight)
    return Section("CHECKS", _CHECK, tuple(found), "no checks")


def _weight(row: Row) -> int:
    mark = row.cells[0]
    return _ORDER.index(mark.text if isinstance(mark, Cell) else mark)


def verdict(draft: Draft, view: Outlook | None) -> tuple[str, str]:
    """One line on whether it may start, and how to take it."""
    if view is None:
        return "checking ...", "-muted"
    refusals = view.refusals(draft)
    if refusals:
        return f"cannot start: {plural(refusals, 'thing', 'things')} against it, marked NO below", "-danger"
    dangers = view.dangers(draft)
    if dangers:
        return "dangerous options: put the cursor on them and press Enter to insist", "-danger"
    if draft.recover_map:
        return "s starts it, with the map put together from its older states", "-warning"
    if not view.command:
        return "nothing is left to do for this map; choose a recipe to read something again", "-warning"
    warnings = sum(check.severity is Severity.WARN for check in view.checks)
    if warnings:
        return f"may start with s; read the {plural(warnings, 'warning', 'warnings')} first", "-warning"
    return "all is well: s starts it", "-good"


class RescueSetupScreen(DeckScreen):
    """For a device or image file (``source``) or for the next run of a case (``case``). Raises ``RescueError``."""

    TITLE = "set up a rescue"
    SCOPES = ("setup", "list")
    BINDINGS = bindings("setup")
    HELP = (
        "Everything that is decided before the drive is read, on one page. Enter changes the line under the cursor; on "
        "a check it shows all of it, and where a check may be overruled it asks for that in words. Image, map and "
        "journal of the rescue go into the case folder, which must lie on another disk than the patient. 'runs' is "
        "the first command line as it will be started; nothing is hidden behind it. s starts, when no line says NO."
    )

    def __init__(self, *, source: str | None = None, case: Path | None = None, domain: Path | None = None) -> None:
        """``domain``: a domain map of what must be read first, already in the draft."""
        if case is not None:
            draft = draft_for_case(case)
            if domain is not None:
                draft = with_domain(draft, domain)
        elif source is not None:
            draft = draft_for_source(source)
        else:
            raise UsageError("name a source or a case")
        super().__init__(draft.title)
        self._draft = draft
        self._view: Outlook | None = None
        self._starting = False
        self._looks: background.Latest[Outlook] = background.Latest()
        self._verdict = Figure(indent=1, id="setup-verdict")
        self._list = RowList(id="setup")
        self._text = Static("", markup=False, classes="explain")

    @property
    def draft(self) -> Draft:
        """What is chosen so far."""
        return self._draft

    @property
    def outlook(self) -> Outlook | None:
        """What the checks said of it; None while they look."""
        return self._view

    def body(self) -> Iterable[Widget]:
        """The verdict, the page, and the line under the cursor in full."""
        yield self._verdict
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """Check the first draft."""
        self._take(self._draft)
        if self._draft.remark:
            self.say(self._draft.remark, "warning")

    def on_resize(self) -> None:
        """Paths have another room."""
        self._show()

    def _take(self, draft: Draft) -> None:
        self._draft, self._view = draft, None
        self.set_writes(draft.image if is_block_device(draft.image) else "")
        self._show()
        self._looks.start(self, lambda: outlook(draft), self._take_view)

    def _take_view(self, view: Outlook) -> None:
        self._view = view
        self._show()

    def _show(self) -> None:
        self.set_subject(self._draft.title)
        text, state = verdict(self._draft, self._view)
        self._verdict.show(text, state)
        self._offer()
        self._list.show(setup_sections(self._draft, self._view, self.size.width))
        self._explain()
        self.refresh_bindings()

    def _offer(self) -> None:
        """Its own key and not the one for every next step: a start is never pressed by habit."""
        if self.check_action("start", ()):
            self.offer("start it: the source is read and never written to", None, BY_ID["setup.start"].display)
        else:
            self.offer("", None)

    def _chosen(self) -> tuple[str, str]:
        row = self._list.chosen
        kind, _, name = row.id.partition(":") if row is not None else ("", "", "")
        return kind, name

    def _explain(self) -> None:
        lines = self._explanation(*self._chosen()).splitlines()
        self._text.update("\n".join(safe_text(line) for line in lines))

    def _explanation(self, kind: str, name: str) -> str:
        draft, view = self._draft, self._view
        if kind == "set":
            texts = {
                "source": "\n".join(filter(None, (draft.source, draft.who, _SOURCE_TEXT))),
                "case": f"{draft.directory}\nThe folder that keeps everything of this rescue. Enter names another.",
                "image": f"{draft.image}\nWhere the rescued bytes go. Enter names another file.",
                "map": f"{draft.map}\nWhich bytes were rescued. Never lose it: keep it beside the image.",
                "recipe": explain(draft.recipe),
                "strategy": _STRATEGY_TEXT,
                "campaign": f"{draft.campaign.summary}\nEnter: power command, patience, budget, what comes first.",
                "options": summary(draft.options),
                "retries": "How often bad sectors are tried again at most, from changing sides, as long as it helps.",
                "command": (view.command or view.reason or view.problem) if view is not None else "",
            }
            return texts[name]
        if view is None or not name:
            return ""
        if kind == "check":
            check = view.checks[int(name)]
            more = "\nEnter overrules it, after a question." if self._override(check) else ""
            return check.message + (f"\n{check.advice}" if check.advice else "") + more
        finding = view.findings[int(name)]
        more = "\nEnter insists on it, after a question." if finding.severity is Weight.DANGER else ""
        return f"{finding.option}: {finding.message}{more}"

    def on_row_list_moved(self) -> None:
        """The line under the cursor in full."""
        self._explain()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_change()

    # -- choosing -------------------------------------------------------------------------------------------------

    def action_change(self) -> None:
        """Change the line under the cursor."""
        kind, name = self._chosen()
        if kind == "set":
            self._change(name)
        elif kind == "check" and self._view is not None:
            check = self._view.checks[int(name)]
            override = self._override(check)
            if override is not None:
                override()
            else:
                self.say(check.advice or check.message)
        elif kind == "finding" and self._view is not None:
            finding = self._view.findings[int(name)]
            if finding.severity is Weight.DANGER:
                self.prompt.ask(f"{finding.option}: {finding.message}. Insist?", self._insist)
            else:
                self.say(finding.message)

    def _change(self, name: str) -> None:
        from tui.dialogs.path import complete_path

        draft = self._draft
        if name == "case":
            self.prompt.read("case folder:", self._changing(draft.with_directory), value=draft.directory,
                             complete=complete_path)  # fmt: skip
        elif name in ("image", "map"):
            self.prompt.read(f"{name}:", self._changing(lambda text: draft.with_path(name, text)),
                             value=getattr(draft, name), complete=complete_path)  # fmt: skip
        elif name == "recipe":
            self.action_recipe()
        elif name == "options":
            self.action_options()
        elif name == "strategy":
            self._take(replace(draft, drop_off=not draft.drop_off))
        elif name == "campaign":
            self.action_drop_off()
        elif name == "retries":
            self.prompt.read("retry passes:", self._changing(self._with_retries), value=str(draft.retries))
        elif name == "source":
            self.say("the source is chosen on the screen before: q goes back")
        else:
            self.action_copy()

    def _changing(self, change: Callable[[str], Draft]) -> Callable[[str], None]:
        def answered(text: str) -> None:
            try:
                self._take(change(text))
            except RescueError as error:
                self.tell_error(error)

        return answered

    def _with_retries(self, text: str) -> Draft:
        try:
            number = int(text)
        except ValueError:
            number = -1
        if not 0 <= number <= 1000:
            raise UsageError("retry passes are a number from 0 to 1000")
        return replace(self._draft, retries=number)

    def action_recipe(self) -> None:
        """Choose the recipe."""
        from tui.screens.rescue_recipes import RecipeScreen

        self.app.push_screen(
            RecipeScreen(lambda name: self._take(replace(self._draft, recipe=name)), current=self._draft.recipe,
                         automatic=True)
        )  # fmt: skip

    def action_drop_off(self) -> None:
        """The settings for a drive that drops off; choosing them chooses that strategy."""
        from tui.screens.drop_off import DropOffScreen

        self.app.push_screen(DropOffScreen(self._draft, self._with_campaign))

    def _with_campaign(self, plan: CampaignPlan) -> None:
        self._take(replace(self._draft, drop_off=True, campaign=plan))

    def action_manner(self) -> None:
        """Lay a manner of reading over the options."""
        from tui.screens.rescue_recipes import MannerScreen

        self.app.push_screen(MannerScreen(self._draft.options, self._with_options))

    def action_options(self) -> None:
        """Choose options."""
        from tui.screens.rescue_options import OptionsScreen

        try:
            capabilities = probe()
        except RescueError as error:
            self.tell_error(error)
            return
        self.app.push_screen(OptionsScreen(self._draft.options, self._with_options, capabilities=capabilities))

    def _with_options(self, options: RescueOptions) -> None:
        self._take(replace(self._draft, options=options, insist=False))

    def _override(self, check: Check) -> Callable[[], None] | None:
        """What asks for the override of a refusal; None when nothing can lift it."""
        if check.severity is not Severity.REFUSE:
            return None
        if check.code == "target-not-confirmed":
            return self._confirm_target
        name, question = OVERRIDES.get(check.code, ("", ""))
        earlier = check.code in BROKEN_MAP and check.advice.startswith("an earlier map")
        if earlier:
            choices = "ean" if name else "en"
            words = "Take the map together from its older states (e)" + (", or read all again (a)?" if name else "?")
            return lambda: self.prompt.ask(words, lambda key: self._mend_map(key, name), choices=choices)
        if not name:
            return None
        return lambda: self.prompt.ask(question, lambda key: self._overrule(name) if key == "y" else None)

    def _mend_map(self, key: str, name: str) -> None:
        if key == "e":
            self._take(replace(self._draft, recover_map=True))
        elif key == "a":
            self._overrule(name)

    def _overrule(self, name: str, value: bool | str = True) -> None:
        self._take(replace(self._draft, overrides={**self._draft.overrides, name: value}))

    def _confirm_target(self) -> None:
        """A device as image: who it is, and its word typed, in a dialog."""
        background.start(self, lambda: find_device(self._draft.image), self._ask_word)

    def _ask_word(self, device: Device | None) -> None:
        from tui.device_facts import device_facts
        from tui.dialogs.confirm import ConfirmDialog

        if device is None:
            self.say("the kernel tells nothing of that device: write the image to a file", "error")
            return
        word = confirmation_word(device)

        def answered(yes: bool | None) -> None:
            if yes:
                self._overrule("confirmed_target", word)

        question = f"Everything on {self._draft.image} will be overwritten by this rescue."
        self.app.push_screen(ConfirmDialog(question, device_facts(device, None), word), answered)

    def _insist(self, answer: str) -> None:
        if answer == "y":
            self._draft = replace(self._draft, insist=True)
            self._show()

    def action_copy(self) -> None:
        """The command line to the clipboard."""
        if self._view is not None and self._view.command:
            self.app.copy_to_clipboard(self._view.command)
            self.say("the command line is on the clipboard, where the terminal allows that")

    def action_check(self) -> None:
        """Look again."""
        self._take(self._draft)

    # -- starting -------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No start while something forbids it; a campaign chooses its passes itself."""
        if action in ("recipe", "manner") and self._draft.drop_off:
            return None
        if action == "start":
            return True if self._view is not None and self._view.ready(self._draft) and not self._starting else None
        return True

    def action_start(self) -> None:
        """Start."""
        draft = self._draft
        self._starting = True
        self.refresh_bindings()
        self.say("starting ...")
        background.start(self, lambda: launch(draft), self._started, self._not_started)

    def _started(self, job: Job) -> None:
        self.deck.bridge.add_folder(job.directory.parent)
        self.deck.bridge.look_now()
        self.app.pop_screen()
        self.deck.open_rescue(job.directory)

    def _not_started(self, error: RescueError) -> None:
        self._starting = False
        self.tell_error(error)
        self.refresh_bindings()
