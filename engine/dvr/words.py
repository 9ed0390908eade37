"""Names on a disk made text: decoded as the recorder meant them, padding taken off, safe to print."""

from __future__ import annotations

from engine.text import safe_text

_LIMIT = 200


def padded(raw: bytes) -> bytes:
    """What stands before the padding (NUL, spaces) of a fixed-size field."""
    return raw.rstrip(b"\0 ")


def western(raw: bytes) -> str:
    """Windows-1252 (recorders for Western markets), undefined bytes replaced; an embedded NUL ends the name."""
    return safe_text(padded(padded(raw).partition(b"\0")[0]).decode("cp1252", "replace"), _LIMIT)


def text(value: str) -> str:
    """Text decoded already: padding off, safe to print."""
    return safe_text(value.strip("\0 "), _LIMIT)
