"""Arrays in words: members, sequences, layouts, verdicts; for plain commands and screens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.text import format_size, safe_text

if TYPE_CHECKING:
    from engine.raid.layout import Geometry
    from engine.raid.model import Candidate, Detection, MemberFacts

VERDICTS = {
    "found": "found",
    "likely": "likely",
    "sequence-only": "strip and sequence only",
    "not-enough-evidence": "NOT ENOUGH EVIDENCE",
    "encrypted": "CANNOT BE TOLD: encrypted or random contents",
    "no-parity": "no parity",
    "mirror": "mirrors",
    "raid6": "RAID6",
}
STANDINGS = {"member": "", "stale": "STALE", "foreign": "FOREIGN", "blank": "BLANK", "unknown": "?"}


def members_words(order: tuple[int | None, ...], between: str = " ") -> str:
    """Members from 1; ``x`` is the missing drive."""
    return between.join("x" if member is None else str(member + 1) for member in order)


def strip_words(strip: int | None) -> str:
    """``256 sectors (128.0 KiB)``."""
    return "not known" if strip is None else f"{strip // 512} sectors ({format_size(strip)})"


def share_words(score: float) -> str:
    """A confidence: never 100 %, never nothing."""
    if score < 0.01:
        return "< 1 %"
    return f"{min(99.9, score * 100):.1f} %" if score >= 0.995 else f"{score:.0%}".replace("%", " %")


def layout_words(geometry: Geometry) -> str:
    """``left-symmetric``, or with its delay."""
    if geometry.delay == 1:
        return str(geometry.layout)
    first = f", first {geometry.first_delay}" if geometry.first_delay != geometry.delay else ""
    return f"{geometry.layout}, parity delayed by {geometry.delay}{first}"


def candidate_words(one: Candidate) -> str:
    """One line: layout, order, strip, offset."""
    geometry = one.geometry
    offset = str(geometry.data_offset) if one.offset_known else f"{geometry.data_offset}?"
    return (f"{layout_words(geometry)}, order {members_words(geometry.order, ',')}, "
            f"strip {format_size(geometry.strip)}, data from {offset}")  # fmt: skip


def verdict_words(answer: Detection) -> str:
    """The verdict and what it rests on."""
    return f"{VERDICTS[answer.verdict]}: {answer.words}"


def read_words(answer: Detection) -> str:
    """How much was read."""
    more = f", {format_size(answer.probed)} more to see where data lie" if answer.probed else ""
    unread = f"; {answer.unread} granules left out: not all members give them" if answer.unread else ""
    return f"{format_size(answer.read)} of each member{more}{unread}"


def standing_words(one: MemberFacts) -> str:
    """What is wrong with a member, and what its metadata say."""
    words = [STANDINGS[one.standing]] if STANDINGS[one.standing] else []
    words += [safe_text(one.why)] if one.why else []
    for found in one.supers:
        role = "spare" if found.role is None else f"drive {found.role}"
        events = f", {found.events} events" if found.events is not None else ""
        words.append(f"{found.kind}: {role} of {found.drives or '?'}{events}")
    return "; ".join(words)
