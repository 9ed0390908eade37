"""What ``lsblk`` knows beyond sysfs: serial numbers, WWNs and signatures from the udev database. It reads no disk.

Older ones lack columns (left out on the next try) and write booleans as "0" and "1" (before util-linux 2.33).
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine import tools
from engine.errors import OutsideError
from engine.host.roots import DevNo, parse_devno

COLUMNS = (
    "NAME", "KNAME", "PATH", "MAJ:MIN", "TYPE", "SIZE", "RO", "RM", "ROTA", "HOTPLUG", "TRAN", "VENDOR", "MODEL",
    "SERIAL", "WWN", "REV", "HCTL", "STATE", "LOG-SEC", "PHY-SEC", "FSTYPE", "LABEL", "PTTYPE", "PKNAME", "SUBSYSTEMS",
)  # fmt: skip
_UNKNOWN = re.compile(r"unknown column: ([A-Za-z:,-]+)")
_MAX_ROWS = 65536

Run = Callable[..., tools.Finished]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows by device number, or why there are none (``note``, in words)."""

    rows: dict[DevNo, Row]
    note: str | None = None


def list_blocks(program: str | None, run: Run = tools.run, timeout_s: float = 10.0) -> Listing:
    """Run ``lsblk`` with every column that this one knows. Never raises: a missing or stuck lsblk only costs facts."""
    if program is None:
        return Listing({}, "lsblk is not installed: some serial numbers and file system types are not known")
    columns = list(COLUMNS)
    while columns:
        try:
            finished = run([program, "--json", "--bytes", "--all", "--output", ",".join(columns)], timeout_s=timeout_s)
        except OutsideError as error:
            return Listing({}, f"{error.message}: some serial numbers and file system types are not known")
        unknown = _UNKNOWN.search(finished.stderr)
        if finished.status == 0 or unknown is None:
            return parse_listing(finished.stdout)
        fewer = [column for column in columns if column != unknown.group(1)]
        if len(fewer) == len(columns):
            break
        columns = fewer
    return Listing({}, "this lsblk is not understood: some serial numbers and file system types are not known")


def parse_listing(text: str) -> Listing:
    """The JSON of lsblk as rows by ``maj:min``; a device below several parents (RAID) appears once."""
    try:
        document = json.loads(text)
        waiting = deque(list(document["blockdevices"]))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return Listing({}, "lsblk gave no list: some serial numbers and file system types are not known")
    rows: dict[DevNo, Row] = {}
    while waiting and len(rows) < _MAX_ROWS:
        row = waiting.popleft()
        if not isinstance(row, dict):
            continue
        devno = parse_devno(string(row, "maj:min"))
        if devno is not None:
            rows.setdefault(devno, row)
        children = row.get("children")
        if isinstance(children, list):
            waiting += children
    return Listing(rows)


def string(row: Row, key: str) -> str | None:
    """A text value without blanks at its ends, None when empty or missing."""
    value = row.get(key)
    return value.strip() or None if isinstance(value, str) else None


def boolean(row: Row, key: str) -> bool | None:
    """A truth value in the new (true) or old ("1") form."""
    value = row.get(key)
    if isinstance(value, bool):
        return value
    return {"1": True, "0": False}.get(value) if isinstance(value, str) else None
