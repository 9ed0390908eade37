"""Detection on sets laid out by an independent writer, with real file systems on them. What cannot be told is said."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.errors import CancelledError, UsageError
from engine.progress import Silent
from engine.raid.array import ArraySource
from engine.raid.detect import detect
from engine.raid.layout import Layout
from engine.raid.model import Detection
from engine.raid.overrule import judge_geometry
from engine.raid.saved import from_json
from engine.ranges import RangeSet
from engine.source import BytesSource, HoleSource
from tests.engine.raid.contents import even, volume
from tests.engine.raid.writer import lay
from tests.support import needs_tool

pytestmark = [needs_tool("mkfs.ext4"), needs_tool("mkfs.vfat"), needs_tool("mcopy")]
MIB = 1 << 20
LAYOUTS = ("left-symmetric", "left-asymmetric", "right-symmetric", "right-asymmetric")


class Made:
    """A set of members in some order and what is true of it."""

    def __init__(self, data: bytes, drives: int, strip: int, layout: str, *, seed: int = 1, **more) -> None:
        self.laid = lay(data, drives, strip, layout, **more)
        self.order = list(range(drives))
        random.Random(seed).shuffle(self.order)
        self.members: list[bytes] = [b""] * drives
        for drive, number in enumerate(self.order):
            self.members[number] = self.laid.drives[drive].tobytes()
        self.layout, self.strip, self.offset = layout, strip, more.get("offset", 0)
        self.delay = more.get("delay", 1)

    def detect(self, **options) -> Detection:
        return detect([BytesSource(one) for one in self.members], **options)

    def without(self, number: int) -> list[int | None]:
        """The order when a member is not handed over."""
        del self.members[number]
        return [None if n == number else n - (n > number) for n in self.order]

    def right(self, answer: Detection, order: list[int | None] | None = None) -> bool:
        best = answer.best
        if best is None:
            return False
        found = best.geometry
        return (
            list(found.order) == (self.order if order is None else order)
            and (str(found.layout), found.strip, found.data_offset, found.delay)
            == (self.layout, self.strip, self.offset, self.delay)
        )  # fmt: skip


@pytest.fixture(scope="module")
def text_volume(tmp_path_factory) -> bytes:
    return volume(tmp_path_factory.mktemp("text"), "ext4", 40 * MIB, "mixed")


@pytest.fixture(scope="module")
def fat_volume(tmp_path_factory) -> bytes:
    return volume(tmp_path_factory.mktemp("fat"), "fat", 40 * MIB, "mixed", 2)


CASES = [
    (3, 64, "left-symmetric", 0), (4, 128, "right-asymmetric", 63 * 512), (5, 16, "left-asymmetric", MIB),
    (6, 32, "right-symmetric", 65664 * 512), (4, 4, "left-symmetric", 128 * 512),
]  # fmt: skip


@pytest.mark.parametrize(("drives", "strip", "layout", "offset"), CASES)
def test_a_whole_set(text_volume, drives, strip, layout, offset):
    made = Made(text_volume, drives, strip << 10, layout, offset=offset, seed=drives)
    answer = made.detect()
    assert answer.verdict == "found"
    assert made.right(answer)
    assert answer.best.proven
    assert answer.best.score > 0.95
    with ArraySource([BytesSource(m) for m in made.members], answer.best.geometry, "a") as array:
        assert array.read(0, len(text_volume)).data == text_volume
    assert from_json(answer.to_json()).to_json() == answer.to_json()


def test_a_missing_member(fat_volume):
    made = Made(fat_volume, 4, 64 << 10, "left-symmetric", offset=MIB)
    order = made.without(made.order[1])
    answer = made.detect()
    assert answer.verdict == "found"
    assert made.right(answer, order)


def test_delayed_parity(text_volume):
    made = Made(text_volume, 4, 16 << 10, "left-asymmetric", offset=1088 * 512, delay=4)
    answer = made.detect()
    assert made.right(answer)
    assert answer.best.name == "delayed"
    assert answer.run == 64 << 10


def test_a_stale_member_is_named_and_not_used(text_volume):
    made = Made(text_volume, 4, 64 << 10, "left-symmetric", offset=MIB)
    changed = bytearray(text_volume)
    start = 12 * MIB
    changed[start : start + 6 * MIB] = text_volume[20 * MIB : 26 * MIB]
    new = lay(bytes(changed), 4, 64 << 10, "left-symmetric", offset=MIB)
    stale = made.order[2]
    made.members = [made.members[n] if n == stale else new.drives[made.order.index(n)].tobytes() for n in range(4)]
    answer = made.detect()
    assert [one.number for one in answer.members if one.standing == "stale"] == [stale]
    assert made.right(answer, [None if n == stale else n for n in made.order])


@pytest.mark.parametrize("what", ["foreign", "blank"])
def test_a_member_that_does_not_belong(text_volume, fat_volume, what):
    made = Made(text_volume, 4, 32 << 10, "right-symmetric", offset=MIB)
    size = len(made.members[0])
    other = bytes(size) if what == "blank" else (fat_volume * 2)[8 * MIB :][:size]
    made.members.insert(2, other)
    answer = made.detect()
    assert [(one.number, one.standing) for one in answer.members if one.standing != "member"] == [(2, what)]
    assert made.right(answer, [n + (n >= 2) for n in made.order])


def test_members_with_holes_and_read_more_only_while_unsure(text_volume):
    made = Made(text_volume, 4, 64 << 10, "left-symmetric", offset=MIB)
    holes = [RangeSet([(n * 3 * MIB, n * 3 * MIB + 2 * MIB)]) for n in range(4)]
    sources = [HoleSource(BytesSource(one), gone) for one, gone in zip(made.members, holes, strict=True)]
    answer = detect(sources)
    assert made.right(answer)
    assert answer.unread > 0
    assert answer.read <= 17 * MIB


def test_parity_that_never_moves(text_volume):
    made = Made(text_volume, 4, 64 << 10, "parity-last", offset=0)
    answer = made.detect()
    assert answer.run == 0
    assert answer.sequence == (made.order[3],)
    best = answer.best
    assert best is None or best.score < 0.9 or made.right(answer)


@pytest.mark.parametrize("drives", [3, 5])
def test_contents_that_tell_nothing(drives):
    answer = Made(even(24 * MIB), drives, 64 << 10, "left-symmetric").detect()
    assert answer.verdict == "encrypted"
    assert answer.best is None
    assert answer.sequence is None


def test_no_raid5_where_there_is_none(text_volume, fat_volume):
    strip = 64 << 10
    striped = [
        b"".join(text_volume[k : k + strip] for k in range(n * strip, len(text_volume), 3 * strip)) for n in range(3)
    ]
    size = min(map(len, striped)) // MIB * MIB
    stripes = detect([BytesSource(one[:size]) for one in striped])
    unrelated = detect([BytesSource(one) for one in (text_volume[: 16 * MIB], fat_volume[8 * MIB : 24 * MIB],
                                                     text_volume[20 * MIB : 36 * MIB])])  # fmt: skip
    for answer in (stripes, unrelated):
        assert answer.verdict in ("no-parity", "not-enough-evidence")
        assert answer.best is None or answer.best.score < 0.5
    assert detect([BytesSource(text_volume[: 8 * MIB])] * 2).verdict == "mirror"
    empty = detect([BytesSource(bytes(4 * MIB))] * 3)
    assert empty.verdict == "not-enough-evidence"


def test_raid6_is_recognised_and_refused(text_volume):
    made = lay(text_volume, 5, 64 << 10, "left-asymmetric")
    members = [one.copy() for one in made.drives]
    q = np.zeros_like(members[0])
    strip = 64 << 10
    noise = np.frombuffer(even(strip), np.uint8)
    members.append(q)  # md: Q follows P; here it turns through all six by exchanging it with a drive, row by row
    for row in range(members[0].size // strip):
        part = slice(row * strip, (row + 1) * strip)
        q[part] = members[0][part] // 2 ^ members[1][part] * 3 ^ noise
        other = row % 6
        if other < 5:
            held = members[other][part].copy()
            members[other][part] = q[part]
            q[part] = held
    assert detect([BytesSource(one.tobytes()) for one in members]).verdict == "raid6"


def test_an_assembly_by_hand_is_judged(text_volume):
    made = Made(text_volume, 4, 64 << 10, "left-symmetric", offset=MIB)
    sources = [BytesSource(one) for one in made.members]
    best = detect(sources).best
    right = judge_geometry(sources, best.geometry)
    assert right.score > 0.95
    assert right.proven
    from dataclasses import replace

    for wrong in (
        replace(best.geometry, layout=Layout.RIGHT_SYMMETRIC), replace(best.geometry, strip=128 << 10),
        replace(best.geometry, order=best.geometry.order[1:] + best.geometry.order[:1], layout=Layout.LEFT_ASYMMETRIC),
    ):  # fmt: skip
        assert judge_geometry(sources, wrong).score < 0.5


def test_it_can_be_stopped_and_refuses_nonsense(text_volume):
    class Stop(Silent):
        def cancelled(self) -> bool:
            return True

    made = Made(text_volume, 3, 64 << 10, "left-symmetric")
    with pytest.raises(CancelledError):
        made.detect(reporter=Stop())
    with pytest.raises(UsageError):
        detect([BytesSource(b"x" * 4096)])
    with pytest.raises(UsageError):
        made.detect(bases=[0, 0])


# --- the whole matrix


@pytest.mark.full
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("drives", [3, 4, 5, 8])
def test_every_layout_size_and_order(text_volume, layout, drives):
    """Strips from 512 bytes to 512 KiB, orders shuffled: right, or not confident; never confidently wrong."""
    right = 0
    strips = [512, 4096, 16 << 10, 64 << 10, 256 << 10, 512 << 10]
    for number, strip in enumerate(strips):
        made = Made(text_volume, drives, strip, layout, offset=(0, MIB, 63 * 512)[number % 3], seed=number)
        answer = made.detect()
        if made.right(answer) and answer.best.score >= 0.9:
            right += 1
        else:
            assert answer.best is None or answer.best.score < 0.9, (strip, answer.best)
    assert right >= 4


@pytest.mark.full
def test_disks_that_were_used_before(text_volume, fat_volume):
    """After md's first recovery one member is the XOR of the others in every row that was never written."""
    size = 24 * MIB
    old = [np.frombuffer((fat_volume * 2)[k * 5 * MIB :][:size], np.uint8).copy() for k in range(4)]
    old[3] = np.bitwise_xor.reduce(old[:3])
    laid = lay(text_volume[: 30 * MIB], 4, 64 << 10, "left-symmetric", filler=np.array(old))
    drives = [np.concatenate((drive, old[n][drive.size :])) for n, drive in enumerate(laid.drives)]
    answer = detect([BytesSource(one.tobytes()) for one in drives])
    best = answer.best
    assert best is None or best.score < 0.9 or list(best.geometry.order) == [0, 1, 2, 3]
    assert answer.sequence is None or answer.sequence == (3, 2, 1, 0) or answer.sequence_score < 0.5
