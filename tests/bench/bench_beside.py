"""What the tools people know make of the same damage, counted against what was laid there: files hit on NTFS,
recordings of a recorder's disk, documents without their header, a partition table that is gone.

These are counts, not times: each tool does what its own documentation says it is for, on the same input in one run.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import struct
import subprocess
from pathlib import Path

from engine import dvr
from engine.cases.documents import save_copy
from engine.filesystems.build import build
from engine.filesystems.hits import files_hit
from engine.filesystems.index import Index
from engine.ole2.solver import solve
from engine.partitions.search import search
from engine.ranges import RangeSet
from engine.source import FileSource
from engine.source.extents import ExtentSource
from tests.bench.report import Report
from tests.dvr_disks.mpeg import real_stream
from tests.dvr_disks.samples import map_with, pioneer_disk
from tests.engine.ole2 import damage, writer
from tests.engine.ole2.test_office import cells, convert, letter, slides
from tests.engine.partitions.volume_kinds import SAMPLES, Makery, lay
from tests.support import find_tool

_MARK = b"whose sector?"
_SECTOR = 512


def run(report: Report) -> None:
    """All of it; what a tool is missing for is said and left out."""
    for work, tools in (
        (_files_hit, ("mkfs.ntfs", "ntfs-3g", "ddru_ntfsfindbad")),
        (_recordings, ("ffmpeg", "photorec")),
        (_documents, ("soffice",)),
        (_partitions, ("gpart", "mkfs.ext4", "mkfs.ntfs", "mkfs.vfat")),
    ):
        lack = [tool for tool in tools if find_tool(tool) is None]
        if lack:
            report.skip(f"{', '.join(lack)} not installed")
            continue
        folder = report.folder / work.__name__
        folder.mkdir()
        work(report, folder)
        shutil.rmtree(folder)


def _run(*argv: str | os.PathLike[str], cwd: Path | None = None, ok: tuple[int, ...] = (0,)) -> str:
    tool = find_tool(str(argv[0]))
    assert tool is not None
    done = subprocess.run(
        [tool, *argv[1:]], cwd=cwd, capture_output=True, stdin=subprocess.DEVNULL, timeout=900, check=False
    )
    if done.returncode not in ok:
        raise RuntimeError(f"{argv[0]} ended with {done.returncode}: {done.stderr[-400:]!r}")
    return done.stdout.decode("utf-8", "replace")


# -- which files are hurt


def _files_hit(report: Report, folder: Path) -> None:
    """Every sector of every file says whose it is, so the truth is read off the disk itself."""
    image, mounted, names = folder / "ntfs.img", folder / "mnt", {}
    mounted.mkdir()
    with open(image, "wb") as stream:
        stream.truncate(256 << 20)
    _run("mkfs.ntfs", "-qFf", image)
    _run("ntfs-3g", image, mounted)
    dice = random.Random(5)
    try:
        for number in range(600):
            name = f"d{number % 20:02}/f{number:04}.bin"
            names[number] = name
            (mounted / name).parent.mkdir(exist_ok=True)
            size = dice.choice((120, 400, 3000, 40_000, 300_000, 900_000))
            content = b"".join(_sector(number, at) for at in range(-(-size // _SECTOR)))[:size]
            (mounted / name).write_bytes(content)
        for number in range(0, 600, 7):  # room between, for files in pieces
            (mounted / names.pop(number)).unlink()
        for number in range(600, 640):
            names[number] = f"late{number}.bin"
            (mounted / names[number]).write_bytes(b"".join(_sector(number, at) for at in range(2000)))
    finally:
        _run("umount", mounted)
    data = image.read_bytes()
    holes = RangeSet((at, at + 512 * dice.randrange(1, 65)) for at in sorted(
        dice.randrange(8 << 20, 250 << 20) // 512 * 512 for _ in range(160)))  # fmt: skip
    truth = {names[number] for number in _owners(data, holes) if number in names}
    map_ = map_with(folder / "ntfs.map", len(data), [(low, high - low) for low, high in holes])
    _run("ddru_ntfsfindbad", image, map_, cwd=folder, ok=(0, 1))
    listed = (folder / "ntfsfindbad.log").read_text(errors="replace")
    theirs = {name for name in names.values() if f"/{name}" in listed}
    with FileSource(image) as source:
        build(source, folder / "index.sqlite")
    with Index(folder / "index.sqlite") as index:
        hit = index.entries(files_hit(index, holes).owners.tolist())
        ours = {index.path(entry).lstrip("/") for entry in hit.values()} & set(names.values())
    what = f"NTFS, {len(truth)} files hit of {len(names)}"
    report.value(f"{what}: named", len(ours & truth), "", len(theirs & truth), "ddru_ntfsfindbad")
    report.value(f"{what}: named though whole", len(ours - truth), "", len(theirs - truth), "ddru_ntfsfindbad")


def _sector(number: int, at: int) -> bytes:
    head = _MARK + struct.pack("<II", number, at)
    return (head * (_SECTOR // len(head) + 1))[:_SECTOR]


def _owners(data: bytes, holes: RangeSet) -> set[int]:
    """Whose bytes lie in the holes; a small file stands inside a record of the $MFT, anywhere in its sector."""
    found: set[int] = set()
    for low, high in holes:
        piece = data[low:high]
        for hit in re.finditer(re.escape(_MARK), piece):
            if hit.end() + 4 <= len(piece):
                found.add(struct.unpack_from("<I", piece, hit.end())[0])
    return found


# -- recordings


def _recordings(report: Report, folder: Path) -> None:
    sample = pioneer_disk(folder / "recorder.img", real_stream, seconds=20)
    wanted = {hashlib.sha256(content).digest() for content in sample.content.values()}
    with FileSource(sample.path) as source:
        got = set()
        for title in dvr.read(source).titles:
            with_all = ExtentSource(source, title.extents)
            got.add(hashlib.sha256(with_all.read(0, with_all.size).data).digest())
    out = folder / "found"
    out.mkdir()
    order = "partition_none,options,mode_ext2,fileopt,everything,enable,search"
    _run("photorec", "/d", out / "recup", "/log", "/cmd", sample.path, order, cwd=folder, ok=(0, 1))
    pieces = [path for path in out.rglob("*") if path.is_file()]
    theirs = {hashlib.sha256(path.read_bytes()).digest() for path in pieces}
    what = f"recorder's disk, {len(wanted)} recordings in pieces"
    report.value(
        f"{what}: byte for byte", len(wanted & got), "", len(wanted & theirs), f"photorec, {len(pieces)} files"
    )


# -- documents


def _documents(report: Report, folder: Path) -> None:
    for name, text in {
        "a.fodt": letter(12, 1, 40), "b.fodt": letter(300, 10, 200), "a.fodp": slides(4, 1, 40),
        "b.fodp": slides(10, 6, 200), "a.csv": cells(20, 5), "b.csv": cells(1500, 8),
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    for kind, ending in (("doc", "fodt"), ("ppt", "fodp"), ("xls", "csv")):
        convert(folder, kind, sorted(path.name for path in folder.glob(f"*.{ending}")))
    other = writer.write(writer.slides(9, 20)).data
    tried = opened = mended = 0
    for path in sorted((folder / "out").iterdir()):
        facts = damage.facts_of(path.read_bytes())
        plain = _as_pdf(folder, path)
        for number, kind in enumerate(("header zeroed", "header cut off", "a FAT sector zero",
                                       "first directory sector zero", "mini FAT zero")):  # fmt: skip
            hurt = folder / f"hurt{number}-{path.name}"
            hurt.write_bytes(dict(damage.kinds(facts, other))[kind](facts, random.Random(kind)).data)
            tried += 1
            opened += _as_pdf(folder, hurt) == plain
            with FileSource(hurt) as source:
                best = solve(source).best
                if best is not None:
                    save_copy(best, folder / f"new-{hurt.name}", original=source)
                    mended += _as_pdf(folder, folder / f"new-{hurt.name}") == plain
    report.value(f"{tried} damaged documents that LibreOffice shows in full", mended, "", opened, "without the repair")


def _as_pdf(folder: Path, path: Path) -> str:
    """The text of what LibreOffice makes of it; empty where it refuses or shows something else."""
    made = folder / "out" / f"{path.stem}.pdf"
    made.unlink(missing_ok=True)
    convert(folder, "pdf", [str(path)])
    if not made.exists():
        return ""
    text = _run("pdftotext", made, "-")
    made.unlink()
    return text


# -- partitions


def _partitions(report: Report, folder: Path) -> None:
    names = [name for name in ("fat16", "fat32", "ntfs", "ext2", "ext3", "ext4", "swap") if name in SAMPLES]
    disk = folder / "disk"
    places = lay(disk, Makery(folder), names, aligned=True)
    with FileSource(disk) as source:
        ours = {find.start for find in search(source).volumes}
    told = _run("gpart", "-v", "-g", disk, ok=(0, 1))
    theirs = {int(start) * 512 for start in re.findall(r" s\((\d+)-\d+\)", told)} - {0}
    what = f"table gone, {len(places)} volumes"
    report.value(f"{what}: found", len(ours & set(places)), "", len(theirs & set(places)), "gpart")
