"""A disk seen from a volume's start."""

from __future__ import annotations

from dataclasses import dataclass

from engine.errors import Problem
from engine.partitions.peek import Peek
from engine.partitions.volumes.model import Confirmation, Evidence


@dataclass(frozen=True, slots=True)
class View:
    """Reads relative to ``start``. ``size`` is that of the partition it may fill, if that is known; ``copies`` are
    offsets where backups of a superblock were seen; the usual places are tried anyway."""

    peek: Peek
    start: int
    size: int | None = None
    copies: tuple[int, ...] = ()

    def get(self, offset: int, size: int) -> bytes | None:
        """``size`` bytes at ``offset`` of the volume, or None unless all of them exist and were read.

        Not bounded by the partition: its entry may be too short.
        """
        position = self.start + offset
        return None if position < 0 else self.peek.bytes_at(position, size)

    def unread(self, offset: int, size: int) -> bool:
        """Whether these bytes exist, but nobody has read all of them."""
        position = self.start + offset
        return position >= 0 and self.peek.unread(position, size)


class Findings:
    """What is gathered while a volume is examined: evidence, problems, and whether the rest agrees."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._evidence: list[Evidence] = []
        self._problems: list[Problem] = []
        self._unread = False
        self.confirmations = 0
        self.contradictions = 0

    def seen(self, what: str, offset: int) -> None:
        """A good structure at ``offset`` of the volume, which says nothing new."""
        self._evidence.append(Evidence(what, self._view.start + offset))

    def confirm(self, what: str, offset: int, size: int, good: bool | None) -> bool:
        """A second structure of ``size`` bytes at ``offset``: it is there (True), it is not, or (None) it could not be
        read. What lies beyond the end of the disk is not there either."""
        if good:
            self.confirmations += 1
            self.seen(what, offset)
        elif good is None and self._view.unread(offset, size):
            self._unread = True
        else:
            self.contradictions += 1
        return bool(good)

    def problem(self, code: str, message: str, offset: int = 0) -> None:
        """Something that is wrong, at ``offset`` of the volume."""
        self._problems.append(Problem(code, message, self._view.start + offset))

    @property
    def confirmation(self) -> Confirmation:
        """One structure that agrees is enough: the others may be damaged."""
        if self.confirmations:
            return Confirmation.CONFIRMED
        if self.contradictions and not self._unread:
            return Confirmation.CONTRADICTED
        return Confirmation.UNKNOWN

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """In the order of finding."""
        return tuple(self._evidence)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """In the order of finding."""
        return tuple(self._problems)
