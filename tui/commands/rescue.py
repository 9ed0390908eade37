"""``rescuedeck rescue``: image a failing drive with GNU ddrescue, or see which pass would come next."""

from __future__ import annotations

import argparse
import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.errors import OutsideError, RescueError
from engine.text import format_duration, format_exact, format_size, parse_range, parse_size, safe_text
from tui.commands import dropoff
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.jobs import Change, Event, Job
    from engine.rescue.arguments import RescueArguments
    from engine.rescue.options import RescueOptions

_NOTHING_DONE = frozenset({"job-started", "job-ended", "note", "error"})
"""The events of a rescue that came no further than its checks."""
_JOURNAL = ("job-started", "job-ended", "job-stop", "progress")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="run|plan|tell")
    text = "images a failing drive; with only a case, its own drive, image and map"
    example = "rescuedeck rescue run /dev/disk/by-id/ata-X disk.img disk.map"
    leaf = common(leaves.add_parser("run", help=text, description=text), example=example)
    leaf.add_argument("source", nargs="?", metavar="SOURCE|CASE", help="the drive (or file) to read")
    leaf.add_argument("image", nargs="?", metavar="IMAGE", help="the file (or device) to write")
    leaf.add_argument("map", nargs="?", metavar="MAP", help="the rescue map")
    _how(leaf)
    leaf.add_argument("--dry-run", action="store_true", help="show the checks and the first command, start nothing")
    leaf.add_argument("--detach", action="store_true", help="leave it running in the background")
    leaf.add_argument("--force", action="store_true", help="start in spite of options that destroy rescued data")
    leaf.add_argument("--recover-map", action="store_true", help="go on from older states of a broken map")
    leaf.add_argument("--hang-limit", metavar="SECONDS", type=float, default=60.0, help="a read this long is a hang")
    leaf.add_argument("--stop-on-hang", action="store_true", help="end ddrescue after a hang (once the read returns)")
    leaf.add_argument("--min-free", metavar="SIZE", default="256M", help="stop cleanly below this room (256M)")
    leaf.add_argument("--list-recipes", action="store_true", help="what --recipe and --with take")
    leaf.add_argument("--list-options", action="store_true", help="what --option takes")
    dropoff.add_settings(leaf)
    over = leaf.add_argument_group("overrides, each for one refusal of the checks")
    over.add_argument("--allow-in-use", action="store_true", help="read a source that is mounted or claimed")
    over.add_argument("--allow-same-disk", action="store_true", help="write to the disk that is read")
    over.add_argument("--allow-unsure", action="store_true", help="take a drive that is only probably the known one")
    over.add_argument("--adopt-image", action="store_true", help="go on with an image whose map is lost")
    over.add_argument("--confirm-target", metavar="WORD", help="the word that confirms a device as image")

    text = "the pass that would be run next on a map, and why"
    leaf = common(leaves.add_parser("plan", help=text, description=text), example="rescuedeck rescue plan disk.map")
    leaf.add_argument("map", metavar="MAP", help="a rescue map")
    _how(leaf)
    dropoff.add_tell(leaves)


def _how(leaf: argparse.ArgumentParser) -> None:
    leaf.add_argument("--strategy", choices=("standard", "drop-off"), default="standard",
                      help="which passes, in which order; drop-off: for drives that need their power cut")  # fmt: skip
    leaf.add_argument("--recipe", metavar="NAME", default="", help="one pass instead of a strategy")
    leaf.add_argument("--with", dest="modifiers", metavar="NAME", action="append", default=[],
                      help="a manner of reading laid over every pass (repeatable)")  # fmt: skip
    leaf.add_argument("--retries", type=int, default=3, metavar="N", help="retry passes at the end (3)")
    leaf.add_argument("--range", metavar="START+SIZE", help="only this part of the drive")
    leaf.add_argument("--option", dest="options", metavar="NAME=VALUE", action="append", default=[],
                      help="any option of ddrescue (repeatable)")  # fmt: skip


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    if args.verb == "tell":
        return dropoff.tell(args, out)
    if args.verb == "plan":
        return _plan(args, out)
    if args.list_recipes or args.list_options:
        return _list(args, out)
    return _run(args, out)


def _list(args: argparse.Namespace, out: Output) -> int:
    from engine.rescue.option_table import OPTIONS
    from engine.rescue.recipes import RECIPES

    if args.list_recipes:
        out.document({"recipes": [
            {"name": r.name, "kind": str(r.kind), "title": r.title, "explain": r.explain, "options": dict(r.changes)}
            for r in RECIPES.values()
        ]})  # fmt: skip
        for kind, head in (("pass", "passes (--recipe NAME)"), ("modifier", "manners of reading (--with NAME)")):
            out.line(head)
            out.lines(f"  {r.name:<14} {r.explain}" for r in RECIPES.values() if r.kind == kind)
        return 0
    out.document({"options": [
        {"name": o.name, "long": o.longs[0], "kind": str(o.kind), "group": str(o.group), "unit": o.unit,
         "explain": o.explain, "since": ".".join(map(str, o.since)), "managed": o.managed}
        for o in OPTIONS.values()
    ]})  # fmt: skip
    managed = {o.name: f" ({o.managed})" if o.managed else "" for o in OPTIONS.values()}
    rows = [(o.name, o.unit or str(o.kind), o.explain + managed[o.name]) for o in OPTIONS.values()]
    out.table(("OPTION", "TAKES", "WHAT IT DOES"), rows)
    return 0


def options_from(
    base: RescueOptions, modifiers: Sequence[str], range_: str | None, given: Sequence[str]
) -> RescueOptions:
    """``base`` with recipes, a range and NAME=VALUE options laid over it. Raises ``UsageError``."""
    from engine.errors import UsageError
    from engine.rescue.option_table import Kind
    from engine.rescue.options import find_option
    from engine.rescue.recipes import apply, find_recipe

    options = base
    for name in modifiers:
        options = apply(find_recipe(name), options)
    if range_:
        start, end = parse_range(range_)
        options = options.with_values(input_position=start, size=end - start)
    for text in given:
        name, equals, value = text.partition("=")
        if not name:
            raise UsageError(f"{safe_text(text, 60)!r} is not NAME=VALUE", advice="rescue run --list-options")
        spec = find_option(name)
        if spec.kind is Kind.PATH and value:
            value = os.path.abspath(value)
        options = options.with_text(spec.name, value if equals else "")
    return options


def _arguments(args: argparse.Namespace) -> RescueArguments:
    import dataclasses

    from engine.rescue.arguments import RescueArguments, default_options
    from engine.rescue.place import arguments_for
    from engine.rescue.presets import load_preset

    overrides: dict[str, Any] = {
        name: True for name in ("allow_in_use", "allow_same_disk", "allow_unsure", "adopt_image") if getattr(args, name)
    }
    if args.confirm_target:
        overrides["confirmed_target"] = args.confirm_target
    made = arguments_for(
        args.source, args.image, args.map,
        strategy=args.strategy, recipe=args.recipe, retries=args.retries, hang_limit_s=args.hang_limit,
        stop_on_hang=args.stop_on_hang, min_free=parse_size(args.min_free), insist=args.force,
        recover_map=args.recover_map, overrides=overrides, campaign=dropoff.settings_of(args),
    )  # fmt: skip
    preset = load_preset(made.case) if made.case is not None else None
    base = preset if preset is not None else default_options(made.source)
    # read back, so that what a person wrote is checked here and not first by the job
    options = options_from(base, args.modifiers, args.range, args.options)
    return RescueArguments.from_json(dataclasses.replace(made, options=options).to_json())


def _run(args: argparse.Namespace, out: Output) -> int:
    from engine import jobs
    from engine.cases import load_case

    arguments = _arguments(args)
    if args.dry_run:
        return _dry_run(arguments, out)
    title = load_case(arguments.case).title if arguments.case is not None else arguments.source
    job = jobs.start("rescue", arguments.to_json(), arguments.jobs_directory, title=title)
    dropoff.keep(arguments)
    if args.detach:
        out.document({"job": job.id, "directory": str(job.directory)})
        out.line(f"{job.id} runs in the background; watch it: rescuedeck jobs attach {job.id}")
        return 0
    try:
        return follow(job, out)
    finally:
        _forget_unbegun(job.directory, out, ours=arguments.case is None)


def _forget_unbegun(directory: Path, out: Output, *, ours: bool) -> None:
    """Nothing is kept of a rescue that the checks refused before anything was done: it would stand among the failed
    ones for good. ``ours``: the folder around it was made for it, and goes with the last job in it."""
    from engine.jobs import JobState, JournalTail, load, remove

    job = load(directory)
    done = {event.kind for event in JournalTail(directory).read()} - _NOTHING_DONE
    if job.live or job.state is not JobState.FAILED or done:
        return
    try:
        remove(directory)
    except RescueError as error:  # the refusal is still told after this
        out.note(str(error))
        return
    if ours:
        with contextlib.suppress(OSError):  # other jobs lie in it
            directory.parent.rmdir()


def _dry_run(arguments: RescueArguments, out: Output) -> int:
    from engine.rescue.dry_run import dry_run

    found = dry_run(arguments)
    out.document(found.document())
    out.table(("CHECK", "", "WHAT WAS FOUND"), [(c.code, str(c.severity), c.message) for c in found.checks])
    for one in found.findings:
        out.line(f"{one.severity}: {one.option}: {one.message}")
    out.line()
    out.line(safe_text(found.reason, 400))
    if found.command:
        out.line(found.command)
    return 0 if found.startable else 3


def follow(job: Job, out: Output) -> int:
    """Show a rescue until it ends. Ctrl-C asks it to stop; it is followed until the map is saved."""
    from engine import jobs
    from engine.rescue.session import progress_facts
    from engine.rescue.status import read_status

    bar = out.reporter(job.title)
    asked = seen = 0
    over = False  # the last word has been said: figures after it would say that it goes on
    watching = jobs.watch(job.directory, period_s=1.0)
    while True:
        try:
            change: Change | None = next(watching, None)
            if change is None:
                break
            job = change.job
            _tell(change.events, out, bar)
            seen = max([seen, *(event.seq for event in change.events)])
            status = read_status(job.directory)
            over = over or any(event.kind in ("done", "error") for event in change.events)
            if status is not None and job.live and not over:
                now = {"event": "progress", "time": time.time(), **progress_facts(status)}
                out.event(now)
                message = status.alert or status.headline
                bar.update(status.rescued, status.domain_bytes or None, "B", message)
        except KeyboardInterrupt:
            asked += 1
            bar.close()
            if asked > 2:
                out.note(f"left alone; it goes on stopping: rescuedeck jobs show {job.id}")
                return 130
            out.note("stopping: the read under way is finished and the map saved; Ctrl-C again ends it at once")
            try:
                jobs.stop(job.directory)
            except OutsideError as error:
                out.note(str(error))
            watching = jobs.watch(job.directory, after=seen, period_s=1.0)
    bar.close()
    return _ended(job, out)


def _tell(events: tuple[Event, ...], out: Output, bar: Any) -> None:
    for event in events:
        if event.kind in _JOURNAL:
            continue
        out.event({"event": event.kind, "time": event.time, **event.facts})
        if not out.json and event.kind != "error":  # told at the end, as every command's error
            bar.close()
            out.line(_line(event))


def _line(event: Event) -> str:
    facts = event.facts
    if event.kind == "pass":
        words = f"{facts.get('reason')}\n      {facts.get('command')}"
        return "\n".join(safe_text(part, 8192) for part in f"pass {facts.get('number')}: {words}".split("\n"))
    if event.kind == "hang":
        return safe_text(f"hang: a read at {facts.get('position')} has not come back for {facts.get('seconds')} s")
    if event.kind == "done":
        return safe_text(f"done: {facts.get('reason')}")
    told = [facts.get("message") or facts.get("reason"), *(facts.get("reasons") or []), facts.get("advice")]
    return safe_text(f"{event.kind}: {'; '.join(str(text) for text in told if text)}")


def _ended(job: Job, out: Output) -> int:
    from engine.jobs import JobState

    if job.state is JobState.DONE and job.result is not None:
        rescued, missing = int(job.result.get("rescued", 0)), int(job.result.get("missing", 0))
        worked = format_duration(job.elapsed_s)
        out.line(f"rescued {format_exact(rescued)}, missing {format_exact(missing)}, in {worked}")
        return 0 if job.result.get("complete") else 1
    if job.state is JobState.STOPPED:
        out.line(f"stopped, the map is saved; go on: rescuedeck jobs resume {job.id}")
        return 130
    if job.error is not None:
        if out.json:
            return job.error.exit_code
        error = OutsideError(job.error.message, code=job.error.code, advice=job.error.advice)
        error.exit_code = job.error.exit_code
        raise error
    raise OutsideError(
        "the process of the rescue was killed", code="killed", advice=f"go on: rescuedeck jobs resume {job.id}"
    )


def _plan(args: argparse.Namespace, out: Output) -> int:
    from engine.mapfile import read_map
    from engine.rescue.capabilities import probe
    from engine.rescue.command import arguments
    from engine.rescue.domain import domain_of
    from engine.rescue.options import RescueOptions
    from engine.rescue.place import past_passes
    from engine.rescue.plan import next_pass, single_pass
    from engine.rescue.recipes import RECIPES

    base = options_from(RescueOptions(), args.modifiers, args.range, args.options)
    if args.strategy == "drop-off":
        return dropoff.plan(args, base, out)
    known = read_map(args.map)
    size = None if known.open_ended or not len(known) else known.end
    domain = domain_of(base, size)
    if args.recipe:
        chosen, reason = single_pass(args.recipe, known, base, size=size, domain=domain), "asked for"
        found = chosen if chosen.size else None
    else:
        plan = next_pass(known, past_passes(args.map), base, size=size, domain=domain, retries=args.retries)
        found, reason = plan.next, plan.reason
    shown = None
    if found is not None:
        shown = {
            "start": found.start, "size": found.size, "direction": found.direction, "recipe": found.recipe,
            "arguments": list(arguments(probe(), found.options)),
        }  # fmt: skip
        recipe = RECIPES[found.recipe]
        out.line(f"{recipe.title}, {found.direction}: {recipe.explain}")
        words = " ".join(arguments(probe(), found.options))
        out.line(f"touches {format_size(found.size)} from {found.start} on: ddrescue {words} ...")
    out.line(reason)
    out.document({"pass": shown, "reason": reason})
    return 0
