"""PNG family, GIF, BMP, icons, Photoshop, metafiles, JPEG 2000 codestreams, Fuji and Minolta raws."""

from __future__ import annotations

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View

_PNG_ENDS = {b"\x89": b"IEND", b"\x8a": b"MEND", b"\x8b": b"IEND"}


def png(view: View) -> Outcome:
    """PNG, MNG, JNG: chunks with a CRC each (ISO/IEC 15948)."""
    first = view.take(0, 1)
    last, kind = _PNG_ENDS[first], {b"\x89": "png", b"\x8a": "mng", b"\x8b": "jng"}[first]
    position, unchecked = 8, 0
    facts: dict[str, str | int | float] = {}
    while True:
        view.step()
        length, name = view.b32(position), view.take(position + 4, 4)
        if length > 0x7FFFFFFF or not name.isalpha():
            raise Broken(position, "no chunk where one must stand")
        if position == 8 and kind == "png" and (name != b"IHDR" or length != 13):
            raise Broken(position, "it does not begin with its header chunk")
        view.need(position + 12 + length)
        if view.holed(position + 4, length + 8):
            unchecked += 1
        elif view.crc32(position + 4, length + 4) != view.b32(position + 8 + length):
            raise Broken(position, f"the CRC of chunk {name.decode()} is wrong")
        if name == b"IHDR" and length == 13 and not view.holed(position + 8, 8):
            facts.update(width=view.b32(position + 8), height=view.b32(position + 12))
        position += 12 + length
        view.mark(position)
        if name == last:
            if unchecked:
                return complete(position, WALKED, "chunks to the last one; those with unread bytes unchecked",
                                kind=kind, extension=kind, known=facts)  # fmt: skip
            return complete(position, CHECKED, "every chunk's CRC is right", kind=kind, extension=kind, known=facts)


def _sub_blocks(view: View, position: int) -> int:
    while True:
        view.step()
        size = view.u8(position)
        position += 1 + size
        view.good = max(view.good, min(position, view.size))
        if not size:
            return position


def gif(view: View) -> Outcome:
    """GIF87a, GIF89a."""
    width, height, packed = view.u16(6), view.u16(8), view.u8(10)
    position = 13 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
    view.need(position)
    images = 0
    while True:
        view.step()
        block = view.u8(position)
        if block == 0x3B and images:
            return complete(position + 1, WALKED, "blocks to the trailer", width=width, height=height)
        if block == 0x2C:
            packed = view.u8(position + 9)
            position += 10 + (3 << ((packed & 7) + 1) if packed & 0x80 else 0)
            if not 2 <= view.u8(position) <= 11:
                raise Broken(position, "an impossible code size")
            position = _sub_blocks(view, position + 1)
            images += 1
        elif block == 0x21:
            position = _sub_blocks(view, position + 2)
        elif block == 0 and images:
            position += 1
            continue
        else:
            raise Broken(position, "no block where one must stand")
        view.mark(position)


def bmp(view: View) -> Outcome:
    """Windows bitmap: the size field must agree with the picture's arithmetic."""
    size, offset, head = view.u32(2), view.u32(10), view.u32(14)
    if head not in (12, 40, 52, 56, 64, 108, 124) or offset < 14 + head or offset > 14 + head + 4096:
        raise NotThis
    if head == 12:
        width, height, planes, depth, packed = view.u16(18), view.u16(20), view.u16(22), view.u16(24), 0
    else:
        width, height = view.u32(18), view.u32(22)
        planes, depth, packed = view.u16(26), view.u16(28), view.u32(30)
    if height >> 31:
        height = (1 << 32) - height
    if planes != 1 or depth not in (1, 4, 8, 16, 24, 32) or not 0 < width < 1 << 20 or not 0 < height < 1 << 20:
        raise NotThis
    view.mark(14 + head)
    if packed in (1, 2, 4, 5):
        data = view.u32(34)
        if size < offset + data or size > offset + data + 4096:
            raise Broken(2, "the size contradicts the header")
        return complete(
            view.need(size), SIZED, "packed picture: size field and header agree", width=width, height=height
        )
    expected = offset + (width * depth + 31) // 32 * 4 * height
    if size not in range(expected, expected + 4096) and size != 0:
        raise Broken(2, "the size contradicts width and height")
    end = size if expected <= size <= expected + 3 else expected
    view.need(end)
    return complete(end, WALKED, "size field, width, height and depth agree", width=width, height=height)


def icon(view: View) -> Outcome:
    """ICO and CUR: the largest extent of its entries."""
    kind, count = view.u16(2), view.u16(4)
    if view.u16(0) or kind not in (1, 2) or not 0 < count <= 64:
        raise NotThis
    end, head = 6 + 16 * count, 6 + 16 * count
    for index in range(count):
        at = 6 + 16 * index
        size, offset = view.u32(at + 8), view.u32(at + 12)
        if view.u8(at + 3) or size < 40 or size > 1 << 22 or offset < head or offset > 1 << 24:
            raise NotThis
        if kind == 1 and (view.u16(at + 4) > 1 or view.u16(at + 6) not in (0, 1, 4, 8, 16, 24, 32)):
            raise NotThis
        end = max(end, offset + size)
        first = view.peek(offset, 8)
        if len(first) == 8 and first != b"\x89PNG\r\n\x1a\n" and first[:4] != b"\x28\0\0\0":
            raise NotThis
        view.mark(at + 16)
    return complete(view.need(end), WALKED, "every entry points at a picture", extension="ico" if kind == 1 else "cur")


def photoshop(view: View) -> Outcome:
    """PSD and PSB: three length-prefixed blocks, then the picture."""
    version, channels = view.b16(4), view.b16(12)
    height, width, depth = view.b32(14), view.b32(18), view.b16(22)
    if version not in (1, 2) or not 0 < channels <= 56 or depth not in (1, 8, 16, 32):
        raise NotThis
    if not 0 < height <= 300_000 or not 0 < width <= 300_000 or view.take(6, 6).strip(b"\0"):
        raise NotThis
    view.mark(26)
    position = 26
    for index in range(3):
        wide = version == 2 and index == 2
        length = view.b64(position) if wide else view.b32(position)
        position = view.need(position + (8 if wide else 4) + length)
        view.mark(position)
    packed = view.b16(position)
    position += 2
    if packed == 0:
        end = position + (width * depth + 7) // 8 * height * channels
    elif packed == 1:
        unit = 2 if version == 1 else 4
        counts = view.take(position, unit * height * channels)
        end = (
            position
            + len(counts)
            + sum(int.from_bytes(counts[i : i + unit], "big") for i in range(0, len(counts), unit))
        )
    else:
        raise Broken(position - 2, "an unknown packing")
    return complete(view.need(end), WALKED, "blocks and rows to the last one", width=width, height=height,
                    extension="psd" if version == 1 else "psb")  # fmt: skip


def emf(view: View) -> Outcome:
    """Enhanced metafile: records to the end that the header names."""
    head, size, records = view.u32(4), view.u32(48), view.u32(52)
    if view.take(40, 4) != b" EMF" or head < 88 or size < head or size % 4:
        raise NotThis
    position = 0
    for _ in range(records):
        view.step()
        length = view.u32(position + 4)
        if length < 8 or length % 4 or position + length > size:
            raise Broken(position, "a record that does not fit")
        kind = view.u32(position)
        position += length
        view.mark(position)
        if kind == 14:
            break
    if position != size:
        raise Broken(position, "records and size disagree")
    return complete(size, WALKED, "records to the last one")


def wmf(view: View) -> Outcome:
    """Placeable Windows metafile."""
    if view.u16(22) not in (1, 2) or view.u16(24) != 9:
        raise NotThis
    view.mark(40)
    end = 22 + 2 * view.u32(28)
    position = 40
    while position < end:
        view.step()
        words, kind = view.u32(position), view.u16(position + 4)
        if words < 3 or position + 2 * words > end:
            raise Broken(position, "a record that does not fit")
        position += 2 * words
        view.mark(position)
        if not kind:
            break
    return complete(view.need(end), WALKED, "records to the size in the header")


def codestream(view: View) -> Outcome:
    """A bare JPEG 2000 codestream."""
    return complete(codestream_end(view, 0), WALKED, "markers and tile parts to the end of the codestream")


def codestream_end(view: View, position: int) -> int:
    """Where the codestream that begins at ``position`` ends."""
    if view.b16(position) != 0xFF4F:
        raise Broken(position, "no codestream")
    position += 2
    while True:
        view.step()
        marker = view.b16(position)
        if marker == 0xFFD9:
            return position + 2
        if marker == 0xFF90:
            length = view.b32(position + 6)
            if not length:
                found = view.find(b"\xff\xd9", position, 1 << 30)
                if found is None:
                    raise Broken(position, "no end of the last tile part")
                return found + 2
            if length < 14:
                raise Broken(position, "a tile part shorter than its header")
            position += length
        elif 0xFF30 <= marker <= 0xFF3F:
            position += 2
        elif 0xFF50 <= marker <= 0xFF9F:
            position += 2 + view.b16(position + 2)
        else:
            raise Broken(position, "no marker where one must stand")
        view.need(position)
        view.mark(position)


def raf(view: View) -> Outcome:
    """Fujifilm RAF: three offset and length pairs in the header."""
    if view.take(0, 16) != b"FUJIFILMCCD-RAW ":
        raise NotThis
    view.mark(16)
    end = 108
    for at in (84, 92, 100):
        offset, length = view.b32(at), view.b32(at + 4)
        end = max(end, offset + length)
    if view.take(view.b32(84), 3) != b"\xff\xd8\xff":
        raise Broken(84, "no preview where the header says")
    return complete(view.need(end), WALKED, "the largest of its three extents")
