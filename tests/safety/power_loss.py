"""Power loss, modelled: every state that POSIX allows a disk to be in when the power goes during a save.

Calls of ``os`` below a folder are recorded. A crash after the n-th of them leaves what was brought to the disk (data by
fsync of the file, names by fsync of the folder) and any part of the rest. Each such state is built in a folder of its
own and shown to the program's own reader. The idea is that of ALICE (Pillai and others, OSDI 2014).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

MOST_FREE, SAMPLES = 7, 96
_CALLS = (
    "open", "write", "pwrite", "fsync", "fdatasync", "replace", "rename", "link", "unlink", "ftruncate", "close",
)  # fmt: skip


@dataclass(frozen=True)
class Op:
    """One change. ``file``: which file (by its number, not its name), for what concerns content."""

    kind: str
    file: int = 0
    at: int = 0
    data: bytes = b""
    names: tuple[str, ...] = ()


@dataclass
class Recording:
    """What happened below ``root``: the files before (name -> (number, content)), and the changes in order."""

    root: Path
    before: dict[str, tuple[int, bytes]]
    ops: list[Op] = field(default_factory=list)


@contextmanager
def recorded(root: Path) -> Iterator[Recording]:
    """Record everything that is done below ``root`` by this process through ``os``."""
    numbers: dict[str, int] = {}
    before: dict[str, tuple[int, bytes]] = {}
    inodes: dict[int, int] = {}
    for path in sorted(root.rglob("*")):
        if path.is_file():
            number = inodes.setdefault(path.stat().st_ino, len(inodes) + 1)
            name = str(path.relative_to(root))
            numbers[name] = number
            before[name] = (number, path.read_bytes())
    made = Recording(root, before)
    fds: dict[int, tuple[str, int]] = {}
    real = {name: getattr(os, name) for name in _CALLS}
    count = [len(inodes)]

    def name_of(path: Any) -> str | None:
        try:
            whole = Path(os.path.abspath(os.fspath(path)))
        except TypeError:
            return None
        return str(whole.relative_to(root)) if whole.is_relative_to(root) else None

    def opened(path: Any, flags: int, *rest: Any, **more: Any) -> int:
        name = name_of(path) if not more.get("dir_fd") else None
        fresh = name is not None and not os.path.lexists(path)
        fd: int = real["open"](path, flags, *rest, **more)
        if name is None:
            return fd
        if os.path.isdir(path):
            fds[fd] = (name, -1)
            return fd
        if fresh:
            count[0] += 1
            numbers[name] = count[0]
            made.ops.append(Op("create", count[0], names=(name,)))
        number = numbers.get(name, 0)
        fds[fd] = (name, number)
        if flags & os.O_TRUNC and not fresh:
            made.ops.append(Op("truncate", number, 0))
        return fd

    def wrote(fd: int, data: Any) -> int:
        known = fds.get(fd)
        at = 0
        if known:
            position = os.lseek(fd, 0, os.SEEK_CUR)
            import fcntl

            at = os.fstat(fd).st_size if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND else position
        done: int = real["write"](fd, data)
        if known:
            made.ops.append(Op("write", known[1], at, bytes(data)[:done]))
        return done

    def wrote_at(fd: int, data: Any, at: int) -> int:
        done: int = real["pwrite"](fd, data, at)
        if fd in fds:
            made.ops.append(Op("write", fds[fd][1], at, bytes(data)[:done]))
        return done

    def synced(fd: int) -> None:
        real["fsync"](fd)
        if fd in fds:
            name, number = fds[fd]
            made.ops.append(Op("sync names", names=(name,)) if number < 0 else Op("sync", number))

    def renamed(old: Any, new: Any, **more: Any) -> None:
        names = (name_of(old), name_of(new))
        real["replace"](old, new, **more)
        if names[0] is not None and names[1] is not None:
            numbers[names[1]] = numbers.pop(names[0], 0)
            made.ops.append(Op("rename", numbers[names[1]], names=(names[0], names[1])))

    def linked(old: Any, new: Any, **more: Any) -> None:
        names = (name_of(old), name_of(new))
        real["link"](old, new, **more)
        if names[0] is not None and names[1] is not None:
            numbers[names[1]] = numbers.get(names[0], 0)
            made.ops.append(Op("link", numbers[names[1]], names=(names[0], names[1])))

    def unlinked(path: Any, **more: Any) -> None:
        name = name_of(path)
        real["unlink"](path, **more)
        if name is not None:
            made.ops.append(Op("unlink", numbers.pop(name, 0), names=(name,)))

    def cut(fd: int, size: int) -> None:
        real["ftruncate"](fd, size)
        if fd in fds:
            made.ops.append(Op("truncate", fds[fd][1], size))

    def closed(fd: int) -> None:
        fds.pop(fd, None)
        real["close"](fd)

    fakes = {
        "open": opened, "write": wrote, "pwrite": wrote_at, "fsync": synced, "fdatasync": synced, "replace": renamed,
        "rename": renamed, "link": linked, "unlink": unlinked, "ftruncate": cut, "close": closed,
    }  # fmt: skip
    for name, fake in fakes.items():
        setattr(os, name, fake)
    try:
        yield made
    finally:
        for name, call in real.items():
            setattr(os, name, call)


_NAMES = frozenset({"create", "rename", "link", "unlink"})


def _parent(name: str) -> str:
    return os.path.dirname(name) or "."


def _durable(ops: list[Op], index: int) -> bool:
    """Whether the change at ``index`` is on the disk after all of ``ops``."""
    op = ops[index]
    if op.kind in _NAMES:
        return any(later.kind == "sync names" and later.names[0] == _parent(op.names[-1]) for later in ops[index + 1 :])
    return any(later.kind == "sync" and later.file == op.file for later in ops[index + 1 :])


def states(recording: Recording) -> Iterator[tuple[int, dict[str, bytes]]]:
    """(how many changes were made, name -> content) for every state a crash may leave; samples where those are many."""
    dice = random.Random(1)
    seen: set[tuple[int, tuple[tuple[str, bytes], ...]]] = set()
    for prefix in range(len(recording.ops) + 1):
        ops = recording.ops[:prefix]
        free = [n for n, op in enumerate(ops) if not op.kind.startswith("sync") and not _durable(ops, n)]
        choices: Iterator[tuple[bool, ...]] | list[tuple[bool, ...]]
        if len(free) <= MOST_FREE:
            choices = product((False, True), repeat=len(free))
        else:
            choices = [tuple(dice.random() < 0.5 for _ in free) for _ in range(SAMPLES)]
            choices += [(False,) * len(free), (True,) * len(free)]
        for choice in choices:
            dropped = {n for n, kept in zip(free, choice, strict=True) if not kept}
            built = _built(recording, [op for n, op in enumerate(ops) if n not in dropped])
            key = (prefix == len(recording.ops), tuple(sorted(built.items())))
            if key not in seen:
                seen.add(key)  # type: ignore[arg-type]
                yield prefix, built


def _built(recording: Recording, ops: list[Op]) -> dict[str, bytes]:
    names = {name: number for name, (number, _) in recording.before.items()}
    content = {number: bytearray(data) for number, data in recording.before.values()}
    for op in ops:
        if op.kind == "create":
            names[op.names[0]] = op.file
            content.setdefault(op.file, bytearray())
        elif op.kind == "write":
            data = content.setdefault(op.file, bytearray())
            if len(data) < op.at:
                data.extend(bytes(op.at - len(data)))
            data[op.at : op.at + len(op.data)] = op.data
        elif op.kind == "truncate":
            data = content.setdefault(op.file, bytearray())
            del data[op.at :]
            data.extend(bytes(max(0, op.at - len(data))))
        elif op.kind in ("rename", "link"):
            old, new = op.names
            number = names.get(old, op.file)
            if op.kind == "rename":
                names.pop(old, None)
            names[new] = number
            content.setdefault(number, bytearray())
        elif op.kind == "unlink":
            names.pop(op.names[0], None)
    return {name: bytes(content[number]) for name, number in names.items()}


def survive(
    root: Path, scratch: Path, save: Callable[[], object], look: Callable[[Path], object], old: object, new: object
) -> int:
    """Run ``save`` on files below ``root``; in every state a power loss may leave, ``look(folder)`` must give the old
    or the new; after the save returned, the new. Returns how many states were looked at.
    """
    with recorded(root) as recording:
        save()
    assert look(root) == new
    assert recording.ops, "the save did nothing that was seen"
    count = 0
    for prefix, files in states(recording):
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        for folder in (path for path in root.rglob("*") if path.is_dir()):
            (scratch / folder.relative_to(root)).mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / name).write_bytes(data)
        found = look(scratch)
        allowed = (new,) if prefix == len(recording.ops) else (old, new)
        told = [f"{op.kind} {op.names or op.file}" for op in recording.ops[:prefix]]
        assert found in allowed, f"after {told}: {found!r}"
        count += 1
    return count
