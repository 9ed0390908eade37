"""What the pieces of work that are broken off are made of: commands, engine functions, what stands there before."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

from engine.errors import RescueError
from tests.safety.sweep import State
from tui.commands import run as command

MIB = 1 << 20
MAP = "0x0 ? 1\n0x0 0x100000 +\n0x100000 0x100000 ?\n"


def cli(*words: object) -> Callable[[Path], object]:
    """The command line, called in the folder; ``FIXED`` is the folder of what is only read."""

    def work(folder: Path) -> int:
        known = str(folder.parent / "fixed")
        return command([str(word).replace("FIXED", known) for word in words])

    return work


def several(*works: Callable[[Path], object]) -> Callable[[Path], object]:
    """One after the other, until one fails."""

    def work(folder: Path) -> object:
        code: object = 0
        for one in works:
            code = one(folder)
            if isinstance(code, int) and code > 1:
                return code
        return code

    return work


def guarded(work: Callable[[Path], object]) -> Callable[[Path], object]:
    """A function of the engine, its errors told as the command line tells them."""

    def done(folder: Path) -> object:
        try:
            work(folder)
        except RescueError as error:
            os.write(2, f"{error}\n".encode())
            return error.exit_code
        return 0

    done.__wrapped__ = work  # type: ignore[attr-defined]
    return done


def files(folder: Path, *, skip: Callable[[str], bool] = lambda _: False) -> State:
    """What stands below a folder under a final name: each file's digest. Temporary names are known by their form."""
    found: State = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not temporary(path.name) and not skip(name):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def temporary(name: str) -> bool:
    """Whether a name says that the file is not finished, or says who holds another."""
    return name.endswith((".part", ".tmp", ".lock"))


def _json(path: Path, *keys: str) -> object:
    value = json.loads(path.read_bytes()) if path.exists() else None
    for key in keys:
        value = None if value is None else value.get(key)
    return value


def anew(work: Callable[[Path], object], *patterns: str) -> Callable[[Path], object]:
    """As the message of a refused output advises: remove what is not finished, then do it again."""

    def again(folder: Path) -> object:
        for pattern in patterns:
            for path in folder.glob(pattern):
                path.unlink()
        return work(folder)

    return again


def after(folder: Path, prepare: Callable[[Path], object], *lines: tuple[object, ...]) -> None:
    prepare(folder)
    before = os.getcwd()
    os.chdir(folder)
    try:
        for words in lines:
            assert cli(*words)(folder) in (0, 1), words
    finally:
        os.chdir(before)


def image(folder: Path, name: str = "disk.img", size: int = 96 << 10) -> Path:
    path = folder / name
    path.write_bytes(b"".join(struct.pack("<QQ", number, number * 2654435761) for number in range(size // 16)))
    return path


def nothing(_: Path) -> None:
    return


def volume(folder: Path) -> None:
    """A small FAT volume with files, and a map with a hole in one of them."""
    import subprocess

    from tests.engine.carve.made_files import made
    from tests.support import find_tool

    image = folder / "disk.img"
    image.write_bytes(bytes(400 << 10))
    subprocess.run([str(find_tool("mkfs.vfat")), "-F", "12", image], check=True, capture_output=True)
    for name in ("jpeg", "zip", "png"):
        (folder / name).write_bytes(made(name))
        subprocess.run([str(find_tool("mcopy")), "-i", image, folder / name, "::"], check=True, capture_output=True)
        (folder / name).unlink()


def plain_map(folder: Path) -> None:
    (folder / "disk.map").write_text(MAP)
