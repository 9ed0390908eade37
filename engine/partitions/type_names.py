"""Partition types as people write them: a number, a GUID, or a name."""

from __future__ import annotations

import re
import uuid

from engine.errors import UsageError
from engine.partitions.gpt_types import BASIC_DATA, ESP, GPT_TYPES, LINUX_DATA
from engine.partitions.mbr_types import MBR_TYPES
from engine.text import safe_text

_MBR_SHORT = {
    "ntfs": 0x07, "exfat": 0x07, "fat12": 0x01, "fat16": 0x0E, "fat32": 0x0C, "linux": 0x83, "swap": 0x82, "lvm": 0x8E,
    "raid": 0xFD, "efi": 0xEF, "recovery": 0x27,
}  # fmt: skip
_GPT_SHORT = {
    "ntfs": BASIC_DATA, "exfat": BASIC_DATA, "fat12": BASIC_DATA, "fat16": BASIC_DATA, "fat32": BASIC_DATA,
    "linux": LINUX_DATA, "swap": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "efi": ESP,
    "lvm": "E6D6D379-F507-44C2-A23C-238F2A3DF928", "raid": "A19D880F-05FC-4D3B-A006-743F0F84911E",
    "recovery": "DE94BBA4-06D1-4D40-A16A-BFD50179D6AC", "reserved": "E3C9E316-0B5C-4DB8-817D-F92DF00215AE",
}  # fmt: skip


def names(*, gpt: bool) -> dict[str, str]:
    """Every type by its name: two hex digits, or a GUID in capitals."""
    if gpt:
        return {name: guid for guid, name in GPT_TYPES.items()} | _GPT_SHORT
    return {name: f"{number:02x}" for number, name in MBR_TYPES.items() if number} | {
        name: f"{number:02x}" for name, number in _MBR_SHORT.items()
    }


def find_type(text: str, *, gpt: bool) -> str:
    """Two hex digits (MBR) or a GUID in capitals. ``text`` is one of these, a name, or the beginning of one name only.

    Raises ``UsageError``.
    """
    word = text.strip()
    if gpt:
        try:
            return str(uuid.UUID(word)).upper()
        except ValueError:
            pass
    elif re.fullmatch(r"(0x)?[0-9a-fA-F]{1,2}", word):
        return f"{int(word, 16):02x}"
    known = names(gpt=gpt)
    exact = {value for name, value in known.items() if name.lower() == word.lower()}
    found = exact or {value for name, value in known.items() if word and name.lower().startswith(word.lower())}
    if len(found) == 1:
        return found.pop()
    what = "a GUID" if gpt else "two hex digits, such as 07"
    some = "several types begin like that" if found else "no type is called so"
    raise UsageError(f"{safe_text(word, 60)!r}: {some}", advice=f"write {what}, or a name as parts tree shows it")


def complete_type(text: str, *, gpt: bool) -> list[str]:
    """Names that begin with ``text``."""
    return sorted(name for name in names(gpt=gpt) if name.lower().startswith(text.strip().lower()))
