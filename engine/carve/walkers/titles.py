"""What documents say of themselves: title, author and time, from a bounded part of hostile content."""

from __future__ import annotations

import html
import re
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.carve.view import View

MEMBERS = ("docProps/core.xml", "meta.xml")
"""Where Office Open XML and OpenDocument keep their properties; an EPUB keeps them in an ``.opf``."""
_MOST_PACKED, _MOST_TEXT, _MOST_TITLE = 256 << 10, 512 << 10, 120
_WINDOW, _MOST_TRIED = 64 << 10, 4
_ELEMENT = rb"<(?:\w{1,16}:)?%s(?:\s[^<>]{0,300})?>\s*([^<]{1,2000})<"
_TITLE, _CREATOR = re.compile(_ELEMENT % b"title"), re.compile(_ELEMENT % b"creator")
_CHANGED = re.compile(_ELEMENT % b"(?:modified|date)")
_XMP = re.compile(rb"<dc:title>\s*<rdf:Alt>\s*<rdf:li[^<>]{0,100}>([^<]{1,2000})<")
_INFO = re.compile(rb"/Info\s+(\d{1,9})\s+(\d{1,5})\s+R")
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\r\n|[\s\S])")
_SHORT = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\r": b"", b"\n": b""}


@dataclass(frozen=True, slots=True)
class Told:
    """``changed``: seconds, None when it does not say."""

    title: str = ""
    author: str = ""
    changed: float | None = None

    @property
    def facts(self) -> dict[str, str | int | float]:
        """As facts of a find."""
        return {"author": self.author} if self.author else {}


def clean(text: str) -> str:
    """One short line without anything that a terminal or a file system could take for more than text."""
    shown = "".join(char if char.isprintable() else " " for char in text[: 4 * _MOST_TITLE])
    return " ".join(shown.split())[:_MOST_TITLE].strip()


def unpacked(view: View, at: int, packed: int, method: int) -> bytes:
    """A member's content, cut at 512 KiB whatever it claims; empty when a part of it was never read."""
    size = min(packed, _MOST_PACKED)
    if method not in (0, 8) or view.holed(at, size):
        return b""
    data = view.peek(at, size)
    if method == 0:
        return data
    try:
        return zlib.decompressobj(-15).decompress(data, _MOST_TEXT)
    except zlib.error:
        return b""


def properties(content: bytes) -> Told:
    """From the properties of an Office, OpenDocument or EPUB document (Dublin Core)."""
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        content = content.decode("utf-16", "replace").encode()
    found = {name: pattern.search(content) for name, pattern in
             (("title", _TITLE), ("author", _CREATOR), ("changed", _CHANGED))}  # fmt: skip
    text = {name: "" if one is None else clean(html.unescape(one.group(1).decode("utf-8", "replace")))
            for name, one in found.items()}  # fmt: skip
    return Told(text["title"], text["author"], _time(text["changed"]))


def _time(text: str) -> float | None:
    try:
        stamp = datetime.fromisoformat(text[:19] + ("+00:00" if text.endswith("Z") else ""))
    except ValueError:
        return None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


def pdf_title(view: View, end: int) -> str:
    """The title in a PDF's information dictionary or XMP packet, when they stand in its first or last 64 KiB and are
    neither packed nor encrypted.
    """
    low = max(0, end - _WINDOW)
    tail = view.peek(low, end - low)
    head = view.peek(0, min(end, _WINDOW)) if low else tail
    if b"/Encrypt" in tail or b"/Encrypt" in head[:4096]:
        return ""
    for part in (tail, head):
        for found in list(_INFO.finditer(part))[-_MOST_TRIED:]:
            number = rb"(?:^|[\r\n ])%s %s obj" % (found.group(1), found.group(2))
            for where in (tail, head):
                one = re.search(number, where)
                title = "" if one is None else _pdf_string(where[one.end() : one.end() + 8192])
                if title:
                    return title
    for part in (tail, head):
        found_xmp = _XMP.search(part)
        if found_xmp:
            return clean(html.unescape(found_xmp.group(1).decode("utf-8", "replace")))
    return ""


def _pdf_string(body: bytes) -> str:
    """The string behind /Title in a dictionary (ISO 32000-1 7.3.4, 7.9.2)."""
    body = body.split(b"endobj")[0]
    at = body.find(b"/Title")
    if at < 0:
        return ""
    rest = body[at + 6 :].lstrip()
    if rest[:1] == b"<" and rest[:2] != b"<<":
        digits = re.sub(rb"\s", b"", rest[1:].split(b">")[0])[:4096]
        if not re.fullmatch(rb"[0-9A-Fa-f]*", digits):
            return ""
        raw = bytes.fromhex((digits + b"0" * (len(digits) & 1)).decode("ascii"))
    elif rest[:1] == b"(":
        raw = _literal(rest)
    else:
        return ""
    if raw[:2] == b"\xfe\xff":
        return clean(raw[2 : 2 + (len(raw) - 2) // 2 * 2].decode("utf-16-be", "replace"))
    if raw[:3] == b"\xef\xbb\xbf":
        return clean(raw[3:].decode("utf-8", "replace"))
    return clean(raw.decode("latin-1"))


def _literal(rest: bytes) -> bytes:
    depth, at = 0, 0
    while at < min(len(rest), 4096):
        byte = rest[at]
        if byte == 0x5C:
            at += 1
        elif byte == 0x28:
            depth += 1
        elif byte == 0x29:
            depth -= 1
            if not depth:
                return _ESCAPE.sub(_plain, rest[1:at])
        at += 1
    return b""


def _plain(found: re.Match[bytes]) -> bytes:
    text = found.group(1)
    if text[:1].isdigit():
        return bytes([int(text, 8) & 0xFF])
    return _SHORT.get(text, text)
