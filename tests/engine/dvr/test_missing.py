"""What of a title is missing: bytes, where in the source, and minutes of programme."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import dvr
from engine.dvr.cutting import Cutter, join
from engine.dvr.disk import Disk
from engine.dvr.missing import missing_of
from engine.dvr.model import Extent, Part, TimeMap, Title
from engine.dvr.pack import clock_distance, is_pack, is_scrambled, pack_clock
from engine.dvr.timing import duration
from engine.ranges import RangeSet
from engine.source.extents import BytesSource, ExtentSource
from tests.dvr_disks import ifo, meihdfs, mpeg, pioneer
from tests.engine.dvr.disks import DATE, holed, two_recordings

PACK = 2048
# A pack each 0.004 s.
STEP = 0.004


def one_title(save, packs=1000, **facts):
    made = pioneer.disk("545h", [pioneer.Title(b"x", [pioneer.File(mpeg.stream(packs, 1, **facts), runs=1)])])
    return made, save(made.image)


def test_an_unread_stretch_in_bytes_and_in_time(save):
    made, source = one_title(save)
    start = made.image.laid["1"][0][0]
    found = dvr.read(holed(source, (start + 250 * PACK, 500 * PACK)))
    missing = found.titles[0].missing
    assert missing.bytes == 500 * PACK
    assert list(missing.ranges) == [(start + 250 * PACK, start + 750 * PACK)]
    gap = missing.gaps[0]
    assert (gap.start, gap.end, gap.exact) == (250 * PACK, 750 * PACK, True)
    # From the last pack before to the first pack behind.
    assert gap.start_s == pytest.approx(249 * STEP)
    assert gap.end_s == pytest.approx(750 * STEP)
    assert missing.seconds == pytest.approx(501 * STEP)


def test_one_bad_sector_inside_a_pack(save):
    made, source = one_title(save)
    start = made.image.laid["1"][0][0]
    gap = dvr.read(holed(source, (start + 100 * PACK + 512, 512))).titles[0].missing.gaps[0]
    assert (gap.start, gap.end) == (100 * PACK + 512, 100 * PACK + 1024)
    assert (gap.start_s, gap.end_s) == (pytest.approx(99 * STEP), pytest.approx(101 * STEP))


@pytest.mark.parametrize(
    ("first", "count", "start_s", "end_s"), [(0, 300, 0.0, 300 * STEP), (700, 300, 699 * STEP, None)]
)
def test_the_ends(save, first, count, start_s, end_s):
    made, source = one_title(save)
    start = made.image.laid["1"][0][0]
    title = dvr.read(holed(source, (start + first * PACK, count * PACK))).titles[0]
    gap = title.missing.gaps[0]
    # With an end unread the length is what can still be told: from the first pack that is there to the last.
    assert title.duration_s == pytest.approx(1000 * STEP, rel=0.35)
    assert gap.end - gap.start == count * PACK
    if end_s is None:
        assert gap.end_s == pytest.approx(title.duration_s)
    else:
        assert gap.start_s == 0.0


def test_several_parts_and_titles(save):
    streams = [mpeg.stream(500, n, scr=n * 9 * mpeg.CLOCK) for n in (1, 2)]
    made = pioneer.disk(
        "550h",
        [
            pioneer.Title(b"x", [pioneer.File(one) for one in streams]),
            pioneer.Title(b"y", [pioneer.File(mpeg.stream(9, 3))]),
        ],
    )
    second = made.image.laid["1"][1][0]
    found = dvr.read(holed(save(made.image), (second + 100 * PACK, 50 * PACK)))
    gap = found.titles[0].missing.gaps[0]
    assert (gap.start, gap.end) == (600 * PACK, 650 * PACK)
    assert gap.start_s == pytest.approx(499 * STEP + 99 * STEP, abs=0.01)
    assert not found.titles[1].missing


def test_maps_of_vobus_tell_the_time(save):
    built = two_recordings()
    pan = built.management.panasonic()
    made = meihdfs.disk(
        "V2.1", [meihdfs.File("0001.IFO", pan, blocks=[8]), meihdfs.File("0001.VRO", built.vro, blocks=[12])]
    )
    start = made.extents["0001.VRO"][0][0]
    # VOBUs of 15 packs, half a second each; the second recording begins at sector 62.
    found = dvr.read(holed(save(made.image), (start + 30 * PACK, 15 * PACK), (start + 62 * PACK, 45 * PACK)))
    one, two = found.titles
    assert [(gap.start_s, gap.end_s, gap.exact) for gap in one.missing.gaps] == [(1.0, 1.5, True)]
    assert two.missing.seconds == two.duration_s == 1.5
    assert two.missing.bytes == two.size
    vro = next(file for file in found.files if file.path.endswith("VRO"))
    assert vro.missing.bytes == 60 * PACK


def test_without_a_clock_time_is_by_size_and_said_to_be_so():
    data = b"\xee" * 100 * PACK
    part = Part("x", (Extent(0, len(data)),), 50.0)
    disk = Disk(BytesSource(data, holes=RangeSet.of(10 * PACK, 20 * PACK)))
    gap = missing_of(Title("1", parts=(part,)), disk, disk.source.holes).gaps[0]
    assert (gap.start_s, gap.end_s, gap.exact) == (5.0, 10.0, False)
    unknown = missing_of(Title("1", parts=(Part("x", part.extents),)), disk, disk.source.holes)
    assert unknown.gaps[0].start_s is None and unknown.seconds is None


def test_amounts_in_words():
    some = (dvr.Gap(0, 1536),)
    assert dvr.Missing().amount == "-"
    assert dvr.Missing(gaps=some).amount == "1.5 KiB"
    assert dvr.Missing(gaps=some, unknown=True).amount == "over 1.5 KiB"
    assert dvr.Missing(unknown=True).amount == "unknown"


def test_nothing_is_missing_of_a_whole_disk(save):
    _, source = one_title(save)
    assert not dvr.read(source).titles[0].missing


@settings(max_examples=80, deadline=None)
@given(
    extents=st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), min_size=1, max_size=6),
    holes=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 15)), max_size=5),
)
def test_gaps_are_the_holes_seen_through_the_extents(extents, holes):
    data = bytes(100)
    laid = RangeSet((start, min(100, start + size)) for start, size in holes)
    source = BytesSource(data, holes=laid)
    part = Part(
        "x", tuple(Extent(start, size) for start, size in extents), 10.0, times=_even(sum(size for _, size in extents))
    )
    missing = missing_of(Title("1", parts=(part,)), Disk(source), laid)
    # Byte by byte: which bytes of the content were never read.
    places = [start + n for start, size in extents for n in range(size)]
    wanted = [number for number, place in enumerate(places) if place in laid]
    assert [n for gap in missing.gaps for n in range(gap.start, gap.end)] == wanted
    assert missing.bytes == len(wanted)
    assert {n for low, high in missing.ranges for n in range(low, high)} == {places[number] for number in wanted}
    assert missing.seconds == pytest.approx(10.0 * len(wanted) / len(places))


def _even(size):
    import numpy as np

    return TimeMap(np.array([0, size]), np.array([0.0, 10.0]))


@settings(max_examples=150, deadline=None)
@given(
    extents=st.lists(st.tuples(st.none() | st.integers(0, 80), st.integers(0, 9)), max_size=7),
    start=st.integers(-1, 40), size=st.integers(0, 40),
)  # fmt: skip
def test_what_is_cut_is_a_stretch_of_the_content(extents, start, size):
    laid = [Extent(place, count) for place, count in extents]
    places = [None if one.start is None else one.start + n for one in laid for n in range(one.size)]
    cutter = Cutter(laid)
    assert cutter.size == len(places)
    cut = cutter.cut(start, size)
    wanted = places[start : start + size] if start >= 0 else []
    assert [None if one.start is None else one.start + n for one in cut for n in range(one.size)] == wanted
    # Nothing empty, nothing that could be one.
    assert all(one.size for one in cut) and join(cut) == cut
    assert [cutter.place(n) for n in range(len(places))] == places
    assert cutter.place(-1) is None and cutter.place(len(places)) is None


@settings(max_examples=100, deadline=None)
@given(scr=st.integers(0, (300 << 33) - 1))
def test_clocks_come_back(scr):
    pack = mpeg.video_pack(scr, b"x" * 2000)
    assert len(pack) == PACK and is_pack(pack)
    assert pack_clock(pack) == scr


@pytest.mark.parametrize(
    ("at", "bit"), [(4, 0x04), (4, 0x40), (6, 4), (8, 4), (9, 1), (12, 1), (12, 2), (3, 1), (0, 1)]
)
def test_every_fixed_bit_counts(at, bit):
    pack = bytearray(mpeg.video_pack(123456789, b"x" * 2000))
    assert is_pack(bytes(pack))
    pack[at] ^= bit
    assert not is_pack(bytes(pack))


def test_old_packs_and_short_data():
    old = b"\0\0\1\xba\x21\x00\x01\x00\x01\x80\x00\x01" + bytes(20)
    assert is_pack(old) and pack_clock(old) == 0
    # 33 bits: 3, 15 and 15 with a marker behind each.
    value = 0b0010 << 36 | 5 << 33 | 1 << 32 | 0x1234 << 17 | 1 << 16 | 0x2345 << 1 | 1
    assert pack_clock(b"\0\0\1\xba" + value.to_bytes(5, "big") + bytes(20)) == (5 << 30 | 0x1234 << 15 | 0x2345) * 300
    assert not is_pack(old[:13]) and not is_pack(None) and pack_clock(None) is None


def test_scrambling_bits():
    assert is_scrambled(mpeg.video_pack(0, b"x", 9000, vobu=True, scrambled=True)) is True
    assert is_scrambled(mpeg.video_pack(0, b"x", 9000, vobu=True)) is False
    assert is_scrambled(mpeg.pack_header(0) + b"\0\0\1\xbe" + bytes(2000)) is None
    assert is_scrambled(b"") is None


def test_the_clock_wraps():
    assert clock_distance((300 << 33) - 5, 10) == 15


def test_a_length_the_clock_cannot_tell():
    # A clock that jumps by hours between two extents: their own times are added.
    data = mpeg.stream(250, 1) + mpeg.stream(250, 2, scr=20_000 * mpeg.CLOCK)
    disk = Disk(BytesSource(data))
    half = len(data) // 2
    assert duration(disk, [Extent(0, half), Extent(half, half)]) == pytest.approx(2.0, abs=0.02)
    assert duration(disk, [Extent(0, len(data))]) is None
    assert duration(disk, []) is None
    assert duration(Disk(BytesSource(bytes(9000))), [Extent(0, 8192)]) is None


def test_content_of_a_folder_and_a_holed_map(tmp_path):
    from engine.dvr.folder import FolderSource
    from engine.source import HoleSource

    built = ifo.build([(b"One", mpeg.stream(60, 1), DATE)])
    (tmp_path / "VR_MANGR.IFO").write_bytes(built.management.standard())
    (tmp_path / "VR_MOVIE.VRO").write_bytes(built.vro)
    folder = FolderSource(tmp_path)
    found = dvr.read(folder)
    below = ExtentSource(folder, found.titles[0].extents)
    assert below.read(0, 1 << 20).data == built.vro
    assert HoleSource(folder, RangeSet.of(0, 1)).holes.total == 1
