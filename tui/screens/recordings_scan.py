"""Recordings by the MPEG clock: the scan as a job, its pieces and joins, and decisions by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from textual.containers import VerticalScroll
from textual.widget import Widget

from engine.dvr.clock.model import Decisions, Join, Piece, Run
from engine.dvr.clock.recordings import made_joins, runs
from engine.dvr.pack import PACK_SIZE
from engine.errors import RescueError, UsageError
from engine.jobs import Job, start
from engine.recordings import clockwork
from engine.recordings.clockwork import Clockwork
from engine.recordings.job import SCAN, scan_folder
from engine.recordings.look import Place, opened
from engine.text import parse_size
from tui import background
from tui.clock_words import MOST, PIECES, piece_facts, run_rows, scan_facts
from tui.keys import bindings
from tui.screens.job_screen import JobScreen
from tui.widgets.facts import Facts
from tui.widgets.row_list import RowList
from tui.widgets.rows import Row, Section
from tui.words import of_window

_SHORT_S = 10.0


class RecordingsScanScreen(JobScreen):
    """The scan above, recordings with their pieces in the middle, the piece under the cursor below."""

    TITLE = "clock scan"
    SCOPES = ("clock", "list")
    BINDINGS = bindings("clock")
    HELP = (
        "Recordings without a directory. The scan finds pieces: packs on the disk whose clock runs on. Pieces are "
        "joined when the content itself says so: the audio frame that the end of one lacks is what the other begins "
        "with, time stamps go on, the picture goes on. Where two pieces fit as well, nothing is chosen: ? marks them, "
        "t goes there, + joins by hand. No join is better than a wrong one. The scan is a job and goes on when you "
        "leave; what you decide is kept with it."
    )

    def __init__(self, place: Place) -> None:
        super().__init__(of_window(str(place.path), place.window))
        self._place = place
        self._state = Facts(label_width=8, id="clock-state")
        self._list = RowList(id="clock-pieces")
        self._facts = Facts(label_width=8)
        self._job: Job | None = None
        self._work: Clockwork | None = None
        self._read_of: tuple[str, int] | None = None
        self._runs: list[Run] = []
        self._joins: dict[tuple[int, int], Join] = {}
        self._marked: frozenset[int] = frozenset()
        self._short = False
        self._tie = -1
        self._history: list[Decisions] = []

    def body(self) -> Iterable[Widget]:
        """State, pieces, one piece."""
        yield self._state
        yield self._list
        yield VerticalScroll(self._facts, id="clock-pane")

    def on_mount(self) -> None:
        """Follow the scans of this disk."""
        self._list.focus()
        self.deck.bridge.add_folder(self._place.jobs_dir)
        self.follow_jobs(self._take_jobs)
        self.deck.bridge.look_now()

    def _take_jobs(self, jobs: tuple[Job, ...]) -> None:
        wanted = self._place.arguments()
        mine = [job for job in jobs if job.kind == SCAN and all(job.arguments.get(k) == v for k, v in wanted.items())]
        self._job = job = max(mine, key=lambda job: (job.created, job.id), default=None)
        if job is not None and job.result is not None and self._read_of != (job.id, job.runs):
            self._read_of = (job.id, job.runs)
            background.start(self, lambda: clockwork.load(scan_folder(job.directory)), self._take)
        self._show_state()

    def _take(self, work: Clockwork) -> None:
        self._work = work
        self._runs = runs(work.puzzle, work.decisions)
        self._joins = {(join.first, join.second): join for join in made_joins(work.puzzle, work.decisions)}
        starts = {work.puzzle.piece(run.pieces[0]).start for run in self._runs}
        self._marked &= starts
        self._show()

    # --- what is on show

    def _shown_runs(self) -> list[Run]:
        work = self._work
        if work is None:
            return []
        long = [run for run in self._runs if self._length(run) >= _SHORT_S]
        return self._runs if self._short or not long else long

    def _length(self, run: Run) -> float:
        assert self._work is not None
        return sum(self._work.puzzle.piece(number).duration_s for number in run.pieces)

    def _tied(self) -> frozenset[int]:
        assert self._work is not None
        return frozenset(
            number for tie in self._work.open_ties for join in tie for number in (join.first, join.second)
            if (join.first, join.second) not in self._joins
        )  # fmt: skip

    def _show(self) -> None:
        work = self._work
        if work is None:
            return
        rows: list[Row] = []
        tied = self._tied()
        for number, run in enumerate(self._shown_runs(), 1):
            first = work.puzzle.piece(run.pieces[0])
            rows += run_rows(work, number, run, self._joins, tied, marked=first.start in self._marked)
            if len(rows) > MOST:
                self.say(f"only the first {MOST} lines are shown; rescuedeck dvr scan lists all", "warning")
                break
        self._list.show(
            [Section("", PIECES, tuple(rows), "no recordings: not one stretch of packs whose clock runs on")]
        )
        self._show_state()
        self.on_row_list_moved()

    def _show_state(self) -> None:
        shown = len(self._shown_runs())
        self._state.show(scan_facts(self._job, self._work, shown, len(self._runs) - shown, len(self._marked)))
        self.refresh_bindings()

    @property
    def _piece(self) -> Piece | None:
        row = self._list.chosen
        if row is None or self._work is None:
            return None
        return self._work.puzzle.piece(int(row.id.rpartition(":")[2]))

    def _run_of(self, piece: Piece) -> Run:
        return next(run for run in self._runs if piece.number in run.pieces)

    def _before(self, piece: Piece) -> Piece | None:
        pieces = self._run_of(piece).pieces
        at = pieces.index(piece.number)
        return self._work.puzzle.piece(pieces[at - 1]) if at and self._work is not None else None

    def on_row_list_moved(self) -> None:
        """Another piece."""
        piece, work = self._piece, self._work
        if piece is None or work is None:
            self._facts.show([])
        else:
            before = self._before(piece)
            join = self._joins.get((before.number, piece.number)) if before is not None else None
            self._facts.show(piece_facts(piece, join, self._following(piece), before))
        self.refresh_bindings()

    def _following(self, piece: Piece) -> list[Join]:
        """What could follow this piece besides what does."""
        assert self._work is not None
        return [join for join in self._work.puzzle.others if join.first == piece.number
                and (join.first, join.second) not in self._joins]  # fmt: skip

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """One scan at a time; decisions only about pieces."""
        live = self._job is not None and self._job.live
        if action == "scan":
            return None if live else True
        if action == "stop":
            return live
        if action == "resume":
            return self._job is not None and not live and self._job.resumable
        if action in ("mark", "join", "cut", "bytes", "extract"):
            return True if self._piece is not None and not live else None
        if action == "apart":
            return True if self._piece is not None and self._before(self._piece) is not None else None
        if action == "tie":
            return True if self._work is not None and self._work.open_ties else None
        if action == "undo":
            return True if self._history else None
        if action == "short":
            return True if any(self._length(run) >= _SHORT_S for run in self._runs) else None
        return True

    # --- the scan

    def action_scan(self) -> None:
        """Begin."""
        place = self._place
        self.say("starting ...")
        background.start(
            self, lambda: start(SCAN, place.arguments(), place.jobs_dir, title=place.path.name), self._begun
        )

    def action_short(self) -> None:
        """Short ones too."""
        self._short = not self._short
        self._show()

    def action_mark(self) -> None:
        """The recording of this piece, in or out."""
        piece, work = self._piece, self._work
        if piece is not None and work is not None:
            self._marked ^= {work.puzzle.piece(self._run_of(piece).pieces[0]).start}
            self._show()
            self._list.action_cursor_down()

    def action_tie(self) -> None:
        """The next undecided place."""
        work = self._work
        if work is None or not work.open_ties:
            return
        self._tie = (self._tie + 1) % len(work.open_ties)
        tie = work.open_ties[self._tie]
        self._short = self._short or not self._go_to(tie[0].first)
        if not self._go_to(tie[0].first):
            self._show()
            self._go_to(tie[0].first)
        ways = " or ".join(f"{join.second} ({join.score} points)" for join in tie if join.first == tie[0].first)
        self.say(f"{self._tie + 1} of {len(work.open_ties)}: piece {tie[0].first} may be followed by {ways}")

    def _go_to(self, number: int) -> bool:
        alone = len(self._run_of_number(number).pieces) == 1
        start = self._work.puzzle.piece(number).start if self._work is not None else 0
        return self._list.choose(f"run:{start}:{number}" if alone else f"piece:{number}")

    def _run_of_number(self, number: int) -> Run:
        return next(run for run in self._runs if number in run.pieces)

    # --- by hand

    def action_join(self) -> None:
        """This piece is followed by ..."""
        piece = self._piece
        if piece is not None:
            best = self._following(piece)
            value = str(best[0].second) if best else ""
            self.prompt.read(f"piece {piece.number} is followed by piece: ", lambda text: self._join(piece, text),
                             value=value)  # fmt: skip

    def _join(self, piece: Piece, text: str) -> None:
        work = self._work
        if work is None or not text.strip().isdecimal() or not 1 <= int(text) <= len(work.puzzle.pieces):
            raise UsageError("name a piece by its number")
        other = work.puzzle.piece(int(text))
        pair = (piece.start, other.start)
        old = work.decisions
        joins = tuple(one for one in old.joins if one[0] != pair[0] and one[1] != pair[1])
        apart = tuple(one for one in old.apart if one != pair)
        self._decide(replace(old, joins=(*joins, pair), apart=apart))

    def action_apart(self) -> None:
        """Not after the one before."""
        piece, work = self._piece, self._work
        before = self._before(piece) if piece is not None else None
        if piece is not None and before is not None and work is not None:
            pair = (before.start, piece.start)
            old = work.decisions
            joins = tuple(one for one in old.joins if one != pair)
            self._decide(replace(old, joins=joins, apart=(*old.apart, pair)))

    def action_cut(self) -> None:
        """In two."""
        piece = self._piece
        if piece is not None:
            middle = piece.start + piece.packs // 2 * PACK_SIZE
            self.prompt.read(f"cut piece {piece.number} at byte: ", lambda text: self._cut(piece, text),
                             value=str(middle))  # fmt: skip

    def _cut(self, piece: Piece, text: str) -> None:
        at = parse_size(text)
        at = piece.start + (at - piece.start) // PACK_SIZE * PACK_SIZE
        if not piece.start < at < piece.end or self._work is None:
            raise UsageError(f"that is not inside the piece: {piece.start}-{piece.end}")
        old = self._work.decisions
        self._decide(replace(old, cuts=(*old.cuts, at), apart=(*old.apart, (piece.start, at))))

    def action_undo(self) -> None:
        """The last decision. A cut stays where it was made, but its two sides are joined again."""
        if self._history:
            self._decide(self._history.pop(), remember=False)

    def _decide(self, decisions: Decisions, *, remember: bool = True) -> None:
        work, job, place = self._work, self._job, self._place
        if work is None or job is None:
            return
        if remember:
            self._history.append(work.decisions)

        def apply() -> Clockwork:
            with opened(place, devices=False) as source:
                return clockwork.decide(source, work, decisions, scan_folder(job.directory))

        background.start(self, apply, self._take, self._refused)

    def _refused(self, error: RescueError) -> None:
        if self._history:
            self._history.pop()
        self.tell_error(error)

    # --- on

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_bytes()

    def action_bytes(self) -> None:
        """The bytes of the piece."""
        if self._piece is not None:
            low = 0 if self._place.window is None else self._place.window[0]
            self.deck.open_bytes(self._place.path, self._place.map, low + self._piece.start)

    def action_extract(self) -> None:
        """The marked recordings, or all that are shown."""
        from engine.recordings.extracting import Order
        from tui.screens.recordings_extract import RecordingsExtractScreen, Request

        work, job = self._work, self._job
        if work is None or job is None:
            return
        titles = work.recordings(shortest_s=0.0 if self._short else _SHORT_S).titles
        if self._marked:
            titles = tuple(title for title in work.recordings().titles if title.extents[0].start in self._marked)
        request = Request(Order(tuple(title.id for title in titles)), len(titles), sum(one.size for one in titles),
                          scan=Path(scan_folder(job.directory)))  # fmt: skip
        self.app.push_screen(RecordingsExtractScreen(self._place, request))
