"""The root directory of a FAT volume whose boot sector is only proposed: the names that it would show."""

from __future__ import annotations

from engine.partitions.volumes.view import View

_MOST = 64 << 10
_SHOWN = 12


def read_root(
    view: View, wide: bool, behind: int, data: int, roots: int, cluster: int
) -> tuple[str, ...] | None:
    """The first names in the root directory; none when it is empty, None when no directory stands there.

    ``wide``: FAT32, whose root is taken to begin in cluster 2, where every formatting tool puts it; else it stands
    right ``behind`` the FATs, with ``roots`` entries.
    """
    content = view.get(data, min(cluster, _MOST)) if wide else view.get(behind, min(roots * 32, _MOST))
    if content is None:
        return None
    names: list[str] = []
    for at in range(0, len(content) - 31, 32):
        entry = content[at : at + 32]
        if entry[0] == 0:
            break
        if not _entry_good(entry) or (at == 0 and entry[:11] == b".          "):
            return None
        deleted, label, long = entry[0] == 0xE5, entry[11] & 0x08, entry[11] == 0x0F
        if not (deleted or label or long) and len(names) < _SHOWN:
            names.append(_short(entry))
    return tuple(names)


def _entry_good(entry: bytes) -> bool:
    if entry[11] == 0x0F:  # a part of a long name
        return entry[26:28] == b"\0\0" and (entry[0] == 0xE5 or 1 <= entry[0] & 0x3F <= 20)
    return entry[11] & 0xC0 == 0 and (entry[0] >= 0x20 or entry[0] == 5) and min(entry[1:11]) >= 0x20


def _short(entry: bytes) -> str:
    name = (b"\xe5" + entry[1:8] if entry[0] == 5 else entry[:8]).decode("cp437").rstrip()
    kind = entry[8:11].decode("cp437").rstrip()
    return (f"{name}.{kind}" if kind else name) + ("/" if entry[11] & 0x10 else "")
