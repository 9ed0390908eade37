"""The edit journal: a session that is killed loses nothing; no journal is replayed where it does not belong."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import DamagedError, OutsideError, RescueError
from engine.mapedit import Document, SetLine, SetStatus, SplitAt
from engine.mapedit import journal as journal_module
from engine.mapfile.model import Mapfile
from engine.mapfile.write import render_map, write_map
from engine.ranges import RangeSet
from tests.engine.mapedit.helpers import random_edit
from tests.engine.mapfile.helpers import random_map

K = 1024
MAP = Mapfile.from_blocks([(0, 64 * K, "+"), (64 * K, 64 * K, "-"), (128 * K, 64 * K, "?")])

EDITOR = """
import sys
from engine.mapedit import Document, SetStatus
from engine.ranges import RangeSet
document = Document.open(sys.argv[1])
document.apply(SetStatus(RangeSet.of(65536, 69632), "?"))
document.apply(SetStatus(RangeSet.of(69632, 73728), "/"))
document.undo()
with document.macro("two places"):
    document.apply(SetStatus(RangeSet.of(73728, 77824), "*"))
    document.apply(SetStatus(RangeSet.of(0, 4096), "?"), allow_loss=True)
print("edited", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "disk.map"
    write_map(where, MAP)
    return where


def session(path: Path) -> subprocess.Popen[str]:
    """Another process that has the map open, with unsaved edits."""
    process = subprocess.Popen(
        [sys.executable, "-c", EDITOR, str(path)], cwd=Path(__file__).parents[3], text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "edited\n"
    return process


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGHUP])
def test_a_lost_terminal_loses_no_edit(path, how):
    lost = session(path)
    here = Document.open(path)
    assert here.offer is None
    assert [reason.code for reason in here.reasons()] == ["edited-elsewhere"]
    with pytest.raises(RescueError):
        here.apply(SetLine(0, "?", 2))
    lost.send_signal(how)
    # dead is dead, also while nobody has taken note of its end
    os.waitid(os.P_PID, lost.pid, os.WEXITED | os.WNOWAIT)
    assert Document.open(path).offer is not None
    lost.communicate(timeout=20)
    again = Document.open(path)
    assert again.offer is not None
    assert [title.split(" (")[0] for title in again.offer.titles] == ["set 64 KiB-68 KiB to ?", "two places"]
    assert again.replay() == 2
    expected = MAP.set_range(64 * K, 68 * K, "?").set_range(72 * K, 76 * K, "*").set_range(0, 4 * K, "?")
    assert again.map.same_blocks(expected)
    again.undo()
    # and once more lost: the journal went on
    third = Document.open(path)
    third.replay()
    assert third.map == again.map
    third.save()
    assert not path.with_name(".disk.map.edits").exists()
    assert Document.open(path).offer is None


def test_an_offer_can_be_declined(path):
    Document.open(path).apply(SetStatus(RangeSet.of(64 * K, 65 * K), "?"))
    document = Document.open(path)
    document.discard_offer()
    assert not document.reasons()
    with pytest.raises(RescueError):
        document.discard_offer()
    assert Document.open(path).offer is None
    assert path.with_name(".disk.map.edits.old").exists()


def test_a_cut_line_is_left_out_and_told(path):
    document = Document.open(path)
    for start in range(64, 70):
        document.apply(SetStatus(RangeSet.of(start * K, start * K + 512), "?"))
    file = path.with_name(".disk.map.edits")
    file.write_bytes(file.read_bytes()[:-20])
    again = Document.open(path)
    assert again.offer is not None
    assert again.offer.cut
    assert again.replay() == 5
    assert again.map.ranges("-").total == 64 * K - 5 * 512
    again.apply(SetStatus(RangeSet.of(100 * K, 101 * K), "?"))
    # what was cut does not come back, and what follows it is not lost
    third = Document.open(path)
    assert third.replay() == 6
    assert third.map == again.map


def test_edits_of_another_state_are_not_offered_but_kept(path):
    Document.open(path).apply(SetStatus(RangeSet.of(64 * K, 65 * K), "?"))
    before = path.with_name(".disk.map.edits").read_bytes()
    write_map(path, MAP.set_range(64 * K, 80 * K, "+"))
    document = Document.open(path)
    assert document.offer is None
    assert "another state" in document.ignored
    assert path.with_name(".disk.map.edits").read_bytes() == before
    document.apply(SetStatus(RangeSet.of(100 * K, 101 * K), "?"))
    assert path.with_name(".disk.map.edits.old").read_bytes() == before
    assert Document.open(path).offer is not None


def test_a_replay_that_leads_elsewhere_stops(path):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(64 * K, 65 * K), "?"))
    document.apply(SetStatus(RangeSet.of(66 * K, 67 * K), "?"))
    file = path.with_name(".disk.map.edits")
    lines = file.read_bytes().splitlines()
    value = json.loads(lines[2])
    value["do"][0]["status"] = "/"
    file.write_bytes(b"\n".join([*lines[:2], json.dumps(value).encode()]) + b"\n")
    again = Document.open(path)
    with pytest.raises(DamagedError) as caught:
        again.replay()
    assert caught.value.code == "bad-edit"
    assert again.map == MAP.set_range(64 * K, 65 * K, "?")
    assert file.with_name(".disk.map.edits.old").exists()
    third = Document.open(path)
    third.replay()
    assert third.map == again.map


def test_undo_beyond_a_save_survives_too(path):
    document = Document.open(path)
    for start in range(64, 70):
        document.apply(SetStatus(RangeSet.of(start * K, start * K + 512), "?"))
    document.save()
    for _ in range(3):
        document.undo()
    document.redo()
    document.apply(SplitAt((3 * K,)))
    document.undo()
    again = Document.open(path)
    again.replay()
    assert render_map(again.map) == render_map(document.map)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_is_done_the_journal_leads_there(tmp_path, seed):
    rng = random.Random(seed)
    where = tmp_path / "a.map"
    write_map(where, random_map(rng, unit=512))
    document = Document.open(where)
    for _ in range(40):
        action = rng.random()
        try:
            if action < 0.55:
                document.apply(random_edit(rng, document.map), allow_loss=True)
            elif action < 0.75:
                document.undo()
            elif action < 0.9:
                document.redo()
            elif action < 0.95:
                document.save(allow_loss=True)
            else:
                document = Document.open(where)
                if document.offer is not None:
                    document.replay()
        except RescueError:
            continue
    again = Document.open(where)
    if again.offer is not None:
        again.replay()
    assert journal_module.state_of(again.map) == journal_module.state_of(document.map)
    assert again.map.same_blocks(document.map)


def test_a_journal_has_a_bound(path, monkeypatch):
    monkeypatch.setattr(journal_module, "MAX_BYTES", 4000)
    document = Document.open(path)
    file = path.with_name(".disk.map.edits")
    for number in range(100):
        document.apply(SetStatus(RangeSet.of(64 * K + number * 512, 64 * K + number * 512 + 512), "?"))
        assert file.stat().st_size < 5000
    for _ in range(90):
        document.undo()
    again = Document.open(path)
    again.replay()
    assert again.map.same_blocks(document.map)


def test_a_full_disk_stops_the_journal_and_not_the_editor(path, monkeypatch):
    document = Document.open(path)
    document.apply(SetStatus(RangeSet.of(64 * K, 65 * K), "?"))

    def full(*_arguments, **_more) -> None:
        raise OutsideError("cannot append: No space left on device", code="no-space")

    with monkeypatch.context() as patched:
        patched.setattr(journal_module, "append_line", full)
        patched.setattr(journal_module, "write_atomic", full)
        document.apply(SetStatus(RangeSet.of(66 * K, 67 * K), "?"))
        assert "No space" in document.journal_problem
        document.apply(SetStatus(RangeSet.of(68 * K, 69 * K), "?"))
        document.undo()
    document.apply(SetStatus(RangeSet.of(70 * K, 71 * K), "?"))
    assert not document.journal_problem
    document.undo()
    again = Document.open(path)
    again.replay()
    assert again.map.same_blocks(document.map)


def test_no_edit_waits_for_the_medium(path, monkeypatch):
    document = Document.open(path)
    flushed = []
    monkeypatch.setattr(journal_module.os, "fsync", flushed.append)
    clock = [1000.0]
    monkeypatch.setattr(journal_module.time, "monotonic", lambda: clock[0])
    document.apply(SetStatus(RangeSet.of(64 * K, 64 * K + 512), "?"))
    before = len(flushed)  # of the new file
    for start in range(65, 70):
        clock[0] += 0.5
        document.apply(SetStatus(RangeSet.of(start * K, start * K + 512), "?"))
    assert len(flushed) == before
    document.reasons()
    assert len(flushed) == before + 1
    document.apply(SetStatus(RangeSet.of(70 * K, 70 * K + 512), "?"))
    document.reasons()
    assert len(flushed) == before + 1
    clock[0] += 2
    document.reasons()
    assert len(flushed) == before + 2
    document.reasons()
    assert len(flushed) == before + 2


def test_foreign_and_hostile_journals(path):
    file = path.with_name(".disk.map.edits")
    for text in (b"", b"\0" * 100, b"[]\n", b'{"map-edits": 1}\n', b'{"map-edits": 2, "digest": 5}\n{}\n', b"{" * 5000):
        file.write_bytes(text)
        document = Document.open(path)
        assert document.offer is None
    document.apply(SetStatus(RangeSet.of(64 * K, 65 * K), "?"))
    head = file.read_bytes().splitlines()[0]
    for line in (b"null", b"[]", b'{"do": [], "time": 1}', b'{"do": [{"kind": "set"}], "time": 1, "state": []}',
                 b'{"do": 5, "time": "x", "state": 5}', b'{"undo": 1, "time": 1e999, "state": []}'):  # fmt: skip
        file.write_bytes(head + b"\n" + line + b"\n")
        document = Document.open(path)
        assert document.offer is None or line.startswith(b'{"undo')
    file.unlink()
    os.symlink("/etc/passwd", file)
    with pytest.raises(RescueError):
        Document.open(path)


def test_a_folder_that_takes_no_files_keeps_no_journal(path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    document = Document.open(path)
    assert [reason.code for reason in document.reasons()] == ["not-writable"]
    document.apply(SetStatus(RangeSet.of(64 * K, 65 * K), "?"))
    assert not path.with_name(".disk.map.edits").exists()
    with pytest.raises(RescueError):
        document.save()
