"""A detection read back from the JSON it was saved as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import DamagedError, Problem, RescueError
from engine.raid.layout import Layout
from engine.raid.metadata.model import Super
from engine.raid.model import Candidate, Detection, HeatRow, MemberFacts, SizeScore
from engine.text import safe_text

_VERDICTS = frozenset((
    "found", "likely", "sequence-only", "not-enough-evidence", "encrypted", "no-parity", "mirror", "raid6",
))  # fmt: skip
_STANDINGS = frozenset(("member", "stale", "foreign", "blank", "unknown"))


def _one_of(known: frozenset[str], value: Any) -> str:
    if value not in known:
        raise ValueError("a word that no detection says")
    return str(value)


def _member(value: Any) -> int | None:
    return None if value is None else int(value) - 1


def _super(value: Mapping[str, Any]) -> Super:
    return Super(
        str(value["kind"]), int(value["at"]), value["level"],
        None if value["layout"] is None else Layout(value["layout"]), value["strip_size"], value["drives"],
        value["role"], value["data_offset"], value["data_size"], value["events"], value["updated"], str(value["set"]),
        str(value["name"]), tuple(str(one) for one in value["problems"]),
    )  # fmt: skip


def _facts(value: Mapping[str, Any]) -> MemberFacts:
    return MemberFacts(
        int(value["member"]) - 1, str(value["path"]), int(value["size"]), _one_of(_STANDINGS, value["standing"]),
        safe_text(str(value["why"])),
        float(value["zero"]), float(value["entropy"]), tuple(_super(one) for one in value["metadata"]),
    )  # fmt: skip


def _heat(value: Mapping[str, Any]) -> HeatRow:
    cells = tuple(None if cell is None else float(cell) for cell in value["heat"])
    return HeatRow(int(value["position"]), cells, None if value["parity"] is None else int(value["parity"]))


def from_json(value: Mapping[str, Any]) -> Detection:
    """What ``Detection.to_json`` gave. Raises ``DamagedError``."""
    try:
        sequence = value["sequence"]
        return Detection(
            _one_of(_VERDICTS, value["verdict"]), safe_text(str(value["words"])),
            tuple(_facts(one) for one in value["members"]),
            tuple(Candidate.from_json(one) for one in value["candidates"]), value["run"], value["strip_size"],
            value["phase"], None if sequence is None else tuple(_member(m) for m in sequence),
            float(value["sequence_score"]), float(value["z"]), tuple(_member(m) for m in value["columns"]),
            tuple(SizeScore(int(one["run"]), float(one["cost"]), tuple(_member(m) for m in one["sequence"]))
                  for one in value["sizes"]),
            tuple(_heat(one) for one in value["heat"]), int(value["heat_run"]), float(value["balanced"]),
            float(value["signal"]), int(value["read"]), int(value["probed"]), int(value["granules"]),
            int(value["unread_granules"]),
            tuple(int(one) for one in value["bases"]),
            tuple(Problem(str(one["code"]), str(one["message"])) for one in value["problems"]),
            tuple((int(at), str(mark)) for at, mark in value["health"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError, RescueError, OverflowError) as error:
        raise DamagedError("the saved detection is damaged", code="raid-result", advice="detect again") from error
