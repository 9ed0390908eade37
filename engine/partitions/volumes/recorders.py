"""Disks of video recorders and surveillance systems: told apart by what is known of their first structures.

Facts: public readers of these systems. Each is only named here; reading recordings is another room's work.
"""

from __future__ import annotations

from engine.partitions.volumes.bits import b32, text, u32, u64
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.optical import read_tag
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_MEI_BLOCK, _MEI_GROUP = 0xC0000, 0xC0000 << 16
_MEI_MAGICS = ((b"MEIHDFS-V2.", 11), (b"HDFS2.", 6))
_PIONEER_BLOCK = 2048
_PIONEER = ((0x830, "545H or 550H"), (0x838, "633H"), (0x834, "520H"))


def examine_meihdfs(view: View) -> Volume | None:
    """Panasonic's file system: superblock at the start and again in every group of 51.5 GB."""
    for place in (0, *view.copies):
        data = view.get(place, 512) if place >= 0 and place % _MEI_GROUP == 0 else None
        version = _mei_version(data) if data else None
        if data is None or version is None:
            continue
        # A copy does not say which group it stands in: before the first there is none, and none is left out.
        if _mei_at(view, -_MEI_GROUP) or not all(_mei_at(view, at) for at in range(_MEI_GROUP, place, _MEI_GROUP)):
            continue
        found = Findings(view)
        found.seen(f"superblock of group {place // _MEI_GROUP}" if place else "superblock", place)
        if place:
            found.problem("superblock-bad", f"the superblock is bad, the copy at +{place} is good")
        numbers = [u32(data, 0x34 + 4 * index) for index in range(3)]
        blocks = u32(data, 0x2C)
        # One that does not fit on the disk, but would when it began a group earlier, is a copy whose first is lost.
        end, size = view.start + blocks * _MEI_BLOCK, view.peek.size
        misplaced = not place and end > size and view.start >= _MEI_GROUP and end - _MEI_GROUP <= size
        found.confirm("list of management blocks", place + 0x34, 12, numbers == [1, 2, 3] and not misplaced)
        return Volume(
            "meihdfs", view.start, blocks * _MEI_BLOCK if blocks else None, version=version, block_size=_MEI_BLOCK,
            by_backup=place > 0, confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _mei_at(view: View, place: int) -> bool:
    data = view.get(place, 512)
    return data is not None and _mei_version(data) is not None


def _mei_version(data: bytes) -> str | None:
    for magic, length in _MEI_MAGICS:
        digit = data[8 + length : 9 + length]
        if data[8 : 8 + length] == magic and digit.isdigit():
            return "2." + digit.decode("ascii")
    return None


def _locate_meihdfs(view: View) -> list[int]:
    data = view.get(0, 512)
    if data is None or _mei_version(data) is None:
        return []
    # A copy does not say which group it stands in: every start on the disk that it may belong to.
    return [-group * _MEI_GROUP for group in range(min(view.start // _MEI_GROUP, 1024) + 1)]


def examine_pioneer(view: View) -> Volume | None:
    """Pioneer and Sony: no signature anywhere. Pointers in block 1 lead to a directory whose blocks lie behind it."""
    data = view.get(0x800, 128)
    if data is None or any(data[:0x20]) or data[0x20:0x60] == bytes(64):
        return None
    for place, model in _PIONEER:
        directory = b32(data, place - 0x800)
        if not 16 <= directory < 1 << 31:
            continue
        head = view.get(directory * _PIONEER_BLOCK, 256)
        blocks = [b32(head, 8 * index) for index in range(32)] if head else []
        used = [block for block in blocks if block]
        near = bool(used) and all(directory < block < directory + (1 << 20) for block in used)
        if head is not None and near and len(set(used)) == len(used):
            found = Findings(view)
            found.seen("pointers in block 1", 0x800)
            found.confirm("title directory", directory * _PIONEER_BLOCK, 256, True)
            return Volume("pioneer", view.start, None, version=model, block_size=_PIONEER_BLOCK,
                          confirmation=found.confirmation, evidence=found.evidence)  # fmt: skip
    return None


def _swapped(data: bytes) -> bytes:
    """The two bytes of every word exchanged."""
    both = bytearray(data)
    both[0::2], both[1::2] = data[1::2], data[0::2]
    return bytes(both)


def examine_swapped_udf(view: View) -> Volume | None:
    """UDF as Toshiba and others write it: every 16-bit word swapped."""
    found = Findings(view)
    names = [_swapped(data)[1:6] if (data := view.get(32768 + 2048 * number, 8)) else b"" for number in range(3)]
    if b"NSR02" not in names and b"NSR03" not in names:
        return None
    found.seen("volume recognition sequence, words swapped", 32768)
    for sector in (2048, 512):
        data = view.get(256 * sector, 512)
        tag = read_tag(_swapped(data)) if data else None
        if tag is not None and tag.kind == 2 and tag.location == 256:
            found.confirm("anchor, words swapped", 256 * sector, 512, True)
    return Volume("udf-swapped", view.start, None, confirmation=found.confirmation, evidence=found.evidence)


def examine_bare_udf(view: View) -> Volume | None:
    """Panasonic's early disks: a UDF tree that begins with its file set descriptor, without any volume around it."""
    data = view.get(0, 512)
    tag = read_tag(data) if data else None
    if data is None or tag is None or tag.kind != 256:
        return None
    found = Findings(view)
    found.seen("file set descriptor", 0)
    root = u32(data, 404) * 2048
    entry = view.get(root, 512)
    head = read_tag(entry) if entry else None
    good = None if entry is None else head is not None and head.kind in (261, 266)
    found.confirm("root directory", root, 512, good)
    return Volume("udf-bare", view.start, None, block_size=2048, confirmation=found.confirmation,
                  evidence=found.evidence)  # fmt: skip


def examine_others(view: View) -> Volume | None:
    """Systems that are known by one signature at the beginning of the disk."""
    data = view.get(0, 1024)
    if data is None:
        return None
    kind, version, size, where = "", "", None, 0
    if data[:7] == b"DHFS4.1":
        kind, version = "dhfs", "4.1"
    elif data[:5] == b"WFS0." and data[5:6] in (b"4", b"5"):
        kind, version = "wfs", data[3:6].decode("ascii")
    elif data[0x210:0x222] == b"HIKVISION@HANGZHOU":
        kind, version, where, size = "hikvision", text(data[0x230:0x250]), 0x210, u64(data, 0x248) or None
    elif data[:2] in (b"\x14\x92", b"\x92\x14"):
        first = view.get(512, 2)
        kind = "tivo" if first in (b"PM", b"MP") else ""
    else:
        words = b"".join(data[index : index + 4][::-1] for index in range(0, 48, 4))
        if any(b"TOPFIELD" in line[4:32] for line in (data[:48], _swapped(data[:48]), words)):
            kind = "topfield"
    if not kind:
        return None
    found = Findings(view)
    found.confirm("signature", where, 16, True)
    return Volume(kind, view.start, size, version=version, confirmation=found.confirmation, evidence=found.evidence)


FAMILIES = (
    Family("meihdfs", examine_meihdfs, (
        Mark(8, b"ME", has(8, b"MEIHDFS-V2."), _locate_meihdfs), Mark(8, b"HD", has(8, b"HDFS2."), _locate_meihdfs),
    )),
    Family("swapped udf", examine_swapped_udf),
    Family("bare udf", examine_bare_udf),
    Family("recorders", examine_others),
    Family("pioneer", examine_pioneer),
)  # fmt: skip
