"""The edit journal beside a map: every unsaved edit as one JSON line, so that a lost terminal loses none of them.

``.NAME.edits`` begins with a line that says to which state of the map (by its digest) the edits belong and which
process wrote them. It is removed when the map is saved, and offered for replay when it is found again.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.atomic import append_line, write_atomic
from engine.errors import DamagedError, OutsideError, outside
from engine.mapedit.edits import Edit, edit_from_json
from engine.mapfile.model import Mapfile

MAX_BYTES = 32 << 20
"""Beyond this a journal is shortened to the state that its edits led to."""

_MAX_READ = 256 << 20
_SYNC_S = 1.0
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """One line: ``do`` (edits carried out as one step), ``undo`` or ``redo``; and the state it led to."""

    what: str
    edits: tuple[Edit, ...]
    title: str | None
    state: tuple[Any, ...]
    time: float


@dataclass(frozen=True, slots=True)
class Offer:
    """Unsaved edits of a session that was lost. ``titles``: of the steps, as in the history; ``since``, ``until``:
    ISO 8601, UTC. ``cut``: a last line that the loss cut short was left out.
    """

    operations: tuple[Operation, ...]
    titles: tuple[str, ...]
    since: str
    until: str
    cut: bool


def state_of(map_: Mapfile) -> tuple[Any, ...]:
    """What a replay is compared with: extent, status line and bytes per status."""
    return (map_.start, map_.end, map_.position, map_.phase, map_.current_pass, *map_.totals().bytes)


# a pipe in the journal's place gives nothing, and nobody waits for it
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class Journal:
    """The journal of one map state. Nothing is written before the first edit."""

    def __init__(self, map_path: Path, digest: str) -> None:
        real = Path(os.path.realpath(map_path))
        self.path = real.with_name(f".{real.name}.edits")
        self.aside = real.with_name(f".{real.name}.edits.old")
        self._digest = digest
        self._mine = False
        self._size = 0
        self._synced = 0.0
        self._pending = False

    # -- finding --------------------------------------------------------------------------------------------------

    def offered(self) -> tuple[Offer | None, str]:
        """Edits that wait for this very state of the map; else, where there are others, why they are not offered."""
        try:
            head, lines = self._read()
        except FileNotFoundError:
            return None, ""
        except OSError as error:
            raise outside(error, "cannot read the edit journal", self.path) from error
        except ValueError:
            return None, f"an edit journal lies beside the map, but it cannot be read ({self.path.name})"
        if not lines or alive(head):
            return None, ""
        when = _iso(lines[0].get("time") if isinstance(lines[0], dict) else head.get("time"))
        if head.get("digest") != self._digest:
            return None, (
                f"{len(lines)} unsaved edits from {when} belong to another state of this map (it was saved or changed "
                f"since) and are not offered; they stay in {self.path.name} until the next edit, then in "
                f"{self.aside.name}"
            )
        operations, cut = _operations(lines)
        if not operations:
            return None, f"the edits of the journal cannot be read ({self.path.name})"
        titles = _titles(operations)
        if not titles:
            return None, ""
        return Offer(operations, titles, _iso(operations[0].time), _iso(operations[-1].time), cut), ""

    def _read(self) -> tuple[dict[str, Any], list[Any]]:
        fd = os.open(self.path, _READ)
        with os.fdopen(fd, "rb") as stream:
            text = stream.read(min(_MAX_READ, os.fstat(fd).st_size))
        lines: list[Any] = []
        for line in text.splitlines():
            try:
                lines.append(json.loads(line))
            except (ValueError, RecursionError):
                lines.append(None)
        if not lines or not isinstance(lines[0], dict) or lines[0].get("map-edits") != _FORMAT:
            raise ValueError("no journal")
        return lines[0], lines[1:]

    def other_editor(self) -> str:
        """Which other process has unsaved edits of this map, or nothing."""
        if self._mine:
            return ""
        try:
            fd = os.open(self.path, _READ)
            with os.fdopen(fd, "rb") as stream:
                head = json.loads(stream.readline(4096))
        except (OSError, ValueError, RecursionError):
            return ""
        return f"process {head['pid']}" if isinstance(head, dict) and alive(head) else ""

    # -- writing --------------------------------------------------------------------------------------------------

    def add(self, what: str, after: Mapfile, edits: Sequence[Edit] = (), title: str | None = None) -> None:
        """Append an operation that led to ``after``. Raises ``OutsideError``."""
        line: dict[str, Any] = {what: [edit.to_json() for edit in edits]} if edits else {what: 1}
        if title is not None:
            line["title"] = title
        line["time"] = time.time()
        line["state"] = list(state_of(after))
        text = json.dumps(line, separators=(",", ":")).encode("ascii")
        if not self._mine:
            self._begin()
        append_line(self.path, text, durable=False)  # a key never waits for the medium: ``flush`` does that elsewhere
        self._pending = True
        self._size += len(text) + 1

    def flush(self) -> None:
        """Bring to the medium what was appended, at most once a second. May take long on a busy disk."""
        if not self._pending or not self._mine or time.monotonic() - self._synced < _SYNC_S:
            return
        try:
            fd = os.open(self.path, _READ)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise outside(error, "cannot flush the edit journal", self.path) from error
        self._pending, self._synced = False, time.monotonic()

    @property
    def full(self) -> bool:
        """Whether it should be shortened."""
        return self._size > MAX_BYTES

    def _begin(self) -> None:
        self.put_aside()
        write_atomic(self.path, self._head())
        self._mine, self._size = True, 0

    def _head(self) -> bytes:
        head = {"map-edits": _FORMAT, "digest": self._digest, "time": time.time(), **_self()}
        return json.dumps(head).encode("ascii") + b"\n"

    def adopt(self, operations: int) -> None:
        """Go on with the journal that lies there, as ours: its first operations, without what could not be read.

        Raises ``OutsideError``.
        """
        try:
            text = self.path.read_bytes()
        except OSError as error:
            raise outside(error, "cannot read the edit journal", self.path) from error
        rest = b"".join(line + b"\n" for line in text.splitlines()[1 : operations + 1])
        write_atomic(self.path, self._head() + rest)
        self._mine, self._size = True, len(rest)

    def shorten(self, edit: Edit, after: Mapfile, title: str) -> None:
        """Replace all operations by one that leads to the same state. Raises ``OutsideError``."""
        line = {"do": [edit.to_json()], "title": title, "time": time.time(), "state": list(state_of(after))}
        text = json.dumps(line, separators=(",", ":")).encode("ascii") + b"\n"
        write_atomic(self.path, self._head() + text)
        self._mine, self._size = True, 0

    def put_aside(self) -> None:
        """Keep what lies there under another name (one is kept)."""
        try:
            os.replace(self.path, self.aside)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise outside(error, "cannot put the edit journal aside", self.path) from error

    def end(self, digest: str) -> None:
        """The map was saved or reloaded: edits from now on belong to the state with this digest."""
        if self._mine:
            try:
                os.unlink(self.path)
            except FileNotFoundError:
                pass
            except OSError as error:
                raise outside(error, "cannot remove the edit journal", self.path) from error
        self._mine, self._size, self._digest = False, 0, digest


def _operations(lines: list[Any]) -> tuple[tuple[Operation, ...], bool]:
    """What can be read from the beginning on; and whether something after it could not."""
    found: list[Operation] = []
    for line in lines:
        try:
            found.append(_operation(line))
        except (DamagedError, OutsideError, ValueError, KeyError, TypeError, OverflowError):
            return tuple(found), True
    return tuple(found), False


def _operation(line: Any) -> Operation:
    when, state, title = float(line["time"]), tuple(line["state"]), line.get("title")
    if title is not None and not isinstance(title, str):
        raise ValueError("title")
    for what in ("undo", "redo"):
        if what in line:
            return Operation(what, (), title, state, when)
    return Operation("do", tuple(edit_from_json(value) for value in line["do"]), title, state, when)


def _titles(operations: Sequence[Operation]) -> tuple[str, ...]:
    """The titles of the steps that are done at the end."""
    steps: list[str] = []
    at = 0
    for operation in operations:
        if operation.what == "do":
            steps[at:] = [operation.title or ", ".join(edit.title() for edit in operation.edits)]
            at += 1
        elif operation.what == "undo":
            at = max(0, at - 1)
        else:
            at = min(len(steps), at + 1)
    return tuple(steps[:at])


def _iso(when: Any) -> str:
    try:
        return datetime.fromtimestamp(float(when), UTC).isoformat(timespec="seconds")
    except (TypeError, ValueError, OverflowError, OSError):
        return "an unknown time"


def _self() -> dict[str, Any]:
    return {"pid": os.getpid(), "started": _started(os.getpid()), "boot": _boot()}


def alive(head: dict[str, Any]) -> bool:
    """Whether the process that wrote a journal still runs, and is not this one."""
    pid = head.get("pid")
    if not isinstance(pid, int) or pid == os.getpid() or head.get("boot") != _boot():
        return False
    return _started(pid) not in (0, None) and _started(pid) == head.get("started")


def _started(pid: int) -> int:
    """When a process started, in ticks since the boot; 0 when there is none, or only what is left of a dead one."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read(4096).rpartition(b")")[2].split()
        return 0 if fields[0] in (b"Z", b"X") else int(fields[19])
    except (OSError, ValueError, IndexError):
        return 0


def _boot() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as boot:
            return boot.read(100).decode("ascii", "replace").strip()
    except OSError:
        return ""
