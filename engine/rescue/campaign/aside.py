"""A call that may take long, made in a thread of its own, while the caller goes on saying how things stand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

TICK_S = 0.5


def aside(call: Callable[[], T], tick: Callable[[], object]) -> T:
    """What ``call`` returns or raises; ``tick`` is called now and every half second until then.

    The call must end by itself (it has a limit of its own). What ``tick`` raises is raised when the call has ended: a
    power switch must never be left half way.
    """
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name="aside", daemon=True)
    thread.start()
    interrupted: BaseException | None = None
    while thread.is_alive():
        if interrupted is None:
            try:
                tick()
            except BaseException as error:
                interrupted = error
        thread.join(TICK_S)
    if interrupted is not None:
        raise interrupted
    if errors:
        raise errors[0]
    return results[0]
