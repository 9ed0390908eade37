"""Recordings in a real terminal: listed, opened, extracted, on a good one and on a poor one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.dvr_disks.samples import map_with, pioneer_disk
from tests.engine.dvr.clock.streams import Maker
from tests.support import needs_tool
from tests.terminal.tmux import DECK, Pane

pytestmark = [pytest.mark.terminal, needs_tool("tmux")]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a recorder's disk under a map."""
    sample = pioneer_disk(tmp_path / "disk.img", lambda s, n: Maker(n).stream(s, 10))
    start, _ = sample.laid["1"][1]
    map_with(tmp_path / "disk.map", sample.path.stat().st_size, [(start + 10 * 2048, 40 * 2048)])
    return tmp_path


@pytest.mark.parametrize("env", [{}, {"LC_ALL": "C", "TERM": "vt100"}, {"NO_COLOR": "1"}], ids=["good", "poor", "mono"])
def test_from_the_image_to_files(place: Path, env: dict[str, str]) -> None:
    with Pane([*DECK, "open", "disk.img", "--map", "disk.map"], cwd=place, env=env) as pane:
        pane.until(r"rescued")
        pane.settled()
        pane.keys("V")
        shown = pane.until(r"^> !\s+Tatort: Rot .*80\.0 KiB")
        assert "Pioneer DVR-545H" in shown and "97% sure" in shown
        if "LC_ALL" in env:
            assert shown.isascii()
        pane.keys("Enter")
        pane.until(r"unread, in the programme")
        pane.keys("q", "x")
        pane.until(r"write to .*recordings$")
        pane.keys("s")
        shown = pane.until(r"6 files, .* never read|6 files, ")
        # The path may be longer than the line: then the name goes on in the next.
        assert "Rot2008-05-1820.15.holed.mpg" in re.sub(r"\s", "", pane.until(r"holed\.mpg"))
        pane.keys("C-q")
        assert pane.status == 0
    written = sorted(path.name for path in (place / "disk.img.files" / "recordings").glob("*.mpg"))
    assert len(written) == 6
