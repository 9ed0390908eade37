"""Sound: MP3, ADTS, AC-3, FLAC, Ogg, AMR, AU, CAF, MIDI."""

from __future__ import annotations

import zlib

from engine.carve.outcome import CHECKED, SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, Ended, NotThis, View

_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_V1 = {
    3: (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    1: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_V2 = {
    3: (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    1: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}


def mpeg_frame(head: int) -> tuple[int, int, int] | None:
    """Bytes, samples and the constant part of an MPEG audio frame header (32 bits), or None."""
    version, layer = head >> 19 & 3, head >> 17 & 3
    bitrate, rate = head >> 12 & 15, head >> 10 & 3
    if head >> 21 != 0x7FF or version == 1 or not layer or bitrate in (0, 15) or rate == 3 or head & 3 == 2:
        return None
    rates = _RATES[version][rate]
    kbit = (_V1 if version == 3 else _V2)[layer][bitrate]
    pad = head >> 9 & 1
    if layer == 3:
        return (12000 * kbit // rates + pad) * 4, 384, head & 0xFFFE0C00
    samples = 1152 if layer == 2 or version == 3 else 576
    return samples // 8 * 1000 * kbit // rates + pad, samples, head & 0xFFFE0C00


def _id3(view: View) -> tuple[int, str]:
    """Where the ID3v2 tag ends, and artist and title of it."""
    head = view.take(0, 10)
    if head[3] == 0xFF or head[4] == 0xFF or any(byte & 0x80 for byte in head[6:10]):
        raise NotThis
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    end = view.need(10 + size + (10 if head[5] & 0x10 else 0))
    texts: dict[bytes, str] = {}
    position, short = 10, head[3] == 2
    frame = 6 if short else 10
    while position + frame <= 10 + size and not view.holed(position, frame):
        view.step(10_000)
        name = view.take(position, 3 if short else 4)
        if not name.strip(b"\0"):
            break
        length = view.b24(position + 3) if short else view.b32(position + 4)
        if head[3] == 4 and not short:
            raw = view.take(position + 4, 4)
            length = raw[0] << 21 | raw[1] << 14 | raw[2] << 7 | raw[3]
        if name in (b"TPE1", b"TIT2", b"TP1", b"TT2") and 1 < length < 512 and not view.holed(position, frame + length):
            body = view.peek(position + frame, length)
            code = {0: "latin-1", 1: "utf-16", 2: "utf-16-be", 3: "utf-8"}.get(body[0], "latin-1")
            texts[name[:3]] = body[1:].decode(code, "replace").strip("\0 ")
        position += frame + length
    parts = [texts.get(b"TPE") or texts.get(b"TP1"), texts.get(b"TIT") or texts.get(b"TT2")]
    return end, " - ".join(part for part in parts if part)


def mp3(view: View) -> Outcome:
    """MPEG audio frames with constant version, layer and rate; tags before and after."""
    position, name = 0, ""
    tagged = view.take(0, 3) == b"ID3"
    if tagged:
        position, name = _id3(view)
        view.mark(position)
        gap = view.peek(position, 8192)
        position += len(gap) - len(gap.lstrip(b"\0"))
    frames, constant = 0, None
    while position + 4 <= view.size:
        view.steps += 1
        try:
            found = mpeg_frame(view.b32(position))
        except Ended:
            break
        if found is None or (constant is not None and found[2] != constant):
            break
        constant = found[2]
        if position + found[0] > view.size:
            if frames < 3:
                raise NotThis
            raise Ended(view.size)
        position += found[0]
        frames += 1
        view.mark(position)
    if frames < (1 if tagged else 5):
        raise NotThis
    if view.peek(position, 8) == b"APETAGEX":
        position = view.need(position + 32 + view.u32(position + 12))
    if view.peek(position, 3) == b"TAG" and position + 128 <= view.size:
        position += 128
    level = WALKED if frames >= 10 else SIZED
    return complete(position, level, f"{frames} frames one after another", name=name, frames=frames)


def adts(view: View) -> Outcome:
    """AAC in ADTS frames."""
    position, frames, constant = 0, 0, None
    while position + 7 <= view.size:
        head = view.take(position, 7)
        same = (head[0], head[1], head[2] & 0xFD, head[3] & 0xC0)
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12 or length < 8:
            break
        if constant is not None and same != constant:
            break
        constant = same
        view.need(position + length)
        position += length
        frames += 1
        view.mark(position)
    if frames < 6:
        raise NotThis
    return complete(position, WALKED if frames >= 10 else SIZED, f"{frames} frames one after another", frames=frames)


_AC3 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)


def ac3(view: View) -> Outcome:
    """AC-3 sync frames (ATSC A/52)."""
    position, frames, constant = 0, 0, None
    while position + 7 <= view.size:
        head = view.take(position, 7)
        rate, code, bsid = head[4] >> 6, head[4] & 0x3F, head[5] >> 3
        if head[:2] != b"\x0b\x77" or rate == 3 or code > 37 or bsid > 8:
            break
        if constant is not None and constant != (rate, head[5]):
            break
        constant = (rate, head[5])
        kbit = _AC3[code >> 1]
        words = (kbit * 2, kbit * 320 // 147 + (code & 1), kbit * 3)[rate]
        view.need(position + 2 * words)
        position += 2 * words
        frames += 1
        view.mark(position)
    if frames < 6:
        raise NotThis
    return complete(position, WALKED if frames >= 10 else SIZED, f"{frames} frames one after another", frames=frames)


def _crc8(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc << 1 ^ 0x107 if crc & 0x80 else crc << 1
    return crc & 0xFF


def _crc16_table() -> tuple[int, ...]:
    table = []
    for index in range(256):
        value = index << 8
        for _ in range(8):
            value = value << 1 ^ 0x8005 if value & 0x8000 else value << 1
        table.append(value & 0xFFFF)
    return tuple(table)


_CRC16 = _crc16_table()


def _crc16(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
    return crc


def flac_header(data: bytes) -> tuple[int, int, int] | None:
    """Length, number and block size of the FLAC frame header that ``data`` begins with (RFC 9639), or None."""
    if len(data) < 6 or data[0] != 0xFF or data[1] & 0xFE != 0xF8 or data[2] >> 4 == 0 or data[2] & 15 == 15:
        return None
    if data[3] >> 4 > 10 or data[3] & 1:
        return None
    first = data[4]
    extra = 0 if first < 0x80 else next((n for n in range(1, 7) if first >> (6 - n) == (1 << (n + 1)) - 2), None)
    if extra is None:
        return None
    number = first if not extra else first & (1 << (6 - extra)) - 1
    for byte in data[5 : 5 + extra]:
        if byte & 0xC0 != 0x80:
            return None
        number = number << 6 | byte & 0x3F
    length = 5 + extra
    code, rate = data[2] >> 4, data[2] & 15
    if code in (6, 7):
        block = int.from_bytes(data[length : length + code - 5], "big") + 1
        length += code - 5
    else:
        block = 192 if code == 1 else 576 << code - 2 if code < 6 else 256 << code - 8
    length += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    if len(data) <= length or _crc8(data[:length]) != data[length]:
        return None
    return length + 1, number, block


def flac(view: View) -> Outcome:
    """FLAC: metadata blocks, then frames with CRC-8 and sequential numbers; the last one by its CRC-16."""
    position, total, biggest, facts = 4, 0, 1 << 24, dict[str, str | int | float]()
    texts: dict[str, str] = {}
    while True:
        view.step(10_000)
        kind, size = view.u8(position), view.b24(position + 1)
        if kind & 0x7F > 6 and kind & 0x7F != 127 or (position == 4 and (kind & 0x7F or size != 34)):
            raise Broken(position, "no metadata block where one must stand")
        view.need(position + 4 + size)
        if kind & 0x7F == 0 and not view.holed(position, 38):
            total = view.b64(position + 4 + 10) & (1 << 36) - 1
            biggest = view.b24(position + 4 + 7) or biggest
        elif kind & 0x7F == 4 and size < 1 << 20 and not view.holed(position + 4, size):
            texts = comments(view.take(position + 4, size))
        position += 4 + size
        view.mark(position)
        if kind & 0x80:
            break
    end = _flac_frames(view, position, total, min(biggest, 1 << 20))
    name = " - ".join(texts[key] for key in ("artist", "title") if texts.get(key))
    return complete(end, CHECKED, "frames in order by number and CRC", name=name, known=facts)


def _flac_frames(view: View, position: int, total: int, biggest: int) -> int:
    expected, samples = None, 0
    while True:
        view.step()
        found = flac_header(view.head(position, 16))
        if found is None:
            raise Broken(position, "no frame where one must stand")
        fixed = not view.u8(position + 1) & 1
        number = found[1]
        if expected is not None and number != expected:
            raise Broken(position, "frames out of order")
        expected = number + 1 if fixed else number + found[2]
        samples += found[2]
        last = bool(total) and samples >= total
        if last:
            return _flac_last(view, position, biggest)
        position = _flac_next(view, position, found[0], expected, total)
        view.mark(position)


def _flac_next(view: View, position: int, head: int, expected: int, total: int) -> int:
    search = position + head
    window = 64 << 10
    while True:
        data = view.run(search, window)
        if len(data) < 2:
            view.take(search, 2)
        at = data.find(b"\xff")
        while at >= 0:
            if at + 1 < len(data) and data[at + 1] & 0xFE == 0xF8:
                found = flac_header(view.peek(search + at, 16))
                if found is not None and found[1] == expected:
                    return search + at
            at = data.find(b"\xff", at + 1)
        if search + len(data) >= view.size:
            if not total:
                return _flac_last(view, position, 1 << 20)
            raise Ended(view.size)
        search += len(data) - 1
        if search - position > 1 << 21:
            raise Broken(position, "no next frame")


def _flac_last(view: View, position: int, biggest: int) -> int:
    data = view.peek(position, biggest + 16)
    crc = 0
    for index in range(len(data) - 2):
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ data[index]]
        if index > 8 and data[index + 1] == crc >> 8 and data[index + 2] == crc & 0xFF:
            return position + index + 3
    if len(data) < biggest + 16:
        view.take(position + len(data), 1)
    raise Broken(position, "the last frame has no valid CRC")


def comments(data: bytes) -> dict[str, str]:
    """Vorbis comments by their lower-case names."""
    texts: dict[str, str] = {}
    position = 4 + int.from_bytes(data[:4], "little")
    count = int.from_bytes(data[position : position + 4], "little")
    position += 4
    for _ in range(min(count, 200)):
        size = int.from_bytes(data[position : position + 4], "little")
        text = data[position + 4 : position + 4 + size].decode("utf-8", "replace")
        if size > len(data) or "=" not in text:
            break
        key, _, value = text.partition("=")
        texts.setdefault(key.lower(), value[:200])
        position += 4 + size
    return texts


_MIRROR = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def ogg_crc(data: bytes) -> int:
    """CRC-32 of an Ogg page (RFC 3533), its own field taken as zero by the caller: the polynomial of zlib's with the
    bits of every byte, and of the sum, the other way round.
    """
    mirrored = zlib.crc32(data.translate(_MIRROR), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRROR), "big")


_MOST_OGG_CHECKED = 8 << 20


def ogg(view: View) -> Outcome:
    """Ogg: pages with a CRC each, to the end of every stream; chained streams go on."""
    position, open_streams, seen, checked = 0, set[int](), 0, 0
    kind, texts = "ogg", dict[str, str]()
    while True:
        view.step()
        head = view.head(position, 27)
        if len(head) < 27 or head[:4] != b"OggS" or head[4]:
            if seen and not open_streams:
                break
            if len(head) < 27:
                view.need(position + 27)
            raise Broken(position, "no page where one must stand")
        flags, serial, count = head[5], int.from_bytes(head[14:18], "little"), head[26]
        lacing = view.take(position + 27, count)
        size = 27 + count + sum(lacing)
        view.need(position + size)
        if flags & 2:
            open_streams.add(serial)
        elif serial not in open_streams:
            if seen and not open_streams:
                break
            raise Broken(position, "a page of a stream that has not begun")
        if not view.holed(position, size) and checked < _MOST_OGG_CHECKED:
            page = bytearray(view.take(position, size))
            stored = int.from_bytes(page[22:26], "little")
            page[22:26] = b"\0\0\0\0"
            if ogg_crc(bytes(page)) != stored:
                raise Broken(position, "a page's CRC is wrong")
            checked += size
            body = bytes(page[27 + count :])
            if seen < 4:
                kind = "opus" if body.startswith(b"OpusHead") else "ogv" if body.startswith(b"\x80theora") else kind
                for mark in (b"\x03vorbis", b"OpusTags"):
                    if body.startswith(mark):
                        texts = comments(body[len(mark) :])
        if flags & 4:
            open_streams.discard(serial)
        position += size
        seen += 1
        view.mark(position)
    name = " - ".join(texts[key] for key in ("artist", "title") if texts.get(key))
    return complete(position, CHECKED, "pages to the end of every stream, CRCs right", extension=kind, name=name)


_AMR = (12, 13, 15, 17, 19, 20, 26, 31, 5, 6, 5, 5, 0, 0, 0, 0)
_AMR_WB = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 0, 0, 0, 0, 0, 0)


def amr(view: View) -> Outcome:
    """AMR narrow and wide band (RFC 4867)."""
    wide = view.take(0, 9) == b"#!AMR-WB\n"
    if not wide and view.take(0, 6) != b"#!AMR\n":
        raise NotThis
    position, frames, sizes = (9 if wide else 6), 0, (_AMR_WB if wide else _AMR)
    while position < view.size:
        view.step()
        head = view.u8(position)
        mode = head >> 3 & 15
        if head & 0x83 or (not sizes[mode] and mode not in (14, 15)) or not head & 4 and mode < 8 and frames == 0:
            break
        if position + 1 + sizes[mode] > view.size:
            break
        position += 1 + sizes[mode]
        frames += 1
        view.mark(position)
    if frames < 2:
        raise NotThis
    return complete(position, WALKED, f"{frames} frames one after another")


def au(view: View) -> Outcome:
    """Sun/NeXT audio."""
    head, size, code = view.b32(4), view.b32(8), view.b32(12)
    rate, channels = view.b32(16), view.b32(20)
    if not 24 <= head <= 4096 or not 1 <= code <= 27 or not 1000 <= rate <= 400_000 or not 0 < channels <= 32:
        raise NotThis
    view.mark(head)
    if size == 0xFFFFFFFF:
        raise Broken(8, "no length in the header")
    return complete(view.need(head + size), WALKED, "header and length")


_CAF_CHUNKS = frozenset(b"desc data pakt chan kuki strg mark regn inst info free uuid edct ovvw peak umid midi".split())


def caf(view: View) -> Outcome:
    """Apple Core Audio."""
    if view.b16(4) != 1 or view.b16(6):
        raise NotThis
    position, data = 8, False
    while position + 12 <= view.size:
        view.step()
        name = view.peek(position, 4)
        if name not in _CAF_CHUNKS:
            break
        size = view.b64(position + 4)
        if size >> 63:
            raise Broken(position, "a chunk of unknown length")
        position = view.need(position + 12 + size)
        data |= name == b"data"
        view.mark(position)
    if not data:
        raise Broken(position, "no sound in it")
    return complete(position, WALKED, "chunks to the last one")


def midi(view: View) -> Outcome:
    """Standard MIDI file: as many tracks as its header says."""
    if view.b32(4) != 6 or view.b16(8) > 2 or not 0 < view.b16(10) <= 1024:
        raise NotThis
    position, tracks = 14, view.b16(10)
    view.mark(14)
    while tracks:
        view.step()
        name = view.take(position, 4)
        if not name.isalpha():
            raise Broken(position, "no track where one must stand")
        position = view.need(position + 8 + view.b32(position + 4))
        tracks -= name == b"MTrk"
        view.mark(position)
    return complete(position, WALKED, "as many tracks as the header says")
