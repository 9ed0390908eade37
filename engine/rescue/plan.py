"""The standard strategy: which pass comes next, and why. A pure function of the map and of what was tried.

Most data for least harm: copy what reads well, then what was skipped, then the edges of failed areas, then their
inside, then the bad sectors again from changing sides, as long as that brings something.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.mapfile.model import Mapfile, Totals
from engine.mapfile.status import BAD_SECTOR, FINISHED, NON_SCRAPED, NON_TRIED, NON_TRIMMED
from engine.ranges import RangeSet
from engine.rescue.domain import totals_in
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending
from engine.rescue.recipes import RECIPES, apply, find_recipe
from engine.text import format_size

DEFAULT_RETRIES = 3
LEFT = "left"
"""The ending of a pass that a person ended to go on with the next one."""
_GIVE_UP_AFTER = 2
"""So many retry passes in a row that brought nothing end the retrying."""


@dataclass(frozen=True, slots=True)
class PassRecord:
    """A pass that was run: its recipe, how it ended, and bytes per status code (inside the domain) before and after."""

    recipe: str
    ending: str
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def finished(self) -> bool:
        """Whether it did all it was asked to do, or was ended because somebody wanted to go on with the next."""
        return self.ending in (Ending.FINISHED, LEFT)

    @property
    def gained(self) -> int:
        """Bytes that it rescued."""
        return self.after[FINISHED] - self.before[FINISHED]

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {"recipe": self.recipe, "ending": self.ending, "before": list(self.before), "after": list(self.after)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> PassRecord:
        """From ``to_json``. Raises ``ValueError``."""
        try:
            before, after = (tuple(int(count) for count in value[key]) for key in ("before", "after"))
            if len(before) != 5 or len(after) != 5:
                raise ValueError("five statuses")
            return cls(str(value["recipe"]), str(value["ending"]), before, after)
        except (KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"not a pass: {error}") from error


@dataclass(frozen=True, slots=True)
class Pass:
    """A pass to run: the recipe's name, all options with it laid over them, and the span of what it will touch."""

    recipe: str
    options: RescueOptions
    start: int
    size: int
    direction: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The next pass, or None when nothing sensible is left; ``reason`` says why in a sentence."""

    next: Pass | None
    reason: str


def next_pass(
    known: Mapfile | None,
    history: Sequence[PassRecord],
    base: RescueOptions,
    *,
    size: int | None = None,
    domain: RangeSet | None = None,
    retries: int = DEFAULT_RETRIES,
) -> Plan:
    """The next pass of the standard strategy.

    ``known`` is the map (None or empty: nothing read yet), ``history`` the passes run so far in this rescue, ``base``
    the options every pass shares, ``size`` the source's, ``domain`` what the rescue is about.
    """
    if known is None or not len(known):
        end = size or (known.end if known is not None else 0)
        return Plan(_make("copy", base, domain or RangeSet.of(0, end)), "nothing has been read yet: " + _does("copy"))
    totals = totals_in(known, domain)
    for code, name, reason in _steps(totals):
        if not _tried_in_vain(history, name, code, totals):
            return Plan(_make(name, base, _touches(known, domain, name)), f"{reason}: {_does(name)}")
    bad = totals.bytes[BAD_SECTOR]
    if bad:
        return _retry(known, history, base, domain, retries, bad)
    left = sum(totals.bytes) - totals.finished
    if left:
        return Plan(None, f"{format_size(left)} were left by every pass that could read them: nothing more is tried")
    part = domain is not None and domain.total < (size or known.end - known.start)
    return Plan(None, "everything in the chosen part is rescued" if part else "everything is rescued")


def _steps(totals: Totals) -> Iterable[tuple[int, str, str]]:
    untried, trim, scrape = (totals.bytes[code] for code in (NON_TRIED, NON_TRIMMED, NON_SCRAPED))
    if untried:
        yield NON_TRIED, "copy", f"{format_size(untried)} have not been tried"
        yield NON_TRIED, "sweep", f"{format_size(untried)} were skipped"
    if trim:
        yield NON_TRIMMED, "trim", f"{format_size(trim)} in failed pieces are not trimmed"
    if scrape:
        yield NON_SCRAPED, "scrape", f"{format_size(scrape)} inside failed areas are not scraped"


def _tried_in_vain(history: Sequence[PassRecord], recipe: str, code: int, totals: Totals) -> bool:
    """Whether this recipe already ran to its end and left just these bytes: it would do nothing again."""
    return any(
        record.recipe == recipe and record.finished and record.after[code] == totals.bytes[code] for record in history
    )


def _retry(
    known: Mapfile,
    history: Sequence[PassRecord],
    base: RescueOptions,
    domain: RangeSet | None,
    retries: int,
    bad: int,
) -> Plan:
    done = [record for record in history if record.recipe in ("retry", "retry-reverse") and record.finished]
    left = f"{format_size(bad)} of bad sectors are left"
    if len(done) >= retries:
        tried = f"{len(done)} retry passes are done" if done else "no retry passes were asked for"
        return Plan(None, f"{left}; {tried}")
    recent = done[-_GIVE_UP_AFTER:]
    if len(recent) == _GIVE_UP_AFTER and all(record.gained <= 0 for record in recent):
        return Plan(None, f"{left}; the last {_GIVE_UP_AFTER} retry passes brought nothing")
    name = "retry-reverse" if len(done) % 2 == 0 else "retry"
    reason = f"{left}: pass {len(done) + 1} of {retries} that tries them again"
    return Plan(_make(name, base, _touches(known, domain, name)), f"{reason}, {RECIPES[name].title}")


def single_pass(
    name: str, known: Mapfile | None, base: RescueOptions, *, size: int | None, domain: RangeSet | None = None
) -> Pass:
    """A chosen recipe as a pass. Raises ``UsageError`` for an unknown one."""
    find_recipe(name)
    if known is None or not len(known):
        return _make(name, base, domain or RangeSet.of(0, size or 0))
    return _make(name, base, _touches(known, domain, name))


def _touches(known: Mapfile, domain: RangeSet | None, recipe: str) -> RangeSet:
    areas = known.ranges(RECIPES[recipe].statuses or "?*/-")
    return areas if domain is None else areas.intersect(domain)


def _make(recipe: str, base: RescueOptions, touches: RangeSet) -> Pass:
    options = apply(find_recipe(recipe), base)
    start = int(touches.starts[0]) if touches else 0
    end = int(touches.ends[-1]) if touches else 0
    return Pass(recipe, options, start, end - start, "backwards" if options.reverse else "forwards")


def _does(recipe: str) -> str:
    return RECIPES[recipe].title
