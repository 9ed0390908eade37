"""The map of a running ddrescue, re-read by name: missing, empty and cut instants are ridden out.

ddrescue renames the old map away and writes the new one in place, so that a reader may meet none, an empty one or one
that ends early. What was read whole stays what is known until another whole one comes.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from engine.errors import RescueError
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map

_SHARE = 0.1
"""At most this share of the time goes into re-reading, however large the map grows."""


@dataclass(slots=True)
class MapWatch:
    """Follows one map by name.

    ``current`` is the last whole map. ``trusted`` is the newest map that was followed by a successful read: what it
    says of failed areas was found out by a drive that still answered afterwards.
    """

    path: str
    least_end: int = 0
    current: Mapfile | None = None
    trusted: Mapfile | None = None
    problem: str = ""
    changed_at: float | None = None
    _seen: tuple[int, int, int] | None = None
    _next: float = 0.0

    def refresh(self, now: float | None = None, *, force: bool = False) -> bool:
        """Look whether there is another map; True when a new whole one was taken. ``now`` is monotonic seconds."""
        now = time.monotonic() if now is None else now
        if now < self._next and not force:
            return False
        try:
            facts = os.stat(self.path)
        except OSError as error:
            self.problem = f"the map cannot be seen: {error.strerror}"
            return False
        mark = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
        if mark == self._seen and not self.problem:
            return False
        began = time.monotonic()
        try:
            fresh = read_map(self.path)
        except RescueError as error:
            self.problem = f"the map cannot be read now: {error}"
            return False
        finally:
            self._next = now + (time.monotonic() - began) / _SHARE
        if not len(fresh) or fresh.end < self.least_end:
            self.problem = f"the map is cut off at {fresh.end}"
            return False
        self._seen, self.problem = mark, ""
        self._take(fresh, now)
        return True

    def _take(self, fresh: Mapfile, now: float) -> None:
        before = self.current
        if before is not None and fresh.totals().finished > before.totals().finished:
            self.trusted = before
        self.current, self.changed_at = fresh, now
        if not fresh.open_ended:  # an unknown source size ends the map at 2^63 - 1: that is no lower bound
            self.least_end = max(self.least_end, fresh.end)

    def age(self, now: float) -> float | None:
        """Seconds since a whole map was last taken; None before the first."""
        return None if self.changed_at is None else now - self.changed_at
