"""A campaign on the screens: status files written by hand; what is shown, what is asked for, what is sent."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.errors import RescueError
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.settings import CampaignSettings, PowerSwitch
from engine.rescue.campaign.trial import try_switch
from engine.rescue.control import Request, read_request
from engine.rescue.presets import STRATEGY_NAME, StrategyPreset, load_strategy, save_strategy
from engine.rescue.status import State
from tests.tui.fake_campaign import DRIVE, KILLERS, SKIPPED, FakeCampaign
from tests.tui.fake_rescue import GB
from tests.tui.shell import deck, run, text, until
from tui import campaign_words as words
from tui.app import DeckApp
from tui.campaign_draft import (
    BY_NAME,
    CampaignPlan,
    default_of,
    read_seconds,
    read_until,
    with_cycle,
    with_pair,
)
from tui.power_request import Sights
from tui.rescue_draft import draft_for_case
from tui.screens import power_request
from tui.screens.decisions import DecisionsScreen
from tui.screens.drop_off import DropOffScreen
from tui.screens.power_request import PowerRequestScreen
from tui.screens.rescue import RescueScreen


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[FakeCampaign]:
    made = FakeCampaign(tmp_path)
    made.hold()
    made.event("job-started", run=1)
    made.map = made.map.set_range(0, KILLERS[0][0], "+").set_range(KILLERS[0][1], 180 * GB, "+")
    made.position = 360 * GB
    made.advance(0.0, direction="backwards")
    yield made
    made.let_go()


@asynccontextmanager
async def watching(
    target: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[DeckApp, Pilot[None], RescueScreen]]:
    async with deck(size=size) as (app, pilot):
        screen = RescueScreen(target)
        app.push_screen(screen)
        await until(pilot, lambda: screen.news.map is not None)
        yield app, pilot, screen


async def asked(pilot: Pilot[None], directory: Path, action: str) -> Request:
    """The request of that kind, once it lies there."""

    def there() -> Request | None:
        found = read_request(directory)
        return found if found is not None and found.action == action else None

    await until(pilot, there)
    found = there()
    assert found is not None
    return found


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_all_of_a_campaign_is_on_one_screen(campaign: FakeCampaign, size: tuple[int, int]) -> None:
    async def test() -> None:
        async with watching(campaign.directory, size) as (app, _pilot, _screen):
            shown = text(app)
            for said in (
                "READING", DRIVE, "cycles    3 of 20", "64.0 MiB a cycle", "300.0 MiB now; before 12.0 GiB, 60.0 GiB",
                "now: the largest gap is entered from its end", "(risk 12 %)",
                "2 (X), 4.1 MiB; 10.0 GiB left (o)", "finished", "p pause", "x skip", "t try", "b budget", "P power",
            ):  # fmt: skip
                assert said in shown, f"{said!r} is missing:\n{shown}"
            assert "c recipe" not in shown, "a campaign chooses its passes itself"
            rows = [line for line in shown.splitlines()[5:] if set(line) <= set("+?*/-Xo<>")]
            drawn = "".join(rows)
            assert drawn.count("X") == 2
            assert "ooo" in drawn
            assert len(shown.splitlines()) == size[1]

    run(test)


def test_a_marked_cell_says_what_it_is(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            screen.block_map.move_to(KILLERS[0][0])
            await until(pilot, lambda: f"X drive lost at 0x{KILLERS[0][0]:08X}" in text(app))
            screen.block_map.move_to(SKIPPED[0][0] + GB)
            await until(pilot, lambda: "o left alone" in text(app))

    run(test)


def test_areas_are_skipped_and_tried_from_cursor_and_selection(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (_app, pilot, screen):
            screen.block_map.move_to(200 * GB)
            cell = screen.block_map.cursor_cell
            await pilot.press("x", "y")
            request = await asked(pilot, campaign.directory, "skip-area")
            assert (request.values["start"], request.values["end"]) == cell
            await pilot.press("v", "right", "right", "v", "t", "b")
            request = await asked(pilot, campaign.directory, "try-area")
            size = cell[1] - cell[0]
            assert (request.values["start"], request.values["end"]) == (cell[0], cell[1] + 2 * size)
            assert (request.values["reverse"], request.values["killers"]) == (True, False)
            assert screen.block_map.selection is None

    run(test)


def test_reading_over_killers_is_asked_twice(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, _screen):
            await pilot.press("t", "k")
            assert "cost a power cycle at once" in text(app)
            await pilot.press("escape")
            assert read_request(campaign.directory) is None
            await pilot.press("t", "k", "y")
            assert (await asked(pilot, campaign.directory, "try-area")).values["killers"] is True

    run(test)


def test_the_budget_is_changed_and_nonsense_is_told(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, _screen):
            await pilot.press("b", "c", "backspace", "backspace", "3", "0", "enter")
            assert (await asked(pilot, campaign.directory, "budget")).values == {"max_cycles": 30}
            await pilot.press("b", "u", *["backspace"] * 16, "x", "enter")
            assert "07:30" in text(app)
            await pilot.press("b", "g", *["backspace"] * 4, "enter")
            await until(pilot, lambda: read_request(campaign.directory).values == {"min_bytes_per_cycle": None})  # type: ignore[union-attr]

    run(test)


def test_power_is_cut_only_after_a_yes(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, _screen):
            await pilot.press("P")
            assert "Cut the power now, by the power command?" in text(app)
            await pilot.press("n")
            assert read_request(campaign.directory) is None
            await pilot.press("P", "y")
            await asked(pilot, campaign.directory, "power-cycle")

    run(test)


def test_taking_over_frees_the_map_and_opens_the_editor(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            await pilot.press("T", "y")
            await asked(pilot, campaign.directory, "take-over")
            looks = screen.looks
            await until(pilot, lambda: screen.looks > looks + 1)
            assert app.screen is screen, "as long as the pass has not ended, the map is not ours"
            campaign.phase(Phase.BY_HAND, "the map is yours", State.PAUSED, requests=("hand-back",))
            await until(pilot, lambda: app.screen is not screen)
            assert getattr(app.screen, "edited_map", None) == campaign.case.map
            app.pop_screen()
            await until(pilot, lambda: "BY HAND" in text(app))
            looks = screen.looks
            await until(pilot, lambda: screen.looks > looks + 1)
            assert app.screen is screen, "it opens once"
            await pilot.press("T")
            await asked(pilot, campaign.directory, "hand-back")

    run(test)


def test_every_decision_can_be_read(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            await pilot.press("D")
            await until(pilot, lambda: isinstance(app.screen, DecisionsScreen) and "3 power cycles" in text(app))
            for one in campaign.campaign.decisions:
                assert one.text[:50] in text(app)
            assert "tries untried ground, 60.0 GiB from 0x61C0000000 backwards" in " ".join(text(app).split())
            await pilot.press("D")
            assert app.screen is screen

    run(test)


def test_a_person_is_asked_with_a_bell_told_and_let_go(campaign: FakeCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    bells: list[float] = []
    monkeypatch.setattr(DeckApp, "bell", lambda self: bells.append(time.monotonic()))
    patient = campaign.case.directory / "patient"
    patient.write_bytes(bytes(512))

    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            campaign.ask_person()
            await until(pilot, lambda: isinstance(app.screen, PowerRequestScreen) and "CUT THE POWER" in text(app))
            shown = text(app)
            for said in (DRIVE, "512.0 GiB", "/dev/sdb", "NOW  1.", "Wait 20 s", "not listed", "power cycle 4 of 20"):
                assert said in shown, f"{said!r} is missing:\n{shown}"
            assert len(bells) == 1
            campaign.event("note", code="other-drive", message="serial OTHER instead of S1D5XYZ0")
            await until(pilot, lambda: "NOT THIS ONE: serial OTHER" in text(app))
            assert len(bells) == 1, "once a minute, not once a second"
            await pilot.press("D")
            await asked(pilot, campaign.directory, "power-done")
            campaign.phase(Phase.WAITING, f"waiting for {DRIVE} to come back", until_s=60.0, requests=())
            await until(pilot, lambda: "POWER IS BACK" in text(app))
            campaign.phase(Phase.READING, "starting ddrescue")
            await until(pilot, lambda: app.screen is screen)
            assert "the drive is back" in text(app)

    run(test)


def test_the_page_goes_when_the_drive_came_and_went_on_to_the_end_between_two_looks(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            campaign.ask_person()
            await until(pilot, lambda: isinstance(app.screen, PowerRequestScreen) and "CUT THE POWER" in text(app))
            campaign.phase(Phase.ENDED, "finished", State.DONE)
            campaign.end("done")
            await until(pilot, lambda: app.screen is screen and "ran to its end" in text(app))

    run(test)


def test_the_page_stays_and_tells_when_the_campaign_failed_while_it_asked(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, _):
            campaign.ask_person()
            await until(pilot, lambda: isinstance(app.screen, PowerRequestScreen) and "CUT THE POWER" in text(app))
            campaign.end("failed", error={"message": "the drive did not come back", "advice": "", "code": "gone"})
            await until(pilot, lambda: "THE CAMPAIGN HAS ENDED" in text(app) and "did not come back" in text(app))
            assert isinstance(app.screen, PowerRequestScreen)

    run(test)


def test_the_bell_rings_again_until_somebody_comes(campaign: FakeCampaign, monkeypatch: pytest.MonkeyPatch) -> None:
    bells: list[float] = []
    monkeypatch.setattr(DeckApp, "bell", lambda self: bells.append(time.monotonic()))
    monkeypatch.setattr(power_request, "BELL_EVERY_S", 0.3)

    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            campaign.ask_person()
            await until(pilot, lambda: len(bells) >= 3)
            assert min(after - before for before, after in itertools.pairwise(bells)) >= 0.3
            campaign.phase(Phase.READING, "starting ddrescue")
            await until(pilot, lambda: app.screen is screen)
            rung, looks = len(bells), screen.looks
            await until(pilot, lambda: screen.looks > looks + 2)
            assert len(bells) == rung, "nobody is needed any more"

    run(test)


def test_later_leaves_the_page_and_the_key_brings_it_back(campaign: FakeCampaign) -> None:
    async def test() -> None:
        async with watching(campaign.directory) as (app, pilot, screen):
            campaign.ask_person()
            await until(pilot, lambda: isinstance(app.screen, PowerRequestScreen))
            await pilot.press("q")
            await until(pilot, lambda: app.screen is screen and "NEEDS YOU" in text(app))
            looks = screen.looks
            await until(pilot, lambda: screen.looks > looks + 1)
            assert app.screen is screen, "it is asked once for each time"
            await pilot.press("P")
            await until(pilot, lambda: isinstance(app.screen, PowerRequestScreen))

    run(test)


def test_what_is_seen_of_the_drive_is_never_more_than_was_seen() -> None:
    unseen = Sights().after(None)
    assert (unseen.went, unseen.came) == (False, False), "a dead drive may be away and have its power still"
    assert unseen.after("/dev/sdc").came
    there = Sights().after("/dev/sdb")
    assert (there.went, there.came) == (False, False)
    gone = there.after(None)
    assert (gone.went, gone.came) == (True, False)
    assert gone.after("/dev/sdb").came
    assert not gone.after("/dev/sdb").after(None).came


# -- settings ---------------------------------------------------------------------------------------------------------


def test_times_are_read_as_people_write_them() -> None:
    now = time.mktime((2026, 11, 21, 22, 0, 0, 0, 0, -1))
    half_past_seven = time.mktime((2026, 11, 22, 7, 30, 0, 0, 0, -1))
    assert read_until("07:30", now) == half_past_seven
    assert read_until("2026-11-22 07:30", now) == half_past_seven
    assert read_until("8h", now) == now + 8 * 3600
    assert read_until("", now) is None
    assert [read_seconds(one) for one in ("90", "5m", "1h30m", "0.5")] == [90, 300, 5400, 0.5]
    for wrong in ("25:00", "soon", "2026-11-20 07:30", "-5", "5x"):
        with pytest.raises(RescueError):
            read_until(wrong, now)


def test_power_commands_are_checked_when_they_are_typed() -> None:
    plan = with_cycle(CampaignPlan(), "/bin/true 'a b'")
    assert plan.settings.switch.cycle == ("/bin/true", "a b")
    pair = with_pair(plan, "/bin/true off", "/bin/true on")
    assert pair.settings.switch.cycle == () and pair.settings.switch.automatic
    assert not default_of(pair, "power").settings.switch.automatic
    for wrong in ("no-such-program-here", "'unfinished", "bin/true"):
        with pytest.raises(RescueError):
            with_cycle(CampaignPlan(), wrong)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_what_a_setting_shows_to_be_typed_it_takes_again(name: str, tmp_path: Path) -> None:
    wanted = tmp_path / "a map"
    wanted.write_text("")
    plan = CampaignPlan(
        CampaignSettings(
            switch=PowerSwitch(cycle=("/bin/true",)), max_cycles=7, end_time=float(int(time.time()) // 60 * 60 + 86400),
            min_bytes_per_cycle=64 << 20, command_timeout_s=5, first=((str(wanted), 4.0),),
        ),
        90.0,
    )  # fmt: skip
    one = BY_NAME[name]
    assert one.take(plan, one.typed(plan)) == plan
    assert one.explain and one.shown(plan)


def test_settings_are_kept_with_the_case_but_not_a_strangers_command(tmp_path: Path) -> None:
    settings = CampaignSettings(switch=PowerSwitch(cycle=("/bin/true",)), max_cycles=9)
    save_strategy(tmp_path, StrategyPreset("drop-off", 33.0, settings))
    assert load_strategy(tmp_path) == StrategyPreset("drop-off", 33.0, settings)
    (tmp_path / STRATEGY_NAME).chmod(0o666)
    found = load_strategy(tmp_path)
    assert found.campaign == replace(settings, switch=PowerSwitch()) and "other users" in found.ignored
    (tmp_path / STRATEGY_NAME).write_text("{")
    assert load_strategy(tmp_path).ignored
    assert load_strategy(tmp_path / "nowhere") == StrategyPreset()


def test_the_power_command_runs_only_after_a_yes(campaign: FakeCampaign, tmp_path: Path) -> None:
    campaign.let_go()
    trace = tmp_path / "trace"
    kept: list[CampaignPlan] = []

    async def test() -> None:
        async with deck(size=(80, 24)) as (app, pilot):
            draft = replace(draft_for_case(campaign.case.directory), size=None)
            screen = DropOffScreen(draft, kept.append)
            app.push_screen(screen)
            await until(pilot, lambda: "by hand" in text(app))
            await pilot.press("T")
            assert not trace.exists(), "nothing to try"
            await pilot.press("enter", "c")
            for character in f"/usr/bin/touch {trace}":
                await pilot.press({"/": "slash", " ": "space", "-": "minus", "_": "underscore", ".": "full_stop"}.get(
                    character, character))  # fmt: skip
            await pilot.press("enter")
            await until(pilot, lambda: screen.plan.settings.switch.automatic)
            await pilot.press("T")
            assert "CUTS THE POWER" in text(app)
            await pilot.press("escape")
            assert not trace.exists()
            await pilot.press("T", "y")
            await until(pilot, lambda: "the power commands ran in" in text(app))
            assert trace.exists()
            await pilot.press("q")
            await until(pilot, lambda: bool(kept))
            assert kept[0].settings.switch.cycle == ("/usr/bin/touch", str(trace))

    run(test)


def test_power_is_restored_when_the_trial_fails_in_between(tmp_path: Path) -> None:
    trace = tmp_path / "on"
    switch = PowerSwitch(off=("/bin/false",), on=("/usr/bin/touch", str(trace)), off_seconds=0)
    with pytest.raises(RescueError, match="status 1"):
        try_switch(switch)
    assert trace.exists()


def test_words_of_a_campaign_that_has_not_begun(campaign: FakeCampaign) -> None:
    bare = replace(campaign.campaign, cycles=0, max_cycles=None, cycle_bytes=(5,), killers=(), skipped=(), next=None,
                   end_time=None, min_bytes_per_cycle=None, reason="")  # fmt: skip
    assert words.cycles(bare).text == "0, no limit"
    assert words.budget(bare, time.time()) == "no limit"
    assert words.killers(bare).text == "none met"
    assert words.cycle_text(bare) == "5 B before the first"
    assert words.next_text(bare) == ""
