"""A picture's own decoder as a witness: warnings count as errors."""

from __future__ import annotations

_MOST = 256 << 20


def decodes(data: bytes) -> bool | None:
    """Whether a JPEG decodes without one warning at an eighth of its size; None when the decoder is not there or the
    picture is too large to try.
    """
    try:
        import simplejpeg
    except ImportError:
        return None
    if len(data) > _MOST:
        return None
    try:
        height, width, *_ = simplejpeg.decode_jpeg_header(data, strict=True)
        if height * width > 500_000_000:
            return None
        simplejpeg.decode_jpeg(data, colorspace="GRAY", min_factor=8, fastdct=True, strict=True)
    except ValueError:
        return False
    return True
