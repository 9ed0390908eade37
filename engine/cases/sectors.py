"""Strange sectors of an image: looked at, their guards checked, converted to plain ones."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases.exporting import Exported, export_image, refuse_target, write_map_of
from engine.cases.opening import open_source
from engine.errors import NotFoundError
from engine.progress import Reporter
from engine.source import SectorFormat, SectorSource, parse_sector_format

if TYPE_CHECKING:
    from engine.sectors.model import GuardCheck, SectorFinding

MOST_TOLD = 1000


@dataclass(frozen=True, slots=True)
class Converted:
    """The plain image, the bytes that stood beside the data, and what the guards say. ``bad_map``: a mapfile of the
    image in which sectors with a wrong guard are not finished; None when all fit, or there are no guards."""

    image: Exported
    beside: Exported | None
    format: SectorFormat
    guards: GuardCheck | None
    bad_map: Path | None

    def to_json(self) -> dict[str, Any]:
        """The document of ``sectors convert``."""
        return {
            **self.image.to_json(), "sector_size": self.format.raw, "format": str(self.format),
            "beside": None if self.beside is None else str(self.beside.path),
            **guards_json(self.guards), "bad_guards_map": None if self.bad_map is None else str(self.bad_map),
        }  # fmt: skip


def guards_json(check: GuardCheck | None) -> dict[str, Any]:
    """Bad guards as ranges of the data, the first thousand of them."""
    if check is None:
        return {"bad_guards": [], "bad_guard_bytes": 0, "misplaced": [], "guards_checked": 0}
    listed = [{"start": low, "size": high - low} for low, high in list(check.bad)[:MOST_TOLD]]
    away = [{"start": low, "size": high - low} for low, high in list(check.misplaced)[:MOST_TOLD]]
    return {
        "bad_guards": listed,
        "bad_guard_bytes": check.bad.total,
        "misplaced": away,
        "guards_checked": check.checked,
    }


def look(path: str, map: str | None, reporter: Reporter) -> SectorFinding:
    """What the sectors of an image are. Raises ``RescueError``."""
    from engine.sectors.detect import detect

    with open_source(path, map=map) as source:
        return detect(source, reporter=reporter)


def check(path: str, map: str | None, finding: SectorFinding, reporter: Reporter) -> GuardCheck:
    """All guards of an image. Raises ``NotFoundError`` when there are none."""
    from engine.sectors.protection import check_guards

    if finding.format is None or finding.protection is None:
        raise NotFoundError("there are no guards that could be checked", code="no-guards", path=path)
    with open_source(path, map=map) as source:
        return check_guards(source, finding.format, finding.protection, reporter)


def convert(
    path: str, map: str | None, target: Path, reporter: Reporter, *, format: str | None = None,
    journal: Path | None = None, force: bool = False,
) -> Converted:  # fmt: skip
    """Write the data of an image's sectors as plain ones; ``format`` overrules what is found.

    The bytes beside the data go into ``target.beside``. Nothing is converted that is plain, or not known well enough.
    Raises ``RescueError``.
    """
    from engine.sectors.convert import BesideSource
    from engine.sectors.detect import detect
    from engine.sectors.protection import check_guards

    refuse_target(target, [path], force=force)
    with open_source(path, map=map) as source:
        finding = detect(source, reporter=reporter)
        chosen = parse_sector_format(format) if format is not None else finding.format
        if chosen is None or (format is None and not finding.convert) or chosen.plain:
            plain = chosen is not None and chosen.plain
            raise NotFoundError(
                "these are plain sectors: there is nothing to convert" if plain else
                "what kind of sectors these are is not sure enough to convert them", code="sectors-plain" if plain else
                "sectors-unknown", path=path, advice="sectors detect shows why; --sector-size says it by hand",
            )  # fmt: skip
        pi = finding.protection if finding.format == chosen else None
        guards = check_guards(source, chosen, pi, reporter) if pi is not None else None
        facts = {"sectors": str(chosen), "trailer": finding.trailer, "evidence": list(finding.evidence)}
        image = export_image(SectorSource(source, chosen), target, reporter, facts=facts, journal=journal, force=force)
        beside = None
        if chosen.extra:
            side = target.with_name(target.name + ".beside")
            note = None if journal is None else journal.with_name(journal.name + "-beside")
            beside = export_image(BesideSource(source, chosen), side, reporter, facts=facts, journal=note, force=force)
    bad_map = None
    if guards is not None and guards.bad:
        bad_map = target.with_name(target.name + ".bad-guards.map")
        write_map_of(bad_map, guards.bad, guards.size)
    return Converted(image, beside, chosen, guards, bad_map)
