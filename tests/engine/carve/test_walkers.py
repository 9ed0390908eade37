"""Each walker finds the very end of a real file, whatever follows it, and never goes wrong on a damaged one."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from engine.carve.outcome import WALKED, Status
from engine.carve.signatures import table
from engine.carve.view import Reader
from engine.carve.walking import walk
from engine.source.extents import BytesSource
from tests.engine.carve.images import Image, at, filling, finds_in
from tests.engine.carve.made_files import MAKERS, database, made

NAMES = sorted(MAKERS)
_NO_OWN_END = {"mp3", "ts"}
"""They end where no frame or packet follows: more of the same is more of the file."""


@pytest.mark.parametrize("after", ["zeros", "random", "text"])
def test_the_end_is_exact_whatever_follows(after: str) -> None:
    image = Image().fill(after, 4096)
    for name in NAMES:
        image.put(name, kind=after).fill(after, 1024, len(image.data))
    image.fill(after, 300_000, 1)
    finds = finds_in(bytes(image.data))
    for start, (name, content) in image.files.items():
        find = at(finds, start)
        assert find is not None, f"{name} was not found"
        assert (find.size, find.status, find.extension) == (len(content), Status.COMPLETE, MAKERS[name][0]), (
            name,
            find,
        )
        assert find.confidence >= WALKED, (name, find)
    assert {find.start for find in finds} == set(image.files), "something was found where nothing is"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in _NO_OWN_END])
def test_two_of_the_same_type_follow_each_other(name: str) -> None:
    image = Image().put(name).put(name)
    finds = finds_in(bytes(image.data))
    assert [(find.start, find.size) for find in finds] == [(start, len(made(name))) for start in image.files]


def test_a_database_of_a_real_program(tmp_path: Path) -> None:
    content = database(tmp_path)
    find = at(finds_in(bytes(Image().put("sqlite", content).fill("random", 9000).data)), 0)
    assert find is not None
    assert (find.kind, find.size, find.status) == ("sqlite", len(content), Status.COMPLETE)


@pytest.mark.parametrize("name", NAMES)
def test_a_truncated_file_is_never_called_whole(name: str) -> None:
    content = made(name)
    for part in range(1, 16):
        cut = len(content) * part // 16
        finds = finds_in(content[:cut])
        find = at(finds, 0)
        if find is None or find.kind in _NO_OWN_END | {"mpeg-ts"}:
            continue
        if content[cut:].strip(b"\0\r\n"):  # what is cut off is more than padding
            whole = find.status is Status.COMPLETE and find.size == cut and find.confidence >= WALKED
            assert not whole or name in ("pdf", "updated pdf"), (part, find)


@pytest.mark.parametrize("name", NAMES)
def test_damage_anywhere_is_borne(name: str) -> None:
    dice = random.Random(name)
    content = made(name)
    for turn in range(40):
        data = bytearray(content)
        where = dice.randrange(min(len(data), 600)) if turn % 2 else dice.randrange(len(data))
        if turn % 4 == 3:
            data[where : where + 512] = bytes(512)
        else:
            data[where] ^= 1 << dice.randrange(8)
        finds_in(bytes(data[: len(content)]) + filling("random", 2048, turn))


CHECKED = ("png", "zip", "stored zip", "streamed zip", "gzip", "bzip2", "xz", "ogg")


@pytest.mark.parametrize("name", CHECKED)
def test_a_flipped_bit_under_a_checksum_is_noticed(name: str) -> None:
    data = bytearray(made(name))
    data[len(data) // 2] ^= 4
    find = at(finds_in(bytes(data) + bytes(4096)), 0)
    assert find is not None
    assert find.status is Status.BROKEN, find
    assert find.at is not None


def test_random_data_holds_no_files() -> None:
    found = finds_in(filling("random", 24 << 20, 77))
    assert [find for find in found if find.confidence >= WALKED] == []
    assert len(found) <= 2, found


def test_nothing_but_heads_is_nothing() -> None:
    from engine.carve.signatures import table

    image = bytearray()
    for signature in table():
        block = bytearray(4096)
        if signature.offset + len(signature.magic) <= 4096:
            block[signature.offset : signature.offset + len(signature.magic)] = signature.magic
        image += block
    assert [find for find in finds_in(bytes(image)) if find.confidence >= WALKED] == []


@pytest.mark.parametrize("fill", [0xFF, 0x00, 0x47, 0x50])
def test_sizes_of_all_ones_and_none(fill: int) -> None:
    from engine.carve.signatures import table

    for signature in table():
        block = bytearray([fill]) * 8192
        if signature.offset + len(signature.magic) <= 8192:
            block[signature.offset : signature.offset + len(signature.magic)] = signature.magic
        finds_in(bytes(block))


@pytest.mark.parametrize("raised", [KeyError("x"), ZeroDivisionError(), IndexError(), OverflowError(), ValueError()])
def test_a_walkers_own_arithmetic_never_ends_a_scan(raised):
    def walker(_view):
        raise raised

    strange = replace(next(one for one in table() if one.kind == "png"), walker=walker, depth=1)
    assert walk(Reader(BytesSource(bytes(600))), 0, strange) is None
