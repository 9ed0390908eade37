"""What people type and programs pass on: search patterns, places, sizes, bytes, options, commands, names of files."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator

from engine.errors import RescueError
from engine.extract.names import Namer, safe_component, safe_name
from engine.hex.goto import parse_place
from engine.hex.inspector import inspect, surroundings
from engine.hex.patch import typed_bytes
from engine.hex.patterns import Pattern
from engine.hex.search import search
from engine.partitions.gpt import guid_bytes
from engine.rescue.campaign.settings import PowerSwitch, parse_command, parse_first
from engine.rescue.option_table import OPTIONS
from engine.rescue.options import RescueOptions, find_option, parse_value
from engine.source import parse_sector_format
from engine.source.extents import BytesSource
from engine.text import parse_range, parse_size, safe_text
from tests.fuzz.target import Target, harmless

_TEXT = (b"The quick brown fox " * 40 + bytes(range(256)) + "fox".encode("utf-16-le") * 4) * 4


def patterns(data: bytes) -> object:
    """Every kind of pattern, searched for in a little data. An expression may be refused, never run for ever."""
    kind = ("hex", "text", "any-case", "regex")[data[0] & 3 if data else 0]
    pattern = Pattern(kind, data[1:].decode("utf-8", "replace"))  # type: ignore[arg-type]
    assert Pattern.from_json(pattern.to_json()) == pattern
    found: list[tuple[int, int]] = []
    search(BytesSource(_TEXT), pattern, found.extend)
    assert all(0 <= at <= at + size <= len(_TEXT) for at, size in found)
    return None


def _patterns() -> Iterator[bytes]:
    for kind, text in ((0, "de ad ?? e? 0x41"), (1, "fox"), (2, "FOX"), (3, "f[o0]x.{1,20}T"), (3, "(a|b)*c+?"),
                       (3, "(?i)quick\\s+brown"), (3, "\\x00{4,}"), (0, "??66")):  # fmt: skip
        yield bytes([kind]) + text.encode()


def words(data: bytes) -> object:
    """All small parsers of typed text."""
    text = data.decode("utf-8", "surrogateescape")
    told = []
    options = [functools.partial(parse_value, spec, text) for spec in OPTIONS.values()]
    parsers: tuple[Callable[[], object], ...] = (
        lambda: parse_place(text, now=5000, size=1 << 40), lambda: parse_size(text), lambda: parse_range(text),
        lambda: typed_bytes(text), lambda: parse_command(text), lambda: parse_first(text, 1),
        lambda: parse_sector_format(text), lambda: find_option(text),
        lambda: RescueOptions().with_text("retry_passes", text), lambda: guid_bytes(text) if len(text) == 36 else None,
    )  # fmt: skip
    for parse in (*parsers, *options):
        try:
            parse()
        except RescueError as error:
            told.append((error.message, error.advice))
        except ValueError:
            if parse is not parsers[-1]:
                raise
    return told


def _words() -> Iterator[bytes]:
    for text in ("1G", "0x1000", "1F0h", "2048s", "50%", "end", "+1M", "0-100", "1M+64K", "de ad be ef", "'a b'",
                 "uhubctl -l 1-1 'x y'", "file.map:4", "520:512@16", "520@8", "retries", "5", "1,2-4", "forwards",
                 "11111111-2222-3333-4444-555555555555", "1e3", "10s", "\u0661\u0662",
                 "99999999999999999999"):  # fmt: skip
        yield text.encode()


def names(data: bytes) -> object:
    """Names from a disk: inside the target, of this world, each once; what goes to a terminal is plain."""
    text = data.decode("utf-8", "surrogateescape")
    namer = Namer(lambda _name: False)
    for one in text.split("\n")[:20]:
        component, path = safe_component(one), safe_name(one)
        assert component not in ("", ".", "..") and "/" not in component and "\0" not in component
        assert len(component.encode()) <= 255
        assert not path.startswith("/") and not {"", ".", ".."} & set(path.split("/"))
        assert all(harmless(char) for char in path if char != "/")
        first, second = namer.give(path), namer.give(path)
        assert first.casefold() != second.casefold()
        assert harmless(safe_text(one)) and harmless(safe_text(one.encode("utf-8", "surrogateescape")))
    PowerSwitch(cycle=(text.replace("\0", ""),)).shown.encode()
    return PowerSwitch(cycle=(text,)).shown


def _names() -> Iterator[bytes]:
    yield (
        b"../../etc/passwd\n/abs/x\n..\n.\nCON\naux.txt\n-rf\n a. \nx\x1b[2J\n\xe2\x80\xaetxt.exe\n" + b"\xff\xfe" * 30
    )
    yield ("ä" * 300 + "\n" + "e\u0301" * 100 + "\n.hidden\n" + "a/" * 60 + "\nb:c*?<>|").encode()


def bytes_seen(data: bytes) -> object:
    """The data inspector."""
    return inspect(data), surroundings(data[:64], data)


def _bytes_seen() -> Iterator[bytes]:
    yield bytes(range(64))
    yield b"\xff" * 32
    yield bytes.fromhex("80b5a2d1f2c2d201") + bytes(24)


TARGETS = (
    Target("hex-patterns", patterns, lambda: _patterns(), runs=600, longest=200),
    Target("typed-words", words, lambda: _words(), runs=200, longest=200),
    Target("names", names, lambda: _names(), runs=150, longest=2048),
    Target("data-inspector", bytes_seen, lambda: _bytes_seen(), runs=600, longest=512),
)
