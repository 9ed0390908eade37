"""Which running programs have a file or a device open, from ``/proc/PID/fd``. Without privilege only one's own show."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from engine.host.blocks import same_object
from engine.host.roots import HERE, Roots, names_in, read_raw, read_text

_FLAGS = re.compile(rb"^flags:\s*([0-7]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Opener:
    """A program with the object open. ``writing``: some descriptor may write."""

    pid: int
    name: str
    writing: bool


def openers(path: str | os.PathLike[str], roots: Roots = HERE) -> list[Opener]:
    """Programs other than this one that have ``path`` (the same object under whatever name) open."""
    try:
        mine = os.stat(path)
    except OSError:
        return []
    found = []
    for name in names_in(roots.proc):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        folder = roots.proc / name / "fd"
        modes = [_writes(roots, name, number) for number in names_in(folder) if _is(folder / number, mine)]
        if modes:
            found.append(Opener(int(name), read_text(roots.proc / name / "comm") or "?", any(modes)))
    return found


def _is(link: os.PathLike[str], mine: os.stat_result) -> bool:
    try:
        return same_object(os.stat(link), mine)
    except OSError:
        return False


def _writes(roots: Roots, pid: str, number: str) -> bool:
    found = _FLAGS.search(read_raw(roots.proc / pid / "fdinfo" / number) or b"")
    return found is None or int(found[1], 8) & os.O_ACCMODE != os.O_RDONLY
