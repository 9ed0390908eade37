"""A picture's own decoder as a witness: warnings count as errors."""

from __future__ import annotations

from typing import Any

_MOST = 256 << 20
_MOST_PIXELS = 500_000_000
# With several scans the decoder keeps every coefficient: two bytes for each sample, whatever size it is asked for.
_MOST_KEPT = 120_000_000
_PIXELS_OF_A_BYTE = 512
"""A block of 64 pixels takes one bit at least: a header that claims more is not the header of so few bytes."""
_SCAN = b"\xff\xda"
_WRONG = object()


def decodes(data: bytes) -> bool | None:
    """Whether a JPEG decodes without one warning at an eighth of its size; None when the decoder is not there or the
    picture is too large to try.
    """
    picture = _eighth(data)
    return None if picture is None else picture is not _WRONG


def roughness(data: bytes) -> float | None:
    """How much a JPEG that decodes without one warning differs from row to row, at an eighth of its size: data that
    belong to another picture, or blocks that are out of place, make an edge. None when it does not decode, or cannot be
    tried.
    """
    picture = _eighth(data)
    if picture is None or picture is _WRONG or picture.shape[0] < 2:
        return None if picture is None or picture is _WRONG else 0.0
    import numpy as np

    rows = picture[:, :, 0].astype(np.int16)
    return float(np.abs(np.diff(rows, axis=0)).mean() + np.abs(np.diff(rows, axis=1)).mean())


def _eighth(data: bytes) -> Any:
    """The grey picture at an eighth of its size, ``_WRONG`` when the decoder warns, None when it cannot be tried."""
    try:
        import simplejpeg
    except ImportError:
        return None
    if len(data) > _MOST:
        return None
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=True)
        most = _MOST_KEPT if data.count(_SCAN) > 1 else _MOST_PIXELS
        if height * width > min(most, _PIXELS_OF_A_BYTE * len(data)):
            return None
        return simplejpeg.decode_jpeg(data, colorspace="GRAY", min_factor=8, fastdct=True, strict=True)
    except ValueError:
        return _WRONG
