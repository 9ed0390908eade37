"""Every screen is in the gallery, and what must hold of each picture holds in each look and size."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from textual.screen import Screen

import tui.dialogs
import tui.screens
from tests.gallery import walks_inside
from tests.gallery.camera import LOOKS, SIZES, Camera, Shot
from tests.gallery.checks import faults
from tests.gallery.material import Material
from tests.gallery.table import SHOWS
from tests.gallery.walks import WALKS, Walk
from tests.support import needs_tool

assert walks_inside
FRAMES = {"DeckScreen", "JobScreen", "BytesScreen", "MapPanesScreen", "CampaignHand"}
"""What several screens have in common: never shown itself."""
LIGHT = {"an_empty_machine", "a_new_case", "a_damaged_map"}
"""Ways that need no job and little time: walked with every change, the others with the full tests."""


def screens() -> set[str]:
    found: set[str] = set()
    for package in (tui.screens, tui.dialogs):
        for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
            for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(kind, Screen) and kind.__module__ == module.name:
                    found.add(name)
    return found - FRAMES


def test_every_screen_is_in_the_gallery() -> None:
    missing = screens() - set(SHOWS.values())
    assert not missing, f"add them to tests/gallery/table.py and to a walk: {sorted(missing)}"
    walked = [scene for way in WALKS for scene in way.scenes]
    assert sorted(walked) == sorted(SHOWS), "each scene belongs to one walk"


def walked(way: Walk, folder: Path, sizes: tuple[tuple[int, int], ...], looks: tuple[str, ...]) -> None:
    for tool in way.needs:
        needs_tool(tool)
    camera = Camera(sizes=sizes, looks=looks)
    asyncio.run(way.walk(camera, Material(folder)))  # type: ignore[arg-type]
    assert {shot.scene for shot in camera.shots} == set(way.scenes)
    wrong = [f"{shot.name}: {fault}" for shot in camera.shots for fault in faults(shot)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("way", [way for way in WALKS if way.walk.__name__ in LIGHT], ids=lambda w: w.walk.__name__)
def test_a_quiet_way_in_all_looks_and_sizes(way: Walk, tmp_path: Path) -> None:
    walked(way, tmp_path, SIZES, tuple(LOOKS))


@pytest.mark.full
@pytest.mark.parametrize(
    "way", [way for way in WALKS if way.walk.__name__ not in LIGHT], ids=lambda w: w.walk.__name__
)  # fmt: skip
def test_a_long_way_at_80x24(way: Walk, tmp_path: Path) -> None:
    walked(way, tmp_path, SIZES[:1], ("ascii",))


def shot(*lines: str, look: str = "ascii") -> Shot:
    filled = (*lines[:-1], *[""] * (24 - len(lines)), lines[-1])
    return Shot("x", "CaseScreen", (80, 24), look, filled)


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ((" case x  sources READ ONLY", "body", "? help  q back"), ""),
        ((" case x  sources READ ONLY", "b" * 81, "? help  q back"), "81 cells"),
        ((" case x  sources READ ONLY", "[bold]body[/]", "? help  q back"), "markup"),
        ((" case x  sources READ ONLY", "JobState.RUNNING", "? help  q back"), "program's own"),
        ((" case x  sources READ ONLY", "left None", "? help  q back"), "program's own"),
        ((" case x  sources READ ONLY", "b…", "? help  q back"), "not ASCII"),
        ((" case x", "body", "? help  q back"), "written to"),
        ((" case x  sources READ ONLY", "body", "q back"), "help"),
        ((" case x  sources READ ONLY", "body", "? help"), "way out"),
        ((" case x  sources READ ONLY", "? help  q back"), "empty"),
    ],
)
def test_the_checks_see_what_is_wrong(lines: tuple[str, ...], fault: str) -> None:
    found = list(faults(shot(*lines)))
    assert (not found) if not fault else any(fault in one for one in found), found
