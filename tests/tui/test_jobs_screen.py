"""Jobs on the screen: real ones, in processes of their own, watched, stopped, resumed; and the bridge to them."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.devices import Device
from engine.errors import RescueError
from engine.jobs import JobState, load, start, stop
from tests.tui.shell import HOSTILE, deck, make_job, run, text, until
from tui.jobs_bridge import JobsBridge, JobsChanged
from tui.listing import at_hand, jobs_order
from tui.screens.jobs import JobsScreen


@pytest.fixture
def jobs_folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for jobs; none is left running."""
    where = tmp_path / "jobs"
    yield where
    for spec in where.glob("*/spec.json"):
        try:
            stop(spec.parent, force=True)
        except RescueError:
            continue


def test_a_real_job_is_watched_stopped_and_resumed(devices: list[Device], folder: Path, jobs_folder: Path) -> None:
    job = start("self-test", {"steps": 1000, "pause_s": 0.05}, jobs_folder, title="trial [/b]")

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "self-test trial [/b]" in text(app))
            await pilot.press("J")
            await until(pilot, lambda: isinstance(app.screen, JobsScreen) and "running" in text(app))
            assert str(jobs_folder) in text(app).replace("\n", "").replace(" ", "")
            await pilot.press("s")
            await until(pilot, lambda: "Stop this job? It can go on later. y/N" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "stopped; it can go on" in text(app), most_s=60)
            assert load(job.directory).state is JobState.STOPPED
            await pilot.press("u")
            await until(pilot, lambda: "running" in text(app), most_s=60)
            assert load(job.directory).live

    run(test)
    assert load(job.directory).live, "the job does not care that the deck has gone"


def test_what_can_be_done_depends_on_the_job(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("J")
            assert "no jobs yet" in text(app)
            screen = app.screen
            for state, actions in (
                (JobState.RUNNING, (True, None)),
                (JobState.STOPPED, (None, True)),
                (JobState.DONE, (None, None)),
            ):
                live = state is JobState.RUNNING
                app.post_message(JobsChanged((make_job(state=state, resumable=state is JobState.STOPPED),)))
                await until(pilot, lambda state=state: str(state) in text(app))
                assert (screen.check_action("stop", ()), screen.check_action("resume", ())) == actions, live
                assert screen.check_action("remove", ()) is (None if live else True)

    run(test)


def test_hostile_titles_and_messages(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("J")
            for name in HOSTILE:
                app.post_message(JobsChanged((make_job(title=name, message=name, warning=name),)))
                await pilot.pause()
            assert all(line.isprintable() for line in text(app).split("\n"))
            assert app.is_running

    run(test)


def test_a_job_that_cannot_be_read_is_listed_with_the_reason(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("J")
            app.post_message(JobsChanged((), (("/x/jobs/[b]1", "it belongs to another user"),)))
            await until(pilot, lambda: "it belongs to another user" in text(app))
            assert "/x/jobs/[b]1" in text(app)

    run(test)


def test_live_jobs_first_then_those_that_can_go_on() -> None:
    jobs = [
        make_job(Path("/j/1"), state=JobState.DONE),
        make_job(Path("/j/2"), state=JobState.STOPPED),
        make_job(Path("/j/3"), state=JobState.RUNNING),
        make_job(Path("/j/4"), state=JobState.LOST, started=1767268900.0),
    ]
    assert [job.id for job in jobs_order(jobs)] == ["3", "4", "2", "1"]


def test_at_hand_is_what_runs_and_the_newest_of_a_case_that_rests() -> None:
    smith, jones = Path("/smith/jobs"), Path("/jones/jobs")
    jobs = [
        make_job(smith / "1", state=JobState.FAILED, resumable=True, created=1.0),
        make_job(smith / "2", state=JobState.STOPPED, resumable=True, created=2.0),
        make_job(jones / "3", state=JobState.FAILED, resumable=True, created=1.0),
        make_job(jones / "4", state=JobState.DONE, created=2.0),
        make_job(jones / "5", state=JobState.STOPPED, resumable=True, created=3.0, kind="carve"),
        make_job(jones / "6", state=JobState.RUNNING, created=0.5),
    ]
    assert [job.id for job in at_hand(jobs)] == ["2", "5", "6"]


def test_a_job_that_does_not_run_can_be_forgotten(devices: list[Device], folder: Path, jobs_folder: Path) -> None:
    job = start("self-test", {"steps": 1}, jobs_folder, title="trial")

    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("J")
            await until(pilot, lambda: "self-test trial" in text(app) and "done" in text(app), most_s=60)
            await until(pilot, lambda: app.screen.check_action("remove", ()) is True)
            await pilot.press("x")
            await until(pilot, lambda: "Forget this job" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "no jobs yet" in text(app))

    run(test)
    assert not job.directory.exists()


def test_bridge_tells_only_changes(jobs_folder: Path) -> None:
    told: list[tuple[list[str], list[str]]] = []

    class Target:
        def post_message(self, message: JobsChanged) -> None:
            told.append(([str(job.state) for job in message.jobs], [reason for _path, reason in message.problems]))

    job = start("self-test", {"steps": 1, "pause_s": 0}, jobs_folder)
    while load(job.directory).live:
        pass
    bridge = JobsBridge(Target(), 1.0)  # type: ignore[arg-type]
    bridge._look()
    assert told == [(["done"], [])]
    bridge._look()
    bridge._look()
    assert len(told) == 1, "nothing has changed"
    (job.directory / "spec.json").write_text("{")
    (job.directory / "state.json").write_text("{")
    bridge._look()
    bridge._look()
    assert len(told) == 2
    assert told[-1][0] == []
    assert "cannot be understood" in told[-1][1][0]


def test_bridge_sees_the_jobs_of_a_case_that_was_moved_here(jobs_folder: Path, tmp_path: Path) -> None:
    from engine.jobs import registry

    job = start("self-test", {"steps": 1, "pause_s": 0}, jobs_folder)
    while load(job.directory).live:
        pass
    registry.forget(job.directory)
    told: list[JobsChanged] = []

    class Target:
        def post_message(self, message: JobsChanged) -> None:
            told.append(message)

    bridge = JobsBridge(Target(), 1.0)  # type: ignore[arg-type]
    bridge.add_folder(tmp_path / "not-there")
    bridge.add_folder(jobs_folder)
    bridge._look()
    assert [one.directory for one in told[-1].jobs] == [job.directory]


def test_closed_screens_are_let_go(devices: list[Device], folder: Path) -> None:
    """A screen that follows the jobs is gone from memory when it is closed, whether jobs change or not."""

    async def walk() -> None:
        async with deck() as (app, pilot):
            kept = []
            for _ in range(3):
                await pilot.press("J")
                await until(pilot, lambda: isinstance(app.screen, JobsScreen))
                kept.append(weakref.ref(app.screen))
                await pilot.press("q")
                await until(pilot, lambda: not isinstance(app.screen, JobsScreen))
            gc.collect()
            assert sum(one() is not None for one in kept[:-1]) == 0

    run(walk)
