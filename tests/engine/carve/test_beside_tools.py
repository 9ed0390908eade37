"""Carving beside PhotoRec, foremost and scalpel, on one image of files that real programs wrote."""

from __future__ import annotations

import hashlib
import random
import subprocess
from pathlib import Path

import pytest

from engine.carve.carving import carve
from engine.carve.outcome import WALKED, Status
from engine.carve.signatures import table
from engine.carve.writing import write_finds
from engine.source import FileSource
from tests.bench.bench_carve import _lay, _photorec
from tests.engine.carve.corpus import make_corpus
from tests.support import find_tool, needs_tool

pytestmark = [pytest.mark.full, needs_tool("ffmpeg"), needs_tool("soffice"), needs_tool("convert")]


@pytest.fixture(scope="module")
def laid(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[int, bytes]]:
    folder = tmp_path_factory.mktemp("corpus")
    files = make_corpus(folder / "corpus")
    assert len(files) >= 90
    return folder / "disk", _lay(folder / "disk", files, 512, 0)


def _digests(folder: Path, but: tuple[str, ...] = ()) -> set[bytes]:
    return {hashlib.sha256(path.read_bytes()).digest() for path in folder.rglob("*")
            if path.is_file() and path.name not in but}  # fmt: skip


def test_more_is_whole_and_less_is_junk_than_of_others(laid: tuple[Path, dict[int, bytes]], tmp_path: Path) -> None:
    disk, truth = laid
    with FileSource(disk) as source:
        finds = [find for find in carve(source, table()) if find.inside is None]
        write_finds(source, finds, tmp_path / "ours")
    wanted = {hashlib.sha256(content).digest() for content in truth.values()}
    ours = len(_digests(tmp_path / "ours") & wanted)
    right = sum(find.start in truth for find in finds)
    assert ours >= 0.9 * len(wanted)
    assert right >= 0.97 * len(finds)
    others: dict[str, int] = {}
    if find_tool("photorec"):
        found = _photorec(tmp_path, disk, truth)
        assert found is not None
        others["photorec"] = round(found[0] * len(truth) / 100)
    for tool, command in (("foremost", ("foremost", "-t", "all", "-i", disk, "-o", tmp_path / "foremost")),
                          ("scalpel", ("scalpel", "-o", tmp_path / "scalpel", disk))):  # fmt: skip
        needs_tool(tool)
        subprocess.run(command, capture_output=True, check=False, timeout=600)
        others[tool] = len(_digests(tmp_path / tool, ("audit.txt",)) & wanted)
    print(f"byte for byte of {len(wanted)}: ours {ours}, {others}")
    assert all(ours > count for count in others.values()), others


def test_every_damaged_file_is_flagged_with_its_unread_ranges(laid: tuple[Path, dict[int, bytes]]) -> None:
    from engine.carve.missing import missing_of
    from engine.ranges import RangeSet
    from engine.source.views import HoleSource

    disk, truth = laid
    dice = random.Random(11)
    holes = RangeSet((place, place + 512) for place in (
        start // 512 * 512 + 512 * dice.randrange(1, len(content) // 512)
        for start, content in truth.items() if len(content) > 4096 and dice.random() < 0.5
    ))  # fmt: skip
    flagged = hurt = 0
    wrong: list[object] = []
    with FileSource(disk) as below:
        source = HoleSource(below, holes)
        finds = {find.start: find for find in carve(source, table()) if find.inside is None}
        for start, content in truth.items():
            lacks = holes.clip(start, start + len(content))
            hurt += bool(lacks)
            find = finds.get(start)
            if find is None or (find.status is Status.COMPLETE and find.confidence < WALKED):
                continue
            missing = missing_of(find, holes)
            if find.status is Status.COMPLETE and find.size == len(content):
                right = missing.unread == lacks
            elif not lacks:
                right = find.status is not Status.UNREAD or missing.total <= 512
            else:
                right = bool(missing.total)
            wrong += [] if right else [(find, missing, list(lacks), len(content))]
            flagged += bool(lacks) and bool(missing.total)
    assert hurt > 20
    assert wrong == []
    assert flagged >= 0.95 * hurt
