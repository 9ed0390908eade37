"""What the next run will read, with the rescue's own options; and how a map or a selection is read now."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.atomic import write_atomic
from engine.cases.case import adopt
from engine.errors import NotFoundError, OutsideError, RefusedError, UsageError, outside
from engine.mapedit import access
from engine.mapedit.document import Document
from engine.mapedit.edits import SetLine
from engine.mapedit.paint import paint
from engine.mapedit.words import spans
from engine.mapfile.model import Mapfile
from engine.mapfile.nextrun import NextRun, RunOptions, next_run
from engine.mapfile.resume import from_the_start
from engine.mapfile.status import MAX_POSITION, UNFINISHED
from engine.mapfile.write import render_map
from engine.ranges import RangeSet
from engine.rescue.arguments import RescueArguments, default_options
from engine.rescue.capabilities import probe
from engine.rescue.domain import domain_of
from engine.rescue.options import RescueOptions


def run_options(options: RescueOptions, size: int | None = None) -> RunOptions:
    """Those of the rescue's options that decide what is read. Raises for a domain map that cannot be read."""
    return RunOptions(
        reverse=options.reverse, unidirectional=options.unidirectional, no_trim=options.no_trim,
        no_scrape=options.no_scrape, retry_passes=options.retry_passes or 0, try_again=options.try_again,
        retrim=options.retrim, cpass=options.cpass, domain=domain_of(options, size), size=size,
    )  # fmt: skip


def preview_run(map_: Mapfile, options: RescueOptions | None = None, size: int | None = None) -> NextRun:
    """The forecast of one ddrescue run on this map; without options that of a plain run. It follows the rules of
    ddrescue up to 1.29; that a later one is installed is among its warnings."""
    forecast = next_run(map_, run_options(options or RescueOptions(), size))
    return replace(forecast, warnings=(*forecast.warnings, *_later_rules()))


def _later_rules() -> tuple[str, ...]:
    """ddrescue's ChangeLog, 1.30: a sweeping phase replaces copying pass 5, pass 2 and trimming take less."""
    try:
        installed = probe()
    except OutsideError:
        return ()
    if not installed.sweeps:
        return ()
    return (
        f"ddrescue {installed.version_text} is installed: since 1.30 skipped areas and trimming go by other rules, and "
        "it may read more than this forecast, which follows 1.29.",
    )


@dataclass(frozen=True, slots=True)
class ReadNow:
    """How a selection is read. ``arguments``: of a job of kind ``rescue`` (its ``to_json``), None for a dry run;
    ``reads``: what is not finished of the selection; ``words``: sentences for people, said before it starts.
    """

    arguments: RescueArguments | None
    reads: RangeSet
    words: tuple[str, ...]


def read_selection(
    document: Document, selection: RangeSet, *, source: str | None = None, image: str | None = None,
    recipe: str = "", retries: int | None = None, options: RescueOptions | None = None,
    overrides: Mapping[str, Any] | None = None, dry_run: bool = False,
) -> ReadNow:  # fmt: skip
    """Prepare a rescue of just this selection, on this very map: what it brings is in the map at once.

    ``source`` and ``image`` default to those of the map's case. ``recipe`` names one pass of the rescue room; without
    it the passes of the standard strategy run inside the selection, and retry passes only when it holds nothing but bad
    sectors or ``retries`` says so. A single range becomes -i and -s, several a domain map beside the generations.

    The status line is set so that the run really begins in the selection; that save is a generation of its own.
    ``dry_run`` says what would be done and writes nothing. Raises ``RefusedError``: a reason's code (``map-held`` while
    a job has the map), ``unsaved`` edits; ``NotFoundError`` when everything selected is finished; ``UsageError``.
    """
    case = document.case
    source = source or (case.source_path if case is not None else None)
    image = image or (str(case.image) if case is not None else None)
    if not source or not image:
        raise UsageError("reading needs the source and the image", code="no-source", advice="name both")
    access.refuse(document.reasons(), document.path, frozenset({"open-ended"}))
    if document.dirty:
        raise RefusedError("there are unsaved edits", code="unsaved", path=document.path, advice="save them first")
    map_ = document.map
    inside = selection.clip(0, document.size if document.size is not None else MAX_POSITION)
    wanted = map_.ranges(UNFINISHED).intersect(inside).union(_uncovered(map_, inside))
    if not wanted:
        raise NotFoundError("all of the selection is finished", code="nothing-to-do")
    words = [f"Reads {spans(wanted)} and nothing else; what it brings is in this map at once."]
    held = {char for char in UNFINISHED if map_.ranges(char).intersect(inside)}
    if retries is None:
        retries = 1 if held == {"-"} else 0
    if "-" in held and not retries and not recipe:
        words.append("Bad sectors in it stay as they are: ask for retries to read them again.")
    words.extend(_line_ready(document, inside, dry_run=dry_run))
    if dry_run:
        return ReadNow(None, wanted, tuple(words))
    arguments = RescueArguments(
        os.path.abspath(source), os.path.abspath(image), str(document.path),
        case=str(case.directory) if case is not None else None, recipe=recipe, retries=retries,
        options=_narrowed(options or default_options(source), inside, document), overrides=dict(overrides or {}),
    )  # fmt: skip
    return ReadNow(RescueArguments.from_json(arguments.to_json()), wanted, tuple(words))


def _uncovered(map_: Mapfile, ranges: RangeSet) -> RangeSet:
    return ranges.subtract(RangeSet.of(map_.start, map_.end))


def _narrowed(base: RescueOptions, inside: RangeSet, document: Document) -> RescueOptions:
    """The options with the selection as their domain."""
    base = replace(base, input_position=None, size=None, domain_mapfile=None, loose_domain=False)
    if len(inside) == 1:
        start, end = int(inside.starts[0]), int(inside.ends[0])
        return base.with_values(input_position=start, size=end - start)
    return base.with_values(domain_mapfile=str(write_domain(document.generations_folder, inside)))


def write_domain(folder: Path, ranges: RangeSet) -> Path:
    """Save ranges as a domain map (wanted is finished, the rest non-tried) in ``folder``; returns its path."""
    end = int(ranges.ends[-1])
    data = render_map(paint(Mapfile.new(0, end), ranges, "+"))
    try:
        if not folder.exists():
            folder.mkdir(mode=0o700)
            adopt(folder)
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise outside(error, "cannot save the domain map", folder) from error
    number = next(number for number in range(1, len(names) + 2) if f"domain-{number:04d}.domain" not in names)
    path = folder / f"domain-{number:04d}.domain"
    write_atomic(path, data)
    return path


def _line_ready(document: Document, inside: RangeSet, *, dry_run: bool) -> list[str]:
    """Set the status line on disk where the old one would keep the run from reading; says so."""
    forecast = next_run(document.map, RunOptions(retry_passes=1, domain=inside, size=document.size))
    if not forecast.left_out:
        return []
    if not dry_run:
        ready = from_the_start(document.map)
        document.apply(SetLine(ready.position, ready.phase, ready.current_pass))
        document.save("read a selection now")
    return ["The status line is set to 0x0 ? 1 first: with the old one part of the selection would be left out."]
