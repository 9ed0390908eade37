"""The hand on a campaign: areas to skip and to try, its budget, the power, the map. A part of the rescue screen."""

from __future__ import annotations

from pathlib import Path

from textual.actions import parse as parse_action

from engine.errors import RescueError, UsageError
from engine.rescue.campaign.board import CampaignStatus, Phase
from tui import campaign_words as words
from tui.campaign_draft import BUDGETS
from tui.key import Key
from tui.keys import SCOPES
from tui.rescue_feed import News
from tui.screens.base import DeckScreen
from tui.widgets.block_map import BlockMap

REQUESTS = {
    "skip_area": "skip-area", "try_area": "try-area", "unskip_area": "unskip-area", "budget": "budget",
    "take_over": "take-over", "hand_back": "hand-back", "power": "power-cycle",
}  # fmt: skip
CAMPAIGN_ACTIONS = frozenset({*REQUESTS, "decisions", "select"})
_ANY_TIME = ("decisions", "select")
_BACKED_UP = {"pause": "pause", "resume": "resume", "end_pass": "end-pass", "options": "options"}


class CampaignHand(DeckScreen):
    """What a screen that shows a rescue can do with a campaign. The screen has the map and sends the requests."""

    block_map: BlockMap
    _wants_map = False

    @property
    def news(self) -> News:
        """What the last look found."""
        raise NotImplementedError

    def ask_rescue(self, said: str, action: str, **facts: object) -> None:
        """Leave a request for the rescue."""
        raise NotImplementedError

    @property
    def campaign(self) -> CampaignStatus | None:
        """The campaign on show."""
        return words.campaign_of(self.news)

    def check_campaign(self, action: str) -> bool | None:
        """As ``check_action``, for the actions of a campaign."""
        campaign = self.campaign
        if campaign is None:
            return False
        if action in ("take_over", "hand_back"):  # one key for both: the one that applies is shown
            if (campaign.phase is Phase.BY_HAND) != (action == "hand_back"):
                return False
        elif action in _ANY_TIME:
            return True
        if not self.news.live:
            return None
        wanted = ("power-cycle", "power-done") if action == "power" else (REQUESTS[action],)
        return True if any(one in campaign.requests for one in wanted) else None

    def campaign_allows(self, action: str) -> bool:
        """Whether one of the keys that every rescue has makes sense for the campaign now."""
        campaign = self.campaign
        wanted = _BACKED_UP.get(action)
        return campaign is None or wanted is None or wanted in campaign.requests or not campaign.requests

    # -- areas --------------------------------------------------------------------------------------------------------

    def _area(self) -> tuple[int, int]:
        return self.block_map.selection or self.block_map.cursor_cell

    def action_select(self) -> None:
        """Begin, end, drop a selection."""
        shown = self.block_map
        if shown.selecting:
            shown.end_selection()
            self.say(f"selected: {words.area_text(*self._area())}; x skips it, t tries it, v drops it")
        elif shown.selection is not None:
            shown.select(None)
            self.say("nothing is selected")
        else:
            shown.start_selection()
            self.say("the selection follows the cursor; v ends it, x skips it, t tries it")

    def _ask_area(self, question: str, said: str, action: str) -> None:
        start, end = self._area()
        if self.block_map.map is None or start >= end:
            self.say("there is no map yet", "warning")
            return

        def answer(key: str) -> None:
            if key == "y":
                self._send_area(said, action, start, end)

        self.prompt.ask(question.format(words.area_text(start, end)), answer)

    def _send_area(self, said: str, action: str, start: int, end: int, **more: bool) -> None:
        self.block_map.select(None)
        self.ask_rescue(said, action, values={"start": start, "end": end, **more})

    def action_skip_area(self) -> None:
        """Leave an area alone."""
        self._ask_area("Leave {} alone from now on?", "it is left alone ...", "skip-area")

    def action_unskip_area(self) -> None:
        """Take that back."""
        self._ask_area("Let {} be read again?", "it may be read again ...", "unskip-area")

    def action_try_area(self) -> None:
        """Read an area next; how is asked."""
        self.prompt.choose(f"Try {words.area_text(*self._area())}:", SCOPES["try"][1], self._menu)

    def action_try(self, how: str) -> None:
        """``how``: any of the words ``reverse`` and ``killers``."""
        start, end = self._area()
        flags = dict.fromkeys(how.split(), True)
        if "killers" not in flags:
            self._send_area("it is read next ...", "try-area", start, end, **flags)
            return

        def answer(key: str) -> None:
            if key == "y":
                self._send_area("it is read next, killers and all ...", "try-area", start, end, **flags)

        self.prompt.ask("That may well cost a power cycle at once. Read over known killers?", answer)

    def _menu(self, key: Key) -> None:
        _place, name, arguments = parse_action(key.action)
        getattr(self, f"action_{name}")(*arguments)

    # -- budget -------------------------------------------------------------------------------------------------------

    def action_budget(self) -> None:
        """Change one of the limits."""
        self.prompt.choose("Budget:", SCOPES["budget"][1], self._menu)

    def action_set_budget(self, name: str) -> None:
        """Type a limit."""
        campaign = self.campaign
        if campaign is None:
            return
        limit = BUDGETS[name]
        now = getattr(campaign, name)

        def typed(text: str) -> None:
            try:
                value = limit.take(text)
                if value is None and name == "hang_limit_s":
                    raise UsageError("a hang limit is needed: how else would a hang be told from a slow read?")
            except RescueError as error:
                self.tell_error(error)
                return
            self.ask_rescue("changing the budget ...", "budget", values={name: value})

        self.prompt.read(f"{limit.label} ({limit.example}):", typed, value=limit.typed(now))

    # -- power and map ------------------------------------------------------------------------------------------------

    def action_power(self) -> None:
        """Switch the power now; where a person is the switch, the page that says how."""
        campaign = self.campaign
        if campaign is None:
            return
        if "power-done" in campaign.requests:
            self.show_request()
            return
        how = "by the power command" if campaign.switch else "by hand"
        question = f"Cut the power now, {how}? It counts as a cycle."

        def answer(key: str) -> None:
            if key == "y":
                self._send("cutting the power ...", "power-cycle")

        self.prompt.ask(question, answer)

    def show_request(self) -> None:
        """The page that asks for a power cycle by hand."""
        if self.news.job is not None:
            self.deck.ask_for_power(self.news.job.directory)

    def _send(self, said: str, action: str) -> None:
        self.ask_rescue(said, action)

    def action_take_over(self) -> None:
        """The map by hand."""
        self.prompt.ask("End the pass, free the map and edit it by hand?", self._taken_over)

    def _taken_over(self, key: str) -> None:
        if key == "y" and self.news.map_path is not None:
            self._send("ending the pass; then the map is yours, and T hands it back ...", "take-over")
            self._wants_map = True

    def open_map_when_free(self) -> None:
        """Called with the news: the editor opens once the pass has ended, on the map that it left."""
        campaign, path = self.campaign, self.news.map_path
        if not self._wants_map or (campaign is not None and self.news.live and campaign.phase is not Phase.BY_HAND):
            return
        self._wants_map = False
        if campaign is not None and campaign.phase is Phase.BY_HAND and path is not None and self.on_top:
            self.edit_map_at(path)

    def edit_map_at(self, path: Path) -> None:
        """Open the map editor."""
        raise NotImplementedError

    def action_hand_back(self) -> None:
        """Go on with the map as it is on disk."""
        self._send("handed back: it goes on with the map as it was saved ...", "hand-back")

    def action_decisions(self) -> None:
        """All sentences."""
        from tui.screens.decisions import DecisionsScreen

        self.app.push_screen(DecisionsScreen(self.news))
