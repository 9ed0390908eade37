"""Whether a campaign anywhere waits for a person: looked for with the jobs, told to the deck, shown by a page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.message import Message

from engine.jobs import Job
from engine.rescue.campaign.board import Phase
from engine.rescue.status import read_status

Asking = tuple[tuple[Path, float], ...]
"""Job directories with the time since when they wait."""


class PowerAsked(Message):
    """The campaigns that wait for a person now."""

    def __init__(self, asking: Asking) -> None:
        super().__init__()
        self.asking = asking

    def can_replace(self, message: Message) -> bool:
        """A newer look takes the place of one that waits."""
        return isinstance(message, PowerAsked)


def who_asks(jobs: Iterable[Job]) -> Asking:
    """Those of ``jobs`` that wait for a power cycle by hand."""
    found = []
    for job in jobs:
        if not job.live or job.kind != "rescue" or job.arguments.get("strategy") != "drop-off":
            continue
        status = read_status(job.directory)
        campaign = status.campaign if status is not None else None
        if campaign is not None and campaign.phase is Phase.NEEDS_POWER:
            found.append((job.directory, campaign.since))
    return tuple(found)
