"""A tree of recorder files read as DVD-VR: which management file goes with which VRO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.dvr.disk import Disk, Piece
from engine.dvr.dvdvr.ifo import MAX_SIZE, is_panasonic, is_standard, merge, parse
from engine.dvr.dvdvr.model import SECTOR, Management
from engine.dvr.dvdvr.titles import Video, bare_title, begins_with_pack, titles_of
from engine.dvr.model import RecorderFile, Rung, Title
from engine.errors import Problem
from engine.source.extents import ExtentSource

# A management file that goes with a VRO of another name.
_PARTNERS = {"VR_MOVIE": "VR_MANGR"}


@dataclass(frozen=True, slots=True)
class Pair:
    """A VRO with its management file and the copy of it, as far as they are there."""

    stem: str
    video: RecorderFile | None
    ifo: RecorderFile | None
    backup: RecorderFile | None


def stem_of(path: str) -> tuple[str, str]:
    """Name without its ending, and the ending, both in capitals."""
    stem, _, ending = path.rpartition("/")[2].upper().rpartition(".")
    return (stem, ending) if stem else (ending, "")


def role_of(path: str) -> str:
    """What a recorder file is, by its name."""
    stem, ending = stem_of(path)
    if ending in ("IFO", "BUP"):
        return "management" if stem in ("HDD2", "MTV2") else "IFO" if ending == "IFO" else "backup"
    if ending == "VRO":
        return "VRO"
    return {"M2TS": "stream", "MTS": "stream", "VOB": "stream", "MPG": "stream", "MNG": "management",
            "RPLS": "play list"}.get(ending, "data")  # fmt: skip


def pairs(files: Sequence[RecorderFile]) -> list[Pair]:
    """Every VRO with programmes, and every management file without one."""
    found: dict[tuple[str, str], RecorderFile] = {}
    for file in files:
        stem, ending = stem_of(file.path)
        if role_of(file.path) in ("IFO", "backup", "VRO") and stem not in ("VR_STILL", "VR_AUDIO"):
            folder = file.path.upper().rpartition("/")[0]
            found.setdefault((f"{folder}/{_PARTNERS.get(stem, stem)}", ending), file)
    stems = list(dict.fromkeys(stem for stem, _ in found))
    return [
        Pair(stem.rpartition("/")[2], found.get((stem, "VRO")), found.get((stem, "IFO")), found.get((stem, "BUP")))
        for stem in stems
    ]


def content(disk: Disk, file: RecorderFile) -> Piece:
    """The bytes of a management file (at most ``MAX_SIZE``), with what is unread of them."""
    below = ExtentSource(disk.source, file.extents)
    data = bytearray(min(below.size, file.size, MAX_SIZE))
    if not data:
        return Piece(0, b"")
    # Extent by extent through the disk, which steps around bad sectors.
    unread: list[tuple[int, int]] = []
    for position, start, count in below.runs(0, len(data)):
        if start is None:
            continue
        piece = disk.piece(start - disk.base, count)
        data[position : position + len(piece.data)] = piece.data
        unread += [(position + low, position + high) for low, high in piece.unread]
        if len(piece.data) < count:
            unread.append((position + len(piece.data), position + count))
        disk.note(start - disk.base, count)
    return Piece(0, bytes(data), tuple(unread))


def read_titles(disk: Disk, files: Sequence[RecorderFile], *, one_volume: bool) -> tuple[list[Title], str]:
    """Titles of all pairs, and the name of the disc. ``one_volume``: the standard's single VR_MANGR, whose programmes
    have plain numbers."""
    titles: list[Title] = []
    labels: list[str] = []
    all_pairs = pairs([file for file in files if not file.deleted])
    plain = one_volume and sum(1 for pair in all_pairs if pair.video or pair.ifo or pair.backup) == 1
    for pair in all_pairs:
        found, label = _read_pair(disk, pair, "" if plain else f"{pair.stem}-")
        titles += found
        labels += [label] if label else []
    return titles, labels[0] if labels else ""


def _read_pair(disk: Disk, pair: Pair, prefix: str) -> tuple[list[Title], str]:
    file = pair.video
    video = None
    if file is not None:
        video = Video(file.path, file.extents, file.unplaced, file.rung, file.problems)
    management, rung, problems = _management(disk, pair, video)
    if management is None and video is None:
        return [], ""
    name = pair.stem
    if management is None and video is not None and file is not None:
        title = bare_title(disk, video, prefix.rstrip("-") or "1", name, problems)
        return [_dated(title, file)], ""
    if management is None:
        return [], ""
    if video is None:
        missing = Problem("vro-lost", f"the VRO of {name} is lost: only names, dates and lengths are left")
        video = Video(f"{name}.VRO", (), 0, rung, (missing,))
    titles = titles_of(disk, management, video, rung, prefix)
    if not titles and file is not None:
        return [_dated(bare_title(disk, video, prefix.rstrip("-") or "1", name, problems), file)], management.label
    disk_problems = [*problems, *management.problems]
    for problem in disk_problems:
        disk.problem(problem.code, f"{name}: {problem.message}")
    return titles, management.label


def _dated(title: Title, file: RecorderFile) -> Title:
    from dataclasses import replace

    return replace(title, recorded_at=title.recorded_at or file.modified)


def _management(disk: Disk, pair: Pair, video: Video | None) -> tuple[Management | None, Rung, list[Problem]]:
    """The better of IFO and BUP, each with what is unread filled from the other."""
    problems: list[Problem] = []
    pieces = [content(disk, file) if file is not None else None for file in (pair.ifo, pair.backup)]
    sectors = None
    if video is not None:
        sectors = (sum(extent.size for extent in video.extents) + video.unplaced) // SECTOR
    begins = begins_with_pack(disk, video) if video is not None else _unknown
    best: tuple[Management, Rung] | None = None
    for file, own, other, rung in (
        (pair.ifo, pieces[0], pieces[1], Rung.DIRECTORY), (pair.backup, pieces[1], pieces[0], Rung.BACKUP),
    ):  # fmt: skip
        if file is None or own is None:
            continue
        piece = merge(own, other)
        parsed = parse(piece, sectors, begins)
        if parsed is None:
            problems.append(Problem("ifo-bad", f"{file.path} is no management file"))
            continue
        if not own.whole:
            rung = Rung.BACKUP
            problems.append(Problem("ifo-unread", f"{file.path} is unread in part"))
        rung = max(rung, file.rung, key=list(Rung).index)
        if best is None or parsed.lost < best[0].lost:
            best = parsed, rung
        if not parsed.lost:
            break
    return (best[0], best[1], problems) if best is not None else (None, Rung.DIRECTORY, problems)


def _unknown(_sector: int) -> None:
    return None


def looks_like_management(piece: Piece) -> bool:
    """Whether a file without a name is a management file."""
    return is_standard(piece) or is_panasonic(piece)
