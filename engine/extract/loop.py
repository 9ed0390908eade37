"""Items into files, one after the other: the loop, what is complete, and going on after a stop or a crash."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.errors import OutsideError, Problem
from engine.extract.apart import refuse_same_disk
from engine.extract.copying import Copy
from engine.extract.finishing import Complete, Finisher
from engine.extract.hashing import Hasher
from engine.extract.ledger import Known, Ledger, keys_of
from engine.extract.model import Failed, Item, Options, Report, Standing, Written
from engine.extract.names import FILLED, HOLED, Namer, safe_name, with_mark
from engine.extract.part import PartFile, make_folder, part_path, take_back
from engine.extract.sidecar import sidecar_path, write_sidecar
from engine.host.space import MARGIN, allocated_bytes, room_at
from engine.progress import SILENT, Reporter, check
from engine.ranges import RangeSet
from engine.source import ExtentSource
from engine.text import format_size, safe_text

_SYNC_S = 20.0
_TELL_S = 0.5
DEFAULTS = Options()
Follow = Callable[[Standing], None]


def extract(
    items: Iterable[Item],
    target: Path,
    options: Options = DEFAULTS,
    reporter: Reporter = SILENT,
    follow: Follow | None = None,
) -> Report:
    """Write every item below ``target`` and return what came of it.

    Complete files get their name, others are ``NAME.part``; after a stop or a crash the same call with the same items
    and ``options.journal`` goes on where it was, and what was complete is not read again. ``follow`` is told the
    standing of the present item about twice a second. Raises ``CancelledError``, and ``OutsideError`` when nothing more
    can be written (no space) or read (device gone); items that fail by themselves are in the report.
    """
    return _Extraction(list(items), target, options, reporter, follow).run()


class _Extraction:
    def __init__(
        self, items: list[Item], target: Path, options: Options, reporter: Reporter, follow: Follow | None
    ) -> None:
        self._items, self._target, self._options, self._reporter = items, target, options, reporter
        self._follow = follow
        self._total = sum(item.content.size for item in items)
        self._before = 0
        self._told = 0.0
        self._names = Namer(self._taken)

    def run(self) -> Report:
        refuse_same_disk({item.content.path for item in self._items}, self._target)
        make_folder(self._target, Path())
        self._ledger = Ledger(self._options.journal, self._options.purpose, self._target)
        for known in self._ledger.known.values():
            self._names.reserve(known.path)
        holes = [item.content.holes for item in self._items]
        keys = keys_of(self._items, holes)
        if self._options.check_space:
            self._look_for_space(keys, holes)
        written: list[Written] = []
        failed: list[Failed] = []
        replace = self._options.existing == "replace"
        with Hasher() as hasher, Finisher(durable=self._options.durable, replace=replace) as finisher:
            for index, item in enumerate(self._items):
                check(self._reporter)
                try:
                    written.append(self._one(index, item, keys[index], holes[index], hasher, finisher))
                except ValueError as error:  # a source that contradicts itself: this item's trouble, not the others'
                    failed.append(Failed(item, index, Problem("item", safe_text(str(error), 200))))
                self._before += item.content.size
                self._tell(index, item, item.content.size, last=index + 1 == len(self._items))
        return Report(tuple(written), tuple(failed))

    # --- before anything is written

    def _taken(self, name: str) -> bool:
        if self._options.existing == "replace":
            return False
        path = self._target / name
        return any(os.path.lexists(one) for one in (path, part_path(path), sidecar_path(path)))

    def _refuse_taken(self, name: str) -> None:
        path = self._target / name
        if os.path.lexists(part_path(path)):
            raise OutsideError(
                "an unfinished file of that name is there", code="exists", path=part_path(path),
                advice="when nothing writes it any more, remove it; or name another one",
            )  # fmt: skip
        for one in (path, sidecar_path(path)):
            if os.path.lexists(one):
                raise OutsideError(
                    "the output file exists already", code="exists", path=one, advice="name another one, or use --force"
                )

    def _look_for_space(self, keys: list[str], holes: list[RangeSet]) -> None:
        needed = largest = 0
        for index, item in enumerate(self._items):
            content = item.content
            sparse = holes[index].total + (content.gaps.total if isinstance(content, ExtentSource) else 0)
            known = self._ledger.known.get(keys[index])
            there = _allocated(self._target / known.path) if known is not None else 0
            needed += max(0, content.size - sparse - there)
            largest = max(largest, content.size)
        room = room_at(self._target)
        if room.file_limit is not None and largest > room.file_limit:
            raise OutsideError(
                f"a file of {format_size(largest)} is larger than {room.limited_by} allows", code="no-space",
                path=self._target, advice="choose a target on another file system",
            )  # fmt: skip
        margin = min(MARGIN, needed // 10 + (1 << 20))
        if needed + margin > room.free:
            raise OutsideError(
                f"{format_size(needed)} are to be written, but only {format_size(room.free)} are free", code="no-space",
                path=self._target, advice="make room, choose another target, or choose fewer items",
            )  # fmt: skip

    # --- one item

    def _one(self, index: int, item: Item, key: str, holes: RangeSet, hasher: Hasher, finisher: Finisher) -> Written:
        known = self._ledger.known.get(key)
        if known is not None and known.sha256 is not None and (done := self._still_there(index, item, known)):
            return done
        part, unreadable, name = self._open(item, key, known, holes)
        part.early = self._options.durable
        try:
            copy = Copy(item.content, part, hasher, unreadable, lambda lost: self._ledger.lost(key, lost))
            copy.rehash(lambda: check(self._reporter))
            digest = copy.run(self._watch(index, item, key, part))
            part.settle(item.modified)
        except BaseException:
            part.close()
            raise
        missing = holes.union(copy.unreadable).union(item.filled)
        final = name
        if copy.unreadable and not holes:
            final = self._names.give(with_mark(name, HOLED))
            self._ledger.renamed(key, final)
        written = Written(item, index, self._target / final, item.content.size, digest, missing)
        finisher.put(Complete(part, self._target / final, lambda: self._note(key, written)))
        return written

    def _watch(self, index: int, item: Item, key: str, part: PartFile) -> Callable[[int], None]:
        synced = time.monotonic()

        def told(position: int) -> None:
            nonlocal synced
            self._tell(index, item, position)
            now = time.monotonic()
            stop = self._reporter.cancelled()
            if stop or now - synced > _SYNC_S:
                if self._options.durable:
                    part.sync()
                self._ledger.synced(key, position)
                synced = now
            if stop:
                check(self._reporter)

        self._tell(index, item, part.position)
        return told

    def _note(self, key: str, written: Written) -> None:
        if self._options.sidecar:
            write_sidecar(written)
        self._ledger.done(key, written.size, written.sha256, written.missing)

    def _open(self, item: Item, key: str, known: Known | None, holes: RangeSet) -> tuple[PartFile, RangeSet, str]:
        if known is not None:
            path = self._target / known.path
            take_back(part_path(path), self._target / known.final)
            part = PartFile.go_on(path, item.content.size if self._ledger.same_boot else known.synced)
            if part is not None:
                return part, RangeSet(known.lost).clip(0, part.position), known.path
        name = safe_name(item.name)
        mark = HOLED if holes else FILLED if item.filled else ""
        name = with_mark(name, mark)
        if known is not None and not self._taken(known.path):  # its part never came to the disk: the name is still its
            make_folder(self._target, Path(known.path).parent)
            self._ledger.began(key, known.path)
            return PartFile.begin(self._target / known.path), RangeSet(), known.path
        if self._options.existing == "refuse":
            self._refuse_taken(name)
        name = self._names.give(name)
        make_folder(self._target, Path(name).parent)
        self._ledger.began(key, name)
        return PartFile.begin(self._target / name, replace=self._options.existing == "replace"), RangeSet(), name

    def _still_there(self, index: int, item: Item, known: Known) -> Written | None:
        path = self._target / known.path
        try:
            same = os.lstat(path).st_size == known.size == item.content.size
        except OSError:
            return None
        if not same or known.sha256 is None:
            return None
        return Written(item, index, path, known.size, known.sha256, RangeSet(known.missing))

    def _tell(self, index: int, item: Item, position: int, *, last: bool = False) -> None:
        done = self._before if last else self._before + position
        now = time.monotonic()
        if now - self._told < _TELL_S and not last:
            return
        self._told = now
        name = safe_text(item.name, 60)
        words = f"{index + 1} of {len(self._items)}: {name}"
        self._reporter.update(done, self._total, "B", words)
        if self._follow is not None:
            self._follow(Standing(index + 1, len(self._items), name, position, item.content.size))


def _allocated(path: Path) -> int:
    return max(allocated_bytes(path), allocated_bytes(part_path(path)))
