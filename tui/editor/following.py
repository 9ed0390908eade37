"""Looking once a second who holds the map and what became of it on disk, in a background thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.mapedit import Reason
    from tui.editor.editing import Editing

_LONG_S, _SHARE = 0.1, 10
"""A map that takes long to read is read again only after this many times as long."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was found. ``changed``: the document shows another state of the file now; ``stale``: it does not yet."""

    reasons: tuple[Reason, ...]
    changed: bool
    stale: bool = False


class Follower:
    """One look at a time. ``begin`` and ``end`` belong to the screen's thread, ``look`` to another."""

    def __init__(self, editing: Editing) -> None:
        self._editing = editing
        self._looking = False
        self._overtaken = False
        self._rest_until = 0.0

    def begin(self) -> bool:
        """Whether a look may begin: the last one has come back."""
        if self._looking:
            return False
        self._looking = True
        self._overtaken = False
        return True

    def end(self) -> bool:
        """The look has come back. Returns whether its reasons still count."""
        self._looking = False
        return not self._overtaken

    def overtake(self) -> None:
        """Something was decided on the screen: a look under way may have seen the state before it."""
        self._overtaken = True

    def look(self) -> Look:
        """Why the map may not be edited now; a map without unsaved edits is read again when it changed on disk."""
        document = self._editing.document
        with self._editing.lock:
            reasons = document.reasons()
            changed = False
            outside = any(reason.code == "changed-on-disk" for reason in reasons)
            if outside and time.monotonic() >= self._rest_until:
                begun = time.monotonic()
                changed = document.follow()
                took = time.monotonic() - begun
                self._rest_until = time.monotonic() + (took * _SHARE if took > _LONG_S else 0.0)
                if changed:
                    reasons = document.reasons()
        stale = any(reason.code == "changed-on-disk" for reason in reasons)
        if not document.dirty and document.offer is None:
            # It will be taken over with the next look: nobody has to decide anything.
            reasons = tuple(reason for reason in reasons if reason.code != "changed-on-disk")
        return Look(reasons, changed, stale)
