"""A drive that drops off while its failed pieces are trimmed: what failed after that is not believed."""

from __future__ import annotations

from pathlib import Path

from engine.mapfile import read_map
from engine.ranges import RangeSet
from tests.engine.rescue.driving import arguments, events, rescue
from tests.failing_disk import Drop, Error, FailingDisk, make_image
from tests.support import needs_fuse, needs_tool

SIZE = 1 << 20
pytestmark = [needs_tool("ddrescue"), needs_fuse()]


def test_sectors_that_fail_on_a_dead_drive_are_not_bad(tmp_path: Path) -> None:
    """Trimming from the front meets the culprit, from the back the last sector of the drive that is gone by then."""
    image = make_image(tmp_path / "disk", SIZE)
    culprit = Drop(offset=SIZE - 4096, size=512, mode="offline")
    with FailingDisk(image, [culprit, Error(offset=0x9D400, size=1024)]) as disk:
        really = RangeSet([(0x9D400, 0x9D400 + 1024), (culprit.offset, culprit.offset + 512)])
        met = []
        for _ in range(3):
            made = arguments(disk.device, tmp_path / "case")
            job = rescue(made)
            map_ = read_map(made.map)
            assert not map_.ranges("-").subtract(really), f"called bad: {list(map_.ranges('-'))}"
            met += [event.facts.get("not_believed", 0) for event in events(job, "drop-off")]
            disk.power_cycle()
        assert len(met) == 3
        assert any(met[1:]), "no drop was met while trimming"
