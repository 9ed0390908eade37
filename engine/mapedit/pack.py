"""Ranges and block runs as JSON values: short ones to be read by people, long ones packed; both checked when read."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

import numpy as np

from engine.errors import DamagedError
from engine.mapfile.model import Codes, Int64s, Runs
from engine.mapfile.status import CHARS
from engine.ranges import MAX_POSITION, RangeSet

_PLAIN = 16
_MAX_BYTES = 1 << 28


def _wrong(what: str) -> DamagedError:
    return DamagedError(f"this is no edit: {what}", code="bad-edit")


def _squeeze(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data, 1)).decode("ascii")


def _expand(text: Any) -> bytes:
    if not isinstance(text, str):
        raise _wrong("packed numbers are a text")
    try:
        unpacker = zlib.decompressobj()
        data = unpacker.decompress(base64.b64decode(text, validate=True), _MAX_BYTES)
    except (ValueError, zlib.error, binascii.Error) as error:
        raise _wrong("packed numbers are broken") from error
    if not unpacker.eof:
        raise _wrong("packed numbers are cut, or far too many")
    return data


def _pack_numbers(numbers: Int64s) -> str:
    return _squeeze(np.diff(numbers, prepend=np.int64(0)).astype("<i8").tobytes())


def _unpack_numbers(text: Any) -> Int64s:
    data = _expand(text)
    if len(data) % 8:
        raise _wrong("packed numbers are cut")
    steps = np.frombuffer(data, "<i8").astype(np.int64)
    return np.cumsum(steps, dtype=np.int64)


def _rising(numbers: Int64s) -> bool:
    return not numbers.size or (int(numbers[0]) >= 0 and bool((numbers[1:] > numbers[:-1]).all()))


def pack_ranges(ranges: RangeSet) -> Any:
    """A list of [start, end] pairs, or packed text for many."""
    if len(ranges) <= _PLAIN:
        return [[start, end] for start, end in ranges]
    return _pack_numbers(np.stack((ranges.starts, ranges.ends), axis=1).reshape(-1))


def unpack_ranges(value: Any) -> RangeSet:
    """The ranges again. Raises ``DamagedError`` (``bad-edit``)."""
    if isinstance(value, list):
        if len(value) > _PLAIN or not all(_is_pair(pair) for pair in value):
            raise _wrong("ranges are pairs of positions")
        return RangeSet([(start, end) for start, end in value])
    numbers = _unpack_numbers(value)
    if numbers.size % 2 or not _rising(numbers):
        raise _wrong("ranges are not in order")
    return RangeSet.from_arrays(numbers[0::2], numbers[1::2])


def _is_pair(pair: Any) -> bool:
    if not isinstance(pair, list) or len(pair) != 2 or not all(is_position(number) for number in pair):
        return False
    return bool(pair[0] < pair[1])


def is_position(number: Any) -> bool:
    """Whether a JSON value is a position in bytes."""
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= MAX_POSITION


def pack_runs(runs: Runs) -> dict[str, Any]:
    """A piece of a block list."""
    if len(runs) <= _PLAIN:
        return {"bounds": runs.bounds.tolist(), "statuses": "".join(CHARS[code] for code in runs.codes.tolist())}
    return {"bounds": _pack_numbers(runs.bounds), "statuses": _squeeze(runs.codes.tobytes()), "packed": True}


def unpack_runs(value: Any) -> Runs:
    """The piece again. Raises ``DamagedError`` (``bad-edit``)."""
    if not isinstance(value, dict):
        raise _wrong("a piece of a map has bounds and statuses")
    bounds: Int64s
    codes: Codes
    if value.get("packed") is True:
        bounds = _unpack_numbers(value.get("bounds"))
        codes = np.frombuffer(_expand(value.get("statuses")), np.uint8).copy()
    else:
        listed, chars = value.get("bounds"), value.get("statuses")
        if not isinstance(listed, list) or not isinstance(chars, str) or len(chars) > _PLAIN:
            raise _wrong("a piece of a map has bounds and statuses")
        if not all(is_position(number) for number in listed) or not set(chars) <= set(CHARS):
            raise _wrong("a piece of a map has bounds and statuses")
        bounds = np.array(listed, np.int64)
        codes = np.array([CHARS.index(char) for char in chars], np.uint8)
    if bounds.size != codes.size + 1 or not _rising(bounds) or (codes.size and int(codes.max()) >= len(CHARS)):
        raise _wrong("the piece of a map is not contiguous")
    return Runs(bounds, codes)
