"""Carving as a command and on the screen: scanned, listed, written, put together, its gaps for the next pass."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from engine.devices import Device
from engine.mapfile import read_map
from tests.engine.carve.images import Image, filling
from tests.engine.carve.made_files import made, picture
from tests.engine.dvr.clock.streams import Maker
from tests.engine.ole2.writer import write as ole2
from tests.support import find_tool, needs_tool
from tests.tui.shell import HOSTILE, deck, run, text, until
from tui.commands import run as rescuedeck
from tui.screens.carving import CarvingScreen
from tui.widgets.long_list import LongList
from tui.widgets.rows import Column, Row

GAP = 8 * 4096


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture, a film with 512 unread bytes, a picture in two pieces, an archive."""
    monkeypatch.chdir(tmp_path)
    image = Image().fill("random", 4096).put("jpeg").put("mp4", align=4096)
    film = max(image.files)
    image.fill("zeros", -len(image.data) % 4096)
    split = picture("PNG", (200, 150))
    image.files[len(image.data)] = ("split", split)
    image.data += split[:8192] + filling("random", GAP, 3) + split[8192:]
    image.put("zip").fill("random", 9000)
    data = bytearray(image.data)
    data[film + 4096 : film + 4608] = bytes(512)
    path = tmp_path / "disk.img"
    path.write_bytes(data)
    rest = len(data) - film - 4608
    (tmp_path / "disk.map").write_text(
        f"0x0 + 1\n0x0 0x{film + 4096:x} +\n0x{film + 4096:x} 0x200 -\n0x{film + 4608:x} 0x{rest:x} +\n"
    )
    return path


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = rescuedeck(["carve", *words])
    return code, capsys.readouterr().out


def test_files_are_listed_with_what_they_lack(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = hashlib.sha256(disk.read_bytes()).digest()
    code, out = command(capsys, "disk.img", "--map", "disk.map", "--list", "--json", "--quiet", "--domain", "next.map")
    assert code == 1
    files = json.loads(out)["files"]
    assert [(one["type"], one["complete"], one["missing_bytes"]) for one in files] == [
        ("jpeg", True, 0), ("media", False, 512), ("png", False, 0), ("zip", True, 0),
    ]  # fmt: skip
    assert set(files[0]) >= {"type", "start", "size", "path", "complete", "missing_bytes"}
    film = files[1]["start"]
    assert list(read_map("next.map").ranges("+")) == [(film + 4096, film + 4608)]
    assert hashlib.sha256(disk.read_bytes()).digest() == before
    assert sorted(path.name for path in disk.parent.iterdir()) == ["disk.img", "disk.map", "next.map"]


def test_files_are_written_under_names_that_tell(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = command(capsys, "disk.img", "--map", "disk.map", "-o", "found", "--json", "--quiet")
    assert code == 1
    files = json.loads(out)["files"]
    assert Path(files[0]["path"]).read_bytes() == made("jpeg")
    assert Path(files[3]["path"]).read_bytes() == made("zip")
    assert "holed" in Path(files[1]["path"]).name
    assert "broken" in Path(files[2]["path"]).name
    assert files[0]["sha256"] == hashlib.sha256(made("jpeg")).hexdigest()
    assert [one["duplicate_of"] for one in files] == [None] * 4


def test_free_space_holds_what_was_deleted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for tool in ("mkfs.vfat", "mcopy", "mdel"):
        needs_tool(tool)
    image = tmp_path / "fat.img"
    image.write_bytes(bytes(16 << 20))
    for name in ("jpeg", "png"):
        (tmp_path / name).write_bytes(made(name))
    for words in (("mkfs.vfat", "-F", "16", image), ("mcopy", "-i", image, tmp_path / "jpeg", tmp_path / "png", "::"),
                  ("mdel", "-i", image, "::jpeg")):  # fmt: skip
        subprocess.run([find_tool(str(words[0])) or "", *words[1:]], check=True, capture_output=True)
    code, out = command(capsys, str(image), "--list", "--free", "--json", "--quiet")
    assert code == 0
    assert [(one["type"], one["size"]) for one in json.loads(out)["files"]] == [("jpeg", len(made("jpeg")))]
    code, out = command(capsys, str(image), "--list", "--json", "--quiet")
    assert {one["type"] for one in json.loads(out)["files"]} == {"jpeg", "png"}


def test_files_of_the_same_content_are_marked_not_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = Image().put("jpeg").put("png").put("jpeg").fill("zeros", 512)
    path = tmp_path / "twins.img"
    path.write_bytes(image.data)
    code, out = command(capsys, str(path), "-o", str(tmp_path / "found"), "--json", "--quiet")
    assert code == 0
    files = json.loads(out)["files"]
    assert [one["duplicate_of"] for one in files] == [None, None, 0]
    assert len({one["path"] for one in files}) == 3


@pytest.mark.parametrize(
    "words", [("disk.img",), ("nowhere", "--list"), ("disk.img", "--list", "--types", "nonsense"),
              ("disk.img", "--list", "--block", "700"), ()],
)  # fmt: skip
def test_bad_calls_end_with_one_line(disk: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    assert rescuedeck(["carve", *words]) in (2, 3)
    err = capsys.readouterr().err
    assert err.startswith("rescuedeck: ")
    assert len(err.splitlines()) == 1


def test_types_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    code, out = command(capsys, "--list-types", "--json")
    assert code == 0
    assert {"jpeg", "zip", "ole2", "sqlite"} <= {one["type"] for one in json.loads(out)["types"]}


def test_scanned_narrowed_put_together_and_written_on_the_screen(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck(disk) as (app, pilot):
            await until(pilot, lambda: "finished" in text(app))
            await pilot.press("C")
            await until(pilot, lambda: isinstance(app.screen, CarvingScreen) and "none yet" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: "4 files, 2 whole, 1 with unread bytes" in text(app), most_s=60)
            assert "512 B unread" in text(app)
            await pilot.press("o", "o", "o")
            await until(pilot, lambda: "cheapest to mend first" in text(app))
            await pilot.press("g")
            await until(pilot, lambda: "512 B never read, at 4096+512 of the file" in text(app))
            await pilot.press("d", "enter")
            await until(pilot, lambda: "512 B to read again" in text(app))
            await pilot.press("f", "f", "f")
            await until(pilot, lambda: "broken or cut off" in text(app) and "png" in text(app))
            await pilot.press("p")
            await until(pilot, lambda: "put together: 2 pieces" in text(app), most_s=60)
            await pilot.press("f", "slash", *"png", "enter")
            await until(pilot, lambda: "whole, 2 pieces" in text(app))
            await pilot.press("w", "enter")
            await until(pilot, lambda: "1 file written to" in text(app), most_s=60)
            await pilot.press("enter")
            await until(pilot, lambda: "200 x 150" in text(app))
            await pilot.press("escape", "b")
            await until(pilot, lambda: "89 50 4e 47" in text(app))

    run(test)
    (written,) = (disk.parent / "disk.img.files" / "carved").rglob("*.png")
    assert written.read_bytes() == picture("PNG", (200, 150))
    (wanted,) = read_map(disk.parent / "disk.img.files" / "reread.map").ranges("+")
    assert wanted[1] - wanted[0] == 512


def test_twins_are_counted_on_the_screen(devices: list[Device], tmp_path: Path) -> None:
    path = tmp_path / "twins.img"
    path.write_bytes(Image().put("jpeg").put("png").put("jpeg").fill("zeros", 512).data)

    async def test() -> None:
        async with deck(path) as (app, pilot):
            await until(pilot, lambda: "twins.img" in text(app))
            await pilot.press("C")
            await until(pilot, lambda: isinstance(app.screen, CarvingScreen) and "none yet" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: "3 files, 3 whole" in text(app), most_s=60)
            await pilot.press("slash", *"<1M 3/4 jpg", "enter")
            await until(pilot, lambda: "shown 2: jpg <1048576 3/4" in text(app))
            await pilot.press("slash", *(["backspace"] * 20), "enter", "w", "enter")
            await until(pilot, lambda: "3 files written, 1 with the content of another" in text(app), most_s=60)

    run(test)


def test_films_and_documents_are_handed_over_at_their_place(devices: list[Device], tmp_path: Path) -> None:
    """Also at odd bytes: the rooms see only what belongs to the find, and give out its very bytes."""
    film = Maker(5).stream(12)
    document = ole2({"Contents": filling("random", 30_000, 4), "Data": b"table " * 2000}).data
    broken = bytearray(document)
    broken[76:80] = b"\xee\xee\xee\x7f"  # where its allocation table is said to stand
    image = Image().fill("text", 4096).put("film", film).fill("random", 3000)
    image.put("document", bytes(document), align=1).fill("random", 700, 3)
    image.fill("zeros", -len(image.data) % 512).put("broken", bytes(broken)).fill("zeros", 4096)
    path = tmp_path / "odd.img"
    path.write_bytes(image.data)
    starts = {name: start for start, (name, _) in image.files.items()}

    async def test() -> None:
        async with deck(path) as (app, pilot):
            await until(pilot, lambda: "odd.img" in text(app))
            await pilot.press("C")
            await until(pilot, lambda: isinstance(app.screen, CarvingScreen) and "none yet" in text(app))
            await pilot.press("S")
            await until(pilot, lambda: "3 files, 2 whole" in text(app), most_s=60)
            await pilot.press("v", "s")
            await until(pilot, lambda: "1 recording" in text(app) and "clock scan" in text(app), most_s=60)
            assert f"bytes {starts['film']}-{starts['film'] + len(film)}" in text(app)
            await pilot.press("b")
            await until(pilot, lambda: "00 00 01 ba" in text(app))
            await pilot.press("escape", "escape", "j", "v")
            await until(pilot, lambda: "nothing to repair" in text(app), most_s=60)
            await pilot.press("w", "enter")
            await until(pilot, lambda: "read back: whole" in text(app), most_s=60)
            await pilot.press("escape", "j", "v")
            await until(pilot, lambda: "a repairs it" in text(app), most_s=60)
            await pilot.press("a", "enter")
            await until(pilot, lambda: "read back: whole" in text(app), most_s=60)

    run(test)
    for name in ("document", "broken"):
        written = (tmp_path / "odd.img.files").glob(f"document_{starts[name]}.repaired.*")
        (copy,) = (one for one in written if one.suffix != ".json")
        assert copy.read_bytes()[: len(document)] == document


def test_a_long_list_makes_only_the_rows_in_view(devices: list[Device]) -> None:
    asked: list[int] = []

    def row(index: int) -> Row:
        asked.append(index)
        return Row(str(index), (str(index), HOSTILE[index % len(HOSTILE)]))

    async def test() -> None:
        async with deck() as (app, pilot):
            listing = LongList()
            await app.screen.mount(listing)
            listing.styles.height = 10
            listing.focus()
            await pilot.pause()
            listing.fill((Column("N", 9, right=True), Column("TEXT", 20, flex=True)), 1_000_000, row)
            await pilot.pause()
            asked.clear()
            await pilot.press("G")
            await pilot.pause()
            assert listing.index == 999_999
            assert len(set(asked)) < 60
            assert listing.rows[-1].cells[0] == "999999"
            listing.styles.height = 12
            await pilot.pause()
            await pilot.press("g", "G")
            await until(pilot, lambda: listing.rows[-1].cells[0] == "999999")  # reachable at the new height too
            await pilot.press("pageup", "k", "g", "j")
            assert listing.index == 1
            await until(pilot, lambda: listing.rows[0].cells[0] == "0")
            listing.fill((Column("N", 9),), 0, row, empty="nothing")
            await pilot.pause()
            assert listing.index is None
            await pilot.press("j", "G", "g")

    run(test)
