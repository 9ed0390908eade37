"""A case: what is in it, and the natural next step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cases import Case, create_case, keep_generation, record
from engine.devices import Device
from engine.jobs import JobState
from tests.tui.shell import HOSTILE, deck, make_job, run, text, until
from tui.case_view import MapTotals, next_rows, steps_now, view_case
from tui.jobs_bridge import JobsChanged
from tui.screens.case import CaseScreen
from tui.screens.devices import DevicesScreen
from tui.screens.image import ImageScreen

MAP = "0x00 + 1\n0x00 0x300000 +\n0x300000 0x0FE00 ?\n0x30FE00 0x200 -\n0x310000 0xF0000 ?\n"
WHOLE = "0x00 + 1\n0x00 0x400000 +\n"


@pytest.fixture
def case(folder: Path) -> Case:
    return create_case(
        folder / "smith",
        title="Smith [/b], wedding",
        source_path="/dev/sdb",
        source_size=4 << 20,
        identity={"size_bytes": 4 << 20, "model": "ST1000DM003", "serial": "S1D5XYZ0"},
    )


def steps(case: Case, *jobs: object) -> list[str]:
    view = view_case(case.directory)
    taken = [str(step.id) for step in steps_now(view, jobs)]  # type: ignore[arg-type]
    rows = [row.id.removeprefix("step:") for row in next_rows(view, jobs)]  # type: ignore[arg-type]
    assert rows[: len(taken)] == [str(number) for number in range(len(taken))]
    return [*taken, *rows[len(taken) :]]


def test_the_natural_next_step(case: Case, folder: Path) -> None:
    assert steps(create_case(folder / "empty")) == ["choose-drive"]
    assert steps(case) == ["rescue"]
    assert steps(case, make_job()) == ["watch"]
    case.map.write_text(MAP)
    assert steps(case) == ["rescue", "map", "edit"]
    stopped = make_job(state=JobState.STOPPED, resumable=True)
    assert steps(case, stopped) == ["resume", "rescue", "map", "edit"]
    case.map.write_text(WHOLE)
    assert steps(case) == ["map", "edit"]
    case.map.write_text("no map at all\n")
    assert steps(case) == ["mend-map"]


def test_a_map_without_an_end_is_never_called_whole() -> None:
    assert not MapTotals((1 << 20, 0, 0, 0, 0), (1, 0, 0, 0, 0), None).whole
    assert MapTotals((1 << 20, 0, 0, 0, 0), (1, 0, 0, 0, 0), 1 << 20).whole
    assert not MapTotals((0, 0, 0, 0, 0), (0, 0, 0, 0, 0), 0).whole


def test_shows_source_image_map_kept_maps_and_history(devices: list[Device], case: Case) -> None:
    case.map.write_text(MAP)
    case.image.write_bytes(b"x" * 4096)
    os.truncate(case.image, 4 << 20)
    keep_generation(case, "before the [first] pass")
    for name in HOSTILE:
        record(case, "rescue-started", recipe=name[:300])

    async def test() -> None:
        async with deck(case.directory, size=(80, 50)) as (app, pilot):
            await until(pilot, lambda: "HISTORY" in text(app))
            shown = text(app)
            assert isinstance(app.screen, CaseScreen)
            assert "Smith [/b], wedding" in shown
            assert "ST1000DM003, serial S1D5XYZ0" in shown
            assert "image.img  4.0 MiB, 4.0 KiB on disk" in shown
            assert "75.0 % rescued  + 3.0 MiB  ? 1023.5 KiB  - 512 B" in shown
            assert "> set up the next pass" in shown
            assert "before the [first] pass" in shown
            assert "recipe \\x1b[31mred" in shown
            app.screen._list.choose("step:map")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ImageScreen) and "4 blocks" in text(app))

    run(test)


def test_an_empty_case_leads_to_the_devices(devices: list[Device], folder: Path) -> None:
    create_case(folder / "new")

    async def test() -> None:
        async with deck("new") as (app, pilot):
            await until(pilot, lambda: "choose the failing drive" in text(app))
            assert "none chosen yet" in text(app)
            assert "nothing has been read yet" in text(app)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, DevicesScreen))

    run(test)


def test_a_job_of_this_case_shows_and_its_end_is_noticed(devices: list[Device], case: Case) -> None:
    job = make_job(case.jobs_dir / "20260101-120000-rescue-abc123")

    async def test() -> None:
        async with deck(case.directory) as (app, pilot):
            await until(pilot, lambda: "image the drive" in text(app))
            app.post_message(JobsChanged((job, make_job(Path("/other/case/jobs/x"), title="strange"))))
            await until(pilot, lambda: "watch the rescue" in text(app))
            assert "43.2 %" in text(app)
            assert "strange" not in text(app)
            case.map.write_text(WHOLE)
            app.post_message(JobsChanged((make_job(job.directory, state=JobState.DONE),)))
            await until(pilot, lambda: "everything was read" in text(app))

    run(test)


@pytest.mark.parametrize("damage", [b"{", b'{"format": 1}', b"[]", b'{"format": 99}'])
def test_a_damaged_case_is_one_clear_line(damage: bytes, devices: list[Device], case: Case) -> None:
    (case.directory / "case.json").write_bytes(damage)

    async def test() -> None:
        async with deck(case.directory) as (app, pilot):
            await until(pilot, lambda: "case" in text(app).splitlines()[-2])
            assert app.is_running

    run(test)


def test_a_damaged_map_is_told_and_nothing_is_lost(devices: list[Device], case: Case) -> None:
    case.map.write_bytes(b"\x1b[31m not a map\n")

    async def test() -> None:
        async with deck(case.directory) as (app, pilot):
            await until(pilot, lambda: "go back to a kept one" in text(app))
            assert case.map.read_bytes() == b"\x1b[31m not a map\n"

    run(test)
