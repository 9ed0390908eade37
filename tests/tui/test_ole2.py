"""The ``ole2`` commands and the wizard as a person uses them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.engine.ole2 import writer
from tests.engine.ole2.writer import Layout, write
from tests.tui.shell import HOSTILE, deck, run, text, until
from tui.commands import run as rescuedeck
from tui.screens.ole2 import HEADER, Ole2Screen
from tui.screens.ole2_many import Ole2ManyScreen

MADE = write(writer.letter(), Layout())
WIPED = bytes(512) + MADE.data[512:]


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "letter.doc"
    path.write_bytes(WIPED)
    return path


def document(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> dict[str, Any]:
    assert rescuedeck(f"ole2 {line} --json --quiet".split()) == code
    value = json.loads(capsys.readouterr().out)
    assert isinstance(value, dict)
    return value


def test_info_tells_every_field(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "info letter.doc", 1)
    fields = {one["name"]: one for one in told["fields"]}
    assert fields["signature"]["class"] == "standard" and not fields["signature"]["ok"]
    start = fields["directory_start"]
    assert (start["class"], start["offset"], start["value"], start["expected"]) == (
        "critical",
        0x30,
        0,
        MADE.directory[0],
    )
    assert told["kind"] == "word" and told["problems"]
    letter.write_bytes(MADE.data)
    assert all(one["ok"] for one in document(capsys, "info letter.doc")["fields"])


def test_repair_writes_a_copy_and_never_the_original(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = hashlib.sha256(letter.read_bytes()).digest()
    told = document(capsys, "repair letter.doc -o fixed.doc")
    assert Path("fixed.doc").read_bytes() == MADE.data
    assert told["verified"]["whole"] and told["verified"]["streams_ok"] == len(MADE.streams)
    assert told["candidates"][told["chosen"]]["header"]["directory_start"] == MADE.directory[0]
    assert document(capsys, "repair letter.doc -o fixed.doc", 3)["error"]["code"] == "exists"
    assert document(capsys, "repair letter.doc -o letter.doc --force", 3)["error"]["code"] == "refused"
    Path("link.doc").symlink_to("letter.doc")
    assert document(capsys, "repair letter.doc -o link.doc --force", 3)["error"]["code"] == "refused"
    document(capsys, "repair letter.doc -o fixed.doc --force")
    assert hashlib.sha256(letter.read_bytes()).digest() == before


def test_repair_by_hand_and_as_a_new_container(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = (
        f"repair letter.doc -o a.doc --directory {MADE.directory[0]} --base 0 --sector-size 512 --set minor_version=59"
    )
    told = document(capsys, line)
    assert told["candidates"][0]["header"]["minor_version"] == 59
    document(capsys, "repair letter.doc -o b.doc --new")
    assert document(capsys, "info b.doc")["kind"] == "word"
    assert document(capsys, "repair letter.doc -o c.doc --set nonsense=1", 2)["error"]["code"] == "usage"


def test_a_map_makes_holes_that_the_name_tells(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    at = MADE.offset(MADE.chains["WordDocument"][5])
    end = len(WIPED)
    Path("letter.map").write_text(f"0 + 1\n0x0 0x{at:x} +\n0x{at:x} 0x200 -\n0x{at + 512:x} 0x{end - at - 512:x} +\n")
    told = document(capsys, "repair letter.doc -o fixed.doc --map letter.map", 1)
    assert told["missing_bytes"] == 512 and Path(told["written"]).name == "fixed.holed.doc"
    holed = next(one for one in told["streams"] if one["path"] == "WordDocument")
    assert (holed["state"], holed["missing_bytes"]) == ("holed", 512)
    beside = json.loads(Path("fixed.holed.doc.rescue.json").read_text())
    assert beside["missing"] == [[at, at + 512]] and not told["verified"]["whole"]


def test_salvage_saves_streams_and_text(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = document(capsys, "salvage letter.doc -o parts")
    kinds = {one["kind"] for one in told["streams"]}
    assert {"stream", "text"} <= kinds
    assert Path("parts/streams/WordDocument").read_bytes() == MADE.streams["WordDocument"]
    assert "Dear t\u00e9sters" in Path("parts/text.txt").read_text()


def test_what_is_no_document_is_told(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("new.doc").write_bytes(b"PK\x03\x04" + bytes(4000))
    assert document(capsys, "repair new.doc -o x.doc", 1)["error"]["code"] == "ole2-zip"
    Path("empty.doc").write_bytes(b"")
    assert document(capsys, "info empty.doc", 1)["error"]["code"] == "ole2-empty"


def test_many_from_a_folder_and_out_of_an_image(letter: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("in").mkdir()
    Path("in/a.doc").write_bytes(WIPED)
    Path("in/b.doc").write_bytes(MADE.data)
    Path("in/c.txt").write_text("no document " * 500)
    told = document(capsys, "many in -o out", 1)
    states = {one["name"]: one["state"] for one in told["outcomes"]}
    assert states["a.doc"] == "repaired" and states["b.doc"] == "right" and states["c.txt"] in ("none", "failed")
    assert Path("out/a.doc").read_bytes() == MADE.data
    other = write(writer.workbook(), Layout(tables="front")).data
    Path("disk.img").write_bytes(bytes(10 * 512) + WIPED + bytes(3 * 512) + other + bytes(512))
    found = document(capsys, "scan disk.img")["documents"]
    assert [(one["start"], one["header"]) for one in found] == [(5120, False), (5120 + len(WIPED) + 1536, True)]
    told = document(capsys, "many disk.img -o finds")
    assert [one["state"] for one in told["outcomes"]] == ["repaired", "right"]


def test_the_wizard_step_by_step(letter: Path) -> None:
    async def test() -> None:
        async with deck(letter) as (app, pilot):
            await until(pilot, lambda: isinstance(app.screen, Ole2Screen) and "verified" in text(app))
            assert "physical sector 0" in text(app) and "directory" in text(app)
            await pilot.press("full_stop")
            await until(pilot, lambda: "marked" in text(app))
            await pilot.press("full_stop")
            await until(pilot, lambda: f"sector {MADE.directory[0]}: " in text(app))
            await pilot.press("full_stop", "full_stop")
            await until(pilot, lambda: "D0 CF 11 E0" in text(app))
            screen = app.screen
            assert isinstance(screen, Ole2Screen) and screen._step == HEADER
            screen._list.choose("transaction")
            await pilot.press("enter", "backspace", "9", "enter")
            await until(pilot, lambda: "by hand" in text(app))
            assert screen._seen is not None and screen._seen.candidate is not None
            assert screen._seen.candidate.header.transaction == 9
            await pilot.press("x")
            await until(pilot, lambda: "by hand" not in text(app) and "verified" in text(app))
            await pilot.press("full_stop")
            await until(pilot, lambda: "WordDocument" in text(app))
            await pilot.press("full_stop")
            await until(pilot, lambda: "whole" in text(app))
            await pilot.press("full_stop")
            await until(pilot, lambda: "ObjectPool/" in text(app))
            await pilot.press("a")
            await until(pilot, lambda: "write the copy to" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "read back: whole" in text(app))

    run(test)
    assert (letter.parent / "letter.repaired.doc").read_bytes() == MADE.data
    assert letter.read_bytes() == WIPED


def test_a_candidate_and_a_wrong_number_by_hand(letter: Path) -> None:
    async def test() -> None:
        async with deck(letter) as (app, pilot):
            await until(pilot, lambda: isinstance(app.screen, Ole2Screen) and "verified" in text(app))
            await pilot.press("full_stop", "full_stop", "enter")
            await until(pilot, lambda: "first sector of the directory" in text(app))
            await pilot.press(*["backspace"] * 6, *"nonsense", "enter")
            await until(pilot, lambda: "is not a size" in text(app))
            await pilot.press("t")
            await until(pilot, lambda: "header at" in text(app) and "whole" in text(app))

    run(test)


def test_many_on_the_screen(letter: Path) -> None:
    async def test() -> None:
        async with deck(letter) as (app, pilot):
            await until(pilot, lambda: isinstance(app.screen, Ole2Screen) and "verified" in text(app))
            await pilot.press("m", "enter")
            await until(pilot, lambda: isinstance(app.screen, Ole2ManyScreen) and "repaired" in text(app), most_s=30)
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, Ole2Screen) and "verified" in text(app))

    run(test)


def test_hostile_names_do_no_harm(letter: Path) -> None:
    names = {name.replace("/", "")[:15] or f"n{n}" for n, name in enumerate(HOSTILE)}
    streams = {**writer.letter(), **dict.fromkeys(sorted(names), bytes(200))}
    streams = {name: data for name, data in streams.items() if "\0" not in name}
    letter.write_bytes(write(streams, Layout()).data)

    async def test() -> None:
        async with deck(letter) as (app, pilot):
            await until(pilot, lambda: isinstance(app.screen, Ole2Screen) and "streams whole" in text(app)
                        or "right as it is" in text(app))  # fmt: skip
            for _ in range(8):
                await pilot.press("full_stop")
                await pilot.pause()
                assert "\x1b" not in text(app) and "\u202e" not in text(app)

    run(test)


def test_a_document_without_a_name_is_opened_from_the_image_screen(letter: Path) -> None:
    plain = letter.rename(letter.with_name("found"))

    async def test() -> None:
        async with deck(plain) as (app, pilot):
            await until(pilot, lambda: "found" in text(app) and not isinstance(app.screen, Ole2Screen))
            await pilot.press("D")
            await until(pilot, lambda: isinstance(app.screen, Ole2Screen) and "verified" in text(app))

    run(test)
