"""The bytes behind the inspector: pages of an image under its map, or of a device through a process of its own."""

from __future__ import annotations

from typing import Protocol

from engine.cases.partitions import bytes_of
from engine.cases.subject import Subject
from engine.hex.reading import PAGE, Page, Unread, open_bytes
from engine.partitions.model import Tree


class Pages(Protocol):
    """What the hex view asks for."""

    size: int

    def page(self, number: int) -> Page:
        """A page of ``engine.hex.reading.PAGE`` bytes."""
        ...

    def close(self) -> None:
        """Give the descriptors back."""
        ...


class DevicePages:
    """Of a device: read when they are asked for, what the medium refuses is unread."""

    def __init__(self, subject: Subject, size: int) -> None:
        self._subject, self.size = subject, size

    def page(self, number: int) -> Page:
        """Read in another process."""
        reading = bytes_of(self._subject, number * PAGE, PAGE)
        return Page(reading.offset, reading.data, tuple(Unread(low, high, "-") for low, high in reading.holes))

    def close(self) -> None:
        """Nothing is held."""


def open_pages(subject: Subject, tree: Tree) -> Pages:
    """The bytes of what a tree was read from. Raises ``RescueError``."""
    if subject.is_device:
        return DevicePages(subject, tree.size)
    return open_bytes(Subject(subject.path, subject.map))
