"""``rescuedeck map`` as a person or a script calls it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.mapfile.lock import hold_map
from engine.mapfile.parse import read_map
from engine.mapfile.status import NAMES
from tests.engine.mapfile.helpers import ddrescuelog
from tests.support import needs_tool
from tui.commands import run

MAP = b"""# Mapfile. Created by GNU ddrescue version 1.27
# current_pos  current_status  current_pass
0x00100000     ?               5
#      pos        size  status
0x00000000  0x00100000  +
0x00100000  0x00010000  -
0x00110000  0x00040000  /
0x00150000  0x00100000  ?
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "disk.map").write_bytes(MAP)
    (tmp_path / "other.map").write_bytes(b"0 + 1\n0 0x80000 +\n0x80000 0x200000 -\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> str:
    """Run ``map LINE``; its standard output."""
    assert run(["map", *line.split()]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> dict[str, Any]:
    """Run it with --json; its one document."""
    value = json.loads(call(capsys, line + " --json", code))
    assert isinstance(value, dict)
    return value


def refused(capsys: pytest.CaptureFixture[str], line: str, code: int, slug: str | None = None) -> str:
    """Run it, as people and as a script; one line on standard error, and the slug in the document."""
    assert run(["map", *line.split()]) == code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("rescuedeck: ")
    assert told.err.count("\n") == 1
    value = document(capsys, line, code)
    assert set(value["error"]) == {"code", "message", "offset"}
    assert slug in (None, value["error"]["code"])
    return told.err


def test_info(capsys, folder):
    value = document(capsys, "info disk.map")
    assert {key: value[key] for key in ("position", "status", "pass", "domain", "blocks")} == {
        "position": 0x100000, "status": "?", "pass": 5, "domain": {"start": 0, "end": 0x250000}, "blocks": 4,
    }  # fmt: skip
    assert value["bytes"] == dict(zip(NAMES, (0x100000, 0x100000, 0, 0x40000, 0x10000), strict=True))
    assert value["areas"] == dict(zip(NAMES, (1, 1, 0, 1, 1), strict=True))
    text = call(capsys, "info disk.map")
    assert "copying, pass 5" in text
    assert "43.24 %" in text
    (folder / "open.map").write_bytes(b"0 ?\n0 0x7FFFFFFFFFFFFFFF ?\n")
    assert "size is unknown" in call(capsys, "info open.map")
    (folder / "empty.map").write_bytes(b"# nothing\n")
    assert document(capsys, "info empty.map")["blocks"] == 0
    call(capsys, "info empty.map")


def test_list(capsys, folder):
    blocks = document(capsys, "list disk.map")["blocks"]
    assert blocks[1] == {"start": 0x100000, "size": 0x10000, "status": "-"}
    assert len(blocks) == 4
    assert [block["status"] for block in document(capsys, "list disk.map --status=-/")["blocks"]] == ["-", "/"]
    assert document(capsys, "list disk.map --status=*") == {"blocks": []}
    assert call(capsys, "list disk.map --status=-").split() == [
        "start", "end", "size", "status", "1048576", "1114112", "65536", "-"
    ]  # fmt: skip
    refused(capsys, "list disk.map --status=x", 2, "bad-status")


def test_check(capsys, folder):
    assert document(capsys, "check disk.map") == {
        "valid": True, "problems": [], "problem_count": 0, "repair": [], "written": None
    }  # fmt: skip
    (folder / "pasted").write_bytes(b"".join(b"> " + line + b"\n" for line in MAP.splitlines()))
    value = document(capsys, "check pasted --fix fixed", 1)
    assert not value["valid"]
    assert value["problems"][0] == {
        "line": 3, "message": "quote marks or a line number before the status line", "code": "quoted"
    }  # fmt: skip
    assert value["written"] == "fixed"
    assert read_map("fixed") == read_map("disk.map")
    assert "line 5: quote marks" in call(capsys, "check pasted", 1)
    assert refused(capsys, "check pasted --fix fixed", 3, "exists")
    call(capsys, "check pasted --fix fixed --force", 1)
    (folder / "letter").write_bytes(b"Dear colleague,\n")
    assert "no mapfile" in call(capsys, "check letter --fix nothing", 1)
    assert not (folder / "nothing").exists()
    refused(capsys, "check none", 3, "missing")


def test_set(capsys, folder):
    value = document(capsys, "set disk.map 1M+64K + -o next.map")
    assert value["bytes"]["bad_sector"] == 0
    assert read_map("next.map").status_at(1 << 20) == "+"
    assert read_map("next.map").position == 0x100000
    call(capsys, "set disk.map 0x100000-0x110000 bad-sector -o same.map")
    assert read_map("same.map") == read_map("disk.map")
    # setting back to non-tried sets the status line, so that the next run reads it
    assert run(["map", "set", "disk.map", "0-512", "?", "-o", "retry.map"]) == 0
    assert "The status line becomes 0x0 ? 1" in capsys.readouterr().out
    made = read_map("retry.map")
    assert (made.position, made.phase, made.current_pass) == (0, "?", 1)
    for line, code, slug in (
        ("set disk.map 0-99G + -o x", 2, "outside-map"),
        ("set disk.map 5-5 + -o x", 2, "usage"),
        ("set disk.map five + -o x", 2, "usage"),
        ("set disk.map 0-512 z -o x", 2, "bad-status"),
        ("set disk.map 0-512 + -o next.map", 3, "exists"),
        ("set disk.map 0-512 + -o disk.map", 3, "exists"),
        ("set disk.map 0-512 + -o none/x", 3, "missing"),
        ("set disk.map 0-512 + -o /dev/null --force", 3, "not-a-file"),
        ("set none 0-512 + -o x", 3, "missing"),
    ):
        refused(capsys, line, code, slug)
    assert not (folder / "x").exists()
    assert (folder / "disk.map").read_bytes() == MAP
    call(capsys, "set disk.map 0-512 - -o disk.map --force")
    assert read_map("disk.map").status_at(0) == "-"
    assert (folder / "disk.map.1").read_bytes() == MAP


def test_a_held_map_is_not_replaced(capsys, folder):
    with hold_map("disk.map", "imaging"):
        assert "imaging" in refused(capsys, "set disk.map 0-512 + -o disk.map --force", 3, "map-held")
        assert document(capsys, "info disk.map")["blocks"] == 4
    assert (folder / "disk.map").read_bytes() == MAP


@pytest.mark.parametrize(("verb", "option"), [("and", "-y"), ("or", "-z"), ("xor", "-x")])
def test_algebra(capsys, folder, verb, option):
    needs_tool("ddrescuelog")
    value = document(capsys, f"{verb} disk.map other.map -o out.map")
    (folder / "theirs").write_bytes(ddrescuelog(option, "other.map", "disk.map").stdout)
    assert read_map("out.map") == read_map("theirs").merged()
    assert value["blocks"] == len(read_map("out.map"))
    refused(capsys, f"{verb} disk.map other.map -o other.map", 3, "exists")
    refused(capsys, f"{verb} disk.map none -o x", 3, "missing")


def test_invert(capsys, folder):
    needs_tool("ddrescuelog")
    call(capsys, "invert disk.map -o out.map")
    (folder / "theirs").write_bytes(ddrescuelog("-n", "disk.map").stdout)
    assert read_map("out.map") == read_map("theirs")


def test_render(capsys, folder):
    rows = document(capsys, "render disk.map --width 37 --height 1")["rows"]
    assert rows == ["+" * 16 + "-" + "/" * 4 + "?" * 16]
    assert call(capsys, "render disk.map --width 4 --height 2 --window 1M-0x120000") == "----\n////\n"
    refused(capsys, "render disk.map --width 0", 2)
    refused(capsys, "render disk.map --window 5", 2)


def test_recipes(capsys, folder):
    recipes = document(capsys, "recipe --list")["recipes"]
    assert {"name", "title", "help", "parameters"} == set(recipes[0])
    assert "skip-culprit" in call(capsys, "recipe --list")
    value = document(capsys, "recipe skip-culprit disk.map --with at=1M --with sectors=16 -o next.map")
    assert value["bytes"]["bad_sector"] == 8192
    assert all(isinstance(line, str) for line in value["explain"])
    assert (value["position"], value["status"], value["pass"]) == (0, "?", 1)
    assert read_map("next.map").totals().bytes[4] == 8192
    # without -o it is only explained
    assert "is marked as bad" in call(capsys, "recipe skip-culprit disk.map --with at=1M")
    for line, code in (
        ("recipe", 2), ("recipe keep-finished", 2), ("recipe none disk.map", 2), ("recipe retry-larger disk.map", 2),
        ("recipe skip-culprit disk.map --with at", 2), ("recipe skip-culprit disk.map --with sectors=x", 2),
        ("recipe keep-finished disk.map --with at=5", 2), ("recipe keep-finished none", 3),
        ("recipe keep-finished disk.map -o other.map", 3), ("recipe retry-larger disk.map --with size=1T", 1),
    ):  # fmt: skip
        refused(capsys, line, code)


@pytest.mark.parametrize(
    ("text", "slug", "line"),
    [
        (b"hello\nworld\n", "not-a-map", None),
        (b"\x7fELF\0\0\0", "not-a-map", None),
        (b"0 512 +\n", "malformed-map", 1),
        (b"0 ?\n0 512 +\n256 512 -\n", "malformed-map", 3),
        (b"0 ?\n512 512 +\n0 512 -\n", "malformed-map", 3),
        (b"0 ?\n0 512 +\nbad\n", "malformed-map", 3),
        (b"\x1b]0;title\x07[bold]", "not-a-map", None),
    ],
)
def test_what_is_no_map_is_one_clear_line(capsys, folder, text, slug, line):
    (folder / "bad.map").write_bytes(text)
    for words in ("info bad.map", "list bad.map", "set bad.map 0-1 + -o x", "invert bad.map -o x", "render bad.map",
                  "and disk.map bad.map -o x", "recipe keep-finished bad.map -o x"):  # fmt: skip
        told = refused(capsys, words, 1, slug)
        assert "bad.map" in told
        assert line is None or f"line {line}" in told
        assert "\x1b" not in told
    assert not (folder / "x").exists()
    assert (folder / "bad.map").read_bytes() == text


def test_devices_are_never_read_as_maps(capsys, folder):
    refused(capsys, "info /dev/null", 3, "not-a-map")
    refused(capsys, "info .", 3)
