"""Descriptions of arrays: saved, opened as a source everywhere, hostile ones refused; exports and their maps."""

from __future__ import annotations

import contextlib
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cases import create_case, open_source
from engine.cases.arrays import (
    Member,
    image_size,
    open_array,
    opened_members,
    save_assembly,
    save_sectors_view,
)  # fmt: skip
from engine.cases.exporting import export_image, refuse_target, with_gaps
from engine.cases.repairing import repair_place
from engine.errors import DamagedError, OutsideError, RefusedError, RescueError, UsageError
from engine.progress import SILENT
from engine.raid.array import ArraySource
from engine.raid.description import load_array
from engine.raid.layout import Geometry, Layout
from engine.ranges import RangeSet
from engine.source import BytesSource, FileSource
from tests.engine.raid.writer import lay, save
from tests.engine.sectors.writer import convert

STRIP = 4096


@pytest.fixture
def made(tmp_path: Path):
    volume = random.Random(4).randbytes(STRIP * 3 * 20)
    laid = lay(volume, 4, STRIP, "left-asymmetric", offset=8192)
    save(laid, tmp_path / "set", seed=2)
    return laid


def geometry_of(laid) -> Geometry:
    return Geometry(Layout(laid.layout), laid.strip, tuple(laid.order), (laid.offset,) * len(laid.order))


def test_saved_and_opened_as_a_source(made, tmp_path):
    path = tmp_path / "set" / "x.array"
    save_assembly(path, [Member(one) for one in made.members], geometry_of(made), "note")
    with open_source(path) as source:
        assert source.read(0, source.size).data == made.volume
    assert json.loads(path.read_text())["members"][0]["path"] == "m0"  # beside it: the folder can be moved
    moved = tmp_path / "moved"
    (tmp_path / "set").rename(moved)
    with open_source(moved / "x.array", window=(4096, 8192)) as source:
        assert source.read(0, 4096).data == made.volume[4096:8192]
    with pytest.raises(OutsideError):
        save_assembly(moved / "x.array", [Member(moved / f"m{n}") for n in range(4)], geometry_of(made))


def test_maps_of_members_and_strange_sectors(made, tmp_path):
    raw = []
    for number, path in enumerate(made.members):
        data = path.read_bytes()
        image = tmp_path / f"raw{number}"
        image.write_bytes(convert(data, 520, "zero"))
        raw.append(image)
    size = raw[0].stat().st_size
    map_ = tmp_path / "raw0.map"
    map_.write_text(f"0x0 +\n0x0 0x5000 +\n0x5000 0x1000 -\n0x6000 {size - 0x6000:#x} +\n")
    members = [Member(path, map_ if number == 0 else None, "520") for number, path in enumerate(raw)]
    path = tmp_path / "x.array"
    save_assembly(path, members, geometry_of(made))
    with open_source(path) as source:
        assert source.read(0, source.size).data == made.volume  # one member's hole is computed
        assert not source.holes
    del members[1:2]
    order = tuple(None if n == 1 else n - (n > 1) for n in made.order)
    geometry = Geometry(Layout(made.layout), STRIP, order, (made.offset,) * 4)
    with opened_members(members) as sources:
        array = ArraySource(sources, geometry, "a")
        assert array.holes
        done = export_image(array, tmp_path / "out.img", SILENT, facts={})
    assert done.missing == array.holes.total
    assert "holed" in done.path.name
    from engine.mapfile import read_map

    assert done.map is not None
    assert read_map(done.map).ranges("+").complement(0, done.size) == array.holes


def test_an_array_is_never_written_to(made, tmp_path):
    path = tmp_path / "x.array"
    save_assembly(path, [Member(one) for one in made.members], geometry_of(made))
    with pytest.raises(RefusedError):
        repair_place(path)
    with pytest.raises(RefusedError):
        refuse_target(made.members[0], [str(made.members[0])], force=True)
    with pytest.raises(OutsideError):
        refuse_target(made.members[1], [str(made.members[0])], force=False)


def test_a_member_that_shrank_or_went_is_told(made, tmp_path):
    path = tmp_path / "x.array"
    save_assembly(path, [Member(one) for one in made.members], geometry_of(made))
    made.members[2].write_bytes(made.members[2].read_bytes()[:-4096])
    with pytest.raises(DamagedError, match="member 3 has"):
        open_source(path)
    made.members[2].unlink()
    with pytest.raises(OutsideError):
        open_source(path)


def test_one_image_with_strange_sectors(tmp_path):
    plain = random.Random(3).randbytes(512 * 300)
    raw, view = tmp_path / "raw.img", tmp_path / "raw.sectors"
    raw.write_bytes(convert(plain, 520, "zero", before=8))
    assert save_sectors_view(view, raw, None, "520@8") == len(plain)
    with open_source(view, window=(512, 4096)) as source:
        assert source.read(0, 9999).data == plain[512:4096]
    assert image_size(view) == len(plain)
    with pytest.raises(RefusedError):
        repair_place(view)
    value = json.loads(view.read_text())
    view.write_text(json.dumps({**value, "path": "raw.sectors"}))
    with pytest.raises(DamagedError):
        open_source(view)


def test_circles_end(made, tmp_path):
    path = tmp_path / "x.array"
    save_assembly(path, [Member(one) for one in made.members], geometry_of(made))
    value = json.loads(path.read_text())
    for one in value["members"]:
        one["path"] = str(path)
    path.write_text(json.dumps(value))
    with pytest.raises(DamagedError):
        open_source(path)
    case = create_case(tmp_path / "case", image=path)
    value["members"][0]["path"] = str(case.directory)
    path.write_text(json.dumps(value))
    with pytest.raises(DamagedError):
        open_array(path)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_hostile_descriptions_raise_what_a_person_can_read(tmp_path_factory, data):
    good = {
        "format": "rescuedeck-array", "version": 1, "layout": "left-symmetric", "strip_size": 512, "delay": 1,
        "first_delay": 1, "rows": None, "drives": [{"member": n, "data_offset": 0} for n in (1, 2, 3)],
        "members": [{"path": f"m{n}", "size": 1, "map": None, "sector_size": None} for n in range(3)], "note": "",
    }  # fmt: skip
    odd = st.one_of(
        st.none(), st.integers(-5, 1 << 70), st.text(max_size=8), st.lists(st.integers(), max_size=2),
        st.floats(allow_nan=False), st.dictionaries(st.text(max_size=3), st.integers(), max_size=1),
    )  # fmt: skip
    good[data.draw(st.sampled_from(sorted(good)))] = data.draw(odd)
    path = tmp_path_factory.mktemp("x") / "h.array"
    path.write_text(json.dumps(good))
    with contextlib.suppress(DamagedError):
        load_array(path)
    path.write_bytes(data.draw(st.binary(max_size=60)))
    with pytest.raises(RescueError):
        load_array(path)


def test_the_same_file_twice_is_refused(made):
    with pytest.raises(UsageError), opened_members([Member(made.members[0]), Member(made.members[0])]):
        pass


def test_sparse_stays_sparse(tmp_path):
    path = tmp_path / "sparse"
    with open(path, "wb") as stream:
        stream.truncate(256 << 20)
        stream.seek(200 << 20)
        stream.write(b"x" * 70000)
    geometry = Geometry(Layout.LEFT_SYMMETRIC, 65536, (0, 1, 2), (0, 0, 0))
    with ArraySource([FileSource(path), FileSource(path), FileSource(path)], geometry, "a") as array:
        content = with_gaps(array)
        assert content.size == array.size
        assert content.gaps.total > array.size * 9 // 10
        for at in (0, 400 << 20, (200 << 20) * 2 - 5):
            assert content.read(at, 100_000).data == array.read(at, 100_000).data
    assert with_gaps(BytesSource(b"abc")).size == 3
    assert RangeSet() == with_gaps(BytesSource(b"abc")).holes
