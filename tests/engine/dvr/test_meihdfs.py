"""Panasonic MEIHDFS: versions, directories, runs, tables, groups, and what happens when parts of them are lost."""

from __future__ import annotations

import struct

import pytest

from engine import dvr
from engine.source import FileSource
from engine.source.extents import ExtentSource
from tests.dvr_disks import ifo, meihdfs, mpeg
from tests.dvr_disks.image import when
from tests.dvr_disks.meihdfs import BLOCK, GROUP, PAGE, File
from tests.engine.dvr.disks import DATE, codes, content, holed, two_recordings

VERSIONS = ("V2.0", "V2.1", "V2.3", "HDFS2.0", "HDFS2.1")
BUILT = two_recordings()


def volume(version="V2.1", built=BUILT, *, vro: dict | None = None, **facts):
    pan = built.management.panasonic()
    files = [File("0001.IFO", pan, blocks=[8]), File("0001.BUP", pan, blocks=[9]),
             File("0001.VRO", built.vro, **({"blocks": [12, 10], "run_bytes": 0x10000} | (vro or {})))]  # fmt: skip
    return meihdfs.disk(version, [*files, *facts.pop("more", ())], **facts)


def file_bytes(source: FileSource, recordings: dvr.Recordings, name: str) -> bytes:
    file = next(file for file in recordings.files if file.path.endswith(name))
    return ExtentSource(recordings.view(source), file.extents).read(0, 1 << 30).data


@pytest.mark.parametrize("version", VERSIONS)
def test_versions(save, version):
    made = volume(version)
    source = save(made.image)
    found = dvr.read(source)
    assert (found.finding.family, found.variant, found.finding.base) == ("meihdfs", version, made.start)
    assert found.confidence > 0.9
    assert ("Blu-ray" in found.recorder) == (version == "V2.3")
    assert [(title.id, title.name, title.recorded_at) for title in found.titles] == [
        ("0001-1", "One", DATE), ("0001-2", "Two", None)
    ]  # fmt: skip
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())
    assert [title.duration_s for title in found.titles] == [2.0, 1.5]
    assert [title.rung for title in found.titles] == [dvr.Rung.DIRECTORY] * 2
    # Times count from 1980 below version 3, from 1970 from there on.
    assert {file.modified for file in found.files} == {when(2009, 3, 7, 21, 0, 5)}
    assert file_bytes(source, found, "0001.VRO") == BUILT.vro
    assert [file.role for file in found.files] == ["IFO", "backup", "VRO"]
    assert not found.problems


@pytest.mark.parametrize("start", [0, 0x10000, 0x16000000, 0xA4000000, 0xB7310000])
def test_wherever_it_begins(save, start):
    made = volume(start=start)
    found = dvr.read(save(made.image))
    assert (found.finding.base, len(found.titles)) == (start, 2)


def test_one_programme_has_the_number_of_its_recording(save):
    built = ifo.build([(b"Alone", mpeg.stream(30, 1), DATE)])
    found = dvr.read(save(volume(built=built).image))
    assert [(title.id, title.name) for title in found.titles] == [("0001", "Alone")]


@pytest.mark.parametrize("factor", [0, 1, 8, 64])
def test_factors(save, factor):
    # With a factor the last run is longer than the file; factor 0 counts as 1.
    found_bytes = BUILT.vro
    made = volume(vro={"factor": factor, "blocks": [10, 14], "run_bytes": 0x20000})
    source = save(made.image)
    found = dvr.read(source)
    assert file_bytes(source, found, "0001.VRO") == found_bytes
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())


@pytest.mark.parametrize("unit", [512, 0x600])
def test_where_a_run_begins_in_its_block_is_told_by_the_stream(save, unit):
    made = volume(vro={"offset": 16, "offset_unit": unit, "run_bytes": 0x10000})
    source = save(made.image)
    found = dvr.read(source)
    assert file_bytes(source, found, "0001.VRO") == BUILT.vro
    told = [problem for problem in found.problems if problem.code == "run-offset"]
    assert bool(told) == (unit == 0x600)


@pytest.mark.parametrize("name", ["0002.DAT", "0002.VRO"])
def test_an_offset_that_nothing_tells_is_said_to_be_a_guess(save, name):
    made = volume(more=[File(name, b"text" * 1000, blocks=[20], offset=8)])
    source = save(made.image)
    found = dvr.read(source)
    assert file_bytes(source, found, name) == b"text" * 1000
    assert [problem.code for problem in found.problems] == ["run-offset"]


@pytest.mark.parametrize("count", [319, 320, 321, 400])
def test_many_runs(save, count):
    # One pack in each run; from the 321st on they stand in the next page.
    stream = mpeg.stream(count, 3)
    built = ifo.build([(b"Many", stream, DATE)])
    blocks = [20 + (number * 7) % count for number in range(count)] if count % 7 else list(range(20, 20 + count))
    made = volume(built=built, vro={"blocks": blocks, "run_bytes": 2048}, size=0x160000 + (30 + count) * BLOCK)
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == stream
    assert ("more-runs" in codes(found)) == (count > 320)


def test_offsets_beyond_4_gib(save):
    # 4 GiB are 5461 blocks and a third; the runs lie on both sides, and around 12 GiB.
    made = volume(vro={"blocks": [16384, 5461, 5462, 5460], "run_bytes": 0x8000})
    source = save(made.image)
    found = dvr.read(source)
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())
    assert found.titles[0].extents[0].start - made.start == 12 << 30


def test_runs_of_several_blocks(save):
    data = mpeg.stream(3 * 384 + 17, 1)
    built = ifo.build([(b"Big", data, DATE)])
    made = volume(built=built, vro={"blocks": [20, 10], "run_bytes": 2 * BLOCK})
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == data


@pytest.mark.parametrize("padding", [90, 95, 100, 194, 195, 196, 250])
def test_long_directories_with_deleted_entries(save, padding):
    made = volume(padding_names=padding, deleted=["0009.VRO"])
    found = dvr.read(save(made.image))
    assert len(found.titles) == 2
    gone = [file.path for file in found.files if file.deleted]
    assert len(gone) == padding + 1 and gone[-1] == "DVD_RTAV/0009.VRO"
    assert not found.problems


@pytest.mark.parametrize("names_at", [0x2F0, 0x420, 0x500])
def test_names_that_begin_elsewhere(save, names_at):
    found = dvr.read(save(volume(names_at=names_at).image))
    assert len(found.titles) == 2


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("first", [0, 0x5000])
def test_tables_in_any_order_and_place(save, order, first):
    more = [File("0002.DAT", b"b" * 600, inode=340, blocks=[21]), File("0003.DAT", b"c" * 600, inode=1019, blocks=[22])]
    made = volume(more=more, table_order=order, first_table=first)
    source = save(made.image)
    found = dvr.read(source)
    assert len(found.titles) == 2
    assert file_bytes(source, found, "0002.DAT") == b"b" * 600
    assert file_bytes(source, found, "0003.DAT") == b"c" * 600
    # By the tables, not by a search for loose inodes.
    assert {file.rung for file in found.files} == {dvr.Rung.DIRECTORY}
    assert not found.problems


def test_a_table_with_an_odd_entry(save):
    made = volume()
    table = made.tables[0]
    made.image.put(table + 16 + 12 * 200, struct.pack("<QHH", 0xFFFFFFFF, 7, 9))
    found = dvr.read(save(made.image))
    assert [title.rung for title in found.titles] == [dvr.Rung.DIRECTORY] * 2
    # Without a right head such a page is no table.
    made.image.wipe(table, 8)
    found = dvr.read(save(made.image))
    assert [title.rung for title in found.titles] == [dvr.Rung.ORPHAN] * 2


def test_an_incomplete_inode_is_completed_by_the_next_group(save):
    made = volume(vro={"incomplete": True, "blocks": [12, 10], "run_bytes": 0x10000}, groups=2)
    source = save(made.image)
    found = dvr.read(source)
    assert [title.rung for title in found.titles] == [dvr.Rung.BACKUP] * 2
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())


def test_the_first_tables_are_unread(save):
    made = volume(groups=2)
    first = next(iter(made.tables.values()))
    found = dvr.read(holed(save(made.image), (first, PAGE)))
    assert [title.rung for title in found.titles] == [dvr.Rung.BACKUP] * 2
    assert codes(found) == {"tables-lost"}


def test_the_first_superblock_is_lost(save):
    made = volume(groups=3, start=0x170000)
    found = dvr.read(holed(save(made.image), (made.start, 512)))
    assert (found.finding.base, found.finding.rung, len(found.titles)) == (made.start, dvr.Rung.BACKUP, 2)
    assert "superblock-bad" in codes(found)


def test_every_superblock_is_lost(save):
    made = volume(start=0x170000)
    found = dvr.read(holed(save(made.image), (made.start, 512)))
    assert (found.finding.base, found.finding.rung, len(found.titles)) == (made.start, dvr.Rung.ORPHAN, 2)
    assert found.titles[0].rung is dvr.Rung.ORPHAN


def test_all_tables_are_lost(save):
    made = volume()
    source = holed(save(made.image), *[(at, PAGE) for at in made.tables.values()])
    found = dvr.read(source)
    assert [title.name for title in found.titles] == ["One", "Two"]
    assert {title.rung for title in found.titles} == {dvr.Rung.ORPHAN}
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())


def test_of_loose_copies_the_newest_counts(save):
    made = volume()
    old = meihdfs.inode_page(4, len(BUILT.vro), directory=False, version="V2.1", runs=[(30, 0, 9)], generation=7)
    made.image.put(made.start + 7 * BLOCK, old)
    source = holed(save(made.image), *[(at, PAGE) for at in made.tables.values()])
    found = dvr.read(source)
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())


def test_the_directory_is_lost(save):
    made = volume()
    source = holed(save(made.image), (made.directory_pages[0], PAGE))
    found = dvr.read(source)
    assert [title.name for title in found.titles] == ["One", "Two"]
    assert {title.rung for title in found.titles} == {dvr.Rung.ORPHAN}
    assert [content(source, found, title) for title in found.titles] == list(BUILT.contents.values())
    assert {file.path for file in found.files} >= {"inode-4.VRO", "inode-4.IFO"}


def test_the_inode_of_the_ifo_is_lost(save):
    made = volume()
    found = dvr.read(holed(save(made.image), (made.pages[2], PAGE)))
    assert [(title.name, title.rung) for title in found.titles] == [
        ("One", dvr.Rung.BACKUP), ("Two", dvr.Rung.BACKUP)
    ]  # fmt: skip
    assert "inode-lost" in codes(found)


def test_both_management_files_are_lost(save):
    made = volume()
    source = holed(save(made.image), (made.extents["0001.IFO"][0][0], 512), (made.extents["0001.BUP"][0][0], 512))
    found = dvr.read(source)
    title = found.titles[0]
    assert (title.id, title.name, title.recorded_at) == ("0001", "0001", when(2009, 3, 7, 21, 0, 5))
    assert content(source, found, title) == BUILT.vro
    assert "ifo-bad" in codes(found)


def test_ifo_and_copy_complete_each_other(save):
    made = volume()
    ifo_at, bup_at = made.extents["0001.IFO"][0][0], made.extents["0001.BUP"][0][0]
    # The IFO has 579 bytes: each lacks one of its two sectors.
    found = dvr.read(holed(save(made.image), (ifo_at, 512), (bup_at + 512, 512)))
    assert [(title.name, title.rung) for title in found.titles] == [
        ("One", dvr.Rung.BACKUP), ("Two", dvr.Rung.BACKUP)
    ]  # fmt: skip


def test_deleted_files_that_are_still_there(save):
    gone = mpeg.stream(50, 9)
    built = ifo.build([(b"Gone", gone, DATE)])
    more = [File("X.IFO", built.management.panasonic(), inode=700, blocks=[25], in_directory=False),
            File("X.VRO", built.vro, inode=701, blocks=[26], in_directory=False)]  # fmt: skip
    made = volume(more=more)
    source = save(made.image)
    assert [title.name for title in dvr.read(source).titles] == ["One", "Two"]
    found = dvr.read(source, deep=True)
    assert [(title.name, title.deleted, title.rung) for title in found.titles] == [
        ("One", False, dvr.Rung.DIRECTORY), ("Two", False, dvr.Rung.DIRECTORY), ("Gone", True, dvr.Rung.ORPHAN)
    ]  # fmt: skip
    assert content(source, found, found.titles[2]) == gone


@pytest.mark.parametrize("block", [15, 16, 40])
def test_loose_inodes_far_from_the_others(save, block):
    gone = mpeg.stream(50, 9)
    made = volume(size=0x160000 + 60 * BLOCK)
    made.image.put(made.start + 50 * BLOCK, gone)
    runs = [(50, 0, len(gone) // 512)]
    page = meihdfs.inode_page(900, len(gone), directory=False, version="V2.1", runs=runs, generation=3)
    made.image.put(made.start + block * BLOCK + PAGE, page)
    # The same with something where an inode is empty is a page of something else.
    other = bytearray(page)
    other[4:6], other[0x34] = struct.pack("<H", 901), 1
    made.image.put(made.start + block * BLOCK + 3 * PAGE, other)
    source = save(made.image)
    found = dvr.read(source, deep=True)
    assert [title.id for title in found.titles] == ["0001-1", "0001-2", "INODE-900"]
    assert not {file.path for file in found.files} & {"inode-901.VRO"}
    assert content(source, found, found.titles[2]) == gone and found.titles[2].deleted
    # Without being asked only the usual blocks are looked at, and only when something is lost.
    damaged = holed(source, *[(at, PAGE) for at in (*made.tables.values(), *made.directory_pages)])
    assert ("INODE-900" in {title.id for title in dvr.read(damaged).titles}) == (block == 15)


def test_streams_of_an_external_disk(save):
    data = bytes(192 * 40)
    made = meihdfs.disk(
        "V2.3", [File("00001.m2ts", data + b"\x47", blocks=[9]), File("00001.rpls", b"play", blocks=[8])]
    )
    found = dvr.read(save(made.image))
    assert [(title.id, title.role, title.size) for title in found.titles] == [
        ("00001", "BDAV transport stream", len(data) + 1)
    ]
    assert [file.role for file in found.files] == ["stream", "play list"]


def test_hostile_inodes(save):
    made = volume()
    page = made.pages[4]
    # Runs of 2^32 sectors far outside, a size of 2^63, a factor of 2^32 - 1.
    made.image.put(page + 8, struct.pack("<I", 0xFFFFFFFF))
    made.image.put(page + 0x10, struct.pack("<Q", 1 << 63))
    made.image.put(page + 0x100, struct.pack("<III", 0xFFFFFFF0, 0, 0xFFFFFFFF) * 320)
    found = dvr.read(save(made.image))
    assert {"outside", "file-size"} <= codes(found)
    assert all(title.size == 0 for title in found.titles)


def test_a_directory_that_holds_itself(save):
    made = volume()
    at = made.directory_pages[0] + 0x420
    made.image.put(at + 3 * 32, meihdfs.name_entry(0, "x", True))
    made.image.put(at + 4 * 32, meihdfs.name_entry(1, "../../up", True))
    made.image.put(at + 5 * 32, struct.pack("<IHH", 7, 1, 60000) + b"long".ljust(24, b"\0"))
    made.image.put(at + 6 * 32, struct.pack("<IHH", 99, 1, 4) + b"a\x1b\0b".ljust(24, b"\0"))
    found = dvr.read(save(made.image))
    assert len(found.titles) == 2
    assert {"twice", "directory-entry", "inode-lost"} <= codes(found)
    assert all(file.path.isprintable() for file in found.files)


def test_structures(save):
    made = volume(groups=2)
    found = dvr.read(save(made.image))
    for at in [made.start, made.start + GROUP, *made.tables.values(), *made.pages.values()]:
        assert at in found.structures and at + 511 in found.structures
    # The recorder's management files are structures too; its streams are not.
    assert made.extents["0001.IFO"][0][0] in found.structures
    assert made.extents["0001.VRO"][0][0] not in found.structures
