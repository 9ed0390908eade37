"""The campaign: choose a pass, say so, run it, see what it came to, bring the drive back, choose again.

Killed at any point it goes on from the map and from what it remembers: before a pass begins the job's checkpoint says
which one, and whatever it may have died at is not read again.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

from engine.cases import keep_map
from engine.devices.drive_state import judge as judge_drive
from engine.devices.drive_state import look
from engine.errors import CancelledError, OutsideError, RefusedError, RescueError
from engine.mapfile.model import Mapfile
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from engine.rescue import plan
from engine.rescue.arguments import default_options
from engine.rescue.campaign import bus, choose, drive, resume
from engine.rescue.campaign.attend import CampaignAttendant
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.bring import Bringing, BudgetSpent
from engine.rescue.campaign.hand import Hand
from engine.rescue.campaign.kernel import KernelLog, Names
from engine.rescue.campaign.memory import About, Budget, Memory
from engine.rescue.campaign.show import Show, shown_pass
from engine.rescue.campaign.verdict import Finding, Verdict, judge
from engine.rescue.options import RescueOptions
from engine.rescue.passrun import facts_of
from engine.rescue.session import GONE_ADVICE, Session
from engine.rescue.status import State
from engine.rescue.strategy import Done, How, Pass, Run, next_pass
from engine.rescue.turn import Turn, run_pass
from engine.text import format_size, safe_text

_POOR = 3
"""So many cycles in a row that each brought less than the budget's least end the campaign, whatever is expected."""
_LATE = 3
_LITTLE = 64 << 10
"""When so many cycles in a row brought no more than this each, that is said; and again at twice as many."""
_LONG_SHOTS = 4
"""So many cycles in a row that brought nothing end it, when less than a sector is to be expected of the next."""
_EMPTY = 20
_KILLS = 3
_ADVICE = {
    Finding.TARGET_FULL: "make room, then resume",
    Finding.TARGET_ERROR: "check the target's disk, then resume",
    Finding.MAP_UNWRITABLE: "make room where the map lies, then resume",
    Finding.FAILED: "everything rescued so far is kept; see what ddrescue said, then resume",
}


class Campaign:
    """One campaign, from its checks to its end."""

    def __init__(self, session: Session) -> None:
        arguments = session.arguments
        self.settings = settings = arguments.campaign
        saved = (session.job.saved or {}).get("campaign")
        self.memory = Memory.from_json(saved) if saved else Memory(
            budget=Budget(
                settings.max_cycles, settings.end_time, settings.min_bytes_per_cycle, arguments.hang_limit_s
            )
        )  # fmt: skip
        self.session = session
        if session.options.fill_mode or session.options.generate_mode:
            raise RefusedError(
                "a campaign reads the drive: filling and generating maps are runs of their own", code="bad-options"
            )
        session.arguments = dataclasses.replace(arguments, stop_on_hang=True)
        session.memory = lambda: {"campaign": self.memory.to_json()}
        if self.memory.known is not None:
            session.size = self.memory.known.size
        self.show = Show(session.monitor, self.memory, settings)
        self.hand = Hand(session, self.memory, self.show, self)
        self.desk = self.hand.desk
        self.bringing = Bringing(session, self.desk, self.memory, self.show, settings, self.keep)
        self.known = Mapfile.new(0, 0)
        self._valuable: tuple[tuple[RangeSet, float], ...] = ()
        self.under_way: Pass | None = None
        self._empty = self._killed = 0
        self._asked_for = False  # the power cycle that is due was asked for
        self._began = 0.0
        self._log = KernelLog()
        self._names: Names | None = None

    # -- the whole ---------------------------------------------------------------------------------------------------

    def run(self) -> dict[str, Any]:
        """To the end. Raises ``CancelledError`` when stopped, ``OutsideError`` when it cannot go on."""
        try:
            return self._run()
        except BudgetSpent as spent:
            return self._done(Done(spent.code, spent.reason))
        except RescueError as error:
            if isinstance(error, CancelledError):
                self.bringing.leave()
            self.memory.decide(safe_text(error.message, 400))
            self.show.note(phase=Phase.ENDED, waits_for=error.message, needs="", until_s=None)
            raise
        finally:
            self._log.close()

    def _run(self) -> dict[str, Any]:
        self._prepare()
        while True:
            self.hand.obey()
            self.show.phase(Phase.CHOOSING, "choosing the next pass")
            choice, by_hand = self._choose()
            over = isinstance(choice, Done) and not (self.memory.dead and self._asked_for)
            if self.memory.dead and not over:  # no cycle is spent to learn that nothing is left to be read
                coming = None if isinstance(choice, Done) else shown_pass(choice, by_hand)
                self.show.note(next=coming, reason=safe_text(choice.reason, 400))
                self.bringing.back(self.known)
                self._asked_for = False
                self._names = self._drive_names()
            elif isinstance(choice, Done):
                return self._done(choice)
            else:
                self._pass(choice, by_hand)

    def keep(self) -> None:
        """Save what the campaign remembers. Raises ``OutsideError``: without that a killed one could not go on."""
        if not self.session.checkpoint(self.session.was_running):
            raise OutsideError(
                "what the campaign remembers cannot be saved", code="no-space", path=self.session.job.directory,
                advice="make room where the job lies, then resume",
            )  # fmt: skip

    # -- before the first pass ---------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        session, memory = self.session, self.memory
        leftover = resume.Leftover(session, self.desk, memory, self.show, self.bringing, self.keep)
        found = session.prepare_map(leftover.free if memory.known is not None else None)
        self._valuable = choose.read_valuable(self.settings)
        if memory.known is None:
            session.prepare_drive(found)
            memory.known = drive.know(session.arguments.source)
            session.size = memory.known.size
            session.set_options(session.options)
            self.bringing.note_seat(session.arguments.source)
            self.take(found or Mapfile.new(0, memory.known.size))
            if found is None:
                write_map(session.arguments.map, self.known)
        else:
            self.take(found or Mapfile.new(0, memory.known.size))
            self.show.note()
            if memory.about is not None:
                self.take(resume.settle(session, memory, self.known, was_cut=self.bringing.was_cut))
                self.keep()
            if self.bringing.was_cut or not self.bringing.try_without(self.known):
                memory.dead = memory.dead or "the drive is not there, or does not answer"
                self.bringing.back(self.known)
            if session.arguments.options is None:
                session.set_options(default_options(session.arguments.source))
            session.prepare_drive(self.known)
        self._names = self._drive_names()
        self.keep()
        self.show.note(node=session.arguments.source)

    def _drive_names(self) -> Names | None:
        if not self._log.readable:
            return None
        from engine.devices.discover import find_device

        try:
            device = find_device(self.session.arguments.source)
        except RescueError:  # a file: the kernel has no name for it
            return None
        return Names.of(device) if device is not None else None

    def take(self, known: Mapfile) -> None:
        """This is the map now."""
        self.known = known
        self.show.finished = known.ranges("+")
        self.session.monitor.take_map(known)

    # -- choosing ----------------------------------------------------------------------------------------------------

    @property
    def _domain(self) -> RangeSet:
        assert self.memory.known is not None
        whole = RangeSet.of(0, self.memory.known.size)
        return whole if self.session.monitor.domain is None else whole.intersect(self.session.monitor.domain)

    def _choose(self) -> tuple[Pass | Done, bool]:
        """The next pass and whether a person asked for it."""
        memory, options = self.memory, self.session.options
        told = choose.costs(memory, self.settings, options, self._domain.subtract(memory.skipped), self._valuable)
        if memory.wish is not None:
            made = choose.wished(memory.wish, memory, self.known, told.cluster_size)
            if made is not None:
                return made, True
            self._note("nothing is left to be read in the area that was asked for")
            memory.wish = None
        choice: Pass | Done = self._spent() or next_pass(self.known, memory.runs, told)
        if isinstance(choice, Pass) and memory.vain >= _LONG_SHOTS and choice.gain < told.sector_size * choice.risk:
            missing = format_size(self._domain.subtract(self.known.ranges("+")).total)
            words = f"the last {memory.vain} power cycles brought nothing, and hardly anything is to be expected"
            choice = Done("yield", f"{words} of the next: {missing} are missing, in and beside places that kill")
        return choice, False

    def _spent(self) -> Done | None:
        memory, budget = self.memory, self.memory.budget
        if budget.end_time is not None and time.time() >= budget.end_time:
            return Done("time", "the time of the budget is up")
        if memory.vain >= self.settings.max_vain:
            return Done("yield", f"the last {memory.vain} power cycles brought nothing")
        least, poor = budget.min_bytes_per_cycle, memory.cycle_bytes[-_POOR - 1 : -1]
        if least and len(poor) == _POOR and all(brought < least for brought in poor):
            return Done("yield", f"the last {_POOR} power cycles brought less than {format_size(least)} each")
        if self._empty >= _EMPTY:
            return Done("nothing-left", "nothing is left that may be read")
        return None

    # -- one pass ----------------------------------------------------------------------------------------------------

    def _pass(self, made: Pass, by_hand: bool) -> None:
        """Run it, judge it, keep what came of it."""
        self._began = time.monotonic()
        session, memory, before = self.session, self.memory, self.known
        killers = memory.killers(before.ranges("+"))
        if by_hand and memory.wish is not None and memory.wish.killers:
            killers = RangeSet()
        sector = session.options.sector
        ready = choose.ready(made, before, killers, self._domain, memory.skipped, sector, self._valuable)
        if ready is None:
            self._nothing_to_read(made)
            return
        self._empty = 0
        if self._gone():
            return
        keep_map(session.arguments.map, session.maps, "as it was", automatic=True)
        kept = sorted(session.maps.glob("*.map"))
        memory.about = About(
            made, str(kept[-1]) if kept else "", drive.attachment(session.arguments.source),
            drive.boot_of_this_machine(), put_back=tuple(ready.put_back),
        )  # fmt: skip
        memory.wish = None
        memory.read_only = memory.read_only or bus.is_read_only(session.arguments.source)
        memory.decide(safe_text(made.reason, 400))
        self.keep()
        write_map(session.arguments.map, ready.map)
        self.under_way = made
        slot = len(memory.cycle_bytes) - 1
        brought = memory.cycle_bytes[slot]
        self.show.phase(
            Phase.READING, "starting ddrescue", next=shown_pass(made, by_hand), reason=safe_text(made.reason, 400)
        )
        domain_path = session.job.work_directory / "domain.map"
        choose.write_domain(domain_path, ready.area)
        options = choose.options_for(made, session.options, domain_path, ready.span)
        attendant = self._attendant(made, ready.map, slot)
        try:
            turn = self._run_pass(ready.map, made, options, attendant)
        except OutsideError as error:
            if error.code != "device-gone" or self.bringing.was_cut:
                raise
            write_map(session.arguments.map, before)  # it never began to read
            self._lost_before(error.message)
            return
        finally:
            self.under_way = None
        verdict = judge(made, before, ready.map, turn.judged, turn.ran, attendant.signs, cut=self.bringing.was_cut)
        memory.cycle_bytes[slot] = brought + verdict.run.gained
        self._after(turn, verdict, before, ready.put_back, memory.cycle_bytes[slot])

    def _attendant(self, made: Pass, prepared: Mapfile, slot: int) -> CampaignAttendant:
        totals = self.session.monitor.totals
        rescued = totals.finished if totals is not None else prepared.totals().finished
        return CampaignAttendant(
            self.session, self.desk, self.memory, self.show, self.settings, self.bringing, made, self._log, self._names,
            rescued, slot, self._hung,
        )  # fmt: skip

    def _hung(self, position: int | None) -> None:
        """A read hangs: should we be killed now, its place must be known."""
        if self.memory.about is not None:
            self.memory.about = dataclasses.replace(self.memory.about, hung_at=position)
            self.keep()

    def _nothing_to_read(self, made: Pass) -> None:
        """A pass with nothing in it (all of it killers, or left alone on request): known to the strategy as in vain."""
        self._empty += 1
        end = made.stop if made.reverse else made.start
        self.memory.runs.append(
            Run(made.start, made.size, made.reverse, end, How.STOPPED, 0, partial=bool(made.tier))
        )
        if self.memory.wish is not None:
            self.memory.wish = None
            self._note("nothing of the area that was asked for may be read")

    def _run_pass(self, prepared: Mapfile, made: Pass, options: RescueOptions, attendant: CampaignAttendant) -> Turn:
        direction = "backwards" if made.reverse else "forwards"
        chosen = plan.Pass("careful", options, made.start, made.size, direction)
        return run_pass(self.session, prepared, chosen, made.reason, attendant)

    def _gone(self) -> bool:
        """Whether sysfs says, before the pass begins, that the drive is not there."""
        well = self.session.well
        verdict = judge_drive([well, look(well.name)]) if well is not None else None
        if verdict is None or verdict.usable:
            return False
        if self.bringing.try_without(self.known):  # it came back by itself, or somebody had it in hand
            return False
        self._lost_before("; ".join(verdict.reasons) or str(verdict.condition))
        return True

    def _lost_before(self, reason: str) -> None:
        """The drive was lost before the pass began to read."""
        self.memory.about = None
        words = safe_text(f"the drive was lost between two passes: {reason}", 400)
        self.lost(words, drive.attachment(self.session.arguments.source), self.memory.cycle_bytes[-1])
        self.session.event("drop-off", message=words, position=None, reasons=[reason])
        self.keep()

    def lost(self, words: str, attachment: str, brought: int, *, asked: bool = False) -> None:
        """The drive has to be brought back; since the last time it has given ``brought`` bytes. ``asked``: on request,
        so in any case."""
        memory = self.memory
        self._asked_for = asked
        memory.dead, memory.dead_attachment = words, attachment
        memory.vain = 0 if brought > 0 else memory.vain + 1

    def _after(self, turn: Turn, verdict: Verdict, before: Mapfile, retried: RangeSet, brought: int) -> None:
        session, memory = self.session, self.memory
        known = turn.known if turn.known is not None else before
        made = choose.put_back(before, known, retried)
        if verdict.dead and verdict.run.killer is not None:
            made = choose.mark_killer(made, *verdict.run.killer)
        if made is not known:
            write_map(session.arguments.map, made)
        run = verdict.run
        memory.runs.append(run)
        attachment = memory.about.attachment if memory.about is not None else ""
        memory.about = None
        memory.ran(run.gained, run.cluster, turn.ran.run_time_s, time.monotonic() - self._began)
        memory.decide(safe_text(verdict.words, 400))
        if verdict.dead:
            self.lost(verdict.words, attachment, brought)
            if not turn.judged.outcome.dropped:
                position = run.killer[0] if run.killer is not None else turn.ran.position
                session.event("drop-off", message=verdict.words, position=position, **facts_of(turn.ran))
        self.take(made)
        self.keep()
        if verdict.dead:
            self._say_how_little_comes()
        self.show.note(verdict=str(verdict.finding), verdict_words=verdict.words, next=None)
        session.record("campaign-pass", message=verdict.words, finding=str(verdict.finding), gained=run.gained)
        self._killed = self._killed + 1 if verdict.finding is Finding.KILLED else 0
        if verdict.ends or self._killed >= _KILLS:
            code = "no-space" if verdict.finding is Finding.TARGET_FULL else str(turn.ending)
            raise OutsideError(verdict.words, code=code, advice=_ADVICE.get(verdict.finding, GONE_ADVICE))

    def _say_how_little_comes(self) -> None:
        """Nothing readable is left on its own account; but whoever spends the cycles should know what they bring."""
        late = 0
        for brought in reversed(self.memory.cycle_bytes[1:]):
            if brought > _LITTLE:
                break
            late += 1
        if late < _LATE or late % _LATE or (late // _LATE).bit_count() != 1:
            return
        brought = sum(self.memory.cycle_bytes[-late:])
        missing = self._domain.subtract(self.known.ranges("+")).total
        self._note(
            f"the last {late} power cycles brought {format_size(brought)} together, and {format_size(missing)} are "
            "missing: a budget (cycles, or a least gain of each) would end it here"
        )

    def _note(self, message: str) -> None:
        self.session.event("note", message=message)
        self.memory.decide(message)

    # -- the end -----------------------------------------------------------------------------------------------------

    def _done(self, done: Done) -> dict[str, Any]:
        session, memory = self.session, self.memory
        result = session.result(self.known, done.reason)
        result |= {
            "code": done.code, "cycles": memory.cycles, "cycle_bytes": list(memory.cycle_bytes)[-1000:],
            "killers": [list(pair) for pair in memory.killers(self.known.ranges("+"))][:1000],
            "skipped": memory.skipped.total, "lost": memory.dead,
        }  # fmt: skip
        memory.decide(safe_text(done.reason, 400))
        self.keep()
        session.event("done", **{name: item for name, item in result.items() if name not in ("passes", "cycle_bytes")})
        session.record("rescue-ended", reason=done.reason, rescued=result["rescued"], missing=result["missing"])
        self.show.note(phase=Phase.ENDED, waits_for=done.reason, reason=done.reason, next=None, needs="", until_s=None)
        alert = ""
        if self.bringing.powerless:
            alert = "the drive was lost last, and its power is off"
        elif memory.dead:
            alert = "the drive was lost last: it needs its power cut before anything reads it again"
        session.monitor.write(State.DONE, done.reason, alert, stopping_s=None)
        return result
