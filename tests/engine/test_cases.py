"""Cases: made, moved, damaged, refused; generations and history."""

from __future__ import annotations

import json
import shutil

import pytest

from engine.cases import (
    create_case,
    is_case,
    keep_generation,
    list_generations,
    load_case,
    load_generation,
    open_source,
    read_history,
    record,
)
from engine.cases.describe import describe_case
from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError, UsageError

MAP = b"# Mapfile.\n0x0  +  1\n0x0  0x1000  +\n0x1000  0x200  -\n0x1200  0xE00  ?\n"


def test_round_trip_and_move(tmp_path):
    made = create_case(
        tmp_path / "smith", title="Smith's SSD", source_path="/dev/sdx", source_size=1 << 40, sector_size=4096,
        identity={"serial": "S1", "wwn": "0x5", "size_bytes": 1 << 40},
    )  # fmt: skip
    assert load_case(tmp_path / "smith") == made
    assert (tmp_path / "smith").stat().st_mode & 0o777 == 0o700
    shutil.move(tmp_path / "smith", tmp_path / "moved")
    moved = load_case(tmp_path / "moved")
    assert moved.image == tmp_path / "moved" / "image.img"
    assert moved.identity == made.identity


def test_image_elsewhere_is_referred_to(tmp_path):
    case = create_case(tmp_path / "c", image=tmp_path / "big.img", map=tmp_path / "big.map")
    assert load_case(case.directory).image == tmp_path / "big.img"


def test_refuses_a_folder_in_use(tmp_path):
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "thesis.txt").write_text("mine")
    with pytest.raises(RefusedError):
        create_case(tmp_path / "c")
    create_case(tmp_path / "d")
    with pytest.raises(RefusedError):
        create_case(tmp_path / "d")
    assert not is_case(tmp_path / "c")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"format": 1}',
        '{"format": "x"}',
        "[" * 100_000,
        '{"format": 1, "title": 5}',
        "\0" * 2_000_000,
    ],
)
def test_damaged_case_file(tmp_path, text):
    case = create_case(tmp_path / "c")
    (case.directory / "case.json").write_text(text)
    with pytest.raises(DamagedError) as caught:
        load_case(case.directory)
    assert "untouched" in str(caught.value)


def test_hostile_values(tmp_path):
    case = create_case(tmp_path / "c")
    value = json.loads((case.directory / "case.json").read_text())
    for size in (-1, 1 << 63, "1", 1.5):
        value["source"]["size"] = size
        (case.directory / "case.json").write_text(json.dumps(value))
        with pytest.raises(DamagedError):
            load_case(case.directory)


def test_newer_format_and_no_case(tmp_path):
    case = create_case(tmp_path / "c")
    value = json.loads((case.directory / "case.json").read_text())
    (case.directory / "case.json").write_text(json.dumps({**value, "format": 99}))
    with pytest.raises(UsageError):
        load_case(case.directory)
    with pytest.raises(NotFoundError):
        load_case(tmp_path)


def test_history_survives_a_torn_line(tmp_path):
    case = create_case(tmp_path / "c")
    record(case, "rescue-started", command="ddrescue -d")
    with open(case.history_path, "ab") as stream:
        stream.write(b'{"time": "2026')
    record(case, "rescue-ended", status=0)
    assert [a.action for a in read_history(case)] == ["rescue-started", "rescue-ended"]
    assert [a.action for a in read_history(case, 1)] == ["rescue-ended"]


def test_generations(tmp_path):
    case = create_case(tmp_path / "c")
    assert keep_generation(case, "nothing yet") is None
    case.map.write_bytes(MAP)
    first = keep_generation(case, "before the first run", command="ddrescue a b c")
    assert first is not None
    assert first.number == 1
    assert keep_generation(case, "unchanged") is None
    case.map.write_bytes(MAP.replace(b"-", b"/"))
    keep_generation(case, "second")
    assert [(g.number, g.note) for g in list_generations(case)] == [(1, "before the first run"), (2, "second")]
    assert load_generation(case, 1).path.read_bytes() == MAP
    (case.maps_dir / "0001.json").unlink()
    assert load_generation(case, 1).command is None
    with pytest.raises(NotFoundError):
        load_generation(case, 7)


def test_open_source_lays_the_map_over_the_image(tmp_path):
    case = create_case(tmp_path / "c")
    with pytest.raises(OutsideError):
        open_source(case.directory)
    case.image.write_bytes(b"x" * 0x2000)
    case.map.write_bytes(MAP)
    with open_source(case.directory) as source:
        assert list(source.holes) == [(0x1000, 0x2000)]
        reading = source.read(0xFF0, 0x20)
        assert reading.data == b"x" * 16 + bytes(16)
        assert reading.holes == ((0x1000, 0x1010),)
    with open_source(case.image, map=case.map, window="0xF00+0x200") as source:
        assert source.size == 0x200
        assert list(source.holes) == [(0x100, 0x200)]
    with open_source(case.image) as source:
        assert not source.holes
    with pytest.raises(UsageError):
        open_source(case.image, window="0x9000+1")


def test_a_short_image_is_not_whole(tmp_path):
    (tmp_path / "i").write_bytes(b"x" * 100)
    (tmp_path / "m").write_bytes(b"0 + 1\n0 0x1000 +\n")
    with open_source(tmp_path / "i", map=tmp_path / "m") as source:
        assert source.size == 0x1000
        assert list(source.holes) == [(100, 0x1000)]


def test_description(tmp_path):
    case = create_case(tmp_path / "c")
    assert describe_case(case)["bytes"] is None
    case.map.write_bytes(MAP)
    told = describe_case(case)
    assert told["bytes"]["finished"] == 0x1000
    assert told["bytes"]["bad_sector"] == 0x200
    case.map.write_bytes(b"no map at all\n")
    told = describe_case(case)
    assert told["bytes"] is None
    assert told["map_error"]
