"""What the next run of ddrescue will read of a map: which phases, what of it, in which order, and what it leaves out.

A forecast for a drive that reads everything: errors make more of it (what fails in one phase is met again in the
next ones). The rules were measured on ddrescue 1.27 with its log of reads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.mapfile.algebra import change_types
from engine.mapfile.model import Mapfile
from engine.mapfile.resume import LAST_PASS, resume_of, resume_retrying
from engine.mapfile.status import PHASES
from engine.ranges import RangeSet
from engine.text import format_exact, safe_text


@dataclass(frozen=True, slots=True)
class RunOptions:
    """The options of ddrescue that decide what a run reads. ``domain``: what -i, -s and -m leave; None: everything.

    ``size``: the source's size in bytes when known. ``cpass``: as given to --cpass, None without it.
    """

    reverse: bool = False
    unidirectional: bool = False
    no_trim: bool = False
    no_scrape: bool = False
    retry_passes: int = 0
    try_again: bool = False
    retrim: bool = False
    cpass: str | None = None
    domain: RangeSet | None = None
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """One phase of the run. ``ranges``: the blocks that it reads, of ``status``, as the map shows them now (changed by
    -A and -M); ``position`` where it begins, in bytes; ``first_pass`` counts copying and retry passes.
    """

    name: str
    status: str
    ranges: RangeSet
    position: int
    backwards: bool
    first_pass: int = 1

    @property
    def words(self) -> str:
        """``copying (pass 1, forwards from 0): 3.0 MiB (3145728 B) of ? in 2 areas``."""
        number = {"copying": f"pass {self.first_pass}, ", "retrying": f"retry {self.first_pass}, "}.get(self.name, "")
        direction = f"{'backwards' if self.backwards else 'forwards'} from {self.position}"
        areas = f"{len(self.ranges)} area{'' if len(self.ranges) == 1 else 's'}"
        return f"{self.name} ({number}{direction}): {format_exact(self.ranges.total)} of {self.status} in {areas}"


@dataclass(frozen=True, slots=True)
class NextRun:
    """The forecast. ``reads``: everything that is read if nothing fails; ``left_out``: what its first pass leaves to
    later ones; ``never``: what the status line keeps it from reading although it is of a status that the run is for.
    ``warnings`` are sentences; ``words`` the phases, one line each.
    """

    phases: tuple[Phase, ...]
    reads: RangeSet
    left_out: RangeSet
    never: RangeSet
    warnings: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The phases in their order."""
        return tuple(phase.words for phase in self.phases) or ("nothing to read: ddrescue ends at once",)


def next_run(map_: Mapfile, options: RunOptions | None = None) -> NextRun:
    """Forecast a run. Raises ``UsageError`` for a --cpass that ddrescue does not take."""
    options = options or RunOptions()
    passes = copying_passes(options.cpass)
    warnings: list[str] = []
    if map_.phase not in PHASES:
        warnings.append(
            f"The status {safe_text(map_.phase, 4)!r} of the status line is of another version: ddrescue may refuse it."
        )
    map_ = _as_loaded(map_, options, warnings)
    domain = options.domain
    found: list[Phase] = []
    left_out = never = RangeSet()
    resume = resume_of(map_, reverse=options.reverse, unidirectional=options.unidirectional, domain=domain)
    untried = _of(map_, "?", domain)
    if passes and untried:
        if options.cpass is not None:
            first = passes[0]
            backwards = (first % 2 == 0 and not options.unidirectional) != options.reverse
            found.append(Phase("copying", "?", untried, _edge(map_, domain, backwards), backwards, first))
        else:
            left_out = resume.left_out
            never = left_out if resume.never else RangeSet()
            found.append(
                Phase("copying", "?", untried.subtract(never), resume.position, resume.backwards, resume.first_pass)
            )
            if left_out:
                warnings.append(_left_out_words(map_, left_out, never=resume.never))
    found.extend(_trim_and_scrape(map_, options))
    bad = _of(map_, "-", domain)
    if options.retry_passes and bad:
        if found:
            edge = _edge(map_, domain, options.reverse)
            found.append(Phase("retrying", "-", bad, edge, options.reverse))
        else:
            again = resume_retrying(
                map_, reverse=options.reverse, unidirectional=options.unidirectional, domain=domain,
                with_direction=options.cpass is None,
            )  # fmt: skip
            missed = again.left_out if options.retry_passes == 1 else RangeSet()
            left_out, never = left_out.union(again.left_out), never.union(missed)
            found.append(Phase("retrying", "-", bad.subtract(missed), again.position, again.backwards))
            if again.left_out:
                warnings.append(_left_out_words(map_, again.left_out, never=bool(missed)))
    reads = RangeSet()
    for phase in found:
        reads = reads.union(phase.ranges)
    return NextRun(tuple(found), reads, left_out, never, tuple(warnings))


def _trim_and_scrape(map_: Mapfile, options: RunOptions) -> list[Phase]:
    found = []
    edge = _edge(map_, options.domain, options.reverse)
    trim, scrape = _of(map_, "*", options.domain), _of(map_, "/", options.domain)
    if not options.no_trim and trim:
        known = _between_bad(map_, trim)
        trim = trim.subtract(known)
        if trim:
            found.append(Phase("trimming", "*", trim, edge, options.reverse))
        scrape = scrape.union(known) if scrape else scrape
    if not options.no_scrape and scrape:
        found.append(Phase("scraping", "/", scrape, edge, options.reverse))
    return found


def _between_bad(map_: Mapfile, trim: RangeSet) -> RangeSet:
    """Non-trimmed areas with bad sectors on both sides: ddrescue calls them non-scraped, unread."""
    bad = map_.ranges("-")
    if not bad:
        return bad
    # both are sorted: numpy's isin would build a hash of a million positions, and every key would wait for it
    before = np.minimum(np.searchsorted(bad.ends, trim.starts), len(bad) - 1)
    behind = np.minimum(np.searchsorted(bad.starts, trim.ends), len(bad) - 1)
    ends = (bad.ends[before] == trim.starts) & (bad.starts[behind] == trim.ends)
    return RangeSet.from_arrays(trim.starts[ends], trim.ends[ends])


def copying_passes(text: str | None) -> tuple[int, ...]:
    """The copying passes that --cpass names (``1``, ``1,3-5``, ``0`` for none); all five for None."""
    if text is None:
        return tuple(range(1, LAST_PASS + 1))
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or len(part) > 9:
            raise UsageError(f"{safe_text(text, 40)!r} names no copying passes", advice="write 1, or 1,3-5, or 0")
        found.update(range(int(first), min(int(last or first), LAST_PASS) + 1))
    return tuple(sorted(number for number in found if 1 <= number <= LAST_PASS))


def _as_loaded(map_: Mapfile, options: RunOptions, warnings: list[str]) -> Mapfile:
    """The map as ddrescue has it after loading: grown to the source, failed blocks changed by -A and -M."""
    size = options.size
    if size is not None and not map_.open_ended:
        if map_.ranges("+", size):
            warnings.append(
                f"The map calls something finished beyond the source's end ({size}): ddrescue refuses to run."
            )
        map_ = map_.clipped(0, size).extended(0, size) if size else map_
    elif map_.start > 0:
        map_ = map_.extended(0, map_.end)
    changes = {(True, False): ("*/", "?"), (False, True): ("/-", "*"), (True, True): ("*/-", "?")}
    change = changes.get((options.try_again, options.retrim))
    return map_ if change is None else change_types(map_, *change, options.domain)


def _of(map_: Mapfile, status: str, domain: RangeSet | None) -> RangeSet:
    found = map_.ranges(status)
    return found if domain is None else found.intersect(domain)


def _edge(map_: Mapfile, domain: RangeSet | None, backwards: bool) -> int:
    if not domain:
        return map_.end if backwards else 0
    return min(map_.end, int(domain.ends[-1])) if backwards else int(domain.starts[0])


def _left_out_words(map_: Mapfile, left_out: RangeSet, *, never: bool) -> str:
    line = f"0x{map_.position:08X} {map_.phase} {map_.current_pass}"
    amount = format_exact(left_out.total)
    if never:
        return (
            f"The status line ({line}) keeps this run from reading {amount} at all, although ddrescue will say "
            "'Finished'. Set it to 0x0 ? 1 to read everything."
        )
    return f"The status line ({line}) makes the first pass leave out {amount}: later passes come back for it."
