"""The running ddrescue watched from outside: exact positions, states, endings, the map's torn instants."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engine.errors import OutsideError
from engine.mapfile import Mapfile, read_map, write_map
from engine.rescue import proc
from engine.rescue.capabilities import probe
from engine.rescue.command import Command, build
from engine.rescue.liveness import Alive, baseline, check
from engine.rescue.mapwatch import MapWatch
from engine.rescue.options import RescueOptions
from engine.rescue.process import RescueProcess
from tests.engine.rescue.driving import wait_until
from tests.failing_disk import Error, FailingDisk, Hang, Profile, Slow, first_difference, make_image
from tests.support import needs_fuse, needs_tool

pytestmark = [needs_tool("ddrescue")]
MIB = 1 << 20


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 4 * MIB)


def launch(tmp_path, source, **options):
    paths = [str(source), str(tmp_path / "image"), str(tmp_path / "map")]
    command = build(probe(), RescueOptions(map_save_interval=1, map_sync_interval=5).with_values(**options), *paths)
    return RescueProcess(command, *paths, directory=str(tmp_path), home=str(tmp_path))


def finish(process):
    wait_until(lambda: not process.poll(0.2), "ddrescue did not end")
    return process


def test_a_plain_run(tmp_path, original):
    process = finish(launch(tmp_path, original))
    assert process.returncode == 0
    assert process.screen.ending == "Finished"
    assert process.watch.current.totals().finished == 4 * MIB
    assert (tmp_path / "image").read_bytes() == original.read_bytes()
    assert not os.path.exists(f"/proc/{process.pid}")


def test_simulated_errors_are_counted(tmp_path, original):
    known = Mapfile.new(0, 4 * MIB, "+").set_range(MIB, MIB + 8192, "-")
    write_map(tmp_path / "test.map", known)
    process = finish(launch(tmp_path, original, test_mode=str(tmp_path / "test.map")))
    assert process.returncode == 0
    assert process.watch.current.same_blocks(known)
    assert process.screen.read_errors >= 16


def test_a_limit_and_its_message(tmp_path, original):
    write_map(tmp_path / "test.map", Mapfile.new(0, 4 * MIB, "+").set_range(MIB, 2 * MIB, "-"))
    process = finish(launch(tmp_path, original, test_mode=str(tmp_path / "test.map"), max_read_errors=0))
    assert process.returncode == 1
    assert process.screen.ending.startswith("Too many read errors")


def test_what_cannot_start(tmp_path, original):
    with pytest.raises(OutsideError):
        RescueProcess(Command(("/nowhere/ddrescue",)), str(original), "i", "m", directory="/nowhere", home="/tmp")


@needs_fuse()
def test_positions_are_exact_while_it_runs_and_a_stop_saves_the_map(tmp_path, original):
    with FailingDisk(original, Profile(faults=(Slow(offset=0, size=4 * MIB, seconds=0.1),))) as disk:
        process = launch(tmp_path, disk.path)
        seen = set()

        def moved():
            process.poll(0.1)
            snap = process.snapshot()
            if snap.exact and snap.doing == "reading":
                seen.add(snap.position)
            return len(seen) > 3

        wait_until(moved)
        assert all(position % 65536 == 0 for position in seen)
        process.stop()
        finish(process)
        assert process.returncode == -signal.SIGINT
        known = process.watch.current
        assert known.totals().finished > 0
        assert first_difference(original, tmp_path / "image", list(known.ranges("+"))) is None


@needs_fuse()
def test_a_hung_direct_read_is_seen_in_state_d_at_its_place(tmp_path, original):
    with FailingDisk(original, [Hang(offset=MIB + 512, size=512, times=1)]) as disk:
        process = launch(tmp_path, disk.path, idirect=True)

        def hung():
            process.poll(0.2)
            snap = process.snapshot()
            return snap if snap.still_s > 1.5 else None

        snap = wait_until(hung)
        assert snap.process_state == "D"
        assert snap.position == MIB
        assert snap.doing == "reading"
        process.stop()
        process.kill()
        process.poll(0.5)
        assert process.returncode is None  # not even SIGKILL ends it before the drive answers
        disk.power_cycle()
        finish(process)
        assert process.returncode == -signal.SIGKILL


def test_it_saves_its_map_when_its_parent_is_killed(tmp_path, original):
    code = (
        "import sys, time\n"
        "from tests.engine.rescue.test_rescue_process import launch\nfrom pathlib import Path\n"
        "p = launch(Path(sys.argv[1]), sys.argv[2], max_read_rate=300000, map_save_interval=60, map_sync_interval=60)\n"
        "print(p.pid, flush=True)\nwhile True: p.poll(1)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(original)], stdout=subprocess.PIPE, text=True
    ) as parent:
        pid = int(parent.stdout.readline())
        image, saved = tmp_path / "image", tmp_path / "map"
        wait_until(lambda: image.exists() and image.stat().st_size >= 196608)
        assert not read_map(saved).ranges("+")  # nothing saved yet: the next save is a minute away
        parent.kill()
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), "ddrescue outlived its parent")
    assert read_map(saved).totals().finished >= 196608


def test_torn_maps_are_ridden_out(tmp_path):
    path = tmp_path / "map"
    watch = MapWatch(str(path))
    assert not watch.refresh(0.0)
    first = Mapfile.new(0, 1000).set_range(0, 100, "+")
    write_map(path, first)
    assert watch.refresh(10.0)
    text = path.read_bytes()
    for cut in (b"", text[:30], text[:-3], text[: text.rindex(b"0x")]):
        path.write_bytes(cut)
        assert not watch.refresh(20.0, force=True)
        assert watch.current == first
        assert watch.problem
    path.unlink()
    assert not watch.refresh(30.0, force=True)
    write_map(path, first.set_range(100, 200, "*"))
    assert watch.refresh(40.0, force=True)
    assert watch.problem == ""
    assert watch.trusted is None  # nothing was read after the first map
    failed = watch.current
    write_map(path, failed.set_range(200, 300, "+"))
    assert watch.refresh(50.0, force=True)
    assert watch.trusted == failed  # a read succeeded after it: its errors are real
    assert watch.age(55.0) == 5.0


def test_a_process_that_is_not_there():
    assert proc.look(2**22 + 12345, "/a", "/b", "/c") == proc.Look()
    me = proc.look(os.getpid(), "/a", "/b", "/c")
    assert me.state == "R"
    assert me.position is None


@needs_fuse()
def test_liveness(tmp_path, original):
    known = Mapfile.new(0, 4 * MIB, "+")
    image = tmp_path / "image"
    image.write_bytes(original.read_bytes())
    with FailingDisk(original, [Error(offset=0, size=512)]) as disk:
        source = str(disk.path)
        assert baseline(source) is None
        assert check(source, known, image=str(image)).alive is Alive.YES
        assert check(source, None, image=str(image)).alive is Alive.UNKNOWN
        disk.lose("offline")
        assert check(source, known, image=str(image)).alive is Alive.NO
        disk.power_cycle()
        assert check(source, known, image=str(image)).alive is Alive.YES
        with open(image, "r+b") as file:
            file.seek(2 * MIB)
            file.write(b"something else")
        found = check(source, known, image=str(image))
        assert found.alive is Alive.OTHER
        disk.lose("hung")
        assert check(source, known, image=str(image), limit_s=1.0).alive is Alive.NO
        disk.power_cycle()
