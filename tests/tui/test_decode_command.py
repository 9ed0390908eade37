"""``rescuedeck decode`` as people and scripts call it, and the viewer of decoded files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from engine.cases.artifacts import recognise
from engine.devices import Device
from tests.engine.artifacts.tables import PEOPLE, Col, people, record, standard
from tests.engine.artifacts.test_phones import NAMES, RECORDS, ipd, ir
from tests.engine.artifacts.test_restore_log import entry, header, whole
from tests.tui.shell import HOSTILE, deck, run, text, until
from tui.commands import run as command
from tui.screens.artifact import ArtifactScreen
from tui.screens.hex import HexScreen


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """One file of each kind."""
    (tmp_path / "people.dbf").write_bytes(standard(PEOPLE, people(), code_page=2))
    (tmp_path / "change.log").write_bytes(whole())
    (tmp_path / "phone.ipd").write_bytes(ipd(NAMES, RECORDS))
    (tmp_path / "tv.ir").write_bytes(ir())
    return tmp_path


def document(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> dict:  # type: ignore[type-arg]
    assert command([*map(str, words), "--json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, dict)
    return found


def test_dates(capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "decode", "dates", "A8DD7885 9865D001")
    forms = {one["name"]: one for one in found["readings"]}
    assert forms["FILETIME LE"]["date"] == "2015-03-23 18:38:14.2469544" and forms["FILETIME LE"]["plausible"]
    assert command(["decode", "dates", "A8DD78859865D001"]) == 0
    assert "FILETIME LE" in capsys.readouterr().out
    assert command(["decode", "dates", "xyz"]) == 2
    assert command(["decode", "dates", "00"]) == 1


def test_a_table_in_all_forms(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    found = document(capsys, "decode", "dbf", files / "people.dbf")
    assert found["counted"] == 30 and len(found["rows"]) == 30 and not found["problems"]
    assert found["rows"][3]["values"] == {"NAME": "Dieter Müller", "BORN": "1953-04-04", "PAID": 111.03, "MEMBER": True}
    assert [one["row"] for one in found["rows"] if one["deleted"]] == [7, 14, 21, 28]
    assert command(["decode", "dbf", str(files / "people.dbf")]) == 0
    shown = capsys.readouterr().out
    assert "dBASE III" in shown and "Dieter Müller" in shown and "*    7" in shown
    out = files / "people.csv"
    assert command(["decode", "dbf", str(files / "people.dbf"), "--csv", str(out)]) == 0
    rows = list(csv.reader(out.read_text("utf-8-sig").splitlines()))
    assert rows[0] == ["NAME", "BORN", "PAID", "MEMBER", "_row", "_deleted", "_damaged"] and len(rows) == 31
    assert rows[4][:3] == ["Dieter Müller", "1953-04-04", "111.03"]
    capsys.readouterr()
    assert command(["decode", "dbf", str(files / "people.dbf"), "--csv", str(out)]) == 3
    assert "exists already" in capsys.readouterr().err
    assert command(["decode", "dbf", str(files / "people.dbf"), "--encoding", "klingon"]) == 2
    assert document(capsys, "decode", "dbf", files / "people.dbf", "--encoding", "cp1252")["rows"][3]["values"]["NAME"]


def test_formulas_and_hostile_text_stay_text(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    columns = (Col("T", "C", 40),)
    cells = [b"=cmd|'/c calc'!A1", b"+49 40 1234", b"-1+2", b"@SUM(A1)", b"\x1b[31mred\r\nx"]
    path = tmp_path / "x.dbf"
    path.write_bytes(standard(columns, [record(columns, (cell,)) for cell in cells]))
    assert command(["decode", "dbf", str(path), "--csv", str(tmp_path / "x.csv")]) == 0
    rows = [row[0] for row in csv.reader((tmp_path / "x.csv").open(encoding="utf-8-sig", newline=""))][1:]
    assert rows[:4] == ["'=cmd|'/c calc'!A1", "+49 40 1234", "'-1+2", "'@SUM(A1)"]
    capsys.readouterr()
    command(["decode", "dbf", str(path)])
    assert "\x1b" not in capsys.readouterr().out


def test_a_repair_is_shown_and_written_as_a_copy(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    whole_table = (files / "people.dbf").read_bytes()
    broken = files / "broken.dbf"
    broken.write_bytes(whole_table[:4] + bytes(8) + whole_table[12:])
    found = document(capsys, "decode", "dbf", broken, "--check")
    assert found["needed"] and found["records"] == 30 and found["written"] is None
    assert found["changes"][0]["offset"] == 4
    found = document(capsys, "decode", "dbf", broken, "--repair", files / "fixed.dbf")
    assert (files / "fixed.dbf").read_bytes() == whole_table
    assert broken.read_bytes() != whole_table
    lost = files / "lost.dbf"
    lost.write_bytes(bytes(161) + whole_table[161:])
    assert document(capsys, "decode", "dbf", lost, "--repair", files / "guessed.dbf", code=1)["layout"] == "rows"
    found = document(capsys, "decode", "dbf", lost, "--repair", files / "donated.dbf", "--donor", files / "people.dbf")
    assert (files / "donated.dbf").read_bytes() == whole_table
    document(capsys, "decode", "dbf", files / "people.dbf", "--repair", files / "live.dbf", "--undelete", "7")
    rows = document(capsys, "decode", "dbf", files / "live.dbf")["rows"]
    assert [one["row"] for one in rows if one["deleted"]] == [14, 21, 28]
    assert command(["decode", "dbf", str(broken), "--repair", str(files / "fixed.dbf")]) == 3


def test_rows_under_a_map(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    size = (files / "people.dbf").stat().st_size
    (files / "x.map").write_text(f"0x00 + 1\n0x00 0x200 +\n0x200 0x20 -\n0x220 0x{size - 0x220:x} +\n")
    found = document(capsys, "decode", "dbf", files / "people.dbf", "--map", files / "x.map", code=1)
    damaged = [one for one in found["rows"] if one["damaged"]]
    assert damaged and len(damaged) <= 2 and any("never read" in word for word in damaged[0]["problems"])


def test_a_restore_log_and_its_tree(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number in (1, 2):
        point = tmp_path / f"RP{number}"
        point.mkdir()
        log = header() + entry(1, "\\WINDOWS\\a.dll", flags=0x15, backup="A0000001.dll")
        log += entry(2, "\\..\\..\\evil.txt", flags=0x15, backup="A0000002.txt")
        log += entry(3, "\\gone.txt", flags=0x15, backup="A0000003.txt")
        (point / "change.log").write_bytes(log)
        (point / "A0000001.dll").write_bytes(b"version %d" % number)
        (point / "A0000002.txt").write_bytes(b"evil")
    found = document(capsys, "decode", "restore-log", tmp_path / "RP1" / "change.log")
    assert found["backups"]["A0000001.dll"] == "\\WINDOWS\\a.dll" and len(found["entries"]) == 3
    assert found["entries"][0]["actions"] == ["stream overwrite"]
    found = document(capsys, "decode", "restore-log", tmp_path, "--restore", tmp_path / "out")
    assert (tmp_path / "out" / "WINDOWS" / "a.dll").read_bytes() == b"version 1"
    assert (tmp_path / "out" / "WINDOWS" / "a (RP2).dll").read_bytes() == b"version 2"
    assert len(found["written"]) == 4
    assert all(Path(one["path"]).is_relative_to(tmp_path / "out") for one in found["written"])
    image = tmp_path / "free.bin"
    image.write_bytes(b"\xaa" * 777 + whole() + b"\x55" * 999)
    assert len(document(capsys, "decode", "restore-log", image, "--sweep")["entries"]) == 32
    assert command(["decode", "restore-log", str(image), "--csv", str(tmp_path / "log.csv"), "--sweep"]) == 0
    assert len((tmp_path / "log.csv").read_text("utf-8-sig").splitlines()) == 33
    (tmp_path / "none").write_bytes(b"nothing")
    assert command(["decode", "restore-log", str(tmp_path / "none")]) == 1


def test_phones(capsys: pytest.CaptureFixture[str], files: Path) -> None:
    found = document(capsys, "decode", "ipd", files / "phone.ipd")
    assert [one["records"] for one in found["databases"]] == [1] * 5
    calls = document(capsys, "decode", "ipd", files / "phone.ipd", "--database", "Phone Call Logs")["records"]
    assert calls[0]["dates"][0]["date"] == "2012-03-29 14:04:05.678"
    found = document(capsys, "decode", "irremote", files / "tv.ir", "--lirc", files / "tv.conf",
                     "--importable", files / "ok.ir")  # fmt: skip
    assert found["definitions"][0]["remote"]["codes"]["TVPower"] == "A90"
    assert "TVPower 0xA90" in (files / "tv.conf").read_text()
    assert (files / "ok.ir").read_bytes()[0] == 0x89
    assert document(capsys, "decode", "irremote", files / "ok.ir")["importable"]


def test_files_are_recognised(files: Path) -> None:
    assert recognise(files / "people.dbf") == "dbf" and recognise(files / "change.log") == "restore-log"
    assert recognise(files / "phone.ipd") == "ipd" and recognise(files / "tv.ir") == "irremote"
    (files / "disk.img").write_bytes(bytes(512))
    assert recognise(files / "disk.img") is None and recognise(files / "absent") is None


def test_the_viewer_of_a_table(devices: list[Device], folder: Path, files: Path) -> None:
    async def test() -> None:
        async with deck(files / "people.dbf") as (app, pilot):
            await until(pilot, lambda: "Anna Schmidt" in text(app))
            assert isinstance(app.screen, ArtifactScreen)
            assert "dBASE III" in text(app) and "nothing is wrong with it" in text(app)
            await pilot.press("n")
            await until(pilot, lambda: "> *" in text(app))
            await pilot.press("c", "enter")
            await until(pilot, lambda: "30 rows in people.csv" in text(app))
            await pilot.press("o", "enter")
            await until(pilot, lambda: "30 rows in people.json" in text(app))
            assert len(json.loads((files / "people.json").read_text())["rows"]) == 30
            await pilot.press("f")
            await until(pilot, lambda: "nothing needs to be repaired" in text(app))
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, HexScreen) and "dBASE III+" in text(app))

    run(test)


def test_the_viewer_of_a_damaged_table_writes_a_copy(devices: list[Device], folder: Path, files: Path) -> None:
    good = (files / "people.dbf").read_bytes()
    broken = files / "broken.dbf"
    broken.write_bytes(good[:8] + bytes(4) + good[12:])

    async def test() -> None:
        async with deck(broken) as (app, pilot):
            await until(pilot, lambda: "no rows can be told" in text(app))
            await pilot.press("f")
            await until(pilot, lambda: "write a copy to" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "30 rows in broken-repaired.dbf" in text(app))
            assert (files / "broken-repaired.dbf").read_bytes() == good

    run(test)


@pytest.mark.parametrize(("name", "words", "sheets"), [
    ("change.log", "16 backups", 1), ("phone.ipd", "5 of them with records", 5), ("tv.ir", "99 12 68 13 01", 3),
])  # fmt: skip
def test_the_other_viewers(
    devices: list[Device], folder: Path, files: Path, name: str, words: str, sheets: int
) -> None:
    async def test() -> None:
        async with deck(files / name) as (app, pilot):
            await until(pilot, lambda: words in text(app))
            if sheets > 1:
                await pilot.press("s")
                await until(pilot, lambda: f"(2/{sheets})" in text(app))
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, HexScreen))

    run(test)


def test_hostile_text_in_a_table_on_the_screen(devices: list[Device], folder: Path, tmp_path: Path) -> None:
    columns = (Col("T", "C", 250),)
    rows = [record(columns, (one.encode("utf-8", "surrogatepass")[:240],)) for one in HOSTILE]
    path = tmp_path / "hostile.dbf"
    path.write_bytes(standard(columns, rows, code_page=0))

    async def test() -> None:
        async with deck(path) as (app, pilot):
            await until(pilot, lambda: "[bold red]x" in text(app))
            for _ in HOSTILE:
                await pilot.press("down")
            assert "\x1b" not in text(app)

    run(test)
