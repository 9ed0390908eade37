"""Writing mapfiles: as ddrescue writes them, byte for byte as read when nothing was changed, atomically."""

from __future__ import annotations

import io
import os

import numpy as np

from engine import __version__
from engine.atomic import write_atomic
from engine.mapfile.model import Codes, Comment, Int64s, Mapfile
from engine.mapfile.status import CHARS

Pathish = str | os.PathLike[str]

STATUS_HEADING = b"# current_pos  current_status  current_pass\n"
BLOCK_HEADING = b"#      pos        size  status\n"
_CREATOR = f"# Mapfile. Created by rescuedeck version {__version__}\n".encode("ascii")

_ROWS = 1 << 14
_PAIRS = np.array([int.from_bytes(f"{byte:02X}".encode("ascii"), "little") for byte in range(256)], "<u2")
_CHARS = np.frombuffer(CHARS.encode("ascii"), np.uint8)
# every line laid out at full width: 0x, 16 digits, two blanks, 0x, 16 digits, two blanks, status, newline
_WIDTH = 42
_POS, _SIZE, _STATUS = 2, 22, 40
_LAYOUT = np.frombuffer(b"0x" + b"0" * 16 + b"  0x" + b"0" * 16 + b"  ?\n", np.uint8)


def render_map(map_: Mapfile) -> bytes:
    """The text of a map: the one it was read from when unchanged, else comments, status line and blocks."""
    if map_.raw is not None:
        return map_.raw
    out = io.BytesIO()
    leading = [comment.text for comment in map_.comments if comment.before < 0]
    out.write(b"".join(text + b"\n" for text in leading) or _CREATOR)
    out.write(STATUS_HEADING)
    out.write(f"0x{map_.position:08X}     {map_.phase}               {map_.current_pass}\n".encode("ascii"))
    out.write(BLOCK_HEADING)
    _write_list(out, map_)
    return out.getvalue()


def _write_list(out: io.BytesIO, map_: Mapfile) -> None:
    inside: list[Comment] = [comment for comment in map_.comments if comment.before >= 0]
    at = 0
    for before, text in inside:
        if before > at:
            _write_blocks(out, map_.bounds[at : before + 1], map_.codes[at:before])
            at = before
        out.write(text + b"\n")
    _write_blocks(out, map_.bounds[at:], map_.codes[at:])


def render_blocks(bounds: Int64s, codes: Codes) -> bytes:
    """Block lines alone, canonical."""
    out = io.BytesIO()
    _write_blocks(out, bounds, codes)
    return out.getvalue()


def _write_blocks(out: io.BytesIO, bounds: Int64s, codes: Codes) -> None:
    for at in range(0, codes.size, _ROWS):
        out.write(_rows(bounds[at : at + _ROWS + 1], codes[at : at + _ROWS]))


def _rows(bounds: Int64s, codes: Codes) -> bytes:
    starts, sizes = bounds[:-1], np.diff(bounds)
    text = np.empty((codes.size, _WIDTH), np.uint8)
    text[:] = _LAYOUT
    text[:, _POS : _POS + 16] = _hex(starts)
    text[:, _SIZE : _SIZE + 16] = _hex(sizes)
    text[:, _STATUS] = _CHARS[codes]
    pos_low, pos_high = _digits(int(starts[0])), _digits(int(starts[-1]))
    size_low, size_high = _digits(int(sizes.min())), _digits(int(sizes.max()))
    if pos_low == pos_high and size_low == size_high:
        first, second = _POS + 16 - pos_low, _SIZE + 16 - size_low
        return np.concatenate(
            (text[:, :_POS], text[:, first : _SIZE], text[:, second:]), axis=1
        ).tobytes()  # fmt: skip
    keep = np.ones((codes.size, _WIDTH), bool)
    for column, values in ((_POS, starts), (_SIZE, sizes)):
        for digit in range(8):  # a leading digit is written when the number reaches it; the last eight always are
            keep[:, column + digit] = values >= np.int64(1 << (4 * (15 - digit)))
    return text[keep].tobytes()


def _hex(values: Int64s) -> Codes:
    """16 hex digits of each value, as characters."""
    octets = values.astype(">i8").view(np.uint8)
    return _PAIRS[octets].view(np.uint8).reshape(values.size, 16)


def _digits(value: int) -> int:
    return max(8, (value.bit_length() + 3) // 4)


def write_map(path: Pathish, map_: Mapfile, *, keep: int = 0, durable: bool = True) -> None:
    """Save a map atomically (old or new, never half), with ``keep`` older generations as ``NAME.1`` ...

    The caller holds the map (``lock.hold_map``) when somebody else might write it. Raises ``OutsideError``.
    """
    write_atomic(path, render_map(map_), keep=keep, durable=durable)
