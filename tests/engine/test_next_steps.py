"""What comes next: from a drive that is plugged in to files that are safe."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from engine.cases import create_case, record
from engine.cases.next_steps import State, VolumeState, next_steps
from engine.cases.state import state_of
from engine.jobs import create
from engine.mapfile import Mapfile, write_map

MIB = 1 << 20
PHOTOS = VolumeState(1 << 20, "PHOTOS")
LISTED = replace(PHOTOS, listed=True)
HIT = replace(LISTED, hit=13, missing=3 * MIB)
WHOLE = State(True, True, untried=0, failed=0, finished=100 * MIB)
GAPS = replace(WHOLE, failed=MIB)


def ids(state: State) -> list[str]:
    return [step.id for step in next_steps(state)]


@pytest.mark.parametrize(
    ("state", "first"),
    [
        (State(False, False), "choose-drive"),
        (State(True, False), "rescue"),
        (State(True, False, running=True), "watch"),
        (State(True, True, untried=5, finished=5, running=True), "watch"),
        (State(True, True, map_problem=True), "mend-map"),
        (State(True, True, untried=5, finished=5, resting=True), "resume"),
        (State(True, True, untried=5, finished=5), "rescue"),
        (replace(GAPS, volumes=(PHOTOS,)), "list-files"),
        (replace(GAPS, volumes=(LISTED, PHOTOS)), "list-files"),
        (replace(GAPS, volumes=(replace(HIT, stale=True),)), "list-files"),
        (replace(GAPS, volumes=(HIT,)), "retry"),
        (replace(GAPS, volumes=(HIT,), narrowed=True), "extract"),
        (replace(GAPS, volumes=(LISTED,)), "extract"),
        (replace(GAPS, volumes=(replace(HIT, saved=True),), saved=True, narrowed=True), "report"),
        (replace(GAPS, volumes=(replace(HIT, saved=True), LISTED), saved=True, narrowed=True), "extract"),
        (replace(WHOLE, volumes=(replace(LISTED, saved=True),), saved=True), "report"),
        (replace(WHOLE, recorder=True), "recordings"),
        (replace(WHOLE, recorder=True, saved=True), "report"),
        (replace(WHOLE, volumes=(VolumeState(0, "not recognised", known=False),)), "partitions"),
        (State(False, True, volumes=(HIT,)), "extract"),
    ],
)
def test_the_natural_thing_stands_first(state: State, first: str) -> None:
    assert ids(state)[0] == first


def test_the_whole_way_is_offered_step_by_step() -> None:
    state, way = State(False, False), []
    done = {
        "choose-drive": {"source": True},
        "rescue": {"image": True, "untried": 0, "failed": MIB, "finished": 99 * MIB, "volumes": (PHOTOS,)},
        "list-files": {"volumes": (HIT,)},
        "retry": {"narrowed": True, "failed": MIB // 2, "volumes": (replace(HIT, hit=1),)},
        "extract": {"saved": True, "volumes": (replace(HIT, hit=1, saved=True),)},
        "report": {"reported": True},
    }
    for _ in done:
        step = next_steps(state)[0].id
        way.append(step)
        state = replace(state, **done[step])  # type: ignore[arg-type]
    assert way == list(done)
    assert ids(state) == ["done", "retry", "rescue"], "what is left can still be tried"


def test_a_step_says_why_and_where() -> None:
    step = next_steps(replace(GAPS, volumes=(LISTED, replace(HIT, start=7, name="LETTERS"))))[0]
    assert (step.id, step.volume, step.name, step.reason) == ("retry", 7, "LETTERS", "13 files lack 3.0 MiB")


def test_no_drive_no_retry() -> None:
    assert "retry" not in ids(State(False, True, untried=0, failed=MIB, finished=1, volumes=(HIT,)))


def test_whole_and_reported_has_nothing_left() -> None:
    state = replace(WHOLE, volumes=(replace(LISTED, saved=True),), saved=True, reported=True)
    assert ids(state) == ["done"]


def test_a_case_as_it_lies_on_disk(tmp_path: Path) -> None:
    case = create_case(tmp_path / "case", source_path="/dev/sdb", source_size=4 * MIB)
    assert ids(state_of(case.directory)) == ["rescue"]
    case.image.write_bytes(bytes(MIB))
    os.truncate(case.image, 4 * MIB)
    write_map(case.map, Mapfile.new(0, 4 * MIB, "+").set_range(0, 512, "?").set_range(512, 1024, "-"))
    state = state_of(case.directory)
    assert (state.untried, state.failed, state.image, state.resting) == (512, 512, True, False)
    create("rescue", {"options": {"domain_mapfile": "/x"}}, case.jobs_dir, "x")
    state = state_of(case.directory)
    assert state.narrowed and not state.running
    for action, told in (
        ("rescue-ended", (False, False, False)),
        ("files-extracted", (True, False, False)),
        ("report-written", (True, False, True)),
        ("rescue-pass", (False, True, False)),
    ):
        record(case, action)
        state = state_of(case.directory)
        assert (state.saved, state.saved_before, state.reported) == told, action
    record(case, "files-extracted", volume=7)
    assert state_of(case.directory).saved
    record(case, "rescue-ended")
    record(case, "files-extracted", what="slack")
    assert not state_of(case.directory).saved, "slack is not what was to be saved"
    case.map.write_text("nonsense\n")
    assert ids(state_of(case.directory))[0] == "mend-map"


def test_an_image_alone(tmp_path: Path) -> None:
    image = tmp_path / "x.img"
    image.write_bytes(bytes(MIB))
    state = state_of(image)
    assert (state.source, state.image, state.untried) == (False, True, None)
    assert ids(state) == ["partitions", "carve"]
