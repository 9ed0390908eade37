"""The strategy against the failing disk in this process: every read goes to the drive, power cycles are counted."""

from __future__ import annotations

import pytest

from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.strategy import Costs, Done, How, Kind, Pass, Run, next_pass
from tests.failing_disk import Drop, Error, make_image, scatter
from tests.failing_disk.drive import Drive
from tests.failing_disk.profiles import Profile
from tests.failing_disk.truth import truth

SIZE = 64 << 20
SECTOR = 512


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return make_image(tmp_path_factory.mktemp("disk") / "image", SIZE)


class Rescue:
    """A rescue of the drive, pass by pass, with reads as ddrescue makes them."""

    def __init__(self, image, faults):
        profile = Profile(faults=tuple(faults))
        self.drive, self.truth = Drive(image, profile), truth(profile, SIZE)
        self.known, self.history, self.passes = Mapfile.new(0, SIZE), [], []
        self.done: Done | None = None

    def until(self, part: float, most: int = 400) -> int:
        """Power cycles until this part of the readable bytes is had."""
        wanted = part * self.truth.readable_bytes
        while self.known.totals().finished < wanted:
            assert len(self.passes) < most, "too many passes"
            made = next_pass(self.known, self.history, Costs())
            if isinstance(made, Done):
                self.done = made
                break
            if self.drive.state != "alive":
                self.drive.power_off()
                self.drive.power_on()
            self.passes.append(made)
            self.history.append(self._run(made))
        assert self.known.totals().finished >= wanted, self.done
        return self.drive.cycles

    def _run(self, made: Pass) -> Run:
        handle = self.drive.open(self.drive.node, True)
        good: list[tuple[int, int]] = []
        bad: list[tuple[int, int]] = []
        killer = None
        wanted = "?*/-" if made.retry_failed else "?*/" if made.trim else "?"
        spans = list(self.known.ranges(wanted, made.start, made.stop))
        for span in reversed(spans) if made.reverse else spans:
            for low, high in reads(*span, made.cluster_size, made.reverse):
                try:
                    self.drive.read(handle, low, high - low)
                    good.append((low, high))
                except OSError:
                    bad.append((low, high))
                    if self.drive.state != "alive":
                        killer = (low, high)
                        break
            if killer:
                break
        end = made.start if made.reverse else made.stop
        if killer:
            end = killer[1] if made.reverse else killer[0]
        for low, high in RangeSet(good):
            self.known = self.known.set_range(low, high, "+")
        for low, high in bad:
            self.known = self.known.set_range(low, high, "-" if high - low == SECTOR else "*")
        how = How.KILLED if killer else How.ERRORS if bad else How.FINISHED
        gained = sum(high - low for low, high in good)
        return Run(made.start, made.size, made.reverse, end, how, gained, killer, made.cluster_size)


def reads(low, high, cluster, reverse):
    """The reads of a span, aligned to clusters."""
    first, last = low // cluster, -(-high // cluster)
    numbers = range(last - 1, first - 1, -1) if reverse else range(first, last)
    return [(max(low, n * cluster), min(high, (n + 1) * cluster)) for n in numbers]


@pytest.mark.parametrize("seed", [1, 2])
def test_three_small_killers(image, seed):
    rescue = Rescue(image, scatter(Drop(offset=0, size=4096), 3, SIZE, seed))
    assert rescue.until(0.9999) <= 7


@pytest.mark.parametrize("seed", [1, 2])
def test_one_wide_killer(image, seed):
    rescue = Rescue(image, scatter(Drop(offset=0, size=2 << 20), 1, SIZE, seed))
    assert rescue.until(0.99) <= 2


@pytest.mark.parametrize("seed", [1, 2])
def test_twelve_small_killers_to_the_last_sector(image, seed):
    rescue = Rescue(image, scatter(Drop(offset=0, size=4096), 12, SIZE, seed))
    assert rescue.until(1.0) <= 24
    finished = rescue.known.ranges("+")
    assert finished == RangeSet(rescue.truth.readable)


def test_bad_sectors_beside_killers_are_told_apart(image):
    """Ten places give errors, two kill: only those cost cycles, and every readable sector comes."""
    errors = [Error(offset=(5 + 5 * n) << 20, size=1024) for n in range(10)]
    killers = [Drop(offset=22 << 20, size=4096), Drop(offset=47 << 20, size=512)]
    rescue = Rescue(image, [*errors, *killers])
    assert rescue.until(1.0) <= 5
    assert rescue.known.ranges("+") == RangeSet(rescue.truth.readable)
    touched = [read for read in rescue.drive._log if read.outcome == "drop"]
    assert len({(read.offset, read.size) for read in touched}) == len(touched), "the same read was lost twice"
    assert all(made.kind is not Kind.EDGE or made.cluster_size == SECTOR for made in rescue.passes)
