"""Arguments, requests, status file, recovery, domains: the data around a rescue."""

from __future__ import annotations

import dataclasses
import json

import pytest

from engine.cases import create_case
from engine.errors import DamagedError, UsageError
from engine.mapfile import Mapfile, write_map
from engine.ranges import RangeSet
from engine.rescue import control
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.domain import domain_of
from engine.rescue.options import RescueOptions
from engine.rescue.passes import made_ready, tuned
from engine.rescue.place import arguments_for, past_passes
from engine.rescue.recover import read_or_recover
from engine.rescue.status import (
    RateHistory,
    Remaining,
    RescueStatus,
    Snapshot,
    State,
    read_status,
    write_status,
)

WHOLE = {"source": "/dev/x", "image": "/i", "map": "/m"}


def test_arguments_survive_json_and_take_defaults():
    made = RescueArguments.from_json(WHOLE)
    assert made.strategy == "standard"
    assert made.options is None
    full = dataclasses.replace(made, options=RescueOptions(idirect=True), recipe="copy", case="/c", retries=-1)
    assert RescueArguments.from_json(json.loads(json.dumps(full.to_json()))) == full


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "x"}, {"source": None}, {"image": 5}, {"map": "/a\0b"}, {"strategy": "no"}, {"recipe": "no"},
        {"recipe": "direct"}, {"options": {"cluster_size": 0}}, {"options": {"domain_mapfile": "relative"}},
        {"retries": "3"}, {"retries": -2}, {"hang_limit_s": 0}, {"min_free": True}, {"insist": 1}, {"unknown": 1},
        {"overrides": {"reboot": True}}, {"overrides": []},
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(UsageError):
        RescueArguments.from_json({**WHOLE, **wrong})


def test_a_file_is_not_read_directly_by_default(tmp_path):
    source = tmp_path / "file"
    source.write_bytes(b"x")
    assert not default_options(str(source)).idirect
    assert default_options(str(source)).map_save_interval == 1


def test_a_case_knows_its_three_paths(tmp_path):
    case = create_case(tmp_path / "case", title="t", source_path="/dev/x", source_size=512, sector_size=512)
    made = arguments_for(str(case.directory), None, None)
    assert (made.source, made.image, made.map) == ("/dev/x", str(case.image), str(case.map))
    assert made.case == str(case.directory)
    assert made.jobs_directory == case.jobs_dir
    # the same map named by its path belongs to the case as well
    assert arguments_for("/dev/x", "/i", str(case.map)).case == str(case.directory)
    loose = arguments_for("/dev/x", "/i", str(tmp_path / "other.map"))
    assert loose.case is None
    assert loose.jobs_directory == tmp_path / "other.map.jobs"
    assert past_passes(str(case.map)) == []
    with pytest.raises(UsageError):
        arguments_for("/dev/x", "/i", None)


def test_requests_are_numbered_and_checked(tmp_path):
    first = control.send(tmp_path, "pause", release_map=True)
    second = control.send(tmp_path, "recipe", name="copy", now=False)
    assert second == first + 1
    request = control.read_request(tmp_path)
    assert (request.action, request.name, request.now) == ("recipe", "copy", False)
    control.send(tmp_path, "options", values={"idirect": True})
    assert control.read_request(tmp_path).values == {"idirect": True}
    with pytest.raises(UsageError):
        control.send(tmp_path, "explode")
    with pytest.raises(UsageError):
        control.send(tmp_path, "options", values={"cluster_size": 0})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"number": 1}', '{"number": true, "action": "pause"}', "[" * 100000])
def test_a_broken_control_file_is_told_not_obeyed(tmp_path, text):
    (tmp_path / control.FILE_NAME).write_text(text)
    with pytest.raises(UsageError):
        control.read_request(tmp_path)


def full_status():
    return RescueStatus(
        State.RUNNING, 1.0, headline="h", source="/dev/x", size=10, bytes={"finished": 5}, areas={"finished": 1},
        remaining=Remaining(5.0, "5 s"), history=RateHistory(2.0, (1, 2)), snapshot=Snapshot(1.0, 5, phase="copying"),
        events=({"event": "pass", "time": 1.0},), request=3, answer="done",
    )  # fmt: skip


def test_status_survives_its_file(tmp_path):
    assert read_status(tmp_path) is None
    write_status(tmp_path, full_status())
    assert read_status(tmp_path) == full_status()
    assert read_status(tmp_path).rescued == 5


def test_status_of_another_version_is_read_and_nonsense_is_none(tmp_path):
    value = {**full_status().to_json(), "new": 1}
    value["snapshot"]["new"] = 1
    assert RescueStatus.from_json(value) == full_status()
    for text in ("", "{}", "[]", '{"state": "x"}', '{"state": "running", "updated": 1, "history": 5}', "[" * 99999):
        (tmp_path / "rescue.json").write_text(text)
        assert read_status(tmp_path) is None


def blocks(*parts):
    at, made = 0, []
    for size, status in parts:
        made.append((at, size, status))
        at += size
    return Mapfile.from_blocks(made)


def test_recovery_takes_all_that_older_states_finished(tmp_path):
    path, kept = tmp_path / "map", tmp_path / "maps"
    kept.mkdir()
    assert read_or_recover(str(path), kept, allow=False) == (None, "")
    path.write_bytes(b"")  # what ddrescue leaves when its disk was full at the start
    assert read_or_recover(str(path), kept, allow=False) == (None, "")
    path.write_bytes(b"0x0 ? 1\n0x0 0x200 +\n0x200 0x2")
    with pytest.raises(DamagedError) as caught:
        read_or_recover(str(path), kept, allow=True)
    assert "map check" in caught.value.advice
    write_map(str(path) + ".bak", blocks((512, "+"), (1024, "?")))
    write_map(kept / "0007.map", blocks((1024, "?"), (512, "+")))
    with pytest.raises(DamagedError) as caught:
        read_or_recover(str(path), kept, allow=False)
    assert "--recover-map" in caught.value.advice
    known, told = read_or_recover(str(path), kept, allow=True)
    assert list(known.ranges("+")) == [(0, 512), (1024, 1536)]
    assert "2 older states" in told


def test_domains(tmp_path):
    assert domain_of(RescueOptions(), None) is None
    assert domain_of(RescueOptions(), 100) == RangeSet.of(0, 100)
    assert domain_of(RescueOptions(input_position=10, size=500), 100) == RangeSet.of(10, 100)
    path = tmp_path / "domain"
    write_map(path, blocks((20, "+"), (20, "?"), (60, "+")))
    options = RescueOptions(domain_mapfile=str(path), input_position=10)
    assert domain_of(options, 100) == RangeSet([(10, 20), (40, 100)])
    path.write_text("no map")
    with pytest.raises(DamagedError):
        domain_of(options, 100)


def test_the_status_line_lets_an_interrupted_pass_go_on_and_another_begin_anew():
    known = blocks((512, "+"), (512, "?")).with_status_line(512, "?", 5)
    assert made_ready(known, "copy", "", "") is known
    assert made_ready(known, "copy", "copy", "stopped") is known
    anew = made_ready(known, "sweep", "copy", "finished")
    assert (anew.position, anew.phase, anew.current_pass) == (0, "?", 1)
    trimming = known.with_status_line(512, "*", 1)
    assert made_ready(trimming, "sweep", "copy", "finished") is trimming


def test_a_huge_map_is_saved_less_often():
    assert tuned(RescueOptions(), None, "/i").map_save_interval == 1
    assert tuned(RescueOptions(map_save_interval=30), None, "/i").map_save_interval == 30
    many = Mapfile.from_blocks((i, 1, "+?"[i % 2]) for i in range(100_000))
    made = tuned(RescueOptions(), many, "/i")
    assert made.map_save_interval == 6
    assert made.map_sync_interval == 6
