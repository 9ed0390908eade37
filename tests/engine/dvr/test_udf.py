"""UDF as recorders write it: bare trees, whole volumes, swapped; forms of addresses; what is lost."""

from __future__ import annotations

import struct

import pytest

from engine import dvr
from engine.source.extents import ExtentSource
from tests.dvr_disks import udf
from tests.dvr_disks.image import when
from tests.dvr_disks.udf import BLOCK, File
from tests.engine.dvr.disks import codes, content, holed, two_recordings

BUILT = two_recordings()
IFO = BUILT.management.standard()


def tree(*more, vro=None, ifo=None, **facts):
    files = [File("VR_MANGR.IFO", IFO, **({"pieces": [100]} | (ifo or {}))), File("VR_MANGR.BUP", IFO, pieces=[110]),
             File("VR_MOVIE.VRO", BUILT.vro, **({"pieces": [400, 300, 350]} | (vro or {})))]  # fmt: skip
    return udf.disk([*files, *more], **facts)


def check(source, found, rung=dvr.Rung.DIRECTORY):
    assert [(title.id, title.name) for title in found.titles] == [("1", "One"), ("2", "Two")]
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())
    assert {title.rung for title in found.titles} == {rung}


@pytest.mark.parametrize("start", [0, 0x10000, 0x20000, 0x400000])
def test_bare_trees(save, start):
    made = tree(start=start)
    source = save(made.image)
    found = dvr.read(source)
    assert (found.finding.family, found.variant, found.finding.base, found.label) == ("udf", "bare", start, "DVD VR")
    check(source, found)
    assert not found.problems
    assert {file.modified for file in found.files} == {when(2004, 8, 1, 18, 30)}
    assert [file.path for file in found.files] == [
        f"DVD_RTAV/{n}" for n in ("VR_MANGR.IFO", "VR_MANGR.BUP", "VR_MOVIE.VRO")
    ]


@pytest.mark.parametrize("swap", [False, True])
def test_whole_volumes(save, swap):
    made = tree(volume=True, start=0x88000)
    source = save(made.image, swap=swap)
    found = dvr.read(source)
    assert (found.variant, found.finding.base, found.finding.swapped) == ("volume", 0x88000, swap)
    check(source, found)


@pytest.mark.parametrize("form", ["short", "long"])
@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("per_list", [1, 2, 3, 200])
def test_forms_of_addresses(save, form, extended, per_list):
    vro = {"form": form, "extended": extended, "per_list": per_list, "pieces": [400, 300, 350, 200], "piece_blocks": 30}
    made = tree(vro=vro)
    source = save(made.image)
    found = dvr.read(source)
    check(source, found)
    assert not found.problems
    vro_file = found.files[2]
    assert [(extent.start, extent.size) for extent in vro_file.extents] == made.extents["VR_MOVIE.VRO"]


@pytest.mark.parametrize("extended", [False, True])
def test_data_inside_the_entry(save, extended):
    small = File("SMALL.DAT", b"inside the entry", form="inside", extended=extended)
    source = save(tree(small).image)
    found = dvr.read(source)
    file = found.files[3]
    assert ExtentSource(source, file.extents).read(0, 99).data == b"inside the entry"


def test_blocks_that_were_never_recorded_are_zeros(save):
    sparse = File("SPARSE.DAT", b"x" * BLOCK, pieces=[500], zero_blocks=3)
    source = save(tree(sparse).image)
    file = dvr.read(source).files[3]
    assert ExtentSource(source, file.extents).read(0, 1 << 20).data == bytes(3 * BLOCK) + b"x" * BLOCK
    assert file.extents[0].start is None


def test_offsets_beyond_4_gib(save):
    made = tree(vro={"pieces": [3 << 21, (1 << 21) - 64, 1 << 21], "piece_blocks": 33}, size=13 << 30)
    source = save(made.image)
    found = dvr.read(source)
    check(source, found)
    assert [extent.start - 0x20000 for extent in found.files[2].extents] == [12 << 30, (4 << 30) - 64 * BLOCK, 4 << 30]


def test_the_volumes_name_where_the_disc_has_none(save):
    found = dvr.read(save(udf.disk([File("A.VRO", BUILT.vro, pieces=[400])], label="映画 1").image))
    assert found.label == "映画 1"


def test_deleted_and_odd_names(save):
    more = [File("GONE.VRO", b"g" * BLOCK, pieces=[520], deleted=True), File("映画.DAT", b"", pieces=[]),
            File("a/../b\x1b", b"z", pieces=[530])]  # fmt: skip
    found = dvr.read(save(tree(*more, wide_folder=True).image))
    assert [(file.path, file.deleted) for file in found.files[3:]] == [
        ("DVD_RTAV/GONE.VRO", True), ("DVD_RTAV/映画.DAT", False), ("DVD_RTAV/a_.._b\\x1b", False)
    ]  # fmt: skip
    assert len(found.titles) == 2


def test_the_file_set_is_lost(save):
    made = tree(start=0x20000)
    source = holed(save(made.image), (made.file_set, 512))
    found = dvr.read(source)
    assert (found.finding.base, found.finding.rung) == (0x20000, dvr.Rung.ORPHAN)
    check(source, found, dvr.Rung.ORPHAN)


@pytest.mark.parametrize("what", ["/", "DVD_RTAV"])
def test_a_directorys_content_is_lost(save, what):
    made = tree()
    source = holed(save(made.image), (made.directories[what], BLOCK))
    found = dvr.read(source)
    assert sorted(title.size for title in found.titles if title.size) in (
        sorted(map(len, BUILT.contents.values())), [len(BUILT.vro)]
    )  # fmt: skip
    assert "directory-unread" in codes(found)
    assert {title.rung for title in found.titles} == {dvr.Rung.ORPHAN}


def test_the_entry_of_the_management_file_is_lost(save):
    made = tree()
    source = holed(save(made.image), (made.entries["VR_MANGR.IFO"], 512))
    found = dvr.read(source)
    check(source, found, dvr.Rung.BACKUP)
    assert "entry-lost" in codes(found)


def test_the_entry_of_the_stream_is_lost(save):
    made = tree()
    found = dvr.read(holed(save(made.image), (made.entries["VR_MOVIE.VRO"], BLOCK)))
    assert [(title.name, title.duration_s, title.size) for title in found.titles] == [("One", 2.0, 0), ("Two", 1.5, 0)]
    assert [title.missing.bytes for title in found.titles] == [60 * BLOCK, 45 * BLOCK]
    assert [title.missing.seconds for title in found.titles] == [2.0, 1.5]


def test_wrong_checks(save):
    made = tree()
    # A changed byte under the CRC is told; a changed byte in the tag makes it no descriptor.
    made.image.put(made.entries["VR_MOVIE.VRO"] + 84, b"\x99")
    found = dvr.read(save(made.image))
    assert len(found.titles) == 2
    assert codes(found) == {"crc"}
    made.image.put(made.entries["VR_MOVIE.VRO"] + 12, b"\x99")
    assert "entry-lost" in codes(dvr.read(save(made.image)))


def test_hostile_lists_and_directories(save):
    made = tree(vro={"per_list": 1})
    # The first list of extents continues in itself.
    at = made.entries["VR_MOVIE.VRO"] + BLOCK
    block = (at - made.start) // BLOCK
    ads = struct.pack("<IIII", 2048, 400, 3 << 30 | BLOCK, block)
    made.image.put(at, udf.tagged(258, block, struct.pack("<II", 0, len(ads)) + ads))
    # A folder that holds itself, and a file entry of 2^60 bytes.
    records = udf.identifier("up", 4, directory=True) + udf.identifier("big", 600) + udf.identifier("out", 0xFFFFFFF0)
    made.image.put(made.start + 5 * BLOCK + 1000, bytes(8))
    big = udf.entry(600, 1 << 60, struct.pack("<II", 0x3FFFF800, 0xFFFFFF00) * 200, form=0, file_type=5,
                    date=when(2001, 1, 1), extended=False)  # fmt: skip
    made.image.put(made.start + 600 * BLOCK, big)
    names = b"".join(
        udf.identifier(name, 10 + n) for n, name in enumerate(("VR_MANGR.IFO", "VR_MANGR.BUP", "VR_MOVIE.VRO"))
    )
    listing = names + records
    made.image.put(made.start + 4 * BLOCK, udf.entry(4, len(listing), struct.pack("<II", len(listing), 5), form=0,
                                                     file_type=4, date=when(2001, 1, 1), extended=False))  # fmt: skip
    made.image.put(made.start + 5 * BLOCK, listing)
    found = dvr.read(save(made.image))
    assert {"runs-loop", "twice", "file-size", "outside", "entry-lost"} <= codes(found)


def test_structures(save):
    made = tree()
    found = dvr.read(save(made.image))
    for at in [made.file_set, *made.entries.values(), *made.directories.values(), made.extents["VR_MANGR.IFO"][0][0]]:
        assert at in found.structures
    assert made.extents["VR_MOVIE.VRO"][0][0] not in found.structures
