"""Devices in a process of their own: what comes back, what goes wrong, and that a hanging one holds up nobody."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from engine.cases.aside import aside
from engine.cases.partitions import (
    Subject,
    bytes_of,
    fields_of,
    look_at,
    place_for,
    plan_change,
    preview,
    take_back,
    write_plan,
)
from engine.cases.repairing import device_word
from engine.errors import NotFoundError, OutsideError, RefusedError
from tests.engine.partitions.disks import MIB, loop, sfdisk
from tests.support import needs_tool


def test_values_and_errors_come_back() -> None:
    assert aside("echo", {"a": (1, b"\0\xff")}) == {"a": (1, b"\0\xff")}
    with pytest.raises(NotFoundError) as caught:
        aside("echo", NotFoundError("gone", path="/x", offset=5, advice="look", code="slug"))
    error = caught.value
    assert (error.message, error.path, error.offset, error.advice, error.code) == ("gone", "/x", 5, "look", "slug")
    with pytest.raises(RuntimeError, match="ValueError"):
        aside("echo", ValueError("a fault of ours"))


class Sleeps:
    """Takes a minute to be unpacked: the child hangs as one does whose drive does not answer."""

    def __reduce__(self) -> tuple[Any, ...]:
        return time.sleep, (60,)


def test_one_that_does_not_answer_is_left() -> None:
    begun = time.monotonic()
    with pytest.raises(OutsideError, match="did not answer") as caught:
        aside("echo", Sleeps(), timeout_s=0.5)
    assert caught.value.code == "timeout"
    assert time.monotonic() - begun < 50


def test_a_device_is_seen_repaired_and_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_tool("sfdisk")
    disk = sfdisk(tmp_path / "disk", "label: dos\nstart=2048,size=32768,type=e\n", 32 * MIB)
    before = disk.read_bytes()
    monkeypatch.chdir(tmp_path)
    with loop(disk) as device:
        subject = Subject(Path(device))
        looked = look_at(subject)
        node = looked.tree.partitions()[0]
        assert (node.start, node.type) == (MIB, "0e")
        assert fields_of(subject, looked.tree, node)[0][1]
        assert bytes_of(subject, 0, 512).data == before[:512]
        plan = plan_change(subject, node, "type", "linux")
        assert preview(subject, plan).tree.partitions()[0].type == "83"
        place = place_for(subject)
        assert place.is_device
        for typed in (None, "", "nonsense"):
            with pytest.raises(RefusedError, match="read-only"):
                write_plan(subject, plan, place, typed)
        assert disk.read_bytes() == before
        word, _ = device_word(device)
        done = write_plan(subject, plan, place, word)
        assert done.undo_file is not None
        assert done.undo_file.parent == tmp_path
        assert look_at(subject).tree.partitions()[0].type == "83"
        take_back(subject, done.undo_file, word)
        assert look_at(subject).tree.partitions()[0].type == "0e"
    assert disk.read_bytes() == before
