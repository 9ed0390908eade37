"""Moving pictures: Matroska, MPEG program and transport streams, ASF, FLV, RealMedia."""

from __future__ import annotations

from engine.carve.outcome import SIZED, WALKED, Outcome, Status, complete
from engine.carve.view import Broken, Ended, NotThis, Unread, View

_LEVEL1 = frozenset(
    (0x114D9B74, 0x1549A966, 0x1F43B675, 0x1654AE6B, 0x1C53BB6B, 0x1941A469, 0x1043A770, 0x1254C367, 0xEC, 0xBF)
)


def _ebml_id(view: View, position: int) -> tuple[int, int]:
    first = view.u8(position)
    length = next((n for n in range(1, 5) if first >> (8 - n)), None)
    if length is None:
        raise Broken(position, "no element where one must stand")
    return int.from_bytes(view.take(position, length), "big"), position + length


def _ebml_size(view: View, position: int) -> tuple[int | None, int]:
    first = view.u8(position)
    length = next((n for n in range(1, 9) if first >> (8 - n)), None)
    if length is None:
        raise Broken(position, "no element size where one must stand")
    value = int.from_bytes(view.take(position, length), "big") & (1 << 7 * length) - 1
    return (None if value == (1 << 7 * length) - 1 else value), position + length


def matroska(view: View) -> Outcome:
    """Matroska and WebM (RFC 9559): elements of level 1 to the segment's end."""
    size, position = _ebml_size(view, 4)
    if size is None or size > 4096:
        raise NotThis
    head = view.take(position, size)
    extension = "webm" if b"webm" in head else "mkv" if b"matroska" in head else None
    if extension is None:
        raise NotThis
    position += size
    view.mark(position)
    name, position = _ebml_id(view, position)
    if name != 0x18538067:
        raise Broken(position, "no segment")
    size, position = _ebml_size(view, position)
    end = None if size is None else position + size
    clusters = 0
    while end is None or position < end:
        view.step()
        if end is None and position >= view.size:
            break
        begun = position
        try:
            name, position = _ebml_id(view, position)
            if name not in _LEVEL1:
                raise Broken(begun, "no element where one must stand")
        except (Broken, Ended):
            if end is None and clusters:
                return complete(begun, SIZED, "a live recording: elements to the last one", extension=extension)
            raise
        size, position = _ebml_size(view, position)
        if size is None:
            position = _unknown_cluster(view, position)
        else:
            if end is not None and position + size > end:
                raise Broken(begun, "an element larger than the segment")
            position = view.need(position + size)
        clusters += name == 0x1F43B675
        view.mark(position)
    return complete(position, WALKED, "elements to the segment's end", extension=extension)


def _unknown_cluster(view: View, position: int) -> int:
    while position < view.size:
        view.step(10_000_000)
        begun = position
        try:
            name, position = _ebml_id(view, position)
            if name not in (0xE7, 0xA7, 0xAB, 0xA3, 0xA0, 0xAF, 0x5854):
                return begun
            size, position = _ebml_size(view, position)
        except (Broken, Ended):
            return begun
        if size is None or position + size > view.size:
            return begun
        position += size
    return position


_PES = frozenset((0xBB, 0xBC, 0xBD, 0xBE, 0xBF, *range(0xC0, 0xF3), 0xFF, 0xFD))


def program_stream(view: View) -> Outcome:
    """MPEG-1 and MPEG-2 program streams (ISO/IEC 13818-1 2.5): packs and PES packets by their lengths."""
    position, packs, clock = 0, 0, None
    while True:
        view.steps += 1
        head = view.head(position, 14)
        if len(head) < 4:
            break
        if head[:3] != b"\0\0\1":
            break
        code = head[3]
        if code == 0xB9:
            position += 4
            if view.peek(position, 4) == b"\0\0\1\xba":
                continue
            view.mark(position)
            if packs < 2:
                raise NotThis
            return complete(position, WALKED, "packs to the end code", packs=packs)
        if code == 0xBA:
            if len(head) < 14:
                raise Ended(view.size)
            if head[4] >> 6 == 1:
                if not head[4] & 4 or not head[6] & 4 or not head[8] & 4 or not head[9] & 1 or head[12] & 3 != 3:
                    break
                scr = (
                    (head[4] >> 3 & 7) << 30
                    | (head[4] & 3) << 28
                    | head[5] << 20
                    | (head[6] >> 3) << 15
                    | (head[6] & 3) << 13
                    | head[7] << 5
                    | head[8] >> 3
                )
                position += 14 + (head[13] & 7)
            elif head[4] >> 4 == 2:
                scr = (head[4] >> 1 & 7) << 30 | head[5] << 22 | (head[6] >> 1) << 15 | head[7] << 7 | head[8] >> 1
                position += 12
            else:
                break
            if clock is None:
                clock = scr
            packs += 1
            view.mark(position)
        elif code in _PES:
            size = int.from_bytes(head[4:6], "big")
            if len(head) < 6 or position + 6 + size > view.size:
                if packs < 3:
                    raise NotThis
                raise Ended(view.size)
            position += 6 + size
            view.good = max(view.good, position)
        else:
            break
    if packs < 3:
        raise NotThis
    return complete(min(position, view.size), WALKED, "packs to the last one", packs=packs)


def transport_stream(view: View) -> Outcome:
    """MPEG transport stream, 188-byte packets or 192 with a time stamp (M2TS)."""
    stride, offset = (192, 4) if view.peek(4, 1) == b"\x47" and view.peek(196, 1) == b"\x47" else (188, 0)
    position, packets, lost = 0, 0, 0
    while position + stride <= view.size:
        most = min((view.size - position) // stride, 4096) * stride
        try:
            data = view.take(position, most)
        except Unread as error:
            most = (error.position - position) // stride * stride
            if most <= 0:
                raise
            data = view.take(position, most)
        syncs = data[offset::stride]
        flags = data[offset + 3 :: stride]
        for index, sync in enumerate(syncs):
            if sync == 0x47 and flags[index] & 0x30:
                packets += 1
                lost = 0
                continue
            lost += 1
            if lost > 2 or packets < 5:
                if packets < 10:
                    raise NotThis
                end = position + (index + 1 - lost) * stride
                return complete(end, WALKED, f"{packets} packets one after another",
                                extension="m2ts" if stride == 192 else "ts", packets=packets)  # fmt: skip
        position += most
        view.mark(position - lost * stride)
    if packets < 10:
        raise NotThis
    end = position - lost * stride
    return complete(end, WALKED, f"{packets} packets one after another", extension="m2ts" if stride == 192 else "ts",
                    packets=packets)  # fmt: skip


_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_ASF_OBJECTS = frozenset((
    _ASF_DATA, bytes.fromhex("90080033b1e5cf1189f400a0c90349cb"), bytes.fromhex("d329e2d6da35d111903400a0c90349be"),
    bytes.fromhex("f803b1fead12644c840f2a1d2f7ad48c"), bytes.fromhex("d03fb73c4a0c0348953dedf7b6228f0c"),
))  # fmt: skip
_AUDIO_GUID = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")
_VIDEO_GUID = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")


def asf(view: View) -> Outcome:
    """ASF: WMV, WMA."""
    size = view.u64(16)
    if not 30 <= size <= 64 << 20:
        raise NotThis
    head = view.take(0, size)
    extension = "wmv" if _VIDEO_GUID in head else "wma" if _AUDIO_GUID in head else "asf"
    view.mark(size)
    position, data = size, False
    while position + 24 <= view.size:
        view.step()
        guid = view.peek(position, 16)
        if guid not in _ASF_OBJECTS:
            break
        length = view.u64(position + 16)
        if length < 24:
            raise Broken(position, "an object smaller than its header")
        position = view.need(position + length)
        data |= guid == _ASF_DATA
        view.mark(position)
    if not data:
        raise Broken(position, "no data object")
    return complete(position, WALKED, "objects to the last one", extension=extension)


def flv(view: View) -> Outcome:
    """Flash video: tags, each followed by its own size."""
    if view.u8(4) & 0xFA or view.b32(5) != 9 or view.b32(9):
        raise NotThis
    position, tags = 13, 0
    while position + 15 <= view.size:
        view.step(50_000_000)
        kind, size = view.u8(position), view.b24(position + 1)
        if kind & 0x1F not in (8, 9, 18) or kind & 0xC0 or view.b24(position + 8):
            break
        view.need(position + 15 + size)
        if view.b32(position + 11 + size) != 11 + size:
            raise Broken(position, "a tag's size is not repeated after it")
        position += 15 + size
        tags += 1
        view.mark(position)
    if not tags:
        raise NotThis
    return complete(position, WALKED, f"{tags} tags, each with its size repeated")


def real(view: View) -> Outcome:
    """RealMedia."""
    position, data = 0, False
    while position + 8 <= view.size:
        view.step()
        name, size = view.peek(position, 4), view.b32(position + 4)
        if name not in (b".RMF", b"PROP", b"MDPR", b"CONT", b"DATA", b"INDX", b"RMMD", b"RJMD", b"RMJE"):
            break
        if size < 8 and not (name == b"DATA" and not size):
            raise Broken(position, "a chunk smaller than its header")
        if name == b"DATA" and not size:
            return Outcome(view.size, Status.OPEN, SIZED, "its data have no length")
        position = view.need(position + size)
        data |= name == b"DATA"
        view.mark(position)
    if not data:
        raise NotThis
    return complete(position, WALKED, "chunks to the last one")
