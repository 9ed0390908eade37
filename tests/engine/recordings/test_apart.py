"""Recordings on a drive: read in a process of its own, and told the same as of its image."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.errors import NotFoundError, OutsideError
from engine.recordings import Place, apart, look
from engine.recordings.apart import look_apart, sample_apart
from engine.recordings.wanted import domain_path
from tests.dvr_disks import mpeg
from tests.dvr_disks.ifo import Cell, Management, Programme, Vob, units_of
from tests.dvr_disks.samples import pioneer_disk
from tests.engine.dvr.clock.streams import Maker
from tests.engine.partitions.disks import loop


def test_a_drive_is_told_like_its_image(tmp_path, monkeypatch):
    sample = pioneer_disk(tmp_path / "disk.img", lambda seconds, number: Maker(number).stream(seconds, 10))
    of_image = look(Place(sample.path))
    with loop(sample.path) as device:
        place = Place(Path(device))
        assert place.is_device and not place.searchable
        with monkeypatch.context() as patch:  # this process must not read it
            patch.setattr(
                sys.modules["engine.recordings.look"], "open_source", lambda *_args, **_named: pytest.fail("read here")
            )
            looked = look_apart(place)
            first = looked.recordings.titles[0]
            data = sample_apart(place, looked.recordings.finding, first, 0.0)
        assert [(title.id, title.name, title.extents, title.duration_s) for title in looked.recordings.titles] == [
            (title.id, title.name, title.extents, title.duration_s) for title in of_image.recordings.titles
        ]
        assert data and sample.content[first.id].startswith(data[:2048])
        assert domain_path(place.path, "titles").parent == Path.cwd()
        monkeypatch.setattr(apart, "LOOK_TIMEOUT_S", 0.0)
        with pytest.raises(OutsideError, match="did not answer"):
            look_apart(place)


def test_what_is_no_recorder_is_told_alike(tmp_path):
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    with loop(tmp_path / "disk.img") as device, pytest.raises(NotFoundError, match="no recorder"):
        look_apart(Place(Path(device)))


def test_all_that_is_known_goes_through_a_pipe(tmp_path):
    """Maps of times are arrays, sets of ranges too: they arrive as they were."""
    stream = mpeg.stream(60, 1)
    vobs = [Vob(0, units_of(stream), None)]
    (tmp_path / "VR_MOVIE.VRO").write_bytes(stream)
    lists = [Programme([Cell(1)], b"Best of")]
    (tmp_path / "VR_MANGR.IFO").write_bytes(Management(vobs, [Programme([Cell(1)], b"One")], lists).standard())
    looked = look(Place(tmp_path))
    again = pickle.loads(pickle.dumps(looked))
    one, two = looked.recordings.titles[0].parts[0], again.recordings.titles[0].parts[0]
    assert one.times.positions.tolist() == two.times.positions.tolist() and one.extents == two.extents
    assert again.recordings.titles[1].plays == looked.recordings.titles[1].plays != ()


def test_a_case_without_an_image_says_what_to_do(tmp_path):
    case = create_case(tmp_path / "case", source_path="/dev/nothing-there")
    with pytest.raises(NotFoundError, match="nothing of the disk was rescued yet") as caught:
        look_apart(Place(case.directory))
    assert caught.value.code == "not-rescued" and "drive itself" in caught.value.advice
