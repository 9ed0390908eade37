"""From a decision to a run of ddrescue: what may be read, with which options; and what the decision is told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import UsageError
from engine.mapfile.loose import read_loose
from engine.mapfile.model import Mapfile
from engine.mapfile.write import write_map
from engine.ranges import MAX_POSITION, RangeSet
from engine.rescue.campaign.memory import Memory, Wish
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.domain import domain_of
from engine.rescue.options import RescueOptions
from engine.rescue.strategy import Costs, Done, Kind, Pass, next_pass
from engine.rescue.strategy.worth import tier
from engine.text import format_size

_PERSON_S = 300.0
_CYCLE_S = 10.0
_RATE = 50e6
_READ_S = 2e-4
_PASS_S = 4.0


def costs(
    memory: Memory,
    settings: CampaignSettings,
    options: RescueOptions,
    domain: RangeSet,
    valuable: Sequence[tuple[RangeSet, float]],
) -> Costs:
    """What the strategy is told. ``domain`` is what is wanted, areas to be left alone already taken out."""
    automatic, times = settings.switch.automatic, memory.cycle_times
    usual = settings.switch.off_seconds + settings.settle_s + _CYCLE_S if automatic else _PERSON_S
    left = None if memory.budget.end_time is None else max(0.0, memory.budget.end_time - time.time())
    sector = options.sector
    return Costs(
        cycle_seconds=max(settings.cycle_worth_s, sum(times) / len(times) if times else usual),
        automatic=automatic,
        bytes_per_second=max(1.0, memory.best_rate or _RATE),
        read_seconds=memory.read_seconds or _READ_S,
        pass_seconds=memory.pass_seconds or _PASS_S,
        sector_size=sector,
        cluster_size=max(sector, settings.cluster_size // sector * sector),
        domain=domain,
        valuable=tuple(valuable),
        max_cycles=memory.budget.max_cycles,
        seconds_left=left,
        min_bytes_per_cycle=memory.budget.min_bytes_per_cycle,
        edges=settings.edges,
    )


def read_valuable(settings: CampaignSettings) -> tuple[tuple[RangeSet, float], ...]:
    """The finished areas of the maps of what is wanted first. Raises ``OutsideError``, ``DamagedError``."""
    return tuple((read_loose(path).ranges("+"), factor) for path, factor in settings.first)


def wished(wish: Wish, memory: Memory, known: Mapfile, cluster_size: int) -> Pass | None:
    """The pass that a person asked for; None when nothing is to be read there."""
    area = RangeSet.of(wish.start, min(wish.end, known.end))
    wanted = area.subtract(known.ranges("+"))
    if not wish.killers:
        wanted = wanted.subtract(memory.killers(known.ranges("+")))
    if not wanted:
        return None
    start, end = int(wanted.starts[0]), int(wanted.ends[-1])
    return Pass(
        Kind.READ, start, end - start, wish.reverse, cluster_size, False, False, True, wanted.total, 1.0,
        f"asked for: {format_size(wanted.total)} between {start} and {end}",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A pass ready to be run: ``area`` is what it may touch, ``map`` the map to begin with, ``put_back`` what of that
    is only taken for untried, ``span`` from its first to its last byte."""

    area: RangeSet
    map: Mapfile
    put_back: RangeSet
    span: tuple[int, int]


def ready(
    made: Pass,
    known: Mapfile,
    killers: RangeSet,
    domain: RangeSet,
    skipped: RangeSet,
    sector: int,
    valuable: Sequence[tuple[RangeSet, float]] = (),
) -> Ready | None:
    """Make the map ready for a pass; None when there is nothing that it may read. ``killers`` are to be left out."""
    wanted = domain.intersect(tier(valuable, made.tier)) if made.tier else domain
    area = allowed(made, killers, wanted, skipped)
    prepared, retried = known, RangeSet()
    if made.retry_failed or made.trim:
        prepared, retried = made_untried(known, area, "*/" if made.trim else "*/-")
    if not prepared.ranges("?").intersect(area):
        return None
    span = made.start, made.stop
    good = anchor(made, known, domain, sector)
    if good is not None:
        first = RangeSet.of(*good)
        prepared, area, retried = as_untried(prepared, first), area.union(first), retried.union(first)
        span = min(made.start, good[0]), max(made.stop, good[1])
    return Ready(area, prepared.with_status_line(0, "?", 1), retried, span)


def allowed(made: Pass, killers: RangeSet, domain: RangeSet, skipped: RangeSet) -> RangeSet:
    """What this pass may touch.

    Places known to kill are left out of it. A pass at the edge of one may read inside of it, but only in smaller reads
    than the one that was lost there: the same read again would be lost again.
    """
    area = RangeSet.of(made.start, made.stop).intersect(domain).subtract(skipped)
    if made.kind is Kind.EDGE:
        killers = RangeSet((start, end) for start, end in killers if end - start <= made.cluster_size)
    return area.subtract(killers)


def write_domain(path: Path, area: RangeSet) -> None:
    """A domain map for ddrescue: ``area`` is what it may touch."""
    blocks: list[tuple[int, int, str]] = []
    at = 0
    for start, end in area:
        if start > at:
            blocks.append((at, start - at, "?"))
        blocks.append((start, end - start, "+"))
        at = end
    if at < MAX_POSITION:
        blocks.append((at, MAX_POSITION - at, "?"))
    write_map(path, Mapfile.from_blocks(blocks))


def options_for(made: Pass, base: RescueOptions, domain_path: Path, span: tuple[int, int]) -> RescueOptions:
    """The options of the run over ``span``.

    Direct reading is not optional: read-ahead would run into the bad place first, and the check after an error would be
    answered by the cache. Neither trimming nor scraping: both go back to the sector that killed, and know of no check
    after an error. Failed blocks are read anew instead, in reads of one sector. ``cpass`` also keeps ddrescue from
    resuming in the middle.
    """
    sector, (start, end) = base.sector, span
    shift = None if base.output_position is None else base.output_position - (base.input_position or 0)
    return base.with_values(
        idirect=True,
        check_on_error=True,
        no_trim=True,
        no_scrape=True,
        no_sweep=True,
        retry_passes=None,
        try_again=False,
        retrim=False,
        skip_size=0,
        max_skip_size=None,
        cpass="1",
        reverse=made.reverse,
        cluster_size=1 if made.trim else max(1, made.cluster_size // sector),
        input_position=start,
        size=end - start,
        domain_mapfile=str(domain_path),
        loose_domain=False,
        output_position=None if shift is None else start + shift,
        map_save_interval=1,
        map_sync_interval=5,
    )


def anchor(made: Pass, known: Mapfile, domain: RangeSet, sector: int) -> tuple[int, int] | None:
    """A good sector to be read first, the nearest one on the side the pass comes from; None where none is known.

    After an error ddrescue reads the last good sector again to see whether the drive lives: without one a pass that
    begins on a bad place ends there, and nobody knows whether the drive died.
    """
    if made.reverse:
        good = known.ranges("+", made.stop).intersect(domain)
        at = -(-int(good.starts[0]) // sector) * sector if good else -1
        return (at, at + sector) if good and at + sector <= int(good.ends[0]) else None
    good = known.ranges("+", 0, made.start).intersect(domain)
    at = int(good.ends[-1]) // sector * sector - sector if good else -1
    return (at, at + sector) if good and at >= int(good.starts[-1]) else None


def made_untried(known: Mapfile, area: RangeSet, statuses: str) -> tuple[Mapfile, RangeSet]:
    """The map with its blocks of these ``statuses`` inside ``area`` as untried ones, and which they were."""
    chosen = known.ranges(statuses).intersect(area)
    return as_untried(known, chosen), chosen


def as_untried(known: Mapfile, area: RangeSet) -> Mapfile:
    """The map with all of ``area`` untried."""
    made = known
    for start, end in area:
        made = made.set_range(start, end, "?")
    return made


def put_back(before: Mapfile, after: Mapfile, areas: RangeSet) -> Mapfile:
    """What was taken for untried and still is gets back the mark it had: a map forgets neither data nor failure."""
    still = after.ranges("?").intersect(areas)
    made = after
    for status in "+*/-":
        for start, end in before.ranges(status).intersect(still):
            made = made.set_range(start, end, status)
    return made


def mark_killer(known: Mapfile, start: int, end: int) -> Mapfile:
    """A place that kills as failed and not trimmed, where it is still untried: whoever reads on passes it by."""
    made = known
    for low, high in known.ranges("?", start, end):
        made = made.set_range(low, high, "*")
    return made


def plan_next(known: Mapfile, memory: Memory, settings: CampaignSettings, options: RescueOptions) -> Pass | Done:
    """The pass that a campaign with this memory would run next on this map; nothing is started or read.

    Raises ``UsageError`` when the size of the source is not known, ``OutsideError`` for a map of what is wanted first
    that cannot be read.
    """
    size = memory.known.size if memory.known is not None else None if known.open_ended else known.end
    if size is None:
        raise UsageError("the map does not say how large the drive is", code="no-size", advice="--range tells it")
    whole = RangeSet.of(0, size)
    domain = domain_of(options, size)
    wanted = (whole if domain is None else whole.intersect(domain)).subtract(memory.skipped)
    if memory.wish is not None:
        made = wished(memory.wish, memory, known, settings.cluster_size)
        if made is not None:
            return made
    return next_pass(known, memory.runs, costs(memory, settings, options, wanted, read_valuable(settings)))
