"""Recordings on a drive for a screen: the drive is read in a process of its own, which alone hangs when the drive does.
Images are read where one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cases.aside import aside
from engine.recordings.look import Looked, Place, look, opened

if TYPE_CHECKING:
    from engine.dvr import Finding, Title

LOOK_TIMEOUT_S = 900.0
"""A drive with weak places answers some of the thousands of small readings of a look after seconds each."""


def look_apart(place: Place, *, variant: int = 0, deep: bool = False) -> Looked:
    """``look``, for a screen. Raises as it does; ``OutsideError`` (``timeout``) when the drive does not answer."""
    if place.is_device:
        found: Looked = aside("recordings", place, variant, deep, timeout_s=LOOK_TIMEOUT_S)
        return found
    return look(place, variant=variant, deep=deep, devices=False)


def look_here(place: Place, variant: int, deep: bool) -> Looked:
    """``look_apart`` in this process."""
    return look(place, variant=variant, deep=deep)


def sample_apart(place: Place, finding: Finding, title: Title, at: float) -> bytes:
    """``pictures.sample`` of a title, for a screen."""
    if place.is_device:
        data: bytes = aside("recording-sample", place, finding, title, at)
        return data
    return sample_here(place, finding, title, at, devices=False)


def sample_here(place: Place, finding: Finding, title: Title, at: float, *, devices: bool = True) -> bytes:
    """``sample_apart`` in this process."""
    from engine.dvr import Recordings
    from engine.recordings.pictures import sample

    with opened(place, devices=devices) as source:
        return sample(Recordings(finding), title, source, at)
