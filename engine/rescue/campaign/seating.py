"""Where the drive sits on its bus: noted while it lives, its dead node deleted, the bus looked at again."""

from __future__ import annotations

from engine.rescue.campaign import bus, drive
from engine.rescue.campaign.aside import aside
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.campaign.show import Show
from engine.rescue.session import Session


class SeatKeeper:
    """Does to the bus of a session's drive what the settings allow."""

    def __init__(self, session: Session, memory: Memory, show: Show, settings: CampaignSettings) -> None:
        self._session, self._memory, self._show, self._settings = session, memory, show, settings

    def note(self, path: str) -> None:
        """Note where the drive sits while it can be read, and have the kernel be less patient where that is asked."""
        self._memory.seat = bus.seat_of(path) or self._memory.seat
        self._memory.read_only = self._memory.read_only or bus.is_read_only(path)
        seconds = self._settings.command_timeout_s
        if seconds is not None:
            problem = aside(lambda: bus.set_patience(path, seconds), self._show.again)
            if problem:
                self._session.event("note", message=f"the time limit for commands could not be set: {problem}")

    def note_dead(self, path: str) -> None:
        """It is listed there, and does not answer."""
        token = drive.attachment(path)
        if token:
            self._memory.seat = bus.seat_of(path) or self._memory.seat
            self._memory.dead_attachment = token

    def protect(self, path: str) -> None:
        """Nobody may write to it, if that was so before: the kernel forgets it when a disk returns."""
        if not self._memory.read_only or bus.is_read_only(path):
            return
        problem = aside(lambda: bus.set_read_only(path), self._show.again)
        told = f"{path} could not be made read-only again: {problem}" if problem else f"{path} is read-only again"
        self._session.event("note", code="read-only", message=told)

    def detach(self) -> None:
        """Delete the node of the attachment that died, never of one that came later, nor of a disk that others use."""
        seat, memory = self._memory.seat, self._memory
        if not self._settings.bus or seat is None or not seat.delete or not memory.dead_attachment:
            return
        if self._session.arguments.overrides.get("allow_in_use"):
            return
        if drive.attachment_of(seat.name) != memory.dead_attachment:
            return
        self._show.phase(Phase.CUTTING, f"deleting the node of {seat.name}", until_s=bus.LIMIT_S)
        problem = aside(lambda: bus.detach(seat), self._show.again)
        message = f"the node {seat.name} of the dead drive was deleted" if not problem else f"not deleted: {problem}"
        self._session.event("power", action="delete-node", message=message, node=seat.name, problem=problem or None)

    def rescan(self) -> None:
        """Have the bus looked at, where it can be."""
        seat = self._memory.seat
        if self._settings.bus and seat is not None and seat.scan:
            aside(lambda: bus.rescan(seat), self._show.again)
