"""Programs and fonts: ELF, PE, Mach-O, Java classes, DEX; TrueType, OpenType, WOFF."""

from __future__ import annotations

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View


def elf(view: View) -> Outcome:
    """ELF: the largest extent of its program and section headers."""
    wide, order = view.u8(4), view.u8(5)
    if wide not in (1, 2) or order not in (1, 2) or view.u8(6) != 1:
        raise NotThis
    name = "little" if order == 1 else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(view.take(at, size), name)  # type: ignore[arg-type]

    word = 8 if wide == 2 else 4
    phoff, shoff = number(32 if wide == 2 else 28, word), number(40 if wide == 2 else 32, word)
    at = 52 if wide == 2 else 40
    head, ph_size, ph_count, sh_size, sh_count = (number(at + 2 * i, 2) for i in range(5))
    if head not in (52, 64) or (ph_count and ph_size not in (32, 56)) or (sh_count and sh_size not in (40, 64)):
        raise NotThis
    view.mark(head)
    end = max(head, phoff + ph_size * ph_count, shoff + sh_size * sh_count)
    for index in range(ph_count):
        at = phoff + index * ph_size
        offset, size = (number(at + 8, 8), number(at + 32, 8)) if wide == 2 else (number(at + 4, 4), number(at + 16, 4))
        end = max(end, offset + size)
        view.mark(at + ph_size)
    for index in range(sh_count):
        at = shoff + index * sh_size
        if number(at + 4, 4) in (0, 8):
            continue
        offset, size = (
            (number(at + 24, 8), number(at + 32, 8)) if wide == 2 else (number(at + 16, 4), number(at + 20, 4))
        )
        end = max(end, offset + size)
        view.mark(at + sh_size)
    kind = {1: "o", 2: "elf", 3: "so", 4: "core"}.get(number(16, 2), "elf")
    return complete(view.need(end), WALKED, "the largest extent of its headers", extension=kind)


def pe(view: View) -> Outcome:
    """Windows program: sections, certificate table, symbols."""
    at = view.u32(60)
    if not 64 <= at <= 4096 or at % 4 or view.take(at, 4) != b"PE\0\0":
        raise NotThis
    sections, symbols, count, optional = view.u16(at + 6), view.u32(at + 12), view.u32(at + 16), view.u16(at + 20)
    if not 0 < sections <= 96 or optional < 96:
        raise NotThis
    view.mark(at + 24)
    plus = view.u16(at + 24) == 0x20B
    end = view.u32(at + 24 + 60)
    table = at + 24 + optional
    for index in range(sections):
        size, start = view.u32(table + 40 * index + 16), view.u32(table + 40 * index + 20)
        if start:
            end = max(end, start + size)
        view.mark(table + 40 * index + 40)
    directories = view.u32(at + 24 + (108 if plus else 92))
    base = at + 24 + (112 if plus else 96)
    if directories > 4:
        start, size = view.u32(base + 32), view.u32(base + 36)
        if start:
            end = max(end, start + size)
    if symbols:
        strings = symbols + 18 * count
        end = max(end, strings + (view.u32(strings) if strings + 4 <= view.size and not view.holed(strings, 4) else 0))
    kind = "dll" if view.u16(at + 22) & 0x2000 else "exe"
    return complete(
        view.need(end), WALKED, "sections, certificates and symbols (an overlay cannot be known)", extension=kind
    )


def mach(view: View) -> Outcome:
    """Mach-O and fat binaries; a Java class shares the fat one's magic."""
    magic = view.b32(0)
    if magic == 0xCAFEBABE:
        if view.b32(4) >= 30:
            return java_class(view)
        count, end = view.b32(4), 0
        if not count:
            raise NotThis
        for index in range(count):
            offset, size = view.b32(8 + 20 * index + 8), view.b32(8 + 20 * index + 12)
            if view.b32(offset) not in (0xFEEDFACE, 0xFEEDFACF, 0xCEFAEDFE, 0xCFFAEDFE):
                raise Broken(offset, "no binary where the table says")
            end = max(end, offset + size)
            view.mark(28 + 20 * index)
        return complete(view.need(end), WALKED, "the binaries of its table", extension="macho")
    big = magic in (0xFEEDFACE, 0xFEEDFACF)
    wide = magic in (0xFEEDFACF, 0xCFFAEDFE)
    order = "big" if big else "little"

    def number(at: int, size: int = 4) -> int:
        return int.from_bytes(view.take(at, size), order)  # type: ignore[arg-type]

    commands, size = number(16), number(20)
    if not 0 < commands <= 4096 or size > 1 << 22 or number(12) > 12:
        raise NotThis
    position, end = 32 if wide else 28, 0
    for _ in range(commands):
        kind, length = number(position), number(position + 4)
        if length < 8:
            raise Broken(position, "a command smaller than its header")
        if kind == 0x19:
            end = max(end, number(position + 40, 8) + number(position + 48, 8))
        elif kind == 1:
            end = max(end, number(position + 32) + number(position + 36))
        elif kind == 2:
            end = max(end, number(position + 16) + number(position + 20))
        elif kind in (0x1D, 0x26, 0x29, 0x2B):
            end = max(end, number(position + 8) + number(position + 12))
        position += length
        view.mark(position)
    return complete(view.need(max(end, position)), WALKED, "its load commands", extension="macho")


def java_class(view: View) -> Outcome:
    """Java class file, parsed whole."""
    if not 45 <= view.b16(6) <= 80:
        raise NotThis
    count, position, index = view.b16(8), 10, 1
    if not count:
        raise NotThis
    sizes = {3: 5, 4: 5, 5: 9, 6: 9, 7: 3, 8: 3, 9: 5, 10: 5, 11: 5, 12: 5, 15: 4, 16: 3, 17: 5, 18: 5, 19: 3, 20: 3}
    while index < count:
        tag = view.u8(position)
        if tag == 1:
            position += 3 + view.b16(position + 1)
        elif tag in sizes:
            position += sizes[tag]
        else:
            raise Broken(position, "an unknown constant")
        index += 2 if tag in (5, 6) else 1
        view.mark(position)
    position += 6
    position += 2 + 2 * view.b16(position)
    for _ in range(2):
        members = view.b16(position)
        position += 2
        for _ in range(members):
            position = _attributes(view, position + 6)
    end = _attributes(view, position)
    return complete(view.need(end), WALKED, "parsed whole", kind="class", extension="class")


def _attributes(view: View, position: int) -> int:
    count = view.b16(position)
    position += 2
    for _ in range(count):
        view.step()
        position = view.need(position + 6 + view.b32(position + 2))
    view.mark(position)
    return position


def dex(view: View) -> Outcome:
    """Android DEX: size and Adler-32 in its header."""
    import zlib

    size = view.u32(32)
    if view.u32(36) != 0x70 or view.u32(40) != 0x12345678 or size < 0x70:
        raise NotThis
    view.mark(112)
    view.need(size)
    if view.holed(12, size - 12) or size > 256 << 20:
        return complete(size, SIZED, "the size in its header")
    value = 1
    for at in range(12, size, 1 << 20):
        value = zlib.adler32(view.take(at, min(1 << 20, size - at)), value)
    if value != view.u32(8):
        raise Broken(8, "its checksum is wrong")
    return complete(size, CHECKED, "its checksum is right")


def font(view: View) -> Outcome:
    """TrueType and OpenType: table directory with its own arithmetic."""
    return complete(_font_end(view, 0), WALKED, "its table directory",
                    extension="otf" if view.take(0, 4) == b"OTTO" else "ttf")  # fmt: skip


def _font_end(view: View, at: int) -> int:
    count = view.b16(at + 4)
    if not 0 < count <= 64:
        raise NotThis
    power = 1 << count.bit_length() - 1
    if (
        view.b16(at + 6) != 16 * power
        or view.b16(at + 8) != power.bit_length() - 1
        or view.b16(at + 10) != 16 * (count - power)
    ):
        raise NotThis
    end = at + 12 + 16 * count
    for index in range(count):
        tag = view.take(at + 12 + 16 * index, 4)
        if any(byte < 32 or byte > 126 for byte in tag):
            raise NotThis
        offset, size = view.b32(at + 12 + 16 * index + 8), view.b32(at + 12 + 16 * index + 12)
        end = max(end, offset + size)
    view.mark(at + 12 + 16 * count)
    padded = -(-end // 4) * 4
    if end < padded <= view.size and not view.holed(end, padded - end) and not any(view.take(end, padded - end)):
        end = padded
    return view.need(end)


def collection(view: View) -> Outcome:
    """TrueType collection."""
    count = view.b32(8)
    if view.b32(4) not in (0x10000, 0x20000) or not 0 < count <= 256:
        raise NotThis
    view.mark(12)
    return complete(
        max(_font_end(view, view.b32(12 + 4 * index)) for index in range(count)), WALKED, "its fonts' tables"
    )


def woff(view: View) -> Outcome:
    """WOFF and WOFF2."""
    size, count = view.b32(8), view.b16(12)
    if not 0 < count <= 256 or view.b16(14) or size < 44:
        raise NotThis
    view.mark(44)
    end = size
    if view.take(0, 4) == b"wOFF":
        reach = 44 + 20 * count
        for index in range(count):
            at = 44 + 20 * index
            reach = max(reach, view.b32(at + 4) + view.b32(at + 8))
        for at in (24, 36):
            if view.b32(at):
                reach = max(reach, view.b32(at) + view.b32(at + 4))
        if not reach <= size <= reach + 3:
            raise Broken(8, "size and tables disagree")
        return complete(view.need(end), WALKED, "size and tables agree", extension="woff")
    return complete(view.need(end), SIZED, "the size in its header", extension="woff2")
