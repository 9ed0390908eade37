"""What a repair gets to work with, and what it may be told."""

from __future__ import annotations

from dataclasses import dataclass

from engine.edits.plan import Draft
from engine.errors import RefusedError
from engine.partitions.model import Finding, Node, Tree
from engine.partitions.peek import Peek


@dataclass(frozen=True, slots=True)
class Options:
    """``type`` is the type to set, as ``type_names.find_type`` takes it; None takes the one that fits the contents."""

    type: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One repair: the disk, the node it is about (None: the disk) and the finding that asked for it (None: nobody)."""

    peek: Peek
    tree: Tree
    draft: Draft
    node: Node | None
    finding: Finding | None
    options: Options

    @property
    def sector_size(self) -> int:
        """The one that the table counts in."""
        return self.tree.sector_size

    @property
    def sectors(self) -> int:
        """Of the disk."""
        return self.peek.size // self.sector_size

    def partition(self) -> Node:
        """The node, which must be a partition. Raises ``RefusedError``."""
        if self.node is None or not self.node.is_partition:
            raise impossible("this repair is for a partition", "name it with --at START")
        return self.node

    def ebr_of(self, node: Node) -> Node | None:
        """The EBR that names a logical partition."""
        return next((one for one in self.tree.walk() if one.kind == "ebr" and node in one.children), None)


def impossible(message: str, advice: str | None = None, offset: int | None = None) -> RefusedError:
    """The repair cannot be made."""
    return RefusedError(message, code="cannot-repair", advice=advice, offset=offset)
