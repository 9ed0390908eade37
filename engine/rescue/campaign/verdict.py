"""What a pass came to, told apart: done, bad sectors, slow, hung, gone, controller reset, target full, stopped ...

Pure: from the run's end, the maps before and after it, and what the kernel said meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.campaign.kernel import Sign
from engine.rescue.guard import Change, compare
from engine.rescue.liveness import Alive
from engine.rescue.outcome import Ending
from engine.rescue.passes import Judged
from engine.rescue.passrun import Ran, Why
from engine.rescue.strategy.records import How, Pass, Run
from engine.text import format_size


class Finding(StrEnum):
    """What a pass came to."""

    FINISHED = "finished"
    BAD_SECTORS = "bad-sectors"  # done, and the drive is well
    RESET = "controller-reset"  # done, but the controller had to reset the drive or its link
    SLOW = "slow"
    HUNG = "hung"  # a read did not come back
    GONE = "gone"  # the drive no longer answers
    LIES = "lies"  # it answers with something else than before
    TARGET_FULL = "target-full"
    TARGET_ERROR = "target-error"
    MAP_UNWRITABLE = "map-unwritable"
    STOPPED = "stopped"  # on request
    TIME_UP = "time-up"
    KILLED = "killed"  # ddrescue itself was killed
    LIMIT = "limit"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``run`` is the pass for the strategy's history; ``words`` one sentence; ``dead``: the power has to be cut;
    ``ends``: the campaign cannot go on."""

    finding: Finding
    run: Run
    words: str
    dead: bool = False
    ends: bool = False


_TARGET = {
    Ending.NO_SPACE: Finding.TARGET_FULL, Ending.MAP_UNWRITABLE: Finding.MAP_UNWRITABLE,
    Ending.WRITE_ERROR: Finding.TARGET_ERROR,
}  # fmt: skip
_STOPS = {Why.SLOW: Finding.SLOW, Why.TIME: Finding.TIME_UP}
_HOW = {Finding.SLOW: How.SLOW, Finding.HUNG: How.HUNG, Finding.GONE: How.KILLED, Finding.LIES: How.KILLED}


def judge(
    made: Pass,
    before: Mapfile,
    prepared: Mapfile,
    judged: Judged,
    ran: Ran,
    signs: Mapping[Sign, int],
    *,
    cut: bool = False,
) -> Verdict:
    """Judge a pass. ``before`` is the map before it, ``prepared`` the same with what was to be tried again as untried.

    ``cut``: the drive's power was cut by us because a read hung.
    """
    after = judged.known or prepared
    failed = after.ranges("*/-").subtract(prepared.ranges("*/-"))
    change = Change(compare(before, after).finished, failed, RangeSet())
    finding, words = _find(judged, ran, change.failed, signs, cut, bool(before.ranges("+")))
    dead = finding in (Finding.HUNG, Finding.GONE, Finding.LIES)
    how = _HOW.get(finding, How.STOPPED)
    if finding in (Finding.FINISHED, Finding.BAD_SECTORS, Finding.RESET):
        how = How.ERRORS if change.failed else How.FINISHED
    killer = _killer(made, judged, ran) if dead else None
    reached = change.finished.union(change.failed).clip(made.start, made.stop)
    end = _end(made, how, killer, reached)
    gained, partial = change.finished.total, bool(made.tier)
    run = Run(made.start, made.size, made.reverse, end, how, gained, killer, made.cluster_size, partial)
    told = _told(finding, words, run, signs)
    return Verdict(finding, run, told, dead, finding in (*_TARGET.values(), Finding.FAILED))


def _find(
    judged: Judged, ran: Ran, failed: RangeSet, signs: Mapping[Sign, int], cut: bool, known_good: bool
) -> tuple[Finding, str]:
    outcome = judged.outcome
    ending, words = outcome.ending, outcome.full
    if ending in _TARGET:
        return _TARGET[ending], words
    if ran.hung and (cut or ending is Ending.SOURCE_GONE):
        at = f" at {ran.position}" if ran.position is not None else ""
        return Finding.HUNG, f"a read{at} did not come back"
    if ending is Ending.SOURCE_LIES:
        return Finding.LIES, words
    if ending is Ending.SOURCE_GONE:
        return Finding.GONE, words
    if ending in (Ending.NO_GOOD_READ, Ending.UNALIGNED) and judged.liveness.alive is Alive.UNKNOWN and not known_good:
        return Finding.GONE, "the very first read failed, and nothing is known good that could tell more"
    if ending in (Ending.FINISHED, Ending.NO_GOOD_READ):
        if failed and signs.get(Sign.RESET, 0):
            return Finding.RESET, "the controller had to reset the drive"
        return (Finding.BAD_SECTORS, "bad sectors, the drive is well") if failed else (Finding.FINISHED, words)
    if ending is Ending.STOPPED:
        return _STOPS.get(ran.why, Finding.STOPPED), ran.detail or words
    if ending is Ending.KILLED:
        return Finding.KILLED, words
    return (Finding.LIMIT, words) if ending is Ending.LIMIT else (Finding.FAILED, words)


def _killer(made: Pass, judged: Judged, ran: Ran) -> tuple[int, int] | None:
    """The read at which the drive was lost, as exactly as anybody knows."""
    repaired = judged.repaired
    if repaired is not None and repaired.suspect is not None:
        return repaired.suspect
    if ran.hung and ran.position is not None and made.start <= ran.position < made.stop:
        return read_at(made, ran.position)
    return None


def read_at(made: Pass, position: int) -> tuple[int, int]:
    """The read of this pass that began at ``position``: up to the next whole multiple of the cluster size."""
    cluster = made.cluster_size
    return position, min((position // cluster + 1) * cluster, made.stop)


def _end(made: Pass, how: How, killer: tuple[int, int] | None, reached: RangeSet) -> int:
    """The border between what the pass reached and what it did not."""
    if killer is not None:
        return killer[1] if made.reverse else killer[0]
    if how in (How.FINISHED, How.ERRORS):
        return made.start if made.reverse else made.stop
    if not reached:
        return made.stop if made.reverse else made.start
    return int(reached.starts[0]) if made.reverse else int(reached.ends[-1])


def _told(finding: Finding, words: str, run: Run, signs: Mapping[Sign, int]) -> str:
    gained = f"{format_size(run.gained)} rescued"
    if finding in (Finding.HUNG, Finding.GONE, Finding.LIES):
        where = f" at {run.killer[0]} ({run.killer[1] - run.killer[0]} bytes)" if run.killer is not None else ""
        return f"the drive was lost{where}: {words}; {gained} before"
    resets = signs.get(Sign.RESET, 0)
    noted = f"; {resets} controller resets" if resets and finding is not Finding.RESET else ""
    return f"{words}; {gained}{noted}"
