"""The same on real streams: MPEG-2 video with AC-3 or MPEG audio as ffmpeg writes it for DVDs."""

from __future__ import annotations

import random

import pytest

from tests.engine.dvr.clock.laid import outcome, solve
from tests.engine.dvr.clock.streams import ffmpeg_stream, lay, moved
from tests.support import needs_tool

pytestmark = [pytest.mark.full, needs_tool("ffmpeg")]
TITLES = 8


@pytest.mark.parametrize("audio", ["ac3", "mp2"])
@pytest.mark.parametrize("clocks", ["restart", "running", "random", "remains"])
def test_titles_cut_and_shuffled(audio, clocks):
    base = [ffmpeg_stream(n, 10, audio=audio) for n in range(TITLES)]
    made = joins = 0
    for seed in (3, 4):
        rng = random.Random(seed)
        starts = {
            "running": [n * (10 * 90_000 + rng.randrange(3_000, 90_000)) for n in range(TITLES)],
            "random": [rng.randrange(1 << 33) for _ in range(TITLES)],
        }.get(clocks, [0] * TITLES)
        streams = [moved(stream, start) for stream, start in zip(base, starts, strict=True)]
        remains = ffmpeg_stream(77, 10, audio=audio) if clocks == "remains" else b""
        laid = lay(streams, rng, extents=4, remains=remains)
        found = outcome(laid)
        assert not found.wrong
        made, joins = made + found.made, joins + len(laid.joins)
    # Where remains go on from a piece by chance, the piece ends behind the cut.
    assert made >= joins * (0.75 if clocks == "remains" else 0.9)


@pytest.mark.parametrize("audio", ["ac3", "mp2"])
def test_recordings_side_by_side_with_short_pauses(audio):
    rng = random.Random(1)
    streams, clock = [], 0
    for n in range(6):
        streams.append(moved(ffmpeg_stream(n, 10, audio=audio), clock))
        clock += 10 * 90_000 + rng.randrange(3_000, 80_000)
    puzzle = solve(b"".join(streams))
    assert not puzzle.joins
    starts, at = [], 0
    for stream in streams:
        starts.append(at)
        at += len(stream)
    assert [piece.start for piece in puzzle.pieces] == starts
