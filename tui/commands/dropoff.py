"""``rescuedeck rescue`` with the strategy ``drop-off``: the campaign's settings, its plan, requests to it."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.errors import OutsideError, UsageError
from engine.text import format_size, parse_range, parse_size, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.rescue.arguments import RescueArguments
    from engine.rescue.campaign.settings import CampaignSettings, PowerSwitch
    from engine.rescue.options import RescueOptions

_ANSWER_S = 15.0
_AREAS = ("skip-area", "unskip-area", "try-area")
_SAID = ("pause", "resume", "end-pass", *_AREAS, "budget", "power-cycle", "power-done", "take-over", "hand-back")


def add_settings(leaf: argparse.ArgumentParser) -> None:
    """The campaign's settings, for ``rescue run``."""
    more = leaf.add_argument_group("with --strategy drop-off (see docs/drop-off.md)")
    more.add_argument("--power-command", metavar="CMD", help="one program that cuts and restores the drive's power")
    more.add_argument("--power-off", metavar="CMD", help="... or one that cuts it ...")
    more.add_argument("--power-on", metavar="CMD", help="... and one that restores it")
    more.add_argument("--power-switch", metavar="NAME", help="... or a switch from power.toml; without any: by hand")
    more.add_argument("--off-seconds", metavar="S", type=float, help="time without power (5)")
    more.add_argument("--wait", metavar="S", type=float, help="wait so long for the drive, then cut again (60)")
    more.add_argument("--settle", metavar="S", type=float, help="time for the drive after it came back (2)")
    more.add_argument("--tries", metavar="N", type=int, help="power cycles in vain that end it (3)")
    more.add_argument("--max-cycles", metavar="N", type=int, help="at most so many power cycles")
    more.add_argument("--until", metavar="WHEN", help="07:30, '2026-11-22 07:30', or 8h from now")
    more.add_argument("--min-per-cycle", metavar="SIZE", help="end when no cycle is expected to bring so much")
    more.add_argument("--first", metavar="MAP[:FACTOR]", action="append", default=[],
                      help="what is finished in this map is wanted first (repeatable, in order)")  # fmt: skip
    more.add_argument("--no-edges", action="store_true", help="do not go back to the edges of killers at the end")
    more.add_argument("--no-bus", action="store_true", help="never delete the drive's node, never rescan the bus")
    more.add_argument(
        "--command-timeout", metavar="S", type=int, help="the kernel's limit for one command of the drive"
    )
    more.add_argument("--cycle-worth", metavar="S", type=float, help="a power cycle counts as so many seconds (20)")


def settings_of(args: argparse.Namespace) -> CampaignSettings:
    """The settings as they were given. Raises ``RescueError``."""
    from engine.rescue.campaign.settings import CampaignSettings, parse_first
    from tui.campaign_draft import read_until

    given = {
        "switch": _switch(args), "wait_s": args.wait, "settle_s": args.settle, "tries": args.tries,
        "max_cycles": args.max_cycles, "end_time": read_until(args.until) if args.until else None,
        "min_bytes_per_cycle": parse_size(args.min_per_cycle) if args.min_per_cycle else None,
        "first": tuple(parse_first(text, position) for position, text in enumerate(args.first)),
        "edges": not args.no_edges, "bus": not args.no_bus, "command_timeout_s": args.command_timeout,
        "cycle_worth_s": args.cycle_worth,
    }  # fmt: skip
    made = {name: value for name, value in given.items() if value is not None}
    if args.strategy != "drop-off" and (changed := _changed(made)):
        raise UsageError(f"{', '.join(changed)}: only with --strategy drop-off", code="usage")
    made["switch"] = made["switch"].to_json()
    return CampaignSettings.from_json(made)


def _changed(made: Mapping[str, Any]) -> list[str]:
    from engine.rescue.campaign.settings import CampaignSettings

    usual = CampaignSettings()
    return [name.replace("_", "-") for name, value in made.items() if value != getattr(usual, name)]


def _switch(args: argparse.Namespace) -> PowerSwitch:
    from dataclasses import replace

    from engine.rescue.campaign.powerfile import load_switch
    from engine.rescue.campaign.settings import PowerSwitch, parse_command

    pair = args.power_off or args.power_on
    if sum(map(bool, (args.power_command, pair, args.power_switch))) > 1:
        raise UsageError("one of --power-command, --power-off with --power-on, and --power-switch", code="usage")
    if args.power_switch:
        made = load_switch(args.power_switch)
    elif args.power_command:
        made = PowerSwitch(cycle=parse_command(args.power_command))
    elif pair:
        if not (args.power_off and args.power_on):
            raise UsageError("--power-off and --power-on go together", code="usage")
        made = PowerSwitch(off=parse_command(args.power_off), on=parse_command(args.power_on))
    else:
        made = PowerSwitch()
    return made if args.off_seconds is None else replace(made, off_seconds=args.off_seconds)


def keep(arguments: RescueArguments) -> None:
    """Keep strategy and settings with the case, as the deck does: it must not go on in another manner unasked."""
    from engine.rescue.presets import StrategyPreset, save_strategy

    if arguments.case is not None and arguments.strategy == "drop-off":
        save_strategy(arguments.case, StrategyPreset("drop-off", arguments.hang_limit_s, arguments.campaign))


def plan(args: argparse.Namespace, base: RescueOptions, out: Output) -> int:
    """The pass that a campaign would run next on a map, and why."""
    from pathlib import Path

    from engine.mapfile import read_map
    from engine.rescue.campaign.choose import options_for, plan_next
    from engine.rescue.campaign.memory import Memory
    from engine.rescue.campaign.settings import CampaignSettings
    from engine.rescue.capabilities import probe
    from engine.rescue.command import arguments
    from engine.rescue.place import past_campaign
    from engine.rescue.strategy import Done

    past = past_campaign(args.map)
    memory = Memory.from_json(past[0]) if past is not None else Memory()
    settings = CampaignSettings.from_json(past[1].get("campaign") or {}) if past is not None else CampaignSettings()
    past_facts = {"cycles": memory.cycles, "lost": memory.dead}
    found = plan_next(read_map(args.map), memory, settings, base)
    if isinstance(found, Done):
        out.line(safe_text(found.reason))
        out.document({"pass": None, "reason": found.reason, "code": found.code, **past_facts})
        return 0
    options = options_for(found, base, Path("DOMAIN"), (found.start, found.stop))
    words = [word for word in arguments(probe(), options) if not word.startswith("--domain-mapfile")]
    direction = "backwards" if found.reverse else "forwards"
    out.line(safe_text(found.reason))
    out.line(
        f"{found.kind}, {direction}, {format_size(found.size)} from {found.start} on: ddrescue {' '.join(words)} ..."
    )
    if memory.dead:
        out.line(safe_text(f"before that the drive has to be brought back: {memory.dead}"))
    shown = {
        "start": found.start, "size": found.size, "direction": direction, "kind": str(found.kind), "gain": found.gain,
        "risk": found.risk, "arguments": words,
    }  # fmt: skip
    out.document({"pass": shown, "reason": found.reason, **past_facts})
    return 0


def add_tell(leaves: Any) -> None:
    """The verb ``rescue tell``."""
    text = "tells a running rescue to pause, to go on, to leave an area alone, that the power was cut ..."
    leaf = common(
        leaves.add_parser("tell", help=text, description=text),
        example="rescuedeck rescue tell smith-ssd skip-area 0x1000000+16M",
    )
    leaf.add_argument("where", metavar="CASE|JOB", help="a case, a job's folder or its name")
    leaf.add_argument("action", choices=_SAID, metavar="ACTION", help=", ".join(_SAID))
    leaf.add_argument("area", nargs="?", metavar="START+SIZE", help="for areas: START+SIZE or START-END")
    leaf.add_argument("--after-pass", action="store_true", help="let the pass under way come to its end first")
    leaf.add_argument("--release-map", action="store_true", help="pause: let go of the map, so that it can be edited")
    leaf.add_argument("--reverse", action="store_true", help="try-area: from its end downwards")
    leaf.add_argument("--killers", action="store_true", help="try-area: also the places in it that are known to kill")
    leaf.add_argument("--max-cycles", metavar="N|none", help="budget: power cycles in all")
    leaf.add_argument("--until", metavar="WHEN|none", help="budget: when it has to be over")
    leaf.add_argument("--min-per-cycle", metavar="SIZE|none", help="budget: the least that a cycle is to bring")
    leaf.add_argument("--hang-limit", metavar="SECONDS", type=float, help="budget: a read this long is a hang")


def tell(args: argparse.Namespace, out: Output) -> int:
    """Leave the request, and wait for its answer."""
    from engine.jobs import load
    from engine.jobs.locate import find_one
    from engine.rescue import control
    from engine.rescue.status import read_status

    job = find_one(args.where, lambda one: one.kind == "rescue" and one.live, what="running rescue")
    if job.kind != "rescue" or not job.live:
        raise UsageError(f"{job.id} is no running rescue", code="not-running", advice=f"jobs resume {job.id}")
    values = _values(args)
    facts = {"now": not args.after_pass, "release_map": args.release_map, "values": values}
    number = control.send(job.directory, args.action, **facts)
    end = time.monotonic() + _ANSWER_S
    while time.monotonic() < end:
        status = read_status(job.directory)
        if status is not None and status.request >= number:
            out.line(safe_text(status.answer))
            out.document({"job": job.id, "request": number, "answer": status.answer, "state": str(status.state)})
            return 0
        if not load(job.directory).live:
            break
        time.sleep(0.2)
    raise OutsideError("the rescue has not answered yet", code="no-answer", advice=f"look at it: jobs show {job.id}")


def _values(args: argparse.Namespace) -> dict[str, Any]:
    from tui.campaign_draft import read_until

    values: dict[str, Any] = {}
    if args.action in _AREAS:
        if not args.area:
            raise UsageError(f"{args.action} needs an area: START+SIZE", code="usage")
        values["start"], values["end"] = parse_range(args.area)
        if args.action == "try-area":
            values |= {"reverse": args.reverse, "killers": args.killers}
    elif args.area:
        raise UsageError(f"{args.action} takes no area", code="usage")
    if args.action == "budget":
        if args.max_cycles is not None:
            values["max_cycles"] = _number(args.max_cycles)
        if args.until is not None:
            values["end_time"] = read_until(args.until)
        if args.min_per_cycle is not None:
            values["min_bytes_per_cycle"] = None if args.min_per_cycle == "none" else parse_size(args.min_per_cycle)
        if args.hang_limit is not None:
            values["hang_limit_s"] = args.hang_limit
        if not values:
            raise UsageError("budget needs at least one of its options", code="usage")
    return values


def _number(text: str) -> int | None:
    if text == "none":
        return None
    if not text.isdecimal():
        raise UsageError(f"{safe_text(text, 40)!r} is no number of power cycles", code="usage")
    return int(text)
