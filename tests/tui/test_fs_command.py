"""``rescuedeck fs`` as a person or a script calls it."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from engine.mapfile import Mapfile, write_map
from tests.engine.filesystems.written import format_, run
from tests.support import needs_tool
from tui.commands import run as rescuedeck


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A FAT16 volume: photos, a letter, a deleted one."""
    needs_tool("mkfs.vfat")
    needs_tool("mcopy")
    folder = tmp_path_factory.mktemp("fs")
    dice = random.Random(3)
    (folder / "DCIM").mkdir()
    for number in range(3):
        (folder / "DCIM" / f"IMG_{number}.JPG").write_bytes(dice.randbytes(20_000))
    (folder / "letter [b]x[-b].txt").write_text("Dear Sir\n" * 500)
    (folder / "gone.txt").write_text("gone\n" * 1000)
    format_(folder / "v.img", "fat16")
    names = [folder / name for name in ("DCIM", "letter [b]x[-b].txt", "gone.txt")]
    run("mcopy", "-s", "-i", folder / "v.img", *names, "::")
    run("mdel", "-i", folder / "v.img", "::gone.txt")
    return (folder / "v.img").read_bytes()


@pytest.fixture
def disk(tmp_path: Path, made: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.img").write_bytes(made)
    return tmp_path / "v.img"


def call(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, dict]:
    status = rescuedeck([*argv, "--json", "--quiet"])
    return status, json.loads(capsys.readouterr().out)


def test_list_and_the_index_beside_the_image(disk, capsys):
    status, told = call(capsys, "fs", "list", "v.img", "--recursive", "--deleted")
    assert status == 0
    found = {one["path"]: one for one in told["entries"]}
    photo = found["DCIM/IMG_1.JPG"]
    assert (photo["kind"], photo["size"], photo["deleted"]) == ("file", 20_000, False)
    data = disk.read_bytes()
    content = b"".join(data[one["start"] : one["start"] + one["size"]] for one in photo["extents"])
    assert content == run_bytes("::DCIM/IMG_1.JPG")
    gone = found["_one.txt"]
    assert gone["deleted"] and gone["free_bytes"] == gone["placed_bytes"] == 5000
    assert (disk.parent / "v.img.index" / "volume-0.sqlite").exists()
    for words in (["v.img", "DCIM"], ["v.img", "--volume", "1", "DCIM"], ["--volume", "1", "v.img", "DCIM"]):
        assert rescuedeck(["fs", "list", *words]) == 0
        assert "IMG_2.JPG" in capsys.readouterr().out
    assert rescuedeck(["fs", "list", "v.img", "--volume", "1", "DCIM", "more"]) == 2
    capsys.readouterr()
    assert rescuedeck(["fs", "list", "v.img", "--search", "*.txt", "--deleted"]) == 0
    out = capsys.readouterr().out
    assert "letter [b]x[-b].txt" in out and "deleted, 100 % free" in out


def run_bytes(name: str) -> bytes:
    run("mcopy", "-n", "-i", "v.img", name, "back")
    data = Path("back").read_bytes()
    os.unlink("back")
    return data


def test_hit_names_files_and_sums(disk, capsys):
    _, told = call(capsys, "fs", "list", "v.img", "DCIM")
    place = told["entries"][0]["extents"][0]["start"]
    size = disk.stat().st_size
    made = Mapfile.new(0, size, "+").set_range(place + 1024, place + 3072, "-").set_range(size - 4096, size, "?")
    write_map("v.map", made)
    status, told = call(capsys, "fs", "hit", "v.img", "--map", "v.map")
    assert status == 1
    (hit,) = told["files"]
    assert (hit["path"], hit["missing_bytes"], hit["ranges"]) == ("DCIM/IMG_0.JPG", 2048, [[1024, 3072]])
    assert (told["metadata_missing_bytes"], told["unallocated_missing_bytes"]) == (0, 4096)
    assert told["missing_bytes"] == 2048 + 4096 and told["other_missing_bytes"] == 0
    assert rescuedeck(["fs", "hit", "v.img", "--map", "v.map"]) == 1
    out = capsys.readouterr().out
    assert "DCIM/IMG_0.JPG" in out and "10.2 %" in out and "files hit: 1 of 4" in out
    assert max(map(len, out.splitlines())) <= 80


def test_extract_domain_and_space(disk, capsys):
    status, told = call(capsys, "fs", "extract", "v.img", "-o", "out", "DCIM", "--type", "photos", "--verify")
    assert status == 0 and told["files"] == 3 and told["verified"] == 3 and told["mismatched"] == []
    assert Path("out/DCIM/IMG_2.JPG").read_bytes() == run_bytes("::DCIM/IMG_2.JPG")
    assert {one["path"] for one in told["written"]} == {f"DCIM/IMG_{n}.JPG" for n in range(3)}
    status, told = call(capsys, "fs", "domain", "v.img", "--what", "files", "--path", "DCIM", "--bare", "-o", "d.map")
    assert status == 0 and told["bytes"] >= 60_000 and told["size"] == disk.stat().st_size
    status, told = call(capsys, "fs", "unallocated", "v.img", "-o", "free.bin")
    assert status == 0 and told["bytes"] == Path("free.bin").stat().st_size == sum(r["size"] for r in told["ranges"])
    assert rescuedeck(["fs", "slack", "v.img", "-o", "free.bin"]) == 3
    assert "exists" in capsys.readouterr().err
    status, told = call(capsys, "fs", "slack", "v.img", "-o", "slack.bin")
    assert status == 0 and told["bytes"] == Path("slack.bin").stat().st_size > 0


def test_extract_in_the_background(disk, capsys):
    status, told = call(capsys, "fs", "extract", "v.img", "-o", "out", "--detach")
    assert status == 0
    assert rescuedeck(["jobs", "attach", told["job"], "--quiet"]) == 0
    assert Path("out/DCIM/IMG_0.JPG").exists()


@pytest.mark.parametrize(
    ("argv", "status", "words"),
    [
        (["list", "v.img", "nowhere"], 1, "there is no 'nowhere'"),
        (["list", "v.img", "--volume", "7"], 2, "there is no volume 7"),
        (["extract", "v.img", "-o", "x", "--complete", "--holed"], 2, "leave nothing"),
        (["extract", "v.img", "-o", "x", "--type", "xyz"], 1, "no file fits"),
        (["domain", "v.img", "--what", "files", "-o", "x"], 2, "which files"),
        (["domain", "v.img", "--path", "DCIM", "-o", "x"], 2, "go with"),
        (["list", "missing.img"], 3, "cannot open"),
    ],
)
def test_errors_are_one_line(disk, capsys, argv, status, words):
    assert rescuedeck(["fs", *argv, "--quiet"]) == status
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_what_is_no_file_system(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("noise.img").write_bytes(random.Random(1).randbytes(1 << 20))
    assert rescuedeck(["fs", "list", "noise.img", "--quiet"]) == 1
    assert "no file system" in capsys.readouterr().err
    assert not list(Path().glob("noise.img.index/*"))


def test_volumes_says_what_cannot_be_read(tmp_path, capsys, monkeypatch):
    needs_tool("mkfs.btrfs")
    monkeypatch.chdir(tmp_path)
    with open("b.img", "wb") as stream:
        stream.truncate(120 << 20)
    run("mkfs.btrfs", "-q", "b.img")
    status, told = call(capsys, "fs", "volumes", "b.img")
    assert status == 1 and told["volumes"][0]["kind"] == "btrfs" and not told["volumes"][0]["readable"]
    assert rescuedeck(["fs", "list", "b.img"]) == 1
    assert "btrfs" in capsys.readouterr().err
