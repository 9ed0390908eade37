"""Whole rescues by the job in its own process, with the real ddrescue, of drives that fail in every way."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess

import pytest

from engine.jobs import JobState, load, resume, stop
from engine.mapfile import read_map
from engine.rescue import control
from engine.rescue.status import State
from tests.engine.rescue.driving import (
    arguments,
    assert_true_image,
    begin,
    events,
    fill,
    kept_full,
    rescue,
    result_map,
    status,
    wait_end,
    wait_status,
    wait_until,
    why_failed,
)
from tests.failing_disk import Drop, Error, FailingDisk, FailsNTimes, Hang, Profile, Slow, make_image
from tests.support import needs_fuse, needs_loop, needs_root, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]
MIB = 1 << 20


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 8 * MIB)


@pytest.fixture
def small_fs(tmp_path):
    """A file system of 128 MiB in memory."""
    needs_root()
    place = tmp_path / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128m", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_good_drive_is_copied_in_one_pass(tmp_path, original):
    made = arguments(original, tmp_path / "out")
    job = rescue(made)
    assert job.state is JobState.DONE, why_failed(job)
    assert job.result["complete"]
    assert job.result["rescued"] == 8 * MIB
    assert [event.kind for event in events(job)] == ["pass", "done"]
    assert (tmp_path / "out" / "image").read_bytes() == original.read_bytes()
    seen = status(job)
    assert seen.state is State.DONE
    assert seen.bytes["finished"] == seen.domain_bytes == 8 * MIB
    assert seen.command.startswith("ddrescue ")
    assert (job.progress.done, job.progress.total) == (8 * MIB, 8 * MIB), "the list of jobs tells the end"
    assert job.message == job.result["reason"]


def test_bad_sectors_are_isolated_and_everything_else_is_true(tmp_path, original):
    places = [(1 * MIB, 1024), (5 * MIB + 512, 512), (7 * MIB, 65536)]
    with FailingDisk(original, [Error(offset=at, size=size) for at, size in places]) as disk:
        made = arguments(disk.device, tmp_path / "out", retries=1)
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        known = assert_true_image(made, original, disk)
        assert list(known.ranges("-")) == list(disk.truth().unreadable)
        assert job.result["bad"] == 1024 + 512 + 65536
        assert not job.result["complete"]
        recipes = [event.facts["recipe"] for event in events(job, "pass")]
        assert recipes == ["copy", "trim", "scrape", "retry-reverse"]


def test_sectors_that_come_at_the_third_attempt_are_retried(tmp_path, original):
    with FailingDisk(original, [FailsNTimes(offset=3 * MIB, size=512, times=3)]) as disk:
        made = arguments(disk.device, tmp_path / "out", retries=3)
        job = rescue(made)
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def test_a_drop_never_makes_the_map_worse(tmp_path, original):
    with FailingDisk(original, [Error(offset=1 * MIB, size=512), Drop(offset=3 * MIB, size=512)]) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = rescue(made)
        assert job.state is JobState.FAILED
        assert job.error.code == "device-gone"
        told = events(job, "drop-off")
        assert len(told) == 1
        assert told[0].facts["not_believed"] > 0
        known = assert_true_image(made, original, disk)
        # nothing behind the death is marked but the suspect; the bad sector before it may be
        failed = known.ranges("*/-")
        suspects = [area for area in failed if area[0] >= 3 * MIB - 65536]
        assert suspects == [(3 * MIB, 3 * MIB + 65536)]
        assert known.status_at(8 * MIB - 1) == "?"
        assert (known.position, known.phase, known.current_pass) == (0, "?", 1)


def test_after_a_drop_and_a_power_cycle_the_same_job_goes_on(tmp_path, original):
    with FailingDisk(original, [Drop(offset=3 * MIB, size=512, times=1)]) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = rescue(made)
        assert job.state is JobState.FAILED, why_failed(job)
        first = result_map(made)
        disk.power_cycle()
        job = wait_end(resume(job.directory))
        assert job.state is JobState.DONE, why_failed(job)
        known = assert_true_image(made, original, disk)
        assert not first.ranges("+").subtract(known.ranges("+"))
        assert job.result["complete"]


def test_every_way_of_disappearing_is_told_from_bad_sectors(tmp_path, original):
    for mode in ("offline", "gone", "removed"):
        with FailingDisk(original, [Drop(offset=2 * MIB, size=512, mode=mode)]) as disk:
            made = arguments(disk.device, tmp_path / mode, recipe="plain")
            job = rescue(made)
            assert job.error is not None, mode
            assert job.error.code == "device-gone", (mode, job.error)
            known = assert_true_image(made, original, disk)
            assert list(known.ranges("*/-")) == [(2 * MIB, 2 * MIB + 65536)], mode
            assert events(job, "drop-off")[0].facts["position"] == 2 * MIB
            assert known.end == 8 * MIB


def test_the_careful_recipe_loses_one_cluster_only(tmp_path, original):
    with FailingDisk(original, [Drop(offset=2 * MIB, size=512)]) as disk:
        made = arguments(disk.device, tmp_path / "out", recipe="careful")
        job = rescue(made)
        assert job.error.code == "device-gone"
        known = assert_true_image(made, original, disk)
        assert list(known.ranges("*/-")) == [(2 * MIB, 2 * MIB + 65536)]
        assert known.ranges("+").total == 2 * MIB


def test_a_hung_read_is_told_with_its_exact_place_and_ends_with_the_power_cycle(tmp_path, original):
    place = 2 * MIB + 4096
    with FailingDisk(original, [Hang(offset=place, size=512, times=1)]) as disk:
        made = arguments(
            disk.device, tmp_path / "out", options={"idirect": True, "sector_size": 512}, hang_limit_s=2.0,
            stop_on_hang=True,
        )  # fmt: skip
        job = begin(made)
        hung = wait_status(job, lambda now: now.stopping_s is not None and "stuck" in now.alert)
        assert hung.snapshot.process_state == "D"
        assert hung.snapshot.exact
        assert hung.snapshot.position <= place < hung.snapshot.position + 65536
        assert hung.state is State.STOPPING
        told = events(job, "hang")
        assert told[0].facts["position"] == hung.snapshot.position
        disk.power_cycle()
        job = wait_end(job)
        known = assert_true_image(made, original, disk)
        assert known.ranges("+").total >= 2 * MIB
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)


def test_stopping_while_a_read_hangs_says_so_and_waits(tmp_path, original):
    with FailingDisk(original, [Hang(offset=2 * MIB, size=512, times=1)]) as disk:
        made = arguments(disk.device, tmp_path / "out", options={"idirect": True, "sector_size": 512})
        job = begin(made)
        disk.wait_state("hung")
        stop(job.directory)
        seen = wait_status(job, lambda now: "stuck" in now.alert)
        assert "stopping" in seen.alert
        assert load(job.directory).live
        disk.power_cycle()
        job = wait_end(job)
        assert job.state is JobState.STOPPED, why_failed(job)
        assert_true_image(made, original, disk)


def slow_disk(original, seconds=0.035):
    return FailingDisk(original, Profile(faults=(Slow(offset=0, size=8 * MIB, seconds=seconds),)))


def test_stop_and_resume_by_the_person(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        stop(job.directory)
        job = wait_end(job)
        assert job.state is JobState.STOPPED, why_failed(job)
        assert status(job).state is State.STOPPED
        first = assert_true_image(made, original, disk)
        assert 0 < first.ranges("+").total < 8 * MIB
        touched = len(disk.reads())
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)
        # what was rescued is not read again, but for one known place
        again = sum(read.size for read in disk.reads(touched) if read.offset < first.ranges("+").total - 65536)
        assert again <= 4096


def test_pause_lets_others_edit_the_map_and_resume_goes_on(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        from engine.mapfile import hold_map, map_holder, write_map

        number = control.send(job.directory, "pause")
        paused = wait_status(job, lambda now: now.state is State.PAUSED)
        assert paused.request == number
        assert events(job, "paused")
        assert map_holder(made.map) is not None, "a pause alone keeps the map"
        control.send(job.directory, "pause", release_map=True)
        wait_status(job, lambda now: "free" in now.alert)
        with hold_map(made.map):
            write_map(made.map, read_map(made.map).set_range(8 * MIB - 4096, 8 * MIB, "-"))
        control.send(job.directory, "resume")
        job = wait_end(job)
        assert job.state is JobState.DONE, why_failed(job)
        assert_true_image(made, original)
        assert "retry-reverse" in [event.facts["recipe"] for event in events(job, "pass")]
        assert job.result["complete"]


def test_another_recipe_on_request_runs_next_and_then_waits(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        control.send(job.directory, "recipe", name="reverse")
        wait_status(job, lambda now: now.state is State.PAUSED)
        passes = events(job, "pass")
        assert [event.facts["recipe"] for event in passes] == ["copy", "reverse"]
        assert passes[1].facts["direction"] == "backwards"
        control.send(job.directory, "recipe", name="no such")
        wait_status(job, lambda now: "no pass" in now.answer)
        control.send(job.directory, "strategy")
        job = wait_end(job)
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def test_options_that_were_changed_stay_in_force(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        begun = wait_status(job, lambda now: now.rescued > 0)
        assert begun.options == made.options.to_json()
        changed = made.options.with_values(cluster_size=8)
        control.send(job.directory, "options", values=changed.to_json())
        wait_status(job, lambda now: "--cluster-size=8" in now.command)
        assert status(job).options == changed.to_json()
        stop(job.directory)
        job = wait_end(job)
        assert job.progress.done == status(job).rescued
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        passes = [event.facts["command"] for event in events(job, "pass")]
        assert ["--cluster-size=8" in command for command in passes] == [False] + [True] * (len(passes) - 1)
        assert len(passes) > 2


def test_options_that_make_no_sense_are_not_taken(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        beyond = made.options.with_values(input_position=9 * MIB)
        control.send(job.directory, "options", values=beyond.to_json())
        wait_status(job, lambda now: now.answer.startswith("not taken: these options leave nothing"))
        truncates = made.options.with_values(truncate=True)
        control.send(job.directory, "options", values=truncates.to_json())
        wait_status(job, lambda now: now.answer.startswith("not taken: truncate"))
        control.send(job.directory, "options", values=made.options.with_values(domain_mapfile="/nowhere").to_json())
        wait_status(job, lambda now: "No such file" in now.answer)
        job = wait_end(job)
        assert job.result["complete"], why_failed(job)
        assert len(events(job, "pass")) == 1, "nothing was interrupted for it"


def test_another_range_counts_at_once(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        control.send(job.directory, "options", values=made.options.with_values(input_position=7 * MIB).to_json())
        wait_status(job, lambda now: now.domain_bytes == MIB)
        job = wait_end(job)
        assert job.result["complete"], why_failed(job)
        assert (job.result["rescued"], status(job).rescued, status(job).domain_bytes) == (MIB, MIB, MIB)
        assert job.result["reason"] == "everything in the chosen part is rescued"
        assert (job.progress.done, job.progress.total) == (MIB, MIB)


def test_a_second_rescue_of_a_map_is_sent_to_the_first(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        second = rescue(made)
        assert second.error.code == "map-held"
        assert second.error.advice == f"it runs already; to watch it: rescuedeck jobs attach {job.id}"
        stop(job.directory)
        wait_end(job)


def test_a_ddrescue_of_somebody_else_is_not_disturbed(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        child = subprocess.Popen(["ddrescue", "-q", made.source, made.image, made.map])
        try:
            wait_until(lambda: os.path.exists(made.map))
            refused = rescue(made)
            assert refused.error.code == "map-held"
            assert f"kill -INT {child.pid}" in refused.error.advice
        finally:
            child.terminate()
            child.wait()


def test_kill_9_of_ddrescue_keeps_what_was_saved(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        seen = wait_status(job, lambda now: now.rescued > 0 and now.snapshot is not None)
        os.kill(seen.snapshot.pid, signal.SIGKILL)
        job = wait_end(job)
        assert job.error.code == "killed", why_failed(job)
        first = assert_true_image(made, original, disk)
        assert first.ranges("+").total > 0
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)


def test_kill_9_of_the_runner_lets_ddrescue_save_its_map_and_the_job_go_on(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        seen = wait_status(job, lambda now: now.rescued > 0 and now.snapshot is not None)
        os.kill(load(job.directory).pid, signal.SIGKILL)
        wait_until(lambda: not os.path.exists(f"/proc/{seen.snapshot.pid}"), "ddrescue outlived its runner")
        assert load(job.directory).state is JobState.LOST
        first = assert_true_image(made, original, disk)
        assert first.ranges("+").total >= seen.rescued
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def test_a_map_cut_by_a_crash_is_put_together_from_older_states(tmp_path, original):
    with slow_disk(original) as disk:
        made = arguments(disk.device, tmp_path / "out")
        job = begin(made)
        wait_status(job, lambda now: now.rescued > MIB)
        stop(job.directory)
        job = wait_end(job)
        before = result_map(made)
        with open(made.map, "r+b") as file:
            file.truncate(file.seek(0, 2) - 20)
        job = wait_end(resume(job.directory))
        assert job.error is not None
        assert job.error.code == "map-malformed"
        assert "--recover-map" in job.error.advice
        made = arguments(disk.device, tmp_path / "out", recover_map=True)
        job = rescue(made)
        assert job.result["complete"], why_failed(job)
        assert events(job, "note")
        assert_true_image(made, original, disk)
        assert before.ranges("+").total > 0


def test_too_little_room_is_refused_before_the_start(tmp_path, original, small_fs):
    fill(small_fs, 5 * MIB)
    with FailingDisk(original) as disk:
        job = rescue(arguments(disk.device, small_fs / "out"))
        assert job.error.code == "no-space", why_failed(job)
        assert not (small_fs / "out" / "image").exists()


def test_room_that_runs_out_stops_the_rescue_in_time(tmp_path, original, small_fs):
    with slow_disk(original) as disk:
        made = arguments(disk.device, small_fs / "out", min_free=4 * MIB)
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        filler = fill(small_fs, 3 * MIB)
        job = wait_end(job)
        assert job.error.code == "no-space", why_failed(job)
        assert "in time" in job.error.message
        assert_true_image(made, original, disk)
        filler.unlink()
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def test_a_full_target_loses_nothing(tmp_path, original, small_fs):
    out = tmp_path / "out"
    with slow_disk(original) as disk:
        made = arguments(disk.device, out)
        made = dataclasses.replace(made, image=str(small_fs / "image"))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        filler = fill(small_fs)
        job = wait_end(job)
        assert job.error.code == "no-space", why_failed(job)
        first = assert_true_image(made, original, disk)
        assert first.ranges("+")
        assert not first.ranges("*/-")
        filler.unlink()
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def test_a_map_that_cannot_be_saved_is_saved_with_the_ballast_and_the_rescue_stops(tmp_path, original, small_fs):
    # the map is written in place, into its own room, until it has been synced (5 s) and becomes the backup
    with slow_disk(original, 0.08) as disk:
        made = arguments(disk.device, tmp_path / "out")
        (small_fs / "out").mkdir()
        made = dataclasses.replace(made, map=str(small_fs / "out" / "map"))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        with kept_full(small_fs) as filler:
            job = wait_end(job)
        assert job.error.code == "map-unwritable", why_failed(job)
        assert events(job, "error")[0].facts["message"].startswith("stopped in time")
        first = assert_true_image(made, original, disk)
        assert first.ranges("+")
        assert first.end == 8 * MIB
        filler.unlink()
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)


def test_without_ballast_the_map_is_saved_elsewhere_and_put_back_by_the_next_run(tmp_path, original, small_fs):
    with slow_disk(original, 0.08) as disk:
        made = arguments(disk.device, tmp_path / "out")
        (small_fs / "out").mkdir()
        made = dataclasses.replace(made, map=str(small_fs / "out" / "map"))
        job = begin(made)
        wait_status(job, lambda now: now.rescued > 0)
        (small_fs / "out" / ".map.ballast").unlink()
        with kept_full(small_fs) as filler:
            job = wait_end(job)
        assert "the newest map is " in job.error.advice, why_failed(job)
        saved = read_map(job.error.advice.split("the newest map is ")[1].split(":")[0])
        assert saved.ranges("+")
        filler.unlink()
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert any("put" in event.facts["message"] for event in events(job, "note"))
        known = assert_true_image(made, original, disk)
        assert not saved.ranges("+").subtract(known.ranges("+"))


def test_a_real_block_device_is_read_directly(tmp_path, original):
    with loop_disk(original, [Error(offset=2 * MIB + 512, size=512)]) as disk:
        made = arguments(disk.device, tmp_path / "out", retries=0)
        assert made.options.idirect
        job = rescue(made)
        assert job.state is JobState.DONE, why_failed(job)
        known = assert_true_image(made, original, disk)
        assert list(known.ranges("-")) == [(2 * MIB + 512, 2 * MIB + 1024)]


def test_a_block_device_that_drops_off(tmp_path, original):
    with loop_disk(original, [Drop(offset=3 * MIB, size=512, times=1)]) as disk:
        made = arguments(disk.device, tmp_path / "out", retries=0)
        job = rescue(made)
        assert job.error.code == "device-gone", why_failed(job)
        known = assert_true_image(made, original, disk)
        assert list(known.ranges("*/-")) == [(3 * MIB, 3 * MIB + 65536)]
        disk.power_cycle()
        job = wait_end(resume(job.directory))
        assert job.result["complete"], why_failed(job)
        assert_true_image(made, original, disk)


def loop_disk(original, faults):
    needs_loop()
    return FailingDisk(original, faults, loop=True)
