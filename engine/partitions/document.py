"""Trees, findings and plans as JSON values for the command line."""

from __future__ import annotations

from typing import Any

from engine.partitions.model import Finding, Node, Tree


def tree_document(tree: Tree) -> dict[str, Any]:
    """``scheme, sector_size, nodes`` and what belongs to the disk as a whole."""
    return {
        "scheme": tree.scheme,
        "sector_size": tree.sector_size,
        "size": tree.size,
        "problems": [finding_document(finding) for finding in tree.problems],
        "nodes": [node_document(node) for node in tree.nodes],
    }


def node_document(node: Node) -> dict[str, Any]:
    """One node with everything below it."""
    volume = node.filesystem
    return {
        "kind": node.kind,
        "index": node.index,
        "start": node.start,
        "size": node.size,
        "type": node.type,
        "type_name": node.type_name,
        "name": node.name,
        "uuid": node.uuid,
        "flags": list(node.flags),
        "filesystem": None if volume is None else volume.to_json(),
        "problems": [finding_document(finding) for finding in node.problems],
        "children": [node_document(child) for child in node.children],
    }


def finding_document(finding: Finding) -> dict[str, Any]:
    """``code, message, fixable`` and where, how grave, and by which repair."""
    return {
        "code": finding.code,
        "message": finding.message,
        "fixable": finding.fixable,
        "level": finding.level,
        "offset": finding.offset,
        "repair": finding.repair,
    }


def findings_document(tree: Tree) -> list[dict[str, Any]]:
    """All findings in one list, each with the node that has it."""
    return [
        finding_document(finding)
        | {
            "kind": None if node is None else node.kind,
            "index": None if node is None else node.index,
            "start": None if node is None else node.start,
        }
        for node, finding in tree.findings()
    ]
