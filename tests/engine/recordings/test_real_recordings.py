"""With real streams and ffmpeg beside us: put together, with chapters and shape, padded, pictured; ffprobe judges."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from engine.dvr import read
from engine.dvr.folder import FolderSource
from engine.recordings import Place, look, opened
from engine.recordings.extracting import Order, take
from engine.recordings.pictures import first_frame, sample
from tests.dvr_disks import ifo
from tests.dvr_disks.image import when
from tests.dvr_disks.samples import Sample, map_with, pioneer_disk
from tests.engine.dvr.clock.streams import ffmpeg_stream
from tests.support import needs_tool

pytestmark = [pytest.mark.full, needs_tool("ffmpeg"), needs_tool("ffprobe")]
SECONDS = 8


@pytest.fixture(scope="module")
def disk(tmp_path_factory) -> Sample:
    return pioneer_disk(tmp_path_factory.mktemp("disk") / "disk.img", lambda s, n: ffmpeg_stream(n, s), seconds=SECONDS)


def probe(path: Path, *more: str) -> dict:
    out = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", "-show_format", "-show_streams", "-show_chapters", *more, str(path)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return json.loads(out.stdout)


def frames(path: Path) -> tuple[int, str]:
    """Video frames that decode, and what the decoder complained of."""
    done = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-map", "0:v", "-f", "framemd5", "-"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return sum(not line.startswith("#") for line in done.stdout.splitlines()), done.stderr


@pytest.mark.parametrize("container", ["mkv", "mpg"])
def test_parts_with_jumping_clocks_become_one(disk, tmp_path, container):
    place = Place(disk.path)
    recordings = look(place).recordings
    with opened(place) as source:
        done = take(source, recordings, tmp_path, Order(("2",), container=container, aspect="16:9"))
    (one,) = done.taken
    assert not done.problems
    assert one.path.suffix == f".{container}"
    found = probe(one.path)
    assert abs(float(found["format"]["duration"]) - 2 * SECONDS) < 1
    video = next(stream for stream in found["streams"] if stream["codec_type"] == "video")
    assert video["display_aspect_ratio"] == "16:9" and video["codec_name"] == "mpeg2video"
    assert frames(one.path)[0] >= 2 * SECONDS * 25 - 4
    told = json.loads((tmp_path / (one.path.name + ".rescue.json")).read_text())
    assert told["remuxed"] and len(told["parts"]) == 2
    assert one.picture is not None and one.picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [one.path.name, one.path.name + ".rescue.json", one.picture.name]
    )


def test_padding_plays_on(disk, tmp_path):
    start, size = disk.laid["1"][1]
    map_ = map_with(tmp_path / "map", disk.path.stat().st_size, [(start, size // 2 // 2048 * 2048)])
    place = Place(disk.path, map_)
    recordings = look(place).recordings
    with opened(place) as source:
        done = take(source, recordings, tmp_path / "out", Order(("1",), fill=True, container="mkv", keep=True))
    made, padded = done.taken
    assert made.missing_bytes == padded.missing_bytes > 0
    assert made.path.name.endswith(".holed.mkv")
    assert float(probe(made.path)["format"]["duration"]) > SECONDS * 0.9
    assert frames(padded.path)[0] > SECONDS * 25 * 0.6


def test_pictures(disk):
    place = Place(disk.path)
    looked = look(place)
    with opened(place) as source:
        data = sample(looked.recordings, looked.recordings.titles[0], source)
        later = sample(looked.recordings, looked.recordings.titles[0], source, 0.5)
    small = first_frame(data, 40, 24)
    assert (small.width, small.height) == (32, 24)
    assert len(small.rgb) == small.width * small.height * 3
    assert len(set(small.rgb)) > 20
    assert first_frame(later, 40, 24).rgb != small.rgb
    assert first_frame(data, 40, 24, aspect="16:9").height == 22
    rows = small.ascii()
    assert len(rows) == 12 and all(len(row) == 32 and row.isascii() for row in rows)


def test_a_dvd_vr_folder_with_chapters_and_labels(tmp_path):
    streams = [ffmpeg_stream(n, SECONDS) for n in (1, 2)]
    names = (b"Erster Film", b"Zweiter")
    built = ifo.build([(name, stream, when(2009, 5, 1, 20, 15)) for name, stream in zip(names, streams, strict=True)])
    cell = built.management.programmes[0].cells[0]
    cell.points = [(90_000 + 3 * 90_000, b"Werbung"), (90_000 + 5 * 90_000, None)]
    folder = tmp_path / "disc" / "DVD_RTAV"
    folder.mkdir(parents=True)
    (folder / "VR_MANGR.IFO").write_bytes(built.management.standard())
    (folder / "VR_MOVIE.VRO").write_bytes(built.vro)
    with FolderSource(tmp_path / "disc") as source:
        recordings = read(source)
        raw = take(source, recordings, tmp_path / "raw", Order())
        done = take(source, recordings, tmp_path / "out", Order(container="mkv"))
    assert [one.path.read_bytes() for one in raw.taken] == streams
    assert [one.path.name for one in raw.taken] == ["Erster Film 2009-05-01 20.15.mpg", "Zweiter 2009-05-01 20.15.mpg"]
    found = probe(done.taken[0].path)
    assert found["format"]["tags"]["title"] == "Erster Film"
    assert [chapter["tags"]["title"] for chapter in found["chapters"]] == ["Chapter 1", "Werbung", "Chapter 3"]
    assert [round(float(chapter["start_time"])) for chapter in found["chapters"]] == [0, 3, 5]
    told = json.loads((tmp_path / "raw" / "Erster Film 2009-05-01 20.15.mpg.rescue.json").read_text())
    assert [one["name"] for one in told["facts"]["chapters"]] == ["Werbung", ""]
