"""Before anything is solved: is it a compound document at all, and what else happened to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ole2.structs import SIGNATURE
from engine.source import Source

_LOOK = 1 << 20
_OTHERS = (
    (b"PK\x03\x04", "zip", "it is a ZIP container (.docx, .xlsx, .pptx, .odt ...), not an OLE2 document"),
    (b"%PDF", "pdf", "it is a PDF document"),
    (b"{\\rtf", "rtf", "it is rich text (RTF): rename it to .rtf"),
    (b"<", "markup", "it is a text of markup (HTML or XML)"),
)


@dataclass(frozen=True, slots=True)
class Triage:
    """``code``: ``document`` (a signature stands at its beginning), ``unknown`` (look closer), or why it is hopeless or
    something else: ``empty``, ``unread``, ``zip``, ``pdf``, ``rtf``, ``markup``, ``biff``, ``utf8``, ``text-mode``,
    ``encrypted``. ``words`` say it to a person; ``go_on`` whether solving makes sense."""

    code: str
    words: str
    go_on: bool = True


def triage(source: Source) -> Triage:
    """Look at the beginning and a few places."""
    if source.size < 1536:
        return Triage("empty", "it is too short for an OLE2 document", False)
    if source.holes.total >= source.size:
        return Triage("unread", "nobody has read a byte of it", False)
    head = source.read(0, min(source.size, _LOOK))
    data = head.data
    if data.startswith(SIGNATURE) and not any(low < 8 for low, _ in head.holes):
        return Triage("document", "its first bytes are those of an OLE2 document")
    for start, code, words in _OTHERS:
        if data.startswith(start) and SIGNATURE not in data:
            return Triage(code, words, False)
    if data[0] == 9 and data[1] in (0, 2, 4) and data[2:4] in (b"\x04\0", b"\x06\0"):
        return Triage("biff", "it is a sheet of Excel 2 to 4, which has no container: rename it to .xls", False)
    if data.count(b"\xef\xbf\xbd") * 3 > len(data) * 0.005 and data.count(b"\xef\xbf\xbd") > 64:
        return Triage("utf8", "it was read as text and saved again (UTF-8): the bytes are gone", False)
    returns, lines, both = data.count(b"\r"), data.count(b"\n"), data.count(b"\r\n")
    if lines > 256 and both == lines and returns >= lines:
        return Triage("text-mode", "every line feed has a carriage return before it: it was transferred as text")
    if _noise(source):
        return Triage("encrypted", "every part of it looks like noise: it is encrypted", False)
    return Triage("unknown", "its first bytes are not those of an OLE2 document")


def _noise(source: Source) -> bool:
    """Whether sixteen places all look like random bytes; a damaged document always has tables and empty sectors."""
    step = max(4096, source.size // 16)
    seen = 0
    for start in range(0, source.size - 4096, step):
        reading = source.read(start, 4096)
        if reading.holes or len(reading.data) < 4096:
            continue
        counts = np.bincount(np.frombuffer(reading.data, np.uint8), minlength=256)
        # chi-square of 4096 random bytes over 256 values is 255 +- 23
        if float(((counts - 16.0) ** 2 / 16.0).sum()) > 400:
            return False
        seen += 1
    return seen >= 8 and not _any_plain(source)


def _any_plain(source: Source) -> bool:
    """Whether any 512-byte row of the first MiB and the last is plainly not noise."""
    for start in (0, max(0, source.size - _LOOK)):
        data = source.read(start, min(_LOOK, source.size)).data
        rows = np.frombuffer(data[: len(data) // 512 * 512], np.uint8).reshape(-1, 512)
        if rows.size and bool(((rows == rows[:, :1]).sum(axis=1) > 64).any() or ((rows == 0).sum(axis=1) > 64).any()):
            return True
        if rows.size and bool(((rows == 0xFF).sum(axis=1) > 64).any()):
            return True
    return False
