"""The volumes inside the partitions of a tree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.partitions.bootsector import parse_boot
from engine.partitions.model import Node, Place, Tree
from engine.partitions.peek import Peek
from engine.partitions.volumes import Volume, recognise


def fill(peek: Peek, tree: Tree) -> Tree:
    """The tree with the volume of each partition; a disk without a table becomes one volume, if it begins with one."""
    if tree.scheme == "none":
        volume = recognise(peek, 0, peek.size)
        if volume is None:
            return tree
        node = with_volume(peek, Node("volume", 0, peek.size), volume)
        return replace(tree, scheme="volume", nodes=(node,))
    return replace(tree, nodes=tuple(mapped(node, lambda one: _filled(peek, one)) for node in tree.nodes))


def mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with ``change`` made on it and on everything below; the tree is never deeper than four."""
    children = tuple(mapped(child, change) for child in node.children)
    return change(replace(node, children=children))


def _filled(peek: Peek, node: Node) -> Node:
    if node.kind not in ("primary", "logical") or node.is_shadow or node.start >= peek.size or not node.size:
        return node
    return with_volume(peek, node, recognise(peek, node.start, min(node.size, peek.size - node.start)))


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
    return replace(node, filesystem=volume, places=tuple(places))
