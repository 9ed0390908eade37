"""Partitions, fields, plans and finds as rows and facts: pure functions, no drawing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from engine.cases.partitions import Looked
from engine.edits import WritePlan
from engine.partitions.gpt_types import gpt_type_name
from engine.partitions.mbr_types import mbr_type_name
from engine.partitions.model import Finding, Node, Place, Tree
from engine.partitions.repairs.rebuild import Wanted
from engine.partitions.search import Find, SearchResult, TablePlan
from engine.partitions.volumes.kinds import title
from engine.template import Field
from engine.text import format_exact, format_size, safe_text
from tui.partition_words import MARKS, SCHEMES, node_contents, node_label
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import plural

STYLES = {"error": "row--danger", "warning": "row--warning", "note": "row--soft"}
_GRAVE = ("error", "warning", "note")
QUIET_GAP = 4 << 20
"""A free stretch shorter than this is alignment: not worth a line unless everything is asked for."""
DISK = "disk"

TREE_COLUMNS = (
    Column("", 2, least=2),
    Column("partition", 60, flex=True, least=16),
    Column("start", 20, right=True),
    Column("size", 12, right=True),
    Column("contents", 200, flex=True, least=14),
)
_GONE_COLUMNS = (TREE_COLUMNS[0], Column("gone, or changed", 60, flex=True, least=16), *TREE_COLUMNS[2:])
_FIELD_COLUMNS = (
    Column("", 32),
    Column("offset", 14, right=True),
    Column("raw", 13),
    Column("meaning", 200, flex=True, least=12),
)
_WRITE_COLUMNS = (
    Column("offset", 18, right=True),
    Column("bytes", 8, right=True),
    Column("reason", 200, flex=True, least=20),
)
_FIND_COLUMNS = (
    Column("", 1, least=1),
    Column("start", 18, right=True),
    Column("size", 10, right=True),
    Column("sure", 6),
    Column("in table", 8),
    Column("contents", 200, flex=True, least=20),
)
_TABLE_COLUMNS = (
    Column("", 3, least=3),
    Column("start", 18, right=True),
    Column("size", 10, right=True),
    Column("type", 40),
    Column("what", 200, flex=True, least=12),
)
_LEFT_COLUMNS = (
    Column("", 20, least=3),
    Column("start", 18, right=True),
    Column("size", 10, right=True),
    Column("why", 200, flex=True, least=12),
)


def position(value: int, sector: int | None) -> str:
    """Bytes, or sectors with an ``s`` when ``sector`` gives their size."""
    if sector is None:
        return str(value)
    whole, rest = divmod(value, sector)
    return f"{whole}s" + (f"+{rest}" if rest else "")


# --- the tree


def worst(problems: Sequence[Finding]) -> str:
    """The gravest level among problems; empty without any."""
    return next((level for level in _GRAVE if any(one.level == level for one in problems)), "")


def tree_nodes(tree: Tree, *, everything: bool) -> Iterator[tuple[int, Node]]:
    """Depth and node of each row; short gaps and EBRs that are right only when everything is asked for."""
    waiting = [(0, node) for node in reversed(tree.nodes)]
    while waiting:
        depth, node = waiting.pop()
        told = any(one.level != "note" for one in node.problems)
        quiet = not everything and (
            (node.kind == "gap" and node.size < QUIET_GAP and not told) or (node.kind == "ebr" and not told)
        )
        if not quiet:
            yield depth, node
        waiting += [(depth if quiet else depth + 1, child) for child in reversed(node.children)]


def tree_section(
    looked: Looked, *, everything: bool, sector: int | None, new: Collection[Part] = ()
) -> tuple[Section, dict[str, Node]]:
    """The rows of a disk and the node of each; the disk itself stands first. ``new`` partitions get a plus."""
    tree = looked.tree
    nodes: dict[str, Node] = {}
    rows = [_tree_row(DISK, "disk", 0, tree.size, SCHEMES[tree.scheme], tree.problems, sector)]
    for depth, node in tree_nodes(tree, everything=everything):
        key = base = f"{node.kind}:{node.start}:{node.index}"
        while key in nodes:  # two entries of a damaged table can be the same in everything
            key = f"{base}:{len(nodes)}"
        nodes[key] = node
        words = node_contents(node)
        grave = worst([one for one in node.problems if one.level != "note"])
        if grave:
            code = next(one.code for one in node.problems if one.level == grave)
            # beside a long GUID it would not be seen
            words = "; ".join(filter(None, (code, words) if node.filesystem is None else (words, code)))
        mark = "+ " if part_of(node) in new else ""
        label = "  " * depth + mark + safe_text(node_label(node), 80)
        rows.append(_tree_row(key, label, node.start, node.size, words, node.problems, sector,
                              soft=node.kind in ("gap", "ebr"), good=bool(mark)))  # fmt: skip
    return Section("", TREE_COLUMNS, tuple(rows)), nodes


Part = tuple[str, int, int, str, str, bool]
"""What makes a partition the same in two trees: kind, start, size, type, what it holds, whether it is active."""


def part_of(node: Node) -> Part:
    """A partition for comparing."""
    holds = node.filesystem.kind if node.filesystem is not None and not node.filesystem.by_backup else ""
    return node.kind, node.start, node.size, node.type, holds, "active" in node.flags


def changes(before: Tree, after: Tree) -> tuple[list[Node], list[Node]]:
    """Partitions of ``after`` that are not in ``before``, and those of ``before`` that are gone."""
    old, new = ({part_of(node): node for node in tree.partitions()} for tree in (before, after))
    return [new[key] for key in new if key not in old], [old[key] for key in old if key not in new]


def preview_sections(looked: Looked, before: Tree) -> tuple[list[Section], dict[str, Node]]:
    """The tree to come, and the partitions that it has no more."""
    new, gone = changes(before, looked.tree)
    section, nodes = tree_section(looked, everything=False, sector=None, new={part_of(node) for node in new})
    sections = [section]
    if gone:
        rows = tuple(
            _tree_row(f"gone:{number}", safe_text(node_label(node), 80), node.start, node.size, node_contents(node), (),
                      None, soft=True)
            for number, node in enumerate(gone)
        )  # fmt: skip
        sections.append(Section("", _GONE_COLUMNS, rows))
    return sections, nodes


def _tree_row(
    key: str, label: str, start: int, size: int, words: str, problems: Sequence[Finding], sector: int | None,
    *, soft: bool = False, good: bool = False,
) -> Row:  # fmt: skip
    grave = worst(problems)
    mark = MARKS[next(one.level for one in problems if one.level == grave)] if grave else ""
    length = format_size(size) if sector is None else position(size, sector)
    style = STYLES[grave] if grave in ("error", "warning") else "row--good" if good else "row--soft" if soft else ""
    return Row(key, (mark, label, position(start, sector), length, words), style)


def disk_facts(looked: Looked) -> list[Fact]:
    """The disk as a whole."""
    tree = looked.tree
    counts = {level: sum(one.level == level for _, one in tree.findings()) for level in _GRAVE}
    facts: list[Fact] = [
        ("table", f"{SCHEMES[tree.scheme]}; {plural(len(tree.partitions()), 'partition', 'partitions')}"),
        ("size", f"{format_exact(tree.size)}, sectors of {tree.sector_size} B"),
    ]
    if not looked.mapped:
        facts.append(("unread", Cell("no map: nobody can say which of its bytes were never read", "row--warning")))
    elif looked.unread:
        words = f"{format_exact(looked.unread)} were never read: what lies there is not known"
        facts.append(("unread", Cell(words, "row--warning")))
    told = [
        plural(counts[level], one, many)
        for level, one, many in (("error", "error", "errors"), ("warning", "warning", "warnings"),
                                 ("note", "note", "notes"))
        if counts[level]
    ]  # fmt: skip
    facts.append(("found", ", ".join(told) or "nothing is wrong"))
    return [*facts, *finding_facts(tree.problems)]


def node_facts(node: Node, tree: Tree) -> list[Fact]:
    """A node in full: findings first, since they are why a person looks."""
    size = tree.sector_size
    facts = finding_facts(node.problems)
    facts.append((node.kind, node_label(node) + (f"  ({node.type})" if node.type else "")))
    facts += [("name", node.name)] if node.name else []
    volume = node.filesystem
    if volume is not None:
        words = [title(volume.kind), volume.version, f'"{volume.label}"' if volume.label else "", volume.uuid]
        facts.append(("volume", " ".join(filter(None, words))))
        if volume.by_backup:
            facts.append(("", Cell("told by a backup: its own first structure is bad or unread", "row--warning")))
        if volume.size is not None:
            facts.append(("holds", format_exact(volume.size)))
    elif node.kind in ("primary", "logical") and not node.is_shadow:
        unread = any(one.code == "unread" for one in node.problems)
        facts.append(("volume", Cell("not known: never read" if unread else "none that is known", "row--soft")))
    facts.append(("start", f"{node.start}  ({position(node.start, size)})"))
    facts.append(("end", f"{node.end}  ({position(node.end, size)})"))
    facts.append(("size", f"{format_exact(node.size)}  ({position(node.size, size)})"))
    facts += [("uuid", node.uuid)] if node.uuid else []
    if node.flags:
        facts.append(("flags", ", ".join(node.flags)))
    if volume is not None:
        facts += [
            ("seen" if number == 0 else "", f"{one.what} at {one.offset}")
            for number, one in enumerate(volume.evidence[:6])
        ]
    return facts


def finding_facts(problems: Sequence[Finding]) -> list[Fact]:
    """Every finding in full, the gravest first, with what mends it."""
    facts: list[Fact] = []
    for one in sorted(problems, key=lambda one: _GRAVE.index(one.level)):
        where = f" (at {one.offset})" if one.offset is not None else ""
        mends = f"; f mends it: {one.repair}" if one.repair is not None else ""
        facts.append((f"{MARKS[one.level]} {one.level}", Cell(f"{one.code}: {one.message}{where}{mends}",
                                                              STYLES[one.level])))  # fmt: skip
    return facts


# --- the inspector


def field_sections(opened: Sequence[tuple[Place, Sequence[Field]]]) -> tuple[list[Section], dict[str, Field]]:
    """A section for each sector, a row for each field."""
    sections: list[Section] = []
    fields: dict[str, Field] = {}
    for number, (place, found) in enumerate(opened):
        rows = []
        for one in found:
            key = f"{number}:{one.name}"
            fields[key] = one
            rows.append(_field_row(key, one))
        sections.append(Section(f"{place.title} at {place.offset}", _FIELD_COLUMNS, tuple(rows), "no field"))
    return sections, fields


def _field_row(key: str, one: Field) -> Row:
    mark = ("!!" if one.critical else "!") if one.problem else ""
    words = one.meaning
    if one.problem:
        words = one.problem + (f"; {one.meaning}" if one.meaning else "")
    style = ("row--danger" if one.critical else "row--warning") if one.problem else ""
    cells = (f"{mark:<2} {one.name}", str(one.offset), raw_words(one, 4), words or _plain(one))
    return Row(key, cells, style)


def raw_words(one: Field, most: int) -> str:
    """The bytes in hex; question marks for what nobody has read."""
    if one.value is None:
        return "?? ?? unread" if "never" in (one.problem or "") else "-"
    return one.raw[:most].hex(" ") + (" …" if len(one.raw) > most else "")


def _plain(one: Field) -> str:
    return str(one.value) if isinstance(one.value, int) else ""


def field_facts(one: Field) -> list[Fact]:
    """A field in full."""
    facts: list[Fact] = [("field", f"{one.name}  at {one.offset}, {plural(one.size, 'byte', 'bytes')}")]
    if one.problem:
        facts.append(("WRONG" if one.value is not None else "unknown", Cell(one.problem, "row--danger")))
    elif one.value is not None:
        facts.append(("", Cell("nothing is wrong with it", "row--good")))
    facts.append(("raw", raw_words(one, 64)))
    if isinstance(one.value, int):
        facts.append(("value", f"{one.value}  (0x{one.value:x})"))
    facts += [(label, text) for label, text in (("means", one.meaning), ("expected", one.expected)) if text]
    return facts


# --- plans


def plan_section(plan: WritePlan) -> Section:
    """The writes in the order in which they are made."""
    rows = tuple(
        Row(f"write:{number}", (str(one.offset), str(len(one.new)), one.reason))
        for number, one in enumerate(plan.writes)
    )
    return Section("", _WRITE_COLUMNS, rows, "there is nothing to write: the bytes are right already")


def write_facts(plan: WritePlan, number: int, *, lines: int = 64) -> list[Fact]:
    """Old and new bytes of a write, 16 a line, lines that differ."""
    one = plan.writes[number]
    facts: list[Fact] = []
    shown = more = 0
    for at in range(0, len(one.new), 16):
        old, new = one.old[at : at + 16], one.new[at : at + 16]
        if old == new:
            continue
        if shown == lines:
            more += 1
            continue
        shown += 1
        facts.append((f"0x{one.offset + at:x}", f"old  {old.hex(' ')}"))
        facts.append(("", Cell(f"new  {new.hex(' ')}", "row--strong")))
    if more:
        facts.append(("", f"and {plural(more, 'more line', 'more lines')} of 16 bytes"))
    return facts


# --- the search


def find_section(found: SearchResult, chosen: frozenset[int], *, everything: bool) -> Section:
    """Finds at top level, or all of them; ``*`` marks those that a person chose."""
    rows = tuple(
        _find_row(number, find, find.start in chosen)
        for number, find in enumerate(found.finds)
        if everything or find.standing == "volume"
    )
    way = "nothing was found" + ("" if found.deep else "; d looks at every sector")
    return Section("", _FIND_COLUMNS, rows, way)


def _find_row(number: int, find: Find, chosen: bool) -> Row:
    words = [title(find.kind) if find.kind else f"partition of type {find.type}"]
    if find.volume is not None and find.volume.label:
        words.append(f'"{safe_text(find.volume.label, 64)}"')
    words += ["(by a backup)"] if find.by_backup else []
    words += [f"({find.standing})"] if find.standing != "volume" else []
    words += [f"(overlaps: group {find.group})"] if find.group is not None else []
    listed = "yes" if find.listed else Cell("no", "row--strong")
    style = "row--soft" if find.standing != "volume" else ""
    cells = ("*" if chosen else "", str(find.start), format_size(find.size), find.confidence, listed, " ".join(words))
    return Row(f"find:{number}", cells, style)


def find_facts(find: Find) -> list[Fact]:
    """A find in full."""
    sizes = {"superblock": "by its own superblock", "table": "by a table", "next": "unknown: as far as the next one"}
    facts: list[Fact] = [
        ("start", f"{find.start}"),
        ("size", f"{format_exact(find.size)}  {sizes[str(find.size_from)]}"),
        ("sure", f"{find.confidence}; {'in the present table' if find.listed else 'not in the present table'}"),
    ]
    if find.standing != "volume":
        inside = f", see {find.inside}" if find.inside is not None else ""
        facts.append(("standing", Cell(f"{find.standing}{inside}", "row--warning")))
    if find.group is not None:
        facts.append(("overlaps", Cell(f"group {find.group}: only one of them can be in a table", "row--warning")))
    if find.volume is not None:
        volume = find.volume
        facts.append(("volume", " ".join(filter(None, (title(volume.kind), volume.version)))))
        facts += [(label, text) for label, text in (("label", volume.label), ("id", volume.uuid)) if text]
    facts += [
        ("seen" if number == 0 else "", f"{one.what} at {one.offset}") for number, one in enumerate(find.evidence[:12])
    ]
    return facts


def wanted_kind(one: Wanted) -> str:
    """``logical``, ``extended`` or ``primary``."""
    return "logical" if one.logical else "extended" if one.extended else "primary"


def type_words(kind: str) -> str:
    """A type with its name; of a GUID the name alone, where there is one."""
    if len(kind) == 2:
        return f"{kind} {mbr_type_name(int(kind, 16))}"
    name = gpt_type_name(kind)
    return kind if name == "unknown" else name


def table_sections(plan: TablePlan, tree: Tree) -> list[Section]:
    """The proposed table as rows (+ is new), and what it leaves out."""
    present = {(node.start, node.size) for node in tree.partitions()}
    rows = tuple(
        Row(
            f"wanted:{number}",
            (
                "" if (one.start, one.size) in present else Cell("new", "row--good"),
                str(one.start), format_size(one.size), type_words(one.type),
                " ".join(filter(None, (wanted_kind(one), one.name, "active" if one.active else ""))),
            ),
        )
        for number, one in enumerate(plan.wanted)
    )  # fmt: skip
    sections = [Section("", _TABLE_COLUMNS, rows, "there is nothing that a table could name")]
    if plan.left_out:
        left = tuple(
            Row(f"left:{number}", (one.what, str(one.start), format_size(one.size), one.reason), "row--soft")
            for number, one in enumerate(plan.left_out)
        )  # fmt: skip
        sections.append(Section("not in it", _LEFT_COLUMNS, left))
    return sections
