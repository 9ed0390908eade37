"""The undo file record by record, plans as JSON, and drafts over sectors of another size."""

from __future__ import annotations

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from engine.edits import Draft, State, Write, WritePlan, apply_plan, examine, read_journal, undo, unfinished
from engine.edits.journal import append, create_journal, undo_name
from engine.edits.target import open_target
from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError, UsageError
from engine.ranges import RangeSet
from engine.source import HoleSource
from engine.source.base import Buffer, ReadError, Source
from engine.source.extents import BytesSource

PLAN = WritePlan(
    "mend", "Mend it", 4096, (Write(512, b"old" * 200, b"new" * 200, "one"), Write(0, b"a", b"b", "two")), ("careful",)
)


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return create_journal(tmp_path, PLAN, str(tmp_path / "d.img"), "image", {"model": "X"})


def line(record: dict[str, object]) -> bytes:
    text = json.dumps(record).encode()
    return b"%d %s %s\n" % (len(text), hashlib.sha256(text).hexdigest().encode(), text)


def records(path: Path) -> list[dict[str, object]]:
    return [json.loads(one.split(b" ", 2)[2]) for one in path.read_bytes().splitlines()]


def rewritten(path: Path, found: list[dict[str, object]]) -> Path:
    path.write_bytes(b"".join(map(line, found)))
    return path


def test_a_journal_there_and_back(made: Path, tmp_path: Path) -> None:
    journal = read_journal(made)
    assert journal.plan == PLAN
    assert (journal.path, journal.target, journal.kind) == (made, str(tmp_path / "d.img"), "image")
    assert (dict(journal.identity), journal.ready, journal.records) == ({"model": "X"}, True, ())
    assert abs((datetime.now(UTC) - datetime.fromisoformat(journal.time)).total_seconds()) < 3600
    assert [one["record"] for one in records(made)] == ["undo", "write", "write", "ready"]
    head = records(made)[0]
    assert (head["format"], head["writes"], head["size"], head["notes"]) == (1, 2, 4096, ["careful"])


@pytest.mark.parametrize(
    ("appended", "finished"),
    [
        ((), False), (("done",), True), (("done", "undoing"), False), (("undoing",), False),
        (("done", "undoing", "undone"), True), (("undone", "redoing"), False), (("redoing", "done"), True),
    ],
)  # fmt: skip
def test_whether_something_was_cut_short(made: Path, tmp_path: Path, appended: tuple[str, ...], finished: bool) -> None:
    for record in appended:
        append(made, record)
    journal = read_journal(made)
    assert (journal.records, journal.finished) == (appended, finished)
    waiting = unfinished(tmp_path, tmp_path / "d.img")
    assert [one.path for one in waiting] == ([] if finished else [made])
    for other in ("a.img", "other.img"):
        assert unfinished(tmp_path, tmp_path / other) == []


def test_without_ready_nothing_was_touched(made: Path, tmp_path: Path) -> None:
    rewritten(made, records(made)[:2])
    journal = read_journal(made)
    assert (journal.ready, journal.finished, len(journal.plan.writes)) == (False, True, 1)
    assert unfinished(tmp_path, tmp_path / "d.img") == []
    with pytest.raises(NotFoundError, match="nothing to undo"):
        undo(made)


def test_a_later_record_stands_for_a_lost_ready(made: Path) -> None:
    found = records(made)
    assert read_journal(rewritten(made, [*found[:3], {"record": "done"}])).ready


@pytest.mark.parametrize(
    "change",
    ["no-head", "no-write", "doubled", "order", "newer", "old-hash", "new-hash", "length", "base64", "overlap", "size"],
)
def test_records_that_cannot_be_believed(made: Path, change: str) -> None:
    found = records(made)
    if change == "no-head":
        del found[0]
    elif change == "no-write":
        del found[1]
    elif change == "doubled":
        found[2:2] = [found[1]]
    elif change == "order":
        found[1], found[2] = found[2], found[1]
    elif change == "newer":
        found[0]["format"] = 2
    elif change == "size":
        found[0]["size"] = 1000
    elif change == "overlap":
        found[2]["offset"] = 600
    else:
        key, value = {
            "old-hash": ("old_sha256", "0" * 64), "new-hash": ("new_sha256", "0" * 64), "length": ("length", 599),
            "base64": ("old", "!!!!"),
        }[change]  # fmt: skip
        found[1][key] = value
    with pytest.raises(DamagedError) as caught:
        read_journal(rewritten(made, found))
    assert caught.value.code == "undo-damaged"


def test_torn_and_foreign_lines_are_passed_over(made: Path) -> None:
    data = made.read_bytes()
    torn = line({"record": "undoing"})[:-20] + b"\n"
    longer = line({"record": "undone"}).replace(b" ", b"0 ", 1)
    wrong = b"".join(
        b" ".join((line({"record": "undone"}).split(b" ")[0], digit * 64, line({"record": "undone"}).split(b" ", 2)[2]))
        for digit in (b"0", b"f")
    )
    made.write_bytes(data + torn + b"\n" + longer + wrong + line(["no", "record"]) + line({"record": "done"}))  # type: ignore[arg-type]
    assert read_journal(made).records == ("done",)


def test_an_undo_file_that_is_far_too_large_is_none(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = made.stat().st_size
    monkeypatch.setattr("engine.edits.journal._MAX_SIZE", size)
    assert read_journal(made).ready
    monkeypatch.setattr("engine.edits.journal._MAX_SIZE", size - 1)
    with pytest.raises(DamagedError, match="too large"):
        read_journal(made)
    with pytest.raises(OutsideError, match="cannot read"):
        read_journal(made.parent / "none.undo")
    with pytest.raises(OutsideError, match="cannot look"):
        unfinished(made.parent / "none", "x")


def test_names_of_undo_files_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert undo_name("/a/disk.img", "hidden-sectors", moment) == "disk.img.20260102T030405.hidden-sectors.undo"
    monkeypatch.setattr("engine.edits.journal.undo_name", lambda *_: "same.undo")
    names = [create_journal(tmp_path, PLAN, "d.img", "image", {}).name for _ in range(3)]
    assert names == ["same.undo", "same-2.undo", "same-3.undo"]
    monkeypatch.setattr(os.path, "lexists", lambda path: True)
    with pytest.raises(UsageError, match="too many"):
        create_journal(tmp_path, PLAN, "d.img", "image", {})


def test_an_undo_file_that_cannot_be_saved_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutsideError, match="cannot save the undo file"):
        create_journal(tmp_path, PLAN, "d.img", "image", {})
    assert os.listdir(tmp_path) == []


# -- plans -------------------------------------------------------------------------------------------------------------


def test_a_plan_as_json_and_back() -> None:
    assert WritePlan.from_json(json.loads(json.dumps(PLAN.to_json())), 4096) == PLAN
    assert (PLAN.total, PLAN.writes[0].end, PLAN.writes[1].end) == (601, 1112, 1)
    moved = PLAN.shifted(1000, 9000)
    assert [(one.offset, one.new) for one in moved.writes] == [(1512, b"new" * 200), (1000, b"b")]
    assert (moved.size, moved.code, moved.notes) == (9000, "mend", ("careful",))
    WritePlan("x", "x", 1112, PLAN.writes)
    with pytest.raises(ValueError, match="inside"):
        WritePlan("x", "x", 1111, PLAN.writes)
    WritePlan("x", "x", 9, (Write(3, b"ab", b"cd", ""), Write(1, b"ab", b"cd", "")))


class Large(Source):
    """Sectors of 4096 bytes; what is asked of it is noted, and one place cannot be read."""

    def __init__(self, bad: int = -1) -> None:
        self.size, self.path, self.sector_size, self.bad = 3 * 4096 + 100, "large", 4096, bad
        self.asked: list[tuple[int, int]] = []

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        self.asked.append((offset, len(memoryview(buffer))))
        if offset <= self.bad < offset + len(memoryview(buffer)):
            raise ReadError("bad", offset=self.bad)
        memoryview(buffer)[:] = b"s" * len(memoryview(buffer))
        return ()

    def close(self) -> None:
        return


def test_whole_sectors_around_a_change_must_have_been_read() -> None:
    for offset, size, low, high in (
        (5000, 10, 4096, 8192), (4095, 2, 0, 8192), (8192, 4096, 8192, 12288), (12288 + 99, 1, 12288, 12288 + 100),
    ):  # fmt: skip
        source = Large()
        draft = Draft(source)
        draft.put(offset, b"n" * size, "why")
        assert source.asked == [(low, high - low)]
        plan = draft.plan("c", "t")
        assert sum(len(one.new) for one in plan.writes) == size
        assert plan.writes[0].offset == offset and plan.writes[0].old == b"s" * len(plan.writes[0].new)
        with pytest.raises(RefusedError) as caught:
            Draft(Large(low)).put(offset, b"n" * size, "why")
        assert (caught.value.code, caught.value.offset) == ("unread", low)
    hidden = HoleSource(BytesSource(bytes(4096)), RangeSet.of(700, 710))
    with pytest.raises(RefusedError) as caught:
        Draft(hidden).put(600, b"n", "why")
    assert caught.value.offset == 700


def test_neighbouring_sectors_are_one_write() -> None:
    data = bytes(4096)
    draft = Draft(BytesSource(data))
    draft.put(500, b"n" * 12 + b"n" * 512 + bytes(512) + b"n" * 4 + bytes(508) + b"n", "why")
    draft.note("think twice")
    plan = draft.plan("c", "t")
    assert [(one.offset, one.end) for one in plan.writes] == [(500, 1024), (1536, 2049)]
    assert (plan.notes, plan.size) == (("think twice",), 4096)


# -- what a target holds -----------------------------------------------------------------------------------------------


def test_what_a_target_holds_of_a_plan(tmp_path: Path) -> None:
    image = tmp_path / "d.img"
    old, new = b"o" * 1100, b"n" * 500 + b"o" * 500 + b"n" * 100
    image.write_bytes(bytes(300) + old + bytes(600))
    plan = WritePlan("c", "t", 2000, (Write(300, old, new, ""),))
    journal = read_journal(apply_plan(plan, image, undo_dir=tmp_path).undo_file)
    applied = image.read_bytes()
    cuts = [(300, 512), (512, 1024), (1024, 1400)]

    def state() -> tuple[State, int | None]:
        with open_target(image) as target:
            return examine(journal, target)

    assert state() == (State.APPLIED, None)
    before = bytes(300) + old + bytes(600)
    for low, high in cuts:
        image.write_bytes(applied[:low] + before[low:high] + applied[high:])
        assert state() == (State.PARTIAL, None)
        image.write_bytes(before[:low] + applied[low:high] + before[high:])
        assert state() == (State.PARTIAL, None)
        for at in (low, high - 1):
            image.write_bytes(applied[:at] + b"?" + applied[at + 1 :])
            assert state() == (State.FOREIGN, low)
    image.write_bytes(b"?" * 300 + old + b"?" * 600)
    assert state() == (State.UNTOUCHED, None), "what lies beside it is nobody's business here"


def test_what_is_wanted_already_is_left_alone(tmp_path: Path) -> None:
    image = tmp_path / "d.img"
    image.write_bytes(bytes(2000))
    plan = WritePlan("c", "t", 2000, (Write(0, bytes(10), b"n" * 10, ""), Write(1000, bytes(700), b"m" * 700, "")))
    path = apply_plan(plan, image, undo_dir=tmp_path).undo_file
    assert path is not None
    again = undo(path, forward=True)
    assert (again.written, again.before, again.forward) == (0, State.APPLIED, True)
    assert read_journal(path).records == ("done",), "nothing is noted where nothing was cut short"
    back = undo(path)
    assert (back.written, back.before, back.forward) == (710, State.APPLIED, False)
    assert read_journal(path).records == ("done", "undoing", "undone")
    forth = undo(path, forward=True)
    assert (forth.written, forth.before) == (710, State.UNTOUCHED)
    assert read_journal(path).records[-2:] == ("redoing", "done")
    image.write_bytes(bytes(10) + image.read_bytes()[10:])
    assert undo(path, forward=True).written == 10, "only what is not there"
    append(path, "undoing")
    image.write_bytes(bytes(2000))
    assert undo(path).written == 0
    assert read_journal(path).records[-2:] == ("undoing", "undone"), "what was cut short is closed"
