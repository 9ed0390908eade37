"""BitLocker and ReFS: recognised by their headers. Nobody but Windows writes them, so the facts are documentation's.

Facts: libbde's and dislocker's descriptions of BitLocker; libfsrefs' of ReFS.
"""

from __future__ import annotations

from engine.partitions.volumes.bits import is_power, u16, u32, u64, uuid
from engine.partitions.volumes.family import Family, Mark
from engine.partitions.volumes.model import Volume
from engine.partitions.volumes.sieve import has
from engine.partitions.volumes.view import Findings, View

_FVE = b"-FVE-FS-"
_TO_GO_GUIDS = (
    bytes.fromhex("3bd66749292ed84a8399f6a339e3d001"),
    bytes.fromhex("3b4da89280dd0e4d9e4eb1e3284eaed8"),
)
_REFS_BACK = 512


def examine_bitlocker(view: View) -> Volume | None:
    """BitLocker: boot sector with the places of three metadata blocks, or one of these blocks alone."""
    boot = view.get(0, 512)
    places: list[int] = []
    if boot is not None and boot[510:] == b"\x55\xaa":
        if boot[3:11] == _FVE:
            vista = boot[:3] == b"\xeb\x52\x90"  # names one block, by its cluster
            cluster = boot[0x0D] * u16(boot, 0x0B)
            places = [u64(boot, 0x38) * cluster] if vista else [u64(boot, 0xB0 + 8 * index) for index in range(3)]
        elif boot[3:11] == b"MSWIN4.1" and boot[424:440] in _TO_GO_GUIDS:
            places = [u64(boot, 440 + 8 * index) for index in range(3)]
    backup = not places
    for place in places or view.copies:
        block = view.get(place, 64) if 0 < place < 1 << 62 else None
        if block is not None and block[:8] == _FVE and (not backup or place in _blocks(block)):
            return _bitlocker(view, block, place, places or _blocks(block), backup)
    if backup:
        return None
    found = Findings(view)
    found.seen("boot sector", 0)
    for place in places:
        if 0 < place < 1 << 62:
            found.confirm("metadata block", place, 64, None if view.get(place, 64) is None else False)
    return Volume("BitLocker", view.start, None, confirmation=found.confirmation, evidence=found.evidence)


def _blocks(block: bytes) -> list[int]:
    """The three places, in the header of any metadata block."""
    return [u64(block, 32 + 8 * index) for index in range(3)]


def _bitlocker(view: View, block: bytes, place: int, places: list[int], backup: bool) -> Volume:
    found = Findings(view)
    if backup:
        found.problem("boot-sector-bad", f"the boot sector is bad, the metadata block at +{place} is good")
        found.seen("metadata block", place)
    else:
        found.seen("boot sector", 0)
        found.confirm("metadata block", place, 64, True)
    # A block does not say which of the three it is: by a block alone, all that can be read must be there.
    others = [(other, view.get(other, 64)) for other in places if other != place and 0 < other < 1 << 62]
    complete = all(data is None or data[:8] == _FVE for _, data in others)
    for other, data in others:
        if data is not None and (data[:8] == _FVE or backup):
            found.confirm("metadata block", other, 64, data[:8] == _FVE and (complete or not backup))
    name = view.get(place + 64, 48)
    size = u64(block, 16)
    return Volume(
        "BitLocker", view.start, size if 0 < size < 1 << 62 else None,
        uuid=_mixed(name[16:32]) if name else "", by_backup=backup,
        confirmation=found.confirmation, evidence=found.evidence, problems=found.problems,
    )  # fmt: skip


def _mixed(data: bytes) -> str:
    """A GUID: the first three groups are little-endian."""
    return uuid(data[3::-1] + data[5:3:-1] + data[7:5:-1] + data[8:])


def _locate_block(view: View) -> list[int]:
    data = view.get(0, 64)
    if data is None or data[:8] != _FVE:
        return []
    return [-place for place in _blocks(data) if 0 < place < 1 << 62]


def _refs_size(data: bytes) -> int | None:
    sectors, sector = u64(data, 24), u32(data, 32)
    if data[3:7] != b"ReFS" or data[16:20] != b"FSRS" or not is_power(sector, 512, 4096) or not sectors:
        return None
    if not is_power(u32(data, 36), 1, 128) or not 1 <= data[40] <= 3 or sectors * sector >= 1 << 63:
        return None
    return sectors * sector


def examine_refs(view: View) -> Volume | None:
    """ReFS: boot record, a copy of it in the last sector, and the superblock in block 30."""
    ends = [] if view.size is None else [view.size - _REFS_BACK]
    for place in (0, *view.copies, *ends):
        data = view.get(place, 512) if place >= 0 else None
        size = _refs_size(data) if data else None
        if data is None or size is None or (place and place != size - u32(data, 32)):
            continue
        found = Findings(view)
        found.seen("backup boot record" if place else "boot record", place)
        block = u32(data, 32) * u32(data, 36)
        if place:
            found.problem("boot-sector-bad", f"the boot record is bad, its backup at +{place} is good")
        else:
            copy = view.get(size - u32(data, 32), 512)
            if copy is not None and _refs_size(copy) == size:
                found.confirm("backup boot record", size - u32(data, 32), 512, True)
        head = view.get(30 * block, 48)
        good = None if head is None else head[:4] == b"SUPB" or u64(head, 0) == 30
        found.confirm("superblock", 30 * block, 48, good)
        return Volume(
            "ReFS", view.start, size, version=f"{data[40]}.{data[41]}", uuid=f"{u64(data, 56):016X}",
            block_size=block, sector_size=u32(data, 32), by_backup=place > 0, confirmation=found.confirmation,
            evidence=found.evidence, problems=found.problems,
        )  # fmt: skip
    return None


def _locate_refs(view: View) -> list[int]:
    data = view.get(0, 512)
    size = _refs_size(data) if data else None
    return [] if data is None or size is None else [0, u32(data, 32) - size]


FAMILIES = (
    Family("bitlocker", examine_bitlocker, (
        Mark(510, b"\x55\xaa", has(3, _FVE), (0,)), Mark(0, b"-F", has(0, _FVE), _locate_block),
    )),
    Family("refs", examine_refs, (Mark(4, b"eF", has(3, b"ReFS\0\0\0\0"), _locate_refs),)),
)  # fmt: skip
