"""What a campaign would do first: its first pass in words and as a command line. Nothing is started or written."""

from __future__ import annotations

from pathlib import Path

from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.campaign import choose
from engine.rescue.campaign.memory import Budget, Memory
from engine.rescue.options import RescueOptions
from engine.rescue.strategy import Done, next_pass


def first_pass(
    arguments: RescueArguments, known: Mapfile | None, size: int | None, domain: RangeSet | None
) -> tuple[RescueOptions | None, str]:
    """The options of the first pass (None when there is nothing to read) and the reason in a sentence.

    ``size`` is that of the drive, ``domain`` what its options limit it to. Raises ``OutsideError`` and ``DamagedError``
    for maps of what is wanted first that cannot be read.
    """
    if not size:
        return None, "the drive is not there, or has size 0"
    settings = arguments.campaign
    options = arguments.options or default_options(arguments.source)
    memory = Memory(
        budget=Budget(settings.max_cycles, settings.end_time, settings.min_bytes_per_cycle, arguments.hang_limit_s)
    )
    whole = RangeSet.of(0, size)
    wanted = whole if domain is None else whole.intersect(domain)
    before = known or Mapfile.new(0, size)
    made = next_pass(before, [], choose.costs(memory, settings, options, wanted, choose.read_valuable(settings)))
    if isinstance(made, Done):
        return None, made.reason
    good = choose.anchor(made, before, wanted, options.sector)
    span = (made.start, made.stop) if good is None else (min(made.start, good[0]), max(made.stop, good[1]))
    folder = arguments.jobs_directory / "JOB"
    return choose.options_for(made, options, Path(folder) / "domain.map", span), made.reason
