"""What the command line decided about the deck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Options:
    """``path`` is what to open, ``map`` the map of the image there; None elsewhere: what the terminal can do."""

    path: str | None = None
    map: str | None = None
    theme: str | None = None
    ascii: bool | None = None
    link: Literal["fast", "slow"] = "fast"
    mouse: bool = True

    @property
    def poll_s(self) -> float:
        """How often live screens look for news, in seconds."""
        return 2.0 if self.link == "slow" else 1.0
