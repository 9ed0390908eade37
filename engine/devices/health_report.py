"""The JSON of ``smartctl`` as a verdict in words. Its exit status is a bit mask: the JSON counts, whatever it is.

"Passed" is not "healthy": drives with hundreds of reallocated sectors pass. Sources: smartctl(8) for the exit bits,
NVMe base specification for the warning bits, ATA attribute numbers as smartmontools' drive database names them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from engine.errors import DamagedError
from engine.text import safe_text

_NVME_WARNINGS = {
    1: "spare blocks below the limit",
    4: "the drive says it has become unreliable",
    8: "the drive has gone read-only",
}
_WEAR_ATTRIBUTES = (231, 233, 202, 177, 173)
_MAX_VALUE = 1 << 64
_MANY_TRANSFER_ERRORS = 100  # a few in a drive's life come from plugging it in and out


class Verdict(StrEnum):
    """How the drive is, worst first."""

    DYING = "dying"
    SUSPECT = "suspect"
    CABLE = "cable"  # only transmission errors: blame cable, port or power first
    OK = "ok"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Health:
    """What the drive told. Counts are None when it does not tell them; ``temperature_c`` in degrees Celsius.

    ``passed`` is the drive's own verdict. ``reasons`` say why ``verdict`` is as it is; ``messages`` are smartctl's.
    ``wear_percent`` is used-up endurance (may exceed 100). ``asked_at`` is Unix time. ``bad_lba`` are the sectors named
    in the drive's error log, newest first.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    passed: bool | None = None
    model: str | None = None
    serial: str | None = None
    protocol: str | None = None
    reallocated: int | None = None
    pending: int | None = None
    uncorrectable: int | None = None
    reported_uncorrectable: int | None = None
    command_timeouts: int | None = None
    transfer_errors: int | None = None
    media_errors: int | None = None
    wear_percent: int | None = None
    power_on_hours: int | None = None
    power_cycles: int | None = None
    temperature_c: int | None = None
    logged_errors: int | None = None
    bad_lba: tuple[int, ...] = ()
    asleep: bool = False
    messages: tuple[str, ...] = ()
    exit_status: int = 0
    asked_at: float = 0.0


def parse_health(text: str, status: int, asked_at: float = 0.0, earlier: Health | None = None) -> Health:
    """The verdict from smartctl's output. ``earlier`` is a former report of the same drive: only a number of transfer
    errors that rises (or is high) blames the cable. Raises ``DamagedError`` when the output is no JSON object.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DamagedError("smartctl gave no answer that can be read", code="smartctl") from error
    if not isinstance(document, dict):
        raise DamagedError("smartctl gave no answer that can be read", code="smartctl")
    return _Report(document, status, asked_at, earlier).health()


class _Report:
    """One document with careful look-ups: every key may be missing or of another type."""

    def __init__(self, document: Mapping[str, Any], status: int, asked_at: float, earlier: Health | None) -> None:
        self.document = document
        self.earlier = earlier
        self.status = status
        self.asked_at = asked_at
        self.attributes = {
            row["id"]: row for row in self.rows("ata_smart_attributes", "table") if isinstance(row.get("id"), int)
        }

    def at(self, *keys: str) -> Any:
        value: Any = self.document
        for key in keys:
            if not isinstance(value, Mapping):
                return None
            value = value.get(key)
        return value

    def count(self, *keys: str) -> int | None:
        value = self.at(*keys)
        return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _MAX_VALUE else None

    def text(self, *keys: str) -> str | None:
        value = self.at(*keys)
        return safe_text(value.strip(), 200) or None if isinstance(value, str) else None

    def rows(self, *keys: str) -> list[Mapping[str, Any]]:
        value = self.at(*keys)
        return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []

    def raw(self, number: int) -> int | None:
        value = self.attributes.get(number, {}).get("raw")
        if not isinstance(value, Mapping):
            return None
        found = value.get("value")
        if not isinstance(found, int) or isinstance(found, bool) or found < 0:
            return None
        if found <= 0xFFFFFFFF:
            return found
        # Several counters packed into 48 bits: smartctl's text has the one that counts first, if it knows the packing.
        first = str(value.get("string", "")).split(" ", 1)[0]
        return int(first) if first.isdecimal() and int(first) <= 0xFFFFFFFF else None

    def messages(self) -> tuple[str, ...]:
        rows = self.rows("smartctl", "messages")
        return tuple(safe_text(row["string"], 200) for row in rows if isinstance(row.get("string"), str))

    def health(self) -> Health:
        messages = self.messages()
        asleep = self.at("power_mode", "string") in ("STANDBY", "SLEEP") or any(
            "STANDBY mode" in message or "SLEEP mode" in message for message in messages
        )
        timeouts = self.raw(188)
        hours = self.count("power_on_time", "hours")
        passed = self.at("smart_status", "passed")
        facts = Health(
            verdict=Verdict.UNKNOWN,
            reasons=(),
            passed=passed if isinstance(passed, bool) else None,
            model=self.text("model_name") or self.text("scsi_model_name"),
            serial=self.text("serial_number"),
            protocol=self.text("device", "protocol"),
            reallocated=_largest(self.raw(5), self.count("scsi_grown_defect_list")),
            pending=_largest(self.raw(197), self.count("scsi_pending_defects", "count")),
            uncorrectable=_largest(
                self.raw(198), self.count("scsi_error_counter_log", "read", "total_uncorrected_errors")
            ),
            reported_uncorrectable=self.raw(187),
            command_timeouts=timeouts & 0xFFFF if timeouts is not None else None,  # Seagate packs three counters
            transfer_errors=self.raw(199),
            media_errors=self.count("nvme_smart_health_information_log", "media_errors"),
            wear_percent=self.wear(),
            power_on_hours=hours,
            power_cycles=self.count("power_cycle_count"),
            temperature_c=self.temperature(),
            logged_errors=self.count("ata_smart_error_log", "summary", "count")
            if self.at("ata_smart_error_log", "summary") is not None
            else self.count("ata_smart_error_log", "extended", "count"),
            bad_lba=self.bad_lba(),
            asleep=asleep,
            messages=messages,
            exit_status=self.status,
            asked_at=self.asked_at,
        )
        verdict, reasons = self.judge(facts)
        return replace(facts, verdict=verdict, reasons=reasons)

    def temperature(self) -> int | None:
        value = self.at("temperature", "current")
        if not isinstance(value, int) or isinstance(value, bool) or not -100 < value < 250:
            return None
        return value or None  # SCSI drives without a sensor say 0

    def wear(self) -> int | None:
        for keys in (
            ("endurance_used", "current_percent"),
            ("nvme_smart_health_information_log", "percentage_used"),
            ("scsi_percentage_used_endurance_indicator",),
        ):
            found = self.count(*keys)
            if found is not None:
                return found
        if self.at("rotation_rate") not in (0, None):
            return None
        for number in _WEAR_ATTRIBUTES:
            row = self.attributes.get(number, {})
            value, name = row.get("value"), str(row.get("name", "")).lower()
            if isinstance(value, int) and 0 <= value <= 100 and ("wear" in name or "life" in name):
                return 100 - value
        return None

    def bad_lba(self) -> tuple[int, ...]:
        rows = self.rows("ata_smart_error_log", "summary", "table")
        rows += self.rows("ata_smart_error_log", "extended", "table")
        found: dict[int, None] = {}
        for row in rows:
            words = str(row.get("error_description", "")).replace("=", " ").split()
            for before, number in zip(words, words[1:], strict=False):
                if before == "LBA":
                    try:
                        found[int(number, 0)] = None
                    except ValueError:
                        continue
        return tuple(found)

    def judge(self, facts: Health) -> tuple[Verdict, tuple[str, ...]]:
        dying, suspect, cable = list(self.dying(facts)), list(self.suspect(facts)), list(self.cable(facts))
        if dying:
            return Verdict.DYING, (*dying, *suspect, *cable)
        if suspect:
            return Verdict.SUSPECT, (*suspect, *cable)
        if cable and self.blames_cable(facts):
            return Verdict.CABLE, tuple(cable)
        if facts.asleep:
            return Verdict.UNKNOWN, ("the drive sleeps and was not woken",)
        if facts.passed is None:
            return Verdict.UNKNOWN, facts.messages or (_status_words(self.status, self.document),)
        return Verdict.OK, ("the drive reports no problem; that is no proof of health", *cable)

    def dying(self, facts: Health) -> Iterator[str]:
        if facts.passed is False:
            yield "the drive itself says that it is failing"
        for number, row in self.attributes.items():
            if row.get("when_failed") == "now":
                yield f"attribute {number} {safe_text(str(row.get('name', '')), 40)} is below its limit now"
        for value, words in (
            (facts.pending, "sectors wait to be replaced (unreadable now)"),
            (facts.uncorrectable, "sectors could not be read"),
            (facts.reported_uncorrectable, "read errors could not be corrected"),
            (facts.media_errors, "errors of the flash memory"),
        ):
            if value:
                yield f"{value} {words}"
        warning = self.count("nvme_smart_health_information_log", "critical_warning") or 0
        for bit, words in _NVME_WARNINGS.items():
            if warning & bit:
                yield words

    def suspect(self, facts: Health) -> Iterator[str]:
        if facts.reallocated:
            yield f"{facts.reallocated} sectors were replaced"
        events = self.raw(196)
        if events and events != facts.reallocated:
            yield f"{events} replacements were tried"
        if facts.wear_percent is not None and facts.wear_percent >= 100:
            yield f"{facts.wear_percent} % of the promised writes are used up"
        if facts.logged_errors or self.status & 64:
            yield f"{facts.logged_errors or 'some'} errors in the drive's log"
        if self.status & 128:
            yield "a self-test has failed"
        if self.status & 48 and not any(row.get("when_failed") == "now" for row in self.attributes.values()):
            yield "an attribute has been below its limit"
        warning = self.count("nvme_smart_health_information_log", "critical_warning") or 0
        if warning & 2:
            yield "temperature out of bounds"
        if warning & 48:
            yield "its memory backup or persistent memory has failed"

    def cable(self, facts: Health) -> Iterator[str]:
        if facts.transfer_errors and self.blames_cable(facts):
            yield f"{facts.transfer_errors} transfer errors: suspect cable, port or power first"
        elif facts.transfer_errors:
            yield f"{facts.transfer_errors} transfer errors in its life: if the number rises, suspect the cable"

    def blames_cable(self, facts: Health) -> bool:
        before = self.earlier.transfer_errors if self.earlier is not None else None
        if before is not None:
            return (facts.transfer_errors or 0) > before
        return (facts.transfer_errors or 0) >= _MANY_TRANSFER_ERRORS


def _largest(*values: int | None) -> int | None:
    return max((value for value in values if value is not None), default=None)


def _status_words(status: int, document: Mapping[str, Any]) -> str:
    support = document.get("smart_support")
    if isinstance(support, Mapping) and support.get("available") is False:
        return "the drive (or its bridge) has no health reports"
    if status & 2:
        return "the drive could not be opened or gave no identification"
    if status & 1:
        return "smartctl could not tell how to talk to this drive"
    return "the drive did not tell"

