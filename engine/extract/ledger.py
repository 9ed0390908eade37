"""The journal of an extraction: which item has which name, how far it is known to be on the disk, what is complete."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import append_line, write_atomic
from engine.extract.model import Item
from engine.ranges import RangeSet

_BOOT = "/proc/sys/kernel/random/boot_id"
_MAX_LINE = 64 << 20


@dataclass(slots=True)
class Known:
    """What an earlier run noted of one item, names relative to the target.

    ``synced``: bytes on the disk; ``lost``: what gave read errors; ``sha256`` and ``missing`` only when complete."""

    path: str
    final: str
    synced: int = 0
    lost: tuple[tuple[int, int], ...] = ()
    size: int = 0
    sha256: str | None = None
    missing: tuple[tuple[int, int], ...] = ()


def keys_of(items: Sequence[Item], holes: Sequence[RangeSet]) -> list[str]:
    """Names each item of a run by its name, size and holes (with other holes its content would be another), and by
    which of several equal ones it is. The order of the others does not matter."""
    seen: dict[bytes, int] = {}
    keys = []
    for item, ranges in zip(items, holes, strict=True):
        facts = f"{item.name}\0{item.content.size}\0".encode("utf-8", "surrogatepass")
        facts += ranges.starts.tobytes() + ranges.ends.tobytes()
        number = seen[facts] = seen.get(facts, 0) + 1
        keys.append(hashlib.sha256(facts + str(number).encode()).hexdigest()[:24])
    return keys


class Ledger:
    """Append-only lines of JSON at ``path`` (None: nothing is kept)."""

    def __init__(self, path: Path | None, purpose: str, target: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.known: dict[str, Known] = {}
        self.same_boot = False
        if path is None:
            return
        head = {"extract": 1, "purpose": purpose, "target": str(target)}
        lines = _read(path)
        if lines and {name: lines[0].get(name) for name in head} == head:
            self._take(lines)
        else:
            write_atomic(path, (json.dumps(head) + "\n").encode("ascii"))
        self._append({"run": _boot()}, durable=True)

    def _take(self, lines: list[dict[str, Any]]) -> None:
        for line in lines[1:]:
            key = line.get("key")
            if "run" in line:
                self.same_boot = line["run"] == _boot()
            elif not isinstance(key, str):
                continue
            elif isinstance(line.get("began"), str):
                self.known[key] = Known(line["began"], line["began"])
            elif key in self.known:
                try:
                    _add(self.known[key], line)
                except (ValueError, TypeError, OverflowError):
                    # What was done or lost cannot be told: the item is begun anew rather than believed.
                    del self.known[key]

    def _append(self, line: dict[str, Any], *, durable: bool) -> None:
        if self._path is not None:
            with self._lock:
                append_line(self._path, json.dumps(line).encode("ascii"), durable=durable)

    def began(self, key: str, path: str) -> None:
        """The item has a name now."""
        self._append({"key": key, "began": path}, durable=False)

    def synced(self, key: str, position: int) -> None:
        """Its first ``position`` bytes are on the disk."""
        self._append({"key": key, "synced": position}, durable=True)

    def lost(self, key: str, ranges: RangeSet) -> None:
        """These bytes of it gave read errors; noted before they are passed over, so that no zero becomes content."""
        self._append({"key": key, "lost": list(ranges)}, durable=False)

    def renamed(self, key: str, final: str) -> None:
        """Its final name is another than its ``.part`` has."""
        self._append({"key": key, "final": final}, durable=False)

    def done(self, key: str, size: int, sha256: str, missing: RangeSet) -> None:
        """It is complete, under its final name."""
        self._append({"key": key, "size": size, "sha256": sha256, "missing": list(missing)}, durable=False)


def _add(known: Known, line: dict[str, Any]) -> None:
    if isinstance(line.get("final"), str):
        known.final = line["final"]
    if isinstance(line.get("synced"), int):
        known.synced = line["synced"]
    known.lost += _pairs(line.get("lost"))
    if isinstance(line.get("sha256"), str):
        known.sha256, known.size = line["sha256"], int(line.get("size") or 0)
        known.missing = _pairs(line.get("missing"))


def _pairs(value: Any) -> tuple[tuple[int, int], ...]:
    if not isinstance(value, list):
        return ()
    return tuple((int(low), int(high)) for low, high in value)


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = []
    for line in text.split(b"\n"):
        try:
            value = json.loads(line[:_MAX_LINE]) if line else None
        except (ValueError, RecursionError):  # the line that a crash cut
            continue
        if isinstance(value, dict):
            lines.append(value)
    return lines


def _boot() -> str:
    try:
        with open(_BOOT, encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return ""
