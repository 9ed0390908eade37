"""One probe over everything: families, phases, byte orders, split images, foreign brands, and disks of no recorder."""

from __future__ import annotations

import random
import struct

import pytest

from engine import dvr
from engine.errors import CancelledError, NotFoundError
from engine.progress import Silent
from engine.source import FileSource, open_path
from engine.source.extents import BytesSource
from tests.dvr_disks import meihdfs, mpeg, pioneer, udf
from tests.engine.dvr.disks import DATE, content, two_recordings

BUILT = two_recordings()


def pioneer_disk(key):
    made = pioneer.disk(key, [pioneer.Title(b"One", [pioneer.File(BUILT.contents["1"], runs=3)], DATE)])
    return made.image, "pioneer", key


def mei_disk(version):
    pan = BUILT.management.panasonic()
    files = [
        meihdfs.File("0001.IFO", pan, blocks=[8]),
        meihdfs.File("0001.VRO", BUILT.vro, blocks=[12, 10], run_bytes=0x8000),
    ]
    return meihdfs.disk(version, files).image, "meihdfs", version


def udf_disk(volume):
    files = [
        udf.File("VR_MANGR.IFO", BUILT.management.standard(), pieces=[100]),
        udf.File("VR_MOVIE.VRO", BUILT.vro, pieces=[400, 300]),
    ]
    return (
        udf.disk(files, volume=volume, start=0x88000 if volume else 0x30000).image,
        "udf",
        "volume" if volume else "bare",
    )


MAKERS = [(pioneer_disk, key) for key in pioneer.MODELS] + [(mei_disk, v) for v in ("V2.0", "V2.1", "V2.3", "HDFS2.0")]
MAKERS += [(udf_disk, False), (udf_disk, True)]
IDS = [f"{make.__name__}-{what}" for make, what in MAKERS]


@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("shift", [0, 512, 1024, 1536, -512, -1024, -1536])
@pytest.mark.parametrize(("make", "what"), MAKERS, ids=IDS)
def test_every_layout_in_every_phase_and_byte_order(save, make, what, shift, swap):
    image, family, variant = make(what)
    source = save(image, shift=shift, swap=swap)
    findings = dvr.probe(source)
    best = findings[0]
    assert (best.family, best.variant, best.swapped) == (family, variant, swap)
    assert best.confidence > 0.75 and best.reasons and best.recorder
    assert all(other.confidence < best.confidence for other in findings[1:])
    found = dvr.read(source)
    assert content(source, found, found.titles[0]) == BUILT.contents["1"]
    assert found.titles[0].name == "One"


@pytest.mark.parametrize(("make", "what"), MAKERS, ids=IDS)
def test_only_the_right_layout_is_found(save, make, what):
    image, family, variant = make(what)
    assert [(one.family, one.variant) for one in dvr.probe(save(image))] == [(family, variant)]


@pytest.mark.parametrize(("make", "what"), [MAKERS[0], MAKERS[5], MAKERS[8]], ids=[IDS[0], IDS[5], IDS[8]])
def test_split_images(tmp_path, make, what):
    image, family, variant = make(what)
    data = image.save(tmp_path / "whole").read_bytes()
    # Pieces that end in the middle of blocks.
    step = len(data) // 3 // 512 * 512 + 512
    for number in range(3):
        (tmp_path / f"disk.{number + 1:03d}").write_bytes(data[number * step : (number + 1) * step])
    with open_path(tmp_path / "disk.001") as source:
        found = dvr.read(source)
        assert (found.finding.family, found.variant) == (family, variant)
        assert content(source, found, found.titles[0]) == BUILT.contents["1"]


def swapped(data):
    return b"".join(data[at : at + 2][::-1] for at in range(0, len(data), 2))


def at(*parts, size=1 << 20):
    data = bytearray(size)
    for place, piece in parts:
        data[place : place + len(piece)] = piece
    return bytes(data)


_TOPFIELD = at((4, b"TOPFIELD PVR HDD"))
_TF5000 = at((4, b"TOPFIELD TF5000PVR HDD"))
_MBR = at((0x1BE, bytes([0x80, 0, 1, 0, 7, 0, 0, 0]) + struct.pack("<II", 63, 1000)), (0x1FE, b"\x55\xaa"))
_TWO = at((0x1BE, bytes([0, 0, 1, 0, 0xA5, 0, 0, 0]) + struct.pack("<II", 8, 1000)),
          (0x1CE, bytes([0, 0, 1, 0, 0x83, 0, 0, 0]) + struct.pack("<II", 1008, 900)), (0x1FE, b"\x55\xaa"),
          (8 * 512 + 65536 + 1372, b"\x19\x01\x54\x19"))  # fmt: skip
FOREIGN = {
    "hikvision": at((0x210, b"HIKVISION@HANGZHOU"), (0x230, b"HIK.2011.03.08")),
    "dhfs": at((0, b"DHFS4.1")),
    "wfs": at((0, b"WFS0.4")),
    "wfs 0.5": at((0, b"WFS0.5")),
    "topfield": swapped(_TOPFIELD),
    "topfield 32": b"".join(_TF5000[n : n + 4][::-1] for n in range(0, len(_TF5000), 4)),
    "tivo": at((0, b"\x14\x92"), (512, b"PM"), (512 + 48, b"MFS")),
    "tivo swapped": swapped(at((0, b"\x14\x92"), (512, b"PM"), (512 + 48, b"MFS"))),
    "swapped-mbr": swapped(_MBR),
    "ufs2": _TWO,
    "salora": at((70_000, b"/rtav/VOB00001.vtm")),
    "tinyudf": at((70_000, b"recordings_"), (80_000, b"index_0001")),
    "tinyudf swapped": swapped(at((70_000, b"recordings_"), (80_000, b"index_0001"))),
    "humax": at((70_000, b"NEWS.hre"), (90_000, b"NEWS.epg")),
    "humax swapped": swapped(at((70_001, b"NEWS.elu"), (90_000, b"NEWS.epg"))),
    "sharp": at(*((32_768 + 4096 * n, bytes([0, n + 1, 7])) for n in range(16))),
    "sharp swapped": swapped(at(*((1024 * n, bytes([0, n + 1, 7])) for n in range(20)))),
    "lg": at((70_000, b"LG Electronics HDD/DVD")),
    "samsung": at((70_000, b"SAMSUNG DVD-HR")),
    "magnavox swapped": swapped(at((70_001, b"MAGNAVOX"))),
    "funai": at((512, b"FUNAI"), (100_000, mpeg.stream(400, 1))),
    "tinyudf swapped odd": swapped(at((70_001, b"recordings_"), (80_001, b"index_0001"))),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_brands_are_named_with_advice(name):
    source = BytesSource(FOREIGN[name])
    finding = dvr.probe(source)[0]
    assert (finding.family, finding.variant) == ("foreign", name.split(" ")[0])
    assert not finding.readable and finding.advice and finding.recorder and finding.reasons
    found = dvr.read(source)
    assert found.titles == () and found.finding == finding


def test_weak_signs_of_a_brand_are_not_believed():
    """One ending, numbers that stop, empty numbered blocks, a maker's name on a computer's disk."""
    for data in (
        at((70_000, b"NEWS.hre")), at(*((4096 * n, bytes([0, n + 1, 7])) for n in range(15))),
        at(*((4096 * n, bytes([0, n + 1])) for n in range(16))), at((0x1FE, b"\x55\xaa"), (70_000, b"SAMSUNG")),
    ):  # fmt: skip
        assert dvr.probe(BytesSource(data)) == []


def test_a_named_brand_does_not_hide_its_streams():
    findings = dvr.probe(BytesSource(FOREIGN["funai"]))
    assert [(one.family, one.variant) for one in findings] == [("foreign", "funai"), ("streams", "program")]


@pytest.mark.parametrize("phase", [0, 512, 1024, 1536])
@pytest.mark.parametrize("swap", [False, True])
def test_streams_of_an_unknown_recorder(phase, swap):
    data = bytes(70_000) + bytes(phase) + mpeg.stream(400, 1)
    finding = dvr.probe(BytesSource(swapped(data) if swap else data))[0]
    assert (finding.family, finding.variant, finding.swapped) == ("streams", "program", swap)
    assert "dvr scan" in finding.advice and not finding.readable


def test_transport_streams_of_an_unknown_recorder():
    noise = random.Random(1)
    packets = b"".join(b"\x47" + noise.randbytes(187).replace(b"\x47", b"\x46") for _ in range(2000))
    assert dvr.probe(BytesSource(bytes(8192) + packets))[0].variant == "transport"


@pytest.mark.parametrize("data", [b"", b"x", bytes(1 << 20), random.Random(5).randbytes(3 << 20), b"\xff" * (1 << 20)])
def test_disks_of_no_recorder(data):
    source = BytesSource(data)
    assert dvr.probe(source) == []
    with pytest.raises(NotFoundError, match="dvr scan"):
        dvr.read(source)


def test_an_ordinary_disk_is_no_recorder():
    assert dvr.probe(BytesSource(_MBR)) == []


def test_a_udf_disc_without_recordings_is_no_sure_thing(save):
    made = udf.disk([udf.File("LETTER.TXT", b"text", pieces=[100])], volume=True, start=0x88000, folder="DOCS")
    assert dvr.probe(save(made.image))[0].confidence < 0.6


def test_the_search_can_be_stopped(tmp_path):
    class Impatient(Silent):
        def cancelled(self):
            return True

    path = tmp_path / "disk"
    with open(path, "wb") as file:
        file.truncate(1 << 30)
    with FileSource(path) as source, pytest.raises(CancelledError):
        dvr.probe(source, reporter=Impatient())
