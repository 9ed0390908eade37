"""RIFF (and RF64): WAV, AVI with its OpenDML continuations, WebP, animated cursors, RMI; IFF: AIFF."""

from __future__ import annotations

from engine.carve.outcome import SIZED, WALKED, Outcome, complete
from engine.carve.view import Broken, NotThis, View

_FORMS = {
    b"WAVE": "wav",
    b"AVI ": "avi",
    b"WEBP": "webp",
    b"ACON": "ani",
    b"RMID": "rmi",
    b"CDXA": "dat",
    b"sfbk": "sf2",
}


def _tile(view: View, position: int, end: int, order: str) -> bool:
    """Whether chunks fill ``[position, end)``; a chunk that does not fit breaks it."""
    while position + 8 <= end:
        view.step()
        name = view.take(position, 4)
        if any(byte < 32 or byte > 126 for byte in name):
            raise Broken(position, "no chunk where one must stand")
        size = int.from_bytes(view.take(position + 4, 4), order)  # type: ignore[arg-type]
        position += 8 + size
        if position > end:
            raise Broken(position - 8 - size, f"chunk {name.decode('latin-1')!r} is larger than the file")
        view.mark(position)
        position += position & 1
    return position in (end, end + 1)


def riff(view: View) -> Outcome:
    """RIFF by its form."""
    form = view.take(8, 4)
    extension = _FORMS.get(form)
    if extension is None:
        raise NotThis
    size = view.u32(4)
    if size < 4:
        raise NotThis
    end = 8 + size
    if view.take(0, 4) == b"RF64":
        if view.take(12, 4) != b"ds64":
            raise NotThis
        end = 8 + view.u64(20)
        view.mark(12)
        return complete(view.need(end), SIZED, "64-bit size field", extension="wav")
    known = view.take(12, 4)
    if any(byte < 32 or byte > 126 for byte in known):
        raise NotThis
    whole = _tile(view, 12, min(end, view.size) if end <= view.size else end, "little")
    view.need(end)
    while extension == "avi" and view.peek(end, 4) == b"RIFF" and view.peek(end + 8, 4) == b"AVIX":
        view.step()
        end = view.need(end + 8 + view.u32(end + 4))
        view.mark(end)
    if size & 1 and extension != "avi" and view.peek(end, 1) == b"\0" and not (view.start + end + 1) % 512:
        end += 1
    return complete(end, WALKED if whole else SIZED, "chunks fill the size in the header", extension=extension)


def aiff(view: View) -> Outcome:
    """AIFF, AIFC and other IFF forms of sound and pictures."""
    form = view.take(8, 4)
    extension = {b"AIFF": "aif", b"AIFC": "aif", b"ILBM": "iff", b"8SVX": "iff"}.get(form)
    if extension is None:
        raise NotThis
    end = 8 + view.b32(4)
    _tile(view, 12, end, "big")
    return complete(view.need(end + (end & 1)), WALKED, "chunks fill the size in the header", extension=extension)
