"""A failing disk for tests: a FUSE file over an image whose sectors fail as a profile says. See README.md."""

from __future__ import annotations

from tests.failing_disk.client import FailingDisk, FailingDiskError
from tests.failing_disk.control import Control, ControlError
from tests.failing_disk.drive import Drive, Read
from tests.failing_disk.faults import Drop, Error, FailsNTimes, Fault, Flaky, Hang, ProfileError, Slow
from tests.failing_disk.loop import LoopDevice, attach_loop
from tests.failing_disk.profiles import Identity, Power, Profile, Return
from tests.failing_disk.truth import Truth, first_difference, make_image, may_kill, periodic, scatter, truth

__all__ = [
    "Control",
    "ControlError",
    "Drive",
    "Drop",
    "Error",
    "FailingDisk",
    "FailingDiskError",
    "FailsNTimes",
    "Fault",
    "Flaky",
    "Hang",
    "Identity",
    "LoopDevice",
    "Power",
    "Profile",
    "ProfileError",
    "Read",
    "Return",
    "Slow",
    "Truth",
    "attach_loop",
    "first_difference",
    "make_image",
    "may_kill",
    "periodic",
    "scatter",
    "truth",
]
