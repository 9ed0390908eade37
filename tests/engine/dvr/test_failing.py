"""Looking at a drive that fails: bad sectors cost what stands in them, a drive that is gone is told."""

from __future__ import annotations

import pytest

from engine import dvr
from engine.dvr.disk import Disk
from engine.errors import NotFoundError
from engine.ranges import RangeSet
from engine.source import Source
from engine.source.base import ReadError
from engine.source.extents import BytesSource
from tests.dvr_disks import mpeg, pioneer
from tests.dvr_disks.pioneer import BLOCK
from tests.engine.dvr.disks import content, holed


class Failing(Source):
    """A source whose bad sectors raise, as a drive's do."""

    def __init__(self, below: Source, bad: RangeSet, code: str = "read-error") -> None:
        self.below, self.bad, self.code = below, bad, code
        self.size, self.path = below.size, below.path
        self.failed = 0

    @property
    def holes(self) -> RangeSet:
        return RangeSet()

    def read_into(self, offset, buffer):
        if self.bad.overlaps(offset, offset + len(buffer)):
            self.failed += 1
            raise ReadError("cannot read", code=self.code, path=self.path, offset=offset)
        return self.below.read_into(offset, buffer)

    def close(self) -> None:
        self.below.close()


@pytest.mark.parametrize("key", pioneer.MODELS)
def test_bad_sectors_are_as_unread_ones(save, key):
    titles = [pioneer.Title(b"T%d" % n, [pioneer.File(mpeg.stream(20, n), runs=2)]) for n in range(6)]
    made = pioneer.disk(key, titles)
    plain = save(made.image)
    bad = [(0, 1024), (made.fnt[0] * BLOCK + 512, 512), (made.image.laid["6"][0][0], 512)]
    drive = Failing(plain, RangeSet((start, start + size) for start, size in bad))
    failing, unread = dvr.read(drive), dvr.read(holed(plain, *bad))
    assert drive.failed
    assert [(title.id, title.name, title.extents) for title in failing.titles] == [
        (title.id, title.name, title.extents) for title in unread.titles
    ]
    assert content(plain, failing, failing.titles[0]) == made.image.content["1"]
    assert any(problem.code == "fnt-lost" for problem in failing.problems)


def test_a_drive_that_is_gone_is_told(save):
    made = pioneer.disk("545h", [pioneer.Title(b"T", [pioneer.File(mpeg.stream(20, 1))])])
    drive = Failing(save(made.image), RangeSet.of(0, 4096), "device-gone")
    with pytest.raises(ReadError) as told:
        dvr.read(drive)
    assert told.value.code == "device-gone"


def test_a_drive_that_gives_nothing_is_given_up_soon(save):
    made = pioneer.disk("545h", [pioneer.Title(b"T", [pioneer.File(mpeg.stream(20, 1))])])
    plain = save(made.image)
    drive = Failing(plain, RangeSet.of(0, plain.size))
    with pytest.raises(ReadError) as told:
        dvr.read(drive)
    assert told.value.code == "device-gone" and "image the drive first" in str(told.value.advice)
    assert drive.failed <= 5001, "each failed read may cost such a drive seconds"
    with pytest.raises(NotFoundError):  # what a map calls unread is no failure
        dvr.read(holed(plain, (0, plain.size)))


def test_a_field_of_bad_sectors_is_not_tried_sector_by_sector():
    plain = BytesSource(bytes(range(256)) * 512)
    drive = Failing(plain, RangeSet.of(0, 120_000))
    piece = Disk(drive).piece(0, plain.size)
    assert drive.failed == 65
    assert piece.unread[-1][1] == plain.size, "what was not tried is not there"
    assert piece.data[40_000:] == bytes(plain.size - 40_000)
