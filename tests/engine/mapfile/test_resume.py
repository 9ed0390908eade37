"""What a status line makes ddrescue read: our forecast against the reads that the real ddrescue makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.resume import reading_all, resume_of, resume_retrying
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from engine.tools import find_tool, run
from tests.support import needs_tool

SIZE = 1 << 20


def first_pass(folder: Path, map_: Mapfile, *options: str) -> tuple[str, list[int]]:
    """Run the real ddrescue on a faultless source: the heading of its first phase, and the positions it read in it."""
    needs_tool("ddrescue")
    tool = find_tool("ddrescue")
    assert tool is not None
    source = folder / "source"
    if not source.exists():
        source.write_bytes(bytes(range(256)) * (SIZE // 256))
    write_map(folder / "map", map_)
    log = folder / "reads"
    done = run(
        [tool, "-q", f"--log-reads={log}", *options, str(source), str(folder / "image"), str(folder / "map")],
        timeout_s=60,
    )
    assert done.status == 0, done.stderr
    heading, reads = "", []
    for line in log.read_text().splitlines():
        if line.startswith("# 0s") and "pass" in line.lower():
            if heading:
                break
            heading = line
        elif line and not line.startswith("#"):
            reads.append(int(line.split()[0], 16))
    return heading, reads


@pytest.mark.parametrize("position", [0, SIZE // 2, SIZE, SIZE * 2])
@pytest.mark.parametrize(("phase", "current_pass"), [*(("?", n) for n in range(1, 7)), *((c, 4) for c in "*+-F")])
def test_the_forecast_is_what_ddrescue_does(tmp_path, phase, position, current_pass):
    map_ = Mapfile.new(0, SIZE).with_status_line(position, phase, current_pass)
    forecast = resume_of(map_)
    heading, reads = first_pass(tmp_path, map_)
    assert f"Pass {forecast.first_pass} ({'backwards' if forecast.backwards else 'forwards'})" in heading
    step = -65536 if forecast.backwards else 65536
    assert reads[0] == forecast.position + (step if forecast.backwards else 0)
    assert [two - one for one, two in zip(reads, reads[1:], strict=False)] == [step] * (len(reads) - 1)
    read = RangeSet([(at, at + 65536) for at in reads])
    assert read.complement(0, SIZE) == forecast.left_out
    after = read_map(tmp_path / "map")
    assert bool(after.ranges("?")) == forecast.never


def test_reverse_swaps_the_direction(tmp_path):
    map_ = Mapfile.new(0, SIZE).with_status_line(SIZE // 4, "?", 1)
    forecast = resume_of(map_, reverse=True)
    heading, reads = first_pass(tmp_path, map_, "-R")
    assert forecast.backwards
    assert "backwards" in heading
    assert reads[0] == SIZE // 4 - 65536
    assert list(forecast.left_out) == [(SIZE // 4, SIZE)]


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("phase", "current_pass", "options", "even"),
    [
        ("-", 1, {}, False),
        ("-", 2, {}, True),
        ("-", 3, {}, False),
        ("-", 2, {"unidirectional": True}, False),
        ("-", 2, {"with_direction": False}, False),
        ("?", 2, {}, False),
        ("+", 2, {}, False),
    ],
)
def test_the_direction_of_retrying(phase, current_pass, options, even, reverse):
    """The pass of the status line counts only when it is one of retrying; -R turns it round."""
    bad = Mapfile.from_blocks([(0, 100, "-"), (100, 700, "+"), (800, 200, "-")])
    found = resume_retrying(bad.with_status_line(400, phase, current_pass), reverse=reverse, **options)
    assert found.first_pass == 1
    assert found.backwards == (even != reverse)
    if phase != "-":
        assert (found.position, list(found.left_out)) == (1000 if reverse else 0, [])
    else:
        assert found.position == 400
        assert list(found.left_out) == ([(800, 1000)] if found.backwards else [(0, 100)])
    assert found.never == bool(found.left_out)


def test_retrying_keeps_to_the_domain():
    bad = Mapfile.from_blocks([(0, 1000, "-")]).with_status_line(0, "-", 1)
    domain = RangeSet([(200, 300), (500, 600)])
    ahead = resume_retrying(bad, domain=domain)
    assert (ahead.position, ahead.backwards, list(ahead.left_out)) == (200, False, [])
    back = resume_retrying(bad.with_status_line(0, "-", 2), domain=domain)
    assert (back.position, back.backwards, list(back.left_out)) == (600, True, []), "nothing below: from the far edge"
    inside = resume_retrying(bad.with_status_line(550, "-", 2), domain=domain)
    assert (inside.position, list(inside.left_out)) == (550, [(550, 600)])
    beyond = resume_retrying(bad.with_status_line(900, "-", 2), domain=domain)
    assert (beyond.position, list(beyond.left_out)) == (600, [])


def test_a_map_is_set_to_read_all_only_when_needed(tmp_path):
    stale = Mapfile.new(0, SIZE).with_status_line(SIZE // 2, "?", 5)
    made, needed = reading_all(stale)
    assert needed
    assert len(first_pass(tmp_path, made)[1]) == SIZE // 65536
    fine = Mapfile.from_blocks([(0, 512, "+"), (512, 512, "?")]).with_status_line(512, "?", 3)
    assert reading_all(fine) == (fine, False)
