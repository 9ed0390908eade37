"""Work that may take seconds, off the event loop, in daemon threads: a stuck one never keeps the deck from quitting.

Only for looking at the system and at files of ours. Suspect devices are read in job processes, never here.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from textual.message import Message
from textual.message_pump import MessagePump

from engine.errors import RescueError

Result = TypeVar("Result")


class Finished(Message):
    """Work came to an end; the frame of the screen calls ``deliver``."""

    def __init__(self, deliver: Callable[[], None]) -> None:
        super().__init__()
        self.deliver = deliver


class Failed(Message):
    """Work ended with an error: one a person can act on, or a fault of ours (which then ends the deck properly)."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def start(
    target: MessagePump,
    work: Callable[[], Result],
    then: Callable[[Result], None],
    failed: Callable[[RescueError], None] | None = None,
) -> None:
    """Run ``work`` in a thread; ``then(result)`` or ``failed(error)`` is called later by ``target``, on the event loop.
    """

    def run() -> None:
        try:
            result = work()
        except RescueError as error:
            known = error
            target.post_message(Finished(lambda: failed(known)) if failed is not None else Failed(known))
        except Exception as error:  # noqa: BLE001 - handed to the event loop, where it is raised again
            target.post_message(Failed(error))
        else:
            target.post_message(Finished(lambda: then(result)))

    threading.Thread(target=run, daemon=True, name="deck-background").start()


class Latest(Generic[Result]):
    """Results of the newest of several requests only: an older one that comes in late is dropped."""

    def __init__(self) -> None:
        self._newest = 0

    def start(
        self,
        target: MessagePump,
        work: Callable[[], Result],
        then: Callable[[Result], None],
        failed: Callable[[RescueError], None] | None = None,
    ) -> None:
        """As ``start``, for the newest request."""
        self._newest += 1
        mine = self._newest

        def newest(value: Result) -> None:
            if mine == self._newest:
                then(value)

        start(target, work, newest, failed)
