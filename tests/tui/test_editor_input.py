"""What a person types in the map editor."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from tui.editor import input as map_input

MIB = 1 << 20


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0", 0), ("4096", 4096), ("0x1000", 4096), ("8s", 4096), ("1M", MIB), ("0 %", 0), ("50%", 5 * MIB),
        ("12.5%", 10 * MIB // 8), ("100%", 10 * MIB - 1), ("+1M", 3 * MIB), ("-512", 2 * MIB - 512), ("  2048s ", MIB),
    ],
)  # fmt: skip
def test_offsets(text: str, found: int) -> None:
    assert map_input.parse_offset(text, here=2 * MIB, start=0, end=10 * MIB) == found


@pytest.mark.parametrize("text", ["", "x", "10M", "11M", "+8M", "-3M", "101%", "1.5.5%", "0x", "-", "1e3", "٣"])
def test_places_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        map_input.parse_offset(text, here=2 * MIB, start=0, end=10 * MIB)


def test_the_domain_need_not_begin_at_0() -> None:
    assert map_input.parse_offset("50%", here=0, start=4 * MIB, end=8 * MIB) == 6 * MIB
    with pytest.raises(UsageError, match="outside of the map"):
        map_input.parse_offset("1M", here=4 * MIB, start=4 * MIB, end=8 * MIB)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1M-2M", (MIB, 2 * MIB)), ("1M+512", (MIB, MIB + 512)), ("+1M", (2 * MIB, 3 * MIB)),
        ("-1M", (MIB, 2 * MIB)), ("3M-", (3 * MIB, 10 * MIB)), ("-", (0, 10 * MIB)), ("0x100-0x200", (256, 512)),
    ],
)  # fmt: skip
def test_ranges(text: str, found: tuple[int, int]) -> None:
    assert map_input.parse_span(text, here=2 * MIB, start=0, end=10 * MIB) == found


@pytest.mark.parametrize("text", ["", "1M", "2M-1M", "9M-11M", "+9M", "-3M", "1M+0", "M-", "11M-"])
def test_ranges_that_make_no_sense(text: str) -> None:
    with pytest.raises(UsageError):
        map_input.parse_span(text, here=2 * MIB, start=0, end=10 * MIB)


def test_statuses() -> None:
    assert map_input.parse_statuses("-?") == "?-"
    assert map_input.parse_statuses("") == map_input.parse_statuses("all") == "+?*/-"
    assert map_input.parse_statuses("gaps") == "?*/-"
    assert map_input.parse_statuses("failed") == "*/-"
    assert map_input.parse_statuses("Non-tried") == "?"
    assert map_input.parse_statuses("bad") == "-"
    with pytest.raises(UsageError):
        map_input.parse_statuses("x")


def test_types() -> None:
    assert map_input.parse_types("*/- ?") == ("*/-", "?")
    assert map_input.parse_types("*-,??") == ("*-", "??")
    for text in ("", "?", "x ?", "? ? ?", ", ?"):
        with pytest.raises(UsageError):
            map_input.parse_types(text)


def test_status_lines() -> None:
    old = {"position": 1, "phase": "*", "current_pass": 3}
    assert map_input.parse_line("0x03C20000 ? 1", **old) == (0x3C20000, "?", 1)  # type: ignore[arg-type]
    assert map_input.parse_line("1M", **old) == (MIB, "*", 3)  # type: ignore[arg-type]
    assert map_input.parse_line("0 F", **old) == (0, "F", 3)  # type: ignore[arg-type]
    for text in ("", "x", "0 0", "0 ? 0", "0 ? 0x2", "0 ? 1 1", "0 ? -1", "0 ?? 1"):
        with pytest.raises(UsageError):
            map_input.parse_line(text, **old)  # type: ignore[arg-type]


def test_distances_and_units() -> None:
    assert [map_input.parse_distance(text) for text in ("+1M", "1M", "-512")] == [MIB, MIB, -512]
    assert [map_input.parse_unit(text, 4096) for text in ("512", "64K", "8 sectors", "1 sector", "0x1000")] == [
        512, 65536, 32768, 4096, 4096,
    ]  # fmt: skip
    for text in ("0", "3", "1000", "3 sectors", "x"):
        with pytest.raises(UsageError):
            map_input.parse_unit(text, 512)
