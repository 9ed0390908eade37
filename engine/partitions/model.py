"""The partition tree: what is on a disk, where, and what is wrong with it. Positions and sizes in bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from engine.partitions.volumes.model import Volume

Kind = Literal["mbr", "ebr", "gpt", "primary", "extended", "logical", "gap", "volume"]
Scheme = Literal["mbr", "gpt", "hybrid", "volume", "none"]
Level = Literal["note", "warning", "error"]

PARTITIONS = frozenset({"primary", "extended", "logical", "volume"})
SHADOWS = frozenset({"hybrid", "stale", "second"})
"""Flags of partitions that repeat others: in a hybrid MBR, in a GPT that is not in force, in the other GPT."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, or worth knowing, with a stable ``code`` (all of them are in docs/partitions.md).

    ``offset`` is where on the disk; ``repair`` names the repair that could mend it (see ``repairs``), None when there
    is none. A ``note`` asks for nothing.
    """

    code: str
    message: str
    offset: int | None = None
    level: Level = "warning"
    repair: str | None = None

    @property
    def fixable(self) -> bool:
        """Whether a repair is offered."""
        return self.repair is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes that a node comes from, and the template that explains them: what the inspector opens.

    ``template`` is a name in ``templates.TEMPLATES``.
    """

    offset: int
    size: int
    template: str
    title: str


@dataclass(frozen=True, slots=True)
class Node:
    """One row of the tree.

    ``index`` is the partition's number as Linux counts (logicals from 5 in the order of the chain), the position in its
    chain for an EBR (from 1), 1 and 2 for the primary and the backup GPT, None for gaps and volumes. ``type`` is the
    two-digit hex type of an MBR entry or the type GUID; empty where there is none. ``places`` are the sectors it was
    read from.
    """

    kind: Kind
    start: int
    size: int
    index: int | None = None
    type: str = ""
    type_name: str = ""
    name: str = ""
    uuid: str = ""
    flags: tuple[str, ...] = ()
    filesystem: Volume | None = None
    problems: tuple[Finding, ...] = ()
    children: tuple[Node, ...] = ()
    places: tuple[Place, ...] = ()

    @property
    def end(self) -> int:
        """The first byte behind it."""
        return self.start + self.size

    @property
    def is_partition(self) -> bool:
        """A primary, extended or logical partition, or a volume on a disk without a table."""
        return self.kind in PARTITIONS

    @property
    def is_shadow(self) -> bool:
        """It only repeats what another table has (see ``SHADOWS``)."""
        return not SHADOWS.isdisjoint(self.flags)

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order shown."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


@dataclass(frozen=True, slots=True)
class Tree:
    """A disk. ``sector_size`` is the one its table counts in; ``size`` the disk's in bytes.

    ``scheme``: ``mbr``, ``gpt``, ``hybrid`` (a GPT with an MBR that names partitions too), ``volume`` (a file system
    without a table) or ``none``. ``problems`` belong to the disk as a whole; those of a node are with the node.
    """

    scheme: Scheme
    sector_size: int
    size: int
    nodes: tuple[Node, ...]
    problems: tuple[Finding, ...] = ()

    def walk(self) -> Iterator[Node]:
        """Every node, in the order shown."""
        for node in self.nodes:
            yield from node.walk()

    def partitions(self) -> list[Node]:
        """Primary, extended and logical partitions and whole-disk volumes, in the order shown; no shadows."""
        return [node for node in self.walk() if node.is_partition and not node.is_shadow]

    def findings(self) -> list[tuple[Node | None, Finding]]:
        """All problems with the node that has them (None: the disk)."""
        found: list[tuple[Node | None, Finding]] = [(None, problem) for problem in self.problems]
        found += [(node, problem) for node in self.walk() for problem in node.problems]
        return found
