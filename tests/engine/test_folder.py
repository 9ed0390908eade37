"""A bounded look into a folder: what belongs together, what is left alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.cases import folder as room
from engine.cases.folder import is_map, look_around, map_beside
from engine.errors import OutsideError

MAP = "# Mapfile. Created by GNU ddrescue version 1.27\n0x00 + 1\n0x00 0x300000 +\n0x300000 0x100000 ?\n"


def names(where: Path) -> dict[str, str]:
    return {find.path.name: find.kind for find in look_around(where).finds}


def test_images_find_their_maps_by_name(tmp_path: Path) -> None:
    for name in ("a.img", "b.dd", "c.iso"):
        (tmp_path / name).write_bytes(b"x" * 512)
    (tmp_path / "a.map").write_text(MAP)
    (tmp_path / "b.dd.map").write_text(MAP)
    (tmp_path / "elsewhere.map").write_text(MAP)
    finds = {find.path.name: find for find in look_around(tmp_path).finds}
    assert finds["a.img"].map == tmp_path / "a.map"
    assert finds["b.dd"].map == tmp_path / "b.dd.map"
    assert finds["c.iso"].map is None
    assert finds["elsewhere.map"].kind == "map"
    assert "a.map" not in finds
    assert (finds["a.img"].finished, finds["a.img"].domain) == (3 << 20, 4 << 20)
    assert map_beside(tmp_path / "b.dd") == tmp_path / "b.dd.map"
    assert map_beside(tmp_path / "c.iso") is None


def test_a_lone_rescue_map_belongs_to_the_only_image(tmp_path: Path) -> None:
    (tmp_path / "disk.img").write_bytes(b"x" * 512)
    (tmp_path / "rescue.map").write_text(MAP)
    assert look_around(tmp_path).finds[0].map == tmp_path / "rescue.map"
    (tmp_path / "second.img").write_bytes(b"x" * 512)
    assert [find.map for find in look_around(tmp_path).finds if find.kind == "image"] == [None, None]


def test_what_is_no_map_and_what_is_hidden_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("Jan 1 12:00 something happened\n")
    (tmp_path / "roadmap.txt").write_text("1. do things\n")
    (tmp_path / ".hidden.img").write_bytes(b"x")
    (tmp_path / "empty.img").touch()
    (tmp_path / "folder.img").mkdir()
    os.mkfifo(tmp_path / "pipe.img")
    os.mkfifo(tmp_path / "pipe.map")
    (tmp_path / "dangling.img").symlink_to("nowhere")
    assert names(tmp_path) == {}


def test_cases_come_first_and_a_damaged_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.img").write_bytes(b"x")
    case = create_case(tmp_path / "zcase", title="Z")
    case.map.write_text(MAP)
    create_case(tmp_path / "ybad")
    (tmp_path / "ybad" / "case.json").write_text("{")
    finds = look_around(tmp_path).finds
    assert [find.path.name for find in finds] == ["ybad", "zcase", "a.img"]
    assert finds[0].problem
    assert finds[1].finished == 3 << 20


def test_a_damaged_or_huge_map_costs_only_its_totals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.img").write_bytes(b"x")
    (tmp_path / "a.map").write_text("0x00 + 1\n0x00 0x200 +\n0x100 0x200 ?\n")
    find = look_around(tmp_path).finds[0]
    assert find.finished is None
    assert "its map cannot be read" in (find.problem or "")
    (tmp_path / "a.map").write_text(MAP)
    monkeypatch.setattr(room, "MAX_MAP_BYTES", 10)
    find = look_around(tmp_path).finds[0]
    assert find.map is not None
    assert find.finished is None
    assert find.problem is None


def test_the_look_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.img").write_bytes(b"x")
    monkeypatch.setattr(room, "MAX_FOUND", 10)
    look = look_around(tmp_path)
    assert len(look.finds) == 10
    assert look.more
    monkeypatch.setattr(room, "MAX_FOUND", 100)
    monkeypatch.setattr(room, "MAX_ENTRIES", 20)
    assert look_around(tmp_path).more


def test_an_open_ended_map_has_no_share(tmp_path: Path) -> None:
    (tmp_path / "a.map").write_text(f"0x00 ? 1\n0x00 0x{(1 << 63) - 1:x} ?\n")
    find = look_around(tmp_path).finds[0]
    assert find.finished == 0
    assert find.domain is None


def test_heads_of_maps(tmp_path: Path) -> None:
    for content, yes in (
        (b"0x00 + 1\n", True),
        (b"# comment\n\n0x00 ?\n", True),
        (b"", False),
        (b"\x00" * 5000, False),
        (b"0x00 words follow here\n", False),
        (b"# only comments\n", False),
    ):
        (tmp_path / "m").write_bytes(content)
        assert is_map(tmp_path / "m") is yes, content


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OutsideError):
        look_around(tmp_path / "nowhere")
