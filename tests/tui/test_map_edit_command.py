"""The editing verbs of ``rescuedeck map``: into new files, in place with generations, back again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.cases import create_case, read_history
from engine.mapedit import Document, SetStatus
from engine.mapfile.lock import hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map, read_map
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import body, ddrescuelog
from tests.support import needs_tool
from tests.tui.test_map_command import MAP, call, document, refused
from tui.commands import run

M, K = 1 << 20, 1 << 10


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "disk.map").write_bytes(MAP)
    (tmp_path / "other.map").write_bytes(b"0 + 1\n0 0x80000 +\n0x80000 0x200000 -\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_edit_into_a_new_file(capsys, folder):
    for line, check in (
        ("header disk.map --position 0x200000 --status * --pass 3", lambda m: (m.position, m.phase, m.current_pass)
         == (2 * M, "*", 3)),
        ("split disk.map 64K 1M 0x180000", lambda m: len(m) == 6),
        ("merge disk.map", lambda m: len(m) == 4),
        ("shift disk.map --up 1M", lambda m: m.status_at(2 * M) == "-" and m.position == 0),
        ("shift disk.map --down 1M", lambda m: m.status_at(0) == "-" and m.position == 0),
        ("clip disk.map --range 1M+64K", lambda m: (m.start, m.end) == (M, M + 64 * K)),
        ("clip disk.map --size 1M", lambda m: (m.start, m.end) == (0, M)),
        ("extend disk.map --size 8M", lambda m: m.end == 8 * M and m.status_at(7 * M) == "?"),
        ("extend disk.map --range 0-8M --with bad-sector", lambda m: m.status_at(7 * M) == "-"),
        ("change-types disk.map bad-sector,non-scraped ?", lambda m: not m.ranges("-/")),
        ("change-types disk.map /? * --range 0-0x160000", lambda m: m.ranges("*") == RangeSet.of(0x110000, 0x160000)),
        ("minus disk.map other.map", lambda m: m.ranges("-").total == 0x80000 + 64 * K),
        ("invert disk.map --range 1M+64K", lambda m: m.status_at(M) == "+" and m.status_at(0) == "+"),
        ("set disk.map all + --only=/-", lambda m: m.ranges("+") == RangeSet.of(0, 0x150000)),
        ("set disk.map 0-3M - --only=? --at-least 1M", lambda m: not m.ranges("?")),
        ("set disk.map 0x100001+1 ? --align 4K", lambda m: m.ranges("?").clip(0, 0x110000)
         == RangeSet.of(0x100000, 0x101000)),
        ("set disk.map 0x100001-0x102001 ? --align-inwards 512 --shrink 0", lambda m:
         m.ranges("?").clip(0, 0x110000) == RangeSet.of(0x100200, 0x102000)),
        ("set disk.map 0x104000+4K,0x108000+4K ? --grow 4K", lambda m: m.ranges("?").clip(0, 0x110000)
         == RangeSet([(0x103000, 0x106000), (0x107000, 0x10A000)])),
    ):  # fmt: skip
        value = document(capsys, f"{line} -o out.map --force")
        made = read_map("out.map")
        assert check(made), (line, list(made))
        assert value["written"] == "out.map"
        assert value["bytes"] == made.totals().as_dict()["bytes"]
        told = call(capsys, f"{line} --dry-run")
        assert value["title"] in told
    assert (folder / "disk.map").read_bytes() == MAP
    assert not (folder / "disk.map.generations").exists()


def test_what_an_edit_changes_is_told(capsys, folder):
    value = document(capsys, "set disk.map 0xF0000-0x110000 ? --dry-run")
    assert [(move["old"], move["new"], move["bytes"]) for move in value["changes"]] == [
        ("+", "?", 64 * K), ("-", "?", 64 * K),
    ]  # fmt: skip
    assert value["changes"][0]["ranges"] == [{"start": 0xF0000, "end": 0x100000}]
    assert value["finished_lost"] == 64 * K
    assert value["written"] is None
    assert value["title"] == "set 960 KiB-1088 KiB to ? (was: 64 KiB +, rest -)"
    assert any("0x0 ? 1" in word for word in value["explain"])


def test_in_place_keeps_the_old_state(capsys, folder):
    value = document(capsys, "set disk.map 1M+64K ? --in-place")
    assert value["generation"] == 1
    assert read_map("disk.map").status_at(M) == "?"
    assert (folder / "disk.map.generations" / "0001.map").read_bytes() == MAP
    refused(capsys, "set disk.map 0+1K ? --in-place", 3, "loses-finished")
    assert read_map("disk.map").status_at(0) == "+"
    value = document(capsys, "set disk.map 0+1K ? --in-place --lose-finished --note wrong-image")
    assert value["generation"] == 2
    listed = document(capsys, "generations disk.map")["generations"]
    assert [(one["number"], one["note"]) for one in listed] == [
        (1, "before: set 1 MiB-1088 KiB to ? (was: -)"), (2, "before: wrong-image"),
    ]  # fmt: skip
    assert listed[0]["finished"] == M
    assert "wrong-image" in call(capsys, "generations disk.map")
    with hold_map("disk.map", "imaging"):
        assert "imaging" in refused(capsys, "merge disk.map --in-place", 3, "map-held")
    # nothing to do is no generation
    assert document(capsys, "merge disk.map --in-place")["generation"] is None


def test_diff_and_restore(capsys, folder):
    call(capsys, "set disk.map 1M+64K + --in-place --note rescued")
    value = document(capsys, "diff disk.map@1 disk.map", 1)
    assert (value["gained"], value["lost"], value["same"]) == (64 * K, 0, False)
    assert document(capsys, "diff disk.map disk.map@1", 1)["lost"] == 64 * K
    assert document(capsys, "diff disk.map disk.map")["same"]
    assert "gained 64.0 KiB" in call(capsys, "diff disk.map@1 disk.map", 1)
    assert document(capsys, "info disk.map@1")["bytes"]["finished"] == M
    refused(capsys, "info disk.map@9", 1, "not-found")
    refused(capsys, "restore disk.map 1 --in-place", 3, "loses-finished")
    call(capsys, "restore disk.map 1 --in-place --lose-finished")
    assert read_map("disk.map") == parse_map(MAP)
    assert [one["note"] for one in document(capsys, "generations disk.map")["generations"]] == [
        "before: rescued", "before: going back to generation 1",
    ]  # fmt: skip
    assert document(capsys, "generations disk.map --restore 2")["bytes"]["finished"] == M + 64 * K
    refused(capsys, "generations disk.map --restore 9", 1, "not-found")
    call(capsys, "generations disk.map --restore 1 --lose-finished")
    call(capsys, "restore disk.map 2 --range 1M+32K -o part.map")
    assert read_map("part.map").ranges("+") == RangeSet.of(0, M + 32 * K)


def test_in_a_case(capsys, folder):
    case = create_case(folder / "case", source_size=0x250000)
    case.map.write_bytes(MAP)
    call(capsys, "recipe keep-finished case/rescue.map --in-place")
    assert document(capsys, "generations case/rescue.map")["generations"][0]["path"].endswith("case/maps/0001.map")
    assert read_history(case)[-1].action == "map-edited"


def test_recipes_with_areas(capsys, folder):
    (folder / "areas").write_bytes(b"0x110000 64K file table\n")
    value = document(
        capsys, "recipe only-metadata disk.map --with areas=@areas -o next.map --domain next.domain"
    )
    assert value["domain_written"] == "next.domain"
    assert read_map("next.map").ranges("?").clip(0, 0x150000) == RangeSet.of(0x110000, 0x120000)
    assert read_map("next.domain").ranges("+") == RangeSet.of(0x110000, 0x120000)
    assert read_map("next.domain").end == 0x250000
    value = document(capsys, "recipe only-files disk.map --with areas=1M+8K --dry-run")
    assert value["changes"][0]["bytes"] == 8 * K
    refused(capsys, "recipe keep-finished disk.map -o x.map --domain d", 2)
    refused(capsys, "recipe only-files disk.map", 2)


def test_next(capsys, folder):
    value = document(capsys, "next disk.map")
    assert [(phase["name"], phase["bytes"]) for phase in value["phases"]] == [
        ("copying", M), ("scraping", 0x40000),
    ]  # fmt: skip
    call(capsys, "set disk.map 0-512 ? -o stale.map")
    call(capsys, "header stale.map --position 1M --pass 5 --in-place")
    value = document(capsys, "next stale.map")
    assert value["never"] == 512
    assert value["never_ranges"] == [{"start": 0, "end": 512}]
    assert "Finished" in value["warnings"][0]
    assert "warning: " in call(capsys, "next stale.map --size 0x250000")
    value = document(capsys, "next disk.map --option retry_passes=1 --option no_scrape --range 1M+64K")
    assert [phase["name"] for phase in value["phases"]] == ["retrying"]
    assert document(capsys, "next disk.map --recipe retrim")["phases"][-1]["name"] == "trimming"
    refused(capsys, "next disk.map --option none=1", 2)


def test_create_complete_domain_sectors(capsys, folder, monkeypatch):
    needs_tool("ddrescuelog")
    call(capsys, "create --size 1M -o new.map")
    assert read_map("new.map") == Mapfile.new(0, M)
    (folder / "list").write_bytes(b"8 0x10 9\n100\n")
    call(capsys, "create --sectors list --size 64K -o listed.map")
    theirs = ddrescuelog("-c", "-s65536", "theirs.map", stdin=b"8 16 9\n100\n")
    assert theirs.returncode == 0
    assert body((folder / "listed.map").read_bytes()) == body((folder / "theirs.map").read_bytes())
    made = subprocess.run(
        [sys.executable, "-m", "tui", "map", "create", "--sectors", "-", "--listed", "bad-sector", "--rest", "+",
         "--sector-size", "4096", "--size", "1M", "-o", str(folder / "piped.map")],
        input=b"1", cwd=Path(__file__).parents[2], capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    assert read_map("piped.map").ranges("-") == RangeSet.of(4096, 8192)
    call(capsys, "create --areas 4K+4K --size 1M -o areas.map")
    assert read_map("areas.map").ranges("+") == RangeSet.of(4096, 8192)
    (folder / "gaps.map").write_bytes(b"0 ? 1\n4096 4096 +\n16384 4096 +\n")
    call(capsys, "complete gaps.map --with - -o whole.map")
    assert body((folder / "whole.map").read_bytes()) == body(ddrescuelog("-C-", "gaps.map").stdout)
    call(capsys, "domain disk.map --status=-/ -o todo.domain")
    assert read_map("todo.domain").ranges("+") == RangeSet.of(M, 0x150000)
    sectors = document(capsys, "sectors disk.map --range 1M+2K --status=-")["sectors"]
    assert sectors == [2048, 2049, 2050, 2051]
    assert call(capsys, "sectors disk.map --sector-size 64K").split() == ["16"]
    refused(capsys, "create -o x.map", 2)
    refused(capsys, "create --size 1M -o new.map", 3, "exists")
    refused(capsys, "create --sectors none -o x.map", 3, "missing")


def test_a_lost_session_on_the_command_line(capsys, folder):
    assert call(capsys, "undo-log disk.map") == "no unsaved edits\n"
    refused(capsys, "replay disk.map --in-place", 1, "nothing-to-do")
    lost = Document.open("disk.map")
    lost.apply(SetStatus(RangeSet.of(M, M + 4 * K), "?"))
    lost.apply(SetStatus(RangeSet.of(M + 8 * K, M + 12 * K), "*"))
    value = document(capsys, "undo-log disk.map")
    assert value["offered"]
    assert len(value["edits"]) == 2
    assert "set 1 MiB-1028 KiB to ?" in call(capsys, "undo-log disk.map")
    refused(capsys, "merge disk.map --in-place", 3, "edits-offered")
    call(capsys, "replay disk.map -o copy.map")
    assert read_map("copy.map").status_at(M + 8 * K) == "*"
    assert document(capsys, "undo-log disk.map")["offered"]
    value = document(capsys, "replay disk.map --in-place")
    assert value["generation"] == 1
    assert len(value["edits"]) == 2
    assert read_map("disk.map").same_blocks(read_map("copy.map"))
    assert not document(capsys, "undo-log disk.map")["offered"]
    lost = Document.open("disk.map")
    lost.apply(SetStatus(RangeSet.of(M, M + 4 * K), "/"))
    assert len(document(capsys, "replay disk.map --discard")["discarded"]) == 1
    assert document(capsys, "undo-log disk.map")["edits"] == []
    # a journal of another state
    lost = Document.open("disk.map")
    lost.apply(SetStatus(RangeSet.of(M, M + 4 * K), "/"))
    write_map("disk.map", read_map("disk.map").set_range(0x150000, 0x160000, "+"))
    assert "another state" in document(capsys, "undo-log disk.map")["ignored"]
    assert "another state" in refused(capsys, "replay disk.map --in-place", 1, "nothing-to-do")


def test_wrong_use(capsys, folder):
    for line, code in (
        ("header disk.map -o x", 2), ("header disk.map --status ab -o x", 2), ("clip disk.map --range 9G+1 -o x", 2),
        ("clip disk.map --size 0 -o x", 2), ("set disk.map @none + -o x", 3),
        ("set disk.map all + --at-least 5 -o x", 2),
        ("change-types disk.map x ? -o x", 2), ("split disk.map 9G -o x", 2), ("minus disk.map none -o x", 3),
        ("restore disk.map 1 -o x", 1), ("read disk.map all", 2), ("diff disk.map none", 3),
    ):  # fmt: skip
        refused(capsys, line, code)
    for line in ("set disk.map 0-1 +", "shift disk.map -o x", "replay disk.map", "shift disk.map --up 1 --down 1 -o x",
                 "set disk.map 0-1 + -o x --in-place"):  # fmt: skip
        assert run(["map", *line.split()]) == 2
    assert not (folder / "x").exists()
    assert (folder / "disk.map").read_bytes() == MAP
