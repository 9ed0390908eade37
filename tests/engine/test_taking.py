"""Volumes of a disk, files taken out of them, free space and slack as files, domain maps, jobs."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess

import pytest

from engine import jobs
from engine.cases.damage import damage, make_domain, timed
from engine.cases.files_desk import FilesDesk, volumes
from engine.cases.subject import Subject
from engine.cases.taking import MANIFEST, Choice, take, take_regions
from engine.cases.volumes import choose_volume, list_volumes, open_volume
from engine.errors import CancelledError, DamagedError, NotFoundError, UsageError
from engine.filesystems.pick import Wish, types_of
from engine.mapfile import Mapfile, read_map, write_map
from engine.priorities import read_domain
from engine.progress import Silent
from engine.ranges import RangeSet
from engine.source import FileSource
from tests.engine.filesystems.written import FATS, fill, format_, hashes, run
from tests.engine.jobs.helpers import until_ended
from tests.support import needs_tool

START = 1 << 20


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A disk with a FAT32, an XFS and a small FAT16 partition; the tree in the first is the truth."""
    for tool in ("mkfs.vfat", "mcopy", "sfdisk", "mkfs.xfs"):
        needs_tool(tool)
    folder = tmp_path_factory.mktemp("disk")
    tree, image = folder / "tree", folder / "disk.img"
    tree.mkdir()
    fill(tree, plain=True)
    format_(folder / "one.img", "fat32")
    run("mcopy", "-s", "-m", "-i", folder / "one.img", *sorted(tree.iterdir()), "::")
    run("mmd", "-i", folder / "one.img", "::nothing yet", "::nothing yet/for later")
    (tree / "nothing yet" / "for later").mkdir(parents=True)
    run("mdel", "-i", folder / "one.img", "::photos/IMG_0003.JPG")
    (tree / "photos" / "IMG_0003.JPG").unlink()
    format_(folder / "three.img", "fat16")
    with open(folder / "two.img", "wb") as stream:
        stream.truncate(320 << 20)
    run("mkfs.xfs", "-q", "-f", folder / "two.img")
    with open(image, "wb") as stream:
        stream.truncate(420 << 20)
    table = "label: dos\nstart=2048, size=131072, type=c\nsize=655360, type=83\nsize=65536, type=6\n"
    subprocess.run(["sfdisk", "-q", image], input=table, text=True, check=True, timeout=30)
    with open(image, "r+b") as stream:
        for start, name in ((START, "one"), (START + (64 << 20), "two"), (START + (384 << 20), "three")):
            stream.seek(start)
            with open(folder / f"{name}.img", "rb") as part:
                shutil.copyfileobj(part, stream)
    for name in ("one", "two", "three"):
        (folder / f"{name}.img").unlink()
    return image, tree


def holed_map(disk, where, ranges):
    size = disk.stat().st_size
    made = Mapfile.new(0, size, "+")
    for low, high in ranges:
        made = made.set_range(low, high, "-")
    write_map(where, made)
    return where


def test_volumes_are_named_and_unreadable_ones_refused(disk):
    with FileSource(disk[0]) as source:
        found = list_volumes(source)
    assert [(one.number, one.start, one.kind) for one in found] == [
        (1, START, "fat32"), (2, START + (64 << 20), "xfs"), (3, START + (384 << 20), "fat16"),
    ]  # fmt: skip
    assert choose_volume(found, 1) is found[0] and choose_volume(found, str(START)) is found[0]
    with pytest.raises(UsageError) as several:
        choose_volume(found, None)
    assert several.value.code == "which-volume"
    with pytest.raises(DamagedError) as xfs:
        choose_volume(found, 2)
    assert "XFS" in str(xfs.value) and xfs.value.code == "unreadable-filesystem"


def test_a_tree_leaves_whole_and_verified(disk, tmp_path):
    image, tree = disk
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        assert opened.made
        taken = take(opened, Choice(), tmp_path / "out", verify=True)
    found = hashes(tmp_path / "out")
    found.pop(MANIFEST)
    assert found == hashes(tree)
    assert taken.verified == taken.files == len(hashes(tree)) and not taken.holed and not taken.mismatched
    rows = [json.loads(line) for line in (tmp_path / "out" / MANIFEST).read_text().splitlines()]
    assert {row["file"]: row["sha256"] for row in rows} == hashes(tree)
    assert (tmp_path / "out" / "big.bin").stat().st_mtime == pytest.approx(1_500_000_000, abs=90_000)
    assert not list((tmp_path / "out").rglob("*.rescue.json"))
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        assert not opened.made and not opened.stale


def folders(parent):
    return {str(path.relative_to(parent)) for path in parent.rglob("*") if path.is_dir()}


def test_empty_folders_belong_to_a_tree_but_not_to_a_choice_of_files(disk, tmp_path):
    image, tree = disk
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        taken = take(opened, Choice(), tmp_path / "out")
        assert folders(tmp_path / "out") == folders(tree) and taken.folders == 1
        later = opened.index.find("nothing yet")
        assert take(opened, Choice(entries=(later.id,)), tmp_path / "one").folders == 1
        assert folders(tmp_path / "one") == {"nothing yet", "nothing yet/for later"}
        take(opened, Choice(names=("*.txt",)), tmp_path / "texts")
        assert not any("nothing" in name for name in folders(tmp_path / "texts"))
        within = opened.index.places.owned_by([opened.index.find("nothing yet/for later").id])
    ((start, _),) = within
    unread = holed_map(image, tmp_path / "m.map", [(START + start, START + start + 512)])
    with open_volume(image, map=unread, volume=1, index=tmp_path / "i.sqlite") as opened:
        assert take(opened, Choice(), tmp_path / "unread").folders == 0
    assert "nothing yet/for later" not in folders(tmp_path / "unread"), "nobody knows whether it is empty"


def test_filters(disk, tmp_path):
    image, tree = disk
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        photos = opened.index.find("photos").id

        def names(number, choice):
            target = tmp_path / f"out{number}"
            take(opened, choice, target)
            return {name for name in hashes(target) if name != MANIFEST}

        everything = set(hashes(tree))
        assert names(1, Choice(entries=(photos,))) == {name for name in everything if name.startswith("photos/")}
        assert names(2, Choice(names=("*.TXT",))) == {name for name in everything if name.endswith(".txt")}
        assert names(3, Choice(types=types_of(["photos"]))) == {name for name in everything if name.endswith(".JPG")}
        gone = names(4, Choice(deleted=None))
        assert gone == {"deleted/photos/_MG_0003.JPG"}
        with pytest.raises(NotFoundError):
            take(opened, Choice(types=("xyz",)), tmp_path / "none")
        choice = Choice((1, 2), ("*",), ("a",), True, False, None, True)
        assert Choice.from_json(json.loads(json.dumps(choice.to_json()))) == choice


def test_holes_become_gaps_with_sidecars(disk, tmp_path):
    image, tree = disk
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        (piece, *_rest) = opened.index.pieces(opened.index.find("big.bin"))
    low = START + piece.start + 4096
    map_ = holed_map(image, tmp_path / "m.map", [(low, low + 100_000)])
    with open_volume(image, map=map_, volume=1, index=tmp_path / "i.sqlite") as opened:
        assert not opened.made
        told = damage(opened)
        (hit,) = told.files()
        assert (hit.path, hit.missing) == ("big.bin", 100_000)
        lacking = told.ranges(hit.entry)
        assert lacking == RangeSet.of(4096, 104_096)
        taken = take(opened, Choice(), tmp_path / "out", verify=True)
        whole = take(opened, Choice(complete=True), tmp_path / "whole")
        assert take(opened, Choice(holed=True), tmp_path / "holed").files == 1
    assert taken.holed == 1 and taken.missing == 100_000
    assert whole.holed == 0 and whole.files == taken.files - 1
    data, truth = (tmp_path / "out" / "big.holed.bin").read_bytes(), (tree / "big.bin").read_bytes()
    assert data == truth[:4096] + bytes(100_000) + truth[104_096:]
    assert os.stat(tmp_path / "out" / "big.holed.bin").st_blocks * 512 < len(truth)
    side = json.loads((tmp_path / "out" / "big.holed.bin.rescue.json").read_text())
    assert side["missing"] == [[4096, 104_096]] and side["sha256"] == hashlib.sha256(data).hexdigest()
    assert not (tmp_path / "out" / "big.bin").exists()


class StopAfter(Silent):
    """Cancels when it is asked for the so-manieth time."""

    def __init__(self, count):
        self.count = count

    def cancelled(self):
        self.count -= 1
        return self.count < 0


def test_a_stopped_extraction_goes_on(disk, tmp_path):
    image, tree = disk
    journal = tmp_path / "journal"
    journal.mkdir()
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        with pytest.raises(CancelledError):
            take(opened, Choice(), tmp_path / "out", journal=journal, reporter=StopAfter(30))
        before = {path: path.stat().st_ino for path in (tmp_path / "out").rglob("*") if path.is_file()}
        assert 0 < len(before) < len(hashes(tree))
        taken = take(opened, Choice(), tmp_path / "out", journal=journal, verify=True)
    found = hashes(tmp_path / "out")
    found.pop(MANIFEST)
    assert found == hashes(tree) and not taken.mismatched
    for path, inode in before.items():
        if not path.name.endswith(".part"):
            assert path.stat().st_ino == inode


def test_free_space_and_slack_as_files(disk, tmp_path):
    image, _tree = disk
    with open_volume(image, volume=1, index=tmp_path / "i.sqlite") as opened:
        written, regions = take_regions(opened, "unallocated", tmp_path / "free.bin")
        assert written.size == opened.index.free.total == sum(region.size for region in regions)
        slack_written, _ = take_regions(opened, "slack", tmp_path / "slack.bin")
    told = json.loads((tmp_path / "free.bin.map.json").read_text())
    data, disk_data = (tmp_path / "free.bin").read_bytes(), image.read_bytes()
    for row in told["regions"]:
        size = row["size"]
        assert data[row["offset"] : row["offset"] + size] == disk_data[row["disk_offset"] : row["disk_offset"] + size]
    owners = json.loads((tmp_path / "slack.bin.map.json").read_text())["regions"]
    assert {"owner", "ram_bytes"} <= set(owners[0]) and slack_written.size == sum(row["size"] for row in owners)


def test_domain_maps_are_taken_by_ddrescue(disk, tmp_path):
    """First the own structures are read, by them the photographs: the image then holds these whole."""
    needs_tool("ddrescue")
    image, tree = disk
    partial, map_ = tmp_path / "partial.img", tmp_path / "partial.map"

    def rescue(domain):
        subprocess.run(["ddrescue", "-q", "-S", "-m", domain, image, partial, map_], check=True, timeout=60)

    with open_volume(image, volume=1, index=tmp_path / "full.sqlite") as opened:
        first = make_domain(opened, Wish("metadata"), tmp_path / "first.map")
        used = make_domain(opened, Wish("used"), tmp_path / "used.map")
        free = make_domain(opened, Wish("free"), tmp_path / "free.map")
    assert not used.wanted.intersect(free.wanted)
    assert used.wanted.total + free.wanted.total == 64 << 20
    rescue(first.path)
    with open_volume(partial, map=map_, volume=1, index=tmp_path / "partial.sqlite") as opened:
        assert opened.index.counts["unread_bytes"] == 0
        wish = Wish("files", types=types_of(["photos"]), metadata=False)
        made = make_domain(opened, wish, tmp_path / "photos.map")
        assert made.missing == made.wanted.total > 0
        assert read_domain(tmp_path / "photos.map").wanted == made.wanted
    rescue(made.path)
    with open_volume(partial, map=map_, volume=1, index=tmp_path / "partial.sqlite") as opened:
        assert not opened.made
        taken = take(opened, Choice(types=("jpg",), complete=True), tmp_path / "out")
    found = hashes(tmp_path / "out")
    found.pop(MANIFEST)
    assert found == {name: digest for name, digest in hashes(tree).items() if name.endswith(".JPG")}
    assert taken.files == len(found) and read_map(map_).totals().finished < 12 << 20


def test_missing_time_of_recordings(disk, tmp_path):
    """A wave file of 10 seconds with a tenth of it unread lacks a second."""
    import struct

    folder = tmp_path / "wav"
    folder.mkdir()
    rate = 48_000
    body = random.Random(1).randbytes(rate * 10)
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, rate, 1, 8)
    head = b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + form
    (folder / "tape.wav").write_bytes(head + b"data" + struct.pack("<I", len(body)) + body)
    image = tmp_path / "wav.img"
    format_(image, "fat16")
    run("mcopy", "-i", image, folder / "tape.wav", "::")
    with open_volume(image) as opened:
        (piece,) = opened.index.pieces(opened.index.find("tape.wav"))
    map_ = holed_map(image, tmp_path / "m.map", [(piece.start + 51_200, piece.start + 99_328)])
    with open_volume(image, map=map_) as opened:
        told = damage(opened)
        hits = list(told.files())
        assert timed(opened, hits) == {hits[0].entry.id: pytest.approx(48_128 / rate, abs=0.01)}


def ended(job):
    return until_ended(job.directory)


def test_jobs_index_and_extract(disk, tmp_path):
    image, tree = disk
    arguments = {"source": str(image), "map": None, "window": None, "volume": START,
                 "index": str(tmp_path / "job.sqlite")}  # fmt: skip
    job = ended(jobs.start("file-index", {**arguments, "orphans": None}, tmp_path / "jobs"))
    assert job.error is None and job.result["files"] == len(hashes(tree)), job.error
    more = {"choice": Choice().to_json(), "target": str(tmp_path / "out"), "what": "files", "verify": True}
    job = ended(jobs.start("file-extract", {**arguments, **more}, tmp_path / "jobs"))
    assert job.error is None and job.result["files"] == len(hashes(tree)), job.error
    more = {"target": str(tmp_path / "free.bin"), "what": "unallocated"}
    job = ended(jobs.start("file-extract", {**arguments, **more}, tmp_path / "jobs"))
    assert job.error is None and job.result["bytes"] == (tmp_path / "free.bin").stat().st_size


def test_the_desk_shows_what_is_hit(disk, tmp_path):
    image, _tree = disk
    mine = tmp_path / "disk.img"
    os.link(image, mine)
    (volume, *_rest) = volumes(Subject(mine))
    desk = FilesDesk(Subject(mine), volume)
    assert desk.refresh() is None
    with open_volume(mine, volume=1) as opened:
        (piece, *_more) = opened.index.pieces(opened.index.find("docs/deep/deeper/ünïcode name.doc"))
        assert opened.index.file == desk.index_path
    assert desk.refresh() is not None and not desk.refresh().mapped
    low = START + piece.start
    desk = FilesDesk(Subject(mine, holed_map(image, tmp_path / "m.map", [(low, low + 512)])), volume)
    overview = desk.refresh()
    assert overview.mapped and len(overview.damage.hits) == 1
    docs = next(entry for entry in desk.listing("tree").entries if entry.name == "docs")
    assert overview.of(docs).files == 1 and overview.of(docs).missing == 512
    (hit,) = desk.listing("hit").entries
    details = desk.details(hit)
    assert details.ranges == RangeSet.of(0, 512) and details.places[0][1] == low
    look = desk.preview(hit, 40, 20)
    assert look.holes == RangeSet.of(0, 512)
    found = [entry.name for entry in desk.listing("search", words="size 51?.txt").entries]
    assert found == [f"size 51{n}.txt" for n in (1, 2, 3)]
    assert [entry.name for entry in desk.listing("deleted").entries] == ["_MG_0003.JPG"]
    desk.close()


@pytest.mark.parametrize("family", FATS)
def test_windows_and_whole_volumes(family, tmp_path):
    """A volume without a table, and seen through a window: the same files."""
    needs_tool("mkfs.vfat")
    needs_tool("mcopy")
    (tmp_path / "a.txt").write_bytes(b"hello")
    format_(tmp_path / "v.img", family)
    run("mcopy", "-i", tmp_path / "v.img", tmp_path / "a.txt", "::")
    (tmp_path / "disk.img").write_bytes(bytes(12_288) + (tmp_path / "v.img").read_bytes())
    for image, window in ((tmp_path / "v.img", None), (tmp_path / "disk.img", (12_288, 1 << 40))):
        with open_volume(image, window=window) as opened:
            take(opened, Choice(), tmp_path / f"out{window is None}")
        assert (tmp_path / f"out{window is None}" / "a.txt").read_bytes() == b"hello"
