"""Setting up a rescue: what is proposed, what can be changed, what speaks against a start, and the start itself."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.cases import create_case, is_case, load_case
from engine.errors import RescueError, UsageError
from engine.jobs import JobState, list_jobs, load, stop
from engine.mapfile import Mapfile, read_map, write_map
from engine.rescue.capabilities import probe
from engine.rescue.option_table import OPTIONS
from engine.rescue.options import RescueOptions
from engine.rescue.preflight import Severity
from engine.rescue.recipes import RECIPES, RecipeKind
from tests.support import needs_tool
from tests.tui.shell import deck, run, text, until
from tui.app import DeckApp
from tui.rescue_draft import draft_for_case, draft_for_source, outlook
from tui.screens.rescue import RescueScreen
from tui.screens.rescue_options import OptionsScreen, best_match, explanation, matches, option_sections, summary
from tui.screens.rescue_recipes import MannerScreen, RecipeScreen, recipe_rows
from tui.screens.rescue_setup import RescueSetupScreen, setup_sections, verdict
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell

pytestmark = needs_tool("ddrescue")
SIZE = 4 << 20


@pytest.fixture
def patient(folder: Path) -> Path:
    """A source file in the working folder."""
    path = folder / "patient.img"
    path.write_bytes(os.urandom(SIZE))
    return path


@asynccontextmanager
async def setting_up(
    *, source: Path | None = None, case: Path | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[DeckApp, Pilot[None], RescueSetupScreen]]:
    async with deck(size=size) as (app, pilot):
        screen = RescueSetupScreen(source=None if source is None else str(source), case=case)
        app.push_screen(screen)
        await until(pilot, lambda: screen.outlook is not None, most_s=40)
        yield app, pilot, screen


async def checked(pilot: Pilot[None], screen: RescueSetupScreen) -> None:
    await until(pilot, lambda: screen.outlook is not None, most_s=40)


# -- drafts -----------------------------------------------------------------------------------------------------------


def test_a_source_gets_a_new_case_beside_the_present_folder(patient: Path) -> None:
    draft = draft_for_source(str(patient))
    assert draft.is_new
    assert draft.size == SIZE
    assert draft.directory == str(patient.parent / "case-patient")
    assert not os.path.exists(draft.directory)
    (patient.parent / "case-patient").mkdir()
    assert draft_for_source(str(patient)).directory == str(patient.parent / "case-patient-2")


def test_a_folder_that_cannot_become_a_case_is_told_before_the_start(patient: Path) -> None:
    where = patient.parent
    (where / "used").mkdir()
    (where / "used" / "letter.txt").write_text("not ours")
    (where / "empty").mkdir()
    draft = draft_for_source(str(patient))
    for name, code, label in (
        ("used", "case-folder", "there already"), ("patient.img", "image-folder", "there already"),
        ("empty", None, "there already"), ("fresh", None, "a new folder"),
    ):  # fmt: skip
        other = draft.with_directory(str(where / name))
        view = outlook(other)
        against = [check.code for check in view.checks if check.severity is Severity.REFUSE]
        assert (code in against) if code else not against, name
        assert f"({label})" in str(setup_sections(other, view)[0].rows[1].cells[1])


def test_another_case_folder_takes_image_and_map_along(patient: Path) -> None:
    draft = draft_for_source(str(patient)).with_directory(str(patient.parent / "other"))
    assert (draft.image, draft.map) == (
        str(patient.parent / "other" / "image.img"), str(patient.parent / "other" / "rescue.map")
    )  # fmt: skip
    elsewhere = draft.with_path("image", "/srv/images/x.img").with_directory(str(patient.parent / "third"))
    assert elsewhere.image == "/srv/images/x.img"
    assert elsewhere.map == str(patient.parent / "third" / "rescue.map")
    existing = create_case(patient.parent / "old", image=patient.parent / "old.img")
    taken = draft.with_directory(str(existing.directory))
    assert not taken.is_new
    assert taken.image == str(patient.parent / "old.img")
    with pytest.raises(UsageError):
        draft.with_path("image", str(patient.parent))


def test_a_case_without_a_source_says_what_to_do(tmp_path: Path) -> None:
    case = create_case(tmp_path / "case")
    with pytest.raises(RescueError) as caught:
        draft_for_case(case.directory)
    assert caught.value.advice


def test_the_outlook_of_a_new_case_is_ready_and_shows_the_true_command(patient: Path) -> None:
    draft = draft_for_source(str(patient))
    found = outlook(draft)
    assert found.ready(draft), found
    assert found.command.startswith("ddrescue --no-trim --no-scrape")
    assert found.command.endswith(f"{patient} {draft.image} {draft.map}")
    assert not os.path.exists(draft.directory), "looking makes nothing"


def test_an_image_that_is_the_source_is_refused(patient: Path) -> None:
    draft = draft_for_source(str(patient)).with_path("image", str(patient))
    found = outlook(draft)
    assert not found.ready(draft)
    assert any(check.code == "same-thing" for check in found.checks)
    assert verdict(draft, found)[0].startswith("cannot start")


def test_dangerous_options_wait_for_a_yes(patient: Path) -> None:
    from dataclasses import replace

    draft = replace(draft_for_source(str(patient)), options=RescueOptions(truncate=True))
    found = outlook(draft)
    assert not found.ready(draft)
    assert "dangerous" in verdict(draft, found)[0]
    assert found.ready(replace(draft, insist=True))


def test_checks_stand_worst_first(patient: Path) -> None:
    draft = draft_for_source(str(patient)).with_path("image", str(patient))
    marks = [row.cells[0] for row in setup_sections(draft, outlook(draft))[1].rows]
    order = ["NO", "DANGER", "WARN", "note", "ok"]
    places = [order.index(mark.text) for mark in marks if isinstance(mark, Cell)]
    assert places == sorted(places)
    assert places[0] == 0


# -- options ----------------------------------------------------------------------------------------------------------


def test_every_option_of_the_installed_ddrescue_can_be_reached() -> None:
    capabilities = probe()
    rows = [row for section in option_sections(RescueOptions(), capabilities) for row in section.rows]
    shown = {row.cells[0].text for row in rows if isinstance(row.cells[0], Cell)}
    for long in capabilities.letters:
        if long not in ("help", "version"):
            assert f"--{long}" in shown, f"--{long} cannot be reached"
    assert len(rows) == len(OPTIONS)


@pytest.mark.parametrize(
    ("wanted", "name"),
    [("-d", "idirect"), ("direct", "idirect"), ("verify-on", "check_on_error"), ("check_on", "check_on_error"),
     ("backwards beginning", "reverse"), ("-K", "skip_size"), ("simulate", "test_mode")],
)  # fmt: skip
def test_options_are_found_by_name_letter_and_meaning(wanted: str, name: str) -> None:
    if name == "reverse":
        wanted = "turn direction"
    assert matches(OPTIONS[name], wanted)
    assert not matches(OPTIONS[name], "no such thing")


def test_the_option_that_was_meant_is_found_first() -> None:
    for wanted, name in (("idirect", "idirect"), ("--idirect", "idirect"), ("direct", "idirect"), ("size", "size"),
                         ("retry", "retry_passes"), ("verify-on-error", "check_on_error")):  # fmt: skip
        found = best_match(OPTIONS.values(), wanted)
        assert found is not None
        assert found.name == name, wanted
    assert best_match(OPTIONS.values(), "no such thing") is None


def test_every_option_explains_itself() -> None:
    capabilities = probe()
    for spec in OPTIONS.values():
        words = explanation(spec, RescueOptions(), capabilities)
        assert spec.name in words
        assert len(words.splitlines()[0]) > 8
    assert summary(RescueOptions()) == "ddrescue's defaults"
    assert summary(RescueOptions(idirect=True, cluster_size=8)) == "cluster_size 8, idirect"


def test_a_number_0_is_shown_as_set() -> None:
    options = RescueOptions(max_read_errors=0, map_save_interval=0)
    assert summary(options) == "max_read_errors 0, map_save_interval 0 s"
    rows = [row for section in option_sections(options, None, only_set=True) for row in section.rows]
    assert [row.id for row in rows] == ["option:max_read_errors", "option:map_save_interval"]


def test_all_passes_are_offered() -> None:
    offered = {row.id.partition(":")[2] for row in recipe_rows("", automatic=True)}
    assert offered == {""} | {name for name, recipe in RECIPES.items() if recipe.kind is RecipeKind.PASS}


# -- the screen -------------------------------------------------------------------------------------------------------


def test_the_page_at_80x24(patient: Path) -> None:
    async def test() -> None:
        async with setting_up(source=patient) as (app, _pilot, _screen):
            shown = text(app)
            for words in ("PLAN", "source", "case-patient", "image.img", "rescue.map", "automatic", "retries",
                          "runs", "ddrescue --no-trim", "CHECKS", "s START", "c recipe", "o options"):  # fmt: skip
                assert words in shown, f"{words} is missing:\n{shown}"
            assert "s starts it" in shown or "read the" in shown

    run(test)


def test_what_is_typed_wrong_is_told_and_nothing_changes(patient: Path) -> None:
    async def test() -> None:
        async with setting_up(source=patient) as (app, pilot, screen):
            screen.query_one(RowList).choose("set:retries")
            await pilot.press("enter", "ctrl+u", "x", "enter")
            assert "retry passes are a number" in text(app)
            assert screen.draft.retries == 3

    run(test)


def test_options_are_typed_checked_and_kept_after_a_question(patient: Path) -> None:
    write_map(patient.parent / "bad.map", Mapfile.new(0, SIZE, "+"))

    async def test() -> None:
        async with setting_up(source=patient) as (app, pilot, screen):
            await pilot.press("o")
            await until(pilot, lambda: isinstance(app.screen, OptionsScreen))
            await pilot.press("slash", *"simulate", "enter")
            assert "--test-mode" in text(app)
            await pilot.press("enter", *"bad.map", "enter")
            await pilot.press("slash", "ctrl+u", *"max-read-rate", "enter", "enter", *"7x", "enter")
            assert "is not a size" in text(app)
            await pilot.press("enter", *"4M", "enter", "q")
            assert "Keep what was changed (2)?" in text(app)
            await pilot.press("y", "o")
            await until(pilot, lambda: isinstance(app.screen, OptionsScreen))
            await pilot.press("slash", *"max-read-rate", "enter", "enter", "ctrl+u", *"8M", "enter", "q")
            assert "Keep what was changed (1)?" in text(app), "one option, whatever it was before"
            await pilot.press("n")
            assert screen.draft.options.max_read_rate == 4 << 20
            assert screen.draft.options.test_mode == str(patient.parent / "bad.map"), "made absolute: jobs run in /"
            await checked(pilot, screen)
            assert screen.outlook is not None
            assert "--test-mode=" in screen.outlook.command
            assert "--max-read-rate=4194304" in screen.outlook.command

    run(test)


def test_a_recipe_changes_the_command(patient: Path) -> None:
    async def test() -> None:
        async with setting_up(source=patient) as (app, pilot, screen):
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, RecipeScreen) and "automatic" in text(app))
            app.screen.query_one(RowList).choose("recipe:reverse")
            await pilot.press("enter")
            await until(pilot, lambda: screen.outlook is not None and "--reverse" in screen.outlook.command, most_s=40)
            assert screen.draft.recipe == "reverse"

    run(test)


def test_a_refusal_that_may_be_overruled_asks_for_it_in_words(patient: Path) -> None:
    case = create_case(patient.parent / "case", source_path=str(patient), source_size=SIZE)
    case.image.write_bytes(b"x" * SIZE)

    async def test() -> None:
        async with setting_up(case=case.directory) as (app, pilot, screen):
            assert screen.outlook is not None
            assert [check.code for check in screen.outlook.checks if check.severity == "refuse"] == [
                "image-without-map"
            ]
            assert screen.check_action("start", ()) is None, "no start while something forbids it"
            number = next(n for n, check in enumerate(screen.outlook.checks) if check.code == "image-without-map")
            screen.query_one(RowList).choose(f"check:{number}")
            await pilot.press("enter")
            assert "All is read again" in text(app)
            await pilot.press("y")
            await checked(pilot, screen)
            assert screen.draft.overrides == {"adopt_image": True}
            assert screen.check_action("start", ()) is True

    run(test)


def test_a_manner_of_reading_is_laid_over_the_options_and_asks_for_what_it_needs(patient: Path) -> None:
    async def test() -> None:
        async with setting_up(source=patient) as (app, pilot, screen):
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, MannerScreen) and "gently" in text(app))
            app.screen.query_one(RowList).choose("manner:gentle")
            await pilot.press("enter", *"2M", "enter")
            await until(pilot, lambda: app.screen is screen)
            assert screen.draft.options.max_read_rate == 2 << 20
            assert screen.draft.options.pause_on_error == 1
            await pilot.press("w")
            await until(pilot, lambda: isinstance(app.screen, MannerScreen))
            app.screen.query_one(RowList).choose("manner:range")
            await pilot.press("enter", *"1M", "enter", *"many", "enter")
            assert "is not a size" in text(app)
            assert isinstance(app.screen, MannerScreen)

    run(test)


def test_a_broken_map_can_be_put_together_from_its_older_states(patient: Path) -> None:
    case = create_case(patient.parent / "case", source_path=str(patient), source_size=SIZE)
    case.image.write_bytes(patient.read_bytes())
    write_map(Path(str(case.map) + ".bak"), Mapfile.new(0, SIZE, "+").set_range(0, 4096, "?"))
    case.map.write_text("0x00 ? 1\n0x00 0x1000 +\n0x2000 0x1000 ?\n")

    async def test() -> None:
        async with setting_up(case=case.directory) as (app, pilot, screen):
            assert screen.outlook is not None
            assert screen.check_action("start", ()) is None
            number = next(n for n, check in enumerate(screen.outlook.checks) if check.code == "map-malformed")
            screen.query_one(RowList).choose(f"check:{number}")
            await pilot.press("enter")
            assert "older states" in text(app)
            await pilot.press("e")
            await checked(pilot, screen)
            assert screen.draft.arguments().recover_map
            assert "put together from its older states" in text(app)
            assert screen.check_action("start", ()) is True

    run(test)


def test_starting_makes_the_case_and_opens_the_live_screen(patient: Path) -> None:
    async def test() -> None:
        async with setting_up(source=patient) as (app, pilot, screen):
            directory = Path(screen.draft.directory)
            await pilot.press("s")
            await until(pilot, lambda: isinstance(app.screen, RescueScreen), most_s=30)
            assert is_case(directory)
            case = load_case(directory)
            assert case.source_path == str(patient)
            job = list_jobs(case.jobs_dir).jobs[0]
            end = time.monotonic() + 60
            while load(job.directory).live and time.monotonic() < end:
                await pilot.pause(0.1)
            done = load(job.directory)
            if done.live:
                stop(job.directory)
            assert done.state is JobState.DONE, done
            assert case.image.read_bytes() == patient.read_bytes()
            assert read_map(case.map).totals().finished == SIZE
            await until(pilot, lambda: "100 %" in text(app))
            assert "DONE" in text(app)

    run(test)
