"""Who holds a map: locks of our own, and a ddrescue that somebody started by hand."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from engine.errors import OutsideError, RefusedError
from engine.mapfile.lock import foreign_ddrescue, hold_map, lock_holder, lock_path, map_holder
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.store import save_as
from engine.tools import find_tool
from tests.support import needs_tool


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "disk.map"
    save_as(place, Mapfile.new(0, 512))
    return place


def test_a_map_is_held_once(path: Path):
    assert map_holder(path) is None
    with hold_map(path, "imaging"):
        holder = map_holder(path)
        assert holder is not None
        assert (holder.pid, holder.command, holder.own) == (os.getpid(), "imaging", True)
        assert abs(holder.since - time.time()) < 60
        with pytest.raises(RefusedError) as caught, hold_map(path):
            pass
        assert caught.value.code == "map-held"
        assert "imaging" in str(caught.value)
        with pytest.raises(RefusedError):
            save_as(path, Mapfile.new(0, 1024), force=True)
    assert map_holder(path) is None
    assert not lock_path(path).exists()
    assert read_map(path).end == 512


def test_a_link_leads_to_the_same_lock(path: Path, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(path)
    with hold_map(link), pytest.raises(RefusedError), hold_map(path):
        pass


def test_the_lock_of_a_killed_process_is_free(path: Path):
    code = (
        "import sys, time\nfrom engine.mapfile.lock import hold_map\n"
        f"with hold_map({str(path)!r}):\n print('held', flush=True)\n time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        holder = map_holder(path)
        child.kill()
    assert holder is not None
    assert holder.pid == child.pid
    assert lock_path(path).exists()
    assert map_holder(path) is None
    with hold_map(path):
        assert map_holder(path) is not None


def test_rubbish_in_a_lock_file_does_not_matter(path: Path):
    lock_path(path).write_bytes(b"\xff\0rubbish")
    assert map_holder(path) is None
    with hold_map(path):
        lock_path(path).write_bytes(b"[]")
        holder = map_holder(path)
        assert holder is not None
        assert holder.command == "unknown"


def test_the_lock_is_freed_by_an_error(path: Path):
    with pytest.raises(KeyError), hold_map(path):
        raise KeyError
    assert map_holder(path) is None


def test_many_at_once_take_turns(path: Path):
    code = (
        "from engine.mapfile.lock import hold_map\nfrom engine.errors import RefusedError\n"
        "from pathlib import Path\nimport sys, time\n"
        f"place, done = {str(path)!r}, 0\n"
        "while done < 40:\n"
        " try:\n"
        "  with hold_map(place):\n"
        "   count = Path(place + '.count')\n"
        "   now = int(count.read_text() or 0) if count.exists() else 0\n"
        "   time.sleep(0.0005)\n"
        "   count.write_text(str(now + 1)); done += 1\n"
        " except RefusedError: time.sleep(0.0003)\n"
    )
    children = [subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3]) for _ in range(3)]
    assert [child.wait(timeout=120) for child in children] == [0, 0, 0]
    assert Path(f"{path}.count").read_text() == "120"


def test_a_ddrescue_started_by_hand_is_seen(path: Path, tmp_path: Path):
    needs_tool("ddrescue")
    (tmp_path / "source").write_bytes(bytes(1 << 20))
    tool = find_tool("ddrescue")
    assert tool is not None
    argv = [tool, "-q", "--max-read-rate=1", "-c1", "source", "image", "disk.map"]
    child = subprocess.Popen(argv, cwd=tmp_path, stdin=subprocess.PIPE)
    try:
        until = time.monotonic() + 30
        holder = None
        while holder is None and time.monotonic() < until:
            holder = foreign_ddrescue(path)
        assert holder is not None
        assert (holder.pid, holder.own) == (child.pid, False)
        assert "disk.map" in holder.command
        assert map_holder(path) == holder
        assert foreign_ddrescue(tmp_path / "other.map") is None
        with pytest.raises(RefusedError):
            save_as(path, Mapfile.new(0, 1024), force=True)
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None
        child.stdin.close()
    assert map_holder(path) is None


def test_processes_that_ended_meanwhile_do_not_end_the_search(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One without the map, one that is gone before its name is read, and then the one that has it."""
    program = tmp_path / "ddrescue"
    program.write_text("#!/bin/sh\nread line\n")
    program.chmod(0o755)
    children = [
        subprocess.Popen([str(program), "-q", name], cwd=tmp_path, stdin=subprocess.PIPE) for name in ("x", "disk.map")
    ]
    try:
        pids = [str(child.pid) for child in children]
        names = ["self", str(1 << 30), "1", pids[0], pids[1]]
        until = time.monotonic() + 60
        while Path(f"/proc/{pids[1]}/comm").read_text() != "ddrescue\n" and time.monotonic() < until:
            time.sleep(0.01)
        monkeypatch.setattr(os, "scandir", lambda place: [SimpleNamespace(name=name) for name in names])
        holder = foreign_ddrescue(path)
        assert holder is not None
        assert holder.pid == children[1].pid
    finally:
        monkeypatch.undo()
        for child in children:
            child.communicate(b"\n")


def test_a_lock_that_cannot_be_used_is_an_error_of_its_own(path: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(fd: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(OutsideError, match="cannot lock the map"), hold_map(path):
        pytest.fail("held without a lock")
    monkeypatch.undo()
    lock_path(path).unlink(missing_ok=True)
    lock_path(path).symlink_to(path)
    with pytest.raises(OutsideError, match="cannot look at the map's lock"):
        lock_holder(path)


def test_saving_asks_before_it_replaces(path: Path, tmp_path: Path):
    with pytest.raises(OutsideError) as caught:
        save_as(path, Mapfile.new(0, 1024))
    assert caught.value.code == "exists"
    assert read_map(path).end == 512
    save_as(path, Mapfile.new(0, 1024), force=True)
    assert read_map(path).end == 1024
    assert read_map(tmp_path / "disk.map.1").end == 512
    (tmp_path / "link").symlink_to(path)
    for place in (tmp_path, tmp_path / "link", "/dev/null"):
        with pytest.raises(RefusedError) as refused:
            save_as(place, Mapfile.new(0, 1), force=True)
        assert refused.value.code == "not-a-file"
    with pytest.raises(OutsideError) as missing:
        save_as(tmp_path / "none" / "map", Mapfile.new(0, 1))
    assert missing.value.code == "missing"
