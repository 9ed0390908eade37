"""Disks that lie: any bytes in any structure give a list of problems, never a crash, a hang or a range outside."""

from __future__ import annotations

import struct
import time
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import dvr
from engine.dvr.recorders import BY_FAMILY
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.dvr_disks import ifo, meihdfs, mpeg, pioneer, udf
from tests.dvr_disks.image import Image
from tests.engine.dvr.disks import DATE, two_recordings

BUILT = two_recordings()


def flat(image: Image) -> bytes:
    data = bytearray(image.size)
    for offset, part in image.parts:
        data[offset : offset + len(part)] = part
    return bytes(data)


def disks() -> dict[str, bytes]:
    """One small disk of each family."""
    made = {}
    for key in pioneer.MODELS:
        titles = [pioneer.Title(b"T%d" % n, [pioneer.File(mpeg.stream(6, n), runs=2)] * 2, DATE) for n in range(3)]
        made[key] = flat(pioneer.disk(key, titles, size=600 * 2048, directory=16, data_at=64).image)
    pan = BUILT.management.panasonic()
    files = [meihdfs.File("0001.IFO", pan, blocks=[6]), meihdfs.File("0001.VRO", BUILT.vro, blocks=[7])]
    made["mei"] = flat(meihdfs.disk("V2.1", files, start=0, size=9 * meihdfs.BLOCK).image)
    lists = ifo.Management(BUILT.management.vobs, BUILT.management.programmes, [ifo.Programme([ifo.Cell(1)], b"L")])
    tree = [udf.File("VR_MANGR.IFO", lists.standard(), pieces=[30]),
            udf.File("VR_MOVIE.VRO", BUILT.vro, pieces=[40, 90], piece_blocks=40, per_list=1)]  # fmt: skip
    made["udf"] = flat(udf.disk(tree, start=0, size=240 * 2048).image)
    return made


DISKS = disks()
FINDINGS = {name: dvr.probe(BytesSource(data))[0] for name, data in DISKS.items()}
# Where the structures are: damage is done there, not in the streams.
PLACES = {
    name: [at for low, high in BY_FAMILY[one.family].read(BytesSource(DISKS[name]), one, deep=False).structures
           for at in range(low, high, 2) if any(DISKS[name][at : at + 2])]
    for name, one in FINDINGS.items()
}  # fmt: skip
NASTY = st.sampled_from([
    b"\xff" * 4, b"\xff" * 8, b"\0" * 4, b"\0\0\0\1", b"\1\0\0\0", b"\x7f\xff\xff\xff", b"\0\0\0\x80",
    b"\x80\0\0\0", b"\xff\xff",
])  # fmt: skip


def harmless(text: str) -> bool:
    """No control, hidden, separator or half characters."""
    return not {unicodedata.category(char) for char in text} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def check(data: bytes, recordings: dvr.Recordings) -> None:
    for title in recordings.titles:
        assert harmless(title.name) and harmless(title.id) and title.shown_name
        for extent in title.extents:
            assert extent.size > 0
            assert extent.start is None or 0 <= extent.start <= extent.start + extent.size <= len(data)
        assert title.duration_s is None or title.duration_s >= 0
    for file in recordings.files:
        assert harmless(file.path)
        assert all(e.start is None or 0 <= e.start <= e.start + e.size <= len(data) for e in file.extents)
    ids = [title.id for title in recordings.titles]
    assert len(ids) == len(set(ids))
    assert not recordings.structures or int(recordings.structures.ends[-1]) <= len(data)


def test_all_disks_are_understood():
    assert {name: one.family for name, one in FINDINGS.items()} == {
        **dict.fromkeys(pioneer.MODELS, "pioneer"), "mei": "meihdfs", "udf": "udf"
    }  # fmt: skip
    assert all(len(places) > 20 for places in PLACES.values())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), name=st.sampled_from(sorted(DISKS)))
def test_any_damage_in_the_structures(data, name):
    disk = bytearray(DISKS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.sampled_from(PLACES[name]))
        value = data.draw(NASTY | st.binary(min_size=1, max_size=8))
        disk[place : place + len(value)] = value
    del disk[len(DISKS[name]) :]
    unread = RangeSet.of(0, 0)
    if data.draw(st.booleans()):
        hole = data.draw(st.sampled_from(PLACES[name])) // 512 * 512
        unread = RangeSet.of(hole, hole + 512)
    begun = time.process_time()
    source = BytesSource(bytes(disk), holes=unread)
    # Under the finding of the whole disk, and by itself.
    check(bytes(disk), dvr.read(source, FINDINGS[name]))
    for finding in dvr.probe(source)[:2]:
        check(bytes(disk), dvr.read(source, finding))
    assert time.process_time() - begun < 20


@pytest.mark.parametrize("name", sorted(DISKS))
@pytest.mark.parametrize("fill", [b"\xff", b"\x01", b"\x00\x00\x00\x01", b"\x00\x00\x00\x40"])
def test_structures_of_one_value(name, fill):
    disk = bytearray(DISKS[name])
    one = FINDINGS[name]
    whole = BY_FAMILY[one.family].read(BytesSource(DISKS[name]), one, deep=False)
    for low, high in whole.structures:
        disk[low:high] = (fill * (high - low))[: high - low]
    check(bytes(disk), dvr.read(BytesSource(bytes(disk)), one))


@pytest.mark.parametrize("name", sorted(DISKS))
def test_cut_disks(name):
    data = DISKS[name]
    for share in range(1, 24):
        part = data[: len(data) * share // 24]
        check(part, dvr.read(BytesSource(part), FINDINGS[name]))


@pytest.mark.parametrize("name", sorted(DISKS))
def test_nothing_was_read(name):
    size = len(DISKS[name])
    source = BytesSource(bytes(size), holes=RangeSet.of(0, size))
    found = dvr.read(source, FINDINGS[name])
    assert found.titles == () and found.problems
    assert dvr.probe(source) == []


def test_tables_at_their_largest_end_soon():
    # Every directory entry, link, address and run of a disk points somewhere: 40 MB of tables, all crossed.
    blocks = 20_000
    image = Image(blocks * 2048)
    image.put(0x830, (16).to_bytes(4, "big"))
    for block in range(16, blocks, 7):
        image.put(
            block * 2048,
            b"".join((17 + (block * 31 + n * 97) % (blocks - 20)).to_bytes(4, "big") + b"\0\3\0\0" for n in range(256)),
        )
    begun = time.process_time()
    source = BytesSource(flat(image))
    for layout in pioneer.MODELS:
        finding = dvr.Finding("pioneer", layout, "", 1.0, (), place=16 * 2048)
        check(bytes(source.size), dvr.read(source, finding))
    assert time.process_time() - begun < 60


def test_a_disk_gives_only_so_many_pieces(monkeypatch):
    monkeypatch.setattr("engine.dvr.disk.MAX_READS", 10)
    for name, data in DISKS.items():
        found = dvr.read(BytesSource(data), FINDINGS[name])
        check(data, found)
        assert "too-many" in {problem.code for problem in found.problems}


def test_directories_of_zeros_end_soon(save):
    # A folder of 8 MiB of zeros, named a thousand times.
    def folder(block, size, content):
        ads = struct.pack("<II", size, content)
        data = udf.entry(block, size, ads, form=0, file_type=4, date=DATE, extended=False)
        made.image.put(block * udf.BLOCK, data)

    made = udf.disk([], start=0, size=32 << 20)
    for number in range(1000):
        folder(20 + number, 8 << 20, 5000)
    names = b"".join(udf.identifier(f"d{number}", 20 + number, directory=True) for number in range(1000))
    folder(4, len(names), 4000)
    made.image.put(4000 * udf.BLOCK, names)
    begun = time.process_time()
    found = dvr.read(save(made.image))
    assert "too-many" in {problem.code for problem in found.problems}
    assert time.process_time() - begun < 20
