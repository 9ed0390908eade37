"""Which types of partitions fit which volumes. Facts: what the systems that made the types look at."""

from __future__ import annotations

from engine.partitions.gpt_types import BASIC_DATA, ESP, LINUX_DATA, gpt_type_name
from engine.partitions.mbr_types import mbr_type_name
from engine.partitions.model import Finding, Node
from engine.partitions.volumes.kinds import KINDS

_FAT = frozenset({"fat12", "fat16", "fat32"})
_WINDOWS = frozenset({"ntfs", "exfat", "ReFS", "BitLocker", "udf"})
_LINUX = frozenset({
    "ext2", "ext3", "ext4", "jbd", "xfs", "btrfs", "f2fs", "jfs", "nilfs2", "reiserfs", "crypto_LUKS",
})  # fmt: skip
_STACKS = frozenset({"LVM2_member", "linux_raid_member", "zfs_member"})
_APPLE = frozenset({"hfs", "hfsplus", "hfsx", "apfs"})
_SWAP = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F"

# Types that promise contents; what is not here may hold anything.
_MBR: dict[int, frozenset[str]] = {
    0x01: frozenset({"fat12"}),
    **dict.fromkeys((0x04, 0x06, 0x0E), frozenset({"fat16", "fat12"})),
    **dict.fromkeys((0x0B, 0x0C), frozenset({"fat32"})),
    0x07: _WINDOWS,
    0x27: _WINDOWS | {"fat32"},
    0x82: frozenset({"swap"}),
    0x83: _LINUX,
    0x8E: frozenset({"LVM2_member"}),
    0xFD: _LINUX | {"linux_raid_member", "LVM2_member", "swap"},
    0xAF: _APPLE,
    0xEF: _FAT,
}
_MBR |= {kind | 0x10: fits for kind, fits in list(_MBR.items()) if kind in (0x01, 0x04, 0x06, 0x07, 0x0B, 0x0C, 0x0E)}
_GPT: dict[str, frozenset[str]] = {
    BASIC_DATA: _FAT | _WINDOWS,
    LINUX_DATA: _LINUX,
    ESP: _FAT,
    _SWAP: frozenset({"swap"}),
}


def misfit(node: Node) -> list[Finding]:
    """A finding when the type says that something else is inside than what is there."""
    volume = node.filesystem
    known = KINDS.get(volume.kind) if volume is not None else None
    if volume is None or known is None or known.mbr_type == 0xDA:
        return []
    if len(node.type) == 2:
        number = int(node.type, 16)
        fits, name, proper = _MBR.get(number), mbr_type_name(number), f"{known.mbr_type:02x}"
    else:
        fits, name, proper = _GPT.get(node.type), gpt_type_name(node.type), known.gpt_type
    if fits is None or volume.kind in fits:
        return []
    # Linux and its tools do not care much; Windows shows and mounts by type
    strict = volume.kind in _FAT | _WINDOWS or bool(fits & (_FAT | _WINDOWS) and volume.kind not in _LINUX | _STACKS)
    words = f"its type says {name}, but it holds {known.title} (usual type: {proper})"
    return [Finding("type-mismatch", words, node.places[0].offset if node.places else node.start,
                    "warning" if strict else "note", "type")]  # fmt: skip


def proper_type(node: Node) -> str | None:
    """The usual type for what a partition holds: two hex digits, or a GUID in a GPT; None when that is not known."""
    known = KINDS.get(node.filesystem.kind) if node.filesystem is not None else None
    if known is None:
        return None
    return f"{known.mbr_type:02x}" if len(node.type) == 2 else known.gpt_type
