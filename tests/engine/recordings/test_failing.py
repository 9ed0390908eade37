"""Recordings straight from a drive that gives read errors: only its bad sectors are lost, and that is told."""

from __future__ import annotations

import json

import pytest

from engine.recordings import Place, clockwork, look, opened
from engine.recordings.extracting import Order, take
from tests.dvr_disks.samples import pioneer_disk
from tests.engine.dvr.clock.streams import Maker
from tests.failing_disk import Error, FailingDisk
from tests.support import needs_fuse

pytestmark = [pytest.mark.fuse, needs_fuse()]


def test_bad_sectors_of_a_title(tmp_path):
    sample = pioneer_disk(tmp_path / "disk.img", lambda s, n: Maker(n).stream(s, 10))
    start, _ = sample.laid["3"][0]
    with FailingDisk(sample.path, [Error(offset=start + 50 * 2048, size=1024)], workdir=tmp_path) as disk:
        place = Place(disk.path)
        recordings = look(place).recordings
        with opened(place) as source:
            done = take(source, recordings, tmp_path / "out", Order(("3", "4"), pictures=False))
    bad, good = done.taken
    assert good.path.read_bytes() == sample.content["4"]
    assert bad.path.name.endswith(".holed.mpg")
    told = json.loads((bad.path.parent / (bad.path.name + ".rescue.json")).read_text())
    (low, high), = told["missing"]  # fmt: skip
    assert low <= 50 * 2048 and high >= 50 * 2048 + 1024
    assert high - low <= 8192  # a read of a file fails by the page, not by the sector
    got, truth = bad.path.read_bytes(), sample.content["3"]
    assert got[:low] == truth[:low] and got[high:] == truth[high:]
    assert not any(got[low:high])


def test_a_clock_scan_goes_around(tmp_path):
    data = Maker(3).stream(14, 40)
    (tmp_path / "disk.img").write_bytes(data)
    (tmp_path / "scan").mkdir()
    with FailingDisk(tmp_path / "disk.img", [Error(offset=300 * 2048, size=512)], workdir=tmp_path) as disk:
        place = Place(disk.path)
        with opened(place) as source:
            work = clockwork.scan_into(source, tmp_path / "scan")
    assert 0 < work.unread.total <= 65536
    (title,) = work.recordings().titles
    assert title.size == len(data)
