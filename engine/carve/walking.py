"""Running a walker over a candidate: whatever it meets becomes an outcome, never an exception."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.carve.outcome import FOOTER, HEAD, Outcome, Status
from engine.carve.view import Broken, Ended, NotThis, Reader, Unread, View

if TYPE_CHECKING:
    from engine.carve.signatures import Signature

Walker = Callable[[View], Outcome]
"""``walk(view)``: returns an ``Outcome`` or raises ``NotThis``, ``Broken``, ``Ended`` or ``Unread``."""


def walk(reader: Reader, start: int, signature: Signature, limit: int | None = None) -> Outcome | None:
    """What begins at ``start`` (bytes), or None when it is nothing of that type.

    A weak signature (fewer than 32 significant bits) needs ``signature.depth`` right parts before a damaged file is
    believed; a strong one needs one.
    """
    view = View(reader, start, limit)
    depth = max(1, signature.depth)
    try:
        found = signature.walker(view)
    except NotThis:
        return None
    except Ended as error:
        if view.depth < depth:
            return None
        return Outcome(view.size, Status.MORE, FOOTER, error.why or "the area ends before the file does", view.size)
    except Unread as error:
        if view.depth < depth and (signature.weak or error.position < signature.head):
            return None
        return Outcome(max(view.good, error.position), Status.UNREAD, HEAD if view.depth < depth else FOOTER,
                       error.why or "nobody has read what tells where it goes on", error.position)  # fmt: skip
    except Broken as error:
        if view.depth < depth:
            return None
        end = max(view.good, min(error.position, view.size), 1)
        why = error.why or "the structure breaks off"
        return Outcome(end, Status.BROKEN, FOOTER, why, error.position, good=view.good)
    except (struct.error, zlib.error, ValueError, LookupError, ArithmeticError) as error:
        # A walker's own arithmetic on hostile values: the same as a structure that breaks off.
        if view.depth < depth:
            return None
        return Outcome(max(view.good, 1), Status.BROKEN, FOOTER, f"the structure breaks off ({error})", view.good)
    if found.end <= 0 or (found.status is Status.COMPLETE and found.end > view.size):
        return None
    if signature.least and found.status is Status.COMPLETE and found.end < signature.least:
        return None
    return found
