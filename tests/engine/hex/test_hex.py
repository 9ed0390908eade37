"""Bytes with their statuses, the inspector, bookmarks, selections to files, patches, the strip."""

from __future__ import annotations

import json
import math
import os
import struct
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.cases.subject import Subject
from engine.errors import DamagedError, OutsideError, RefusedError, UsageError
from engine.hex.bookmarks import Bookmark, add_bookmark, bookmarks_path, load_bookmarks, remove_bookmark
from engine.hex.inspector import entropy, inspect, surroundings
from engine.hex.patch import plan_patch, typed_bytes
from engine.hex.reading import PAGE, Bytes, Unread, open_bytes
from engine.hex.saving import save_selection
from engine.hex.strip import measure

MAP = "0x00 + 1\n0x00 0x10000 +\n0x10000 0x200 -\n0x10200 0x200 *\n0x10400 0xFC00 +\n0x20000 0x8000 ?\n"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "disk.img"
    path.write_bytes(os.urandom(0x30000))
    (tmp_path / "disk.map").write_text(MAP)
    return path


def opened(image: Path) -> Bytes:
    return open_bytes(Subject(image, image.with_suffix(".map")))


def test_pages_tell_what_nobody_has_read_and_its_status(image: Path) -> None:
    data = image.read_bytes()
    got = opened(image)
    assert got.page(0).data == data[:PAGE] and not got.page(0).unread
    assert got.page(1).unread == (Unread(0x10000, 0x10200, "-"), Unread(0x10200, 0x10400, "*"))
    assert got.page(1).letter_at(0x10200) == "*" and got.page(1).letter_at(0x10400) is None
    assert got.page(1).data[:0x400] == bytes(0x400)
    # Behind the end of the map nobody has said that anything was read.
    assert got.page(2).unread == (Unread(0x20000, 0x28000, "?"), Unread(0x28000, 0x30000, "?"))
    assert got.page(3).data == b"" and got.unread_bytes == 0x400 + 0x10000
    got.close()


def test_a_window_keeps_the_statuses_in_place(image: Path) -> None:
    got = open_bytes(Subject(image, image.with_suffix(".map"), (0x10100, 0x10500)))
    assert got.page(0).unread == (Unread(0, 0x100, "-"), Unread(0x100, 0x300, "*"))
    got.close()


def test_without_a_map_and_through_a_case(image: Path, tmp_path: Path) -> None:
    plain = open_bytes(Subject(image))
    assert not plain.mapped and not plain.page(1).unread
    plain.close()
    create_case(tmp_path / "case", image=image, map=image.with_suffix(".map"))
    case = open_bytes(Subject(tmp_path / "case"))
    assert case.mapped and case.page(1).letter_at(0x10000) == "-"
    case.close()


def test_devices_folders_and_absent_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="devices"):
        open_bytes(Subject(Path("/dev/null")))
    with pytest.raises(RefusedError):
        open_bytes(Subject(tmp_path))
    with pytest.raises(OutsideError):
        open_bytes(Subject(tmp_path / "absent"))


def test_a_failing_read_is_unread_and_no_zero(image: Path) -> None:
    got = open_bytes(Subject(image))
    os.truncate(image, 100)
    page = got.page(1)
    assert page.unread == (Unread(PAGE, 2 * PAGE, "-"),)
    got.close()


def values(data: bytes) -> dict[str, str]:
    return {one.name: one.value for one in inspect(data)}


def test_the_inspector_reads_numbers_in_both_orders() -> None:
    got = values(struct.pack("<I", 0xFFFFFFFE) + bytes(28))
    assert got["u32 LE"] == "4294967294 / -2" and got["u32 BE"] == "4278190079 / -16777217"
    assert got["u8 / i8"] == "254 / -2" and got["bits"] == "11111110"
    assert values(struct.pack(">d", -1.5) + bytes(24))["f64 BE"] == "-1.5"
    assert values(b"\xfe\xff\xff")["CHS"] == "1023/254/63"
    assert values(b"\x7f\0\0\x01")["IPv4"] == "127.0.0.1"
    guid = bytes.fromhex("a2a0d0ebe5b9334487c068b6b72699c7")
    assert values(guid)["GUID"] == "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
    assert values(b"Hello\x1b[31m\0")["UTF-8"] == "Hello"
    assert values("Grüße\0".encode("utf-16-le"))["UTF-16 LE"] == "Grüße"
    assert "UTF-8" not in values(b"\xff\xfe\0\0")


def test_plausible_dates_come_first_and_short_data_is_no_error() -> None:
    data = bytes.fromhex("A8DD78859865D001") + bytes(24)
    dates = [one for one in inspect(data) if one.kind == "date"]
    assert dates[0].likely and not dates[-1].likely
    filetime = next(one for one in dates if one.name == "FILETIME LE")
    assert filetime.likely and filetime.value == "2015-03-23 18:38:14.2469544 UTC"
    for size in range(33):
        assert all(one.size <= size for one in inspect(os.urandom(size)))


def test_what_begins_here() -> None:
    found = {one.name: one.value for one in surroundings(b"\x89PNG\r\n\x1a\n" + bytes(64), bytes(512))}
    assert found["file type"].startswith("png") and found["entropy"].startswith("0.00")
    found = {one.name: one.value for one in surroundings(b"FILE0" + bytes(600), b"")}
    assert found["structure"] == "mft-record" and "entropy" not in found
    assert not surroundings(b"", b"")


def test_entropy() -> None:
    assert entropy(b"") == 0 and entropy(bytes(4096)) == 0
    assert entropy(bytes(range(256)) * 16) == 8
    assert math.isclose(entropy(b"ab" * 100), 1)


def test_bookmarks_are_kept_beside_the_image_and_in_a_case(image: Path, tmp_path: Path) -> None:
    create_case(tmp_path / "case", image=image, map=image.with_suffix(".map"))
    for subject in (Subject(image), Subject(tmp_path / "case")):
        assert load_bookmarks(subject) == ()
        one, two = Bookmark(512, 0, "boot [b]\x1b"), Bookmark(7, 4, "x", "mbr")
        add_bookmark(subject, one)
        assert [mark.offset for mark in add_bookmark(subject, two)] == [7, 512]
        assert "\x1b" not in load_bookmarks(subject)[1].name
        assert add_bookmark(subject, Bookmark(7, 4, "y"))[0].name == "y"
        assert [mark.name for mark in remove_bookmark(subject, Bookmark(7, 4, "y"))] == ["boot [b]\\x1b"]
    assert bookmarks_path(Subject(tmp_path / "case")).parent == tmp_path / "case"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bookmarks": [1]}', '{"bookmarks": [{"offset": "x"}]}', "[" * 9999])
def test_damaged_bookmarks_are_told_and_not_overwritten(image: Path, text: str) -> None:
    bookmarks_path(Subject(image)).write_text(text)
    with pytest.raises(DamagedError):
        add_bookmark(Subject(image), Bookmark(1))
    assert bookmarks_path(Subject(image)).read_text() == text


def test_a_selection_leaves_as_a_file_that_tells_its_holes(image: Path, tmp_path: Path) -> None:
    got = opened(image)
    written = save_selection(got.source, 100, 1000, tmp_path / "whole.bin")
    assert written.path.read_bytes() == image.read_bytes()[100:1000] and not written.missing
    holed = save_selection(got.source, 0xFF00, 0x10500, tmp_path / "part.bin", subject=Subject(image))
    assert holed.missing.total == 0x400 and "holed" in holed.path.name
    sidecar = next(tmp_path.glob("part*.json"))
    assert json.loads(sidecar.read_text())["facts"]["start"] == 0xFF00
    assert got.page(0).data  # the view goes on
    for start, end in ((5, 5), (9, 3), (0, 1 << 40)):
        with pytest.raises(UsageError):
            save_selection(got.source, start, end, tmp_path / "x")
    with pytest.raises(OutsideError, match="exists"):
        save_selection(got.source, 0, 9, tmp_path / "whole.bin")
    with pytest.raises(OutsideError):
        save_selection(got.source, 0, 9, tmp_path / "no" / "folder")
    got.close()


def test_new_bytes_are_a_plan_and_nothing_else(image: Path) -> None:
    before = image.read_bytes()
    got = opened(image)
    plan = plan_patch(got, 510, b"\x55\xaa")
    assert plan.total == 2 and plan.writes[0].old == before[510:512]
    assert any("map" in note for note in plan.notes)
    with pytest.raises(RefusedError, match="never read"):
        plan_patch(got, 0x10000, b"x")
    with pytest.raises(UsageError):
        plan_patch(got, 0x2FFFF, b"xx")
    assert image.read_bytes() == before
    got.close()


def test_new_bytes_as_typed() -> None:
    assert typed_bytes("55 aa") == typed_bytes("0x55,0xAA") == b"\x55\xaa"
    assert typed_bytes('"hä') == "hä".encode() and typed_bytes('"x"') == b"x"
    for bad in ("", '"', "5", "zz", "00" * 70000):
        with pytest.raises(UsageError):
            typed_bytes(bad)


def test_the_strip_samples_and_tells_holes(image: Path) -> None:
    got = opened(image)
    strip = measure(got, 0, got.size, 48)
    assert strip.cell == 4096 and not strip.sampled and strip.end == got.size
    assert strip.values[0] > 7 and strip.values[16] > 7 and strip.values[32] == "?"  # type: ignore[operator]
    coarse = measure(got, 0, got.size, 3)
    assert coarse.sampled and len(coarse.values) == 3
    assert measure(got, 0, got.size, 48, stopped=lambda: True).values == ()
    got.close()
