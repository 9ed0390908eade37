"""Text at the borders: nothing from a disk may command a terminal, numbers read and written back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.text import format_duration, format_exact, format_size, parse_range, parse_size, safe_text


@given(st.one_of(st.text(st.characters(codec=None, exclude_categories=())), st.binary()))
def test_no_control_hidden_or_surrogate_character_survives(value):
    shown = safe_text(value)
    for char in shown:
        number = ord(char)
        assert not (number < 0x20 or 0x7F <= number < 0xA0)
        assert not 0xD800 <= number < 0xE000
        assert not (0x200B <= number <= 0x200F or 0x202A <= number <= 0x202E or number == 0xFEFF)
    shown.encode("utf-8")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\x9b2J", "\\x9b2J"),
        ("inv\u202eoice", "inv\\u202eoice"),
        (b"caf\xc3\xa9 \xff", "café \\udcff"),
        ("\udc80", "\\udc80"),
        ("e" + "\u0301" * 20, "e" + "\u0301" * 8),
        ("日本 [b]x[/b]", "日本 [b]x[/b]"),
    ],
)
def test_known_strings(value, shown):
    assert safe_text(value) == shown


def test_length_is_bounded():
    assert len(safe_text("x" * 10_000_000)) < 5000


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        ("0x10", 16),
        ("8s", 4096),
        ("64K", 65536),
        ("1M", 1 << 20),
        ("2GiB", 2 << 30),
        ("1T", 1 << 40),
    ],
)
def test_sizes_are_read(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "-1", "1.5M", "ten", "0x", "1 K B", "9223372036854775808", "８", "1e3"])
def test_no_sizes(text):
    with pytest.raises(UsageError):
        parse_size(text)


def test_ranges_are_read():
    assert parse_range("0x100-0x200") == (256, 512)
    assert parse_range("1M+4K") == (1 << 20, (1 << 20) + 4096)
    for bad in ("5", "5-5", "9-3", "5+0", "a-b"):
        with pytest.raises(UsageError):
            parse_range(bad)


def test_sizes_are_written():
    assert format_size(1023) == "1023 B"
    assert format_size(1024) == "1.0 KiB"
    assert format_size((1 << 30) - 1) == "1.0 GiB"
    assert format_exact(1000204886016) == "931.5 GiB (1000204886016 B)"
    assert format_duration(3 * 86400 + 7200) == "3 d 02 h"


def test_a_loss_is_never_rounded_down_to_none():
    from engine.text import format_loss

    told = [format_loss(value) for value in (None, 0, 0.01, 0.99, 1, 61)]
    assert told == ["-", "0 s", "< 1 s", "< 1 s", "1 s", "1 min 01 s"]
