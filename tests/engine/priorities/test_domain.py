"""Domain maps: written, read back, and taken by ddrescue itself."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedError, OutsideError, UsageError
from engine.priorities import aligned, read_domain, write_domain
from engine.priorities.domain import domain_map
from engine.ranges import RangeSet
from tests.support import needs_tool

SIZE = 1 << 20


@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 40)), max_size=12), st.integers(1, 320))
@settings(max_examples=150, deadline=None)
def test_every_byte_is_wanted_or_not(pairs, size):
    wanted = RangeSet((start, start + length) for start, length in pairs)
    made = domain_map(wanted, size)
    assert (made.start, made.end) == (0, size)
    assert made.ranges("+") == wanted.clip(0, size)
    assert made.ranges("?") == wanted.complement(0, size)
    assert made.merged() is made


def test_written_and_read_back(tmp_path):
    path = tmp_path / "wanted.map"
    saved = write_domain(path, RangeSet([(700, 900), (4096, 8192), (SIZE - 10, SIZE + 10)]), SIZE)
    assert saved.wanted == RangeSet([(512, 1024), (4096, 8192), (SIZE - 512, SIZE)])
    assert read_domain(path) == saved
    with pytest.raises(OutsideError) as refused:
        write_domain(path, saved.wanted, SIZE)
    assert refused.value.code == "exists"
    write_domain(path, RangeSet.of(0, 512), SIZE, force=True)
    assert read_domain(path).wanted == RangeSet.of(0, 512)
    assert read_domain(tmp_path / "wanted.map.1") == saved


def test_sectors_of_4096():
    assert aligned(RangeSet([(5000, 5001)]), 4096, SIZE) == RangeSet.of(4096, 8192)


def test_an_empty_domain_is_refused(tmp_path):
    with pytest.raises(UsageError):
        write_domain(tmp_path / "a", RangeSet(), SIZE)
    with pytest.raises(UsageError):
        write_domain(tmp_path / "a", RangeSet.of(SIZE, SIZE + 5), SIZE)
    assert not (tmp_path / "a").exists()
    (tmp_path / "b").write_text("# Mapfile\n0x0 ? 1\n0x0 0x1000 ?\n")
    with pytest.raises(DamagedError):
        read_domain(tmp_path / "b")


@needs_tool("ddrescue")
def test_ddrescue_reads_what_is_wanted_and_nothing_else(tmp_path):
    disk, image, map_, wanted = (tmp_path / name for name in ("disk", "image", "map", "wanted"))
    disk.write_bytes(bytes(range(1, 251)) * 4000)
    size = disk.stat().st_size
    asked = RangeSet([(1000, 1001), (70_000, 200_000), (size - 3, size)])
    saved = write_domain(wanted, asked, size)
    subprocess.run(["ddrescue", "-q", "-m", wanted, disk, image, map_], check=True, timeout=60)
    data, truth = image.read_bytes(), disk.read_bytes()
    assert read_domain(map_).wanted == saved.wanted
    for start, end in saved.wanted:
        assert data[start:end] == truth[start:end]
    for start, end in saved.wanted.complement(0, len(data)):
        assert not any(data[start:end])
