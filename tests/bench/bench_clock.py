"""The MPEG clock scan beside plain reading of the same image from the cache; and what it costs in processor time."""

from __future__ import annotations

import os
import resource
import sys

from engine.dvr.clock.inside import described
from engine.dvr.clock.match import propose
from engine.dvr.clock.scanning import scan
from engine.source import FileSource
from tests.bench.report import Report
from tests.engine.dvr.clock.streams import Maker, moved

_ROUNDS = 12
"""Short runs by turns, the best of each: other work on the machine spoils many of them."""


def run(report: Report) -> None:
    """Streams of our own in pieces of about 4 MiB, a block of noise between. The aims: at least 0.7 of the rate of
    reading, at most 1 s of processor time for each GiB."""
    size = (64 if report.small else 1024) << 20
    path = report.folder / "disk"
    stream = Maker(1).stream(60, 40)
    written = 0
    with open(path, "wb") as file:
        while written < size:
            piece = moved(stream, written * 8 * 90_000 // 5_000_000)
            written += file.write(piece) + file.write(os.urandom(2048))

    def plain() -> None:
        """Every byte into one buffer that is used again; of all sizes this one was the fastest."""
        buffer = bytearray(4 << 20)
        with open(path, "rb", buffering=0) as source:
            while source.readinto(buffer):
                pass

    def ours() -> None:
        with FileSource(path) as source:
            assert scan(source).table

    ours()
    report.against(f"scan of {written >> 20} MiB", ours, plain, "plain reading", aim=1 / 0.7, rounds=_ROUNDS)
    row = report.rows[-1]
    anchor = written / (row.anchor or 1) / 1e9
    report.value("rate of the same", written / row.ours / 1e9, "GB/s", anchor, "plain reading")
    gib = written / (1 << 30)
    report.value("processor time of the scan for 1 GiB", _spent(ours) / gib, "s", _spent(plain) / gib, "plain reading")
    report.value("the aim for it", _spent(ours) / gib, "s", 1.0, "1 s for 1 GiB", aim=1)

    def joins() -> None:
        with FileSource(path) as source:
            found = scan(source)
            propose(described(source, found), found.unread)

    report.time(f"scan, ends and joins of {written >> 20} MiB", joins, rounds=2)
    path.unlink()


def _spent(work) -> float:  # type: ignore[no-untyped-def]
    def now() -> float:
        used = resource.getrusage(resource.RUSAGE_SELF)
        return used.ru_utime + used.ru_stime

    best = float("inf")
    for _ in range(_ROUNDS):
        begun = now()
        work()
        best = min(best, now() - begun)
    return best


if __name__ == "__main__":
    sys.exit("run it with: python -m tests.bench clock")
