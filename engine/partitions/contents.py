"""The volumes inside the partitions of a tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.partitions.bootsector import parse_boot
from engine.partitions.model import Finding, Node, Place, Tree
from engine.partitions.peek import Peek
from engine.partitions.volumes import Volume, recognise

MAX_LOOKED_INTO = 512
"""A table can name tens of thousands of partitions: no real disk has so many, and each costs some reads."""


def fill(peek: Peek, tree: Tree) -> Tree:
    """The tree with the volume of each partition; a disk without a table becomes one volume, if it begins with one."""
    if tree.scheme == "none" or (tree.scheme == "mbr" and not tree.partitions()):
        # an empty table may be no table: a boot sector with a damaged BPB ends in 55 AA too
        volume = recognise(peek, 0, peek.size)
        if volume is not None:
            node = with_volume(peek, Node("volume", 0, peek.size), volume)
            problems = tuple(problem for problem in tree.problems if problem.code != "no-partition-table")
            return replace(tree, scheme="volume", nodes=(node,), problems=problems)
        return tree
    left = MAX_LOOKED_INTO

    def filled(node: Node) -> Node:
        nonlocal left
        if not holds_volume(peek, node):
            return node
        left -= 1
        if left < 0:
            return node
        return with_volume(peek, node, recognise(peek, node.start, min(node.size, peek.size - node.start)))

    made = replace(tree, nodes=tuple(mapped(node, filled) for node in tree.nodes))
    if left < 0:
        words = f"there are {-left} partitions more than are looked into"
        made = replace(made, problems=(*made.problems, Finding("too-many-partitions", words)))
    return made


def holds_volume(peek: Peek, node: Node) -> bool:
    """Whether a volume can be looked for in it."""
    return (
        node.kind in ("primary", "logical", "volume")
        and not node.is_shadow
        and 0 <= node.start < peek.size
        and node.size > 0
    )


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with ``change`` made on it and on everything below; the tree is never deeper than four."""
    children = tuple(mapped(child, change) for child in node.children)
    return change(replace(node, children=children))


_BOOTS = {
    "ntfs": "ntfs-boot", "exfat": "exfat-boot", "fat32": "fat32-boot", "fat16": "fat-boot", "fat12": "fat-boot",
    "07": "ntfs-boot", "27": "ntfs-boot", "17": "ntfs-boot", "0b": "fat32-boot", "0c": "fat32-boot", "1b": "fat32-boot",
    "1c": "fat32-boot", "01": "fat-boot", "04": "fat-boot", "06": "fat-boot", "0e": "fat-boot", "11": "fat-boot",
    "14": "fat-boot", "16": "fat-boot", "1e": "fat-boot",
}  # fmt: skip


def _promised(node: Node, volume: Volume | None) -> str | None:
    """The template of the boot sector that volume or type promise, where none is that can be read."""
    return _BOOTS.get(volume.kind if volume is not None else node.type)


def with_volume(peek: Peek, node: Node, volume: Volume | None) -> Node:
    """The node with its volume and the places of its boot sectors."""
    places = list(node.places)
    data = peek.bytes_at(node.start, 512)
    boot = parse_boot(data) if data is not None else None
    if boot is None and volume is not None and volume.by_backup:
        for proof in volume.evidence:
            data = peek.bytes_at(proof.offset, 512)
            boot = parse_boot(data) if data is not None else None
            if boot is not None:
                break
    if boot is not None:
        unit = max(512, boot.sector_size)
        places.append(Place(node.start, unit, boot.template, "boot sector"))
        if boot.backup is not None and peek.inside(node.start + boot.backup, unit):
            places.append(Place(node.start + boot.backup, unit, boot.template, "backup boot sector"))
        if boot.fsinfo is not None:
            places.append(Place(node.start + boot.fsinfo, 512, "fsinfo", "FSInfo"))
    elif (template := _promised(node, volume)) is not None and peek.inside(node.start, 512):
        places.append(Place(node.start, 512, template, "boot sector, as it should be here"))
    return replace(node, filesystem=volume, places=tuple(places))
