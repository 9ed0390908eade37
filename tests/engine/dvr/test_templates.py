"""Templates of recorder structures, laid over what the writers of test disks wrote."""

from __future__ import annotations

import pytest

from engine.dvr.templates import TEMPLATES, guess
from engine.template import walk
from tests.dvr_disks import ifo, meihdfs, mpeg, pioneer, udf
from tests.engine.dvr.disks import DATE, two_recordings

BUILT = two_recordings()


def look(data, name, at, size=None):
    fields = walk(TEMPLATES[name], data[at : at + (size or TEMPLATES[name].size)], base=at)
    return {field.name.removeprefix("[0]."): field for field in fields}


@pytest.mark.parametrize("key", pioneer.MODELS)
def test_pioneer(save, key):
    titles = [
        pioneer.Title(b"News", [pioneer.File(mpeg.stream(6, 1), runs=2)] * 2, DATE, source=0x81, genre=3, locked=True)
    ]
    made = pioneer.disk(key, titles, size=2 << 20, directory=16, data_at=128)
    source = save(made.image)
    data = source.read(0, source.size).data
    title = look(data, f"pioneer-{key}-title", made.fnt[0] * 2048)
    assert (title["name"].meaning, title["files"].value, title["first_link"].value) == ("News", 2, 1)
    assert title["source"].meaning == "line 2"
    assert not [field for field in title.values() if field.problem]
    if key in ("520h", "633h"):
        assert (title["recorded"].meaning, title["genre"].meaning, title["locked"].meaning) == (
            "2007-11-03 20:15:30", "sports", "yes"
        )  # fmt: skip
    link = look(data, f"pioneer-{key}-link", made.fot[0] * 2048)
    assert (link["file"].value, link["next_link"].value) == (1, 2)
    file = look(data, f"pioneer-{key}-file", made.fat[0] * 2048)
    assert (file["own_index"].value, file["one"].value, file["size_blocks"].value) == (1, 1, 6)
    assert file["block_directory"].value == made.block_directories[1]
    runs = look(data, "pioneer-block-list", made.lists[1][0] * 2048)
    assert runs["first_block"].value == made.image.laid["1"][0][0] // 2048
    assert runs["blocks"].meaning.startswith("3 blocks")
    assert look(data, "pioneer-addresses", made.directory * 2048)["block"].value == made.fnt[0]


def test_meihdfs(save):
    made = meihdfs.disk("V2.1", [meihdfs.File("0001.VRO", BUILT.vro, blocks=[9])], start=0)
    source = save(made.image)
    data = source.read(0, source.size).data
    head = look(data, "meihdfs-superblock", 0)
    assert head["signature"].meaning == "MEIHDFS-V2.1" and head["management[0]"].value == 1
    assert not [field for field in head.values() if field.problem]
    inode = look(data, "meihdfs-inode", made.pages[2])
    assert (inode["number"].value, inode["size"].value, inode["runs[0].block"].value) == (2, len(BUILT.vro), 9)
    assert inode["mode"].meaning == "file, mode 600"
    table = look(data, "meihdfs-table", made.tables[0])
    assert table["entries[2].page"].value * 4096 == made.pages[2]
    names = look(data, "meihdfs-directory", made.directory_pages[0] + 0x420)
    assert (names["inode"].value, names["name"].meaning) == (2, "0001.VRO")


@pytest.mark.parametrize("extended", [False, True])
def test_udf(save, extended):
    made = udf.disk([udf.File("A.VRO", BUILT.vro, pieces=[300], extended=extended)], start=0)
    source = save(made.image)
    data = source.read(0, source.size).data
    assert look(data, "udf-file-set", 0)["root.block"].value == 2
    entry = look(data, "udf-extended-entry" if extended else "udf-file-entry", made.entries["A.VRO"])
    assert (entry["size"].value, entry["extents[0].block"].value) == (len(BUILT.vro), 300)
    assert entry["modified"].meaning == "2004-08-01 18:30:00"
    assert not [field for field in entry.values() if field.problem and field.value is not None]


def test_management_files():
    data = ifo.Management(BUILT.management.vobs, BUILT.management.programmes, label=b"My disc").standard()
    head = look(data, "dvd-vr-ifo", 0)
    assert (head["label"].meaning, head["version"].meaning) == ("My disc", "1.1")
    assert data[head["movie_table"].value + 2] == 1


def test_what_is_under_the_cursor(save):
    made = meihdfs.disk("HDFS2.1", [meihdfs.File("0001.VRO", BUILT.vro, blocks=[9])], start=0)
    source = save(made.image)
    assert guess(source.read(0, 4096).data) == "meihdfs-superblock"
    assert guess(source.read(made.pages[2], 4096).data) == "meihdfs-inode"
    assert guess(BUILT.management.standard()) == "dvd-vr-ifo"
    tree = udf.disk([udf.File("A.VRO", BUILT.vro, pieces=[300])], start=0)
    plain = save(tree.image)
    assert guess(plain.read(0, 4096).data) == "udf-file-set"
    assert guess(plain.read(tree.entries["A.VRO"], 4096).data) == "udf-file-entry"
    for data in (bytes(4096), b"\xff" * 4096, BUILT.vro[:4096], b""):
        assert guess(data) is None


def test_every_template_has_its_size():
    sizes = {name: template.size for name, template in TEMPLATES.items()}
    assert sizes["pioneer-550h-title"] == 256 and sizes["pioneer-520h-file"] == 96 and sizes["pioneer-545h-link"] == 32
    assert sizes["meihdfs-inode"] == sizes["meihdfs-table"] == 4096
    assert len(sizes) == 12 + 2 + 4 + 4
