"""What a template says of a field, and what a walk finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from construct import Struct

Value = int | bytes


@dataclass(frozen=True, slots=True)
class Context:
    """What a note may look at besides the value: the fields beside it, and facts from outside the bytes.

    ``values`` are those of the same structure that could be read, by name; in an array those of the element. ``facts``
    come from the caller (such as ``start_lba`` of the partition); a note must cope with their absence. ``data`` is all
    that is walked over.
    """

    values: Mapping[str, Value]
    facts: Mapping[str, Any]
    data: bytes


Meaning = Callable[[Any, Context], str]
Check = Callable[[Any, Context], str | None]
"""None when the value is right, else why not. Takes the value and the context."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a field.

    ``critical``: when it is wrong, what the structure describes cannot be found. ``expected`` says in words what
    belongs there; ``check`` tells whether the value is right.
    """

    meaning: Meaning | str = ""
    critical: bool = False
    expected: str = ""
    check: Check | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A structure with notes on its fields, by name; in arrays ``entries[].type`` stands for every element.

    ``repeated``: the structure follows itself until the bytes end; elements of zeros alone are left out.
    """

    name: str
    title: str
    struct: Struct
    notes: Mapping[str, Note] = field(default_factory=dict)
    repeated: bool = False

    @property
    def size(self) -> int:
        """Bytes of the structure."""
        return int(self.struct.sizeof())


@dataclass(frozen=True, slots=True)
class Shape:
    """A structure whose layout depends on its bytes: ``build`` makes the template for those that are there.

    ``most`` is how many bytes ``build`` may be given. It must cope with anything: counts are bounded by it.
    """

    name: str
    title: str
    most: int
    build: Callable[[bytes], Template]


@dataclass(frozen=True, slots=True)
class Field:
    """One field as found. ``offset`` in bytes where the walk was told that the data lie; ``value`` None when a part of
    it was never read or is cut off; ``problem`` says what is wrong, None when nothing is.

    ``meaning``, ``expected`` and ``problem`` are safe to print.
    """

    name: str
    offset: int
    size: int
    raw: bytes
    value: Value | None
    meaning: str = ""
    critical: bool = False
    expected: str = ""
    problem: str | None = None

    @property
    def field_class(self) -> str:
        """``critical`` or ``standard``."""
        return "critical" if self.critical else "standard"
