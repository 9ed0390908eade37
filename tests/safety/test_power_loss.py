"""Saves and power loss: whatever of what was not synced is lost, the reader finds the old state or the new one."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.atomic import AppendFile, append_line, write_atomic, write_json
from engine.carve.catalogue import CatalogueWriter, read_finds
from engine.cases import create_case, load_case, read_history, record
from engine.cases.case import save_case
from engine.edits import Draft, apply_plan, undo, unfinished
from engine.errors import DamagedError, NotFoundError
from engine.mapedit import Document, SetStatus
from engine.mapfile import read_map, write_map
from engine.ranges import RangeSet
from engine.source import FileSource
from tests.engine.carve.images import finds_in
from tests.engine.carve.made_files import made
from tests.safety.power_loss import recorded, states, survive

MAP = "0x0 ? 1\n0x0 0x100000 +\n0x100000 0x100000 ?\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def test_the_model_sees_what_a_missing_fsync_loses(root: Path, tmp_path: Path) -> None:
    """A save without fsync must be caught, or the tests below say nothing."""
    path = root / "state"
    path.write_bytes(b"old" * 100)

    def careless() -> None:
        fd = os.open(root / "tmp", os.O_WRONLY | os.O_CREAT, 0o600)
        os.write(fd, b"new" * 100)
        os.close(fd)
        os.replace(root / "tmp", path)

    with recorded(root) as recording:
        careless()
    found = {files.get("state") for _, files in states(recording)}
    assert b"" in found
    path.write_bytes(b"old" * 100)
    with pytest.raises(AssertionError):
        survive(root, tmp_path / "s", careless, lambda at: (at / "state").read_bytes(), b"old" * 100, b"new" * 100)


def test_a_file_that_is_replaced(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = root / "state.json"
    write_json(path, {"a": 1})
    count = survive(root, tmp_path / "s", lambda: write_json(path, {"a": 2}, keep=3),
                    lambda at: json.loads((at / "state.json").read_text())["a"], 1, 2)  # fmt: skip
    print(f"replaced file: {count} states")
    assert count >= 8


def test_a_case(root: Path, tmp_path: Path) -> None:
    case = create_case(root / "case", title="old")
    survive(root, tmp_path / "s", lambda: save_case(dataclasses.replace(case, title="new")),
            lambda at: load_case(at / "case").title, "old", "new")  # fmt: skip


def test_a_history(root: Path, tmp_path: Path) -> None:
    case = create_case(root / "case")
    record(case, "first", note="x" * 100)

    def look(at: Path) -> list[str]:
        return [entry.action for entry in read_history(load_case(at / "case"))]

    survive(root, tmp_path / "s", lambda: record(case, "second", note="y" * 3000), look, ["first"], ["first", "second"])


def test_a_map(root: Path, tmp_path: Path) -> None:
    path = root / "disk.map"
    path.write_text(MAP)
    changed = read_map(path).set_range(0x100000, 0x180000, "-")
    survive(root, tmp_path / "s", lambda: write_map(path, changed),
            lambda at: read_map(at / "disk.map").ranges("-").total, 0, 0x80000)  # fmt: skip


def test_edits_of_a_map_that_were_not_saved(root: Path, tmp_path: Path) -> None:
    path = root / "disk.map"
    path.write_text(MAP)
    code = (
        "import os, sys\n"
        "from engine.mapedit import Document, SetStatus\n"
        "from engine.ranges import RangeSet\n"
        "Document.open(sys.argv[1]).apply(SetStatus(RangeSet.of(0x100000, 0x110000), '-'))\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, path], cwd=Path(__file__).parents[2], check=False, timeout=60)

    def look(at: Path) -> tuple[int, int]:
        opened = Document.open(at / "disk.map")
        return opened.map.ranges("-").total, 0 if opened.offer is None else len(opened.offer.titles)

    assert look(root) == (0, 1)
    with recorded(root) as recording:
        document = Document.open(path)
        document.replay()
        document.apply(SetStatus(RangeSet.of(0x120000, 0x130000), "/"))
        document.reasons()  # as the screen asks once a second: then the journal is brought to the disk
    assert recording.ops
    number = 0
    for number, (prefix, files) in enumerate(states(recording)):
        folder = tmp_path / "s" / str(number)
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        found = look(folder)
        assert found[0] == 0
        assert found[1] in ((2,) if prefix == len(recording.ops) else (1, 2)), (prefix, found)
    assert number > 1


def test_a_catalogue_that_grows(root: Path, tmp_path: Path) -> None:
    path = root / "finds"
    first, second = finds_in(made("jpeg") + bytes(600)), finds_in(made("png") + bytes(600))
    writer = CatalogueWriter(path, {"source": "x"})
    writer.add(first)
    length = writer.sync()
    writer.close()

    def save() -> None:
        going_on = CatalogueWriter(path, {"source": "x"}, length=length)
        going_on.add(second)
        going_on.sync()
        going_on.close()

    def look(at: Path) -> int:
        whole = list(read_finds(at / "finds"))
        resumed = AppendFile(at / "finds", length=length)
        resumed.close()
        assert [find.kind for find in read_finds(at / "finds")] == ["jpeg"], "a resume begins at the checkpoint"
        return len(whole)

    with recorded(root) as recording:
        save()
    assert recording.ops
    for prefix, files in states(recording):
        (tmp_path / "finds").write_bytes(files["finds"])
        assert look(tmp_path) in ((2,) if prefix == len(recording.ops) else (1, 2))


def test_a_line_after_a_torn_line(root: Path, tmp_path: Path) -> None:
    path = root / "journal"
    append_line(path, b'{"n": 1}')
    with open(path, "ab") as stream:
        stream.write(b'{"n": 2, "half')

    def look(at: Path) -> list[int]:
        found = []
        for line in (at / "journal").read_bytes().splitlines():
            try:
                found.append(json.loads(line)["n"])
            except ValueError:
                continue
        return found

    survive(root, tmp_path / "s", lambda: append_line(path, b'{"n": 3}'), look, [1], [1, 3])


def test_a_repair_can_be_finished_or_taken_back(root: Path, tmp_path: Path) -> None:
    """The image may be half written; then the undo file, which was there before, leads back to every old byte."""
    image, undo_dir = root / "disk.img", root / "undo"
    undo_dir.mkdir()
    before = os.urandom(16 << 10)
    image.write_bytes(before)
    with FileSource(image) as source:
        draft = Draft(source)
        for place in (0, 512, 9000):
            draft.put(place, b"NEW" * 40, "because")
        plan = draft.plan("test", "a test")
    with recorded(root) as recording:
        apply_plan(plan, image, undo_dir=undo_dir)
    after = image.read_bytes()
    looked = half = 0
    for prefix, files in states(recording):
        for path in [path for path in root.rglob("*") if path.is_file()]:
            if str(path.relative_to(root)) not in files:
                path.unlink()
        for name, data in files.items():
            (root / name).write_bytes(data)
        found = image.read_bytes()
        looked += 1
        if found in (before, after):
            assert prefix < len(recording.ops) or found == after
            continue
        half += 1
        (journal,) = unfinished(undo_dir, image)
        undo(journal.path)
        assert image.read_bytes() == before
    print(f"a repair: {looked} states, {half} of them half written and taken back")
    assert half > 0


def _writes(path: Path) -> list[tuple[str, Callable[[], None]]]:
    return [
        ("write_atomic", lambda: write_atomic(path, b"new" * 1000)),
        ("write_json", lambda: write_json(path, {"new": "x" * 3000})),
    ]


@pytest.mark.parametrize("error", [28, 5, 4, 27])
@pytest.mark.parametrize("call", ["write", "fsync", "replace", "close"])
def test_a_call_that_fails_leaves_the_old(root: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: int) -> None:
    """No space, an I/O error, an interruption, a file too large: at every such call, in each of the ways to save."""
    from engine.errors import OutsideError

    path = root / "state"
    path.write_bytes(b"old")
    for name, save in _writes(path):
        for turn in range(1, 4):
            calls = [0]
            real = getattr(os, call)

            def failing(
                *words: object, real: object = real, calls: list[int] = calls, turn: int = turn, **more: object
            ) -> object:
                calls[0] += 1
                if calls[0] == turn:
                    raise OSError(error, os.strerror(error))
                return real(*words, **more)  # type: ignore[operator]

            with monkeypatch.context() as patch:
                patch.setattr(os, call, failing)
                try:
                    save()
                    failed = False
                except (OutsideError, OSError):
                    failed = True
            if calls[0] >= turn and call in ("write", "replace"):
                assert failed or error == 4, (name, call, turn)
            assert path.read_bytes() == b"old" or path.read_bytes().startswith((b"new", b"{")), (name, call, turn)
            path.write_bytes(b"old")


def test_what_is_no_state_of_ours_is_told(root: Path) -> None:
    (root / "case").mkdir()
    (root / "case" / "case.json").write_bytes(b"")
    with pytest.raises((DamagedError, NotFoundError)):
        load_case(root / "case")
