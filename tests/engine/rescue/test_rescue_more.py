"""Rescues with a case, a range, a device as target, two at once, and ends that do not come."""

from __future__ import annotations

import dataclasses
import os

import pytest

from engine.cases import create_case, list_generations, read_history
from engine.errors import RefusedError
from engine.jobs import JobState, load, resume, stop
from engine.mapfile import Mapfile, read_map, write_map
from engine.mapfile.lock import foreign_ddrescue
from engine.rescue import control
from engine.rescue.monitor import Monitor
from engine.rescue.place import arguments_for, past_passes
from engine.rescue.requests import Desk
from engine.rescue.status import RescueStatus, State
from tests.engine.rescue.driving import (
    arguments,
    assert_true_image,
    begin,
    events,
    rescue,
    result_map,
    status,
    wait_end,
    wait_status,
    wait_until,
    why_failed,
)
from tests.failing_disk import Drop, Error, FailingDisk, Hang, Profile, Slow, attach_loop, make_image
from tests.support import needs_fuse, needs_loop, needs_root, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]
MIB = 1 << 20


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 4 * MIB)


def slow_disk(original):
    return FailingDisk(original, Profile(faults=(Slow(offset=0, size=4 * MIB, seconds=0.05),)))


def test_a_rescue_of_a_case_leaves_generations_and_history(tmp_path, original):
    with FailingDisk(original, [Error(offset=MIB, size=2048)]) as disk:
        case = create_case(
            tmp_path / "case", title="t", source_path=str(disk.path), source_size=4 * MIB, sector_size=512
        )
        made = arguments_for(str(case.directory), None, None, retries=1, min_free=0)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.directory.parent == case.jobs_dir
        assert_true_image(made, original, disk)
        notes = [kept.note for kept in list_generations(case)]
        assert any(note.startswith("after fast copy") for note in notes)
        actions = [action.action for action in read_history(case)]
        assert actions.count("rescue-pass") == 4
        assert actions[-1] == "rescue-ended"
        assert [record.recipe for record in past_passes(str(case.map))] == ["copy", "trim", "scrape", "retry-reverse"]


def test_only_the_range_is_read(tmp_path, original):
    with FailingDisk(original, [Error(offset=0, size=512), Error(offset=2 * MIB, size=512)]) as disk:
        made = arguments(disk.path, tmp_path / "out", retries=0, options={"input_position": MIB, "size": 2 * MIB})
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        assert job.result["missing"] == 512
        assert status(job).domain_bytes == 2 * MIB
        known = assert_true_image(made, original, disk)
        assert list(known.ranges("?")) == [(0, MIB), (3 * MIB, 4 * MIB)]
        assert all(MIB <= read.offset < 3 * MIB for read in disk.reads())


def test_a_domain_map_leaves_the_rest_alone(tmp_path, original):
    write_map(tmp_path / "wanted", Mapfile.new(0, 4 * MIB, "+").set_range(MIB, 2 * MIB, "?"))
    with FailingDisk(original) as disk:
        made = arguments(disk.path, tmp_path / "out", options={"domain_mapfile": str(tmp_path / "wanted")})
        job = rescue(made)
        assert job.result["complete"], why_failed(job)
        assert disk.touches(MIB, MIB) == []
        assert list(result_map(made).ranges("?")) == [(MIB, 2 * MIB)]


def test_a_second_rescue_of_the_same_map_is_refused(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.path, tmp_path / "out")
        first = begin(made)
        wait_status(first, lambda now: now.rescued > 0)
        second = rescue(made)
        assert second.error.code == "map-held", why_failed(second)
        assert load(first.directory).live
        first = wait_end(first)
        assert first.result["complete"], why_failed(first)
        assert_true_image(made, original, disk)


def test_a_second_stop_leaves_a_hung_ddrescue_behind_and_the_job_goes_on_after_the_power_cycle(tmp_path, original):
    with FailingDisk(original, [Hang(offset=2 * MIB, size=512, times=1)]) as disk:
        made = arguments(disk.path, tmp_path / "out", options={"idirect": True, "sector_size": 512})
        job = begin(made)
        disk.wait_state("hung")
        seen = wait_status(job, lambda now: now.snapshot is not None and now.snapshot.position == 2 * MIB)
        stop(job.directory)
        wait_status(job, lambda now: now.state is State.STOPPING)
        stop(job.directory)
        wait_status(job, lambda now: now.state is State.STOPPED)
        pid = seen.snapshot.pid
        assert os.path.exists(f"/proc/{pid}")
        with pytest.raises(RefusedError):  # what it left behind holds the job, and works on the map
            resume(job.directory)
        assert foreign_ddrescue(made.map).pid == pid
        disk.power_cycle()
        wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "ddrescue never ended")
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def test_a_block_device_as_target_needs_its_word(tmp_path, original):
    needs_loop()
    target = tmp_path / "target"
    target.write_bytes(bytes(8 * MIB))
    with FailingDisk(original, [Drop(offset=3 * MIB, size=512, times=1)]) as disk:
        with attach_loop(target, read_only=False) as loop:
            made = dataclasses.replace(arguments(disk.path, tmp_path / "out"), image=str(loop.path))
            job = rescue(made)
            assert job.error.code == "target-not-confirmed", why_failed(job)
            assert target.read_bytes() == bytes(8 * MIB)
            word = job.error.message.rpartition(" ")[2]
            made = dataclasses.replace(made, overrides={"confirmed_target": word})
            job = rescue(made)
            assert job.error.code == "device-gone", why_failed(job)
            assert list(result_map(made).ranges("*/-")) == [(3 * MIB, 3 * MIB + 65536)]
            disk.power_cycle()
            job = wait_end(resume(job.directory))
            assert job.result["complete"], why_failed(job)
            assert "--force" in status(job).command
        assert target.read_bytes() == original.read_bytes() + bytes(4 * MIB)


def test_under_sudo_image_and_map_belong_to_the_person_who_called(tmp_path, original, monkeypatch):
    needs_root()
    monkeypatch.setenv("SUDO_UID", "12345")
    monkeypatch.setenv("SUDO_GID", "12346")
    made = arguments(original, tmp_path / "out")
    job = rescue(made)
    assert job.result["complete"], why_failed(job)
    for path in (made.image, made.map):
        facts = os.stat(path)
        assert (facts.st_uid, facts.st_gid) == (12345, 12346)


def test_a_missing_folder_is_told(tmp_path, original):
    made = arguments(original, tmp_path / "out")
    made = dataclasses.replace(made, image=str(tmp_path / "none" / "image"))
    job = rescue(made)
    assert job.error.code == "image-folder", why_failed(job)
    assert events(job, "pass") == []


def test_an_image_without_its_map_is_not_overwritten(tmp_path, original):
    made = arguments(original, tmp_path / "out")
    (tmp_path / "out" / "image").write_bytes(b"precious" * 1000)
    job = rescue(made)
    assert job.error.code == "image-without-map", why_failed(job)
    assert (tmp_path / "out" / "image").read_bytes() == b"precious" * 1000


def test_a_map_of_a_larger_drive_is_refused(tmp_path, original):
    made = arguments(original, tmp_path / "out")
    write_map(made.map, Mapfile.new(0, 8 * MIB, "+"))
    (tmp_path / "out" / "image").write_bytes(bytes(8 * MIB))
    job = rescue(made)
    assert job.error.code == "map-past-end", why_failed(job)
    assert read_map(made.map).same_blocks(Mapfile.new(0, 8 * MIB, "+"))


def test_the_desk_sorts_requests(tmp_path):
    monitor = Monitor(tmp_path, RescueStatus(State.RUNNING, 0.0), None)
    desk = Desk(tmp_path, monitor, "")
    assert desk.ask() is None
    control.send(tmp_path, "resume")
    assert desk.ask() is None
    assert (monitor.status.request, monitor.status.answer) == (1, "nothing is paused")
    monitor.write(State.RUNNING, "")
    control.send(tmp_path, "kill")
    assert desk.ask() is None
    assert desk.kill
    monitor.write(State.RUNNING, "")
    control.send(tmp_path, "recipe", name="reverse", now=False)
    assert desk.ask() is None  # not now
    assert [request.name for request in desk.waiting()] == ["reverse"]
    assert desk.forced == "reverse"
    desk.ended("reverse", "finished")
    assert desk.forced_done
    monitor.write(State.RUNNING, "")
    control.send(tmp_path, "end-pass")
    assert desk.ask().action == "end-pass"
    (tmp_path / control.FILE_NAME).write_text("{")
    assert desk.ask() is None
    assert "not understood" in monitor.status.answer
