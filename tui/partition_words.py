"""A partition in words, for the command line and the screens alike."""

from __future__ import annotations

from engine.partitions.model import Level, Node
from engine.text import safe_text

SCHEMES = {
    "mbr": "MBR", "gpt": "GPT", "hybrid": "GPT with a hybrid MBR", "volume": "one volume, no partition table",
    "none": "neither a partition table nor a known volume",
}  # fmt: skip
MARKS: dict[Level, str] = {"error": "!!", "warning": "!", "note": "-"}


def node_label(node: Node) -> str:
    """Number and type."""
    number = f"{node.index} " if node.index and node.kind in ("primary", "extended", "logical") else ""
    if node.kind == "gpt":
        return node.name
    if node.kind == "mbr":
        return f"MBR ({node.name})" if node.flags else "MBR"
    if node.kind == "ebr":
        return f"EBR {node.index}"
    if node.kind == "gap":
        return "(free)"
    if node.kind == "volume":
        return "volume"
    kind = node.type_name if node.type_name != "unknown" else node.type
    return f"{number}{'*' if 'active' in node.flags else ''}{kind}"


def node_contents(node: Node) -> str:
    """Volume, label, UUID, name and flags."""
    from engine.partitions.volumes.kinds import title

    parts = []
    volume = node.filesystem
    if volume is not None:
        parts.append(title(volume.kind))
        parts += [f'"{safe_text(volume.label, 64)}"'] if volume.label else []
        parts += [volume.uuid] if volume.uuid else []
        parts += ["by its backup"] if volume.by_backup else []
    if node.name and node.kind == "primary":
        parts.append(f"name {safe_text(node.name, 64)}")
    if node.kind == "mbr" and not node.flags:
        parts.append(f"disk id {node.name}")
    if node.kind == "gpt":
        parts.append(node.uuid)
    parts += [flag for flag in node.flags if flag not in ("active", "protective") and node.kind != "mbr"]
    return " ".join(parts)
