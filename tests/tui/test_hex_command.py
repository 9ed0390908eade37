"""``rescuedeck hex`` as people and scripts call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.cases.subject import Subject
from engine.hex.bookmarks import Bookmark, add_bookmark
from tui.commands import run as command


@pytest.fixture
def image(tmp_path: Path) -> Path:
    data = bytearray(64 << 10)
    data[1000:1006] = b"Needle"
    data[40_000:40_012] = "needle".encode("utf-16-le")
    data[2048:2056] = bytes.fromhex("A8DD78859865D001")
    data[510:512] = b"\x55\xaa"
    (tmp_path / "disk.img").write_bytes(data)
    (tmp_path / "disk.map").write_text("0x00 + 1\n0x00 0x8000 +\n0x8000 0x200 -\n0x8200 0x7E00 +\n")
    return tmp_path / "disk.img"


def document(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> dict:  # type: ignore[type-arg]
    assert command(["hex", *map(str, words), "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_search(capsys: pytest.CaptureFixture[str], image: Path) -> None:
    found = document(capsys, image, "--find-any-case", "NEEDLE")
    assert [one["offset"] for one in found["finds"]] == [1000, 40_000] and found["complete"]
    assert document(capsys, image, "--find", "Needle")["finds"] == [{"offset": 1000, "size": 6}]
    assert document(capsys, image, "--find-hex", "4e65 ?? 64")["finds"][0]["offset"] == 1000
    assert document(capsys, image, "--find-regex", "N[e]{2}d")["finds"][0]["size"] == 4
    none = document(capsys, image, "--find", "absent", "--map", image.with_suffix(".map"), code=1)
    assert none["unread_bytes"] == 512 and none["finds"] == []
    assert command(["hex", str(image), "--find", "Needle"]) == 0
    assert "1000" in capsys.readouterr().out
    assert command(["hex", str(image), "--find-hex", "x"]) == 2


def test_inspector_entropy_bookmarks(capsys: pytest.CaptureFixture[str], image: Path) -> None:
    found = document(capsys, image, "--at", "2048", "--inspect")
    forms = {one["name"]: one["value"] for one in found["readings"]}
    assert forms["FILETIME LE"] == "2015-03-23 18:38:14.2469544 UTC"
    short = document(capsys, image, "--at", "32764", "--inspect", "--map", image.with_suffix(".map"))
    assert len(short["bytes_hex"]) == 8, "what nobody has read is not inspected"
    assert document(capsys, image, "--at", "0x8000", "--inspect", "--map", image.with_suffix(".map"), code=1)
    values = document(capsys, image, "--entropy", "--map", image.with_suffix(".map"))["values"]
    assert len(values) == 64 and 0 < values[0] < 1
    add_bookmark(Subject(image), Bookmark(510, 2, "the mark"))
    assert document(capsys, image, "--bookmarks")["bookmarks"][0]["name"] == "the mark"


def test_a_range_leaves_as_a_file(capsys: pytest.CaptureFixture[str], image: Path) -> None:
    out = image.with_name("part.bin")
    found = document(capsys, image, "--at", "1000", "--size", "6", "--save", out)
    assert out.read_bytes() == b"Needle" and found["size"] == 6
    found = document(capsys, image, "--at", "0x7F00", "--size", "1K", "--save", image.with_name("holed.bin"), "--map",
                     image.with_suffix(".map"), code=1)  # fmt: skip
    assert found["missing_bytes"] == 512
    assert command(["hex", str(image), "--save", str(out)]) == 3


def test_a_structure_by_name_and_the_list(capsys: pytest.CaptureFixture[str], image: Path) -> None:
    found = document(capsys, image, "--template", "mbr")
    assert found["template"] == "mbr" and found["fields"][-1]["name"] == "signature"
    assert command(["hex", str(image), "--template", "nonsense"]) == 2
    names = {one["name"] for one in document(capsys, "--list")["templates"]}
    assert {"mbr", "ebr", "gpt-header", "fat32-boot", "fsinfo", "fat-directory", "ntfs-boot", "mft-record",
            "ext-superblock", "ole2-header", "ole2-directory", "dbf-header", "meihdfs-superblock",
            "pioneer-addresses", "md-superblock-1"} <= names  # fmt: skip
