"""Recordings found by their clock on small streams written here: every byte, every end, every reason known."""

from __future__ import annotations

import functools
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.dvr.clock import reading, scanning
from engine.dvr.clock.audio import ac3_sound
from engine.dvr.clock.ends import head_of, tail_of
from engine.dvr.clock.match import good, propose
from engine.dvr.clock.model import Decisions, Join, Reason
from engine.dvr.clock.recordings import cut_by_hand, made_joins, runs, titles_of
from engine.dvr.clock.scanning import scan
from engine.dvr.pack import PACK_SIZE
from engine.errors import CancelledError, DamagedError
from engine.progress import Silent
from engine.ranges import RangeSet
from engine.source import BytesSource, HoleSource, SwapSource
from engine.source.base import ReadError
from tests.engine.dvr.clock.laid import outcome, solve
from tests.engine.dvr.clock.streams import Laid, Maker, ac3, lay, moved, put_scr, put_stamp, scr_of

HOUR = 3600 * 90_000


@functools.cache
def film(seed: int, seconds: int = 12, clock: int = 0) -> bytes:
    return Maker(seed, clock).stream(seconds, 9 + seed % 5)


def swap(data: bytes) -> bytes:
    out = bytearray(data)
    out[0::2], out[1::2] = data[1::2], data[0::2]
    return bytes(out)


def test_check_sums_of_frames():
    frame = ac3(random.Random(1))
    assert ac3_sound(frame)
    assert not ac3_sound(frame[:400] + bytes([frame[400] ^ 1]) + frame[401:])


@pytest.mark.parametrize("phase", [0, 512, 1024, 1536, 2048 * 7 + 1536])
@pytest.mark.parametrize("swapped", [False, True])
def test_alignment_and_byte_order_are_found_out(phase, swapped):
    disk = bytes(phase) + film(1) + bytes(3000)
    found = scan(BytesSource(swap(disk) if swapped else disk))
    assert found.swapped == swapped
    assert [(piece.start, piece.size) for piece in found.table] == [(phase, len(film(1)))]
    (piece,) = found.table
    assert piece.mux_rate == 25_200
    assert piece.scr_first == 0
    base, extension = scr_of(film(1), len(film(1)) - PACK_SIZE)
    assert piece.scr_last == base * 300 + extension


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=40_000), st.integers(0, 60), st.integers(1, 40))
def test_noise_and_torn_packs_never_hurt(noise, at, count):
    data = bytearray(film(1)[: 80 * PACK_SIZE])
    data[at * PACK_SIZE : at * PACK_SIZE + len(noise)] = noise
    puzzle = solve(bytes(data) + noise)
    assert all(piece.size >= 8 * PACK_SIZE for piece in puzzle.pieces)


def test_where_pieces_begin_and_end():
    one, two = film(1), film(2, clock=5 * HOUR)
    fallen = bytearray(one)
    put_scr(fallen, 100 * PACK_SIZE, 5, 0)
    late = moved(one, 2 * 90_000)
    cut = 100 * PACK_SIZE
    for data, sizes in (
        (one + two, [len(one), len(two)]),
        (one[:cut] + bytes(PACK_SIZE) + one[cut:], [cut, len(one) - cut]),
        (one + late, [len(one), len(late)]),
        (one[: 50 * PACK_SIZE] + one[50 * PACK_SIZE :], [len(one)]),
        (bytes(fallen), [100 * PACK_SIZE, len(one) - 101 * PACK_SIZE]),
        (one[: 7 * PACK_SIZE], []),
    ):  # fmt: skip
        assert [piece.size for piece in scan(BytesSource(data)).table] == sizes


def test_the_clock_may_wrap():
    stream = moved(film(3), (1 << 33) - 5 * 90_000)
    laid = lay([stream], random.Random(3), extents=6)
    found = outcome(laid)
    assert found.made == len(laid.joins) and found.whole == 1


def test_both_ends_of_a_piece():
    data = film(4)
    head = head_of(data[: 60 * PACK_SIZE])
    assert head.sequence == (352, 288, 2, 3)
    assert head.clean and head.time_code == 0 and head.new_picture
    assert head.streams == (0x80, 0xE0)
    assert head.audio is not None and head.audio.sound
    assert (head.audio.kind, head.audio.frame, head.audio.ticks, head.audio.open) == ("ac3", 768, 2880.0, 0)
    assert head.audio.pts == 9000
    for cut in range(90, 110):
        tail = tail_of(data[: cut * PACK_SIZE])
        following = head_of(data[cut * PACK_SIZE : (cut + 60) * PACK_SIZE])
        assert tail.audio is not None and following.audio is not None
        assert tail.audio.open == following.audio.open
        assert tail.audio.pts == following.audio.pts
        if tail.audio.open:
            assert ac3_sound(tail.audio.partial + following.audio.partial)


@pytest.mark.parametrize("case", ["restart", "running", "random", "gapless"])
def test_shuffled_extents_are_put_together(case):
    rng = random.Random(11)
    clocks = {
        "running": [n * (12 * 90_000 + 40_000) for n in range(6)], "random": [rng.randrange(1 << 33) for _ in range(6)],
    }  # fmt: skip
    streams = [moved(film(n), clock) for n, clock in zip(range(6), clocks.get(case, [0] * 6), strict=True)]
    laid = lay(streams, rng, extents=5, gap=case != "gapless")
    found = outcome(laid)
    assert not found.wrong
    assert found.made == len(laid.joins)
    assert found.whole == 6
    assert all(any(reason.decisive for reason in join.reasons) for join in found.puzzle.joins)


def test_titles_say_where_they_stand():
    laid = lay([film(1), film(2)], random.Random(4), extents=3, offset=512)
    titles = titles_of(solve(laid.data))
    assert len(titles) == 2
    for title in titles:
        assert b"".join(laid.data[one.start : one.start + one.size] for one in title.extents) in (film(1), film(2))
        assert title.rung == "clock" and title.aspect == "4:3"
        assert title.duration_s == pytest.approx(12, abs=1)
    assert len({title.id for title in titles}) == 2


def test_another_recording_is_never_joined_by_its_clock_alone():
    for seed in range(6):
        one = Maker(seed, 0).stream(6)
        other = Maker(seed + 100, 6 * 90_000).stream(6)
        puzzle = solve(one + random.Random(1).randbytes(PACK_SIZE) + other)
        assert len(puzzle.pieces) == 2
        assert not puzzle.joins


def test_a_copy_makes_a_tie_not_a_choice():
    data = film(5)
    cut = 100 * PACK_SIZE
    noise = random.Random(1).randbytes(PACK_SIZE)
    puzzle = solve(data[:cut] + noise + data[cut:] + noise + data[cut:])
    assert not puzzle.joins
    (tie,) = puzzle.ties
    assert {(join.first, join.second) for join in tie} == {(1, 2), (1, 3)}
    decided = runs(puzzle, Decisions(joins=((puzzle.piece(1).start, puzzle.piece(3).start),)))
    assert [run.pieces for run in decided] == [(1, 3), (2,)]


def test_cut_where_recordings_meet_with_a_running_clock():
    one, two = Maker(1, 0).stream(8), Maker(2, 8 * 90_000 + 30_000).stream(8)
    assert len(scan(BytesSource(one + two)).table) == 1
    puzzle = solve(one + two)
    assert [(piece.start, piece.size) for piece in puzzle.pieces] == [(0, len(one)), (len(one), len(two))]
    assert puzzle.pieces[1].cut
    assert not puzzle.joins
    assert len(solve(one).pieces) == 1


def test_holes_do_not_end_a_recording():
    data = film(6)
    holes = RangeSet([(70 * PACK_SIZE + 100, 90 * PACK_SIZE)])
    puzzle = solve(HoleSource(BytesSource(data), holes))
    assert [(piece.start // PACK_SIZE, piece.packs) for piece in puzzle.pieces] == [
        (0, 71),
        (90, len(data) // PACK_SIZE - 90),
    ]  # fmt: skip  (the header of pack 70 was read)
    (join,) = puzzle.joins
    assert join.lost == 19 * PACK_SIZE
    other = Maker(7, 20 * 60 * 90_000).stream(6)
    disk = BytesSource(data + bytes(PACK_SIZE * 4) + other)
    puzzle = solve(HoleSource(disk, RangeSet.of(len(data), len(data) + 8192)))
    assert not puzzle.joins


class Bad(BytesSource):
    """Read errors in one place."""

    def read_into(self, offset, buffer):
        if offset <= 100 * PACK_SIZE < offset + len(buffer):
            raise ReadError("cannot read", offset=offset)
        return super().read_into(offset, buffer)


def test_a_read_error_costs_its_stretch_and_is_told():
    data = film(1) * 1
    found = scan(Bad(data))
    low = 100 * PACK_SIZE // 65536 * 65536
    assert list(found.unread) == [(low, low + 65536)]
    assert [(piece.start, piece.end) for piece in found.table] == [(0, low), (low + 65536, len(data))]


@given(st.integers(0, 2**32), st.integers(2, 5))
@settings(max_examples=60, deadline=None)
def test_the_quick_look_at_packs_tells_the_same_as_the_exact_one(seed, step_kib):
    """Clocks that wrap, cross the fixed bits, stand still, jump or go back; other mux rates, noise, audio of all kinds:
    whatever the batches are, pieces and breaks are those that reading every pack exactly gives."""
    data = rough(random.Random(seed))
    source = BytesSource(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanning, "_SETTLE", 64)
        patch.setattr(scanning, "STEP", step_kib << 11)
        patch.setattr(scanning, "BATCH", step_kib << 14)
        found = scan(source)
        patch.setattr(scanning, "STEP", 2 << 20)
        assert scan(source) == found
        patch.setattr(scanning, "ordinary", lambda heads, *_rest: np.zeros(heads.shape[0], np.bool_))
        assert scan(source) == found


def rough(rng: random.Random) -> bytes:
    """Packs as they come, and as they should not."""
    out = []
    clock = rng.choice([0, (1 << 33) * 300 - 10**7, (1 << 30) * 300 - 10**6, (1 << 15) * 300 - 10**5])
    mux, stamp = 25_200, rng.randrange(1 << 33)
    for _ in range(rng.randrange(1, 500)):
        kind = rng.choices(range(8), (60, 3, 2, 2, 2, 2, 2, 1))[0]
        mux = rng.choice([25_200, 20_000, 30_000, 0, 30_001]) if kind == 1 else mux or 25_200
        least = 43_000 * 25_200 // max(mux, 1)
        clock += {
            2: 27_000_000 + rng.choice([0, 1]), 3: least + rng.choice([-1, 0, 1, 299, 600]), 4: -rng.randrange(10**6),
            5: 32768 * 300 + rng.randrange(-2, 3), 6: rng.randrange(1 << 41),
        }.get(kind, rng.randrange(45_000, 300_000))  # fmt: skip
        head = bytearray(b"\0\0\1\xba" + bytes(6) + (mux << 2 | 3).to_bytes(3, "big") + b"\xf8")
        put_scr(head, 0, clock // 300 % (1 << 33), clock % 300)
        body = b"\0\0\1\xe0" + bytes(20)
        if rng.random() < 0.3:
            stamp += rng.choice([2880, 5760, 2160, 150, 7, 10**6])
            longer = rng.choice([5, 5, 5, 8, 20, 60])
            sub = rng.choice([b"\x80\x02", b"\x80\x01", b"\xa0\x03", b"\x20\x00"])
            body = rng.choice([b"\0\0\1\xbd", b"\0\0\1\xc0"]) + b"\x07\xec\x81\x80" + bytes([longer])
            field = bytearray(longer)
            put_stamp(field, 0, 2, stamp % (1 << 33))
            body += bytes(field) + sub
        block = (bytes(head) + body).ljust(PACK_SIZE, b"\xff")
        if kind == 7:
            block = rng.choice([rng.randbytes(PACK_SIZE), b"\1" + block[1:], block[:9] + b"\0" + block[10:]])
        out.append(block)
    return b"".join(out)


def test_a_read_ahead_that_is_slow_hands_over_what_it_has(monkeypatch):
    monkeypatch.setattr(reading, "_PATIENCE_S", -1.0)
    data = film(1)
    ahead = reading.ReadAhead(BytesSource(data), 0, step=64 << 10)
    sizes = [batch.end - batch.start for batch in ahead]
    ahead.close()
    assert len(sizes) == -(-len(data) // (64 << 10))


class Stop(Silent):
    def __init__(self, after: int) -> None:
        self.left = after

    def cancelled(self) -> bool:
        self.left -= 1
        return self.left < 0


@pytest.mark.parametrize("phase", [0, 1536])
@pytest.mark.parametrize("swapped", [False, True])
def test_stopped_anywhere_it_goes_on_to_the_same_end(monkeypatch, phase, swapped):
    monkeypatch.setattr(scanning, "STEP", 64 << 10)
    monkeypatch.setattr(scanning, "BATCH", 64 << 10)
    monkeypatch.setattr(scanning, "_SETTLE", 100)
    one = Maker(1, 0).stream(8) + Maker(2, 8 * 90_000 + 30_000).stream(8)
    data = bytes(phase) + one + bytes(5000) + film(3)
    source = SwapSource(BytesSource(data)) if swapped else BytesSource(data)
    whole = scan(source)
    assert len(whole.table) >= 1 and whole.breaks
    for after in range(0, len(data) // (64 << 10), 5):
        kept: list[bytes] = []
        with pytest.raises(CancelledError):
            scan(source, Stop(after), checkpoint=kept.append)
        assert scan(source, saved=kept[-1]) == whole
    with pytest.raises(DamagedError):
        scan(BytesSource(data[:-1]), saved=kept[-1])
    with pytest.raises(DamagedError):
        scan(source, saved=kept[-1][:100])


def test_by_hand():
    data = film(8)
    source = BytesSource(data)
    puzzle = solve(source)
    middle = 100 * PACK_SIZE
    pieces = cut_by_hand(source, puzzle.pieces, [middle, 5, middle + 1, 1 << 60])
    assert [(piece.start, piece.end, piece.cut) for piece in pieces] == [
        (0, middle, ""), (middle, len(data), "cut by hand"),
    ]  # fmt: skip
    again = propose(pieces)
    assert [(join.first, join.second) for join in again.joins] == [(1, 2)]
    apart = Decisions(apart=((0, middle),))
    assert [run.pieces for run in runs(again, apart)] == [(1,), (2,)]
    assert made_joins(again, apart) == []
    circle = Decisions(joins=((0, middle), (middle, 0), (0, 0)))
    assert [run.pieces for run in runs(again, circle)] == [(1, 2)]


def test_one_clock_for_everything_ends(monkeypatch):
    monkeypatch.setattr("engine.dvr.clock.match._MOST_EACH", 20)
    small = Maker(1, 0).stream(1)[: 20 * PACK_SIZE]
    noise = random.Random(2).randbytes(PACK_SIZE)
    puzzle = solve((small + noise) * 60)
    assert len(puzzle.pieces) == 60
    assert not puzzle.joins
    assert all(isinstance(join, Join) for group in puzzle.ties for join in group)


def test_nothing_at_all():
    assert solve(bytes(100)).pieces == ()
    assert outcome(Laid(b"", ())).puzzle.joins == ()


def test_audio_without_a_grid_costs_no_memory(monkeypatch):
    monkeypatch.setattr(scanning, "_MOST_BREAKS", 5)
    data = bytearray(film(9, 20))
    rng = random.Random(1)
    for at in range(0, len(data), PACK_SIZE):
        if data[at + 14 : at + 18] == b"\0\0\1\xbd":
            put_stamp(data, at + 23, 2, rng.randrange(1 << 33))
    found = scan(BytesSource(bytes(data)))
    assert found.breaks == ()
    assert [piece.size for piece in found.table] == [len(data)]


def test_a_doubted_join_needs_a_check_sum():
    """Recordings that begin at clock 0 share one grid of audio frames: the bytes a frame lacks fit by their clocks, and
    only the picture (or the sum of a frame) tells that it is another recording."""
    grid = (
        Reason("clock back to back", 3), Reason("same picture size, shape and rate", 1),
        Reason("the 396 bytes that an audio frame lacks", 6, True), Reason("audio time stamps go on", 3, True),
    )  # fmt: skip
    torn = Reason("the picture does not go on (slice 10, then 13)", -4)
    sound = Reason("the audio frame put together has the right check sum", 6, True)

    def join(*reasons: Reason) -> Join:
        return Join(1, 2, sum(reason.points for reason in reasons), 0.003, reasons)

    assert good(join(*grid)) and good(join(*grid, Reason("the picture goes on (slice 13, then 14)", 2, True)))
    assert not good(join(*grid, torn))
    assert good(join(*grid, torn, sound))
