"""What a campaign is told before it starts: the power switch, its patience and its budget. Sizes in bytes, seconds."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from engine import tools
from engine.errors import UsageError
from engine.ranges import MAX_POSITION
from engine.text import safe_text

_MAX_WORDS = 200
_FACTORS = (16.0, 4.0, 2.0)
"""How much more bytes of the first, second and every further ``first`` map count than others, unless it is said."""


@dataclass(frozen=True, slots=True)
class PowerSwitch:
    """The program that switches the drive's power: one that cuts and restores it (``cycle``), or one for each.

    Argument lists, run without a shell. Empty: a person is the switch. ``off_seconds`` is the time without power of the
    pair; a cycle command sees to that itself. A command that is not done within ``limit_s`` has failed.
    """

    cycle: tuple[str, ...] = ()
    off: tuple[str, ...] = ()
    on: tuple[str, ...] = ()
    off_seconds: float = 5.0
    limit_s: float = 120.0

    @property
    def automatic(self) -> bool:
        """Whether no person is needed."""
        return bool(self.cycle or self.off)

    @property
    def shown(self) -> str:
        """The command as one would type it, safe for a terminal; empty without one."""
        return safe_text(" / ".join(shlex.join(one) for one in (self.cycle, self.off, self.on) if one), 400)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> PowerSwitch:
        """From JSON values (or a table of the settings file), checked. Raises ``UsageError``."""
        if not isinstance(value, Mapping):
            raise _wrong("a power switch is a set of names and values")
        unknown = set(value) - {entry.name for entry in fields(cls)}
        if unknown:
            raise _wrong(f"a power switch knows no {safe_text(', '.join(sorted(map(str, unknown))), 80)}")
        commands = {name: _command(name, value[name]) for name in ("cycle", "off", "on") if value.get(name)}
        if bool(commands.get("off")) != bool(commands.get("on")):
            raise _wrong("a power switch needs both commands, off and on, or one that does both: cycle")
        if commands.get("cycle") and commands.get("off"):
            raise _wrong("a power switch has either one command, cycle, or a pair, off and on")
        off_seconds = _number("off_seconds", value.get("off_seconds", 5.0), 0, 3600)
        limit_s = _number("limit_s", value.get("limit_s", 120.0), 1, 3600)
        return cls(off_seconds=off_seconds, limit_s=limit_s, **commands)


@dataclass(frozen=True, slots=True)
class CampaignSettings:
    """All of it.

    ``wait_s``: how long to wait for the drive after the power came on, before it is cut again; ``tries``: so many power
    cycles in a row without the drive coming back end the campaign. ``settle_s``: time it gets after it came back.
    ``bus``: delete its node before the power is cut and ask for a rescan afterwards, where that applies.
    ``command_timeout_s``: the kernel's time limit for one command of the drive (None: as it is).

    ``max_cycles``, ``end_time`` (seconds since 1970), ``min_bytes_per_cycle``: the budget; None is no limit.
    ``max_vain``: so many cycles in a row that brought nothing end the campaign. ``slow_after_s``: the drive has become
    slow when its rate was below ``slow_share`` of its best for so long. ``first``: maps whose finished areas are wanted
    first, each with the factor by which its bytes count more. ``edges``: go back to the edges of killers at the end.
    ``cluster_size``: bytes of one read at most. ``cycle_worth_s``: a power cycle counts as so many seconds even if
    it is quicker, for each may be the drive's last: the more, the smaller are the reads that find out where a killer
    begins.
    """

    switch: PowerSwitch = PowerSwitch()
    wait_s: float = 60.0
    tries: int = 3
    settle_s: float = 2.0
    bus: bool = True
    command_timeout_s: int | None = None
    max_cycles: int | None = None
    end_time: float | None = None
    min_bytes_per_cycle: int | None = None
    max_vain: int = 12
    slow_after_s: float = 10.0
    slow_share: float = 0.1
    first: tuple[tuple[str, float], ...] = field(default=())
    edges: bool = True
    cluster_size: int = 65536
    cycle_worth_s: float = 20.0

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> CampaignSettings:
        """From ``to_json``; what is not given takes its default. Raises ``UsageError``."""
        if not isinstance(value, Mapping):
            raise _wrong("settings are a set of names and values")
        unknown = set(value) - {entry.name for entry in fields(cls)}
        if unknown:
            raise _wrong(f"unknown: {safe_text(', '.join(sorted(map(str, unknown))), 80)}")
        given: dict[str, Any] = {name: item for name, item in value.items() if item is not None}
        if "switch" in given:
            given["switch"] = PowerSwitch.from_json(given["switch"])
        for name, (low, high, whole) in _RANGES.items():
            if name in given:
                number = _number(name, given[name], low, high)
                given[name] = int(number) if whole else number
        for name in ("bus", "edges"):
            if not isinstance(given.get(name, True), bool):
                raise _wrong(f"{name} is true or false")
        if not isinstance(given.get("first", ()), (list, tuple)):
            raise _wrong("first is a list of maps")
        if "first" in given:
            given["first"] = tuple(_first(entry, at) for at, entry in enumerate(given["first"]))
        made = cls(**given)
        if made.cluster_size % 512:
            raise _wrong("cluster_size is a multiple of 512")
        return made


_RANGES: dict[str, tuple[float, float, bool]] = {
    "wait_s": (1, 86400, False), "tries": (1, 1000, True), "settle_s": (0, 3600, False),
    "command_timeout_s": (1, 3600, True), "max_cycles": (0, 1 << 31, True), "end_time": (0, 1 << 40, False),
    "min_bytes_per_cycle": (0, MAX_POSITION, True), "max_vain": (1, 1 << 31, True), "slow_after_s": (1, 3600, False),
    "slow_share": (0, 1, False), "cluster_size": (512, 64 << 20, True),
    "cycle_worth_s": (0.1, 86400, False),
}  # fmt: skip


def parse_command(text: str) -> tuple[str, ...]:
    """A command as a person writes it, quotes and all, as an argument list. No shell. Raises ``UsageError``."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _wrong(f"the power command cannot be read: {error}") from error
    return _command("the power command", words)


def parse_first(text: str, position: int) -> tuple[str, float]:
    """``MAP`` or ``MAP:FACTOR``, in the order of their worth (``position`` from 0). Raises ``UsageError``."""
    path, colon, factor = text.rpartition(":")
    if colon and path and factor.replace(".", "", 1).isdecimal():
        return _first((os.path.abspath(path), float(factor)), position)
    return _first((os.path.abspath(text), _FACTORS[min(position, len(_FACTORS) - 1)]), position)


def _first(entry: Any, position: int) -> tuple[str, float]:
    if isinstance(entry, str):
        entry = (entry, _FACTORS[min(position, len(_FACTORS) - 1)])
    if not isinstance(entry, (list, tuple)) or len(entry) != 2 or not isinstance(entry[0], str):
        raise _wrong("first is a list of maps, each with a factor")
    if not os.path.isabs(entry[0]) or "\0" in entry[0]:
        raise _wrong("a map in first needs an absolute path")
    return entry[0], _number("the factor of a map in first", entry[1], 0.01, 1e6)


def _command(name: str, words: Any) -> tuple[str, ...]:
    """An argument list whose program can be run: an absolute path, or a name found in the system's folders."""
    if not isinstance(words, (list, tuple)) or not words or len(words) > _MAX_WORDS:
        raise _wrong(f"{name} is a list of arguments, the program first")
    if any(not isinstance(word, str) or "\0" in word for word in words) or not words[0]:
        raise _wrong(f"{name} is a list of texts")
    program, shown = words[0], safe_text(words[0], 80)
    if os.sep in program and not os.path.isabs(program):
        raise _wrong(f"{name}: give the whole path of {shown}")
    found = program if os.path.isabs(program) else tools.find_tool(program)
    if found is None or not os.path.isfile(found) or not os.access(found, os.X_OK):
        raise UsageError(
            f"{name}: there is no program {shown} to run", code="no-power-command",
            advice=f"it is looked for in {tools.SEARCH_PATH}, or give its whole path",
        )  # fmt: skip
    return (found, *words[1:])


def _number(name: str, value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise _wrong(f"{name} is a number from {low:g} to {high:g}")
    return float(value)


def _wrong(message: str) -> UsageError:
    return UsageError(f"this is no campaign: {message}", code="bad-arguments")
