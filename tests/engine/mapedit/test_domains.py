"""Maps clipped to a domain, and what other rooms give as areas: domain maps with their names, files with extents."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cases import case_of_map, create_case, generations_folder, load_case
from engine.cases.case import pointer_beside
from engine.errors import DamagedError, UsageError
from engine.mapedit import Clip, Document, edit_from_json, perform
from engine.mapedit.overlays import parse_overlays, read_overlays
from engine.mapfile import Mapfile, read_map, write_map
from engine.priorities import write_domain
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import random_map
from tui.__main__ import main

M = 1 << 20


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("status", "?+-")
def test_what_lies_in_the_domain_stays_as_it_was(seed: int, status: str) -> None:
    rng = random.Random(seed)
    map_ = random_map(rng)
    cuts = sorted(rng.randrange(map_.start, map_.end) for _ in range(8))
    domain = RangeSet([(low, high + 1) for low, high in zip(cuts[::2], cuts[1::2], strict=True)])
    edit = Clip.to_domain(domain, status)
    after = perform(edit, map_).after
    assert (after.start, after.end) == (int(domain.starts[0]), min(int(domain.ends[-1]), map_.end))
    for low, high in domain.clip(map_.start, map_.end):
        assert after.clipped(low, high).merged().ranges("+") == map_.clipped(low, high).merged().ranges("+")
        for place in (low, high - 1, (low + high) // 2):
            assert after.status_at(place) == map_.status_at(place)
    for low, high in domain.complement(after.start, after.end):
        assert {after.status_at(low), after.status_at(high - 1)} == {status}
    again = edit_from_json(json.loads(json.dumps(edit.to_json())))
    assert again == edit
    assert perform(again, map_).after == after


def test_an_empty_domain_is_none() -> None:
    with pytest.raises(UsageError):
        Clip.to_domain(RangeSet())
    with pytest.raises(DamagedError):
        edit_from_json({"kind": "clip", "domain": [], "status": "?"})


def test_clip_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = tmp_path / "disk.map", tmp_path / "out.map"
    path.write_text(f"0 + 1\n0 {8 * M} +\n{8 * M} {8 * M} -\n")
    write_domain(tmp_path / "wanted.map", RangeSet([(M, 2 * M), (9 * M, 10 * M)]), 16 * M)
    domain = f"@{tmp_path / 'wanted.map'}"
    before = path.read_bytes()
    assert main(["map", "clip", str(path), "--domain", domain, "--in-place"]) != 0
    assert "--lose-finished" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(["map", "clip", str(path), "--domain", domain, "-o", str(out)]) == 0
    assert "between the domain's ranges are called ? now" in capsys.readouterr().out
    made = read_map(out)
    assert (made.start, made.end) == (M, 10 * M)
    assert [made.status_at(place) for place in (M, 2 * M, 9 * M)] == ["+", "?", "-"]


def test_a_domain_of_the_priorities_is_an_area_with_its_name(tmp_path: Path) -> None:
    wanted = RangeSet([(M, 3 * M), (5 * M, 6 * M)])
    write_domain(tmp_path / "photos-2019.map", wanted, 16 * M)
    found = read_overlays(tmp_path / "photos-2019.map")
    assert [(one.label, one.ranges) for one in found] == [("photos-2019.map", wanted)]


def test_files_are_areas_with_their_paths() -> None:
    listed = {"entries": [
        {"path": "/photos/a\x1b[31m.jpg", "extents": [{"start": M, "size": 4096}, {"start": None, "size": 9}]},
        {"path": "/empty", "extents": []},
        {"path": "/b", "extents": [{"start": 3 * M, "size": 512}, {"start": 2 * M, "size": 512}]},
    ]}  # fmt: skip
    first, second = parse_overlays(json.dumps(listed).encode())
    assert "\x1b" not in first.label
    assert list(first.ranges) == [(M, M + 4096)]
    assert (second.label, list(second.ranges)) == ("/b", [(2 * M, 2 * M + 512), (3 * M, 3 * M + 512)])
    hit = {"files": [{"path": "/c", "ranges": [[0, 512], [4096, 8192]]}]}
    assert list(parse_overlays(json.dumps(hit).encode())[0].ranges) == [(0, 512), (4096, 8192)]


@pytest.mark.parametrize("value", [
    {}, {"entries": 3}, {"entries": [{"path": "x", "extents": [{"start": "a", "size": 1}]}]}, {"files": [{}]},
    {"entries": [{"extents": [{"start": 1, "size": 1}]}]}, {"files": [{"path": "x", "ranges": [[5, 1]]}]},
    {"entries": [{"path": "x", "extents": [{"start": 1 << 63, "size": 9}]}]}, {"files": [{"path": "x", "ranges": [1]}]},
])  # fmt: skip
def test_other_json_is_no_list_of_areas(value: object) -> None:
    if value == {"files": [{}]}:
        assert parse_overlays(json.dumps(value).encode()) == ()
        return
    with pytest.raises(DamagedError):
        parse_overlays(json.dumps(value).encode())


def test_perform_is_a_function_whatever_was_imported() -> None:
    code = (
        "import engine.mapedit.performing, engine.mapedit.document\n"
        "from engine.mapedit import perform\n"
        "import engine.mapedit\n"
        "assert callable(perform) and engine.mapedit.perform is perform"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# --- a case whose map lies elsewhere


def test_a_map_outside_of_its_case_leads_to_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "maps" / "disk.map"
    path.parent.mkdir()
    write_map(path, Mapfile.new(0, 16 * M))
    case = create_case(tmp_path / "smith", map=path, source_size=16 * M)
    assert case_of_map(path) == load_case(case.directory)
    assert generations_folder(path) == case.maps_dir
    assert Document.open(path).case is not None
    assert main(["map", "set", str(path), "0-1M", "+", "--in-place", "--note", "by hand"]) == 0
    capsys.readouterr()
    assert [one.name for one in sorted(case.maps_dir.glob("*.map"))] == ["0001.map"]
    assert not path.with_name("disk.map.generations").exists()
    # the case stands for its map, older states too
    for name in (str(case.directory), f"{case.directory}@1"):
        assert main(["map", "info", name, "--json"]) == 0
        finished = json.loads(capsys.readouterr().out)["bytes"]["finished"]
        assert finished == (0 if "@" in name else M)
    assert main(["map", "diff", f"{case.directory}@1", str(case.directory)]) == 1


@pytest.mark.parametrize("said", [
    b"", b"{", b"[]", b'{"case": 5}', b'{"case": "relative"}', b'{"case": "/nowhere"}', b'{"case": "/a\\u0000b"}',
    b'{"case": null}', b"\xff" * 100,
])  # fmt: skip
def test_a_pointer_that_leads_nowhere_is_none(tmp_path: Path, said: bytes) -> None:
    path = tmp_path / "disk.map"
    write_map(path, Mapfile.new(0, 16 * M))
    pointer_beside(path).write_bytes(said)
    assert case_of_map(path) is None


def test_a_case_that_has_another_map_now_is_not_it(tmp_path: Path) -> None:
    path = tmp_path / "disk.map"
    write_map(path, Mapfile.new(0, 16 * M))
    other = create_case(tmp_path / "other")
    pointer_beside(path).write_text(json.dumps({"case": str(other.directory)}))
    assert case_of_map(path) is None


def test_a_map_on_a_medium_that_cannot_be_written_to(tmp_path: Path) -> None:
    folder = tmp_path / "maps"
    folder.mkdir()
    pointer_beside(folder / "disk.map").mkdir()  # nothing can be saved under that name
    case = create_case(tmp_path / "smith", map=folder / "disk.map")
    assert load_case(case.directory).map == folder / "disk.map"


@pytest.mark.parametrize("name", ["disk.map", ".disk.map.case", ".disk.map.edits"])
def test_a_pipe_in_the_place_of_a_file_holds_up_nobody(tmp_path: Path, name: str) -> None:
    path = tmp_path / "disk.map"
    write_map(path, Mapfile.new(0, 16 * M))
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    code = (
        "import sys\nfrom engine.mapedit import Document\nfrom engine.cases import case_of_map\n"
        "from engine.errors import RescueError\n"
        "assert case_of_map(sys.argv[1]) is None\n"
        "try:\n    Document.open(sys.argv[1]).reasons()\nexcept RescueError as error:\n    print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, timeout=60, check=True)
    assert ("named pipe" in done.stdout) == (name == "disk.map")


def test_a_map_from_the_shells_own_pipe() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"0 + 1\n0 512 +\n")
    os.close(writing)
    assert read_map(f"/dev/fd/{reading}").end == 512
    os.close(reading)
