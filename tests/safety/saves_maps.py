"""Maps: edits, journals, generations, outputs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from engine.errors import OutsideError
from tests.safety.pieces import after, cli, files, guarded, image, plain_map
from tests.safety.sweep import Scenario, State

SET = ("map", "set", "disk.map", "1M+64K", "bad-sector", "--in-place", "--note", "x")
_RESTORE = ("map", "restore", "disk.map", "1", "--in-place")


def _edits_waiting(folder: Path) -> None:
    """A session that was lost: one edit in the journal. In a process of its own, so that no lock is kept."""
    import subprocess
    import sys

    plain_map(folder)
    code = (
        "import os, sys\nfrom engine.mapedit import Document, SetStatus\nfrom engine.ranges import RangeSet\n"
        "Document.open(sys.argv[1]).apply(SetStatus(RangeSet.of(0x100000, 0x110000), '-'))\nos._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, folder / "disk.map"], cwd=Path(__file__).parents[2], timeout=60)


def look_map(folder: Path) -> State:
    from engine.mapedit.generations import generations_of
    from engine.mapfile import read_map

    path = folder / "disk.map"
    for one in generations_of(path):
        assert one.path is None or read_map(one.path)
    return {"bad": read_map(path).ranges("-").total}


def _look_edits(folder: Path) -> State:
    from engine.mapedit import Document

    before = Document.open(folder / "disk.map").map.ranges("-").total
    scratch = folder.parent / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)
    shutil.copytree(folder, scratch)
    opened = Document.open(scratch / "disk.map")
    waiting = opened.offer is not None
    if waiting:
        opened.replay()
    return {"bad": before, "waiting": waiting, "replayed": opened.map.ranges("-").total}


@guarded
def _edit(folder: Path) -> None:
    from engine.mapedit import Document, SetStatus
    from engine.ranges import RangeSet

    document = Document.open(folder / "disk.map")
    for number in range(3):
        document.apply(SetStatus(RangeSet.of(0x100000 + number * 4096, 0x101000 + number * 4096), "-"))
    document.undo()
    document.reasons()  # and then the terminal is gone
    if document.journal_problem:
        raise OutsideError(document.journal_problem)


def _decided(*words: str) -> Callable[[Path], object]:
    """What a person does after a crash in the middle of an edit: carry out what waits, or else ask again."""

    def work(folder: Path) -> object:
        waiting = _look_edits(folder)["waiting"]
        return cli("map", "replay", "disk.map", "--in-place")(folder) if waiting else cli(*words)(folder)

    return work


def _replayed(key: str, found: object) -> bool:
    return key == "replayed" and found in (0, 4096, 8192, 12288)  # edit by edit


@guarded
def _read_a_selection(folder: Path) -> None:
    from engine.mapedit import Document
    from engine.mapedit.preview import read_selection
    from engine.ranges import RangeSet

    document = Document.open(folder / "disk.map")
    wanted = RangeSet([(0x100000, 0x101000), (0x110000, 0x111000)])
    read_selection(document, wanted, source=str(folder / "disk.img"), image=str(folder / "out.img"))


def _domains(folder: Path) -> State:
    from engine.priorities import read_domain

    return {"domains": tuple(read_domain(path).wanted.total for path in sorted(folder.rglob("*.domain")))[:1]}


def _map_and_image(folder: Path) -> None:
    plain_map(folder)
    image(folder)


@guarded
def _put_back(folder: Path) -> None:
    from engine.mapedit.generations import put_back

    put_back(folder / "disk.map", 1)


def _changed_map(folder: Path) -> None:
    after(folder, plain_map, SET)


@guarded
def _edit_much(folder: Path) -> None:
    from engine.mapedit import journal

    journal.MAX_BYTES = 300
    _edit.__wrapped__(folder)  # type: ignore[attr-defined]


MAPS = [
    Scenario("map set", plain_map, cli(*SET), look_map, again=_decided(*SET)),
    Scenario("map restore", lambda folder: after(folder, plain_map, SET), cli(*_RESTORE), look_map,
             again=_decided(*_RESTORE)),
    Scenario("map replay", _edits_waiting, cli("map", "replay", "disk.map", "--in-place"), _look_edits),
    Scenario("map discard", _edits_waiting, cli("map", "replay", "disk.map", "--discard"), _look_edits),
    Scenario("map edits, many", plain_map, _edit_much, _look_edits, resumes=False, allowed=_replayed),
    Scenario("map edits", plain_map, _edit, _look_edits, resumes=False, allowed=_replayed),
    Scenario("map put back", _changed_map, _put_back, look_map, again=_put_back),
    Scenario("map read", _map_and_image, _read_a_selection, lambda folder: {**look_map(folder), **_domains(folder)}),
    Scenario("map out", plain_map, cli("map", "invert", "disk.map", "-o", "out.map", "--force"),
             lambda folder: files(folder)),
]  # fmt: skip
