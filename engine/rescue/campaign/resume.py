"""After a kill: a ddrescue that was left behind, and a pass whose end nobody saw."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable

from engine.errors import RescueError
from engine.mapfile.lock import Holder
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from engine.rescue import proc
from engine.rescue.campaign import choose, drive
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.bring import Bringing
from engine.rescue.campaign.desk import CampaignDesk
from engine.rescue.campaign.drive import Proof
from engine.rescue.campaign.memory import About, Memory
from engine.rescue.campaign.show import Show
from engine.rescue.campaign.verdict import read_at
from engine.rescue.guard import compare, repair
from engine.rescue.session import Session
from engine.rescue.strategy.records import How, Run
from engine.text import safe_text


class Leftover:
    """A ddrescue of a killed runner: it was interrupted, and ends as soon as its read returns. If that hangs, the power
    is cut, once it is noted where."""

    def __init__(
        self,
        session: Session,
        desk: CampaignDesk,
        memory: Memory,
        show: Show,
        bringing: Bringing,
        keep: Callable[[], None],
    ) -> None:
        self._session, self._desk, self._memory, self._show = session, desk, memory, show
        self._bringing, self._keep = bringing, keep
        self._mark: tuple[int, int | None] = (0, None)
        self._since = time.monotonic()
        self._noted = False

    def free(self, holder: Holder) -> None:
        """Called each second while it lives."""
        now = time.monotonic()
        seen = proc.look(holder.pid, *(os.path.realpath(path) for path in self._paths(holder.pid)))
        if (holder.pid, seen.position) != self._mark:
            self._mark, self._since = (holder.pid, seen.position), now
        if now - self._since < self._memory.budget.hang_limit_s or seen.doing not in ("reading", ""):
            self._show.phase(Phase.ENDING, f"waiting for ddrescue of an earlier run to end (process {holder.pid})")
            return
        if not self._noted and self._memory.about is not None:
            self._noted = True
            self._memory.about = dataclasses.replace(self._memory.about, hung_at=seen.position)
            self._memory.dead = "a read hangs since before this run"
            self._memory.dead_attachment = self._memory.about.attachment
            self._keep()
            self._session.event("hang", position=seen.position, seconds=round(now - self._since, 1), exact=True)
        self._bringing.free()

    def _paths(self, pid: int) -> tuple[str, str, str]:
        """Source, image and map as it was given them; the source may have had another name then."""
        arguments = self._session.arguments
        source = arguments.source
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read(1 << 16).rstrip(b"\0").split(b"\0")
            source = os.fsdecode(words[-3])
        except (OSError, IndexError):
            pass  # it ended just now
        return source, arguments.image, arguments.map


def settle(session: Session, memory: Memory, known: Mapfile, *, was_cut: bool) -> Mapfile:
    """The map to go on with after a pass whose end nobody saw; what is known of it goes into the memory.

    Unless the drive proves to have been well all the time, the pass is taken to have killed it, at the first failure
    behind what it brought, or where it was reading last: that place is not read again.
    """
    about = memory.about
    assert about is not None and memory.known is not None
    before = _kept(about, known)
    gained = compare(before, known)
    well = (
        not was_cut and about.hung_at is None and _was_well_all_the_time(session, memory, about, known, gained.failed)
    )
    made = about.made
    retried = RangeSet(about.put_back)
    prepared = choose.as_untried(before, retried)
    if well:
        result = choose.put_back(before, known, retried)
        run = _run(about, gained.finished, compare(prepared, result).failed, How.STOPPED, None)
        words = "the run before was killed during a pass; the drive is well"
    else:
        direction = "backwards" if made.reverse else "forwards"
        repaired = repair(
            prepared, known,
            size=memory.known.size, dropped=True, direction=direction, cluster=made.cluster_size,
            died_reading=about.hung_at is None,
        )  # fmt: skip
        killer = repaired.suspect
        if about.hung_at is not None and made.start <= about.hung_at < made.stop:
            killer = read_at(made, about.hung_at)
        result = choose.put_back(before, repaired.map, retried)
        if killer is not None:
            result = choose.mark_killer(result, *killer)
        how = How.HUNG if about.hung_at is not None else How.KILLED
        run = _run(about, compare(before, result).finished, compare(prepared, result).failed, how, killer)
        place = f" at {killer[0]}" if killer is not None else ""
        words = f"the run before was killed during a pass, and the drive may have been lost{place}: not read again"
        memory.dead = memory.dead or "it is not known whether the drive survived the last pass"
        memory.dead_attachment = memory.dead_attachment or about.attachment
    memory.runs.append(run)
    memory.cycle_bytes[-1] += run.gained
    memory.about = None
    memory.decide(safe_text(words, 400))
    session.event("note", message=words)
    if result is not known:
        write_map(session.arguments.map, result)
    return result


def _kept(about: About, known: Mapfile) -> Mapfile:
    """The map as it was before the pass; where that is lost, the present one (nothing then counts as new)."""
    try:
        kept = read_map(about.before) if about.before else known
    except RescueError:
        return known
    return kept if len(kept) else known


def _was_well_all_the_time(session: Session, memory: Memory, about: About, known: Mapfile, failed: RangeSet) -> bool:
    """Same boot, same attachment, and it reads what it read before. Without a number of its attachment (a file) nobody
    knows whether its power was cut meanwhile: then nothing may have failed either."""
    assert memory.known is not None
    if not about.boot or about.boot != drive.boot_of_this_machine():
        return False
    sight = drive.look_for(memory.known)
    if sight.path is None:
        return False
    if about.attachment and drive.attachment(sight.path) != about.attachment:
        return False
    if failed and not (about.attachment and memory.known.numbered):
        return False
    options = session.options
    shift = 0 if options.output_position is None else options.output_position - (options.input_position or 0)
    places = drive.places_of(known, session.arguments.image, shift)
    return drive.prove(sight.path, places).proof in (Proof.SAME, Proof.NOTHING)


def _run(about: About, finished: RangeSet, failed: RangeSet, how: How, killer: tuple[int, int] | None) -> Run:
    made = about.made
    reached = finished.union(failed).clip(made.start, made.stop)
    if killer is not None:
        end = killer[1] if made.reverse else killer[0]
    elif reached:
        end = int(reached.starts[0]) if made.reverse else int(reached.ends[-1])
    else:
        end = made.stop if made.reverse else made.start
    partial = bool(made.tier)
    return Run(made.start, made.size, made.reverse, end, how, finished.total, killer, made.cluster_size, partial)
