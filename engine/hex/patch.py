"""New bytes for a place, as a write plan: shown, asked for, with an undo file, and never on a device."""

from __future__ import annotations

import re

from engine.edits import Draft, WritePlan
from engine.errors import UsageError
from engine.hex.reading import Bytes
from engine.text import safe_text

_MOST = 64 << 10


def typed_bytes(text: str) -> bytes:
    """What a person typed as new bytes: pairs of hex digits, or a text after ``"`` (UTF-8). Raises ``UsageError``."""
    if text.startswith('"'):
        data = text[1:].removesuffix('"').encode("utf-8", "surrogateescape")
    else:
        digits = re.sub(r"[\s,:]|0[xX]", "", text)
        if len(digits) % 2 or not re.fullmatch(r"[0-9a-fA-F]*", digits):
            raise UsageError(f"{safe_text(text, 60)!r} is not hex", advice='write pairs (de ad be ef), or "text')
        data = bytes.fromhex(digits)
    if not data:
        raise UsageError("there are no new bytes", advice='write pairs (de ad be ef), or "text')
    if len(data) > _MOST:
        raise UsageError(f"more than {_MOST} bytes at once", advice="do it in parts")
    return data


def plan_patch(opened: Bytes, offset: int, new: bytes) -> WritePlan:
    """The writes that put ``new`` at ``offset``. Raises ``UsageError`` behind the end, ``RefusedError`` over holes."""
    if offset < 0 or offset + len(new) > opened.size:
        raise UsageError("the new bytes do not fit before the end", offset=offset)
    draft = Draft(opened.source)
    draft.put(offset, new, f"typed by hand: {len(new)} bytes at {offset}")
    if opened.mapped:
        draft.note("the map is not changed: it says what was read from the drive, not what was typed")
    return draft.plan("hex-edit", f"{len(new)} bytes at {offset} (0x{offset:x})")
