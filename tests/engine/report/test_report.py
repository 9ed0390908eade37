"""The report of a case: true to the map and the sidecars, and nothing in it that a disk wrote becomes markup."""

from __future__ import annotations

import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from engine.cases import Case, create_case, record
from engine.report import gather, to_html, to_markdown
from engine.report.wording import headline
from tui.commands import run as rescuedeck

HOSTILE = "<script>alert(1)</script>[x](javascript:1)|`\x1b[31m\u202e\n# no"


@pytest.fixture
def case(tmp_path: Path) -> Case:
    made = create_case(
        tmp_path / "case", title=HOSTILE, source_path="/dev/sdx", source_size=1 << 20,
        identity={"model": HOSTILE, "serial": "S1"},
    )  # fmt: skip
    made.image.write_bytes(bytes(1 << 20))
    made.map.write_text("0x0 + 1\n0x0 0x80000 +\n0x80000 0x200 -\n0x80200 0x7fe00 ?\n")
    record(made, "rescue-pass", message=HOSTILE, gained=524288)
    record(made, "something-new", detail="kept")
    folder = made.exports_dir / "files"
    folder.mkdir()
    (folder / "a.jpg.rescue.json").write_text(json.dumps({"size": 10, "sha256": "ab" * 32, "missing_bytes": 3}))
    (folder / "b.jpg.rescue.json").write_text("no json")
    return made


def test_it_says_what_is_there_and_what_is_not(case: Case) -> None:
    report = gather(case.directory, digest=True)
    assert (report.finished, report.missing, report.domain) == (0x80000, 0x80000, 1 << 20)
    assert headline(report).startswith("50.00 % was read")
    assert report.image_sha256 == hashlib.sha256(bytes(1 << 20)).hexdigest()
    assert [(one.path, one.missing) for one in report.saved] == [("files/a.jpg", 3)]
    assert any("something new" in step.what and "kept" in step.what for step in report.steps)
    text = to_markdown(report)
    assert "512.5 KiB" not in headline(report)
    assert "files/a.jpg" in text
    assert "-" in re.search(r"```\n(.*?)```", text, re.DOTALL).group(1)  # type: ignore[union-attr]


def test_nothing_from_a_disk_becomes_markup(case: Case) -> None:
    report = gather(case.directory)

    class Tags(HTMLParser):
        seen: set[str]

        def handle_starttag(self, tag: str, attrs: object) -> None:
            self.seen.add(tag)

    parser = Tags()
    parser.seen = set()
    page = to_html(report)
    parser.feed(page)
    assert not parser.seen & {"script", "a", "img", "iframe", "link"}
    assert "\x1b" not in page
    assert "\u202e" not in page
    text = to_markdown(report)
    assert "](javascript" not in text.replace("\\]", "")
    assert "\x1b" not in text
    assert "\n# no" not in text
    assert "<script" not in text.replace("\\<", "")


def test_a_case_without_anything(tmp_path: Path) -> None:
    made = create_case(tmp_path / "new")
    report = gather(made.directory)
    assert headline(report) == "nothing has been read yet: there is no map"
    assert "none chosen" in to_markdown(report)
    assert "nothing has been read yet" in to_html(report)


def test_a_damaged_map_is_told(case: Case) -> None:
    case.map.write_text("no map\n")
    assert "disk" not in headline(gather(case.directory))
    assert gather(case.directory).map_problem


def test_the_command(case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "r.html"
    assert rescuedeck(["report", str(case.directory), "-o", str(target), "--json", "--quiet"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["missing_bytes"] == 0x80000
    assert target.read_text().startswith("<!DOCTYPE html>")
    assert target.stat().st_mode & 0o077 == 0
    assert rescuedeck(["report", str(case.directory), "-o", str(target), "--quiet"]) == 3
    assert rescuedeck(["report", str(case.directory), "-o", str(target), "--quiet", "--force"]) == 0
    assert rescuedeck(["report", str(tmp_path / "none"), "-o", str(tmp_path / "x.md"), "--quiet"]) == 1
