"""The demonstration: a disk that other tools accept, drives that fail as promised, nothing else touched."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cases import load_case
from engine.demo import patients
from engine.demo.build import build_demo, stop_demo
from engine.demo.contents import letters, photographs
from engine.demo.disk import (
    DISK_SECTORS,
    LETTERS_SECTORS,
    LETTERS_START,
    PHOTOS,
    PHOTOS_SECTORS,
    PHOTOS_START,
    write_disk,
)
from engine.devices import Identity
from engine.errors import RefusedError
from engine.mapfile import parse_map, read_map
from engine.rescue.presets import load_preset
from tests.support import needs_fuse, needs_tool

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    path = tmp_path_factory.mktemp("demo") / "disk.img"
    write_disk(path)
    return path


def cut(disk: Path, start: int, sectors: int) -> Path:
    part = disk.with_name(f"part-{start}")
    with open(disk, "rb") as stream:
        stream.seek(start * 512)
        part.write_bytes(stream.read(sectors * 512))
    return part


def test_sfdisk_reads_the_partitions(disk):
    needs_tool("sfdisk")
    told = json.loads(subprocess.run(["sfdisk", "-J", disk], capture_output=True, check=True).stdout)["partitiontable"]
    found = [(part["start"], part["size"], part["type"]) for part in told["partitions"]]
    assert found == [
        (PHOTOS_START, PHOTOS_SECTORS, "c"),
        (PHOTOS_START + PHOTOS_SECTORS, DISK_SECTORS - PHOTOS_START - PHOTOS_SECTORS, "f"),
        (LETTERS_START, LETTERS_SECTORS, "6"),
    ]


@pytest.mark.parametrize(
    ("start", "sectors", "files"),
    [(PHOTOS_START, PHOTOS_SECTORS, photographs(PHOTOS)), (LETTERS_START, LETTERS_SECTORS, letters())],
    ids=["FAT32", "FAT16"],
)
def test_fsck_and_mtools_accept_the_volumes(disk, start, sectors, files):
    needs_tool("fsck.fat")
    needs_tool("mtype")
    part = cut(disk, start, sectors)
    done = subprocess.run(["fsck.fat", "-n", part], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    for file in [file for file in files if not file.deleted][::17]:
        command = ["mtype", "-i", part, f"::{file.path}"]
        copied = subprocess.run(command, capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin"})
        assert copied.stdout == file.data


def test_the_disk_is_the_same_each_time(disk, tmp_path):
    write_disk(tmp_path / "again.img")
    assert subprocess.run(["cmp", disk, tmp_path / "again.img"], check=False).returncode == 0


def test_the_map_for_the_test_mode_covers_the_disk():
    made = parse_map(patients.test_mode_map())
    assert (made.start, made.end) == (0, DISK_SECTORS * 512)
    assert made.totals().as_dict()["bytes"]["bad_sector"] == sum(count for _, count in patients.BAD_SECTORS) * 512


@pytest.mark.fuse
def test_drives_fail_as_promised_and_power_brings_one_back(tmp_path):
    needs_fuse()
    needs_tool("ddrescue")
    demo = build_demo(tmp_path / "demo")
    try:
        assert demo.lacks is None
        case = load_case(demo.directory / "drops-off")
        assert Identity.from_facts(case.identity).words.endswith("serial DEMO-DROPS-OFF, 96.0 MiB")
        assert shlex.join(demo.power_commands["drops-off"]) in (demo.directory / "README.txt").read_text()
        preset = load_preset(case.directory)
        assert preset is not None
        assert preset.idirect
        argv = ["ddrescue", "-d", "-J", "-n", "--no-trim", str(case.source_path), str(case.image), str(case.map)]
        first = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert first.returncode == 1
        assert "no longer returns data" in first.stderr
        again = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert again.returncode == 1
        subprocess.run(demo.power_commands["drops-off"], check=True, capture_output=True)
        before = read_map(case.map).totals().finished
        subprocess.run([*argv, "-R", "-i", "88Mi"], capture_output=True, check=False)
        assert read_map(case.map).totals().finished > before
        assert build_demo(tmp_path / "demo").cases == demo.cases
    finally:
        assert stop_demo(demo.directory) == 2
    assert not [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(tmp_path) in line]


def test_without_fuse_ddrescue_plays_the_bad_places(tmp_path, monkeypatch):
    needs_tool("ddrescue")
    monkeypatch.setattr("engine.demo.build.why_not", lambda: "no FUSE in this test")
    demo = build_demo(tmp_path / "demo")
    assert demo.lacks == "no FUSE in this test"
    case = load_case(demo.case)
    preset = load_preset(case.directory)
    assert preset is not None
    argv = ["ddrescue", "-q", f"--test-mode={preset.test_mode}", str(case.source_path), str(case.image), str(case.map)]
    subprocess.run(argv, check=True)
    totals = read_map(case.map).totals().as_dict()["bytes"]
    assert totals["bad_sector"] == sum(count for _, count in patients.BAD_SECTORS) * 512
    assert totals["finished"] + totals["bad_sector"] == DISK_SECTORS * 512


def test_a_folder_with_other_files_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(RefusedError):
        build_demo(tmp_path)
    with pytest.raises(RefusedError):
        stop_demo(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "tui", "demo", "--no-open", "--json", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 3
    assert json.loads(done.stdout)["error"]["code"] == "exists"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["thesis.txt"]


def test_a_recorders_disk_and_a_broken_document_come_with_it(tmp_path):
    from engine.demo.extras import NAMES, make_extras
    from engine.recordings.look import Place, look

    made = make_extras(tmp_path)
    assert [path.name for path in made] == list(NAMES)
    looked = look(Place(tmp_path / "recorder.img", tmp_path / "recorder.map"))
    assert len(looked.recordings.titles) == 6
    assert sum(bool(title.missing) for title in looked.recordings.titles) == 2
    assert (tmp_path / "letter.doc").read_bytes()[:512] == bytes(512)
    before = {path: path.stat().st_mtime_ns for path in made}
    make_extras(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in made} == before
