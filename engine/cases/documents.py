"""OLE2 documents for commands, jobs and screens: look, solve, write a copy, take the streams out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.cases.opening import open_source
from engine.errors import DamagedError, NotFoundError, OutsideError
from engine.progress import SILENT, Reporter
from engine.text import format_size, safe_text

if TYPE_CHECKING:
    from engine.extract import Report, Written
    from engine.ole2.model import Stream
    from engine.ole2.solver import Candidate, Choices, Solution
    from engine.ole2.triage import Triage
    from engine.ole2.verify import Verification
    from engine.source import Source

FORMS = ("patched", "new")
"""``patched``: the original's bytes with header and tables put right; ``new``: all streams in a new container."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A copy that was written: where, its SHA-256, how many of its bytes nobody has read, and the check of the file."""

    path: Path
    size: int
    sha256: str
    missing_bytes: int
    verification: Verification


def look(source: Source) -> Triage:
    """What can be said before anything is solved."""
    from engine.ole2.triage import triage

    return triage(source)


def solve_document(
    source: Source, choices: Choices | None = None, *, reporter: Reporter = SILENT, thorough: bool = False
) -> Solution:
    """``engine.ole2.solver.solve`` after a look: raises ``DamagedError`` for what is certainly no OLE2 document."""
    from engine.ole2.solver import solve

    seen = look(source)
    if not seen.go_on and not (choices is not None and choices.any):
        raise DamagedError(seen.words, code=f"ole2-{seen.code}", path=source.path)
    return solve(source, choices, reporter=reporter, thorough=thorough)


def refuse_existing(out: Path, *, force: bool) -> None:
    """Raise ``OutsideError`` when the output, or its holed form, is there already and may not be replaced."""
    from engine.extract.names import HOLED, with_mark

    for path in (out, out.with_name(with_mark(out.name, HOLED))):
        if os.path.lexists(path) and not force:
            raise OutsideError(
                "the output file exists already", code="exists", path=path, advice="name another one, or use --force"
            )


def refuse_source(out: Path, source: Source) -> None:
    """Raise ``OutsideError`` when the output is the original itself, by whatever name."""
    try:
        if os.path.samefile(out, source.path):
            raise OutsideError("the output is the original, which is never changed", code="refused", path=out,
                               advice="name another file")  # fmt: skip
    except FileNotFoundError:
        return


def save_copy(
    candidate: Candidate, out: str | os.PathLike[str], *, original: Source, form: str = "patched", force: bool = False,
    reporter: Reporter = SILENT, cut: bool = False,
) -> Saved:  # fmt: skip
    """Write the repaired document and check the file that came of it. ``cut`` leaves out what lies behind the
    document's last sector.

    What nobody has read stays a gap; the file's name then says ``.holed``, its sidecar which bytes. Raises
    ``OutsideError`` (exists, no room).
    """
    from engine.extract import Item, Options, extract
    from engine.ole2.container import rebuild
    from engine.ole2.read import used_sectors
    from engine.source import WindowSource

    place = Path(out).absolute()
    refuse_source(place, original)
    refuse_existing(place, force=force)
    image = candidate.image if form == "patched" else rebuild(candidate.document)
    if cut and form == "patched":
        length = (used_sectors(candidate.document) + 1) * candidate.sector_size
        image = WindowSource(image, 0, min(image.size, length))
    item = Item(place.name, image, facts=facts_of(candidate, form))
    report = extract([item], place.parent, Options(existing="replace" if force else "refuse"), reporter)
    if not report.written:
        problem = report.failed[0].problem
        raise OutsideError(f"the copy was not written: {problem.message}", code=problem.code, path=place)
    written = report.written[0]
    return Saved(written.path, written.size, written.sha256, written.missing.total, check_file(written))


def check_file(written: Written) -> Verification:
    """Read the written file back from the disk, by our reader and by olefile, every stream compared."""
    from engine.ole2.read import read_document
    from engine.ole2.verify import verify
    from engine.source import FileSource, HoleSource

    with FileSource(written.path) as source:
        return verify(read_document(HoleSource(source, written.missing)), compare=1 << 40)


def facts_of(candidate: Candidate, form: str = "patched") -> dict[str, Any]:
    """The report of a repair as JSON values: what was changed and why, what is whole, holed, guessed."""
    changes = [{"offset": one.offset, "size": len(one.data), "reason": one.reason} for one in candidate.changes]
    return {
        "form": form, "base": candidate.base, "sector_size": candidate.sector_size, "score": round(candidate.score, 1),
        "reasons": [safe_text(reason) for reason in candidate.reasons], "changes": changes[:1000],
        "changed_ranges": len(changes), "streams": [stream_json(one) for one in candidate.document.streams],
        "checks": [{"name": one.name, "ok": one.ok, "words": safe_text(one.words)} for one in
                   candidate.verification.checks],
    }  # fmt: skip


def stream_json(stream: Stream) -> dict[str, Any]:
    """A stream as JSON values."""
    return {
        "path": safe_text(stream.name), "size": stream.size, "state": stream.state, "missing_bytes": stream.missing,
        "guessed": stream.guessed,
    }  # fmt: skip


def candidate_json(candidate: Candidate) -> dict[str, Any]:
    """A candidate as JSON values, for lists."""
    header: dict[str, int | list[int]] = {
        name: value for name in candidate.header.__dataclass_fields__
        if isinstance(value := getattr(candidate.header, name), int)
    }  # fmt: skip
    header["difat"] = [one for one in candidate.header.difat if one <= 0xFFFFFFFA]
    seen = candidate.verification
    return {
        "score": round(candidate.score, 1), "base": candidate.base, "header": header,
        "reasons": [safe_text(reason) for reason in candidate.reasons], "verified": seen.structure,
        "whole": seen.whole, "explained": round(seen.explained, 3), "streams": seen.streams,
        "streams_ok": seen.streams_ok, "kind": seen.kind.name, "intact": candidate.intact,
    }  # fmt: skip


def save_streams(
    candidate: Candidate, folder: str | os.PathLike[str], *, derived: bool = True, force: bool = False,
    reporter: Reporter = SILENT, journal: Path | None = None,
) -> Report:  # fmt: skip
    """Every stream, and text, cells and pictures of it, as files below ``folder``."""
    from engine.extract import Item, Options, extract
    from engine.ole2.salvage import salvage

    items = [Item(one.name, one.content, facts={**one.facts, "kind": one.kind}) for one in
             salvage(candidate.document, derived=derived)]  # fmt: skip
    if not items:
        raise NotFoundError("there is no stream to save", code="no-streams", path=candidate.image.path)
    options = Options(journal=journal, purpose="ole2-salvage", existing="replace" if force else "rename")
    return extract(items, Path(folder).absolute(), options, reporter)


@dataclass(frozen=True, slots=True)
class Place:
    """A document to be repaired: a file, or a part of one (``start``, ``size``), with a map of what was read."""

    path: str
    start: int | None = None
    size: int | None = None
    map: str | None = None
    name: str = ""

    def open(self) -> Source:
        """Its bytes."""
        window = None if self.start is None or self.size is None else (self.start, self.start + self.size)
        return open_source(self.path, map=self.map, window=window)

    @property
    def title(self) -> str:
        """A name for tables and output files."""
        if self.name:
            return self.name
        stem = Path(self.path).name
        return stem if self.start is None else f"{Path(stem).stem}-{self.start:012d}"


OUTCOMES = {
    "right": "right as it is", "repaired": "repaired, whole", "partly": "repaired, parts are missing or guessed",
    "streams": "streams only", "failed": "nothing found", "none": "no OLE2 document", "error": "cannot be read",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one document of many; ``state`` is a key of ``OUTCOMES``."""

    place: Place
    state: str
    words: str = ""
    kind: str = ""
    streams: int = 0
    streams_ok: int = 0
    missing_bytes: int = 0
    written: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "path": self.place.path, "start": self.place.start, "size": self.place.size,
            "name": safe_text(self.place.title), "state": self.state, "words": self.words, "kind": self.kind,
            "streams": self.streams, "streams_ok": self.streams_ok, "missing_bytes": self.missing_bytes,
            "written": self.written,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """What ``to_json`` gave. Raises ``KeyError``, ``TypeError``, ``ValueError``."""
        place = Place(str(value["path"]), value["start"], value["size"], None, str(value["name"]))
        return cls(
            place, str(value["state"]), str(value["words"]), str(value["kind"]), int(value["streams"]),
            int(value["streams_ok"]), int(value["missing_bytes"]), value["written"],
        )  # fmt: skip


def repair_one(
    place: Place, target: Path, *, force: bool = False, streams: bool = True, right_ones: bool = False,
    reporter: Reporter = SILENT, source: Source | None = None, begins: Callable[[Path], bool] | None = None,
) -> Outcome:  # fmt: skip
    """Repair one of many below ``target``: a copy where the structure is verified, else its streams (when wanted).

    ``begins`` is told what will be written, a new file or folder, and says whether an earlier run of the same work
    began it: then what that left is replaced. ``source`` gives the bytes of a find that is open already. A document
    that is right is not copied unless ``right_ones``. Errors of this document alone are outcomes; a full disk or a stop
    is raised.
    """
    from engine.errors import CancelledError, RescueError

    try:
        below = source if source is not None else place.open()
    except RescueError as error:
        return Outcome(place, "error", safe_text(str(error), 200))
    try:
        return _repair(place, below, target, force, streams, right_ones, reporter, begins)
    except CancelledError:
        raise
    except DamagedError as error:
        return Outcome(place, "none", safe_text(error.message, 200))
    except RescueError as error:
        if error.code in ("no-space", "device-gone"):
            raise
        return Outcome(place, "error", safe_text(str(error), 200))
    finally:
        if source is None:
            below.close()


def _repair(
    place: Place, source: Source, target: Path, force: bool, streams: bool, right_ones: bool, reporter: Reporter,
    begins: Callable[[Path], bool] | None,
) -> Outcome:  # fmt: skip
    best = solve_document(source, reporter=reporter).best
    if best is None or not best.document.streams:
        return Outcome(place, "failed", "neither tables nor streams were found")
    seen = best.verification
    missing = sum(stream.missing for stream in best.document.streams)
    figures = (seen.kind.name, seen.streams, seen.streams_ok, missing)
    if best.intact and not right_ones:
        words = "" if seen.whole else "its structure is right, but parts of streams are missing"
        return Outcome(place, "right", words, *figures)
    name = Path(place.title)
    extension = name.suffix or "." + seen.kind.extension
    if best.good:
        out = target / (name.stem + extension)
        force = force or (begins is not None and begins(out))
        saved = save_copy(best, out, original=source, force=force, reporter=reporter)
        guessed = sum(bool(stream.guessed) for stream in best.document.streams)
        sure = saved.verification.whole and not guessed and not best.invented
        words = "" if sure else f"{len(best.guessed)} things are guessed, {format_size(missing)} missing"
        return Outcome(place, "repaired" if sure else "partly", words, *figures, str(saved.path))
    if streams:
        folder = target / f"{name.stem}.streams"
        force = force or (begins is not None and begins(folder))
        report = save_streams(best, folder, force=force, reporter=reporter)
        failed = "; ".join(safe_text(one.words, 100) for one in seen.failed[:2])
        return Outcome(place, "streams", failed, *figures, str(folder) if report.written else None)
    return Outcome(place, "failed", "; ".join(safe_text(one.words, 100) for one in seen.failed[:2]), *figures)


def documents_in(folder: str | os.PathLike[str], *, limit: int = 100_000) -> Sequence[Place]:
    """The regular files below a folder, in order, links not followed."""
    found: list[Place] = []
    base = Path(folder)
    for above, folders, names in os.walk(base, followlinks=False):
        folders.sort()
        for name in sorted(names):
            path = Path(above, name)
            if path.is_symlink() or not path.is_file() or name.endswith((".part", ".rescue.json")):
                continue
            found.append(Place(str(path), name=str(path.relative_to(base)).replace("/", "_")))
            if len(found) >= limit:
                return found
    return found
