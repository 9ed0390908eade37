"""Sources: the same bytes through every view, and no hole ever passed off as content."""

from __future__ import annotations

import os
import random
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedError, OutsideError, UsageError
from engine.ranges import RangeSet
from engine.source import (
    DeviceSource,
    FileSource,
    HoleSource,
    Source,
    SplitSource,
    SwapSource,
    WindowSource,
    open_path,
)
from engine.source.base import ReadError
from tests.support import needs_root, needs_tool


@pytest.fixture
def image(tmp_path):
    data = random.Random(1).randbytes(100_003)
    (tmp_path / "d.img").write_bytes(data)
    return tmp_path / "d.img", data


def check_everywhere(source: Source, content: bytes, missing: set[int] = frozenset()) -> None:
    """Random readings equal ``content`` outside ``missing`` and report exactly ``missing`` as holes."""
    assert source.size == len(content)
    assert {p for a, b in source.holes for p in range(a, b)} == set(missing)
    generator = random.Random(2)
    spots = [(0, len(content)), (len(content) - 1, 10), (len(content), 5)]
    spots += [(generator.randrange(len(content)), generator.randrange(3000)) for _ in range(60)]
    for offset, size in spots:
        found = source.read(offset, size)
        span = range(offset, min(offset + size, len(content)))
        assert len(found.data) == len(span)
        holes = {p for a, b in found.holes for p in range(a, b)}
        assert holes == set(missing) & set(span)
        assert all(found.data[p - offset] == content[p] for p in span if p not in holes)
        assert all(found.data[p - offset] == 0 for p in holes)


def test_file_and_window(image):
    path, data = image
    with FileSource(path) as source:
        check_everywhere(source, data)
    with WindowSource(FileSource(path), 777, 5000) as source:
        check_everywhere(source, data[777:5777])


def test_split_image(image):
    path, data = image
    for number, start in enumerate(range(0, len(data), 40_000), 1):
        (path.parent / f"s.{number:03d}").write_bytes(data[start : start + 40_000])
    with open_path(path.parent / "s.001") as source:
        assert isinstance(source, SplitSource)
        check_everywhere(source, data)
    (path.parent / "s.002").rename(path.parent / "moved")
    with pytest.raises(DamagedError) as caught:
        open_path(path.parent / "s.001")
    assert str(caught.value.path).endswith("s.002")


def swapped(data: bytes) -> bytes:
    out = bytearray(data)
    even = len(data) // 2 * 2
    out[0:even:2], out[1:even:2] = data[1:even:2], data[0:even:2]
    return bytes(out)


def test_swap(image):
    path, data = image
    with SwapSource(FileSource(path)) as source:
        check_everywhere(source, swapped(data))


small_holes = st.lists(st.tuples(st.integers(0, 130), st.integers(0, 130)), max_size=5)


class Memory(Source):
    """A source in memory, for properties."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.path = data, len(data), "memory"

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset, buffer):
        self.check_inside(offset, len(buffer))
        memoryview(buffer)[:] = self.data[offset : offset + len(buffer)]
        return ()

    def close(self) -> None:
        return


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 120), small_holes, st.integers(0, 20))
def test_holes_through_every_view(size, holes, extra):
    data = random.Random(size).randbytes(size)
    missing = {p for a, b in holes for p in range(a, b) if p < size + extra} | set(range(size, size + extra))
    content = bytearray(data + bytes(extra))
    for position in missing:
        content[position] = 0
    laid = HoleSource(Memory(data), RangeSet(holes), size=size + extra)
    check_everywhere(laid, bytes(content), missing)
    partner = {p ^ 1 if (p | 1) < len(content) else p for p in missing}
    check_everywhere(SwapSource(laid), swapped(bytes(content)), partner)
    cut = len(content) // 3
    if len(content) - cut > 0:
        window = WindowSource(laid, cut, len(content) - cut)
        check_everywhere(window, bytes(content[cut:]), {p - cut for p in missing if p >= cut})


@pytest.mark.root
@pytest.mark.parametrize("sector", [512, 4096])
def test_block_device(image, sector):
    needs_root()
    needs_tool("losetup")
    path, data = image
    data = data[: len(data) // 4096 * 4096]
    path.write_bytes(data)
    loop = subprocess.run(
        ["losetup", "-f", "--show", "-r", "-b", str(sector), path], capture_output=True, text=True, check=True
    ).stdout.strip()
    try:
        for direct in (True, False):
            with DeviceSource(loop, direct=direct) as source:
                assert (source.size, source.sector_size) == (len(data), sector)
                check_everywhere(source, data)
        with open_path(loop) as source:
            assert isinstance(source, DeviceSource)
    finally:
        subprocess.run(["losetup", "-d", loop], check=True)


def test_what_cannot_be_opened(tmp_path):
    with pytest.raises(OutsideError) as missing:
        open_path(tmp_path / "nothing")
    assert missing.value.code == "missing"
    with pytest.raises(UsageError):
        open_path(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UsageError):
        open_path(tmp_path / "pipe")


def test_a_file_that_shrinks_is_an_error_not_zeros(image):
    path, _ = image
    with FileSource(path) as source:
        os.truncate(path, 10)
        with pytest.raises(ReadError) as caught:
            source.read(0, 100)
        assert caught.value.offset == 10
