"""Which recorder wrote a disk: all families, both byte orders, all phases, from cheap looks to expensive ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from engine.dvr import foreign
from engine.dvr.enduring import EnduringSource
from engine.dvr.folder import FolderSource
from engine.dvr.foreign_names import probe_names
from engine.dvr.meihdfs.structs import GROUP, KNOWN_STARTS
from engine.dvr.model import Finding, Recordings, Title
from engine.dvr.recorders import BY_FAMILY, RECORDERS
from engine.dvr.signatures import STEP, Hit, sweep
from engine.errors import NotFoundError
from engine.progress import SILENT, Reporter, check
from engine.source import Source, SwapSource

NEAR = 4 << 30
"""Where superblocks are looked for first."""
ROUND, ROUND_NEAR = 16 << 20, 16 << 30
"""Round places, which the seen ones are, are looked at before all others."""
_AT_ONCE = 2048
_SURE = 0.6
_KEEP = 0.05


def probe(source: Source, *, deep: bool = False, reporter: Reporter = SILENT) -> list[Finding]:
    """All ways in which the disk makes sense, best first; empty when it makes none.

    Looks at pointers and known places, then at every 64 KiB of the first 4 GiB and of the 4 GiB where a superblock's
    first copy would stand; only when nothing is found there for structures that nothing points to, near the start.
    ``deep`` looks for copies in every group and searches all of the disk. Raises ``CancelledError``,
    ``ReadError`` when the device is gone or fails without end.
    """
    source = _enduring(source)
    found: list[Finding] = []
    for number, hits in enumerate(_stages(source, deep, reporter)):
        if number == 0 or hits:
            found += _ask(source, hits, again=number > 0)
        if isinstance(source, FolderSource) or any(finding.confidence >= _SURE for finding in found):
            break
        check(reporter)
    if not isinstance(source, FolderSource):
        named = foreign.probe(source)
        found += named
        if not any(finding.confidence >= _SURE for finding in found):
            known = {(finding.family, finding.base, finding.swapped) for finding in found}
            more = _search(source, deep, reporter)
            found += [one for one in more if (one.family, one.base, one.swapped) not in known]
        if not found:
            found += probe_names(source) + foreign.probe_streams(source)
    return _best(found)


def read(
    source: Source, finding: Finding | None = None, *, deep: bool = False, reporter: Reporter = SILENT
) -> Recordings:
    """The recordings under ``finding`` (None: the best one), with what of them is missing by the source's holes.

    A system that is only named gives no titles; its finding holds advice. ``deep`` looks through the whole disk for
    deleted titles and lost tables. Raises ``NotFoundError`` when the disk makes no sense at all, ``CancelledError``.
    """
    from engine.dvr.missing import with_missing

    source = _enduring(source)
    if finding is None:
        found = probe(source, deep=deep, reporter=reporter)
        if not found:
            raise NotFoundError(
                "no recorder's file system is on it", path=source.path,
                advice="look for recordings by the MPEG clock: rescuedeck dvr scan",
            )  # fmt: skip
        finding = found[0]
    if not finding.readable:
        return Recordings(finding)
    view = SwapSource(source) if finding.swapped else source
    listed = BY_FAMILY[finding.family].read(view, finding, deep=deep, reporter=reporter)
    return with_missing(listed.with_titles(_named_apart(listed.titles)), view)


def _enduring(source: Source) -> Source:
    return source if isinstance(source, FolderSource) else EnduringSource(source)


def _named_apart(titles: tuple[Title, ...]) -> tuple[Title, ...]:
    """Ids that are there twice (equal names in two folders) get a number."""
    seen: set[str] = set()
    result = []
    for title in titles:
        id, number = title.id, 2
        while id in seen:
            id, number = f"{title.id}.{number}", number + 1
        seen.add(id)
        result.append(title if id == title.id else replace(title, id=id))
    return tuple(result)


def _stages(source: Source, deep: bool, reporter: Reporter) -> Iterator[list[Hit]]:
    """Signatures seen, from the likeliest places to all others."""
    if isinstance(source, FolderSource):
        yield []
        return
    groups = range(0, source.size, GROUP)
    known = [(group + start) // STEP for start in KNOWN_STARTS for group in groups]
    round_ones = range(0, min(ROUND_NEAR, source.size) // STEP + 1, ROUND // STEP)
    yield list(sweep(source, [*known, *round_ones], reporter))
    near = min(NEAR, source.size) // STEP + 1
    # Then copies of a superblock whose first one is lost: a group further on; all groups only when asked.
    for group in groups if deep else groups[:2]:
        for first in range(0, near, _AT_ONCE):
            reporter.update(group + first * STEP, source.size, "B", "looking for superblocks")
            steps = range(group // STEP + first, group // STEP + min(near, first + _AT_ONCE))
            yield list(sweep(source, steps, reporter))


def _ask(source: Source, hits: list[Hit], *, again: bool = False) -> list[Finding]:
    found: list[Finding] = []
    for swapped in (False, True):
        view = SwapSource(source) if swapped else source
        for recorder in RECORDERS:
            if again and not recorder.by_signature:
                continue
            found += recorder.probe(view, hits, swapped=swapped)
    return found


def _search(source: Source, deep: bool, reporter: Reporter) -> list[Finding]:
    found: list[Finding] = []
    for swapped in (False, True):
        view = SwapSource(source) if swapped else source
        for recorder in RECORDERS:
            check(reporter)
            found += recorder.search(view, swapped=swapped, deep=deep, reporter=reporter)
        if found:
            break
    return found


def _best(found: list[Finding]) -> list[Finding]:
    """Each understanding once, best first; those that say least are dropped beside a sure one."""
    best: dict[tuple[str, str, int, bool], Finding] = {}
    for finding in found:
        key = (finding.family, finding.variant, finding.base, finding.swapped)
        if key not in best or best[key].confidence < finding.confidence:
            best[key] = finding
    return sorted((one for one in best.values() if one.confidence >= _KEEP), key=lambda one: -one.confidence)
