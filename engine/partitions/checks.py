"""What is wrong on a disk beyond its tables: boot sectors, their copies, FSInfo, FATs, hidden sectors, types, sizes."""

from __future__ import annotations

from dataclasses import replace

from engine.partitions.boot_checks import Budget, boot_problems
from engine.partitions.contents import MAX_LOOKED_INTO, holds_volume
from engine.partitions.model import Finding, Node, Tree
from engine.partitions.peek import Peek
from engine.partitions.read import tables_and_volumes
from engine.partitions.types_fit import misfit
from engine.partitions.volumes.kinds import title
from engine.progress import SILENT, Reporter, check
from engine.source import Source
from engine.text import format_exact

# By how much a volume may be smaller than its partition without a word: a cylinder, or an ext block group.
_USUAL_SLACK = {"ext2": 128 << 20, "ext3": 128 << 20, "ext4": 128 << 20}
_SLACK = 16 << 20


def examine(
    source: Source, *, sector_size: int | None = None, thorough: bool = True, reporter: Reporter = SILENT
) -> Tree:
    """The tree with everything that is wrong or worth knowing on its nodes.

    Reads boot sectors and their copies besides the tables; when ``thorough``, the FATs too. Raises like ``read_tree``,
    and ``CancelledError``.
    """
    peek = Peek(source)
    tree = tables_and_volumes(peek, sector_size=sector_size)
    whole = tree.scheme == "volume"
    budget = Budget() if thorough else None
    todo = sum(node.is_partition for node in tree.walk())
    done = 0

    def visit(node: Node, ebr: int | None) -> Node:
        nonlocal done
        if node.is_partition:
            check(reporter)
            reporter.update(done, todo, "partitions", "checking")
            done += 1
        base = node.start if node.kind == "ebr" else None
        children = tuple(visit(child, base) for child in node.children)
        if done > MAX_LOOKED_INTO:
            return replace(node, children=children)
        problems = partition_problems(
            peek, node, ebr=ebr, whole=whole, sector_size=tree.sector_size, budget=budget
        )
        return replace(node, children=children, problems=(*node.problems, *problems))

    return replace(tree, nodes=tuple(visit(node, None) for node in tree.nodes))


def partition_problems(
    peek: Peek, node: Node, *, ebr: int | None, whole: bool, sector_size: int = 512, budget: Budget | None = None
) -> list[Finding]:
    """Findings about the contents of a partition; ``ebr`` is where its record stands; ``whole``: no table."""
    if not holds_volume(peek, node):
        return []
    found = boot_problems(peek, node, ebr=ebr, whole=whole, sector_size=sector_size, budget=budget)
    told = {problem.code for problem in found}
    volume = node.filesystem
    if volume is None:
        if peek.unread(node.start, 512) and "unread" not in told:
            words = "its first sector was never read: what it holds is not known"
            found.append(Finding("unread", words, node.start, "error"))
        return found
    # the recogniser tells of boot sectors in its own words; the checks above went further
    found += [
        Finding(problem.code, problem.message, problem.offset)
        for problem in volume.problems
        if problem.code not in told and problem.code not in ("boot-sector-bad", "boot-checksum-bad")
    ]
    if not whole:
        found += _size_problems(node)
        found += misfit(node)
    return found


def _size_problems(node: Node) -> list[Finding]:
    volume = node.filesystem
    size = volume.partition_size if volume is not None else None
    if volume is None or size is None:
        return []
    name = title(volume.kind)
    if size > node.size:
        if volume.tail and volume.size is not None and volume.size <= node.size:
            words = f"{name} fits, but not the backup of its boot sector behind it"
            return [Finding("volume-larger-than-partition", words, node.start, "warning")]
        words = f"the {name} volume has {format_exact(size)}, {format_exact(size - node.size)} more than the partition"
        return [Finding("volume-larger-than-partition", words, node.start, "error")]
    if node.size - size > _USUAL_SLACK.get(volume.kind, _SLACK):
        words = f"the {name} volume ends {format_exact(node.size - size)} before the partition"
        return [Finding("volume-smaller-than-partition", words, node.start, "note")]
    return []
