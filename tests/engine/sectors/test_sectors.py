"""Strange sectors: the view, detection of size and trailer, guards, conversion; against images written apart."""

from __future__ import annotations

import json
import random
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cases import open_source
from engine.cases.sectors import convert as convert_image
from engine.errors import NotFoundError, UsageError
from engine.progress import SILENT
from engine.ranges import RangeSet
from engine.sectors.convert import BesideSource
from engine.sectors.detect import detect
from engine.sectors.guard import guards
from engine.sectors.protection import check_guards
from engine.source import BytesSource, HoleSource, SectorFormat, SectorSource, parse_sector_format
from tests.engine.sectors.writer import convert, crc


def plain_image(size: int = 3 << 20, seed: int = 1) -> bytes:
    """Something like a volume: MFT records, directories, file starts on sectors, prose and noise between them."""
    rng = random.Random(seed)
    out = bytearray(size)
    for at in range(0, size, 4096):
        what = rng.random()
        if what < 0.15:
            continue
        block = bytearray(rng.randbytes(4096) if what < 0.4 else b"some prose of a file that goes on and on. " * 98)[
            :4096
        ]
        if what > 0.8:
            for k in range(0, 4096, 1024):
                block[k : k + 1024] = (b"FILE0\x00\x03\x00" + bytes(40) + rng.randbytes(200)).ljust(1024, b"\0")
        elif what > 0.7:
            block[:8] = rng.choice(
                (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\0\x10JF", b"PK\x03\x04\x14\0\0\0", b"%PDF-1.4")
            )
        out[at : at + 4096] = block.ljust(4096, b"\0")
    return bytes(out)


PLAIN = plain_image()


def test_the_crc_is_t10s():
    assert crc(b"123456789") == 0xD0DB
    rows = np.frombuffer(PLAIN[: 512 * 40], np.uint8).reshape(-1, 512)
    assert guards(rows).tolist() == [crc(bytes(row)) for row in rows]
    whole = np.frombuffer(PLAIN[: 4096 * 5], np.uint8).reshape(-1, 4096)
    assert guards(whole).tolist() == [crc(bytes(row)) for row in whole]
    assert guards(np.zeros((2, 512), np.uint8)).tolist() == [0, 0]


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_the_view_and_what_stands_beside(data):
    raw, size = data.draw(
        st.sampled_from([(520, 512), (524, 512), (528, 512), (4104, 4096), (4160, 4096), (4608, 4096)])
    )
    before = data.draw(st.integers(0, raw - size))
    head = data.draw(st.sampled_from([0, 1, 100, 511]))
    count = data.draw(st.integers(1, 9))
    rng = random.Random(count)
    plain, beside = rng.randbytes(count * size), rng.randbytes(count * (raw - size))
    image = bytearray(rng.randbytes(head))
    for n in range(count):
        extra = beside[n * (raw - size) : (n + 1) * (raw - size)]
        image += extra[:before] + plain[n * size : (n + 1) * size] + extra[before:]
    image += rng.randbytes(data.draw(st.integers(0, raw - 1)))
    pairs = st.lists(st.tuples(st.integers(0, len(image)), st.integers(1, 700)), max_size=3)
    holes = RangeSet((a, min(len(image), a + n)) for a, n in data.draw(pairs))
    format = SectorFormat(raw, size, before, head)
    below = HoleSource(BytesSource(bytes(image)), holes)
    gone = np.zeros(len(image), bool)
    for low, high in holes:
        gone[low:high] = True
    inside = gone[head : head + count * raw].reshape(count, raw)
    for source, wanted, lost in (
        (SectorSource(below, format), plain, inside[:, before : before + size].ravel()),
        (BesideSource(below, format), beside, np.delete(inside, slice(before, before + size), axis=1).ravel()),
    ):
        assert source.size == len(wanted)
        at = data.draw(st.integers(0, source.size))
        for start, length in ((0, source.size), (at, 777)):
            reading = source.read(start, length)
            marks = np.zeros(source.size, bool)
            for low, high in reading.holes:
                marks[low:high] = True
            part = slice(start, start + len(reading.data))
            assert np.array_equal(marks[part], lost[part])
            got, expected = np.frombuffer(reading.data, np.uint8), np.frombuffer(wanted, np.uint8)[part]
            assert np.array_equal(got[~lost[part]], expected[~lost[part]])
        assert source.holes.total == lost.sum()


SHAPES = [
    (520, "pi1", 0, 0, "t10-pi"), (520, "pi2", 0, 0, "t10-pi"), (520, "pi3", 0, 1000, "t10-pi"),
    (520, "zero", 0, 0, "zero"), (520, "zero", 8, 0, "zero"), (520, "stamps", 0, 0, "vendor"),
    (520, "random", 0, 0, "unknown"), (524, "random", 8, 0, "unknown"), (528, "random", 0, 333, "unknown"),
    (4104, "pi1", 0, 0, "t10-pi"), (4160, "pi8x", 0, 0, "t10-pi"), (4160, "random", 0, 0, "unknown"),
    (4224, "random", 0, 0, "unknown"), (4608, "ninth", 0, 0, "vendor"), (4112, "pi1", 0, 4000, "t10-pi"),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "kind", "before", "cut", "trailer"), SHAPES)
def test_size_phase_and_trailer(raw, kind, before, cut, trailer):
    image = convert(PLAIN, raw, kind, before=before)[cut:]
    found = detect(BytesSource(image))
    assert found.format is not None
    assert (found.format.raw, found.format.before, found.format.head) == (raw, before, -cut % raw)
    assert found.trailer == trailer
    assert found.convert
    if kind in ("pi1", "pi2", "pi3"):
        assert found.protection is not None
        assert found.protection.kind == int(kind[2])
    start = -(-cut // raw) * found.format.data
    with SectorSource(BytesSource(image), found.format) as view:
        assert view.read(0, view.size).data == PLAIN[start : start + view.size]


def test_a_plain_image_is_never_offered_a_conversion():
    found = detect(BytesSource(PLAIN))
    assert found.format == SectorFormat(512)
    assert not found.convert


@pytest.mark.parametrize("kind", ["pi1", "pi3"])
def test_guards_tell_where_no_structure_does(kind):
    secret = random.Random(5).randbytes(2 << 20)
    found = detect(BytesSource(convert(secret, 520, kind)[777:]))
    assert str(found.format) == f"520+{-777 % 520}"
    assert found.trailer == "t10-pi"


def test_what_cannot_be_told_is_not_guessed():
    secret = random.Random(5).randbytes(2 << 20)
    found = detect(BytesSource(convert(secret, 520, "random")))
    assert found.format is None
    assert not found.convert
    assert detect(BytesSource(bytes(1 << 20))).format is None


def test_every_guard_is_checked_and_bad_ones_are_a_map(tmp_path):
    image = bytearray(convert(PLAIN, 520, "pi1", first=5000))
    written = [n for n in range(len(image) // 520) if any(image[n * 520 : n * 520 + 512])]
    torn, moved = written[100], written[200]
    image[torn * 520 + 17] ^= 0x40
    image[moved * 520 + 516 : moved * 520 + 520] = struct.pack(">I", 1)
    found = detect(BytesSource(bytes(image)))
    assert found.protection.start == 5000
    hole = RangeSet.of(written[300] * 520 + 5, written[300] * 520 + 6)
    told = check_guards(HoleSource(BytesSource(bytes(image)), hole), found.format, found.protection)
    assert list(told.bad) == [(torn * 512, torn * 512 + 512)]
    assert list(told.misplaced) == [(moved * 512, moved * 512 + 512)]
    assert list(told.unread) == [(written[300] * 512, written[300] * 512 + 512)]
    path, target = tmp_path / "raw.img", tmp_path / "plain.img"
    path.write_bytes(image)
    done = convert_image(str(path), None, target, SILENT)
    expected = bytearray(PLAIN)
    expected[torn * 512 + 17] ^= 0x40
    assert target.read_bytes() == bytes(expected)
    assert done.beside.path.read_bytes() == b"".join(
        image[n * 520 + 512 : n * 520 + 520] for n in range(len(image) // 520)
    )
    from engine.mapfile import read_map

    assert list(read_map(done.bad_map).ranges("?")) == [(torn * 512, torn * 512 + 512)]
    assert json.loads(json.dumps(done.to_json()))["bad_guards"] == [{"start": torn * 512, "size": 512}]


def test_holes_stay_holes_and_are_named(tmp_path):
    path = tmp_path / "raw.img"
    path.write_bytes(convert(PLAIN, 520, "zero"))
    map_ = tmp_path / "raw.map"
    size = path.stat().st_size
    map_.write_text(f"0x0 +\n0x0 0x1000 +\n0x1000 0x1000 -\n0x2000 {size - 0x2000:#x} +\n")
    done = convert_image(str(path), str(map_), tmp_path / "plain.img", SILENT)
    assert done.image.missing > 0
    assert "holed" in done.image.path.name
    assert done.image.map is not None
    with open_source(path, map=map_, sector_size=520) as source:
        assert source.holes.total == done.image.missing


def test_plain_ones_and_doubtful_ones_are_not_converted(tmp_path):
    path = tmp_path / "plain.img"
    path.write_bytes(PLAIN)
    with pytest.raises(NotFoundError):
        convert_image(str(path), None, tmp_path / "out.img", SILENT)
    path.write_bytes(random.Random(5).randbytes(1 << 20))
    with pytest.raises(NotFoundError):
        convert_image(str(path), None, tmp_path / "out.img", SILENT)


def test_formats_in_words():
    for text in ("520", "520@8", "528+195", "4160", "4160/512@3+7"):
        assert str(parse_sector_format(text)) == text
    assert parse_sector_format(4224) == SectorFormat(4224, 4096)
    assert parse_sector_format("512").plain
    for bad in ("", "x", "100", "520@9", "520+520", "99999", "4160/300"):
        with pytest.raises(UsageError):
            parse_sector_format(bad)
