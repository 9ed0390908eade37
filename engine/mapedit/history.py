"""Steps and their inverses: apply, undo, redo, macros. Memory only, no files."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import UsageError
from engine.mapedit.edits import Edit
from engine.mapedit.patch import Patch
from engine.mapedit.performing import Effect, Performed
from engine.mapfile.model import Mapfile


@dataclass(frozen=True, slots=True)
class Step:
    """One entry of the history: a single edit, or a macro of several that are undone as one. ``time``: since 1970."""

    title: str
    edits: tuple[Edit, ...]
    patches: tuple[Patch, ...]
    effects: tuple[Effect, ...]
    time: float

    @property
    def nbytes(self) -> int:
        """Memory of its inverse, in bytes."""
        return sum(patch.nbytes for patch in self.patches)

    @property
    def words(self) -> tuple[str, ...]:
        """What was said when it was done."""
        return tuple(word for effect in self.effects for word in effect.words)


def step_of(performed: Sequence[Performed], title: str | None = None) -> Step:
    """A step of one or more edits."""
    effects = tuple(each.effect for each in performed)
    return Step(
        title or ", ".join(effect.title for effect in effects), tuple(each.edit for each in performed),
        tuple(each.patch for each in performed), effects, time.time(),
    )  # fmt: skip


class History:
    """The present map and the steps around it. ``at``: how many steps are done."""

    def __init__(self, map_: Mapfile) -> None:
        self.map = map_
        self.steps: list[Step] = []
        self.at = 0
        self._anchors = {0: map_}

    def anchor(self) -> None:
        """Remember the present map itself (its text too): coming back here gives this very object."""
        self._anchors = {index: map_ for index, map_ in self._anchors.items() if index == 0}
        self._anchors[self.at] = self.map

    def push(self, step: Step, after: Mapfile) -> None:
        """A new step that leads to ``after``; undone steps are forgotten."""
        del self.steps[self.at :]
        self._anchors = {index: map_ for index, map_ in self._anchors.items() if index <= self.at}
        self.steps.append(step)
        self.at += 1
        self.map = after

    def undo(self) -> Step:
        """One step back. Raises ``UsageError`` at the beginning."""
        if not self.at:
            raise UsageError("there is nothing to undo", code="nothing-to-do")
        step = self.steps[self.at - 1]
        map_ = self._anchors.get(self.at - 1)
        if map_ is None:
            map_ = self.map
            for patch in reversed(step.patches):
                map_ = patch.backwards(map_)
        self.at -= 1
        self.map = map_
        return step

    def redo(self) -> Step:
        """One step forward again. Raises ``UsageError`` at the end."""
        if self.at >= len(self.steps):
            raise UsageError("there is nothing to redo", code="nothing-to-do")
        step = self.steps[self.at]
        map_ = self._anchors.get(self.at + 1)
        if map_ is None:
            map_ = self.map
            for patch in step.patches:
                map_ = patch.forwards(map_)
        self.at += 1
        self.map = map_
        return step
