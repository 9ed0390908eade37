"""Lost FAT entries put back from lengths and order, on tables small enough to be checked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from engine.ole2.refill import Refilled, Want, refill
from engine.ole2.solve_mini import need_of
from engine.ole2.structs import DIFAT_MARK, END, FAT_MARK, FREE
from engine.ole2.table import Table

LOST = None


def filled(words: list[int | None], wants: list[Want], fat=(), difat=(), count=None, judge=None) -> Refilled:
    """None among the words stands for a lost one."""
    known = np.array([0 if word is LOST else word for word in words], np.uint32)
    lost = np.array([word is LOST for word in words])
    return refill(known, lost, fat, difat, wants, len(words) if count is None else count, judge)


def chain(made: Refilled, start: int) -> tuple[list[int], str]:
    found = Table(made.words).walk(start)
    return found.sectors(), found.stop


@pytest.mark.parametrize(
    ("size", "sector", "need"),
    [
        (0, 512, 0),
        (1, 512, 1),
        (64 * 128, 512, 1),
        (64 * 128 + 1, 512, 2),
        (64 * 1024, 4096, 1),
        (64 * 1024 + 1, 4096, 2),
    ],
)
def test_sectors_that_a_mini_fat_needs(size, sector, need):
    assert need_of(size, sector) == need


def test_streams_side_by_side():
    made = filled([LOST] * 12, [Want("a", 0, 4), Want("b", 4, 3), Want("c", 7, 5)])
    assert [chain(made, start) for start in (0, 4, 7)] == [
        ([0, 1, 2, 3], "end"), ([4, 5, 6], "end"), ([7, 8, 9, 10, 11], "end"),
    ]  # fmt: skip
    assert made.put == 12
    assert made.guessed == {
        "a": "4 links rebuilt from order and length", "b": "3 links rebuilt from order and length",
        "c": "5 links rebuilt from order and length",
    }  # fmt: skip


def test_no_sector_is_given_to_two():
    """`b` lies inside of `a`'s way, `z` before both: each goes on at the next sector that nobody has."""
    made = filled([LOST] * 14, [Want("z", 0, 6), Want("a", 4, 3), Want("b", 5, 3)])
    assert [chain(made, start)[0] for start in (5, 4, 0)] == [[5, 6, 7], [4, 8, 9], [0, 1, 2, 3, 10, 11]]
    assert made.words[12:].tolist() == [FREE, FREE]
    assert made.guessed["z"] == "6 links rebuilt from order and length"


def test_tables_keep_their_marks_and_are_stepped_over():
    made = filled([LOST] * 8, [Want("a", 0, 5)], fat=(2, -1, 99), difat=(4, -1))
    assert made.words[[2, 4]].tolist() == [FAT_MARK, DIFAT_MARK]
    assert chain(made, 0) == ([0, 1, 3, 5, 6], "end")
    whole = filled([LOST] * 4, [Want("a", 0, 4)], fat=(-1,))
    assert chain(whole, 0) == ([0, 1, 2, 3], "end"), "a table without a place bars nothing"


def test_what_is_known_stays_and_is_nobody_elses():
    known = [LOST, LOST, FREE, 6, LOST, LOST, END, LOST]
    made = filled(known, [Want("a", 0, 5), Want("b", 3, 2)])
    assert chain(made, 0) == ([0, 1, 4, 5, 7], "end"), "2 is free, 3 and 6 are another stream's"
    assert "b" not in made.guessed
    assert made.words[[2, 3, 6]].tolist() == [FREE, 6, END]


def test_a_piece_that_fits_exactly_is_taken():
    """Six sectors: two that are lost, and of the pieces without a beginning the one of four."""
    known = [LOST, LOST, FREE, 4, END, 6, 7, 8, END, 10, 11, END]
    made = filled(known, [Want("a", 0, 6)])
    assert chain(made, 0) == ([0, 1, 5, 6, 7, 8], "end")
    assert made.guessed["a"] == "2 links rebuilt from order and length, 1 of them not to the next free sector"
    shorter = filled(known, [Want("a", 0, 5)])
    assert chain(shorter, 0) == ([0, 1, 9, 10, 11], "end")
    none = filled(known[:5], [Want("a", 0, 7)])
    assert none.guessed["a"].endswith("sectors of it are not found")


def test_sectors_beyond_the_end_are_not_used():
    made = filled([LOST] * 8, [Want("a", 0, 6)], count=4)
    assert chain(made, 0) == ([0, 1, 2, 3], "end")
    assert made.guessed["a"] == "2 sectors of it are not found"
    assert made.words[4:].tolist() == [FREE] * 4


def test_chains_whose_sectors_are_known_are_laid_first():
    want = Want("directory", 1, 3, (1, 5, 2))
    made = filled([LOST] * 8, [Want("a", 0, 4), want])
    assert chain(made, 1) == ([1, 5, 2], "end")
    assert chain(made, 0) == ([0, 3, 4, 6], "end")
    assert made.guessed["directory"] == "its links are rebuilt from its sectors"
    untouched = filled([LOST, 5, END, LOST, LOST, 2, LOST, LOST], [Want("a", 0, 4), want])
    assert "directory" not in untouched.guessed
    assert chain(untouched, 0) == ([0, 3, 4, 6], "end")


@pytest.mark.parametrize("want", [Want("x", -1, 3), Want("x", 8, 3), Want("x", 0, 0)])
def test_wants_that_cannot_be_are_left_out(want):
    made = filled([LOST] * 8, [want])
    assert (made.words.tolist(), made.guessed) == ([FREE] * 8, {})


def test_the_judge_chooses_between_equal_pieces():
    known = [LOST, FREE, FREE, 4, END, 6, END]
    for liked in (3, 5):
        asked = []

        def judge(number, path, liked=liked, asked=asked):
            asked.append((number, tuple(path)))
            return float(path[-1] == liked)

        made = filled(known, [Want("a", 0, 3)], judge=judge)
        assert chain(made, 0) == ([0, liked, liked + 1], "end")
        assert set(asked) == {(0, (0, 3)), (0, (0, 5))}
    assert chain(filled(known, [Want("a", 0, 3)]), 0)[0] == [0, 3, 4], "without one the nearest"
