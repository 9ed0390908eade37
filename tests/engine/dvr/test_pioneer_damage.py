"""Pioneer and Sony, damaged: each rung of the ladder, and what is said of it."""

from __future__ import annotations

import struct

import pytest

from engine import dvr
from tests.dvr_disks import mpeg, pioneer
from tests.dvr_disks.image import when
from tests.dvr_disks.pioneer import BLOCK, File, Title
from tests.engine.dvr.disks import DATE, codes, content, holed

every = pytest.mark.parametrize("key", pioneer.MODELS)


def disk(key, count=3, **facts):
    titles = [Title(b"T%d" % n, [File(mpeg.stream(20 + n, n), runs=2)], when(2008, 1, n)) for n in range(1, count + 1)]
    return pioneer.disk(key, titles, **facts)


@every
def test_an_unread_title_table_leaves_unnamed_files(save, key):
    made = disk(key)
    source = holed(save(made.image), (made.fnt[0] * BLOCK, BLOCK))
    found = dvr.read(source)
    assert "fnt-lost" in codes(found)
    assert {title.id for title in found.titles} == {"f1", "f2", "f3"}
    for title in found.titles:
        assert (title.kind, title.rung, title.deleted) == ("file", dvr.Rung.ORPHAN, False)
        assert content(source, found, title) == made.image.content[title.id[1:]]
    dates = [title.recorded_at for title in found.titles]
    assert dates == ([when(2008, 1, n) for n in (1, 2, 3)] if key in ("545h", "550h") else [None] * 3)


@every
def test_one_bad_sector_in_the_title_table_costs_its_titles_only(save, key):
    made = disk(key, count=6)
    per_sector = 512 // (256 if key == "550h" else 128)
    source = holed(save(made.image), (made.fnt[0] * BLOCK + 512, 512))
    found = dvr.read(source)
    names = [title.name for title in found.titles if title.kind == "recording"]
    assert names == [f"T{n}" for n in range(1, 7) if (n - 1) // per_sector != 1]
    assert len(found.titles) == 6


@every
def test_an_unread_list_of_visible_titles_deletes_nothing(save, key):
    titles = [Title(b"a", [File(mpeg.stream(9, 1))]), Title(b"b", [File(mpeg.stream(9, 2))], visible=False)]
    made = pioneer.disk(key, titles)
    plain = save(made.image)
    assert [title.deleted for title in dvr.read(plain).titles] == [False, True]
    at = made.directory * BLOCK + (0x400 if key == "550h" else 0x200)
    found = dvr.read(holed(plain, (at, 512)))
    assert [title.deleted for title in found.titles] == [False, False]
    assert "visible-list" in codes(found)


@every
def test_a_nonsense_list_of_visible_titles_deletes_nothing(save, key):
    made = pioneer.disk(key, [Title(b"a", [File(mpeg.stream(9, 1))])], visible=[900, 901, 902])
    found = dvr.read(save(made.image))
    assert [title.deleted for title in found.titles] == [False]
    assert "visible-list" in codes(found)


@every
def test_an_unread_chain_table_is_proposed_by_order(save, key):
    made = disk(key)
    source = holed(save(made.image), (made.fot[0] * BLOCK, BLOCK))
    found = dvr.read(source)
    assert [(title.id, title.name, title.rung) for title in found.titles] == [
        (str(n), f"T{n}", dvr.Rung.ORPHAN) for n in (1, 2, 3)
    ]
    assert all("proposed" in {problem.code for problem in title.problems} for title in found.titles)
    assert [content(source, found, title) for title in found.titles] == list(made.image.content.values())


@every
def test_an_unread_file_table_says_which_titles_it_cost(save, key):
    made = disk(key)
    source = holed(save(made.image), (made.fat[0] * BLOCK, BLOCK))
    found = dvr.read(source)
    titles, loose = found.titles[:3], found.titles[3:]
    assert [title.name for title in titles] == ["T1", "T2", "T3"]
    assert all("file-lost" in {problem.code for problem in title.problems} for title in titles)
    assert all(not title.parts and title.duration_s is None for title in titles)
    # Nobody can say how much: never shown as whole.
    assert all(title.missing and title.missing.unknown and title.missing.seconds is None for title in titles)
    assert all(title.incomplete for title in titles)
    # Their bytes are there, by the block lists alone.
    assert [title.id for title in loose] == [f"b{made.lists[n][0]}" for n in (1, 2, 3)]
    assert [content(source, found, title) for title in loose] == list(made.image.content.values())
    assert {title.rung for title in loose} == {dvr.Rung.ORPHAN}


@every
def test_an_unread_block_list_is_missing_by_bytes(save, key):
    data = mpeg.stream(600, 1)
    made = pioneer.disk(key, [Title(b"long", [File(data, runs=300, lists=2)])], size=96 << 20)
    source = holed(save(made.image), (made.lists[1][1] * BLOCK, BLOCK))
    found = dvr.read(source)
    title = found.titles[0]
    assert content(source, found, title) == data[: 300 * BLOCK]
    assert title.missing.unplaced == 300 * BLOCK
    assert title.missing.seconds == pytest.approx(0.6, abs=0.05)
    assert "block-list-lost" in codes(found)
    assert title.incomplete and not title.missing.unknown


@every
def test_a_file_table_block_the_directory_lost_is_found_by_its_numbers(save, key):
    made = disk(key)
    fat_at = made.directory * BLOCK + {"550h": 0xC80}.get(key, 0xA80)
    plain = save(made.image)
    source = holed(plain, (fat_at // 512 * 512, 512))
    found = dvr.read(source)
    assert [title.name for title in found.titles] == ["T1", "T2", "T3"]
    assert {title.rung for title in found.titles} == {dvr.Rung.ORPHAN}
    assert [content(source, found, title) for title in found.titles] == list(made.image.content.values())


@every
def test_the_whole_directory_area_is_lost(save, key):
    made = disk(key, directory=0x4008, size=64 << 20)
    made.image.wipe(0x800, 0x80)
    made.image.wipe(made.directory * BLOCK, 0x6000)
    source = save(made.image)
    findings = dvr.probe(source)
    assert (findings[0].variant, findings[0].rung) == (key, dvr.Rung.ORPHAN)
    found = dvr.read(source)
    # The titles' slots are not known any more; the chains are lost with the directory, the files are not.
    assert sorted(content(source, found, title) for title in found.titles) == sorted(made.image.content.values())
    assert {title.rung for title in found.titles} == {dvr.Rung.ORPHAN}
    assert sorted(title.name for title in found.titles) == ["T1", "T2", "T3"]
    # Which slots they had is not known: their ids tell where they stand.
    size = 256 if key == "550h" else 128
    assert sorted(title.id for title in found.titles) == [
        f"n{made.fnt[0] * BLOCK // 128 + n * size // 128}" for n in range(3)
    ]


@every
def test_a_deep_look_finds_what_was_deleted_with_its_tables(save, key):
    made = disk(key)
    # The directory forgets the table blocks, as after formatting; another title is there now.
    old, fresh = (
        made,
        pioneer.disk(key, [Title(b"New", [File(mpeg.stream(30, 9))], DATE)], tables_at=30000, data_at=31000),
    )
    for table in (old.fnt, old.fot, old.fat):
        assert table
    image = fresh.image
    keep = [(at, data) for at, data in old.image.parts if at >= (old.directory + 16) * BLOCK]
    image.parts = keep + image.parts
    source = save(image)
    assert [title.name for title in dvr.read(source).titles] == ["New"]
    found = dvr.read(source, deep=True)
    assert [(title.name, title.deleted) for title in found.titles][0] == ("New", False)
    lists = {title.id: title for title in found.titles if title.id.startswith("b")}
    assert set(lists) == {f"b{old.lists[n][0]}" for n in (1, 2, 3)}
    assert all(title.deleted and title.rung is dvr.Rung.ORPHAN for title in lists.values())
    assert [content(source, found, lists[f"b{old.lists[n][0]}"]) for n in (1, 2, 3)] == list(old.image.content.values())


@every
def test_block_one_is_unread(save, key):
    made = disk(key)
    found = dvr.read(holed(save(made.image), (0, 4096)))
    assert (found.variant, found.finding.rung) == (key, dvr.Rung.BACKUP)
    assert len(found.titles) == 3


@every
def test_chains_that_loop_and_tables_that_lie(save, key):
    made = pioneer.disk(
        key, [Title(b"loop", [File(mpeg.stream(9, n)) for n in (1, 2, 3)]), Title(b"good", [File(mpeg.stream(9, 4))])]
    )
    size = 32 if key in ("545h", "550h") else 16
    # The second link of the first title leads back to the first one.
    made.image.put(made.fot[0] * BLOCK + size + 10, struct.pack(">H", 1))
    source = save(made.image)
    found = dvr.read(source)
    assert [len(title.parts) for title in found.titles if title.kind == "recording"] == [2, 1]
    assert [title.missing.unknown for title in found.titles[:2]] == [True, False]
    assert "chain-loop" in codes(found)


@every
def test_runs_outside_the_disk(save, key):
    made = pioneer.disk(key, [Title(b"far", [File(mpeg.stream(9, 1))]), Title(b"good", [File(mpeg.stream(9, 2))])])
    blocks = made.image.size // BLOCK
    made.image.put(made.lists[1][0] * BLOCK, struct.pack(">IHHIHH", blocks - 2, 100, 0, 0xFFFFFFF0, 9, 0))
    found = dvr.read(save(made.image))
    assert found.titles[0].size == 2 * BLOCK
    assert "outside" in codes(found)
    assert all(e.start + e.size <= made.image.size for title in found.titles for e in title.extents)


@every
def test_a_list_that_names_itself_many_times_is_read_once(save, key):
    made = pioneer.disk(key, [Title(b"again", [File(mpeg.stream(9, 1))]), Title(b"good", [File(mpeg.stream(9, 2))])])
    made.image.put(made.block_directories[1] * BLOCK, struct.pack(">II", made.lists[1][0], 1) * 256)
    source = save(made.image)
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == made.image.content["1"]
    assert "shared" in codes(found)


@every
def test_names_cannot_harm(save, key):
    names = [b"../../etc/passwd", b"\x1b[2Jescape", b"nul\0hidden", b"[red]markup[/]", b"\x81\x8d undefined"]
    found = dvr.read(save(pioneer.disk(key, [Title(n, [File(mpeg.stream(9, 1))], DATE) for n in names]).image))
    shown = [title.name for title in found.titles]
    assert shown[:4] == ["../../etc/passwd", "\\x1b[2Jescape", "nul", "[red]markup[/]"]
    assert all(name.isprintable() for name in shown)
    assert [title.name_raw.rstrip(b"\0") for title in found.titles] == names


@every
def test_what_is_unread_speaks_neither_for_nor_against(save, key):
    made = disk(key)
    plain = save(made.image)
    blocks = [*made.block_directories.values(), *(block for lists in made.lists.values() for block in lists)]
    for unread in (blocks, [start // BLOCK for runs in made.image.laid.values() for start, _ in runs]):
        findings = dvr.probe(holed(plain, *((block * BLOCK, BLOCK) for block in unread)))
        assert findings[0].variant == key
        share = next(reason for reason in findings[0].reasons if "tests passed" in reason).split(" ")
        assert share[0] == share[2], findings[0].reasons


@pytest.mark.parametrize("shift", [0, 1536, -512])
@every
def test_problems_say_where_in_the_image(save, key, shift):
    made = disk(key)
    title_size, file_size = (256 if key == "550h" else 128), (128 if key in ("545h", "550h") else 96)
    # The second title's chain names a file there is none of; the third file calls itself otherwise; a run lies outside.
    link = made.fot[0] * BLOCK + (32 if key in ("545h", "550h") else 16) + 8
    made.image.put(link, struct.pack(">H", 700))
    own = {"520h": 76, "633h": 80}.get(key, 60)
    made.image.put(made.fat[0] * BLOCK + 2 * file_size + own, struct.pack(">H", 9))
    made.image.put(made.lists[1][0] * BLOCK + 16, struct.pack(">IHH", 0x7FFFFFFF, 1, 0))
    found = dvr.read(save(made.image, shift=shift))
    told = {problem.code: problem.offset for title in found.titles for problem in title.problems}
    assert told["file-lost"] == made.fnt[0] * BLOCK + title_size + shift
    assert told["file-index"] == made.fat[0] * BLOCK + 2 * file_size + shift
    assert told["outside"] == made.lists[1][0] * BLOCK + 16 + shift
    assert told["no-title"] == made.fat[0] * BLOCK + file_size + shift
