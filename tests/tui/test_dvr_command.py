"""``rescuedeck dvr`` as a person or a script calls it."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from engine.priorities import read_domain
from tests.dvr_disks.samples import Sample, map_with, pioneer_disk
from tests.engine.dvr.clock.streams import Maker, lay
from tests.support import needs_tool
from tui.commands import run


def small(seconds: int, number: int) -> bytes:
    return Maker(number).stream(seconds, 10)


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return pioneer_disk(tmp_path_factory.mktemp("disk") / "disk.img", small)


@pytest.fixture
def holed(disk: Sample, tmp_path: Path) -> Path:
    start, _ = disk.laid["1"][1]
    size = disk.path.stat().st_size
    table = disk.disk.directory * 2048
    return map_with(tmp_path / "disk.map", size, [(table + 0x200, 512), (start + 20480, 40 * 2048)])


def call(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> str:
    assert run(["dvr", *map(str, words)]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> dict[str, Any]:
    value = json.loads(call(capsys, *words, "--json", code=code))
    assert isinstance(value, dict)
    return value


def test_list_has_the_keys_of_the_contract(disk: Sample, holed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = document(capsys, "list", disk.path, "--map", holed)
    assert value["variant"] == "545h" and "Pioneer" in value["recorder"]
    assert value["unread_structures_bytes"] >= 512
    assert [one["id"] for one in value["titles"]] == ["1", "2", "3", "4", "5", "6"]
    first = value["titles"][0]
    assert {"id", "name", "recorded_at", "channel", "size", "parts", "duration_s", "deleted", "missing_bytes",
            "thumbnail"} <= set(first)  # fmt: skip
    assert first["missing_bytes"] == 40 * 2048
    assert first["missing_s"] > 0
    assert first["recorded_at"] == "2008-05-18T20:15:00"
    assert value["titles"][1]["parts"] == 2


def test_list_for_people(disk: Sample, holed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = call(capsys, "list", disk.path, "--map", holed)
    assert "because block 1 points to the directory" in said
    assert "Tatort: Rot (" in said and "lost)" in said
    assert "\x1b" not in said and "\\x1b[2J" in said
    assert all(len(line) <= 100 for line in said.splitlines() if "of its directory" not in line)
    found = call(capsys, "list", disk.path, "--search", "sportschau", "--sort", "date", "--descending")
    rows = [line for line in found.splitlines() if "Sportschau" in line]
    assert ["08-09" in rows[0], "08-02" in rows[1], len(rows)] == [True, True, 2]
    assert "Geloescht (deleted)" in call(capsys, "list", disk.path, "--show", "deleted")
    assert run(["dvr", "list", str(disk.path), "--sort", "colour"]) == 2


def test_extract_one_and_all(disk: Sample, holed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = document(capsys, "extract", disk.path, "3", "1", "-o", tmp_path / "out", "--no-pictures", "--quiet")
    assert [one["id"] for one in value["written"]] == ["3", "1"]
    for one in value["written"]:
        data = Path(one["path"]).read_bytes()
        assert data == disk.content[one["id"]]
        assert one["sha256"] == hashlib.sha256(data).hexdigest()
        assert (one["size"], one["missing_bytes"]) == (len(data), 0)
    value = document(capsys, "extract", disk.path, "--map", holed, "-o", tmp_path / "all", "--no-pictures", "--quiet",
                     code=1)  # fmt: skip
    assert [one["missing_bytes"] for one in value["written"]] == [40 * 2048, 0, 0, 0, 0, 0]
    assert run(["dvr", "extract", str(disk.path), "77", "-o", str(tmp_path / "no")]) == 1
    assert run(["dvr", "extract", str(disk.path), "1", "-o", str(tmp_path / "no"), "--aspect", "4:3"]) == 2


def test_scan_lists_writes_and_is_decided(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    streams = [small(12, number) for number in range(3)]
    laid = lay(streams, random.Random(5), extents=3)
    image = tmp_path / "disk.img"
    image.write_bytes(laid.data)
    value = document(capsys, "scan", image, "-o", tmp_path / "out", "--list", "--quiet")
    assert value["written"] == []
    assert all(set(one) >= {"start", "size", "scr_first", "scr_last", "recording"} for one in value["chunks"])
    assert len({one["recording"] for one in value["chunks"]}) == 3
    assert value["joins"][0]["reasons"]
    value = document(capsys, "scan", image, "-o", tmp_path / "out", "--no-pictures", "--quiet")
    assert sorted(Path(one["path"]).read_bytes() for one in value["written"]) == sorted(streams)
    join = value["joins"][0]
    before = next(one["start"] for one in value["chunks"] if one["start"] + one["size"] == join["end"])
    pair = f"{before},{join['start']}"
    said = call(capsys, "scan", image, "-o", tmp_path / "out", "--list", "--apart", pair, "--quiet", "--shortest", "0")
    assert "4 recordings" in said
    one = document(capsys, "extract", image, "--scan", tmp_path / "out", "-o", tmp_path / "more", "--no-pictures",
                   "--quiet")  # fmt: skip
    assert len(one["written"]) == 4
    (tmp_path / "empty").write_bytes(bytes(1 << 16))
    assert run(["dvr", "scan", str(tmp_path / "empty"), "-o", str(tmp_path / "none"), "--quiet"]) == 1
    assert run(["dvr", "list", str(tmp_path / "empty")]) == 1


def test_domain(disk: Sample, holed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = tmp_path / "first.domain"
    value = document(capsys, "domain", disk.path, "--map", holed, "-o", first)
    assert read_domain(first).wanted.total == value["wanted_bytes"]
    assert disk.disk.directory * 2048 in read_domain(first).wanted
    assert run(["dvr", "domain", str(disk.path), "-o", str(first)]) == 3
    more = document(capsys, "domain", disk.path, "4", "-o", first, "--force")
    assert more["wanted_bytes"] >= value["wanted_bytes"] + len(disk.content["4"])


def test_the_recorders_own_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tests.dvr_disks import ifo
    from tests.dvr_disks.image import when

    built = ifo.build([(b"One", small(6, 1), when(2009, 5, 1)), (b"Two", small(6, 2), None)])
    folder = tmp_path / "disc" / "DVD_RTAV"
    folder.mkdir(parents=True)
    (folder / "VR_MANGR.IFO").write_bytes(built.management.standard())
    (folder / "VR_MOVIE.VRO").write_bytes(built.vro)
    listed = document(capsys, "list", tmp_path / "disc")
    assert [one["name"] for one in listed["titles"]] == ["One", "Two"]
    value = document(capsys, "extract", tmp_path / "disc", "--files", "-o", tmp_path / "files", "--quiet")
    assert [Path(one["path"]).relative_to(tmp_path / "files").as_posix() for one in value["written"]] == [
        "DVD_RTAV/VR_MANGR.IFO", "DVD_RTAV/VR_MOVIE.VRO",
    ]  # fmt: skip
    assert Path(value["written"][1]["path"]).read_bytes() == built.vro


@pytest.mark.full
def test_picture(disk: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_tool("ffmpeg")
    from tests.engine.dvr.clock.streams import ffmpeg_stream

    real = pioneer_disk(tmp_path / "real.img", lambda s, n: ffmpeg_stream(1, 4))
    call(capsys, "picture", real.path, "3", "-o", tmp_path / "a.png", "--at", "50")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert run(["dvr", "picture", str(disk.path), "3", "-o", str(tmp_path / "b.png")]) == 1


def test_in_the_background(disk: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "disk.img"
    image.symlink_to(disk.path)
    value = document(capsys, "extract", image, "3", "-o", tmp_path / "out", "--no-pictures", "--detach")
    assert run(["jobs", "attach", value["directory"], "--quiet"]) == 0
    (written,) = (tmp_path / "out").glob("*.mpg")
    assert written.read_bytes() == disk.content["3"]
