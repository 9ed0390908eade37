"""What the installed GNU ddrescue can do, read from its own ``--version`` and ``--help``.

Names differ between versions (``-J`` is --verify-on-error up to 1.27 and --check-on-error from 1.28; ``-N`` means
--no-trim up to 1.29 and --no-sweep in 1.30), so nothing is assumed from the version number that the help text can say.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from engine import tools
from engine.errors import OutsideError
from engine.text import safe_text

OLDEST = (1, 22)
"""The oldest version that is driven: --mapfile-interval, --max-read-errors and the present names came with 1.22."""

_OPTION = re.compile(r"^\s{1,8}(?:-(?P<letter>[A-Za-z0-9]),)?\s+--(?P<long>[a-z][a-z0-9-]+)(?P<value>\[?=\S*)?")
_VERSION = re.compile(r"\bGNU ddrescue (?P<number>\d+(?:\.\d+)+)(?P<rest>\S*)")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One installed ddrescue: where it is, its version, and the long options its help lists.

    ``letters`` maps each long name to its short letter (empty when it has none). ``valued`` holds the long names that
    take a value, obligatory or not.
    """

    path: str
    version: tuple[int, ...]
    version_text: str
    letters: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    valued: frozenset[str] = frozenset()

    def has(self, long_name: str) -> bool:
        """Whether the help lists ``--long_name``."""
        return long_name in self.letters

    def by_letter(self, letter: str) -> str | None:
        """The long name that this version gives to a short letter."""
        return next((name for name, its in self.letters.items() if its == letter), None)

    def resolve(self, names: tuple[str, ...], letter: str = "") -> str | None:
        """The spelling of an option in this version: the first known long name it has, else the one of ``letter``.

        Pass no letter for an option whose letter has changed hands (``-N``).
        """
        for name in names:
            if name in self.letters:
                return name
        return self.by_letter(letter) if letter else None

    @property
    def sweeps(self) -> bool:
        """Whether skipped areas are read in a phase of their own after trimming (1.30), not in copying pass 5."""
        return self.has("no-sweep")

    @property
    def reopens_in_all_phases(self) -> bool:
        """``--reopen-on-error`` works in every phase from 1.29 on, before only while copying."""
        return self.version >= (1, 29)


def parse_help(help_text: str, version_text: str, path: str = "ddrescue") -> Capabilities:
    """Read the texts of ``ddrescue --help`` and ``--version``.

    Raises ``OutsideError`` when they are not those of GNU ddrescue (dd_rescue and other programs share its name) or of
    a version older than ``OLDEST``.
    """
    found = _VERSION.search(version_text) or _VERSION.search(help_text)
    if not found or "mapfile" not in help_text:
        first = safe_text(version_text.strip().partition("\n")[0], 80)
        raise OutsideError(
            f"this is not GNU ddrescue: {first!r}",
            code="not-ddrescue",
            path=path,
            advice="install it: apt install gddrescue",
        )
    version = tuple(int(part) for part in found["number"].split("."))
    if version < OLDEST:
        raise OutsideError(
            f"GNU ddrescue {found['number']} is too old",
            code="old-ddrescue",
            path=path,
            advice=f"install {'.'.join(map(str, OLDEST))} or newer",
        )
    letters: dict[str, str] = {}
    valued: set[str] = set()
    for line in help_text.splitlines():
        match = _OPTION.match(line)
        if match and match["long"] not in letters:
            letters[match["long"]] = match["letter"] or ""
            if match["value"]:
                valued.add(match["long"])
    return Capabilities(path, version, found["number"] + found["rest"], MappingProxyType(letters), frozenset(valued))


def probe(path: str | None = None) -> Capabilities:
    """Ask the installed ddrescue (or the one at ``path``); the answer is kept until the file changes.

    Raises ``OutsideError`` when it is missing, too old or something else.
    """
    program = path or tools.need_tool("ddrescue", "gddrescue", "imaging a drive")
    try:
        stat = os.stat(program)
    except OSError as error:
        raise OutsideError(f"cannot find ddrescue: {error.strerror}", code="no-tool", path=program) from error
    return _probe(program, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _probe(program: str, _mtime_ns: int, _size: int) -> Capabilities:
    version = tools.run([program, "--version"], timeout_s=10)
    shown = tools.run([program, "--help"], timeout_s=10)
    return parse_help(shown.stdout, version.stdout, program)
