"""Seeded damage of every kind to a compound document, with what was hit. Shares nothing with the engine."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CRITICAL = (
    "major", "shift", "dir_count", "fat_count", "dir_start", "mini_start", "mini_count", "difat_start", "difat_count",
    "difat",
)  # fmt: skip
_NONE = 0xFFFFFFFE


@dataclass
class Facts:
    """An intact document, read in the plainest way."""

    data: bytes
    size: int
    header: dict[str, object]
    fat: list[int]
    words: tuple[int, ...]
    difat: list[int]
    directory: list[int]
    mini_fat: list[int]
    mini_stream: list[int]
    streams: dict[str, tuple[bytes, list[int], bool]] = field(default_factory=dict)

    def offset(self, sector: int) -> int:
        return (sector + 1) * self.size


def fields(data: bytes) -> dict[str, object]:
    """The critical header fields; special values for "none" count as equal."""
    major, shift = struct.unpack_from("<H2xH", data, 0x1A)
    dir_count, fat_count, dir_start = struct.unpack_from("<III", data, 0x28)
    mini_start, mini_count, difat_start, difat_count, *difat = struct.unpack_from("<113I", data, 0x3C)
    difat_start = _NONE if difat_start > 0xFFFFFFFA else difat_start
    mini_start = _NONE if mini_start > 0xFFFFFFFA else mini_start
    slots = tuple(word if word <= 0xFFFFFFFA else _NONE for word in difat)
    values = (major, shift, dir_count, fat_count, dir_start, mini_start, mini_count, difat_start, difat_count, slots)
    return dict(zip(CRITICAL, values, strict=True))


def facts_of(data: bytes) -> Facts:
    """Parse an intact document."""
    head = fields(data)
    size = 1 << int(head["shift"])  # type: ignore[call-overload]
    per = size // 4

    def sector(number: int) -> bytes:
        return data[(number + 1) * size : (number + 2) * size].ljust(size, b"\0")

    count = int(head["fat_count"])  # type: ignore[call-overload]
    fat = list(head["difat"])[:count]  # type: ignore[call-overload]
    difat, here = [], int(head["difat_start"])  # type: ignore[call-overload]
    while here <= 0xFFFFFFFA:
        difat.append(here)
        *part, here = struct.unpack(f"<{per}I", sector(here))
        fat += part
    fat = fat[:count]
    words = struct.unpack(f"<{per * count}I", b"".join(map(sector, fat)))

    def chain(start: int, table: tuple[int, ...]) -> list[int]:
        out = []
        while start <= 0xFFFFFFFA:
            out.append(start)
            start = table[start]
        return out

    directory = chain(int(head["dir_start"]), words)  # type: ignore[call-overload]
    mini_fat = chain(int(head["mini_start"]), words)  # type: ignore[call-overload]
    entries = b"".join(map(sector, directory))
    rows = [entries[at : at + 128] for at in range(0, len(entries), 128)]
    root_start = struct.unpack_from("<I", rows[0], 0x74)[0]
    mini_stream = chain(root_start, words) if struct.unpack_from("<I", rows[0], 0x78)[0] else []
    mini_words = struct.unpack(f"<{per * len(mini_fat)}I", b"".join(map(sector, mini_fat)))
    mini = b"".join(map(sector, mini_stream))
    facts = Facts(data, size, head, fat, words, difat, directory, mini_fat, mini_stream)

    def tree(number: int, above: str) -> None:
        if number == 0xFFFFFFFF:
            return
        row = rows[number]
        length = struct.unpack_from("<H", row, 0x40)[0]
        name = above + row[: length - 2].decode("utf-16-le")
        left, right, child = struct.unpack_from("<III", row, 0x44)
        start, length = struct.unpack_from("<II", row, 0x74)
        tree(left, above)
        if row[0x42] == 2:
            small = 0 < length < 4096
            sectors = chain(start, mini_words if small else words) if length else []
            body = b"".join(mini[s * 64 : s * 64 + 64] if small else sector(s) for s in sectors)[:length]
            real = sorted({mini_stream[s * 64 // size] for s in sectors}) if small else sectors
            facts.streams[name] = (body, real, small)
        else:
            tree(child, name + "/")
        tree(right, above)

    tree(struct.unpack_from("<I", rows[0], 0x4C)[0], "")
    return facts


@dataclass
class Damaged:
    """``data`` after the damage; ``holes`` nobody has read; ``hit`` sectors whose content is gone; ``lead`` bytes put
    in
    front (below 0: cut off); ``kept`` bytes of the original that are still there; ``exact``: header fields must come
    back."""

    kind: str
    data: bytes
    holes: list[tuple[int, int]] = field(default_factory=list)
    hit: set[int] = field(default_factory=set)
    exact: bool = True
    named: bool = True
    """Whether streams must come back under their names and paths."""


Kind = Callable[[Facts, random.Random], Damaged]


def _over(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


def _sectors(facts: Facts, sectors: list[int], how: str, rng: random.Random, data: bytes | None = None) -> bytes:
    out = bytearray(facts.data if data is None else data)
    for sector in sectors:
        at = facts.offset(sector)
        size = min(facts.size, len(out) - at)
        out[at : at + size] = bytes(size) if how == "zero" else rng.randbytes(size)
    return bytes(out)


def _wipe(data: bytes) -> bytes:
    return bytes(512) + data[512:]


def kinds(facts: Facts, other: bytes) -> Iterator[tuple[str, Kind]]:
    """Every kind that this document can suffer; ``other`` is another document, whose header is put on this."""
    yield "header zeroed", lambda f, r: Damaged("", _wipe(f.data))
    yield "header random", lambda f, r: Damaged("", r.randbytes(512) + f.data[512:])
    yield "header of another file", lambda f, r: Damaged("", other[:512] + f.data[512:])
    yield "header cut off", lambda f, r: Damaged("", f.data[f.size :])
    yield "shifted by sectors", lambda f, r: Damaged("", r.randbytes(512 * r.randrange(1, 9)) + f.data)
    yield "shifted by bytes", lambda f, r: Damaged("", r.randbytes(r.randrange(1, 3000)) + f.data)
    yield "shifted, header zeroed", lambda f, r: Damaged("", r.randbytes(512 * r.randrange(1, 9)) + _wipe(f.data))
    yield "shifted by bytes, header zeroed", lambda f, r: Damaged("", r.randbytes(777) + _wipe(f.data))
    places = {
        "signature": (0, 8), "version": (0x1A, 2), "byte order": (0x1C, 2), "sector shift": (0x1E, 2),
        "mini shift": (0x20, 2), "FAT count": (0x2C, 4), "directory start": (0x30, 4), "cut-off": (0x38, 4),
        "mini FAT start": (0x3C, 4), "mini FAT count": (0x40, 4), "DIFAT start": (0x44, 4), "DIFAT count": (0x48, 4),
        "first DIFAT slot": (0x4C, 4),
    }  # fmt: skip
    for name, (at, size) in places.items():
        yield f"{name} wrong", lambda f, r, at=at, size=size: Damaged("", _over(f.data, at, r.randbytes(size)))
        yield f"{name} zero", lambda f, r, at=at, size=size: Damaged("", _over(f.data, at, bytes(size)))
    for how in ("zero", "random"):
        yield f"a FAT sector {how}", lambda f, r, how=how: _fat(f, r, 1, how, False)
        yield f"a FAT sector {how}, header zeroed", lambda f, r, how=how: _fat(f, r, 1, how, True)
        yield f"half of the FAT {how}", lambda f, r, how=how: _fat(f, r, -(-len(f.fat) // 2), how, False)
        yield f"all of the FAT {how}", lambda f, r, how=how: _fat(f, r, len(f.fat), how, False)
        yield f"mini FAT {how}", lambda f, r, how=how: Damaged("", _sectors(f, f.mini_fat, how, r), hit=set(f.mini_fat))
        yield (
            f"mini FAT {how}, header zeroed",
            lambda f, r, how=how: Damaged(
                "", _wipe(_sectors(f, f.mini_fat, how, r)), hit=set(f.mini_fat), exact=how == "zero"
            ),
        )
        if facts.difat:
            yield f"DIFAT {how}", lambda f, r, how=how: Damaged("", _sectors(f, f.difat, how, r), hit=set(f.difat))
            yield (
                f"DIFAT {how}, header zeroed",
                lambda f, r, how=how: Damaged("", _wipe(_sectors(f, f.difat, how, r)), hit=set(f.difat)),
            )
        yield f"a directory sector {how}", lambda f, r, how=how: _directory(f, r, how, "one")
        yield f"first directory sector {how}", lambda f, r, how=how: _directory(f, r, how, "first")
        yield f"directory {how}", lambda f, r, how=how: _directory(f, r, how, "all")
    yield "cut off", _cut
    yield "cut off, header zeroed", lambda f, r: _cut(f, r, wipe=True)
    yield (
        "trailing junk",
        lambda f, r: Damaged("", f.data.ljust(-(-len(f.data) // 512) * 512, b"\0") + r.randbytes(5000)),
    )
    yield (
        "trailing junk, header zeroed",
        lambda f, r: Damaged("", _wipe(f.data.ljust(-(-len(f.data) // 512) * 512, b"\0")) + r.randbytes(5000)),
    )
    yield (
        "trailing zeros, header zeroed",
        lambda f, r: Damaged("", _wipe(f.data.ljust(-(-len(f.data) // 512) * 512, b"\0")) + bytes(20_000)),
    )
    yield "holes", _holes
    yield "holes, header unread", lambda f, r: _holes(f, r, header=True)


def _fat(facts: Facts, rng: random.Random, count: int, how: str, wipe: bool) -> Damaged:
    chosen = rng.sample(facts.fat, count)
    data = _sectors(facts, chosen, how, rng)
    # where header and the only mark of a FAT sector are gone, its place is a guess
    own = any(any(s // (facts.size // 4) == facts.fat.index(c) for s in chosen) for c in chosen)
    return Damaged("", _wipe(data) if wipe else data, hit=set(chosen), exact=not (wipe and own))


def _directory(facts: Facts, rng: random.Random, how: str, which: str) -> Damaged:
    chosen = {"one": [rng.choice(facts.directory)], "first": facts.directory[:1], "all": facts.directory}[which]
    return Damaged("", _sectors(facts, chosen, how, rng), hit=set(chosen), named=False)


def _cut(facts: Facts, rng: random.Random, wipe: bool = False) -> Damaged:
    keep = max(2, int(len(facts.data) * rng.uniform(0.5, 0.98)) // facts.size)
    data = facts.data[: keep * facts.size]
    total = -(-len(facts.data) // facts.size)
    gone = set(range(keep - 1, total))
    tables = gone & {*facts.fat, *facts.directory, *facts.mini_fat, *facts.difat}
    return Damaged("", _wipe(data) if wipe else data, hit=gone, exact=not tables, named=not tables)


def _holes(facts: Facts, rng: random.Random, header: bool = False) -> Damaged:
    total = -(-len(facts.data) // facts.size) - 1
    chosen = {rng.randrange(total) for _ in range(rng.randrange(1, 7))}
    holes = [(0, 512)] if header else []
    data = bytearray(facts.data)
    if header:
        data[:512] = bytes(512)
    for sector in chosen:
        at = facts.offset(sector)
        end = min(at + facts.size, len(data))
        data[at:end] = bytes(end - at)
        holes.append((at, end))
    directory = bool(chosen & set(facts.directory))
    lost = [k for k, sector in enumerate(facts.fat) if sector in chosen]
    guess = header and any(facts.fat[k] // (facts.size // 4) in lost for k in lost)
    guess |= header and bool(chosen & {*facts.difat, *facts.mini_fat, *facts.directory})
    return Damaged("", bytes(data), holes, chosen, exact=not guess, named=not directory)
