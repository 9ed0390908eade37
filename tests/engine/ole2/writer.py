"""A writer of compound documents of its own, for tests: it shares nothing with the engine but the specification.

It can lay a document out in ways that applications do and ways that they rarely do: tables in front, between or behind,
in any order, chains in pieces, outdated copies in free sectors, 512- and 4096-byte sectors, no marks.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

FREE, END, FAT, DIF = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC


@dataclass
class Layout:
    """``tables``: front, between, behind or mixed. ``pieces``: into how many runs a long chain is cut. ``stale``:
    outdated copies of FAT and directory sectors in free sectors. ``marks``: whether the FAT marks itself."""

    sector: int = 512
    tables: str = "behind"
    pieces: int = 1
    stale: bool = False
    marks: bool = True
    free: int = 0
    seed: int = 1
    root_name: str = "Root Entry"
    class_id: bytes = bytes(16)
    short_last: bool = False
    saved: int = 0


@dataclass
class Written:
    """The file and what is where in it, by sector numbers."""

    data: bytes
    streams: dict[str, bytes]
    sector: int
    fat: list[int]
    difat: list[int]
    directory: list[int]
    mini_fat: list[int]
    chains: dict[str, list[int]] = field(default_factory=dict)
    kinds: dict[int, str] = field(default_factory=dict)
    small: set[str] = field(default_factory=set)

    def offset(self, sector: int) -> int:
        return (sector + 1) * self.sector


class _Node:
    def __init__(self, name: str, kind: int, data: bytes = b"") -> None:
        self.name, self.kind, self.data = name, kind, data
        self.children: dict[str, _Node] = {}
        self.number = 0
        self.left = self.right = self.child = FREE
        self.start, self.size = 0, len(data)


def _order(name: str) -> tuple[int, bytes]:
    return len(name.encode("utf-16-le", "surrogatepass")), name.upper().encode("utf-16-be", "surrogatepass")


def write(streams: Mapping[str, bytes], layout: Layout | None = None) -> Written:
    """A document with these streams (path with ``/`` -> content)."""
    layout = layout or Layout()
    rng = random.Random(layout.seed)
    size, per = layout.sector, layout.sector // 4
    root = _Node(layout.root_name, 5)
    for path, data in streams.items():
        here = root
        *above, name = path.split("/")
        for part in above:
            here = here.children.setdefault(part, _Node(part, 1))
        here.children[name] = _Node(name, 2, data)
    nodes = [root]
    _number(root, nodes)
    # small streams
    mini_words: list[int] = []
    mini = bytearray()
    chains: dict[str, bytes] = {}
    paths = {id(node): path for path, node in _paths(root)}
    small = set()
    for node in nodes:
        if node.kind != 2:
            continue
        if 0 < node.size < 4096:
            small.add(paths[id(node)])
            count = -(-node.size // 64)
            node.start = len(mini_words)
            mini_words += [*range(node.start + 1, node.start + count), END]
            mini += node.data.ljust(count * 64, b"\0")
        elif node.size:
            chains[paths[id(node)]] = node.data
        else:
            node.start = END
    root.size = len(mini)
    if mini:
        chains["(mini stream)"] = bytes(mini)
        words = mini_words + [FREE] * (-len(mini_words) % per)
        chains["(mini FAT)"] = struct.pack(f"<{len(words)}I", *words)
    entries = -(-len(nodes) * 128 // size) * size
    chains["(directory)"] = bytes(entries)
    lengths = {name: -(-len(data) // size) for name, data in chains.items()}
    content = sum(lengths.values()) + layout.free + (4 if layout.stale else 0)
    fat_count = difat_count = 0
    while True:
        total = content + fat_count + difat_count
        need = -(-total // per)
        need_difat = max(0, -(-(need - 109) // (per - 1)))
        if (need, need_difat) == (fat_count, difat_count):
            break
        fat_count, difat_count = max(need, fat_count), max(need_difat, difat_count)
    places = _places(layout, rng, lengths, fat_count, difat_count)
    fat, difat = places.pop("(FAT)"), places.pop("(DIFAT)", [])
    free = places.pop("(free)", [])
    if layout.tables == "mixed":
        rng.shuffle(fat)
    words = [FREE] * (fat_count * per)
    for sectors in places.values():
        for here, following in zip(sectors, [*sectors[1:], END], strict=True):
            words[here] = following
    for mark, sectors in ((FAT, fat), (DIF, difat)):
        for sector in sectors:
            words[sector] = mark if layout.marks else END
    for node in nodes:
        if node.kind == 2 and node.size >= 4096:
            node.start = places[paths[id(node)]][0]
    root.start = places["(mini stream)"][0] if mini else END
    directory = b"".join(_entry(node, layout) for node in nodes)
    unused = bytes(68) + b"\xff" * 12 + bytes(48)
    directory += unused * ((entries - len(directory)) // 128)
    chains["(directory)"] = directory
    body = bytearray((content + fat_count + difat_count) * size)

    def put(sector: int, data: bytes) -> None:
        body[sector * size : sector * size + len(data)] = data

    for name, sectors in places.items():
        padded = chains[name].ljust(lengths[name] * size, b"\0")
        for number, sector in enumerate(sectors):
            put(sector, padded[number * size : (number + 1) * size])
    table = struct.pack(f"<{len(words)}I", *words)
    for number, sector in enumerate(fat):
        put(sector, table[number * size : (number + 1) * size])
    for number, sector in enumerate(difat):
        part = fat[109 + number * (per - 1) : 109 + (number + 1) * (per - 1)]
        part += [FREE] * (per - 1 - len(part))
        put(sector, struct.pack(f"<{per}I", *part, difat[number + 1] if number + 1 < len(difat) else END))
    if layout.stale:
        for sector, old in zip(free, (directory[:size], table[:size], directory[-size:]), strict=False):
            put(sector, old)
    head = _header(size, places, fat, difat)
    data = head.ljust(size, b"\0") + bytes(body)
    if layout.short_last and fat_count + difat_count + content - 1 in [s[-1] for s in places.values()]:
        data = data[: len(data) - size // 2] if not any(data[-size // 2 :]) else data
    kinds = {s: name for name, sectors in places.items() for s in sectors}
    kinds |= dict.fromkeys(fat, "(FAT)") | dict.fromkeys(difat, "(DIFAT)")
    return Written(
        data, dict(streams), size, fat, difat, places["(directory)"], places.get("(mini FAT)", []), places, kinds, small
    )


def _places(
    layout: Layout, rng: random.Random, lengths: Mapping[str, int], fat_count: int, difat_count: int
) -> dict[str, list[int]]:
    """Sector numbers for everything."""
    parts: list[tuple[str, int]] = []
    for name, length in lengths.items():
        cuts = sorted(rng.sample(range(1, length), min(layout.pieces - 1, length - 1))) if length > 1 else []
        edges = [0, *cuts, length]
        parts += [(name, high - low) for low, high in zip(edges, edges[1:], strict=False)]
    tables = [("(FAT)", 1)] * fat_count + [("(DIFAT)", 1)] * difat_count
    spare = [("(free)", 1)] * (layout.free + (4 if layout.stale else 0))
    if layout.pieces > 1:
        rng.shuffle(parts)
    if layout.tables == "front":
        parts = tables + parts + spare
    elif layout.tables == "behind":
        parts = spare + parts + tables
    else:
        single = [(name, 1) for name, count in parts for _ in range(count)] if layout.tables == "between" else parts
        parts = single + spare
        for one in tables:
            parts.insert(rng.randrange(len(parts) + 1), one)
    out: dict[str, list[int]] = {}
    here = 0
    for name, count in parts:
        out.setdefault(name, []).extend(range(here, here + count))
        here += count
    return out


def _paths(root: _Node, above: str = "") -> list[tuple[str, _Node]]:
    out = []
    for child in root.children.values():
        out.append((above + child.name, child))
        out += _paths(child, above + child.name + "/")
    return out


def _number(node: _Node, nodes: list[_Node]) -> None:
    for child in node.children.values():
        child.number = len(nodes)
        nodes.append(child)
    node.child = _tree(sorted(node.children.values(), key=lambda one: _order(one.name)))
    for child in node.children.values():
        _number(child, nodes)


def _tree(ordered: list[_Node]) -> int:
    if not ordered:
        return FREE
    middle = len(ordered) // 2
    top = ordered[middle]
    top.left, top.right = _tree(ordered[:middle]), _tree(ordered[middle + 1 :])
    return top.number


def _entry(node: _Node, layout: Layout) -> bytes:
    name = node.name.encode("utf-16-le", "surrogatepass") + b"\0\0"
    class_id = layout.class_id if node.kind == 5 else bytes(16)
    times = (0, layout.saved) if node.kind == 5 else (0, 0)
    return struct.pack(
        "<64sHBBIII16sIQQIQ", name, len(name), node.kind, 1, node.left, node.right, node.child, class_id, 0, *times,
        node.start if node.kind != 1 else 0, node.size if node.kind != 1 else 0,
    )  # fmt: skip


def _header(size: int, places: Mapping[str, list[int]], fat: list[int], difat: list[int]) -> bytes:
    wide = size == 4096
    mini = places.get("(mini FAT)", [])
    directory = places["(directory)"]
    slots = (fat + [FREE] * 109)[:109]
    return struct.pack(
        "<8s16sHHHHH6sIIIIIIIII109I", bytes.fromhex("D0CF11E0A1B11AE1"), bytes(16), 0x3E, 4 if wide else 3, 0xFFFE,
        12 if wide else 9, 6, bytes(6), len(directory) if wide else 0, len(fat), directory[0], 0, 4096,
        mini[0] if mini else END, len(mini), difat[0] if difat else END, len(difat), *slots,
    )  # fmt: skip


def biff(records: int, seed: int = 1) -> bytes:
    """A workbook stream: a globals part and a sheet of numbers and labels."""
    rng = random.Random(seed)
    strings = [f"text {n} \u00e9" for n in range(8)]
    shared = b"".join(struct.pack("<HB", len(s), 1) + s.encode("utf-16-le") for s in strings)
    sst = struct.pack("<II", len(strings), len(strings)) + shared
    bof = struct.pack("<HHHHII", 0x0600, 5, 0x1000, 2000, 0, 6)
    name = b"Sheet1"
    globals_size = 4 + 16 + 4 + 8 + len(name) + 4 + len(sst) + 4
    sheet = struct.pack("<HH", 0x0085, 8 + len(name)) + struct.pack("<IHBB", globals_size, 0, len(name), 0) + name
    out = struct.pack("<HH", 0x0809, 16) + bof + sheet + struct.pack("<HH", 0x00FC, len(sst)) + sst
    out += struct.pack("<HH", 0x000A, 0)
    out += struct.pack("<HH", 0x0809, 16) + struct.pack("<HHHHII", 0x0600, 0x10, 0x1000, 2000, 0, 6)
    for number in range(records):
        row, column = divmod(number, 8)
        if rng.random() < 0.5:
            out += struct.pack("<HHHHHd", 0x0203, 14, row, column, 15, rng.randrange(10**6) / 4)
        else:
            out += struct.pack("<HHHHHI", 0x00FD, 10, row, column, 15, rng.randrange(len(strings)))
    return out + struct.pack("<HH", 0x000A, 0)


def fib(text: str, size: int, seed: int = 1) -> tuple[bytes, bytes]:
    """A WordDocument stream of at least ``size`` bytes with ``text`` in it, and its table stream."""
    rng = random.Random(seed)
    fc = 0x800
    body = text.encode("utf-16-le")
    total = max(size, fc + len(body))
    pieces = struct.pack("<II", 0, len(text)) + struct.pack("<HIH", 0, fc, 0)
    clx = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    table = rng.randbytes(5000) + clx
    table = table.ljust(-(-len(table) // 64) * 64, b"\0")
    head = bytearray(0x382)
    struct.pack_into("<HHHHHH", head, 0, 0xA5EC, 0xC1, 0, 0x409, 0, 0x0200)
    struct.pack_into("<II", head, 0x18, fc, fc + len(body))
    struct.pack_into("<HH", head, 0x20, 14, 0)
    struct.pack_into("<I", head, 0x40, total)
    struct.pack_into("<I", head, 0x4C, len(text))
    struct.pack_into("<II", head, 0x1A2, 5000, len(clx))
    data = bytes(head).ljust(fc, b"\0") + body
    return data + rng.randbytes(total - len(data)), table


def summary(saved: int = 0, pad: int = 0) -> bytes:
    """A summary information stream, with the time of the last saving when it is not 0."""
    fmtid = bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9")
    properties = [(1, struct.pack("<IhH", 2, 1252, 0))]
    if saved:
        properties.append((13, struct.pack("<IQ", 0x40, saved)))
    at, places, values = 8 + 8 * len(properties), b"", b""
    for number, value in properties:
        places += struct.pack("<II", number, at + len(values))
        values += value
    section = struct.pack("<II", at + len(values), len(properties)) + places + values
    out = struct.pack("<HHI16sI", 0xFFFE, 0, 0x20005, bytes(16), 1) + fmtid + struct.pack("<I", 48) + section
    return out.ljust(pad, b"\0")


def powerpoint(count: int, seed: int = 1) -> bytes:
    """A presentation stream: a document container and some slides."""
    rng = random.Random(seed)
    out = struct.pack("<HHI", 0x000F, 0x03E8, 40) + rng.randbytes(40)
    for number in range(count):
        text = f"Slide {number} t\u00e9xt".encode("utf-16-le")
        atom = struct.pack("<HHI", 0, 0x0FA0, len(text)) + text
        rest = rng.randbytes(rng.randrange(100, 900))
        atom += struct.pack("<HHI", 0, 0x0FF3, len(rest)) + rest
        out += struct.pack("<HHI", 0x000F, 0x03EE, len(atom)) + atom
    return out


def workbook(seed: int = 1, rows: int = 1500) -> dict[str, bytes]:
    """Streams of an Excel document."""
    return {
        "Workbook": biff(rows, seed), "\x05SummaryInformation": summary(pad=4096),
        "\x05DocumentSummaryInformation": summary(), "\x01CompObj": b"\x01\0\xfe\xff\x03\x0a" + bytes(70),
    }  # fmt: skip


def letter(seed: int = 1, size: int = 30_000) -> dict[str, bytes]:
    """Streams of a Word document with an embedded one in a storage."""
    rng = random.Random(seed)
    main, table = fib("Dear t\u00e9sters, " * 40, size, seed)
    return {
        "WordDocument": main, "1Table": table, "Data": rng.randbytes(9000), "\x05SummaryInformation": summary(pad=4096),
        "ObjectPool/_1/\x01Ole": b"\x01\0\0\x02" + bytes(16), "ObjectPool/_1/Contents": rng.randbytes(700),
        "ObjectPool/_2/Workbook": biff(200, seed), "\x01CompObj": b"\x01\0\xfe\xff\x03\x0a" + bytes(70),
        "Empty": b"",
    }  # fmt: skip


def slides(seed: int = 1, count: int = 60) -> dict[str, bytes]:
    """Streams of a PowerPoint document."""
    rng = random.Random(seed)
    user = struct.pack("<HHIIII", 0, 0x0FF6, 24, 20, 0xE391C05F, 0) + struct.pack("<HHBBH", 0, 0x3F4, 3, 0, 0)
    picture = struct.pack("<HHI", 0x6E0 << 0, 0xF01E, 6000) + rng.randbytes(6000)
    return {
        "PowerPoint Document": powerpoint(count, seed), "Current User": user + struct.pack("<I", 8),
        "Pictures": picture, "\x05SummaryInformation": summary(pad=4096), "\x05DocumentSummaryInformation": summary(),
    }  # fmt: skip
