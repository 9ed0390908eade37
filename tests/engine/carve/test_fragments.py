"""Files in two and three pieces: put together to the very bytes, or left alone."""

from __future__ import annotations

import gzip
import random

import pytest

from engine.carve.fragments import Search, repair
from engine.carve.outcome import CHECKED
from engine.carve.signatures import table
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.carve.images import at, filling, finds_in
from tests.engine.carve.made_files import made, picture

CLUSTER = 4096


def _signature(kind: str):  # type: ignore[no-untyped-def]
    return next(one for one in table() if one.kind == {"ooxml": "zip"}.get(kind, kind))


def _split(content: bytes, cuts: list[tuple[int, int]], gap_kind: str) -> bytes:
    """``content`` from cluster 3 on, with gaps of n clusters after so many clusters of it."""
    data, done = bytearray(filling("random", 3 * CLUSTER, 5)), 0
    for after, gap in cuts:
        data += content[done : after * CLUSTER]
        done = after * CLUSTER
        if gap_kind == "picture":
            other = picture("JPEG", (400, 300), seed=44, quality=92)
            data += (other * (gap * CLUSTER // len(other) + 1))[: gap * CLUSTER]
        else:
            data += filling(gap_kind, gap * CLUSTER, gap)
    data += content[done:]
    data += filling("random", -len(data) % CLUSTER + 8 * CLUSTER, 6)
    return bytes(data)


BIG = {
    "png": lambda: picture("PNG", (200, 150)),
    "jpeg": lambda: picture("JPEG", (400, 300), quality=92),
    "progressive": lambda: picture("JPEG", (400, 300), quality=92, progressive=True),
    "zip": lambda: made("zip"),
    "stored zip": lambda: made("stored zip"),
    "gzip": lambda: made("gzip"),
    "bzip2": lambda: made("bzip2"),
    "xz": lambda: made("xz"),
}


@pytest.mark.parametrize("gap_kind", ["random", "zeros", "text", "picture"])
@pytest.mark.parametrize("name", sorted(BIG))
def test_two_pieces_are_put_together(name: str, gap_kind: str) -> None:
    content = BIG[name]()
    dice = random.Random(f"{name} {gap_kind}")
    clusters = len(content) // CLUSTER
    data = _split(content, [(dice.randrange(1, clusters), dice.randrange(2, 40))], gap_kind)
    find = at(finds_in(data), 3 * CLUSTER)
    assert find is not None
    found = repair(BytesSource(data), find, _signature(find.kind), Search(cluster=CLUSTER, most_gap=64))
    assert found is not None
    assert b"".join(data[start : start + size] for start, size in found.extents) == content
    assert len(found.extents) == 2


def test_three_pieces_of_a_png() -> None:
    content = picture("PNG", (400, 300))
    data = _split(content, [(7, 5), (40, 11)], "random")
    find = at(finds_in(data), 3 * CLUSTER)
    assert find is not None
    found = repair(BytesSource(data), find, _signature("png"), Search(cluster=CLUSTER, most_gap=32))
    assert found is not None
    assert b"".join(data[start : start + size] for start, size in found.extents) == content


def test_what_is_not_there_is_not_made_up() -> None:
    content = BIG["png"]()
    data = _split(content[: len(content) // 2], [], "random")
    find = at(finds_in(data), 3 * CLUSTER)
    assert find is not None
    assert repair(BytesSource(data), find, _signature("png"), Search(cluster=CLUSTER, most_gap=16)) is None


def test_bytes_of_other_files_are_left_alone() -> None:
    content = BIG["gzip"]()
    data = _split(content, [(3, 4)], "random")
    find = at(finds_in(data), 3 * CLUSTER)
    assert find is not None
    search = Search(cluster=CLUSTER, most_gap=16, taken=RangeSet.of(10 * CLUSTER, 11 * CLUSTER))
    assert repair(BytesSource(data), find, _signature("gzip"), search) is None


@pytest.mark.full
def test_very_regular_data_keep_a_decoder_going_long_after_the_break() -> None:
    """The deflate decoder takes another file's data for hundreds of kilobytes; only the CRC at the end tells."""
    content = gzip.compress(b"".join(b"%d words of a sentence, %d\n" % (n, n * n) for n in range(9000)), mtime=1)
    data = _split(content, [(6, 51)], "picture")
    find = at(finds_in(data), 3 * CLUSTER)
    assert find is not None
    found = repair(BytesSource(data), find, _signature("gzip"), Search(cluster=CLUSTER, most_gap=64))
    assert found is not None and found.confidence == CHECKED
    assert b"".join(data[start : start + size] for start, size in found.extents) == content


def test_a_picture_that_can_be_joined_in_two_ways_is_not_called_whole() -> None:
    """Behind the gap the same half of the picture stands twice: both joins decode, nothing decides."""
    content = picture("JPEG", (400, 300), quality=92)
    half = len(content) // 2 // CLUSTER * CLUSTER
    tail = content[half:] + bytes(-len(content[half:]) % CLUSTER)
    data = bytes(3 * CLUSTER) + content[:half] + filling("random", 2 * CLUSTER, 5) + tail + tail + bytes(8 * CLUSTER)
    find = at(finds_in(data), 3 * CLUSTER)
    assert find is not None
    found = repair(BytesSource(data), find, _signature("jpeg"), Search(cluster=CLUSTER, most_gap=64))
    assert found is not None and not found.proven and "other join" in found.reason
