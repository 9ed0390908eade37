"""The settings of a campaign as a person chooses them: each one shown, explained, typed and checked. No screen here."""

from __future__ import annotations

import os
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from engine.errors import UsageError
from engine.rescue.arguments import HANG_S
from engine.rescue.campaign.powerfile import load_switch
from engine.rescue.campaign.settings import CampaignSettings, PowerSwitch, parse_command, parse_first
from engine.text import format_duration, format_size, parse_size, safe_text
from tui.words import plural

_NONE = ("", "none", "no", "-")
_UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class CampaignPlan:
    """What is chosen so far; ``hang_limit_s`` is the one setting that every rescue has."""

    settings: CampaignSettings = CampaignSettings()
    hang_limit_s: float = HANG_S

    def over(self, now: float) -> CampaignPlan:
        """Without an end that lies in the past: it was meant for an earlier run."""
        end = self.settings.end_time
        gone = end is not None and end <= now
        return replace(self, settings=replace(self.settings, end_time=None)) if gone else self

    @property
    def summary(self) -> str:
        """In one line."""
        one = self.settings
        power = f"power by {one.switch.shown}" if one.switch.automatic else "power by hand"
        most = one.max_cycles
        limits = "no limit of cycles" if most is None else f"at most {plural(most, 'cycle', 'cycles')}"
        return f"{power}; {limits}; hang after {format_duration(self.hang_limit_s)}"


# -- reading what was typed -------------------------------------------------------------------------------------------


def read_seconds(text: str) -> float:
    """``90``, ``5m``, ``2h``, ``1h30m`` in seconds. Raises ``UsageError``."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.strip().lower())
    whole = "".join(number + unit for number, unit in parts)
    if not parts or whole != re.sub(r"\s+", "", text.strip().lower()) or any(unit not in _UNITS for _, unit in parts):
        raise UsageError("a time is a number of seconds, or like 90, 5m, 2h, 1h30m", code="bad-time")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def read_until(text: str, now: float | None = None) -> float | None:
    """``07:30`` (the next one), ``2026-11-22 07:30`` or ``8h`` from now, as seconds since 1970; empty: no limit.

    Raises ``UsageError``, also for what is over already.
    """
    text, now = text.strip(), time.time() if now is None else now
    if text.lower() in _NONE:
        return None
    today = datetime.fromtimestamp(now).astimezone()
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", text):
            hour, minute = map(int, text.split(":"))
            then = today.replace(hour=hour, minute=minute, second=0, microsecond=0)
            # Across a change of the clock the wall time counts, not the number of seconds in a day.
            then = then if then > today else (then.replace(tzinfo=None) + timedelta(days=1)).astimezone()
        elif re.match(r"\d{4}-", text):
            then = datetime.fromisoformat(text).astimezone()
        else:
            then = today + timedelta(seconds=read_seconds(text.lstrip("+")))
    except (ValueError, OverflowError, UsageError) as error:
        raise UsageError("until: 07:30, 8h, or 2026-11-22 07:30", code="bad-time") from error
    if then <= today:
        raise UsageError("that is over already", code="bad-time")
    return float(then.timestamp())


def _read_count(text: str) -> int | None:
    if text.strip().lower() in _NONE:
        return None
    if not text.strip().isdecimal() or len(text.strip()) > 9:
        raise UsageError("that is a number of power cycles, or nothing for no limit", code="bad-number")
    return int(text)


def _read_size(text: str) -> int | None:
    return None if text.strip().lower() in _NONE else parse_size(text.strip())


def _read_hang(text: str) -> float | None:
    return None if text.strip().lower() in _NONE else read_seconds(text)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the budget: how it is asked for, read, and shown as it could be typed."""

    label: str
    example: str
    take: Callable[[str], Any]
    typed: Callable[[Any], str]


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


def _typed_time(value: float | None) -> str:
    return "" if value is None else datetime.fromtimestamp(value).astimezone().strftime("%Y-%m-%d %H:%M")


def _typed_size(value: int | None) -> str:
    if value is None:
        return ""
    for unit, factor in (("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10)):
        if value and value % factor == 0:
            return f"{value // factor}{unit}"
    return str(value)


def _typed_seconds(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


BUDGETS: dict[str, Limit] = {
    "max_cycles": Limit("power cycles in all", "empty: no limit", _read_count, _plain),
    "end_time": Limit("until when", "07:30, 8h, empty: no limit", read_until, _typed_time),
    "min_bytes_per_cycle": Limit("least gain of a cycle", "64M, empty: none", _read_size, _typed_size),
    "hang_limit_s": Limit("a read hangs after", "60, 5m", _read_hang, _typed_seconds),
}


# -- the page of settings ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Setting:
    """One line: how it is shown, typed, taken and explained. ``take`` raises ``UsageError``."""

    name: str
    label: str
    shown: Callable[[CampaignPlan], str]
    typed: Callable[[CampaignPlan], str]
    take: Callable[[CampaignPlan, str], CampaignPlan]
    explain: str
    group: str


def _with(plan: CampaignPlan, **values: Any) -> CampaignPlan:
    """The plan with other settings, all of them checked again."""
    asked = {**plan.settings.to_json(), **values}
    return replace(plan, settings=CampaignSettings.from_json(asked))


def _with_switch(plan: CampaignPlan, switch: PowerSwitch) -> CampaignPlan:
    return replace(plan, settings=replace(plan.settings, switch=switch))


def by_hand(plan: CampaignPlan) -> CampaignPlan:
    """A person is the switch."""
    return _with_switch(plan, replace(plan.settings.switch, cycle=(), off=(), on=()))


def with_cycle(plan: CampaignPlan, text: str) -> CampaignPlan:
    """One command that cuts and restores the power; empty: by hand. Raises ``UsageError``."""
    if text.strip().lower() in _NONE:
        return by_hand(plan)
    return _with_switch(plan, replace(plan.settings.switch, cycle=parse_command(text), off=(), on=()))


def with_pair(plan: CampaignPlan, off: str, on: str) -> CampaignPlan:
    """One command that cuts the power and one that restores it. Raises ``UsageError``."""
    made = replace(plan.settings.switch, cycle=(), off=parse_command(off), on=parse_command(on))
    return _with_switch(plan, made)


def with_named(plan: CampaignPlan, name: str) -> CampaignPlan:
    """A switch from the settings file. Raises ``RescueError``."""
    return _with_switch(plan, load_switch(name.strip()))


def _command(words: tuple[str, ...]) -> str:
    return shlex.join(words)


def typed_command(plan: CampaignPlan, which: str) -> str:
    """The command ``cycle``, ``off`` or ``on`` as one would type it."""
    return _command(getattr(plan.settings.switch, which))


def _off_seconds(plan: CampaignPlan, text: str) -> CampaignPlan:
    return _with_switch(plan, PowerSwitch.from_json(
        {**_switch_json(plan.settings.switch), "off_seconds": read_seconds(text)}
    ))  # fmt: skip


def _switch_json(switch: PowerSwitch) -> dict[str, Any]:
    return {name: list(getattr(switch, name)) for name in ("cycle", "off", "on") if getattr(switch, name)} | {
        "off_seconds": switch.off_seconds, "limit_s": switch.limit_s,
    }  # fmt: skip


def _hang(plan: CampaignPlan, text: str) -> CampaignPlan:
    seconds = read_seconds(text)
    if not 1 <= seconds <= 86400:
        raise UsageError("a read hangs after 1 second to 24 hours")
    return replace(plan, hang_limit_s=seconds)


def _first(plan: CampaignPlan, text: str) -> CampaignPlan:
    try:
        names = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"these maps cannot be read: {error}", code="bad-path") from error
    names = [os.path.expanduser(name) for name in names]
    found = [parse_first(name, at) for at, name in enumerate(names)]
    for path, _factor in found:
        if not os.path.isfile(path):
            raise UsageError("there is no such map", path=path, code="bad-path")
    return replace(plan, settings=replace(plan.settings, first=tuple(found)))


def _first_typed(plan: CampaignPlan) -> str:
    return shlex.join(f"{path}:{factor:g}" for path, factor in plan.settings.first)


def _number(name: str, seconds: bool = False) -> Callable[[CampaignPlan, str], CampaignPlan]:
    def take(plan: CampaignPlan, text: str) -> CampaignPlan:
        if seconds:
            return _with(plan, **{name: read_seconds(text)})
        if not text.strip().isdecimal():
            raise UsageError("that is a whole number", code="bad-number")
        return _with(plan, **{name: int(text)})

    return take


def _limit(name: str) -> Callable[[CampaignPlan, str], CampaignPlan]:
    return lambda plan, text: replace(plan, settings=replace(plan.settings, **{name: BUDGETS[name].take(text)}))


def _flag(name: str) -> Callable[[CampaignPlan, str], CampaignPlan]:
    def take(plan: CampaignPlan, text: str) -> CampaignPlan:
        word = text.strip().lower()
        if word not in ("yes", "y", "no", "n"):
            raise UsageError("that is yes or no")
        return _with(plan, **{name: word in ("yes", "y")})

    return take


def _value(name: str) -> Callable[[CampaignPlan], Any]:
    return lambda plan: getattr(plan.settings, name)


def _seconds_setting(name: str, label: str, explain: str, group: str) -> Setting:
    get = _value(name)
    return Setting(
        name, label, lambda plan: format_duration(get(plan)) if get(plan) is not None else "as it is",
        lambda plan: _typed_seconds(get(plan)), _number(name, seconds=True), explain, group,
    )  # fmt: skip


def _limit_setting(name: str, label: str, none: str, shown: Callable[[Any], str], explain: str) -> Setting:
    get = _value(name)
    return Setting(
        name, label, lambda plan: none if get(plan) is None else shown(get(plan)),
        lambda plan: BUDGETS[name].typed(get(plan)), _limit(name), explain, "BUDGET",
    )  # fmt: skip


def _yes(name: str, label: str, explain: str, group: str) -> Setting:
    get = _value(name)

    def shown(plan: CampaignPlan) -> str:
        return "yes" if get(plan) else "no"

    return Setting(name, label, shown, shown, _flag(name), explain, group)


def _shown_power(plan: CampaignPlan) -> str:
    return plan.settings.switch.shown or "by hand: you are told when to pull the plug"


def _shown_first(plan: CampaignPlan) -> str:
    return ", ".join(f"{safe_text(path.rpartition('/')[2], 60)} x{factor:g}" for path, factor in plan.settings.first)


_POWER, _DRIVE, _READING = "POWER", "THE DRIVE", "READING"

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "power", "power", _shown_power, lambda plan: typed_command(plan, "cycle"), with_cycle,
        "Who switches the drive's power. A program (uhubctl, a relay, a smart plug): one that cuts and restores it, a "
        "pair of commands, or a switch from power.toml by its name. It is run without a shell. By hand: a page asks "
        "for each power cycle, with a bell.", _POWER,
    ),
    Setting(
        "off_seconds", "time off", lambda plan: format_duration(plan.settings.switch.off_seconds),
        lambda plan: _typed_seconds(plan.settings.switch.off_seconds), _off_seconds,
        "How long the drive stays without power between the commands off and on, or by hand. A single command that "
        "does both sees to that itself. Many SSDs need 5 to 30 seconds.", _POWER,
    ),
    _seconds_setting(
        "wait_s", "wait for it",
        "How long to wait for the drive to come back after its power came on. After that it is cut again.", _DRIVE,
    ),
    Setting(
        "tries", "tries", lambda plan: f"{plural(plan.settings.tries, 'power cycle', 'power cycles')} in a row",
        lambda plan: str(plan.settings.tries), _number("tries"),
        "A drive that did not come back after so many power cycles in a row is taken for dead: the campaign ends with "
        "everything saved.", _DRIVE,
    ),
    _seconds_setting("settle_s", "settle", "Time that the drive gets after it came back, before it is read.", _DRIVE),
    Setting(
        "hang", "hang limit", lambda plan: format_duration(plan.hang_limit_s),
        lambda plan: f"{plan.hang_limit_s:g}", _hang,
        "A read that takes longer hangs: the power is cut. Too short costs power cycles for slow places; too long "
        "costs time at each hang. The kernel itself gives up after 30 seconds or several times that.", _DRIVE,
    ),
    Setting(
        "command_timeout_s", "kernel limit",
        lambda plan: "as it is" if plan.settings.command_timeout_s is None else f"{plan.settings.command_timeout_s} s",
        lambda plan: _plain(plan.settings.command_timeout_s),
        lambda plan, text: _with(plan, command_timeout_s=None if text.strip().lower() in _NONE else read_seconds(text)),
        "The kernel's time limit for one command of this drive, where it can be set (SCSI, SATA, USB). Shorter than "
        "usual (30 s) a hang is seen sooner. Empty leaves it as it is.", _DRIVE,
    ),
    _yes(
        "bus", "bus",
        "Delete the drive's node before its power is cut, and look for it on the bus afterwards, where that applies.",
        _DRIVE,
    ),
    _limit_setting(
        "max_cycles", "power cycles", "no limit", str,
        "The campaign ends when so many power cycles are used. Each one can be the last of a dying drive.",
    ),
    _limit_setting(
        "end_time", "until", "no limit", _typed_time,
        "When it has to be over: 07:30 (the next one), 8h from now, or 2026-11-22 07:30. It counts for this run only.",
    ),
    _limit_setting(
        "min_bytes_per_cycle", "least gain", "none", format_size,
        "The campaign ends when no pass is expected to bring so much for a power cycle.",
    ),
    Setting(
        "max_vain", "in vain", lambda plan: f"{plural(plan.settings.max_vain, 'cycle', 'cycles')} in a row",
        lambda plan: str(plan.settings.max_vain), _number("max_vain"),
        "The campaign ends when so many power cycles in a row brought nothing at all.", "BUDGET",
    ),
    Setting(
        "first", "these first", lambda plan: _shown_first(plan) or "nothing in particular", _first_typed, _first,
        "Maps whose finished areas are wanted first: file system metadata, used space, the files that matter. The most "
        "wanted map first; MAP:FACTOR says how much more its bytes count. Paths with blanks in quotes.", _READING,
    ),
    _yes(
        "edges", "edges",
        "Go back to the edges of killers at the end, in small reads: more bytes for more power cycles.", _READING,
    ),
    Setting(
        "cluster_size", "one read", lambda plan: format_size(plan.settings.cluster_size),
        lambda plan: _typed_size(plan.settings.cluster_size),
        lambda plan, text: _with(plan, cluster_size=parse_size(text.strip())),
        "Bytes of one read. A read that kills is lost whole: smaller ones lose less, and are slower.", _READING,
    ),
)  # fmt: skip

BY_NAME = {one.name: one for one in SETTINGS}


def default_of(plan: CampaignPlan, name: str) -> CampaignPlan:
    """The plan with one setting as it is without being set."""
    plain = CampaignPlan()
    if name == "hang":
        return replace(plan, hang_limit_s=plain.hang_limit_s)
    if name == "power":
        return by_hand(plan)
    if name == "off_seconds":
        switch = replace(plan.settings.switch, off_seconds=plain.settings.switch.off_seconds)
        return replace(plan, settings=replace(plan.settings, switch=switch))
    return replace(plan, settings=replace(plan.settings, **{name: getattr(plain.settings, name)}))
