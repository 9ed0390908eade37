"""Names from a disk made into file names: inside the target, of this world, each once."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable

from engine.text import safe_text

_FORBIDDEN = {ord(char): "_" for char in '\\/:*?"<>|'}
# Names that Windows takes for devices: a file of that name on a memory stick cannot be opened there.
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{kind}{n}" for kind in ("COM", "LPT") for n in range(1, 10))}
_LONGEST = 190
"""UTF-8 bytes of one component: room for a number, ``.holed``, ``.part`` and ``.rescue.json`` within 255."""
_DEEPEST = 40
HOLED, FILLED = ".holed", ".filled"


def safe_component(text: str, fallback: str = "unnamed") -> str:
    """One component without separators, control or direction characters, device names, leading dashes; never empty.

    What ``safe_text`` escapes becomes ``_``. The extension survives cutting.
    """
    text = unicodedata.normalize("NFC", text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    plain = "".join(char if len(safe_text(char)) == 1 or unicodedata.category(char)[0] == "M" else "_" for char in text)
    plain = plain.translate(_FORBIDDEN).strip(" ").rstrip(" .")
    if plain.startswith("-"):
        plain = "_" + plain[1:]
    if plain.split(".")[0].strip().upper() in _DEVICES:
        plain = "_" + plain
    return shorten(plain, _LONGEST) if plain.strip("._ ") or _hidden(plain) else fallback


def _hidden(plain: str) -> bool:
    return len(plain) > 1 and plain.startswith(".") and bool(plain.strip("."))


def shorten(name: str, most: int) -> str:
    """``name`` in at most ``most`` bytes of UTF-8, cut before its extension and between characters."""
    if len(name.encode("utf-8", "replace")) <= most:
        return name
    stem, extension = os.path.splitext(name)
    if len(extension.encode()) > 16:
        stem, extension = name, ""
    room = most - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + extension


def safe_name(text: str) -> str:
    """A relative path of safe components; ``..``, empty and absolute parts are gone."""
    parts = [part for part in text.split("/") if part.strip() not in ("", ".", "..")][-_DEEPEST:]
    return "/".join(safe_component(part) for part in parts) or "unnamed"


def with_mark(name: str, mark: str) -> str:
    """``name`` with ``mark`` before its extension: ``film.holed.mpg``."""
    head, slash, last = name.rpartition("/")
    stem, extension = os.path.splitext(last)
    return f"{head}{slash}{stem}{mark}{extension}"


class Namer:
    """Gives every item a name of its own, whatever the case of letters (a target may be FAT).

    ``taken(relative)`` says whether the target has that file already.
    """

    def __init__(self, taken: Callable[[str], bool]) -> None:
        self._taken = taken
        self._used: set[str] = set()
        self._next: dict[str, int] = {}

    def reserve(self, name: str) -> None:
        """Keep ``name`` (of an earlier run) from being given again."""
        self._used.add(_fold(name))

    def give(self, name: str) -> str:
        """``name``, or the first free of ``name (2)``, ``name (3)`` ..."""
        base = _fold(name)
        number = self._next.get(base, 1)
        while True:
            candidate = name if number == 1 else with_mark(name, f" ({number})")
            number += 1
            if _fold(candidate) not in self._used and not self._taken(candidate):
                self._used.add(_fold(candidate))
                self._next[base] = number
                return candidate


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
