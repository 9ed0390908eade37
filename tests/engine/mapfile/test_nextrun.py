"""The forecast of a run against what the real ddrescue reads of a faultless source."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.mapfile.nextrun import NextRun, RunOptions, copying_passes, next_run
from engine.mapfile.parse import read_map
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from engine.tools import find_tool, run
from tests.support import needs_tool

SIZE = 1 << 20
CLUSTER = 1 << 12
_NAMES = {"Copying": "copying", "Trimming": "trimming", "Scraping": "scraping", "Retrying": "retrying"}


def made_map(rng: random.Random) -> Mapfile:
    bounds = sorted({0, SIZE, *(rng.randrange(1, SIZE // 4096) * 4096 for _ in range(rng.randrange(1, 14)))})
    blocks = [(a, b - a, rng.choice("+??*/-")) for a, b in zip(bounds, bounds[1:], strict=False)]
    line = (rng.choice([0, rng.randrange(SIZE), SIZE, 2 * SIZE]), rng.choice("?????*/--+F"), rng.randrange(1, 7))
    return Mapfile.from_blocks(blocks).merged().with_status_line(*line)


def really_read(folder: Path, map_: Mapfile, *options: str) -> tuple[list[tuple[str, bool, int]], RangeSet, Mapfile]:
    """Headings with direction and first position of each phase, all positions read, and the map afterwards."""
    needs_tool("ddrescue")
    tool = find_tool("ddrescue")
    assert tool is not None
    if "--no-sweep" in run([tool, "--help"], timeout_s=60).stdout:
        pytest.skip("this ddrescue (1.30 or later) goes by other rules than the forecast, which says so")
    source = folder / "source"
    if not source.exists():
        source.write_bytes(b"\x55" * SIZE)
    for name in ("image", "reads"):
        (folder / name).unlink(missing_ok=True)
    write_map(folder / "map", map_)
    done = run(
        [tool, "-q", "-c8", f"--log-reads={folder / 'reads'}", *options,
         str(source), str(folder / "image"), str(folder / "map")],
        timeout_s=60,
    )  # fmt: skip
    assert done.status == 0, done.stderr
    phases: list[tuple[str, bool, int]] = []
    reads = []
    heading: tuple[str, bool] | None = None
    for line in (folder / "reads").read_text().splitlines():
        words = line.split()
        # "# 0s  Trimming failed blocks...": seconds come first, more than 0 of them on a busy machine.
        if line.startswith("# ") and words[2:] and words[2] in _NAMES:
            heading = (_NAMES[words[2]], "backwards" in line)
        elif line and not line.startswith("#"):
            at, size = int(words[0], 16), int(words[1])
            if heading is not None and (not phases or phases[-1][0] != heading[0]):
                phases.append((*heading, at + size if heading[1] else at))
            reads.append((at, at + size))
    return phases, RangeSet(reads), read_map(folder / "map")


def options_of(rng: random.Random) -> tuple[RunOptions, list[str]]:
    chosen: dict[str, bool] = {
        name: rng.random() < 0.35
        for name in ("reverse", "unidirectional", "no_trim", "no_scrape", "try_again", "retrim")
    }
    words = [
        {"reverse": "-R", "unidirectional": "-u", "no_trim": "--no-trim", "no_scrape": "-n", "try_again": "-A",
         "retrim": "-M"}[name]
        for name, wanted in chosen.items()
        if wanted
    ]  # fmt: skip
    retries = rng.choice([0, 0, 1, 2])
    words += [f"-r{retries}"] if retries else []
    cpass = rng.choice([None, None, None, "0", "1", "2", "1,2", "5"])
    words += [f"--cpass={cpass}"] if cpass else []
    domain = None
    if rng.random() < 0.5:
        start = rng.randrange(0, SIZE // 2, 4096)
        size = rng.randrange(4096, SIZE, 4096)
        domain = RangeSet.of(start, min(SIZE, start + size))
        words += [f"-i{start}", f"-s{size}"]
    return RunOptions(**chosen, retry_passes=retries, cpass=cpass, domain=domain, size=SIZE), words


@pytest.mark.parametrize("seed", range(120))
def test_the_forecast_is_what_ddrescue_reads(tmp_path, seed):
    rng = random.Random(seed)
    map_ = made_map(rng)
    options, words = options_of(rng)
    forecast: NextRun = next_run(map_, options)
    phases, reads, after = really_read(tmp_path, map_, *words)
    assert reads == forecast.reads, (words, list(map_))
    assert [name for name, _, _ in phases] == [phase.name for phase in forecast.phases]
    for (_, backwards, first), phase in zip(phases, forecast.phases, strict=True):
        if phase.name == "copying" and phase.first_pass in (3, 4):
            continue  # these visit only what lies beside finished blocks; pass 5 reads the rest
        assert backwards == phase.backwards
        along = phase.ranges.clip(0, phase.position) if backwards else phase.ranges.clip(phase.position, SIZE)
        if phase.name == "trimming":
            continue  # from either edge of a block, whichever is not known bad
        if backwards and phase.name == "scraping":  # from block to block backwards, inside forwards
            assert first == int(along.starts[-1]) + 512
        else:
            assert first == (int(along.ends[-1]) if backwards else int(along.starts[0]))
    if forecast.never:
        assert not forecast.never.intersect(after.ranges("+"))
        assert any("Finished" in warning for warning in forecast.warnings)
    assert len(forecast.words) == max(1, len(forecast.phases))


def test_a_finished_tail_beyond_the_source_is_told():
    found = next_run(Mapfile.new(0, SIZE, "+"), RunOptions(size=SIZE // 2))
    assert any("refuses" in warning for warning in found.warnings)
    assert found.words == ("nothing to read: ddrescue ends at once",)


def test_a_map_that_begins_late_is_read_from_the_start(tmp_path):
    """Also when nobody says how large the source is; ddrescue fills in what lies before as non-tried."""
    map_ = Mapfile.from_blocks([(8192, 4096, "+"), (12288, SIZE - 12288, "?")])
    for options in (RunOptions(), RunOptions(size=SIZE)):
        assert next_run(map_, options).reads == RangeSet([(0, 8192), (12288, SIZE)])
    assert really_read(tmp_path, map_)[1] == RangeSet([(0, 8192), (12288, SIZE)])
    assert next_run(map_, RunOptions(size=0)).reads == RangeSet([(12288, SIZE)])


def test_an_unknown_status_is_told():
    found = next_run(Mapfile.new(0, SIZE).with_status_line(0, "S", 1))
    assert any("another version" in warning for warning in found.warnings)
    assert found.reads == RangeSet.of(0, SIZE)


def test_copying_passes():
    assert copying_passes(None) == (1, 2, 3, 4, 5)
    assert copying_passes("1,3-9") == (1, 3, 4, 5)
    assert copying_passes("0") == ()
    for text in ("x", "1-", "-2", ""):
        with pytest.raises(UsageError):
            copying_passes(text)


@pytest.mark.parametrize("text", ["²", "1-³", "², 1", "1,²5", "-", "1-", ""])
def test_copying_passes_that_are_none(text):
    with pytest.raises(UsageError):
        copying_passes(text)
