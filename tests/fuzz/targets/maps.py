"""Maps: strict, loose and checked reading, header lines, domain maps, lists of sectors; what ddrescue says while it
runs."""

from __future__ import annotations

import random
from collections.abc import Iterator

from engine.errors import RescueError
from engine.mapfile.check import check_map
from engine.mapfile.loose import parse_loose
from engine.mapfile.nextrun import copying_passes
from engine.mapfile.parse import parse_map
from engine.mapfile.render import render_rows
from engine.mapfile.resume import resume_of
from engine.mapfile.sectors import from_bitmap, from_sectors, parse_numbers
from engine.mapfile.write import render_map
from engine.rescue.campaign.kernel import Names, sign_of
from engine.rescue.capabilities import parse_help
from engine.rescue.screen import ScreenParser
from tests.engine.mapfile.helpers import random_map
from tests.fuzz.target import Target

HEAD = b"# Mapfile. Created by GNU ddrescue version 1.27\n# Command line: ddrescue -f /dev/sdb image map\n"


def _maps() -> Iterator[bytes]:
    rng = random.Random(5)
    yield HEAD + b"# current_pos  current_status  current_pass\n0x00000000     ?               1\n0x0 0x1000 ?\n"
    yield HEAD + b"0x0 +\n0x0 0x200 +\n0x200 0x400 -\n0x600 0x200 /\n0x800 0x200 *\n0xA00 0x7FFFFFFFFFFFF5FF ?\n"
    yield b"010 * 2 -1\r\n0 16 +\r\n16 0x10 ?\r\n"
    yield HEAD.replace(b"/dev/sdb", b"/dev/\x1b[2Jsdb") + b"0x0 +\n0x0 0x7FFFFFFFFFFFFFFF ?\n"
    for _ in range(6):
        yield HEAD + render_map(random_map(rng, blocks=rng.randint(1, 40), unit=512))


def strict(data: bytes) -> object:
    """What is read is written, and read again as the same."""
    read = parse_map(data)
    assert parse_map(render_map(read)).totals() == read.totals()
    resume_of(read)
    return render_rows(read, 20, 4)


def loose(data: bytes) -> object:
    """A damaged map: either way in, and what the check says of it."""
    try:
        parse_loose(data)
    except RescueError as error:
        return error.message, check_map(data)
    return check_map(data)


def sectors(data: bytes) -> object:
    """Lists of sector numbers and bitmaps; arguments of options."""
    for make in (
        lambda: from_sectors(parse_numbers(data)).totals(), lambda: from_bitmap(data).totals(),
        lambda: copying_passes(data[:200].decode("latin-1")),
    ):  # fmt: skip
        try:
            make()
        except RescueError:
            continue
    return None


def _sector_lists() -> Iterator[bytes]:
    yield b"1\n2\n3\n100\n0x200\n"
    yield bytes(range(64))
    yield b"1-3,5"


SCREEN = (
    b"GNU ddrescue 1.27\nPress Ctrl-C to interrupt\n\x1b[A"
    b"     ipos:   21168 kB, non-trimmed:        0 B,  current rate:   21037 kB/s\n"
    b"     opos:   21168 kB, non-scraped:        0 B,  average rate:   21037 kB/s\n"
    b"non-tried:   45940 kB,  bad-sector:        0 B,    error rate:       0 B/s\n"
    b"  rescued:   21168 kB,   bad areas:        0,        run time:          1s\n"
    b"pct rescued:   31.54%, read errors:        0,  remaining time:          2s\n"
    b"                              time since last successful read:         n/a\n"
    b"Copying non-tried blocks... Pass 1 (forwards)\r"
)
KERNEL = (
    b"ata2: hard resetting link\n"
    b"sd 1:0:0:0: [sdb] tag#3 FAILED Result: hostbyte=DID_TIME_OUT driverbyte=DRIVER_OK\n"
    b"blk_update_request: I/O error, dev sdb, sector 4711\nusb 2-1: USB disconnect, device number 4\n"
)


def talk(data: bytes) -> object:
    """ddrescue's screen in pieces, its help, the kernel's log."""
    parser = ScreenParser()
    for at in range(0, len(data), 37):
        parser.feed(data[at : at + 37])
    text = data.decode("utf-8", "replace")
    told = [sign_of(line, Names(("sdb", "ata2", "2-1"))) for line in text.splitlines()[:200]]
    head, _, rest = text.partition("\0")
    try:
        known: object = parse_help(rest, head)
    except RescueError as error:
        known = error.message
    return parser.screen, told, known


def _talks() -> Iterator[bytes]:
    from tests.engine.rescue import help_texts

    yield SCREEN
    yield SCREEN * 3 + b"Finished\n"
    yield KERNEL
    for name, text in vars(help_texts).items():
        if name.isupper() and isinstance(text, str):
            yield b"GNU ddrescue 1.27\n\0" + text.encode()


TARGETS = (
    Target("map", strict, lambda: _maps(), runs=1500, longest=4096),
    Target("map-loose", loose, lambda: _maps(), runs=800, longest=4096),
    Target("sector-list", sectors, lambda: _sector_lists(), runs=800, longest=2048),
    Target("ddrescue-output", talk, lambda: _talks(), runs=500, longest=8192),
)
