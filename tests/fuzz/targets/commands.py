"""Whole commands over a hostile file: what they print for people holds no control characters, their errors are errors
a person can act on, and nothing is written beside the file."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fuzz.folder import folder
from tests.fuzz.sparse import SparseSource
from tests.fuzz.target import Target
from tests.fuzz.targets import arrays, compound, maps, partitions, recorders, small_formats, volumes
from tui.commands import run

MOST = 4 << 20
CODES = (0, 1, 2, 3)


def _printed(argv: list[str], place: Path, names: set[str]) -> list[str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(argv)
    assert code in CODES, (argv, code)
    left = set(os.listdir(place)) - names
    assert not left, (argv, left)
    return [*out.getvalue().split("\n"), *err.getvalue().split("\n")]


def _disk(data: bytes) -> bytes:
    source = SparseSource(data, MOST)
    return source.read(0, source.size).data


ON_DISKS: tuple[tuple[str, ...], ...] = (
    ("parts", "tree"), ("parts", "check"), ("parts", "search", "--deep"), ("fs", "volumes"), ("dvr", "list"),
    ("hex",), ("sectors", "detect"), ("ole2", "scan"), ("raid", "detect"),
)  # fmt: skip
ON_FILES: tuple[tuple[str, ...], ...] = (
    ("ole2", "info"), ("decode", "dbf"), ("decode", "restore-log"), ("decode", "ipd"), ("decode", "irremote"),
    ("hex",),
)  # fmt: skip
ON_MAPS: tuple[tuple[str, ...], ...] = (
    ("map", "info"), ("map", "list"), ("map", "check"), ("map", "render"), ("map", "next"), ("map", "undo-log"),
    ("map", "generations"),
)  # fmt: skip


def _over(commands: tuple[tuple[str, ...], ...], name: str, made: Callable[[bytes], bytes]):  # type: ignore[no-untyped-def]
    def target(data: bytes) -> object:
        words = commands[data[0] % len(commands)] if data else commands[0]
        path = folder(f"commands-{name}") / name
        path.write_bytes(made(data[1:]))
        again = [str(path)] if words == ("raid", "detect") else []
        return _printed([*words, str(path), *again], path.parent, {name})

    return target


def _seeds(count: int, *makers: Callable[[], Iterator[bytes]], cut: int = 0) -> Iterator[bytes]:
    """Every command over some seed of each maker."""
    for make in makers:
        bodies = list(make())
        for number in range(count):
            yield bytes([number]) + bodies[number % len(bodies)][cut:]


def _disks() -> Iterator[bytes]:
    yield from _seeds(len(ON_DISKS), partitions._tables, volumes._indexes, arrays._supers)
    yield from _seeds(len(ON_DISKS), recorders._disks, cut=1)
    names = "\x1b[2J\u202e\x9b31m".encode()
    hurt = next(volumes._indexes()).replace(b"FUZZ ", names[:5])
    yield from (bytes([number]) + hurt for number in range(len(ON_DISKS)))


def _files() -> Iterator[bytes]:
    yield from _seeds(len(ON_FILES), compound._small, small_formats._logs, small_formats._backups)
    yield from _seeds(len(ON_FILES), small_formats._remotes)
    yield from _seeds(len(ON_FILES), small_formats._tables, cut=2)


def _maps() -> Iterator[bytes]:
    yield from _seeds(len(ON_MAPS), maps._maps)


TARGETS = (
    Target("commands-disks", _over(ON_DISKS, "disk.img", _disk), lambda: _disks(), runs=20, longest=8192),
    Target("commands-files", _over(ON_FILES, "file.bin", bytes), lambda: _files(), runs=100, longest=32768),
    Target("commands-maps", _over(ON_MAPS, "disk.map", bytes), lambda: _maps(), runs=80, longest=4096),
)
