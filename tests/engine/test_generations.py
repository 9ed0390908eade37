"""Generations of any map: in a case or beside the map, with the command that used each, none of them lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.cases import case_of_map, create_case, generations_folder, keep_map, list_maps, load_map
from engine.errors import NotFoundError, OutsideError

MAP = b"0 ? 1\n0 512 ?\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "disk.map"
    where.write_bytes(MAP)
    return where


def told(folder: Path) -> list[tuple[int, str, str | None]]:
    return [(one.number, one.note, one.command) for one in list_maps(folder)]


def test_where_they_lie(path):
    assert generations_folder(path) == path.with_name("disk.map.generations")
    link = path.with_name("link")
    link.symlink_to(path)
    assert generations_folder(link) == generations_folder(path)
    case = create_case(path.parent / "case")
    case.map.write_bytes(MAP)
    assert generations_folder(case.map) == case.maps_dir
    (case.directory / "other.map").write_bytes(MAP)
    assert case_of_map(case.directory / "other.map") is None
    (case.directory / "case.json").write_bytes(b"{")
    assert case_of_map(case.map) is None
    elsewhere = create_case(path.parent / "second", map=path)
    assert generations_folder(path, elsewhere) == elsewhere.maps_dir


def test_no_command_and_no_note_is_lost(path):
    folder = generations_folder(path)
    assert list_maps(folder) == []
    assert keep_map(path, folder, "after the first pass") is not None
    # the same state again: its first command is added, a second one is a generation of its own
    assert keep_map(path, folder, "nothing new") is None
    assert keep_map(path, folder, "before the second pass", command="ddrescue -n").number == 1
    assert keep_map(path, folder, "before the third pass", command="ddrescue -r1").number == 2
    assert keep_map(path, folder, "before: an edit", insist=True).number == 2
    assert told(folder) == [
        (1, "after the first pass; before the second pass", "ddrescue -n"),
        (2, "before the third pass; before: an edit", "ddrescue -r1"),
    ]
    path.write_bytes(MAP + b"512 512 -\n")
    assert keep_map(path, folder, "another").number == 3
    assert load_map(folder, 2).path.read_bytes() == MAP
    with pytest.raises(NotFoundError):
        load_map(folder, 4)


def test_notes_do_not_grow_for_ever(path):
    folder = generations_folder(path)
    for _ in range(200):
        keep_map(path, folder, "x" * 100, insist=True)
    assert len(list_maps(folder)) == 1
    assert len(list_maps(folder)[0].note) < 5000


def test_what_is_not_there_or_broken(path):
    folder = generations_folder(path)
    assert keep_map(path.with_name("none"), folder, "nothing") is None
    keep_map(path, folder, "one")
    (folder / "0001.json").write_bytes(b"[" * 100_000)
    (folder / "0002.map.tmp").write_bytes(b"")
    (folder / "notes.txt").write_bytes(b"")
    assert told(folder) == [(1, "(its note is lost)", None)]
    with pytest.raises(OutsideError):
        keep_map(path.parent, folder, "a folder")
    with pytest.raises(OutsideError):
        list_maps(path)


def test_what_passes_keep_is_thinned_and_what_a_person_keeps_is_not(path, monkeypatch):
    monkeypatch.setattr("engine.cases.generations._THINNED", ((8, 4), (40, 16)))
    folder = generations_folder(path)
    for number in range(1, 101):
        path.write_bytes(MAP + b"# %d\n" % number)
        keep_map(path, folder, "mine" if number % 30 == 7 else "after a pass", automatic=number % 30 != 7)
    kept = list_maps(folder)
    numbers = [one.number for one in kept]
    assert numbers[-8:] == list(range(93, 101))
    mine = [7, 37, 67, 97]
    assert [one.number for one in kept if not one.automatic] == mine
    assert [number for number in numbers if 60 < number < 93 and number not in mine] == list(range(64, 93, 4))
    assert [number for number in numbers if number <= 60 and number not in mine] == [16, 32, 48]
    assert sorted(entry.stem for entry in folder.glob("*.json")) == sorted(entry.stem for entry in folder.glob("*.map"))
    path.write_bytes(MAP)
    assert keep_map(path, folder, "next").number == 101
    # a note of a person's on what a pass has kept: it is the person's from then on
    path.write_bytes(MAP + b"# last\n")
    assert keep_map(path, folder, "after a pass", automatic=True).automatic
    assert not keep_map(path, folder, "look here", insist=True).automatic
    assert not load_map(folder, 102).automatic
