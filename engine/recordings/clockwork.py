"""A clock scan kept in files: where it stands, what it found, what a person decided; as titles when it is asked."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.atomic import write_atomic, write_json
from engine.dvr.clock.model import AudioEnd, Decisions, End, Join, Piece, Puzzle, Reason
from engine.dvr.clock.recordings import runs, titles_of
from engine.dvr.model import Finding, Recordings, Rung
from engine.errors import DamagedError, outside
from engine.progress import SILENT, Reporter
from engine.ranges import RangeSet

if TYPE_CHECKING:
    from engine.source import Source

STATE, FOUND, DECIDED = "scan.state", "pieces.json", "decisions.json"
_MAX = 1 << 30


@dataclass(frozen=True, slots=True)
class Clockwork:
    """What a scan of a source of ``size`` bytes came to. ``unread``: what nobody has read of it then."""

    puzzle: Puzzle
    swapped: bool
    size: int
    unread: RangeSet
    decisions: Decisions = Decisions()

    @property
    def open_ties(self) -> tuple[tuple[Join, ...], ...]:
        """The ties that nobody has decided: none of their joins was made or ruled out by hand."""
        settled = set(self.decisions.joins) | set(self.decisions.apart)
        piece = self.puzzle.piece
        return tuple(
            tie for tie in self.puzzle.ties
            if not any((piece(join.first).start, piece(join.second).start) in settled for join in tie)
        )  # fmt: skip

    def recordings(self, source: Source | None = None, *, shortest_s: float = 0.0) -> Recordings:
        """The recordings as the directory of a disk would list them; those shorter than ``shortest_s`` left out.

        With ``source`` each title says what of it is missing.
        """
        titles = tuple(
            title for title in titles_of(self.puzzle, self.decisions) if (title.duration_s or 0.0) >= shortest_s
        )
        count = len(self.puzzle.pieces)
        finding = Finding(
            "clock", "MPEG clock", "recordings without a directory", 0.5 if titles else 0.0,
            (f"{count} pieces of MPEG streams, {len(self.puzzle.joins)} joins",), swapped=self.swapped,
            rung=Rung.CLOCK,
        )  # fmt: skip
        made = Recordings(finding, titles)
        if source is None:
            return made
        from engine.dvr.missing import with_missing

        return with_missing(made, made.view(source))


def scan_into(source: Source, folder: Path, reporter: Reporter = SILENT) -> Clockwork:
    """Scan ``source``, going on from the state in ``folder`` if there is one; the result is kept there.

    Raises ``CancelledError`` with the state kept.
    """
    from engine.dvr.clock.inside import described
    from engine.dvr.clock.match import propose
    from engine.dvr.clock.scanning import scan
    from engine.source import SwapSource

    state = folder / STATE
    try:
        saved: bytes | None = state.read_bytes()
    except FileNotFoundError:
        saved = None
    except OSError as error:
        raise outside(error, "cannot read the state of the scan", state) from error
    try:
        found = scan(source, reporter, saved=saved, checkpoint=lambda data: write_atomic(state, data))
    except DamagedError:
        state.unlink(missing_ok=True)
        found = scan(source, reporter, checkpoint=lambda data: write_atomic(state, data))
    view = SwapSource(source) if found.swapped else source
    puzzle = propose(described(view, found, reporter), found.unread, reporter)
    made = Clockwork(puzzle, found.swapped, found.size, found.unread)
    save(made, folder)
    return made


def decide(source: Source, work: Clockwork, decisions: Decisions, folder: Path) -> Clockwork:
    """The same with other decisions, kept in ``folder``. New cuts are described and joins proposed anew."""
    from engine.dvr.clock.match import propose
    from engine.dvr.clock.recordings import cut_by_hand
    from engine.source import SwapSource

    puzzle = work.puzzle
    known = {piece.start for piece in puzzle.pieces}
    fresh = [cut for cut in decisions.cuts if cut not in known]
    if fresh:
        view = SwapSource(source) if work.swapped else source
        puzzle = propose(cut_by_hand(view, puzzle.pieces, fresh), work.unread)
    made = replace(work, puzzle=puzzle, decisions=decisions)
    save(made, folder)
    return made


def save(work: Clockwork, folder: Path) -> None:
    """Keep the result and the decisions."""
    write_json(folder / DECIDED, {
        "joins": work.decisions.joins, "apart": work.decisions.apart, "cuts": work.decisions.cuts,
    })  # fmt: skip
    puzzle = work.puzzle
    write_json(folder / FOUND, {
        "version": 1, "size": work.size, "swapped": work.swapped, "unread": list(work.unread),
        "pieces": [_piece_out(piece) for piece in puzzle.pieces],
        "joins": [_join_out(join) for join in puzzle.joins],
        "ties": [[_join_out(join) for join in tie] for tie in puzzle.ties],
        "others": [_join_out(join) for join in puzzle.others],
    })  # fmt: skip


def load(folder: Path) -> Clockwork:
    """What ``save`` kept. Raises ``OutsideError`` (not there), ``DamagedError``."""
    found, decided = _json(folder / FOUND), _json(folder / DECIDED)
    try:
        puzzle = Puzzle(
            tuple(_piece_in(value) for value in found["pieces"]),
            tuple(_join_in(value) for value in found["joins"]),
            tuple(tuple(_join_in(value) for value in tie) for tie in found["ties"]),
            tuple(_join_in(value) for value in found["others"]),
        )
        decisions = Decisions(
            tuple((int(a), int(b)) for a, b in decided["joins"]), tuple((int(a), int(b)) for a, b in decided["apart"]),
            tuple(int(cut) for cut in decided["cuts"]),
        )  # fmt: skip
        unread = RangeSet((int(a), int(b)) for a, b in found["unread"])
        return Clockwork(puzzle, bool(found["swapped"]), int(found["size"]), unread, decisions)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DamagedError("the result of the clock scan is damaged", code="scan-result", path=folder / FOUND,
                           advice="scan again") from error  # fmt: skip


def chunks_document(work: Clockwork) -> list[dict[str, Any]]:
    """Every piece with its clocks (27 MHz) and the recording it belongs to."""
    owner = {
        number: title.id
        for run, title in zip(
            runs(work.puzzle, work.decisions), titles_of(work.puzzle, work.decisions), strict=True
        )
        for number in run.pieces
    }  # fmt: skip
    return [
        {
            "start": piece.start, "size": piece.size, "scr_first": piece.scr_first, "scr_last": piece.scr_last,
            "duration_s": round(piece.duration_s, 3), "recording": owner[piece.number], "cut": piece.cut or None,
        }
        for piece in work.puzzle.pieces
    ]  # fmt: skip


def join_document(work: Clockwork, join: Join) -> dict[str, Any]:
    """A join by the places of its pieces."""
    return {
        "end": work.puzzle.piece(join.first).end, "start": work.puzzle.piece(join.second).start, "score": join.score,
        "gap_s": round(join.gap_s, 4), "lost_bytes": join.lost, "reasons": [one.words for one in join.reasons],
    }  # fmt: skip


def _json(path: Path) -> dict[str, Any]:
    try:
        with open(path, "rb") as stream:
            value = json.loads(stream.read(min(_MAX, os.fstat(stream.fileno()).st_size)))
    except OSError as error:
        raise outside(error, "cannot read the result of the clock scan", path) from error
    except (ValueError, RecursionError) as error:
        raise DamagedError("the result of the clock scan is damaged", code="scan-result", path=path) from error
    if not isinstance(value, dict):
        raise DamagedError("the result of the clock scan is damaged", code="scan-result", path=path)
    return value


def _piece_out(piece: Piece) -> list[Any]:
    return [piece.number, piece.start, piece.size, piece.scr_first, piece.scr_last, piece.mux_rate,
            _end_out(piece.head), _end_out(piece.tail), piece.cut]  # fmt: skip


def _piece_in(value: list[Any]) -> Piece:
    number, start, size, first, last, mux, head, tail, cut = value
    if not all(isinstance(one, int) and one >= 0 for one in (number, start, size, first, last, mux)):
        raise ValueError("a piece is no piece")
    return Piece(number, start, size, first, last, mux, _end_in(head), _end_in(tail), str(cut))


def _end_out(end: End) -> list[Any]:
    audio = end.audio
    sound = None if audio is None else [
        audio.kind, audio.stream, audio.frame, audio.ticks, audio.open, audio.pts,
        base64.b64encode(audio.partial).decode("ascii"), audio.sound,
    ]  # fmt: skip
    return [end.sequence, end.streams, sound, end.slice, end.new_picture, end.clean, end.time_code, end.real_time_data]


def _end_in(value: list[Any]) -> End:
    sequence, streams, sound, slice_, new, clean, code, real = value
    audio = None
    if sound is not None:
        kind, stream, frame, ticks, open_, pts, partial, good = sound
        audio = AudioEnd(kind, stream, frame, ticks, open_, pts, base64.b64decode(partial), good)
    shape = None if sequence is None else (sequence[0], sequence[1], sequence[2], sequence[3])
    return End(shape, tuple(streams), audio, slice_, new, clean, code, real)


def _join_out(join: Join) -> list[Any]:
    return [join.first, join.second, join.score, join.gap_s, join.lost,
            [[one.words, one.points, one.decisive] for one in join.reasons]]  # fmt: skip


def _join_in(value: list[Any]) -> Join:
    first, second, score, gap, lost, reasons = value
    return Join(first, second, score, gap, tuple(Reason(str(a), int(b), bool(c)) for a, b, c in reasons), lost)
