"""PDF, PostScript, RTF, OLE2, and text with a closing tag: XML, SVG, HTML."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from engine.carve.outcome import FOOTER, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, Ended, NotThis, View
from engine.carve.walkers.titles import clean, pdf_title

_MOST_TEXT = 64 << 20
_MOST_PDF = 512 << 20
_GOES_ON = re.compile(rb"\s*(?:%[^%]|\d+\s+\d+\s+obj\b|xref\b)")
_STARTXREF = re.compile(rb"startxref\s+(\d+)\s+%%EOF")


def pdf(view: View) -> Outcome:
    """PDF (ISO 32000): the last of its %%EOF marks that incremental updates lead to."""
    head = view.peek(0, 1024)
    if not re.match(rb"%PDF-[12]\.\d", head):
        raise NotThis
    linear = re.search(rb"/Linearized\s+[\d.]+.{0,200}?/L\s+(\d+)", head, re.DOTALL)
    if linear:
        length = int(linear.group(1))
        if 100 < length <= view.size and not view.holed(length - 32, 32):
            tail = view.take(length - 32, 32)
            if b"%%EOF" in tail:
                view.mark(length)
                grown = _updates(view, length)
                return complete(
                    grown, WALKED, "linearised: its length ends at an end mark", name=pdf_title(view, grown)
                )
    position = 0
    end: int | None = None
    view.mark(9)
    while True:
        view.step(100_000)
        found = view.find(b"%%EOF", position, _MOST_PDF)
        if found is None:
            break
        end = _eol(view, found + 5)
        view.mark(end)
        following = view.peek(end, 64)
        if not _GOES_ON.match(following):
            break
        if re.match(rb"\s*%PDF-", following):
            break
        position = end
    if end is None:
        raise Ended(view.size, "no end mark")
    last = _STARTXREF.search(view.peek(max(0, end - 64), min(64, end)))
    if last is None:
        return complete(end, FOOTER, "an end mark without a cross reference before it")
    at = int(last.group(1))
    if at >= end:
        raise Broken(end, "its cross reference lies beyond its end")
    target = b"xref" if view.holed(at, 24) else view.peek(at, 24).lstrip()
    if at == 0 or target.startswith(b"xref") or re.match(rb"\d+\s+\d+\s+obj", target):
        return complete(end, WALKED, "the end mark's cross reference is where it says", name=pdf_title(view, end))
    raise Broken(at, "its cross reference is not where it says")


def _updates(view: View, end: int) -> int:
    while _GOES_ON.match(view.peek(end, 64)) and not view.peek(end, 16).lstrip().startswith(b"%PDF-"):
        view.step(10_000)
        found = view.find(b"%%EOF", end, _MOST_PDF)
        if found is None:
            break
        end = _eol(view, found + 5)
    return end


def _eol(view: View, position: int) -> int:
    following = view.peek(position, 2)
    if following == b"\r\n":
        return position + 2
    return position + (following[:1] in (b"\r", b"\n"))


def postscript(view: View) -> Outcome:
    """PostScript: the %%EOF that closes the outermost document."""
    first = view.peek(0, 1024)
    if b"\0" in first[:64]:
        raise NotThis
    view.mark(4)
    depth = 0
    end: int | None = None
    for position, token in _comments(view):
        if token.startswith(b"%%Begin"):
            depth += 1
        elif token.startswith(b"%%End"):
            depth = max(0, depth - 1)
        elif not depth:
            end = _eol(view, position + 5)
            break
    if end is None:
        raise Ended(view.size)
    kind = "eps" if b"EPSF" in first[:40] else "ps"
    if view.peek(end, 1) == b"\x04":
        end += 1
    return complete(end, WALKED, "the end mark outside of embedded documents", kind=kind, extension=kind)


_COMMENT = re.compile(rb"\0|(?<=[\r\n])%%(?:(?:Begin|End)(?:Document|Binary)|EOF)")


def _comments(view: View) -> Iterator[tuple[int, bytes]]:
    """The comments at line starts that tell where documents begin and end. Raises ``Broken`` where the text ends: at a
    zero byte outside of a comment.
    """
    position = 0
    while position < min(view.size, _MOST_TEXT):
        data = view.run(position, 256 << 10)
        moved = len(data) if position + len(data) >= view.size else max(1, len(data) - 32)
        for found in _COMMENT.finditer(data, 0, len(data)):
            if found.start() >= moved:
                break
            if found.group() != b"\0":
                view.good = max(view.good, position + found.start())
                yield position + found.start(), found.group()
                continue
            line = max(data.rfind(b"\n", 0, found.start()), data.rfind(b"\r", 0, found.start())) + 1
            if data[line : line + 1] != b"%" or found.start() - line > 1024:
                raise Broken(position + line, "no end mark before the text ends")
        position += moved
        view.good = max(view.good, min(position, view.size))


def eps_binary(view: View) -> Outcome:
    """EPS with a DOS header: the largest of its three sections."""
    if view.u32(4) != 30 and view.u32(4) != 32:
        raise NotThis
    end = max(view.u32(at) + view.u32(at + 4) for at in (4, 12, 20))
    if view.take(view.u32(4), 4) != b"%!PS":
        raise Broken(4, "no PostScript where the header says")
    view.mark(32)
    return complete(view.need(end), WALKED, "the largest of its sections", extension="eps")


def rtf(view: View) -> Outcome:
    """Rich text: braces back to depth 0; \\binN data skipped."""
    if view.u8(5) not in b"1\\ ":
        raise NotThis
    depth, position = 0, 0
    token = re.compile(rb"\\bin(\d+) ?|\\[^a-zA-Z]|[{}]", re.DOTALL)
    view.mark(5)
    while position < min(view.size, 1 << 30):
        data = view.run(position, 256 << 10)
        moved = len(data) if position + len(data) >= view.size else max(1, len(data) - 32)
        index = 0
        while True:
            found = token.search(data, index)
            if found is None or found.start() >= moved:
                break
            index = found.end()
            text = found.group(0)
            if text == b"{":
                depth += 1
            elif text == b"}":
                depth -= 1
                if not depth:
                    end = _eol(view, position + index)
                    if view.peek(end, 1) == b"\0" and view.peek(end + 1, 1).strip(b"\0"):
                        end += 1
                    return complete(end, WALKED, "its braces close")
            elif found.group(1) is not None:
                jump = position + index + int(found.group(1))
                view.need(jump)
                moved = max(index, jump - position)
                index = moved
                if jump - position >= len(data):
                    break
        if b"\0\0\0\0" in data[: min(moved, len(data))] and moved <= len(data):
            raise Broken(position + data.find(b"\0\0\0\0"), "zeros inside the text")
        position += moved
        view.good = max(view.good, min(position, view.size))
    raise Ended(view.size)


_CLOSING = {
    "svg": re.compile(rb"</(?:\w+:)?svg\s*>"), "html": re.compile(rb"</html\s*>", re.IGNORECASE),
    "plist": re.compile(rb"</plist\s*>"),
}  # fmt: skip


_PAGE_TITLE = re.compile(rb"<title>([^<]{1,500})</title>", re.IGNORECASE)


def markup(view: View) -> Outcome:
    """XML, SVG, HTML, property lists: to the closing tag of the root, text throughout."""
    head = view.peek(0, 4096)
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if wide:
        raise NotThis
    root = _root(head)
    if root is None:
        raise NotThis
    name, extension = root
    closing = _CLOSING.get(extension) or re.compile(rb"</" + re.escape(name) + rb"\s*>")
    view.mark(len(name))
    position = 0
    while position < min(view.size, _MOST_TEXT):
        data = view.run(position, 256 << 10)
        found = None
        for found in closing.finditer(data):  # noqa: B007  the first, unless another follows at once in the same text
            break
        zero = data.find(b"\0", 0, found.start() if found else len(data))
        if zero >= 0:
            if position + zero < 64:
                raise NotThis
            raise Broken(position + zero, "zeros inside the text")
        if found:
            end = _eol(view, position + found.end())
            title = _PAGE_TITLE.search(head) if extension == "html" else None
            said = "" if title is None else clean(html.unescape(title.group(1).decode("utf-8", "replace")))
            return complete(end, WALKED, "its root element closes", kind=extension, extension=extension, name=said)
        view.good = max(view.good, position + len(data))
        position += max(1, len(data) - 64)
        if position + 64 >= view.size:
            break
    raise Ended(view.size, "its root element never closes")


def _root(head: bytes) -> tuple[bytes, str] | None:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if b"\0" in head[:64]:
        return None
    low = text[:64].lower()
    if low.startswith((b"<!doctype html", b"<html")):
        return b"html", "html"
    declared = text.startswith(b"<?xml")
    body = re.sub(rb"<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\])?[^>]*>", b"", text, flags=re.DOTALL).lstrip()
    found = re.match(rb"<((?:[\w-]+:)?[A-Za-z_][\w.-]*)[\s/>]", body)
    if found is None:
        return None
    name = found.group(1)
    if name.split(b":")[-1] == b"svg":
        return name, "svg"
    if name.lower() == b"html":
        return name, "html"
    if name == b"plist":
        return name, "plist"
    return (name, "xml") if declared else None


def ole2(view: View) -> Outcome:
    """OLE2 compound file: the highest sector that its allocation table uses ([MS-CFB])."""
    shift, order = view.u16(30), view.u16(28)
    if order != 0xFFFE or shift not in (9, 12) or view.u16(32) != 6:
        raise NotThis
    size = 1 << shift
    count, difat_start, difat_count = view.u32(44), view.u32(68), view.u32(72)
    if not 0 < count <= 1 << 20:
        raise NotThis
    view.mark(76)
    table = [view.u32(76 + 4 * index) for index in range(min(109, count))]
    sector, turns = difat_start, 0
    while len(table) < count and sector < 0xFFFFFFFA and turns <= difat_count:
        turns += 1
        data = view.take((sector + 1) * size, size)
        view.mark((sector + 2) * size)
        table += [int.from_bytes(data[i : i + 4], "little") for i in range(0, size - 4, 4)]
        sector = int.from_bytes(data[-4:], "little")
    if len(table) < count:
        raise Broken(68, "its list of allocation sectors breaks off")
    highest, per = 0, size // 4
    for index, place in enumerate(table[:count]):
        data = view.take((place + 1) * size, size)
        used = [i for i in range(per) if data[4 * i : 4 * i + 4] != b"\xff\xff\xff\xff"]
        if used:
            highest = max(highest, index * per + used[-1])
        view.mark((place + 2) * size)
    end = (highest + 2) * size
    kind, name = _ole2_kind(view, view.u32(48), size)
    tail = 0
    if end > view.size:
        tail = end - view.size
        if tail >= size:
            raise Ended(view.size)
    return complete(end - tail, WALKED, "the highest sector in use", kind=kind, extension=kind, name=name)


_OLE_KINDS = (
    ("WordDocument", "doc"), ("Workbook", "xls"), ("Book", "xls"), ("PowerPoint Document", "ppt"),
    ("__properties_version1.0", "msg"), ("VisioDocument", "vsd"), ("Quill", "pub"), ("Catalog", "db"),
    ("SwDocContentMgr", "sldprt"), ("\u4840\u3b3f\u43f2\u4438\u45b1", "msi"),
)  # fmt: skip
OLE2_KINDS = frozenset((*(kind for _, kind in _OLE_KINDS), "ole", "ole2"))
"""What an OLE2 document may be called, ``ole2`` when it broke off before that was known."""


def _ole2_kind(view: View, directory: int, size: int) -> tuple[str, str]:
    names: set[str] = set()
    sector = directory
    for _ in range(4):
        if sector >= 0xFFFFFFFA or view.holed((sector + 1) * size, size):
            break
        data = view.peek((sector + 1) * size, size)
        for at in range(0, len(data), 128):
            length = int.from_bytes(data[at + 64 : at + 66], "little")
            if 2 <= length <= 64:
                names.add(data[at : at + length - 2].decode("utf-16-le", "replace"))
        sector += 1
    return next((kind for name, kind in _OLE_KINDS if name in names), "ole"), ""


def pem(view: View) -> Outcome:
    """PEM and armoured OpenPGP text, to its END line."""
    head = re.match(rb"-----BEGIN ([A-Z0-9 ]{3,40})-----\r?\n", view.peek(0, 80))
    if head is None:
        raise NotThis
    mark = b"-----END " + head.group(1) + b"-----"
    view.mark(11)
    found = view.find(mark, 0, 1 << 24)
    if found is None:
        raise Broken(view.good, "no END line")
    if b"\0" in view.take(0, found):
        raise Broken(view.good, "no text")
    return complete(_eol(view, found + len(mark)), WALKED, "its END line", extension="asc" if b"PGP" in mark else "pem")


def card(view: View) -> Outcome:
    """vCard and iCalendar, objects one after another."""
    kind = b"VCARD" if view.take(6, 5) == b"VCARD" else b"VCALENDAR"
    position = 0
    begin = b"BEGIN:" + kind
    while view.peek(position, len(begin)) == begin:
        view.step()
        found = view.find(b"END:" + kind, position, 16 << 20)
        if found is None:
            if position:
                break
            raise Ended(view.size)
        if b"\0" in view.take(position, found - position):
            raise Broken(position, "no text")
        position = _eol(view, found + 4 + len(kind))
        view.mark(position)
    return complete(position, WALKED, "its END line", extension="vcf" if kind == b"VCARD" else "ics")


def help_size(view: View) -> Outcome:
    """Compiled HTML help: file size of its first header section."""
    if view.u32(4) not in (2, 3) or view.u32(8) not in (88, 96):
        raise NotThis
    at = view.u64(56)
    view.mark(88)
    if view.u32(at) != 0x1FE:
        raise Broken(at, "no section where the header says")
    return complete(view.need(view.u64(at + 8)), SIZED, "the size in its first section")
