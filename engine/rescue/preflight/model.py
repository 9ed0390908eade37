"""What a check before the start says, and what the checks are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from engine.devices import Device, Identity, discover
from engine.devices.probe import Opened, try_open
from engine.host import HERE, Roots


class Severity(StrEnum):
    """How much a check weighs."""

    OK = "ok"
    NOTE = "note"
    WARN = "warn"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Check:
    """One answer. ``code`` is a stable slug, ``message`` says what was found, ``advice`` what to do (may be empty)."""

    code: str
    severity: Severity
    message: str
    advice: str = ""


def ok(code: str, message: str) -> Check:
    """All is well."""
    return Check(code, Severity.OK, message)


def note(code: str, message: str, advice: str = "") -> Check:
    """Worth knowing."""
    return Check(code, Severity.NOTE, message, advice)


def warn(code: str, message: str, advice: str = "") -> Check:
    """It may go on, but a person should have read this."""
    return Check(code, Severity.WARN, message, advice)


def refuse(code: str, message: str, advice: str = "") -> Check:
    """It must not start like this."""
    return Check(code, Severity.REFUSE, message, advice)


@dataclass(frozen=True)
class Request:
    """A run that somebody wants to start.

    ``source``, ``image`` and ``map`` are absolute paths. ``domain_bytes`` is how much the run may read and write (None:
    all of the source), from ``input_start`` on; it lands at ``output_start`` (None: the same position). ``remaining``
    is what of that is not finished yet, where known. ``known`` is the identity kept with the case. ``will_make`` is a
    folder that is made before the start (a new case): image and map may lie in it although it is not there yet.

    Overrides, each for one refusal: ``allow_in_use`` reads a source that is mounted or claimed, ``allow_same_disk``
    writes to the disk that is read, ``confirmed_target`` is the word typed for a block device as image,
    ``allow_unsure`` takes a drive that is only probably the known one, ``adopt_image`` goes on with an image whose
    map is lost (everything is read again).
    """

    source: str
    image: str
    map: str
    domain_bytes: int | None = None
    input_start: int = 0
    output_start: int | None = None
    remaining: int | None = None
    sparse: bool = False
    known: Identity | None = None
    case_directory: str | None = None
    will_make: str | None = None
    allow_in_use: bool = False
    allow_same_disk: bool = False
    confirmed_target: str | None = None
    allow_unsure: bool = False
    adopt_image: bool = False

    @property
    def shift(self) -> int:
        """How far positions in the image lie behind those in the source."""
        return 0 if self.output_start is None else self.output_start - self.input_start


@dataclass
class Machine:
    """The machine the checks look at, and how they may look; what it costs time to find out is found out once."""

    roots: Roots = HERE
    open_device: Callable[[str], Opened] = try_open
    list_devices: Callable[[], Sequence[Device]] | None = None
    keep: tuple[str, ...] = field(default=())

    @cached_property
    def devices(self) -> Sequence[Device]:
        """All block devices, the case folder's disk marked as the system's."""
        if self.list_devices is not None:
            return self.list_devices()
        return discover(self.roots, everything=True, keep=self.keep)
