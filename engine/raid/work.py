"""What a detection gathers on its way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.progress import Reporter, check

if TYPE_CHECKING:
    from engine.errors import Problem
    from engine.raid.metadata import Super
    from engine.source import Source


@dataclass(slots=True)
class Work:
    """What a detection has gathered so far."""

    sources: Sequence[Source]
    paths: Sequence[str]
    supers: list[tuple[Super, ...]]
    reporter: Reporter
    budget: int
    more_sizes: Sequence[int]
    active: list[int]
    bases: list[int] = field(default_factory=list)
    standing: dict[int, tuple[str, str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    read: int = 0
    probed: int = 0
    message: str = ""

    def step(self) -> None:
        check(self.reporter)
        self.reporter.update(self.read, None, "B", self.message)
