"""Searching: every match at whatever place, none over a hole, the same after a stop; patterns of all kinds."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import CancelledError, UsageError
from engine.hex import search as module
from engine.hex.patterns import Pattern
from engine.hex.search import State, search
from engine.progress import Silent
from engine.ranges import RangeSet
from engine.source import HoleSource, Source
from engine.source.base import Buffer, ReadError
from engine.source.extents import BytesSource


def finds(source: Source, pattern: Pattern, start: int = 0) -> list[tuple[int, int]]:
    got: list[tuple[int, int]] = []
    search(source, pattern, got.extend, state=State(start))
    return got


def places(data: bytes, needle: bytes) -> list[int]:
    return [m.start() for m in re.finditer(b"(?=" + re.escape(needle) + b")", data, re.DOTALL)]


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 4096)


def test_matches_over_the_border_of_two_blocks_are_found_once() -> None:
    data = bytearray(random.Random(1).randbytes(40000))
    for at in (0, 4090, 4094, 8192, 12283, 39995):
        data[at : at + 5] = b"HALLO"
    assert [at for at, _ in finds(BytesSource(bytes(data)), Pattern("text", "HALLO"))] == places(data, b"HALLO")
    assert [at for at, _ in finds(BytesSource(bytes(data)), Pattern("regex", "HAL+O"))] == places(data, b"HALLO")


def test_it_begins_at_the_cursor_and_wraps_around() -> None:
    data = bytearray(20000)
    for at in (5, 9000, 15000):
        data[at : at + 2] = b"ab"
    assert [at for at, _ in finds(BytesSource(bytes(data)), Pattern("hex", "61 62"), 8999)] == [9000, 15000, 5]
    assert [at for at, _ in finds(BytesSource(bytes(data)), Pattern("hex", "61 62"), 9001)] == [15000, 5, 9000]


def test_nothing_is_found_over_or_in_what_nobody_has_read() -> None:
    data = b"needle" * 3000
    whole = BytesSource(data)
    holed = HoleSource(whole, RangeSet([(0, 3), (4095, 4097), (9000, 9006)]))
    got: list[tuple[int, int]] = []
    outcome = search(holed, Pattern("text", "needle"), got.extend)
    expected = [at for at in places(data, b"needle")
                if not any(at < end and at + 6 > start for start, end in holed.holes)]  # fmt: skip
    assert [at for at, _ in got] == expected
    assert (outcome.unread, outcome.searched) == (3 + 2 + 6, len(data) - 11)
    assert not finds(HoleSource(BytesSource(bytes(5000)), RangeSet([(0, 5000)])), Pattern("hex", "00"))


class Refusing(BytesSource):
    """A medium that refuses one sector."""

    def read_into(self, offset: int, buffer: Buffer) -> tuple[tuple[int, int], ...]:
        if offset < 100_512 and offset + len(buffer) > 100_000:
            raise ReadError("refused", path="x", offset=100_000)
        return super().read_into(offset, buffer)


def test_what_the_medium_refuses_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK", 1 << 20)
    data = bytearray(300_000)
    for at in (10, 100_100, 250_000):
        data[at : at + 4] = b"mark"
    got: list[tuple[int, int]] = []
    outcome = search(Refusing(bytes(data)), Pattern("text", "mark"), got.extend)
    assert [at for at, _ in got] == [10, 250_000]
    assert outcome.refused == module.PIECE
    assert outcome.searched == len(data) - module.PIECE


def test_zeros_are_passed_over_but_not_what_begins_or_ends_in_them() -> None:
    data = bytearray(60_000)
    for at in (0, 8190, 12_288, 30_000, 59_994):
        data[at : at + 6] = b"needle"
    found = finds(BytesSource(bytes(data)), Pattern("text", "needle"))
    assert [at for at, _ in found] == places(bytes(data), b"needle")
    assert len(finds(BytesSource(bytes(9000)), Pattern("hex", "00 00"))) == 8999
    assert finds(BytesSource(bytes(9000) + b"a"), Pattern("regex", "\\0\\0a")) == [(8998, 3)]


def test_it_goes_on_from_any_state_with_the_same_finds() -> None:
    data = random.Random(2).randbytes(50_000)
    source, pattern = BytesSource(data), Pattern("hex", "4?")
    expected = finds(source, pattern, 20_000)

    class StopAfter(Silent):
        def __init__(self, blocks: int) -> None:
            self.left = blocks

        def cancelled(self) -> bool:
            self.left -= 1
            return self.left < 0

    got: list[tuple[int, int]] = []
    state, rounds = State(20_000), 0
    while True:
        try:
            outcome = search(source, pattern, got.extend, state=state, reporter=StopAfter(rounds % 3 + 1))
            break
        except CancelledError:
            state = State.from_json(state.to_json())
            rounds += 1
    assert rounds > 3
    assert got == expected
    assert outcome.finds == len(expected)


def test_it_ends_when_it_has_found_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FINDS", 100)
    got: list[tuple[int, int]] = []
    outcome = search(BytesSource(bytes(10_000)), Pattern("hex", "00"), got.extend)
    assert outcome.full and outcome.finds == len(got) == 100


def test_text_in_all_encodings_with_and_without_case() -> None:
    forms = ["Müller".encode(code) for code in ("utf-8", "cp1252", "cp437", "utf-16-le", "utf-16-be")]
    data = b"\0".join(forms) + b"\0" + b"\0".join("MÜLLER".encode(code) for code in ("utf-8", "cp1252", "utf-16-le"))
    source = BytesSource(data)
    assert len(finds(source, Pattern("text", "Müller"))) == 5
    assert len(finds(source, Pattern("any-case", "mÜlLeR"))) == 8
    assert len(finds(source, Pattern("text", "Müller", ("cp437",)))) == 1
    assert len(finds(BytesSource(b"aaaa"), Pattern("text", "aaa"))) == 2
    plain = BytesSource(b"..ABC..abc..a\0B\0c\0..\xc1bc\xe1")
    assert finds(plain, Pattern("any-case", "abc")) == [(2, 3), (7, 3), (12, 6)]


def test_lower_case_of_bytes_is_no_match_by_itself() -> None:
    """In UTF-16 the byte 41 may be half of another character: what is found is compared as characters."""
    data = "\u4161".encode("utf-16-le") + "\u6141".encode("utf-16-le")
    assert not finds(BytesSource(data), Pattern("any-case", "\u6161", ("utf-16-le",)))


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [("de ad", b"\xde\xad", [0]), ("DEAD", b"xx\xde\xad", [2]), ("0xde,0xad", b"\xde\xad", [0]),
     ("de ?? ef", b"\xde\n\xef\xde\x00\xef", [0, 3]), ("?a", b"\x1a\xfa\x11", [0, 1]), ("5b ?? 5d", b"[.]", [0]),
     (r"\xde\xad", b"\xde\xad", [0])],
)  # fmt: skip
def test_hex_patterns(text: str, data: bytes, expected: list[int]) -> None:
    assert [at for at, _ in finds(BytesSource(data), Pattern("hex", text))] == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [("hex", ""), ("hex", "abc"), ("hex", "zz"), ("hex", "????"), ("hex", "00" * 5000), ("text", ""),
     ("text", "x" * 5000), ("regex", ""), ("regex", "("), ("regex", "a*"), ("regex", "(a+)+b"), ("regex", "^a"),
     ("regex", "a$"), ("regex", r"\bword"), ("regex", "(?<=x)y"), ("regex", "\u20ac"), ("regex", "a{99999999999}")],
)  # fmt: skip
def test_what_cannot_be_searched_for(kind: str, text: str) -> None:
    with pytest.raises(UsageError):
        Pattern(kind, text)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [r"\$1", r"[$^]x", r"[^a]b", r"\\x", r"x\^"])
def test_what_looks_like_an_anchor_and_is_none(text: str) -> None:
    assert Pattern("regex", text)


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=0, max_size=300), st.binary(min_size=1, max_size=3), st.integers(0, 300),
       st.lists(st.tuples(st.integers(0, 300), st.integers(1, 20)), max_size=4))  # fmt: skip
def test_as_a_plain_search_would(data: bytes, needle: bytes, start: int, holes: list[tuple[int, int]]) -> None:
    before = module.BLOCK
    module.BLOCK = 64
    try:
        laid = RangeSet([(low, low + size) for low, size in holes]).clip(0, len(data))
        got = finds(HoleSource(BytesSource(data), laid), Pattern("hex", needle.hex()), start)
    finally:
        module.BLOCK = before
    expected = [at for at in places(data, needle) if not laid.overlaps(at, at + len(needle))]
    assert sorted(at for at, _ in got) == expected


def test_the_job_keeps_its_finds(tmp_path: Path) -> None:
    from engine import jobs
    from engine.jobs.hex_search import KIND, FindsTail

    image = tmp_path / "disk.img"
    data = bytearray(9 << 20)
    for at in (7, 5 << 20, (9 << 20) - 6):
        data[at : at + 6] = b"needle"
    image.write_bytes(data)
    arguments = {"source": str(image), "map": None, "window": None, "pattern": Pattern("text", "needle").to_json(),
                 "start": 100}  # fmt: skip
    job = jobs.start(KIND, arguments, tmp_path / "jobs", title="search")
    ended = next(one for one in _watched(job.directory) if not one.live)
    assert ended.result is not None and ended.result["finds"] == 3
    known: set[tuple[int, int]] = set()
    tail = FindsTail(job.directory)
    assert tail.more(known) == [(5 << 20, 6), ((9 << 20) - 6, 6), (7, 6)]
    assert tail.more(known) == []


def _watched(directory: Path):  # type: ignore[no-untyped-def]
    import time

    from engine.jobs import load

    for _ in range(600):
        yield load(directory)
        time.sleep(0.05)


class StoppedJob(Silent):
    """A job's context that is asked to stop after some blocks, and keeps what it was told to."""

    def __init__(self, directory: Path, blocks: int, saved: dict[str, object] | None = None) -> None:
        self.directory, self.left, self.saved = directory, blocks, saved

    def cancelled(self) -> bool:
        self.left -= 1
        return self.left < 0

    def checkpoint(self, saved: dict[str, object]) -> bool:
        self.saved = dict(saved)
        return True


def test_a_stopped_job_goes_on_and_has_every_find_once(tmp_path: Path) -> None:
    from engine.jobs.hex_search import FindsTail, run

    data = random.Random(7).randbytes(60_000)
    (tmp_path / "disk.img").write_bytes(data)
    arguments = {"source": str(tmp_path / "disk.img"), "pattern": Pattern("hex", "4?").to_json(), "start": 30_000}
    saved: dict[str, object] | None = None
    for _ in range(3):
        job = StoppedJob(tmp_path, 3, saved)
        with pytest.raises(CancelledError):
            run(arguments, job)  # type: ignore[arg-type]
        saved = job.saved
    result = run(arguments, StoppedJob(tmp_path, 1000, saved))  # type: ignore[arg-type]
    expected = finds(BytesSource(data), Pattern("hex", "4?"))
    assert result["finds"] == len(expected) and result["searched"] == len(data)
    known: set[tuple[int, int]] = set()
    tail = FindsTail(tmp_path)
    while tail.more(known):
        pass
    assert known == set(expected)
    told = [find for line in (tmp_path / "finds.jsonl").read_text().splitlines() for find in json.loads(line)]
    assert len(told) == len(expected), "nothing was told twice"
    (tmp_path / "finds.jsonl").open("a").write("[[1, ")  # a crash cut it
    assert tail.more(known) == []
    with pytest.raises(UsageError):
        run({"source": "relative", "pattern": {}}, job)  # type: ignore[arg-type]
