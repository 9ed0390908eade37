"""The header as a sheet of fields: what stands there, what belongs there, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.ole2.model import Header
from engine.ole2.structs import END, FREE, HEADER_SLOTS, SIGNATURE

if TYPE_CHECKING:
    from engine.ole2.solver import Candidate

STANDARD, CRITICAL, FREE_CHOICE = "standard", "critical", "any"
LETTERS = {STANDARD: "S", CRITICAL: "C", FREE_CHOICE: "i"}
"""S standard: the same in practically every file. C critical: this file's own. i: any value opens."""


@dataclass(frozen=True, slots=True)
class Line:
    """A field. ``present`` and ``computed`` are numbers or bytes; ``present`` None when nobody has read it;
    ``computed``
    None when nothing is known. ``ok``: the present value may stay. ``name`` is the key of ``Header``."""

    name: str
    label: str
    offset: int
    size: int
    field_class: str
    present: int | bytes | None
    computed: int | bytes | None
    ok: bool
    why: str

    @property
    def letter(self) -> str:
        """S, C or i."""
        return LETTERS[self.field_class]

    def to_json(self) -> dict[str, Any]:
        """JSON values; bytes as hexadecimal digits."""
        present, computed = (one.hex() if isinstance(one, bytes) else one for one in (self.present, self.computed))
        return {
            "name": self.name, "label": self.label, "offset": self.offset, "size": self.size,
            "value": present, "class": self.field_class, "expected": computed, "ok": self.ok, "why": self.why,
        }  # fmt: skip


_FIELDS: tuple[tuple[str, str, int, int, str], ...] = (
    ("signature", "signature", 0x00, 8, STANDARD),
    ("class_id", "class id", 0x08, 16, STANDARD),
    ("minor_version", "revision (minor version)", 0x18, 2, FREE_CHOICE),
    ("major_version", "version (major)", 0x1A, 2, CRITICAL),
    ("byte_order", "byte order", 0x1C, 2, STANDARD),
    ("sector_shift", "sector shift", 0x1E, 2, CRITICAL),
    ("mini_sector_shift", "mini sector shift", 0x20, 2, STANDARD),
    ("reserved", "reserved", 0x22, 6, STANDARD),
    ("directory_sectors", "directory sectors", 0x28, 4, CRITICAL),
    ("fat_sectors", "FAT (SAT) sectors", 0x2C, 4, CRITICAL),
    ("directory_start", "directory (DIR) start", 0x30, 4, CRITICAL),
    ("transaction", "transaction signature", 0x34, 4, FREE_CHOICE),
    ("mini_cutoff", "mini stream cut-off", 0x38, 4, STANDARD),
    ("mini_fat_start", "mini FAT (SSAT) start", 0x3C, 4, CRITICAL),
    ("mini_fat_sectors", "mini FAT (SSAT) sectors", 0x40, 4, CRITICAL),
    ("difat_start", "DIFAT (MSAT) start", 0x44, 4, CRITICAL),
    ("difat_sectors", "DIFAT (MSAT) sectors", 0x48, 4, CRITICAL),
)


def header_sheet(present: Header | None, candidate: Candidate | None) -> tuple[Line, ...]:
    """The sheet. ``present``: the header as it was read (None: nobody has read it); ``candidate``: the solution."""
    wanted = candidate.header if candidate is not None else None
    lines = [
        _line(name, label, offset, size, sort, present, wanted, candidate)
        for name, label, offset, size, sort in _FIELDS
    ]
    used = max(
        min(HEADER_SLOTS, wanted.fat_sectors) if wanted is not None else 0,
        min(HEADER_SLOTS, present.fat_sectors) if present is not None and wanted is None else 0,
    )
    for slot in range(used):
        now = None if present is None else present.difat[slot]
        new = None if wanted is None else wanted.difat[slot]
        ok = now is not None and (now == new or wanted is None)
        why = f"where FAT sector {slot} was found" if wanted is not None else "not computed yet"
        lines.append(Line(f"difat[{slot}]", f"FAT sector {slot}", 0x4C + 4 * slot, 4, CRITICAL, now, new, ok, why))
    if used < HEADER_SLOTS:
        spare = None if present is None else present.difat[used:]
        odd = [] if spare is None else [word for word in spare if word < END]
        shown = None if spare is None else odd[0] if odd else FREE
        label = f"unused slots {used}-{HEADER_SLOTS - 1}"
        why = f"{len(odd)} of them are not FFFFFFFF" if odd else "FFFFFFFF where there is no FAT sector"
        lines.append(Line("difat[unused]", label, 0x4C + 4 * used, 4 * (HEADER_SLOTS - used), CRITICAL, shown, FREE,
                          spare is not None and not odd, why))  # fmt: skip
    return tuple(lines)


def _line(
    name: str, label: str, offset: int, size: int, sort: str, present: Header | None, wanted: Header | None,
    candidate: Candidate | None,
) -> Line:  # fmt: skip
    now = None if present is None else getattr(present, name)
    standard = getattr(Header(), name)
    new = standard if wanted is None and sort == STANDARD else None if wanted is None else getattr(wanted, name)
    none = (END, FREE)
    ok = now is not None and (
        sort == FREE_CHOICE or now == new
        or (name in ("mini_fat_start", "difat_start") and now in none and new in none)
        or (name == "class_id" and new is None)
        or (new is None and sort == CRITICAL and _possible(name, now))
    )  # fmt: skip
    return Line(name, label, offset, size, sort, now, new, bool(ok), _why(name, wanted, candidate))


def _possible(name: str, value: int) -> bool:
    return {"major_version": value in (3, 4), "sector_shift": value in (9, 12)}.get(name, True)


def _why(name: str, wanted: Header | None, candidate: Candidate | None) -> str:
    if name == "signature":
        return f"always {SIGNATURE.hex(' ').upper()}"
    plain = {
        "class_id": "zeros in nearly every file", "minor_version": "any value opens; 003E in most files",
        "byte_order": "always FE FF: little-endian", "mini_sector_shift": "always 6: 64 bytes", "reserved": "zeros",
        "transaction": "any value opens; 0 in most files", "mini_cutoff": "always 4096",
    }  # fmt: skip
    if name in plain or wanted is None or candidate is None:
        return plain.get(name, "not computed yet")
    document = candidate.document
    size = candidate.sector_size
    return {
        "major_version": "3 with sectors of 512 bytes, 4 with 4096",
        "sector_shift": f"marks fall on tables with sectors of {size} bytes",
        "directory_sectors": "0 in version 3" if size == 512 else f"its chain has {document.directory.length}",
        "fat_sectors": f"{wanted.fat_sectors} sectors describe {document.pages.count}",
        "directory_start": f"head of the chain with {sum(one.used for one in document.entries)} entries",
        "mini_fat_start": f"its chains fit {sum(s.mini for s in document.streams)} small streams"
        if wanted.mini_fat_sectors
        else "there is no mini stream",
        "mini_fat_sectors": f"a mini stream of {document.root.size if document.root else 0} bytes needs them",
        "difat_start": "lists the FAT sectors from the 110th on" if wanted.difat_sectors else "109 slots are enough",
        "difat_sectors": f"{wanted.fat_sectors} FAT sectors, 109 of them in the header",
    }[name]
