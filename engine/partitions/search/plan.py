"""One consistent table out of finds: which of those that overlap, in which scheme, which of them logical."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.edits.plan import WritePlan
from engine.partitions.model import Tree
from engine.partitions.repairs.rebuild import Wanted, plan_gpt, plan_mbr, wanted_of
from engine.partitions.script import Label, write_script
from engine.partitions.search.model import Find, SearchResult, SizeFrom, Standing
from engine.partitions.volumes import KINDS
from engine.partitions.volumes.kinds import LINUX
from engine.source import Source

_MIB = 1 << 20
_GPT_SECTORS, _GPT_BYTES = 2, 16384
_MAX_PARTITIONS = 128
_OTHER_MBR = "da"
_WEIGHTS = {"high": 10_000, "medium": 1_000, "low": 10}


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that the table does not name, and why."""

    start: int
    size: int
    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class TablePlan:
    """A table that can be written: partitions in the order of the disk. Empty when nothing can be in a table."""

    label: Label
    sector_size: int
    wanted: tuple[Wanted, ...]
    left_out: tuple[LeftOut, ...]

    def script(self) -> str:
        """For ``sfdisk``, in the form of its ``--dump``."""
        return write_script(self.label, self.wanted, self.sector_size)

    def write_plan(self, source: Source) -> WritePlan:
        """The bytes that change, to be shown, confirmed and applied. Raises ``RefusedError``, ``UsageError``."""
        make = plan_mbr if self.label == "dos" else plan_gpt
        return make(source, self.wanted, sector_size=self.sector_size)

    def to_json(self) -> dict[str, Any]:
        """As in ``parts search --json``."""
        return {
            "label": self.label,
            "sector_size": self.sector_size,
            "partitions": [
                {"start": one.start, "size": one.size, "type": one.type, "name": one.name, "logical": one.logical,
                 "active": one.active, "ebr": one.ebr}
                for one in self.wanted
            ],
            "left_out": [
                {"start": one.start, "size": one.size, "what": one.what, "reason": one.reason} for one in self.left_out
            ],
            "script": self.script() if self.wanted else "",
        }  # fmt: skip


@dataclass(slots=True)
class _Item:
    """A partition on its way into the table: what is there now, what was found, or both."""

    start: int
    size: int
    weight: int
    what: str
    find: Find | None = None
    present: Wanted | None = None
    elastic: bool = False
    """The size is only the room up to the next one."""

    @property
    def end(self) -> int:
        return self.start + self.size


def plan_table(
    result: SearchResult, tree: Tree | None = None, *, label: Label | None = None, chosen: Sequence[int] | None = None
) -> TablePlan:
    """The table that names the finds at top level and what ``tree`` (the present tables) names already.

    Of partitions that overlap the more credible ones are taken. ``chosen`` are the starts that a person wants: then
    only these. ``label`` is ``dos`` or ``gpt``; None keeps that of the disk, or of a GPT that was found, or takes
    ``dos`` if everything fits.
    """
    left: list[LeftOut] = []
    items = _items(result, tree, chosen)
    items = _consistent(items, result, left)
    order: list[Label] = [label] if label is not None else _labels(result, tree, items)
    plans = [_for_label(one, items, result, left) for one in order]
    return _with_extended(min(plans, key=lambda plan: -len(plan.wanted)), tree)


def _with_extended(plan: TablePlan, tree: Tree | None) -> TablePlan:
    """The present extended partition keeps its extent, slot and type where all logicals still lie in it."""
    outers = [one for one in wanted_of(tree) if one.extended] if tree is not None else []
    logicals = [one for one in plan.wanted if one.logical]
    if plan.label != "dos" or len(outers) != 1 or not logicals:
        return plan
    outer, unit = outers[0], plan.sector_size
    free = all(one.logical or one.end <= outer.start or one.start >= outer.end for one in plan.wanted)
    inside = all(outer.start + unit <= one.start and one.end <= outer.end for one in logicals)
    if not free or not inside or tree is None or outer.end > tree.size or outer.size % unit or outer.start % unit:
        return plan
    return replace(plan, wanted=tuple(sorted((*plan.wanted, outer), key=lambda one: one.start)))


def _items(result: SearchResult, tree: Tree | None, chosen: Sequence[int] | None) -> list[_Item]:
    # the extended partition follows from the logicals, and is none that could be kept for itself
    present = {one.start: one for one in wanted_of(tree) if not one.extended} if tree is not None else {}
    items = []
    for find in result.finds:
        wished = chosen is not None and find.start in chosen
        if find.standing is Standing.VOLUME if chosen is None else wished:
            known = present.get(find.start)
            weight = _WEIGHTS[find.confidence] + 100 * find.listed + min(len(find.evidence), 20)
            items.append(_Item(find.start, find.size, weight + (1 << 20 if wished else 0), find.kind or "partition",
                               find, known, find.size_from is SizeFrom.NEXT))  # fmt: skip
    found = {item.start for item in items}
    for start, one in present.items():
        if start not in found and chosen is None or (chosen is not None and start in chosen and start not in found):
            items.append(_Item(start, one.size, 500, "partition of the present table", None, one))
    # Two kinds may begin at one place: the more credible one speaks for it.
    best: dict[int, _Item] = {}
    for item in sorted(items, key=lambda one: -one.weight):
        best.setdefault(item.start, item)
    return sorted(best.values(), key=lambda one: one.start)


def _consistent(items: list[_Item], result: SearchResult, left: list[LeftOut]) -> list[_Item]:
    """Without what can be in no table, and the set without overlap that weighs most."""
    possible = []
    for item in items:
        reason = None
        if item.start == 0:
            reason = "it begins in sector 0, where the table has to be: such a disk has no table"
        elif item.start % result.sector_size:
            reason = f"it does not begin with a sector of {result.sector_size} bytes"
        elif item.end > result.size:
            reason = "it reaches beyond the end of the disk"
        if reason is None:
            item.size -= item.size % result.sector_size
            possible.append(item)
        else:
            left.append(LeftOut(item.start, item.size, item.what, reason))
    for item in sorted(possible, key=lambda one: -one.weight)[_MAX_PARTITIONS:]:
        left.append(LeftOut(item.start, item.size, item.what, f"a table here names at most {_MAX_PARTITIONS}"))
        possible.remove(item)
    taken = _heaviest(possible)
    for item in possible:
        if item not in taken:
            other = next(one for one in taken if one.start < item.end and item.start < one.end)
            left.append(LeftOut(item.start, item.size, item.what, f"it overlaps the {other.what} at {other.start}"))
    return taken


def _heaviest(items: list[_Item]) -> list[_Item]:
    """Weighted interval scheduling. Items whose size is a guess are cut to the room that is left for them."""
    for item in items:
        if item.elastic:
            following = [one.start for one in items if one.start > item.start]
            item.size = min([item.end, *following]) - item.start
    order = sorted(items, key=lambda one: (one.end, one.start))
    ends = [one.end for one in order]
    best: list[tuple[int, list[int]]] = [(0, [])]
    for index, item in enumerate(order):
        before = bisect.bisect_right(ends, item.start, 0, index)
        weight, members = best[before]
        with_it = (weight + item.weight, [*members, index])
        best.append(with_it if with_it[0] > best[index][0] else best[index])
    return sorted((order[index] for index in best[-1][1]), key=lambda one: one.start)


def _labels(result: SearchResult, tree: Tree | None, items: list[_Item]) -> list[Label]:
    """The scheme to use; when there is a choice, both: the one that holds more partitions wins, the first on a tie."""
    if tree is not None and tree.scheme in ("gpt", "hybrid"):
        return ["gpt"]
    if any(table.kind == "gpt" and not table.present for table in result.tables):
        return ["gpt"]
    if tree is not None and tree.scheme == "mbr" and any(item.present for item in items):
        return ["dos"]
    return ["dos", "gpt"]


def _for_label(label: Label, items: list[_Item], result: SearchResult, left: list[LeftOut]) -> TablePlan:
    out = list(left)
    wanted = _dos(items, result, out) if label == "dos" else _gpt(items, result, out)
    return TablePlan(label, result.sector_size, tuple(wanted), tuple(sorted(out, key=lambda one: one.start)))


def _gpt(items: list[_Item], result: SearchResult, left: list[LeftOut]) -> list[Wanted]:
    unit = result.sector_size
    first = (_GPT_SECTORS + _GPT_BYTES // unit) * unit
    last = (result.size // unit - 1 - _GPT_BYTES // unit) * unit
    wanted = []
    for item in items:
        size = min(item.size, last - item.start) if item.elastic else item.size
        if item.start < first or item.start + size > last or size <= 0:
            left.append(LeftOut(item.start, item.size, item.what, "it lies where the GPT itself has to be"))
            continue
        made = _wanted(item, "gpt")
        wanted.append(replace(made, size=size, logical=False, ebr=None))
    return wanted


def _dos(items: list[_Item], result: SearchResult, left: list[LeftOut]) -> list[Wanted]:
    unit, fitting = result.sector_size, []
    for item in items:
        if item.end // unit > 1 << 32 or item.size // unit >= 1 << 32:
            left.append(LeftOut(item.start, item.size, item.what, "an MBR cannot name what lies so far behind"))
        else:
            fitting.append(item)
    made = [_wanted(item, "dos") for item in fitting]
    elastic = [item.elastic for item in fitting]
    while made:
        run = _logical_run(made, elastic, unit)
        if run is not None:
            return _with_run(made, elastic, run, unit)
        # No room for a chain: the least credible one that is not in the present table has to go.
        worst = min(range(len(made)), key=lambda index: (fitting[index].weight, -made[index].start))
        reason = "an MBR names 4 partitions, and there is no sector for an extended one"
        left.append(LeftOut(made[worst].start, made[worst].size, fitting[worst].what, reason))
        del made[worst], elastic[worst], fitting[worst]
    return []


def _wanted(item: _Item, label: Label) -> Wanted:
    find, present = item.find, item.present
    if present is not None and (len(present.type) == 2) == (label == "dos"):
        return replace(present, size=item.size)
    kind = KINDS.get(find.kind) if find is not None else None
    told = find.type if find is not None and (len(find.type) == 2) == (label == "dos") and find.type else ""
    if label == "dos":
        number = told or (f"{kind.mbr_type:02x}" if kind is not None else _OTHER_MBR)
        if not told and find is not None and find.kind == "fat16" and item.size < 32 << 20:
            number = "04"
    else:
        number = told or (kind.gpt_type if kind is not None else LINUX)
    return Wanted(item.start, item.size, number, find.name if find is not None and label == "gpt" else "",
                  logical=find is not None and find.logical,
                  ebr=_ebr_of(find) if find is not None and label == "dos" else None)  # fmt: skip


def _ebr_of(find: Find) -> int | None:
    """Where the EBR stands that was found: the last proof of a find that a chain of EBRs told of."""
    return find.evidence[-1].offset if find.logical and find.evidence else None


def _logical_run(made: list[Wanted], elastic: list[bool], unit: int) -> tuple[int, int] | None:
    """The partitions [low, high) for one extended partition: the shortest and last run with all that must be."""
    forced = [index for index, one in enumerate(made) if one.logical]
    if not forced and len(made) <= 4:
        return (0, 0)
    low_most, high_least = (forced[0], forced[-1] + 1) if forced else (len(made), 0)
    best: tuple[int, int] | None = None
    for low in range(min(low_most, 3, len(made) - 1) + 1):
        for high in range(max(high_least, low + 1, len(made) - 3 + low), len(made) + 1):
            if best is not None and high - low > best[1] - best[0]:
                continue
            if all(_has_room(made, elastic, index, unit) for index in range(low, high)):
                best = (low, high)
    return best


def _has_room(made: list[Wanted], elastic: list[bool], index: int, unit: int) -> bool:
    """Whether an EBR fits between the partition before and this one."""
    floor = made[index - 1].end if index else unit
    return made[index].start - floor >= unit or (index > 0 and elastic[index - 1] and made[index - 1].size > 2 * _MIB)


def _with_run(made: list[Wanted], elastic: list[bool], run: tuple[int, int], unit: int) -> list[Wanted]:
    found: list[Wanted] = []
    for index, one in enumerate(made):
        inside = run[0] <= index < run[1]
        following = made[index + 1] if index + 1 < len(made) else None
        chained = following is not None and run[0] <= index + 1 < run[1]
        if chained and elastic[index] and following is not None and following.start - one.end < unit:
            one = replace(one, size=one.size - _MIB)
        floor = found[-1].end if found else unit
        places = [one.ebr, one.start - _MIB, one.start - 63 * unit, one.start - unit]
        ebr = next((at for at in places if at is not None and floor <= at <= one.start - unit), None)
        found.append(replace(one, logical=inside, ebr=ebr if inside else None, number=None if inside else one.number))
    return found
