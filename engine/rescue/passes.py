"""Before and after a pass: the map made ready and kept, the end judged, the map guarded."""

from __future__ import annotations

from dataclasses import dataclass

from engine.devices.drive_state import Look
from engine.errors import RescueError
from engine.host.blocks import node_of_path
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.rescue import guard
from engine.rescue.arguments import RescueArguments
from engine.rescue.liveness import Alive, Liveness, check
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending, Outcome, classify
from engine.rescue.passrun import Ran, Why

_BLOCKS_PER_SECOND = 20_000


@dataclass(frozen=True, slots=True)
class Judged:
    """How a pass ended, the map to go on with (None: there is none), and what the guard did to it."""

    outcome: Outcome
    known: Mapfile | None
    repaired: guard.Repaired | None
    liveness: Liveness


def tuned(options: RescueOptions, known: Mapfile | None, image: str) -> RescueOptions:
    """The options as ddrescue gets them.

    The map is saved each second unless somebody said otherwise; a huge one less often, since it takes time. A device
    as image needs ddrescue's own ``force``: the checks before the start have had it confirmed.
    """
    if node_of_path(image) is not None:
        options = options.with_values(force=True)
    if options.map_save_interval is not None or options.map_sync_interval is not None:
        return options
    save = 1 + (len(known) // _BLOCKS_PER_SECOND if known is not None else 0)
    return options.with_values(map_save_interval=save, map_sync_interval=max(5, save))


def made_ready(known: Mapfile, recipe: str, last_recipe: str, last_ending: str) -> Mapfile:
    """The map for the next pass.

    Its status line stays when the same recipe was interrupted, so that ddrescue goes on where it was. Otherwise it is
    set to the beginning: a copying phase that resumes leaves out everything before its position.
    """
    if not last_recipe and last_ending == "":
        return known  # first pass of this job: whatever wrote the map may be gone on with
    if recipe == last_recipe and last_ending not in (Ending.FINISHED, "left"):
        return known
    return known.with_status_line(0, "?", 1) if known.phase == "?" else known


def judge_pass(
    ran: Ran,
    before: Mapfile,
    arguments: RescueArguments,
    options: RescueOptions,
    *,
    size: int | None,
    well: Look | None,
    started: bool = True,
    liveness: Liveness | None = None,
) -> Judged:
    """Look at everything a pass left. Touches the drive (one known good place) only when there is a doubt.

    ``started`` False: there was no map before, so that none afterwards means that nothing was done. ``liveness`` is
    whether the drive still answers, when that is known: it is then not asked.
    """
    after = _left(arguments.map, ran, before)
    shift = (options.output_position or 0) - (options.input_position or 0) if options.output_position is not None else 0
    believed = ran.trusted or before
    # trimming and scraping only move failed areas from one status to the next: these failures are in doubt as well
    doubt = after is not None and any(after.ranges(char).subtract(believed.ranges(char)) for char in "*/-")
    asked = (Why.CANCELLED, Why.REQUEST, Why.SPACE, Why.MAP, Why.SLOW, Why.TIME)
    clean = ran.returncode == 0 or ran.why in asked
    rescue_mode = not (options.fill_mode or options.generate_mode)
    if liveness is not None:
        pass
    elif ran.stuck:
        liveness = Liveness(Alive.UNKNOWN, "ddrescue still hangs in the kernel")
    else:
        probe_with = (after or before) if rescue_mode and (doubt or ran.hung or not clean) else None
        liveness = check(arguments.source, probe_with, image=arguments.image, shift=shift, well=well)
    sign = ran.sign or (_nothing_read(before, after) if ran.returncode == 0 else "")
    outcome = classify(
        ran.returncode, ran.stderr, ran.ending_line,
        stop_requested=ran.why is not Why.NONE, liveness=liveness, dead_during_run=sign,
    )  # fmt: skip
    if ran.why is Why.SPACE and outcome.ending is Ending.STOPPED:
        outcome = Outcome(Ending.NO_SPACE, f"stopped in time: {ran.detail}", ran.returncode, outcome.said)
    elif ran.why is Why.MAP and outcome.ending is Ending.STOPPED:
        outcome = Outcome(Ending.MAP_UNWRITABLE, f"stopped in time: {ran.detail}", ran.returncode, outcome.said)
    if not rescue_mode or (after is None and ran.seen is None and not started):
        return Judged(outcome, after, None, liveness)
    repaired = guard.repair(
        before, after,
        size=size, dropped=outcome.dropped, trusted=ran.trusted, seen=ran.seen,
        direction=ran.direction, cluster=options.cluster,
        died_reading=ran.returncode == 1 and "open input file" not in ran.stderr,
    )  # fmt: skip
    return Judged(outcome, repaired.map, repaired, liveness)


def _nothing_read(before: Mapfile, after: Mapfile | None) -> str:
    """A sign of death where nothing is known good: the run failed everywhere and never succeeded."""
    if after is None or before.totals().finished or after.totals().finished:
        return ""
    return "not one read succeeded" if after.ranges("*/-") else ""


def _left(path: str, ran: Ran, before: Mapfile) -> Mapfile | None:
    """The map the run left, or what it saved elsewhere when its place was full; None when neither is whole."""
    found = []
    for place in (path, ran.emergency):
        if place is None:
            continue
        try:
            known = read_map(place)
        except RescueError:
            continue
        if len(known) and known.end >= min(before.end, ran.seen.end if ran.seen is not None else before.end):
            found.append(known)
    return max(found, key=lambda known: known.totals().finished, default=None)
