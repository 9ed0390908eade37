"""All repairs, which findings they mend, and the way from a finding to a plan."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.edits.plan import Draft, WritePlan
from engine.errors import NotFoundError, UsageError
from engine.partitions.checks import examine
from engine.partitions.model import Finding, Node, Tree
from engine.partitions.peek import Peek
from engine.partitions.repairs import boot, gpt, mbr, rebuild
from engine.partitions.repairs.job import Job, Options
from engine.source import Source

__all__ = ["REPAIRS", "Options", "Repair", "plan_repair", "repair_for"]


@dataclass(frozen=True, slots=True)
class Repair:
    """``heavy`` repairs decide between versions of the truth: they want a careful look at the plan."""

    name: str
    title: str
    work: Callable[[Job], None]
    heavy: bool = False


REPAIRS: dict[str, Repair] = {
    repair.name: repair
    for repair in (
        Repair("hidden-sectors", "the true start into boot sector and backup", boot.hidden_sectors),
        Repair("boot-from-backup", "the boot sector from its backup", boot.boot_from_backup),
        Repair("backup-from-boot", "the backup from the boot sector", boot.backup_from_boot),
        Repair("rebuild-boot", "a boot sector made anew from the FATs or the $MFT", boot.rebuild_boot, heavy=True),
        Repair("boot-checksum", "the checksum of an exFAT boot region", boot.boot_checksum, heavy=True),
        Repair("fsinfo", "FSInfo of FAT32", boot.fsinfo),
        Repair("gpt-primary", "the primary GPT from the backup", gpt.gpt_primary),
        Repair("gpt-backup", "the backup GPT from the primary, at the end of the disk", gpt.gpt_backup),
        Repair("protective-mbr", "a protective MBR", gpt.protective_mbr),
        Repair("clear-gpt", "signatures of a GPT that is not in force", gpt.clear_gpt, heavy=True),
        Repair("signature", "55 AA of an MBR or EBR", mbr.signature),
        Repair("ebr-unlink", "the link that closes a loop of EBRs", mbr.ebr_unlink, heavy=True),
        Repair("status", "a status byte that is neither 00 nor 80", mbr.status),
        Repair("active", "one active partition", mbr.active),
        Repair("inactive", "a partition that is not active any more", mbr.inactive),
        Repair("type", "the partition type that fits the contents, or the one that is named", mbr.partition_type),
        Repair("rebuild-chain", "the chain of EBRs, written anew", rebuild.chain, heavy=True),
    )
}


def repair_for(finding: Finding) -> Repair | None:
    """The repair that a finding names."""
    return REPAIRS.get(finding.repair or "")


def plan_repair(
    source: Source,
    code: str,
    *,
    at: int | None = None,
    options: Options | None = None,
    sector_size: int | None = None,
    tree: Tree | None = None,
) -> WritePlan:
    """The plan that mends a finding, given by its code, or that a repair makes, given by its name.

    ``at`` is where the partition (or table) begins, when several have the finding. ``tree`` is one from ``examine`` of
    the same source. Raises ``UsageError`` (unknown code, or several places), ``NotFoundError`` (no such finding),
    ``RefusedError`` (cannot be done, or would need sectors that nobody has read).
    """
    tree = examine(source, sector_size=sector_size) if tree is None else tree
    chosen = options or Options()
    if code == "multiple-active":  # the finding is the table's, the choice is a partition
        code = "active"
    node, finding, repair = _by_name(tree, code, at) if code in REPAIRS else _by_code(tree, code, at)
    draft = Draft(source)
    repair.work(Job(Peek(source), tree, draft, node, finding, chosen))
    return draft.plan(repair.name, repair.title)


def _by_code(tree: Tree, code: str, at: int | None) -> tuple[Node | None, Finding, Repair]:
    found = [(node, finding) for node, finding in tree.findings() if finding.code == code]
    if not found:
        known = sorted({finding.code for _, finding in tree.findings() if finding.fixable})
        advice = f"what can be repaired here: {', '.join(known)}" if known else "nothing here can be repaired"
        raise NotFoundError(f"there is no finding {code!r}", code="no-such-finding", advice=advice)
    here = [(node, finding) for node, finding in found if at is None or _stands(node, finding, at)]
    if not here:
        raise NotFoundError(f"there is no finding {code!r} at {at}", code="no-such-finding", advice=_places(found))
    fixable = [(node, finding, repair) for node, finding in here if (repair := repair_for(finding)) is not None]
    if not fixable:
        raise NotFoundError(f"no repair is known for {code!r} here", code="no-repair")
    places = {node.start if node is not None else None for node, _, _ in fixable}
    if len(places) > 1:
        raise UsageError(f"several places have {code!r}", advice=_places(found))
    return fixable[0]


def _stands(node: Node | None, finding: Finding, at: int) -> bool:
    return at in (node.start if node is not None else None, finding.offset)


def _places(found: Sequence[tuple[Node | None, Finding | None]]) -> str:
    starts = sorted({node.start for node, _ in found if node is not None})
    return f"choose one with --at: {', '.join(str(start) for start in starts[:16])}" if starts else "leave out --at"


def _by_name(tree: Tree, name: str, at: int | None) -> tuple[Node | None, Finding | None, Repair]:
    repair = REPAIRS[name]
    asking = [(node, finding) for node, finding in tree.findings() if finding.repair == name]
    if at is None and name in ("active", "inactive"):
        primaries = [(node, None) for node in tree.partitions() if node.kind == "primary"]
        raise UsageError(f"which partition shall be {name}?", advice=_places(primaries))
    if at is None:
        nodes = {node.start if node is not None else None: (node, finding) for node, finding in asking}
        if len(nodes) == 1:
            return (*next(iter(nodes.values())), repair)
        if nodes:
            raise UsageError(f"several places could have {name!r}", advice=_places(asking))
        return None, None, repair
    node = next((one for one in tree.walk() if one.start == at and one.is_partition and not one.is_shadow), None)
    if name in ("signature", "ebr-unlink"):
        node = next((one for one in tree.walk() if one.start == at and one.kind in ("mbr", "ebr")), None)
    if node is None:
        raise NotFoundError(f"nothing begins at {at}", code="no-such-partition", advice="see rescuedeck parts tree")
    return node, None, repair
