"""What is fuzzed: a target is one way into a room, its seeds, and what of its result reaches a terminal."""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_BAD = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_MOST_TEXTS = 20_000
_RAW_TYPES = (bytes, bytearray, memoryview, int, float, Path)


@dataclass(frozen=True, slots=True)
class Target:
    """``run`` takes any bytes, raises nothing but ``RescueError``, and returns whatever a terminal may be shown: every
    string in it (data classes, mappings and sequences are walked) is one that ``safe_text`` would leave alone.

    ``seeds`` are made by the writers that the tests have; ``runs`` of the small run; ``longest`` input in bytes.
    ``words``: what a format's parts begin with, for the mutations.
    """

    name: str
    run: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    runs: int = 300
    longest: int = 1 << 16
    words: tuple[bytes, ...] = ()


def texts(value: object, _left: list[int] | None = None) -> Iterable[str]:
    """Every string in a result."""
    left = [_MOST_TEXTS] if _left is None else _left
    if left[0] <= 0 or value is None or isinstance(value, _RAW_TYPES):
        return
    left[0] -= 1
    if isinstance(value, str):
        yield str(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            if not field.name.startswith("_"):
                yield from texts(getattr(value, field.name), left)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(key, left)
            yield from texts(item, left)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from texts(item, left)


def harmless(text: str) -> bool:
    """Whether a terminal shows it as it is: no control, hidden, direction or half characters."""
    return text.isascii() and text.isprintable() or not any(unicodedata.category(char) in _BAD for char in text)


def joined(*seeds: Callable[[], Any]) -> Callable[[], list[bytes]]:
    """Seeds of several makers as one."""
    return lambda: [one for make in seeds for one in make()]
