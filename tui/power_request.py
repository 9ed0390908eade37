"""What there is to know while a person has to cut a drive's power: which drive, what to do, what is seen of it.

Files of the job and what the kernel lists are looked at; the drive itself is never opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.cases import load_case
from engine.devices import Identity
from engine.errors import RescueError
from engine.jobs import Job, JournalTail, load
from engine.rescue.campaign.board import CampaignStatus, Phase
from engine.rescue.campaign.drive import KnownDrive, look_for
from engine.rescue.status import RescueStatus, read_status
from engine.text import format_duration, format_size, safe_text
from tui.rescue_words import Told

_COMING = (Phase.WAITING, Phase.SETTLING, Phase.PROVING)


@dataclass(frozen=True, slots=True)
class RequestNews:
    """One look. ``path`` is where the kernel lists the drive, None where it does not, for the ``reason``; ``noted`` is
    the newest remark of the campaign on what came back (another drive, a wrong size)."""

    job: Job
    status: RescueStatus | None = None
    path: str | None = None
    reason: str = ""
    noted: str = ""

    @property
    def campaign(self) -> CampaignStatus | None:
        """The campaign's part of the status."""
        return self.status.campaign if self.status is not None else None

    @property
    def asking(self) -> bool:
        """A person is waited for."""
        return self.job.live and self.campaign is not None and self.campaign.phase is Phase.NEEDS_POWER

    @property
    def coming(self) -> bool:
        """The drive is waited for, or is being recognised."""
        return self.job.live and self.campaign is not None and self.campaign.phase in _COMING


class RequestFeed:
    """Looks at one job and for its drive. Not for several threads at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._tail = JournalTail(directory)
        self._known: KnownDrive | None = None
        self._noted = ""
        self.identity: Identity | None = None

    def look(self) -> RequestNews:
        """Look once. Raises ``RescueError`` when the job's directory cannot be read."""
        job = load(self._directory)
        status = read_status(self._directory)
        self._get_known(job, status)
        for event in self._tail.read():
            if event.kind == "note" and event.facts.get("code") in ("other-drive", "not-sure"):
                self._noted = safe_text(str(event.facts.get("message", "")), 300)
            elif event.kind == "power":
                self._noted = ""  # what came back before the last cut
        news = RequestNews(job, status, noted=self._noted)
        if self._known is None or not (news.asking or news.coming):
            return news
        sight = look_for(self._known)
        return RequestNews(job, status, sight.path, sight.reason, self._noted)

    def _get_known(self, job: Job, status: RescueStatus | None) -> None:
        source, case = job.arguments.get("source"), job.arguments.get("case")
        if self._known is not None or not isinstance(source, str):
            return
        size = status.size if status is not None else None
        if isinstance(case, str):
            try:
                found = load_case(case)
            except RescueError:
                found = None  # the job's own facts have to do
            if found is not None:
                self.identity = Identity.from_facts(found.identity) if found.identity else None
                size = size or found.source_size
        if size:
            self._known = KnownDrive(source, size, self.identity)


def drive_facts(news: RequestNews, identity: Identity | None) -> list[tuple[str, str]]:
    """What tells this drive from others: label and value."""
    campaign, job = news.campaign, news.job
    size = news.status.size if news.status is not None else None
    of = f", {format_size(size)}" if size else ""
    facts = [("case", job.title or job.directory.parent.parent.name)]
    if identity is not None and (identity.model or identity.serial):
        facts.append(("model", " ".join(filter(None, (identity.vendor, identity.model))) + of))
        facts.append(("serial", identity.serial or identity.wwn or "it tells none"))
    elif campaign is not None:
        facts.append(("drive", campaign.drive if of in campaign.drive else campaign.drive + of))
    node = (campaign.node if campaign is not None else "") or str(job.arguments.get("source", ""))
    port = f"  port {identity.port} {identity.transport}".rstrip() if identity is not None and identity.port else ""
    return [*facts, ("was at", node + port)]


def steps(off_seconds: float) -> tuple[str, str, str]:
    """What to do, step by step."""
    wait = format_duration(off_seconds)
    return (
        "Find that drive and cut ITS power: pull the plug (USB: the cable).",
        f"Wait {wait} with no power." if off_seconds else "Leave it without power for a moment.",
        "Plug it in again. It is recognised by itself; press D if it is not.",
    )


@dataclass(frozen=True, slots=True)
class Sights:
    """What was seen of the drive since it was asked for: ``there`` listed, ``went`` from being listed to not, ``came``
    from not to listed. A drive that was never listed may have its power all the same."""

    first: bool = True
    there: bool = False
    went: bool = False
    came: bool = False

    def after(self, path: str | None) -> Sights:
        """With another look; ``path`` None: not listed."""
        if path is None:
            return Sights(False, False, self.went or self.there, False)
        return Sights(False, True, self.went, self.came or not (self.there or self.first))


def step_now(news: RequestNews, sights: Sights) -> int:
    """Which of the steps is to be done now, from 0; 3 when none is left."""
    if not news.asking or sights.came:
        return 3
    return 1 if sights.went else 0


def seen(news: RequestNews, sights: Sights) -> Told:
    """What is seen of the drive."""
    campaign = news.campaign
    if not news.job.live:
        error = news.job.error
        return Told(safe_text(error.message, 400) if error is not None else "the campaign has ended", "-danger")
    if news.noted:
        return Told(f"NOT THIS ONE: {news.noted}", "-danger")
    if campaign is None:
        return Told("nothing is known yet", "-muted")
    if news.coming:
        return Told(safe_text(campaign.waits_for, 300), "-good")
    if news.path is None:
        wrong = "instead of" in news.reason
        reason = safe_text(news.reason, 300)
        if wrong:
            return Told(f"NOT THIS ONE: {reason}", "-danger")
        return Told(f"GONE: {reason}" if sights.went else f"not listed (it may have its power still): {reason}",
                    "-warning")  # fmt: skip
    if sights.came:
        return Told(f"BACK: listed as {safe_text(news.path, 100)}, not proved yet", "-good")
    return Told(f"STILL THERE: listed as {safe_text(news.path, 100)}; it was not seen to go yet", "-warning")
