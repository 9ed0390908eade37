"""OLE2 documents: a wiped header of a 60 MB document, one pass over 2 GiB, headless documents in an image, and how the
table search grows. Anchored against plain reading of the same bytes in the same run.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from engine.ole2.evidence import gather
from engine.ole2.fat_rows import table_rows
from engine.ole2.pages import Pages
from engine.ole2.scan import find_documents, scan
from engine.ole2.solve_fat import solve_fat
from engine.ole2.solver import solve
from engine.source import FileSource
from tests.bench.report import Report
from tests.engine.ole2 import writer

_END, _FREE, _FAT, _DIFAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFC
_MIB = 1 << 20


def run(report: Report) -> None:
    """All of it."""
    _wiped(report)
    _large(report)
    _image(report)
    _growth(report)


def document(path: Path, size: int, *, wipe: bool = True) -> None:
    """A Word document whose Data stream has ``size`` random bytes, written without holding it."""
    count = size // 512
    small = writer.letter(1, 20_000)
    small["Data"] = bytes(4096)
    body = writer.write(small, writer.Layout(tables="front"))
    streams = -(-len(body.data) // 512)
    total = count + streams
    fat = difat = 0
    while True:
        need = -(-(total + fat + difat) // 128)
        more = max(0, -(-(need - 109) // 127))
        if (need, more) == (fat, difat):
            break
        fat, difat = need, more
    # the small document's own sectors go behind the large stream, moved by its length
    shift = count
    words = np.full(fat * 128, _FREE, "<u4")
    words[:count] = np.arange(1, count + 1)
    words[count - 1] = _END
    for sector, name in body.kinds.items():
        if name not in ("(FAT)", "(DIFAT)"):
            chain = body.chains[name]
            at = chain.index(sector)
            words[shift + sector] = shift + chain[at + 1] if at + 1 < len(chain) else _END
    first = total
    words[first : first + fat] = _FAT
    words[first + fat : first + fat + difat] = _DIFAT
    rng = np.random.default_rng(1)
    with open(path, "wb") as out:
        out.write(bytes(512))
        left = size
        while left:
            take = min(left, 16 * _MIB)
            out.write(rng.bytes(take))
            left -= take
        moved = bytearray(body.data[512:].ljust((streams) * 512, b"\0"))
        for sector in body.directory:
            for slot in range(4):
                at = sector * 512 + slot * 128
                kind = moved[at + 0x42]
                length = int.from_bytes(moved[at + 0x78 : at + 0x80], "little")
                start = int.from_bytes(moved[at + 0x74 : at + 0x78], "little")
                if kind == 5 or (kind == 2 and length >= 4096):
                    moved[at + 0x74 : at + 0x78] = (start + shift).to_bytes(4, "little")
                if moved[at : at + 10] == "Data\0".encode("utf-16-le"):  # this stream is the large one
                    moved[at + 0x74 : at + 0x78] = bytes(4)
                    moved[at + 0x78 : at + 0x80] = size.to_bytes(8, "little")
        out.write(moved)
        out.write(words.tobytes())
        listed = np.arange(first, first + fat, dtype="<u4")
        for number in range(difat):
            page = np.full(128, _FREE, "<u4")
            part = listed[109 + 127 * number : 109 + 127 * (number + 1)]
            page[: part.size] = part
            page[127] = first + fat + number + 1 if number + 1 < difat else _END
            out.write(page.tobytes())


def _wiped(report: Report) -> None:
    path = report.folder / "wiped.doc"
    document(path, 60 * _MIB)
    with FileSource(path) as source:
        begun = time.process_time()
        found = solve(source)
        took = time.process_time() - begun
    good = found.best is not None and found.best.verification.structure
    report.value("60 MB, header wiped: CPU" + ("" if good else " NOT SOLVED"), took, "s", 2.0, "aim 2 s", aim=1)


def _large(report: Report) -> None:
    size = (2047 if not report.small else 256) * _MIB
    path = report.folder / "large.doc"
    document(path, size)
    code = (
        "import json,resource,sys,time\n"
        "from engine.source import FileSource\nfrom engine.ole2.evidence import gather\n"
        "from engine.ole2.solver import solve\n"
        "with FileSource(sys.argv[1]) as s:\n"
        " b=bytearray(1<<21); t=time.perf_counter(); o=0\n"
        " while o<s.size:\n  n=min(len(b),s.size-o); s.read_into(o,memoryview(b)[:n]); o+=n\n"
        " plain=time.perf_counter()-t\n"
        " t=time.perf_counter(); e=gather(s); took=time.perf_counter()-t\n"
        " t=time.process_time(); f=solve(s,evidence=e); cpu=time.process_time()-t\n"
        " peak=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        " v=f.best.verification if f.best else None\n"
        " print(json.dumps([s.size/took,s.size/plain,cpu,peak,bool(v and v.structure and v.streams>5)]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    rate, plain, cpu, peak, good = json.loads(done.stdout)
    what = f"{size >> 20} MiB"
    report.value(f"{what}: one pass", rate / 1e6, "MB/s", plain / 1e6, "reading only")
    report.value(f"{what}: solving after it" + ("" if good else " NOT SOLVED"), cpu, "s")
    report.value(f"{what}: peak memory", peak / 1024, "MiB", 400, "aim 400 MiB", aim=1)
    os.unlink(path)


def _image(report: Report) -> None:
    rng = random.Random(3)
    path = report.folder / "image"
    wanted = set()
    makers = (writer.letter, writer.workbook, writer.slides)
    with open(path, "wb") as out:
        for number in range(60 if not report.small else 12):
            out.write(rng.randbytes(512 * rng.randrange(0, 400)))
            streams = makers[number % 3](number)
            streams["Bulk"] = rng.randbytes(rng.randrange(100_000, 6_000_000))
            layout = writer.Layout(tables=rng.choice(("front", "behind", "mixed")), seed=number)
            made = writer.write(streams, layout).data
            wanted.add(out.tell())
            out.write(bytes(512) + made[512:])
    size = path.stat().st_size
    with FileSource(path) as source:
        begun = time.perf_counter()
        found = scan(source)
        took = time.perf_counter() - begun
        starts = {one.start for one in found}
        report.value(f"image of {size >> 20} MiB: scanning", size / took / 1e6, "MB/s", 250, "aim 250")
        report.value("headless documents proposed", len(starts & wanted), "", len(wanted), "there")
        report.value("false starts proposed", len(starts - wanted), "")
        begun = time.perf_counter()
        sure = {one.start for one in find_documents(source)}
        took = time.perf_counter() - begun
        report.value("headless documents verified", len(sure & wanted), "", len(wanted), "there")
        report.value("false documents verified", len(sure - wanted), "")
        report.value("scanning and verifying", size / took / 1e6, "MB/s")


def _growth(report: Report) -> None:
    before: tuple[int, float] | None = None
    for size in (32, 128, 512) if not report.small else (8, 32):
        path = report.folder / "grow"
        document(path, size * _MIB)
        with FileSource(path) as source:
            pages = Pages(source, 0, 512)
            evidence = gather(source)
            rows = table_rows(pages, evidence)
            begun = time.process_time()
            solve_fat(pages, rows)
            took = time.process_time() - begun
        report.value(f"table search, {size} MiB", took, "s")
        if before is not None:
            report.value(
                f"growth of time over growth of size, to {size} MiB", took / before[1] / (size / before[0]), "x"
            )
        before = size, took
