"""Complete files get their names beside the copying: first on the disk, then named, then noted."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.atomic import fsync_directory
from engine.errors import outside
from engine.extract.kernel import sync_filesystem
from engine.extract.part import PartFile, finish, part_path

_WAITING = 128
_FEW = 4


@dataclass(frozen=True, slots=True)
class Complete:
    """A part that holds everything, its final path, and what is noted once it has that name."""

    part: PartFile
    final: Path
    note: Callable[[], None]


class Finisher:
    """A thread that ends files in order. Many small ones that wait together cost one flush of the file system."""

    def __init__(self, *, durable: bool, replace: bool) -> None:
        self._durable, self._replace = durable, replace
        self._work: queue.Queue[Complete | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="finishing", daemon=True)
        self._thread.start()

    def put(self, complete: Complete) -> None:
        """End this one; raises what an earlier one met."""
        self._raise()
        self._work.put(complete)

    def _run(self) -> None:
        more = True
        while more:
            batch = [self._work.get()]
            while not self._work.empty():
                batch.append(self._work.get())
            more = None not in batch
            ready = [one for one in batch if one is not None]
            try:
                if ready and self._error is None:
                    self._end(ready)
            except BaseException as error:  # told to the caller at its next put, or at the end
                self._error = error
            finally:
                for one in ready:
                    one.part.close()

    def _end(self, batch: list[Complete]) -> None:
        if self._durable:
            if len(batch) > _FEW:
                sync_filesystem(batch[-1].part.fd)
            else:
                for one in batch:
                    one.part.sync()
        for one in batch:
            finish(part_path(one.part.path), one.final, replace=self._replace)
        if self._durable:
            for folder in {one.final.parent for one in batch}:
                try:
                    fsync_directory(folder)
                except OSError as error:
                    raise outside(error, "cannot write", folder) from error
        for one in batch:
            one.note()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._work.put(None)
        self._thread.join()
        if kind is None:
            self._raise()
