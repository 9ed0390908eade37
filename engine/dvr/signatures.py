"""One look at every 64 KiB of a disk for what begins there: MEIHDFS superblocks and UDF file set descriptors, in all
512-byte phases and in both byte orders at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.progress import SILENT, Reporter, check
from engine.source import Source
from engine.source.base import ReadError

STEP = 0x10000
_BEFORE = 1536
_WINDOW = 2 * _BEFORE + 512
_SWAPPED = {"mei": False, "hdfs": False, "fsd": False, "mei_s": True, "hdfs_s": True, "fsd_s": True}
_PATTERN = re.compile(
    rb"(?P<mei>MEIHDFS-V2\.[0-9])|(?P<hdfs>HDFS2\.[0-9])|(?P<fsd>\x00\x01[\x02\x03]\x00.\x00)"
    rb"|(?P<mei_s>EMHIFD-S2V[0-9]\.)|(?P<hdfs_s>DHSF\.2.[0-9])|(?P<fsd_s>\x01\x00\x00[\x02\x03]\x00.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Hit:
    """A signature. ``kind``: ``meihdfs`` or ``fsd``; ``place``: byte where the structure begins."""

    kind: str
    place: int
    swapped: bool


def sweep(source: Source, steps: Iterable[int], reporter: Reporter = SILENT) -> Iterator[Hit]:
    """Signatures around the multiples of 64 KiB named by ``steps`` (their numbers). What is unread is stepped over."""
    buffer = bytearray(_WINDOW)
    zeros = bytes(_WINDOW)
    for count, number in enumerate(steps):
        if count % 4096 == 4095:
            check(reporter)
        low = max(0, number * STEP - _BEFORE)
        high = min(source.size, number * STEP + _BEFORE + 512)
        if high - low < 512:
            continue
        target = buffer if high - low == _WINDOW else bytearray(high - low)
        try:
            holes = source.read_into(low, target)
        except ReadError as error:
            if error.code == "device-gone":
                raise
            continue
        if target == zeros or target.count(0) == len(target):
            continue
        for match in _PATTERN.finditer(target):
            name = str(match.lastgroup)
            place = low + match.start() - (0 if name.startswith("fsd") else 8)
            if place % 512 or place < 0 or any(a < place + 64 and b > place for a, b in holes):
                continue
            yield Hit("fsd" if name.startswith("fsd") else "meihdfs", place, _SWAPPED[name])
