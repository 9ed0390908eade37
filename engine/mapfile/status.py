"""The five block statuses of a ddrescue mapfile, their characters, codes and names; and the phases of the status line.

Codes are small numbers ordered from harmless to worst, so that the worst of many blocks is their maximum, and
``1 << code`` makes a set of statuses in one byte.
"""

from __future__ import annotations

from engine.errors import UsageError
from engine.text import safe_text

FINISHED, NON_TRIED, NON_TRIMMED, NON_SCRAPED, BAD_SECTOR = range(5)
"""Status codes as kept in ``Mapfile.codes``."""

CHARS = "+?*/-"
"""The character of each code, as it stands in the file."""

NAMES = ("finished", "non_tried", "non_trimmed", "non_scraped", "bad_sector")
"""The name of each code, as used for JSON keys."""

PROCESSING_ORDER = (NON_TRIED, NON_TRIMMED, NON_SCRAPED, BAD_SECTOR, FINISHED)
"""From least to most processed: what ddrescue makes of a block in time."""

NO_CODE = 255
"""Stands for "no block here" (outside of the map)."""

UNFINISHED = "?*/-"
FAILED = "*/-"

PHASES = {
    "?": "copying",
    "*": "trimming",
    "/": "scraping",
    "-": "retrying",
    "F": "filling",
    "G": "generating",
    "+": "finished",
}
"""Characters of the status line. Newer ddrescue versions may write others: kept, and shown as unknown."""

MAX_POSITION = (1 << 63) - 1
"""Where positions end; a block that reaches it belongs to a source of unknown size."""

_UNKNOWN_PHASES = "ABCDEHIJKLMNOPQRSTUVWXYZ!$%&=@~^_|<>:;"
_CODE_OF = {char: code for code, char in enumerate(CHARS)}


def code_of(char: str) -> int:
    """The code of a block status character. Raises ``UsageError`` for any other text."""
    code = _CODE_OF.get(char)
    if code is None:
        raise UsageError(
            f"{safe_text(char, 20)!r} is no block status",
            code="bad-status",
            advice="use ? (non-tried) * (non-trimmed) / (non-scraped) - (bad sector) + (finished), quoted in a shell",
        )
    return code


def char_of(text: str) -> str:
    """A status character from itself or its name (``non-tried``, ``bad_sector``, ``bad``). Raises ``UsageError``."""
    name = text.strip().lower().replace("-", "_")
    if name in NAMES:
        return CHARS[NAMES.index(name)]
    return "-" if name == "bad" else CHARS[code_of(text)]


def flags_of(chars: str) -> int:
    """A set of statuses as one byte: bit ``1 << code`` for each character. Raises ``UsageError``."""
    flags = 0
    for char in chars:
        flags |= 1 << code_of(char)
    return flags


def chars_of(flags: int) -> str:
    """The characters of a set of statuses, in the order of ``CHARS``."""
    return "".join(char for code, char in enumerate(CHARS) if flags >> code & 1)


def is_phase(char: str) -> bool:
    """Whether a status line may carry this character: the known ones, and others that cannot be part of a number."""
    return char in PHASES or (len(char) == 1 and char in _UNKNOWN_PHASES)
