"""Linux swap: header and the signature at the end of the first page."""

from __future__ import annotations

from engine.partitions.volumes.bits import b32, text, u32, uuid
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

PAGES = (4096, 8192, 16384, 65536)
_MAGICS = (b"SWAPSPACE2", b"S1SUSPEND\0", b"S2SUSPEND\0", b"ULSUSPEND\0", b"LINHIB0001")
_MAX_BAD = 637


def examine(view: View) -> Volume | None:
    """The swap area at the view's start."""
    for page in PAGES:
        magic = view.get(page - 10, 10)
        header = view.get(1024, 512) if magic in _MAGICS else None
        if header is None:
            continue
        for number in (u32, b32):
            last, bad = number(header, 4), number(header, 8)
            if number(header, 0) == 1 and last and bad <= _MAX_BAD and bad < last:
                found = Findings(view)
                found.seen("swap header", 1024)
                found.confirm("swap signature", page - 10, 10, True)
                asleep = magic != _MAGICS[0]
                if asleep:
                    found.problem("hibernated", "the image of a sleeping system is stored in it", page - 10)
                return Volume(
                    "swap", view.start, (last + 1) * page, version="suspended" if asleep else "1",
                    label=text(header[28:44]), uuid=uuid(header[12:28]), block_size=page,
                    confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
                )  # fmt: skip
    return None


# The signature ends the first page, whose size is not written anywhere.
_STARTS = tuple(512 - page for page in PAGES)
FAMILY = Family("swap", examine, tuple(Mark(502, magic[:2], has(502, magic), _STARTS) for magic in _MAGICS))
