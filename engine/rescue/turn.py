"""One pass inside a session: map made ready and kept, ddrescue run, its end judged, the map guarded and saved."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import Protocol

from engine.atomic import give_to_owner
from engine.cases import keep_map
from engine.errors import CancelledError, OutsideError
from engine.mapfile.model import Mapfile
from engine.mapfile.write import write_map
from engine.rescue.command import Command, build
from engine.rescue.domain import totals_in
from engine.rescue.liveness import Liveness
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending
from engine.rescue.passes import Judged, judge_pass, made_ready, tuned
from engine.rescue.passrun import Attendant, PassRun, Ran, facts_of
from engine.rescue.plan import LEFT, Pass, PassRecord
from engine.rescue.recipes import RECIPES
from engine.rescue.session import Session
from engine.rescue.status import State


@dataclass(frozen=True, slots=True)
class Turn:
    """What a pass came to: the map to go on with, how it ended, and the details.

    ``ending`` is that of the outcome, or ``plan.LEFT`` when a person went on to the next pass.
    """

    known: Mapfile | None
    ending: str
    judged: Judged
    ran: Ran


class Judge(Attendant, Protocol):
    """An attendant that may know how the drive is without asking it."""

    def liveness(self, ran: Ran) -> Liveness | None:
        """Whether the drive still answers, when that is known already."""


def run_pass(
    session: Session, known: Mapfile | None, chosen: Pass, reason: str, attendant: Judge | None = None
) -> Turn:
    """Run a pass and see to the map. Returns however it ended; the record of it is the last of ``session.history``.

    Raises ``CancelledError`` when the person stopped it (with an attendant only when ddrescue had to be left behind),
    ``OutsideError`` when the drive is not ready before the start or the map cannot be saved afterwards.
    """
    assert session.capabilities is not None, "the session was not prepared"
    arguments, title = session.arguments, RECIPES[chosen.recipe].title
    session.still_the_same_drive()
    known = _ready(session, known, chosen)
    options = tuned(chosen.options, known, arguments.image)
    command = build(session.capabilities, options, arguments.source, arguments.image, arguments.map)
    keep_map(arguments.map, session.maps, f"before {title}", command=command.shown, automatic=True)
    before = known if known is not None else Mapfile.new(0, session.size or 0)
    index = session.monitor.status.pass_index + 1
    session.event(
        "pass", number=index, recipe=chosen.recipe, title=title, reason=reason,
        command=command.shown, start=chosen.start, size=chosen.size, direction=chosen.direction,
    )  # fmt: skip
    session.checkpoint(chosen.recipe)
    session.monitor.write(
        State.RUNNING, "starting ddrescue",
        recipe=chosen.recipe, recipe_title=title, reason=reason, command=command.shown, pass_index=index,
    )  # fmt: skip
    ran = _drive(session, command, options, attendant)
    judged = judge_pass(
        ran, before, arguments, options, size=session.size, well=session.well, started=known is not None,
        liveness=attendant.liveness(ran) if attendant is not None else None,
    )  # fmt: skip
    _save(session, judged, ran)
    for path in (arguments.image, arguments.map, arguments.map + ".bak"):
        _hand_over(path)
    try:
        keep_map(arguments.map, session.maps, f"after {title}: {judged.outcome.message}", automatic=True)
    except OutsideError as error:  # the map itself stands: how the pass ended matters more than a copy of it
        session.event("note", code="map-not-kept", message=f"this state of the map could not be kept: {error.message}")
    turn = Turn(judged.known, _ending(judged, ran), judged, ran)
    _note(session, turn, before, chosen)
    if ran.stuck:
        raise CancelledError("stopped on request", advice="what was done so far is kept")
    if attendant is None:
        session.stop_if_asked()
    return turn


def _ready(session: Session, known: Mapfile | None, chosen: Pass) -> Mapfile | None:
    if known is None:
        return None
    last = session.history[-1] if session.history else None
    ready = made_ready(known, chosen.recipe, last.recipe if last else "", last.ending if last else "")
    if ready is not known:
        write_map(session.arguments.map, ready)
    return ready


def _drive(session: Session, command: Command, options: RescueOptions, attendant: Attendant | None) -> Ran:
    start = options.input_position or 0
    end = start + options.size if options.size is not None else session.size
    if session.size is not None and end is not None:
        end = min(end, session.size)
    shift = 0 if options.output_position is None else options.output_position - start
    job = session.job
    # Who attends a pass can free a reader that hangs, also after a restart: that must not be kept from starting.
    held = job.lock_fd >= 0 and attendant is None
    one = PassRun(
        session.arguments, command, session.monitor,
        work=job.work_directory, well=session.well, image_end=None if end is None else end + shift,
        pass_fds=(job.lock_fd,) if held else (), cancelled=job.cancelled, ask=session.desk.ask,
        tell=session.event, progress=session.progress, kill_asked=lambda: session.desk.kill, attendant=attendant,
    )  # fmt: skip
    try:
        ran = one.run()
    finally:
        session.desk.kill = False
    session.monitor.idle(ran.run_time_s)
    return ran


def _save(session: Session, judged: Judged, ran: Ran) -> None:
    """Save the map the guard made of what the run left, and say why."""
    reasons = judged.repaired.reasons if judged.repaired is not None else ()
    if judged.known is None or not (reasons or ran.emergency):
        return
    try:
        write_map(session.arguments.map, judged.known)
    except OutsideError as error:
        if ran.emergency is not None:
            error.advice = f"the newest map is {ran.emergency}: make room, then resume, which puts it back"
            session.emergency = str(ran.emergency)
            session.checkpoint("")
        raise
    if reasons and not judged.outcome.dropped:
        session.event("note", message="; ".join(reasons))


def _hand_over(path: str) -> None:
    """Under sudo ddrescue makes root's files: image and map belong to the person who called."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # not there (yet), or a link that somebody else put there
        return
    try:
        facts = os.fstat(fd)
        if stat.S_ISREG(facts.st_mode) and facts.st_uid == 0:
            give_to_owner(fd)
    finally:
        os.close(fd)


def _ending(judged: Judged, ran: Ran) -> str:
    asked_for_next = ran.request is not None and ran.request.action == "end-pass"
    return LEFT if asked_for_next and judged.outcome.ending is Ending.STOPPED else judged.outcome.ending


def _note(session: Session, turn: Turn, before: Mapfile, chosen: Pass) -> None:
    """Into history, checkpoint, status, journal and case."""
    domain, outcome = session.monitor.domain, turn.judged.outcome
    after = totals_in(turn.known, domain).bytes if turn.known is not None else (0,) * 5
    done = PassRecord(chosen.recipe, turn.ending, totals_in(before, domain).bytes, after)
    session.history.append(done)
    session.monitor.take_map(turn.known)
    session.checkpoint("")
    session.desk.ended(chosen.recipe, turn.ending)
    if outcome.dropped:
        _tell_drop(session, turn)
    session.record(
        "rescue-pass", message=outcome.message, recipe=chosen.recipe, ending=turn.ending, gained=done.gained,
        command=session.monitor.status.command,
    )  # fmt: skip
    session.monitor.write(State.RUNNING, outcome.message, stopping_s=None)


def _tell_drop(session: Session, turn: Turn) -> None:
    repaired = turn.judged.repaired
    suspect = repaired.suspect if repaired is not None else None
    session.event(
        "drop-off",
        message=turn.judged.outcome.message,
        position=suspect[0] if suspect else turn.ran.position,
        suspect_size=suspect[1] - suspect[0] if suspect else None,
        not_believed=repaired.restored.total if repaired is not None else 0,
        reasons=list(repaired.reasons) if repaired is not None else [],
        **facts_of(turn.ran),
    )
