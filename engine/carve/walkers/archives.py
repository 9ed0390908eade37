"""ZIP and what is built on it; 7z, RAR, tar, cpio, ar, CAB, ISO 9660, WIM, squashfs."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View
from engine.carve.walkers.inflate import inflate
from engine.carve.walkers.titles import MEMBERS, Told, properties, unpacked

_MOST_CHECKED = 256 << 20
_CPIO_TYPES = frozenset((0o04, 0o10, 0o02, 0o06, 0o01, 0o12, 0o14))


@dataclass(slots=True)
class _Zip:
    names: list[str]
    mimetype: str = ""
    checked: int = 0
    unchecked: int = 0
    properties: tuple[int, int, int] | None = None


def zip_file(view: View) -> Outcome:
    """ZIP (PKWARE APPNOTE): members, central directory, end record; CRC of each member where it can be unpacked."""
    found, position = _Zip([]), 0
    while view.peek(position, 4) == b"PK\x03\x04":
        view.step()
        position = _member(view, position, found)
        view.mark(position)
    if view.peek(position, 4) == b"PK\x06\x08":
        position += 8 + view.u32(position + 4)
    directory, entries = position, 0
    while view.take(position, 4) == b"PK\x01\x02":
        view.step()
        position += 46 + view.u16(position + 28) + view.u16(position + 30) + view.u16(position + 32)
        view.need(position)
        entries += 1
        view.mark(position)
    if view.take(position, 4) == b"PK\x05\x05":
        position += 6 + view.u16(position + 4)
    if view.take(position, 4) == b"PK\x06\x06":
        position += 12 + view.u64(position + 4)
        if view.take(position, 4) != b"PK\x06\x07":
            raise Broken(position, "no ZIP64 locator")
        position += 20
    if view.take(position, 4) != b"PK\x05\x06":
        raise Broken(position, "neither a member nor a directory stands there")
    offset = view.u32(position + 16)
    end = position + 22 + view.u16(position + 20)
    if offset not in (directory, 0xFFFFFFFF):
        raise Broken(position, "the directory is not where the end record says")
    if entries != len(found.names):
        raise Broken(position, "directory and members disagree")
    kind, extension = _zip_kind(found)
    if found.unchecked:
        level, why = WALKED, f"members and directory agree; {found.unchecked} not checked"
    else:
        level, why = CHECKED, "members and directory agree, every CRC is right"
    told = Told()
    if found.properties is not None and kind in ("ooxml", "odf", "epub"):
        told = properties(unpacked(view, *found.properties))
    return complete(view.need(end), level, why, kind=kind, extension=extension, name=told.title,
                    modified=told.changed, known=told.facts, members=entries)  # fmt: skip


def _member(view: View, at: int, found: _Zip) -> int:
    flags, method = view.u16(at + 6), view.u16(at + 8)
    crc, packed, size = view.u32(at + 14), view.u32(at + 18), view.u32(at + 22)
    name_size, extra_size = view.u16(at + 26), view.u16(at + 28)
    if view.u16(at + 4) > 0xFF3F or name_size > 4096:
        raise Broken(at, "the member's header contradicts itself")
    name = view.take(at + 30, name_size).decode("utf-8" if flags & 0x800 else "cp437", "replace")
    extra = view.take(at + 30 + name_size, extra_size)
    position = at + 30 + name_size + extra_size
    if packed == 0xFFFFFFFF or size == 0xFFFFFFFF:
        size, packed = _zip64(extra, size, packed)
    found.names.append(name)
    if name.isprintable() and name_size:
        view.mark(position)
    if not flags & 8 or packed:
        view.need(position + packed)
        end = position + packed
        _check(view, found, position, packed, method, flags, crc)
        if flags & 8:
            end += _descriptor(view, end, packed)
    elif method == 8 and not flags & 1:
        end, crc, _ = inflate(view, position)
        packed = end - position
        length = _descriptor(view, end, packed)
        stored = view.u32(end + 4) if view.take(end, 4) == b"PK\x07\x08" else view.u32(end)
        if stored != crc:
            raise Broken(end, f"the CRC of a member is wrong ({name!r})"[:120])
        found.checked += 1
        end += length
    else:
        end = _next_descriptor(view, position)
        found.unchecked += 1
    if name in MEMBERS or name.endswith(".opf"):
        found.properties = (position, packed, method if not flags & 1 else 99)
    if name == "mimetype" and packed < 200 and not method:
        found.mimetype = view.peek(position, packed).decode("ascii", "replace")
    return end


def _zip64(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    position = 0
    while position + 4 <= len(extra):
        tag, length = (
            int.from_bytes(extra[position : position + 2], "little"),
            int.from_bytes(extra[position + 2 : position + 4], "little"),
        )
        if tag == 1:
            at = position + 4
            if size == 0xFFFFFFFF:
                size, at = int.from_bytes(extra[at : at + 8], "little"), at + 8
            if packed == 0xFFFFFFFF:
                packed = int.from_bytes(extra[at : at + 8], "little")
        position += 4 + length
    return size, packed


def _check(view: View, found: _Zip, at: int, packed: int, method: int, flags: int, crc: int) -> None:
    if flags & 1 or method not in (0, 8) or packed > _MOST_CHECKED or view.holed(at, packed):
        found.unchecked += 1
        return
    if method == 0:
        value = view.crc32(at, packed)
    else:
        end, value, _ = inflate(view, at)
        if end != at + packed:
            raise Broken(at + packed, "a member's packed data are not as long as it says")
    if value != crc:
        raise Broken(at + packed, "the CRC of a member is wrong")
    found.checked += 1


def _descriptor(view: View, at: int, packed: int) -> int:
    """The length of the data descriptor that follows."""
    signed = view.take(at, 4) == b"PK\x07\x08"
    body = at + (4 if signed else 0)
    wide = view.u32(body + 4) == packed & 0xFFFFFFFF and view.peek(body + 12, 2) == b"PK"
    return (4 if signed else 0) + (12 if wide else 20)


def _next_descriptor(view: View, position: int) -> int:
    start = position
    while True:
        view.step(100_000)
        at = view.find(b"PK\x07\x08", position, 1 << 30)
        if at is None:
            raise Broken(start, "no end of a member of unknown length")
        if view.u32(at + 8) == at - start:
            return at + 16
        if view.u64(at + 8) == at - start:
            return at + 24
        position = at + 4


_ODF = {"text": "odt", "spreadsheet": "ods", "presentation": "odp", "graphics": "odg", "formula": "odf", "chart": "odc"}


def _zip_kind(found: _Zip) -> tuple[str | None, str]:
    names = set(found.names[:2000])
    if found.mimetype == "application/epub+zip":
        return "epub", "epub"
    if found.mimetype.startswith("application/vnd.oasis.opendocument."):
        part = found.mimetype.rsplit(".", 1)[-1].split("-")[0]
        return "odf", _ODF.get(part, "odt")
    if "[Content_Types].xml" in names:
        for folder, extension in (("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx"), ("visio/", "vsdx")):
            if any(name.startswith(folder) for name in names):
                return "ooxml", extension
    if "AndroidManifest.xml" in names:
        return "apk", "apk"
    if "META-INF/MANIFEST.MF" in names:
        return "jar", "jar"
    if "doc.kml" in names:
        return "kmz", "kmz"
    return "zip", "zip"


def seven_zip(view: View) -> Outcome:
    """7z: the start header's CRC, then offset and size of the end header and its CRC."""
    head = view.take(0, 32)
    if zlib.crc32(head[12:32]) != int.from_bytes(head[8:12], "little"):
        raise NotThis
    view.mark(32)
    offset, size = view.u64(12), view.u64(20)
    end = 32 + offset + size
    view.need(end)
    if view.holed(32 + offset, size):
        return complete(end, SIZED, "size from the checked start header; its directory is unread")
    if size <= 64 << 20 and view.crc32(32 + offset, size) != view.u32(28):
        raise Broken(32 + offset, "the CRC of its directory is wrong")
    return complete(end, CHECKED, "start header and directory are right by CRC")


def rar(view: View) -> Outcome:
    """RAR 4 and 5: blocks with header CRCs."""
    return _rar5(view) if view.take(6, 2) == b"\x01\x00" else _rar4(view)


def _rar4(view: View) -> Outcome:
    position = 7
    files = 0
    while True:
        view.step()
        head = view.head(position, 7)
        if len(head) < 7:
            view.need(position + 7)
        crc, kind, flags, size = head[0] | head[1] << 8, head[2], head[3] | head[4] << 8, head[5] | head[6] << 8
        if not 0x72 <= kind <= 0x7B or size < 7:
            raise Broken(position, "no block where one must stand")
        if zlib.crc32(view.take(position + 2, size - 2)) & 0xFFFF != crc:
            raise Broken(position, "a block header's CRC is wrong")
        extra = view.u32(position + 7) if flags & 0x8000 or kind in (0x74, 0x7A) else 0
        if kind in (0x74, 0x7A) and flags & 0x100:
            extra |= view.u32(position + 32) << 32
        files += kind == 0x74
        position = view.need(position + size + extra)
        view.mark(position)
        if kind == 0x7B:
            return complete(position, CHECKED, "blocks to the end mark, header CRCs right", members=files)


def _vint(view: View, position: int) -> tuple[int, int]:
    value = 0
    for index in range(10):
        byte = view.u8(position + index)
        value |= (byte & 0x7F) << 7 * index
        if not byte & 0x80:
            return value, position + index + 1
    raise Broken(position, "a number without end")


def _rar5(view: View) -> Outcome:
    position, files = 8, 0
    while True:
        view.step()
        crc = view.u32(position)
        size, body = _vint(view, position + 4)
        if not 0 < size <= 2 << 20:
            raise Broken(position, "no block where one must stand")
        if view.crc32(position + 4, body - position - 4 + size) != crc:
            raise Broken(position, "a block header's CRC is wrong")
        kind, after = _vint(view, body)
        flags, after = _vint(view, after)
        if flags & 1:
            _, after = _vint(view, after)
        data = _vint(view, after)[0] if flags & 2 else 0
        files += kind == 2
        position = view.need(body + size + data)
        view.mark(position)
        if kind == 5:
            return complete(position, CHECKED, "blocks to the end mark, header CRCs right", members=files)


def _octal(field: bytes) -> int | None:
    if field[:1] and field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    text = field.strip(b" \0")
    if not text:
        return 0
    try:
        return int(text, 8)
    except ValueError:
        return None


def tar_header(head: bytes) -> bool:
    """Whether 512 bytes are a tar header by their checksum."""
    stored = _octal(head[148:156])
    return stored is not None and stored == sum(head) - sum(head[148:156]) + 256 and bool(head[0])


def tar(view: View) -> Outcome:
    """tar: headers with a checksum; two zero blocks end it, padded to 10240 where that is zeros."""
    position, members, first = 0, 0, ""
    while True:
        view.step()
        head = view.head(position, 512)
        if len(head) < 512:
            view.need(position + 512)
        if not any(head):
            if not members:
                raise NotThis
            end = position + 512
            if not any(view.peek(end, 512)):
                end = min(view.size, end + 512)
            padded = -(-end // 10240) * 10240
            if padded <= view.size and not any(view.peek(end, padded - end)):
                end = padded
            return complete(
                end, CHECKED, "every header's checksum is right, to the end mark", members=members, name=first
            )
        size = _octal(head[124:136])
        if size is None or not tar_header(head):
            if not members:
                raise NotThis
            raise Broken(position, "a header's checksum is wrong")
        members += 1
        position = view.need(position + 512 + -(-size // 512) * 512)
        view.mark(position)


def cpio(view: View) -> Outcome:
    """cpio, new ASCII format."""
    position, members = 0, 0
    while True:
        view.step()
        head = view.take(position, 110)
        if head[:6] not in (b"070701", b"070702"):
            raise Broken(position, "no header where one must stand")
        size, name_size = int(head[54:62], 16), int(head[94:102], 16)
        if not 0 < name_size < 4096:
            raise Broken(position, "a name without end")
        name = view.take(position + 110, name_size)
        position = -(-(position + 110 + name_size) // 4) * 4
        position = -(-(position + size) // 4) * 4
        view.need(position)
        members += 1
        view.mark(position)
        if name.startswith(b"TRAILER!!!"):
            padded = -(-position // 512) * 512
            if (
                padded <= view.size
                and not view.holed(position, padded - position)
                and not any(view.take(position, padded - position))
            ):
                position = padded
            return complete(position, WALKED, "members to the trailer", members=members - 1)


def ar(view: View) -> Outcome:
    """Unix archive and Debian package."""
    position, members, deb = 8, 0, False
    while True:
        view.step()
        head = view.head(position, 60)
        if len(head) < 60 or head[58:60] != b"`\n":
            break
        text = head[48:58].strip()
        if not text.isdigit():
            raise Broken(position, "a size that is no number")
        deb |= head.startswith(b"debian-binary")
        members += 1
        position = view.need(position + 60 + int(text))
        view.mark(position)
        if position & 1 and view.peek(position, 1) == b"\n":
            position += 1
    if not members:
        raise NotThis
    return complete(position, WALKED, "members to the last one", extension="deb" if deb else "a", members=members)


def cab(view: View) -> Outcome:
    """Microsoft cabinet."""
    if view.u32(4) or view.u32(12) or view.u32(20) or view.u8(25) != 1 or view.u8(24) > 10:
        raise NotThis
    size, files = view.u32(8), view.u32(16)
    if not 36 <= files < size:
        raise NotThis
    view.mark(36)
    return complete(view.need(size), SIZED, "size field; its reserved fields are right")


def iso(view: View) -> Outcome:
    """ISO 9660: volume space times block size of the primary volume descriptor."""
    at = 32768
    if view.take(at, 7) != b"\x01CD001\x01":
        raise NotThis
    blocks, twin = view.u32(at + 80), view.b32(at + 84)
    unit = view.u16(at + 128)
    if blocks != twin or unit not in (512, 1024, 2048) or not blocks:
        raise NotThis
    view.mark(at + 2048)
    label = view.take(at + 40, 32).decode("ascii", "replace").strip()
    return complete(view.need(blocks * unit), WALKED, "both orders of its size agree", name=label)


def wim(view: View) -> Outcome:
    """Windows image: the largest extent that the header names."""
    if view.u32(8) != 208:
        raise NotThis
    end = 208
    for at in (48, 72, 96, 124):
        size, offset = view.u64(at) & (1 << 56) - 1, view.u64(at + 8)
        end = max(end, size + offset)
    view.mark(208)
    return complete(view.need(end), SIZED, "the largest of the header's extents")


def squashfs(view: View) -> Outcome:
    """squashfs 4."""
    if view.u16(28) != 4 or view.u16(30) or 1 << view.u16(22) != view.u32(12):
        raise NotThis
    view.mark(96)
    used = view.u64(40)
    for at in (48, 64, 72):
        if view.u64(at) >= used:
            raise Broken(at, "a table beyond its end")
    end = -(-used // 4096) * 4096
    if end > view.size or view.holed(used, end - used) or any(view.peek(used, end - used)):
        end = used
    return complete(view.need(end), WALKED, "size and tables of the superblock agree")
