"""How well one piece follows another: each test with its points, and what rules a join out."""

from __future__ import annotations

from engine.dvr.clock.audio import ac3_sound
from engine.dvr.clock.model import AudioEnd, End, Join, Piece, Reason
from engine.dvr.pack import CLOCK_HZ, CLOCK_WRAP

ENOUGH = 4
_CLOSE_S = 0.2
_BACK_TO_BACK = 1200
"""Ticks of 27 MHz by which packs back to back may differ from their distance."""
_WRAP = 1 << 33


def score(first: Piece, second: Piece, lost_packs: int = 0) -> Join | str:
    """The join, or in words why it cannot be.

    ``lost_packs``: unread packs between the two when they stand one after the other on the disk; the clock then tells
    whether that many fit, and the audio whether the grid of frames goes on.
    """
    ticks = (second.scr_first - first.scr_last) % CLOCK_WRAP
    reasons: list[Reason] = []
    wrong = _clock(first, ticks, lost_packs, reasons) or _sequence(first.tail, second.head, reasons)
    wrong = wrong or _audio(first.tail.audio, second.head.audio, lost_packs > 0, reasons)
    if wrong:
        return wrong
    if not lost_packs:
        _picture(first.tail, second.head, reasons)
    if second.head.clean and second.head.time_code == 0:
        reasons.append(Reason("the second begins as a recording does: its pictures count from 0", -4))
    points = sum(reason.points for reason in reasons)
    return Join(first.number, second.number, points, ticks / CLOCK_HZ, tuple(reasons), lost_packs * 2048)


def _clock(first: Piece, ticks: int, lost: int, reasons: list[Reason]) -> str:
    seconds = ticks / CLOCK_HZ
    if lost:
        spacing = first.duration_s / max(1, first.packs - 1)
        expected = (lost + 1) * spacing
        if not expected / 3 - 0.1 <= seconds <= expected * 3 + 1:
            return f"{seconds:.1f} s by the clock where {expected:.1f} s were lost"
        reasons.append(Reason(f"the clock goes on over {lost} unread packs ({seconds:.2f} s)", 3))
        return ""
    if not 0 < ticks <= CLOCK_HZ:
        return "the clock does not go on"
    if ticks < first.pack_ticks - _BACK_TO_BACK:
        return "the clocks are closer than two packs can be"
    if ticks <= first.pack_ticks + _BACK_TO_BACK:
        reasons.append(Reason("clock back to back", 3))
    elif seconds < _CLOSE_S:
        reasons.append(Reason(f"clock {seconds * 1000:.0f} ms later", 1))
    else:
        reasons.append(Reason(f"clock {seconds * 1000:.0f} ms later", 0))
    return ""


def _sequence(tail: End, head: End, reasons: list[Reason]) -> str:
    if tail.sequence is None or head.sequence is None:
        return ""
    if tail.sequence[:2] != head.sequence[:2] or tail.sequence[3] != head.sequence[3]:
        return "another picture size or frame rate"
    if tail.sequence[2] == head.sequence[2]:
        reasons.append(Reason("same picture size, shape and rate", 1))
    return ""


def _audio(tail: AudioEnd | None, head: AudioEnd | None, over_hole: bool, reasons: list[Reason]) -> str:
    if tail is None or head is None:
        return ""
    if (tail.kind, tail.stream) != (head.kind, head.stream) or abs(tail.ticks - head.ticks) > 1:
        return "another kind of audio"
    if not over_hole:
        wrong = _phase(tail, head, reasons)
        if wrong:
            return wrong
    if tail.pts is None or head.pts is None:
        return ""
    apart = (head.pts - tail.pts + _WRAP // 2) % _WRAP - _WRAP // 2
    if over_hole:
        off = apart % tail.ticks
        if apart < 0 or min(off, tail.ticks - off) > 2:
            return "audio time stamps leave their grid"
        reasons.append(Reason("audio time stamps keep their grid", 2, True))
    elif abs(apart) > 2:
        return f"audio time stamps jump by {apart / 90:.1f} ms"
    else:
        reasons.append(Reason("audio time stamps go on", 3, True))
    return ""


def _phase(tail: AudioEnd, head: AudioEnd, reasons: list[Reason]) -> str:
    if tail.open is None or head.open is None or tail.kind == "lpcm":
        return ""
    if tail.open != head.open:
        return f"the audio frame cut at the end lacks {tail.open} bytes, the start brings {head.open}"
    if not tail.open:
        reasons.append(Reason("audio frames end and begin here (by chance, often)", 0))
        return ""
    reasons.append(Reason(f"the {tail.open} bytes that an audio frame lacks", 6, True))
    if tail.kind == "ac3" and tail.sound:
        if not ac3_sound(tail.partial + head.partial):
            return "the audio frame put together has a wrong check sum"
        reasons.append(Reason("the audio frame put together has the right check sum", 6, True))
    return ""


def _picture(tail: End, head: End, reasons: list[Reason]) -> None:
    if tail.slice is None or (head.slice is None and not head.new_picture):
        return
    rows = (tail.sequence or head.sequence or (0, 0, 0, 0))[1] // 16
    if head.slice is not None:
        if tail.slice <= head.slice <= tail.slice + 2:
            reasons.append(Reason(f"the picture goes on (slice {tail.slice}, then {head.slice})", 2, True))
        else:
            reasons.append(Reason(f"the picture does not go on (slice {tail.slice}, then {head.slice})", -4))
    elif rows and tail.slice * 2 > rows:
        reasons.append(Reason("a new picture after the lower part of one", 2))
    else:
        reasons.append(Reason("a new picture after the upper part of one", -4))
