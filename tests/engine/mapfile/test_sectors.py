"""Sector lists and bitmaps against ddrescuelog -l and -c."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DamagedError, UsageError
from engine.mapfile.algebra import make_domain
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import parse_map
from engine.mapfile.sectors import from_bitmap, from_sectors, list_sectors, parse_numbers, to_bitmap
from engine.mapfile.status import MAX_POSITION
from engine.ranges import RangeSet
from tests.engine.mapfile.helpers import ddrescuelog, random_map, save
from tests.support import needs_tool


@pytest.mark.parametrize("seed", range(20))
def test_lists_and_bitmaps_agree_with_ddrescuelog(seed, tmp_path: Path):
    needs_tool("ddrescuelog")
    rng = random.Random(seed)
    map_ = random_map(rng)
    path = save(tmp_path / "map", map_)
    sector = rng.choice([1, 100, 512, 4096])
    types = "".join(rng.sample("?*/-+", rng.randrange(1, 6)))
    start, size = rng.randrange(map_.end), rng.randrange(1, map_.end)
    for options, domain in (([], None), (["-i", start, "-o", start, "-s", size], make_domain(start, size))):
        done = ddrescuelog("-b", sector, *options, "-l", types, path)
        assert done.stdout.split() == [b"%d" % number for number in list_sectors(map_, types, sector, domain)]
    for name, order in (("bitmap-le", "little"), ("bitmap-be", "big")):
        done = ddrescuelog("-b", sector, "-F", name, "-l", types, path)
        assert done.stdout == to_bitmap(map_, types, sector, order)
    far = sector * rng.randrange(1, 9)
    done = ddrescuelog("-b", sector, "-o", far, "-l", types, path)
    assert done.stdout.split() == [b"%d" % number for number in list_sectors(map_, types, sector, distance=far)]


@pytest.mark.parametrize("seed", range(20))
def test_creating_agrees_with_ddrescuelog(seed):
    needs_tool("ddrescuelog")
    rng = random.Random(seed)
    numbers = [rng.randrange(40) for _ in range(rng.randrange(20))]
    text = b" ".join(rng.choice([b"%d", b"0x%x", b"0%o", b"%d\n"]) % number for number in numbers)
    sector = rng.choice([100, 512, 4096])
    one, two = rng.sample("?*/-+", 2)
    end = rng.choice([None, rng.randrange(1, 41 * sector)])
    options = [] if end is None else ["-s", end]
    done = ddrescuelog("-b", sector, *options, f"-c{one}{two}", "-", stdin=text)
    made = from_sectors(parse_numbers(text), sector, listed=one, rest=two, end=MAX_POSITION if end is None else end)
    assert made == parse_map(done.stdout)
    far = sector * rng.randrange(1, 5)
    done = ddrescuelog("-b", sector, "-o", far, f"-c{one}{two}", "-", stdin=text)
    assert from_sectors(parse_numbers(text), sector, listed=one, rest=two, distance=far) == parse_map(done.stdout)
    bits = rng.randbytes(6)
    for name, order in (("bitmap-le", "little"), ("bitmap-be", "big")):
        done = ddrescuelog("-b", sector, "-F", name, f"-c{one}{two}", "-", stdin=bits)
        assert from_bitmap(bits, sector, order, listed=one, rest=two) == parse_map(done.stdout)


def test_the_last_sector_there_can_be():
    made = from_sectors(parse_numbers(b"18014398509481983"))
    assert list(made) == [(0, MAX_POSITION - 511, "-"), (MAX_POSITION - 511, 511, "+")]
    with pytest.raises(UsageError):
        from_sectors(parse_numbers(b"18014398509481984"))


def test_the_last_sector_before_an_end():
    for sector, numbers, wanted in ((1, [9], [(0, 9, "-"), (9, 1, "+")]), (5, [0, 1], [(0, 10, "+")])):
        assert list(from_sectors(np.array(numbers), sector, end=10)) == wanted
    assert list(from_sectors(np.array([0, 1]), 5, end=9)) == [(0, 5, "+"), (5, 4, "-")], "a sector in part is left out"
    assert list(from_sectors(np.array([0]), 1, end=10, distance=9)) == [(0, 9, "-"), (9, 1, "+")]
    assert list(from_sectors(np.array([0]), 1, end=10, distance=10)) == [(0, 10, "-")]


def test_bitmaps_of_a_domain_end_with_it():
    map_ = Mapfile.new(0, 10 * 512, "+")
    assert to_bitmap(map_, "+", domain=RangeSet([(0, 512), (1024, 2048), (2560, 3072)])) == bytes([0b101101])
    assert to_bitmap(map_, "+", domain=RangeSet.of(512, 1 << 40)) == bytes([0b11111110, 0b11])
    assert from_bitmap(bytes([0b101101]), end=8 * 512).ranges("+").total == 4 * 512


@pytest.mark.parametrize("text", [b"3 x", b"-3", b"1\n99999999999999999999", b"08", b"0x"])
def test_bad_numbers(text):
    with pytest.raises(DamagedError) as caught:
        parse_numbers(text)
    assert caught.value.line == text.count(b"\n") + 1


def test_what_is_too_much_is_refused():
    everything = Mapfile.new(0, MAX_POSITION, "+")
    for act in (list_sectors, to_bitmap):
        with pytest.raises(UsageError) as caught:
            act(everything, "+")
        assert caught.value.code == "too-many"
    with pytest.raises(UsageError):
        from_sectors(np.zeros(0, np.int64), listed="+", rest="+")
    with pytest.raises(UsageError):
        list_sectors(everything, "+", distance=100)
