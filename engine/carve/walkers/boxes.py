"""ISO base media boxes and QuickTime atoms: MP4, MOV, M4A, 3GP, HEIC, AVIF, CR3; JPEG 2000 and JPEG XL containers."""

from __future__ import annotations

from engine.carve.outcome import SIZED, WALKED, Outcome, Status, complete
from engine.carve.view import Broken, NotThis, View
from engine.carve.walkers.pictures import codestream_end

_TOP = frozenset(
    b"ftyp moov mdat free skip wide pnot udta uuid moof mfra meta sidx ssix styp emsg prft pdin jumb junk PICT".split()
)
_QUICKTIME = frozenset((b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"))
_JP2 = frozenset(
    b"ftyp jp2h jp2c uuid uinf jp2i asoc jpch jplh nlst rreq free jxlc jxlp Exif jumb jbrd jxli brob cgrp colr".split()
) | {b"jP  ", b"xml ", b"res ", b"JXL "}
_BRANDS = {
    b"heic": "heic", b"heix": "heic", b"mif1": "heic", b"msf1": "heic", b"hevc": "heic", b"avif": "avif",
    b"avis": "avif", b"crx ": "cr3", b"qt  ": "mov", b"M4A ": "m4a", b"M4B ": "m4a", b"M4V ": "m4v", b"F4V ": "f4v",
}  # fmt: skip
_EPOCH_1904 = 2082844800


def media(view: View) -> Outcome:
    """MP4 and its relatives, by the boxes at the top level."""
    first = view.take(4, 4)
    if first == b"ftyp":
        size = view.b32(0)
        if not 12 <= size <= 4096 or size % 4:
            raise NotThis
        brand = view.take(8, 4)
        if any(byte < 32 or byte > 126 for byte in brand):
            raise NotThis
        if brand in (b"jp2 ", b"jpx ", b"jpm "):
            return jp2(view)
        extension = _BRANDS.get(brand) or ("3gp" if brand.startswith(b"3g") else "mp4")
    elif first in _QUICKTIME:
        extension = "mov"
    else:
        raise NotThis
    position, seen = 0, list[bytes]()
    modified: float | None = None
    data: list[tuple[int, int]] = []
    while position < view.size:
        view.step(200_000)
        head = view.head(position, 8) + view.peek(position + 8, 8)
        kind = head[4:8]
        if len(head) < 8 or kind not in _TOP:
            break
        size, inside = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, inside = int.from_bytes(head[8:16], "big"), 16
        elif size == 0 and kind == b"mdat" and b"moov" in seen:
            return Outcome(view.size, Status.OPEN, SIZED, "its last box goes to the end of the area", kind="media",
                           extension=extension)  # fmt: skip
        if size < inside:
            if position and b"moov" in seen and (b"mdat" in seen or b"moof" in seen):
                break
            raise Broken(position, "a box smaller than its header")
        if kind == b"ftyp" and position and not _fragment(seen):
            break
        if kind == b"moov":
            modified = _created(view, position + inside)
        if kind == b"mdat":
            data.append((position + inside, position + size))
        view.need(position + size)
        position += size
        seen.append(kind)
        view.mark(position)
    if b"moov" not in seen and b"meta" not in seen:
        if b"mdat" in seen and (first == b"ftyp"):
            raise Broken(position, "the index (moov) is not there: needs one of the same camera to be played")
        raise NotThis
    if b"moov" in seen and not data and b"moof" not in seen and extension not in ("heic", "avif"):
        raise Broken(position, "the index is there, the media data are not")
    return complete(position, WALKED, "boxes to the last one", extension=extension, modified=modified)


def _fragment(seen: list[bytes]) -> bool:
    return b"moof" in seen


def _created(view: View, position: int) -> float | None:
    if view.holed(position, 32) or view.take(position + 4, 4) != b"mvhd":
        return None
    wide = view.u8(position + 8) == 1
    value = view.b64(position + 12) if wide else view.b32(position + 12)
    seconds = value - _EPOCH_1904
    return float(seconds) if 0 < seconds < 1 << 33 else None


def jp2(view: View) -> Outcome:
    """JP2, JPX and JPEG XL containers."""
    position, content = 0, False
    extension = "jxl" if view.take(4, 4) == b"JXL " else "jp2"
    while position < view.size:
        view.step()
        head = view.head(position, 8) + view.peek(position + 8, 8)
        if len(head) < 8 or head[4:8] not in _JP2:
            break
        size, inside = int.from_bytes(head[:4], "big"), 8
        if size == 1:
            size, inside = int.from_bytes(head[8:16], "big"), 16
        if size == 0:
            if head[4:8] != b"jp2c":
                return Outcome(view.size, Status.OPEN, SIZED, "its last box goes to the end of the area",
                               extension=extension)  # fmt: skip
            position = codestream_end(view, position + inside)
            content = True
            break
        if size < inside:
            raise Broken(position, "a box smaller than its header")
        content |= head[4:8] in (b"jp2c", b"jxlc", b"jxlp")
        view.need(position + size)
        position += size
        view.mark(position)
    if not content:
        raise Broken(position, "no picture in it")
    return complete(position, WALKED, "boxes to the last one", extension=extension)
