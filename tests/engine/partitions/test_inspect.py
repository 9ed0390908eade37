"""Templates over tables and boot sectors: values and meanings, what is wrong, and what was never read."""

from __future__ import annotations

from pathlib import Path

import pytest
from construct import Array, Byte, Bytes, GreedyBytes, Int16ub, Int32ul, Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.partitions.inspect import fields_at
from engine.partitions.model import Node, Place
from engine.partitions.peek import Peek
from engine.partitions.templates import TEMPLATES, guess
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from engine.template import Field, Note, Template, walk
from engine.text import safe_text
from tests.engine.partitions.disks import MIB, blank, entry, exfat, fat, ntfs, place_file, put, run, table, tree_of
from tests.support import needs_tool


def opened(image: Path, title: str, index: int | None = None, holes: RangeSet | None = None) -> dict[str, Field]:
    """The fields of the place with that title (of the partition with that number) by name."""
    tree = tree_of(image)
    with FileSource(image) as file:
        peek = Peek(file if holes is None else HoleSource(file, holes))
        for node in tree.walk():
            for place in node.places:
                if place.title == title and index in (None, node.index):
                    return {field.name: field for field in fields_at(peek, tree, node, place)}
    raise AssertionError(f"no place {title!r}")


def test_mbr_fields_with_chs_decoded(tmp_path: Path) -> None:
    image = blank(tmp_path / "d.img", 64 * MIB)
    good = bytes.fromhex("80 202100 07 073f08 00080000 00f00100")
    assert good[8:12] == (2048).to_bytes(4, "little")
    put(image, 0, table(good, entry(0x83, 60_000, 900_000, 0x13)))
    fields = opened(image, "master boot record")
    assert fields["entries[0].status"].meaning.startswith("active")
    assert fields["entries[0].first_chs"].meaning == "0/32/33"
    assert fields["entries[0].first_chs"].problem is None
    assert fields["entries[0].last_chs"].meaning == "8/7/63"
    assert fields["entries[0].last_chs"].problem is None
    assert fields["entries[0].start_lba"].value == 2048
    assert "1048576" in fields["entries[0].start_lba"].meaning
    assert fields["entries[0].type"].meaning == "NTFS / exFAT / HPFS"
    assert fields["entries[1].status"].problem == "neither 00 nor 80"
    assert fields["entries[1].size_sectors"].problem is not None
    assert fields["entries[1].status"].offset == 446 + 16
    assert fields["signature"].problem is None
    assert fields["signature"].critical


def test_ebr_fields_say_from_where_they_count(tmp_path: Path) -> None:
    image = blank(tmp_path / "d.img", 64 * MIB)
    put(image, 0, table(entry(0x0F, 1000, 100_000)))
    put(image, 1000 * 512, table(entry(0x83, 63, 100), entry(5, 5000, 2000)))
    put(image, 6000 * 512, table(entry(0x83, 63, 100)))
    tree = tree_of(image)
    records = [node for node in tree.walk() if node.kind == "ebr"]
    with FileSource(image) as file:
        fields = {field.name: field for field in fields_at(Peek(file), tree, records[0], records[0].places[0])}
    assert fields["entries[0].start_lba"].meaning == f"at {1063 * 512} bytes (from this EBR)"
    assert fields["entries[1].start_lba"].meaning == f"at {6000 * 512} bytes (from the extended partition's start)"
    assert fields["entries[0].first_chs"].problem is None  # not used


def test_gpt_header_and_entries(tmp_path: Path) -> None:
    needs_tool("sgdisk")
    image = blank(tmp_path / "d.img", 16 * MIB)
    run("sgdisk", "-n", "1:0:+4M", "-n", "5:0:+4M", "-c", "5:five", image)
    fields = opened(image, "header of the primary GPT")
    assert all(field.problem is None for field in fields.values())
    assert fields["disk_guid"].meaning in run("sgdisk", "-p", image)
    entries = opened(image, "entries of the primary GPT")
    assert {name.partition(".")[0] for name in entries} == {"[0]", "[4]"}
    assert entries["[4].name"].meaning == "five"
    assert entries["[4].first_lba"].offset == 1024 + 4 * 128 + 32
    put(image, 512 + 24, b"\x07")
    put(image, 1024 + 33, b"\x55")
    fields = opened(image, "header of the primary GPT")
    assert fields["header_crc"].problem is not None
    assert fields["own_lba"].problem == "it stands at sector 1"
    assert fields["array_crc"].problem is not None


def test_boot_sectors_show_a_wrong_place(tmp_path: Path) -> None:
    needs_tool("mkfs.vfat")
    needs_tool("mkfs.ntfs")
    needs_tool("mkfs.exfat")
    image = blank(tmp_path / "d.img", 32 * MIB)
    put(image, 0, table(entry(0x0C, 63, 8192), entry(7, 10_240, 8192), entry(7, 20_480, 8192)))
    place_file(image, 63 * 512, fat(tmp_path, 4 * MIB, hidden=2048))
    place_file(image, 10_240 * 512, ntfs(tmp_path, 4 * MIB, hidden=10_240))
    place_file(image, 20_480 * 512, exfat(tmp_path, 4 * MIB))
    first = opened(image, "boot sector", 1)
    assert first["hidden_sectors"].value == 2048
    assert first["hidden_sectors"].problem == "the partition begins at sector 63"
    assert first["label"].meaning == "RESCUE"
    assert [name for name, field in first.items() if field.problem] == ["hidden_sectors"]
    assert not [field for field in opened(image, "boot sector", 2).values() if field.problem]
    assert not [field for field in opened(image, "boot sector", 3).values() if field.problem]
    assert not [field for field in opened(image, "FSInfo", 1).values() if field.problem]
    assert opened(image, "backup boot sector", 1)["hidden_sectors"].problem is not None


def test_what_was_never_read_has_no_value(tmp_path: Path) -> None:
    image = blank(tmp_path / "d.img", 16 * MIB)
    put(image, 0, table(entry(0x83, 2048, 100)))
    fields = opened(image, "master boot record", holes=RangeSet([(462, 470)]))
    assert fields["entries[0].type"].value == 0x83
    for name in ("status", "first_chs", "type", "last_chs"):
        assert fields[f"entries[1].{name}"].value is None
        assert fields[f"entries[1].{name}"].problem == "never read"
    assert fields["entries[1].start_lba"].value == 0


@pytest.mark.parametrize("template", TEMPLATES.values(), ids=lambda template: template.name)
def test_notes_belong_to_fields_and_cover_the_bytes(template: Template) -> None:
    import re

    fields = walk(template, bytes(template.size) if not template.repeated else b"\1" * template.size)
    names = {re.sub(r"\[\d+\]\.?", lambda match: "[]." if not match.string.startswith(match[0]) else "", field.name)
             for field in fields}  # fmt: skip
    assert {name for name in template.notes if "fat" not in template.name} <= names | {"drive", "flags"}
    position = 0
    for field in fields:
        assert field.offset == position
        position += field.size
    assert position == template.size


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=1100), name=st.sampled_from(sorted(TEMPLATES)), base=st.integers(0, 1 << 60))
def test_any_bytes_can_be_walked(data: bytes, name: str, base: int) -> None:
    fields = walk(TEMPLATES[name], data, base=base, facts={"sector_size": 512, "disk_sectors": 9, "own_lba": 1})
    for field in fields:
        assert base <= field.offset
        assert safe_text(field.meaning) == field.meaning
        assert field.problem is None or safe_text(field.problem) == field.problem
    guess(data)


def test_walking_is_bounded() -> None:
    """Counts come from the declaration only; a structure without a fixed size is refused at once."""
    many = Template("many", "", Struct("items" / Array(1 << 16, Struct("a" / Byte))))
    assert len(walk(many, bytes(1 << 16))) == 8192
    nested = Template("nested", "", Struct("a" / Struct("b" / Struct("c" / Array(2, Int16ub)))))
    assert [(field.name, field.offset, field.value) for field in walk(nested, b"\0\1\0\2")] == [
        ("a.b.c[0]", 0, 1), ("a.b.c[1]", 2, 2),
    ]  # fmt: skip
    for loose in (Struct("n" / Byte, "d" / Bytes(lambda this: this.n)), Struct("rest" / GreedyBytes)):
        with pytest.raises(ValueError, match="fixed size"):
            walk(Template("loose", "", loose), bytes(100))


def test_cut_off_data_and_notes() -> None:
    template = Template("x", "", Struct("a" / Int32ul, "b" / Int32ul), {
        "a": Note("first", critical=True, expected="7", check=lambda value, _: None if value == 7 else "not 7"),
        "b": Note(lambda value, context: f"{value} after {context.values['a']}"),
    })  # fmt: skip
    first, second = walk(template, b"\1\0\0\0\2\0\0\0", base=100)
    assert (first.field_class, first.problem, first.expected) == ("critical", "not 7", "7")
    assert (second.meaning, second.offset, second.field_class) == ("2 after 1", 104, "standard")
    cut = walk(template, b"\7\0\0\0\2")
    assert cut[1].value is None
    assert "cut off" in (cut[1].problem or "")


def test_node_without_places_has_nothing_to_open() -> None:
    assert Node("gap", 0, 512).places == ()
    assert Place(0, 512, "mbr", "x").template in TEMPLATES
