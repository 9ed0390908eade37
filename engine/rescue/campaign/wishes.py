"""What a person may ask of a running campaign beside what every rescue takes; the values of such requests, checked.

``skip-area`` leaves ``start`` .. ``end`` alone from now on, ``unskip-area`` takes that back. ``try-area`` makes it the
next pass: backwards with ``reverse``; places known to kill are left out of it unless ``killers``. ``budget`` changes
``max_cycles``, ``end_time`` (seconds since 1970), ``min_bytes_per_cycle`` (None: no limit) and ``hang_limit_s``; what
is not named stays. ``power-cycle`` cuts and restores the power now; ``power-done`` says that a person has done it.
``take-over`` ends the pass and lets go of the map, so that it can be edited; ``hand-back`` goes on with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import UsageError
from engine.ranges import MAX_POSITION
from engine.text import safe_text

ACTIONS = (
    "skip-area", "unskip-area", "try-area", "budget", "power-cycle", "power-done", "take-over", "hand-back",
)  # fmt: skip
_AREAS = ("skip-area", "unskip-area", "try-area")
_LIMITS = {
    "max_cycles": (0, 1 << 31), "end_time": (0, 1 << 40), "min_bytes_per_cycle": (0, MAX_POSITION),
    "hang_limit_s": (1, 1 << 31),
}  # fmt: skip
_FLAGS = {"try-area": ("reverse", "killers")}


def check(action: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a request, checked. Raises ``UsageError``."""
    allowed: tuple[str, ...] = ()
    if action in _AREAS:
        allowed = ("start", "end", *_FLAGS.get(action, ()))
    elif action == "budget":
        allowed = tuple(_LIMITS)
    unknown = set(values) - set(allowed)
    if unknown:
        raise _wrong(action, f"unknown: {safe_text(', '.join(sorted(map(str, unknown))), 80)}")
    if action in _AREAS:
        return _area(action, values)
    if action == "budget":
        return {name: _limit(name, value) for name, value in values.items()}
    return {}


def _area(action: str, values: Mapping[str, Any]) -> dict[str, Any]:
    start, end = values.get("start"), values.get("end")
    whole = all(isinstance(number, int) and not isinstance(number, bool) for number in (start, end))
    if not whole or not 0 <= start < end <= MAX_POSITION:  # type: ignore[operator]
        raise _wrong(action, "it takes start and end in bytes, the end behind the start")
    made: dict[str, Any] = {"start": start, "end": end}
    for name in _FLAGS.get(action, ()):
        if not isinstance(values.get(name, False), bool):
            raise _wrong(action, f"{name} is true or false")
        made[name] = values.get(name, False)
    return made


def _limit(name: str, value: Any) -> Any:
    if value is None and name != "hang_limit_s":
        return None
    low, high = _LIMITS[name]
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value < high:
        raise _wrong("budget", f"{name} is a number from {low} on, or none")
    return float(value) if name in ("end_time", "hang_limit_s") else int(value)


def _wrong(action: str, message: str) -> UsageError:
    return UsageError(f"the request {action} makes no sense: {message}", code="bad-request")
