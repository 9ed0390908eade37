"""What ails the demonstration drives: fault profiles for the failing disk, and the map for ddrescue's own test mode.

Profiles are those of the project's failing disk (a FUSE file that fails as drives do); offsets lie in the pictures and
letters that ``disk`` writes.
"""

from __future__ import annotations

from typing import Any

from engine.demo.disk import DISK_SECTORS, LETTERS_START, PHOTOS_START
from engine.demo.fat import SECTOR

MIB = 1 << 20
SPEED = 9_000_000
"""Bytes per second: slow enough to be watched, quick enough to be over in half a minute."""


def _sector(lba: int) -> int:
    return lba * SECTOR


# (first sector, sectors): a scratch across several pictures, single bad sectors, one in the letters' directory.
BAD_SECTORS = [
    (PHOTOS_START + 21_000, 96),
    (PHOTOS_START + 21_400, 12),
    (PHOTOS_START + 22_100, 3),
    (PHOTOS_START + 47_811, 1),
    (PHOTOS_START + 60_002, 1),
    (PHOTOS_START + 60_050, 1),
    (LETTERS_START + 900, 8),
    (DISK_SECTORS - 4_000, 1),
]
HEALING = (PHOTOS_START + 70_000, 4)
SLOW = (PHOTOS_START + 30_000, 4_096)
KILLERS = [(PHOTOS_START + 40_960, 8), (LETTERS_START + 9_000, 64)]


def _identity(serial: str) -> dict[str, Any]:
    return {"model": "RESCUEDECK DEMO DRIVE", "serial": serial, "wwn": None}


def scratched() -> dict[str, Any]:
    """A drive with a scratch, single bad sectors, a slow zone, and sectors that come at the third attempt."""
    faults: list[dict[str, Any]] = []
    for start, count in BAD_SECTORS:
        faults.append({"kind": "error", "offset": _sector(start), "size": count * SECTOR})
        # A drive takes its time before it gives a sector up.
        faults.append({"kind": "slow", "offset": _sector(start), "size": count * SECTOR, "seconds": 0.08})
    faults.append({"kind": "fails_n_times", "offset": _sector(HEALING[0]), "size": HEALING[1] * SECTOR, "times": 3})
    faults.append({"kind": "slow", "offset": _sector(SLOW[0]), "size": SLOW[1] * SECTOR, "bytes_per_second": 1_200_000})
    return {"seed": 1, "bytes_per_second": SPEED, "identity": _identity("DEMO-SCRATCHED"), "faults": faults}


def drops_off() -> dict[str, Any]:
    """A drive that falls off the bus at two places until its power is cycled."""
    faults = [
        {"kind": "drop", "offset": _sector(start), "size": count * SECTOR, "mode": "offline"}
        for start, count in KILLERS
    ]
    return {
        "seed": 2,
        "bytes_per_second": SPEED,
        "identity": _identity("DEMO-DROPS-OFF"),
        "power": {"settle_seconds": 1.0},
        "faults": faults,
    }


def test_mode_map() -> bytes:
    """The same bad sectors as a mapfile for ddrescue's test mode: what is not finished fails without being read."""
    lines = ["# What ddrescue's test mode shall treat as unreadable", "0x00000000     ?               1"]
    position = 0
    for start, count in sorted(BAD_SECTORS):
        if _sector(start) > position:
            lines.append(f"0x{position:08X}  0x{_sector(start) - position:08X}  +")
        lines.append(f"0x{_sector(start):08X}  0x{count * SECTOR:08X}  -")
        position = _sector(start + count)
    lines.append(f"0x{position:08X}  0x{_sector(DISK_SECTORS) - position:08X}  +")
    return ("\n".join(lines) + "\n").encode("ascii")
