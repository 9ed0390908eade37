"""Real program streams (by ffmpeg) on disks of every family: the titles' bytes come out as ffmpeg wrote them, their
lengths are those ffprobe tells, and what comes out plays."""

from __future__ import annotations

import json
import subprocess

import pytest

from engine import dvr
from tests.dvr_disks import ifo, meihdfs, mpeg, pioneer, udf
from tests.engine.dvr.disks import DATE, content, holed
from tests.support import needs_tool

pytestmark = [pytest.mark.full, needs_tool("ffmpeg"), needs_tool("ffprobe")]


@pytest.fixture(scope="module")
def streams():
    return [mpeg.real_stream(6, number) for number in range(3)]


def length(data, path):
    """By its packets, as ffprobe counts them."""
    path.write_bytes(data)
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_entries", "format=duration:stream=codec_name", "-of", "json", str(path)],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    told = json.loads(done.stdout)
    assert {stream["codec_name"] for stream in told["streams"]} >= {"mpeg2video", "ac3"}
    return float(told["format"]["duration"])


@pytest.mark.parametrize("key", pioneer.MODELS)
def test_pioneer(save, tmp_path, streams, key):
    titles = [
        pioneer.Title(b"Whole", [pioneer.File(streams[0], runs=17, lists=2)], DATE),
        pioneer.Title(b"Edited", [pioneer.File(streams[1], runs=5), pioneer.File(streams[2], runs=3)], DATE),
        pioneer.Title(b"Gone", [pioneer.File(streams[2], runs=2)], DATE, visible=False),
    ]
    made = pioneer.disk(key, titles, size=96 << 20, index_step=40)
    source = save(made.image)
    found = dvr.read(source)
    assert [(title.name, title.deleted) for title in found.titles] == [
        ("Whole", False), ("Edited", False), ("Gone", True)
    ]  # fmt: skip
    wanted = [streams[0], streams[1] + streams[2], streams[2]]
    assert [content(source, found, title) for title in found.titles] == wanted
    assert length(wanted[0], tmp_path / "a.mpg") == pytest.approx(found.titles[0].duration_s, abs=0.7)
    # A part that nobody has read: its time by the clock, against its share.
    start, size = made.image.laid["1"][3]
    gap = dvr.read(holed(source, (start, size))).titles[0].missing.gaps[0]
    share = len(streams[0]) // 17
    assert gap.exact and gap.start == pytest.approx(3 * share, abs=4096)
    assert gap.start_s == pytest.approx(6 * 3 / 17, abs=0.5) and 0 < gap.end_s - gap.start_s < 1.5


def vr(streams):
    """A VRO of real streams, with a VOBU for each 12 packs."""
    vro, vobs, programmes = b"", [], []
    for number, stream in enumerate(streams, 1):
        packs = len(stream) // 2048
        units = [ifo.Unit(min(12, packs - at), max(1, round(300 * 12 / packs))) for at in range(0, packs, 12)]
        vobs.append(ifo.Vob(len(vro) // 2048, units, DATE))
        programmes.append(ifo.Programme([ifo.Cell(number)], b"P%d" % number))
        vro += stream + b"\xee" * 4096
    return vro, ifo.Management(vobs, programmes)


def test_meihdfs(save, tmp_path, streams):
    vro, management = vr(streams)
    data = management.panasonic()
    blocks = [40 - 3 * number for number in range(9)]
    files = [
        meihdfs.File("0001.IFO", data, blocks=[8]),
        meihdfs.File("0001.VRO", vro, blocks=blocks, run_bytes=len(vro) // 9 // 2048 * 2048),
    ]
    source = save(meihdfs.disk("V2.0", files).image)
    found = dvr.read(source)
    assert [content(source, found, title) for title in found.titles] == streams
    assert length(streams[0], tmp_path / "a.mpg") == pytest.approx(6, abs=0.7)


@pytest.mark.parametrize("swap", [False, True])
def test_udf(save, streams, swap):
    vro, management = vr(streams)
    pieces = [2000 + (number * 5 % 7) * 400 for number in range(7)]
    files = [udf.File("VR_MANGR.IFO", management.standard(), pieces=[100]),
             udf.File("VR_MOVIE.VRO", vro, pieces=pieces, piece_blocks=-(-len(vro) // 2048 // 7), per_list=3,
                      form="long")]  # fmt: skip
    source = save(udf.disk(files).image, swap=swap)
    found = dvr.read(source)
    assert found.finding.swapped is swap
    assert [content(source, found, title) for title in found.titles] == streams
