"""Pioneer and Sony: all four layouts, whole disks. Contents are compared byte by byte with what was laid down."""

from __future__ import annotations

import struct

import pytest

from engine import dvr
from tests.dvr_disks import mpeg, pioneer
from tests.dvr_disks.image import when
from tests.dvr_disks.pioneer import BLOCK, File, Title
from tests.engine.dvr.disks import DATE, codes, content

every = pytest.mark.parametrize("key", pioneer.MODELS)
NEW = ("545h", "550h")


def stream(packs, seed, **facts):
    return mpeg.stream(packs, seed, **facts)


@every
def test_titles_with_everything(save, key):
    titles = [
        Title(b"News at eight", [File(stream(40, 1), runs=4)], DATE, source=7),
        Title(b"Caf\xe9 \x80", [File(stream(30, 2), runs=3), File(stream(20, 3), runs=2)], DATE, source=0x81,
              locked=True, genre=7, slot=9),
        Title(b"N" * 64, [File(stream(10, 4))], DATE, source=0x83, genre=3, slot=40),
    ]  # fmt: skip
    made = pioneer.disk(key, titles, index_step=70)
    source = save(made.image)
    found = dvr.read(source)
    assert (found.finding.family, found.variant, found.finding.rung) == ("pioneer", key, dvr.Rung.DIRECTORY)
    assert found.confidence > 0.9
    assert [title.id for title in found.titles] == ["1", "9", "40"]
    assert [title.name for title in found.titles] == ["News at eight", "Café €", "N" * 64]
    for title in found.titles:
        assert content(source, found, title) == made.image.content[title.id]
        assert [(extent.start, extent.size) for extent in title.extents] == made.image.laid[title.id]
        assert title.recorded_at == DATE
        assert not title.deleted and not title.problems and title.rung is dvr.Rung.DIRECTORY
    first, second, third = found.titles
    assert (first.channel, first.input, second.input, third.input) == ("7", "", "line 2", "DV")
    assert second.channel == ""
    old = key not in NEW
    assert [title.locked for title in found.titles] == [False, old, False]
    assert [title.genre for title in found.titles] == ["", "free 1" if old else "", "sports" if old else ""]
    assert [len(title.parts) for title in found.titles] == [1, 2, 1]
    assert [edit.kind for edit in second.edited] == [dvr.EditKind.AB_DELETE]
    assert not found.problems


@every
def test_lengths_come_from_the_clock(save, key):
    wrap = (1 << 33) * 300 - 3 * mpeg.CLOCK
    titles = [
        Title(b"plain", [File(stream(251, 1, scr=77 * mpeg.CLOCK), runs=3)]),
        Title(b"clock wraps", [File(stream(251, 2, scr=wrap, pack_s=0.02))]),
        Title(b"parts", [File(stream(101, 3)), File(stream(51, 4, scr=9 * mpeg.CLOCK))]),
    ]
    found = dvr.read(save(pioneer.disk(key, titles).image))
    assert [round(title.duration_s, 2) for title in found.titles] == [1.0, 5.0, 0.6]
    assert [edit.words for edit in found.titles[2].edited] == [
        "plays 2 files one after the other; 0:00:09 taken out at 0:00:00"
    ]


@every
def test_an_unused_slot_between_used_ones_hides_nothing(save, key):
    titles = [Title(b"first", [File(stream(10, 1))]), Title(b"third", [File(stream(10, 2))], slot=3)]
    found = dvr.read(save(pioneer.disk(key, titles).image))
    assert [(title.id, title.name) for title in found.titles] == [("1", "first"), ("3", "third")]


@every
def test_same_names_stay_apart(save, key):
    titles = [Title(b"Same", [File(stream(10 + n, n))], when(2008, 1, 1 + n)) for n in range(1, 4)]
    made = pioneer.disk(key, titles)
    source = save(made.image)
    found = dvr.read(source)
    assert [title.name for title in found.titles] == ["Same"] * 3
    assert len({title.id for title in found.titles}) == 3
    assert [content(source, found, title) for title in found.titles] == [made.image.content[n] for n in "123"]
    assert not any(title.edited for title in found.titles)


@every
def test_deleted_titles_are_marked_and_last(save, key):
    titles = [
        Title(b"gone", [File(stream(10, 1))], visible=False),
        Title(b"second", [File(stream(10, 2))]),
        Title(b"first", [File(stream(10, 3))]),
    ]
    made = pioneer.disk(key, titles, visible=[3, 2])
    source = save(made.image)
    found = dvr.read(source)
    assert [(title.name, title.deleted) for title in found.titles] == [
        ("first", False), ("second", False), ("gone", True)
    ]  # fmt: skip
    assert content(source, found, found.titles[2]) == made.image.content["1"]


@every
def test_a_deleted_title_whose_blocks_were_used_again(save, key):
    made = pioneer.disk(
        key, [Title(b"gone", [File(stream(20, 1))], visible=False), Title(b"new", [File(stream(20, 2))])]
    )
    start = made.image.laid["2"][0][0] // BLOCK
    # The old title's list names blocks of the new one.
    made.image.put(made.lists[1][0] * BLOCK, struct.pack(">IHH", start + 5, 20, 9))
    found = dvr.read(save(made.image))
    gone = next(title for title in found.titles if title.name == "gone")
    assert [problem.message for problem in gone.problems if problem.code == "reused"] == [
        f"{15 * BLOCK} of its {20 * BLOCK} bytes belong to a later recording now"
    ]


@every
def test_divided_recordings(save, key):
    titles = [Title(b"Half", [File(stream(10, n))], DATE) for n in (1, 2)] + [
        Title(b"Other", [File(stream(9, 3))], DATE)
    ]
    found = dvr.read(save(pioneer.disk(key, titles).image))
    assert [[edit.kind for edit in title.edited] for title in found.titles] == [
        [dvr.EditKind.DIVIDED], [dvr.EditKind.DIVIDED], []
    ]  # fmt: skip


@every
def test_several_block_lists_with_zero_entries_between(save, key):
    packs = 700
    made = pioneer.disk(key, [Title(b"long", [File(stream(packs, 1), runs=350, lists=3, gap_lists=2)])], size=96 << 20)
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == made.image.content["1"]
    assert len(made.lists[1]) == 3


@every
def test_every_entry_of_a_table_block_is_found(save, key):
    # One title in every slot of three FNT blocks; files fill several FAT and FOT blocks without a step.
    count = 40
    titles = [Title(b"T%03d" % n, [File(stream(1, n))], when(2005, 1, 1, 0, n % 60)) for n in range(count)]
    made = pioneer.disk(key, titles, first_index=60)
    source = save(made.image)
    found = dvr.read(source)
    assert [title.name for title in found.titles] == [f"T{n:03d}" for n in range(count)]
    assert all(content(source, found, title) == made.image.content[title.id] for title in found.titles)
    assert len(made.fnt) == -(-count // (8 if key == "550h" else 16))


@every
def test_offsets_beyond_4_gib(save, key):
    made = pioneer.disk(
        key, [Title(b"far", [File(stream(20, 1), runs=2)])], size=12 << 30, directory=0x14800,
        tables_at=(5 << 30) // BLOCK, data_at=(8 << 30) // BLOCK, run_gap=(1 << 29) // BLOCK,
    )  # fmt: skip
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == made.image.content["1"]
    assert found.titles[0].extents[0].start >= 8 << 30


@pytest.mark.parametrize("directory", [0x4008, 0x14800])
@every
def test_a_lost_pointer(save, key, directory):
    made = pioneer.disk(key, [Title(b"kept", [File(stream(20, 1))])], directory=directory, pointer=0, size=512 << 20)
    found = dvr.read(save(made.image))
    assert (found.variant, found.finding.rung) == (key, dvr.Rung.BACKUP)
    assert [title.rung for title in found.titles] == [dvr.Rung.BACKUP]


@pytest.mark.parametrize("key", NEW)
def test_the_first_link_in_the_sister_layouts_field(save, key):
    made = pioneer.disk(
        key, [Title(b"odd", [File(stream(20, 1))], swap_links=True), Title(b"usual", [File(stream(9, 2))])]
    )
    source = save(made.image)
    found = dvr.read(source)
    assert found.variant == key
    assert [content(source, found, title) for title in found.titles] == [
        made.image.content["1"],
        made.image.content["2"],
    ]
    assert [problem.code for problem in found.titles[0].problems] == ["first-link"]
    assert not found.titles[1].problems


@every
def test_more_blocks_than_the_size_says(save, key):
    data = stream(20, 1)
    made = pioneer.disk(key, [Title(b"mpeg", [File(data, size_blocks=15)])])
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == data
    assert codes(found) == {"runs-long"}
    made = pioneer.disk(key, [Title(b"junk", [File(data[: 15 * BLOCK] + b"\xee" * 5 * BLOCK, size_blocks=15)])])
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == data[: 15 * BLOCK]


@every
def test_fewer_blocks_than_the_size_says(save, key):
    made = pioneer.disk(key, [Title(b"short", [File(stream(20, 1), size_blocks=50)])])
    found = dvr.read(save(made.image))
    assert found.titles[0].missing.unplaced == found.titles[0].missing.bytes == 30 * BLOCK
    assert "runs-short" in codes(found)


@every
def test_structures_are_what_a_rescue_must_read_first(save, key):
    made = pioneer.disk(key, [Title(b"one", [File(stream(20, 1), runs=3)])])
    found = dvr.read(save(made.image))
    blocks = [*made.fnt.values(), *made.fot.values(), *made.fat.values(), *made.lists[1], made.block_directories[1]]
    for block in [made.directory, *blocks]:
        assert block * BLOCK in found.structures
        assert (block + 1) * BLOCK - 1 in found.structures or block == made.directory
    assert 0x830 in found.structures and 0x83B in found.structures
    assert not found.structures.intersect(found.titles[0].ranges)
