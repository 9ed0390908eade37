"""The faults a failing disk can have: what happens when a range of its sectors is read.

Every fault covers `size` bytes from `offset`, both multiples of the disk's sector size. A read reaches the sectors
it covers in ascending order and stops at the first one that fails, as a drive does: what lies behind is not touched.
"""

from __future__ import annotations

import errno as errno_names
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar, Literal

DropMode = Literal["offline", "gone", "removed"]
DROP_MODES: tuple[DropMode, ...] = ("offline", "gone", "removed")


class ProfileError(ValueError):
    """A fault profile that cannot be used, with the reason in words."""


def check_errno(name: str) -> None:
    """Raise ProfileError unless `name` is an errno symbol of this system, such as "EIO"."""
    if not isinstance(getattr(errno_names, name, None), int):
        raise ProfileError(f"not an error name of this system: {name!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Range:
    """The bytes [offset, offset + size) that a fault covers."""

    kind: ClassVar[str]
    offset: int
    size: int

    @property
    def end(self) -> int:
        """First byte behind the fault."""
        return self.offset + self.size

    @property
    def ever_readable(self) -> bool:
        """Whether these sectors can be read by somebody with enough patience and power cycles."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(_Range):
    """Bad for ever: every read that touches it fails with `errno`."""

    kind: ClassVar[str] = "error"
    errno: str = "EIO"

    def __post_init__(self) -> None:
        check_errno(self.errno)

    @property
    def ever_readable(self) -> bool:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(_Range):
    """Good but slow: `seconds` for every read that touches it, and/or `bytes_per_second` for the bytes inside."""

    kind: ClassVar[str] = "slow"
    seconds: float = 0.0
    bytes_per_second: float | None = None

    def __post_init__(self) -> None:
        if self.seconds < 0 or (self.bytes_per_second is not None and self.bytes_per_second <= 0):
            raise ProfileError("a slow range needs seconds >= 0 and a rate above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FailsNTimes(_Range):
    """Each sector fails its first `times` touches with `errno` and is good from then on."""

    kind: ClassVar[str] = "fails_n_times"
    times: int
    errno: str = "EIO"

    def __post_init__(self) -> None:
        check_errno(self.errno)
        if self.times < 1:
            raise ProfileError("fails_n_times needs times of at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(_Range):
    """The read, and every read behind it, blocks until the power is cut, then fails with EIO.

    `times`: how many touches hang before the range turns good (None: each one, for ever).
    `gives_up_after`: seconds until the kernel would give the drive up, which then is offline (None: never).
    """

    kind: ClassVar[str] = "hang"
    times: int | None = None
    gives_up_after: float | None = None

    def __post_init__(self) -> None:
        if self.times is not None and self.times < 1:
            raise ProfileError("hang: times must be at least 1")

    @property
    def ever_readable(self) -> bool:
        return self.times is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop(_Range):
    """Touching it makes the drive fall off the bus until a power cycle.

    `mode` says how the loss looks: "offline": this and every later read fails with EIO, a new open with ENXIO;
    "gone": reads ENODEV, open ENXIO; "removed": the node is no longer there, reads through old descriptors EINVAL.
    `times`: how many touches drop the drive before the range turns good (None: each one, for ever).
    """

    kind: ClassVar[str] = "drop"
    mode: DropMode = "offline"
    times: int | None = None

    def __post_init__(self) -> None:
        if self.mode not in DROP_MODES:
            raise ProfileError(f"drop: mode must be one of {', '.join(DROP_MODES)}")
        if self.times is not None and self.times < 1:
            raise ProfileError("drop: times must be at least 1")

    @property
    def ever_readable(self) -> bool:
        return self.times is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaky(_Range):
    """A read that touches it fails with `probability`, drawn from the profile's seed; what then happens is `outcome`.

    The draw depends on the seed, the fault, the first sector touched and how often that sector was touched before, so
    the same reads in the same order fail in the same way.
    """

    kind: ClassVar[str] = "flaky"
    probability: float = 0.5
    outcome: Literal["error", "hang", "drop"] = "error"
    mode: DropMode = "offline"

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise ProfileError("flaky: probability must lie between 0 and 1")
        if self.outcome not in ("error", "hang", "drop") or self.mode not in DROP_MODES:
            raise ProfileError("flaky: outcome must be error, hang or drop; mode one of " + ", ".join(DROP_MODES))

    @property
    def ever_readable(self) -> bool:
        return self.probability < 1


Fault = Error | Slow | FailsNTimes | Hang | Drop | Flaky
KINDS: dict[str, type[Fault]] = {cls.kind: cls for cls in (Error, Slow, FailsNTimes, Hang, Drop, Flaky)}


def fault_to_json(fault: Fault) -> dict[str, object]:
    """A fault as a JSON object; values at their default are left out."""
    doc: dict[str, object] = {"kind": fault.kind}
    for field in fields(fault):
        value = getattr(fault, field.name)
        if field.default is MISSING or value != field.default:
            doc[field.name] = value
    return doc
