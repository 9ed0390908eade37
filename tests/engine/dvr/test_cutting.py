"""Stretches of a file as extents, against one number for every byte."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.dvr.cutting import Cutter, join
from engine.source.extents import Extent

extents = st.lists(st.builds(Extent, st.none() | st.sampled_from([0, 4, 7, 8, 20]), st.integers(0, 4)), max_size=6)


def places(listed: object) -> list[int | None]:
    """Where each byte of the content stands."""
    return [None if e.start is None else e.start + i for e in listed for i in range(e.size)]  # type: ignore[attr-defined]


@given(extents)
def test_every_stretch_of_a_small_file(listed):
    whole = places(listed)
    cutter = Cutter(listed)
    assert cutter.size == len(whole)
    assert [cutter.place(at) for at in range(len(whole))] == whole
    assert cutter.place(-1) is None
    assert cutter.place(len(whole)) is None
    for start in range(len(whole) + 2):
        for size in range(-1, len(whole) + 2 - start):
            assert places(cutter.cut(start, size)) == whole[start : start + max(0, size)]
    assert cutter.cut(-1, 3) == ()


@given(extents)
def test_joined_extents_hold_the_same_and_cannot_be_joined_further(listed):
    joined = join(listed)
    assert places(joined) == places(listed)
    assert all(extent.size > 0 for extent in joined)
    for one, two in zip(joined, joined[1:], strict=False):
        if one.start is None or two.start is None:
            assert one.start is not two.start
        else:
            assert one.start + one.size != two.start
