"""System Restore logs: structured, swept, damaged, against the published shortcut."""

from __future__ import annotations

import itertools
import random
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.artifacts.restore_log import read_log, read_point, shortcut
from engine.errors import DamagedError
from engine.ranges import RangeSet
from engine.source import HoleSource
from engine.source.extents import BytesSource

MAGIC = 0xABCDEF12


def part(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", 8 + len(body), kind) + body


def wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"


def entry(sequence: int, path: str, *, flags: int = 0, kind: int = 0x8, backup: str = "A0000001.dll") -> bytes:
    """An entry with the parts that its flags announce, in the order in which Windows writes them."""
    parts = part(3, wide(path))
    if flags & 2:
        parts += part(4, wide(path + ".new"))
    if flags & 1:
        parts += part(5, wide(backup))
    if flags & 4:
        parts += part(6, b"\1\0\4\x80" + b"acl" * 11)
    if flags & 8:
        parts += part(8, struct.pack("<IIQ", 4, 8, 130716094942469544) + b"explorer.exe\0")
    if flags & 0x10:
        parts += part(9, wide("SHORT~1.DLL"))
    size = 64 + len(parts) + 4
    head = struct.pack("<IIIIIIq", size, 1, MAGIC, kind, flags, 0x20, sequence) + bytes(32)
    return head + parts + struct.pack("<I", size)


def header(volume: str = "\\Device\\HarddiskVolume1\\System Volume Information\\_restore{X}\\RP0\\change.log") -> bytes:
    body = part(2, wide(volume))
    size = 16 + len(body) + 4
    return struct.pack("<IIII", size, 0, MAGIC, 2) + body + struct.pack("<I", size)


ALL_FLAGS = [sum(bits) for count in range(6) for bits in itertools.combinations((1, 2, 4, 8, 16), count)]


def whole() -> bytes:
    return header() + b"".join(
        entry(number + 1, f"\\WINDOWS\\system32\\datei{number}ä.dll", flags=flags, backup=f"A{number:07d}.dll")
        for number, flags in enumerate(ALL_FLAGS)
    )


def test_every_combination_of_flags() -> None:
    log = read_log(BytesSource(whole()))
    assert len(log.entries) == 32 and not log.problems and log.volumes[0].endswith("change.log")
    for number, (one, flags) in enumerate(zip(log.entries, ALL_FLAGS, strict=True)):
        assert one.sequence == number + 1 and one.path == f"\\WINDOWS\\system32\\datei{number}ä.dll"
        assert bool(one.backup) == bool(flags & 1) and bool(one.new_path) == bool(flags & 2)
        assert bool(one.acl_bytes) == bool(flags & 4) and bool(one.short_name) == bool(flags & 16)
        assert one.time == ("2015-03-23 18:38:14.2469544" if flags & 8 else "")
        assert one.process == ("explorer.exe" if flags & 8 else "") and not one.problems
        assert one.actions == ("stream overwrite",)
    assert log.backups["A0000001.dll"] == "\\WINDOWS\\system32\\datei1ä.dll"
    assert len(log.backups) == 16


def test_the_shortcut_finds_a_part_and_agrees_there() -> None:
    data = whole()
    found = shortcut(data)
    log = read_log(BytesSource(data), sweep=True)
    assert len(found) == sum(flags == 0x15 for flags in ALL_FLAGS) == 1
    assert all(log.backups[backup] == path for backup, path in found)


def test_an_acl_file_and_a_rename() -> None:
    parts = part(3, wide("\\a")) + part(4, wide("\\b")) + part(7, wide("S0000003.Acl"))
    size = 64 + len(parts) + 4
    data = struct.pack("<IIIIIIq", size, 1, MAGIC, 0x40 | 0x40000, 6, 0xFFFFFFFF, 9) + bytes(32) + parts
    one = read_log(BytesSource(header() + data + struct.pack("<I", size))).entries[0]
    assert (one.path, one.new_path, one.acl_file, one.attributes) == ("\\a", "\\b", "S0000003.Acl", None)
    assert one.actions == ("file rename", "is not directory") and not one.problems


def test_sweeping_noise_at_odd_places() -> None:
    noise = random.Random(1)
    data = b""
    for number in range(40):
        data += noise.randbytes(noise.randint(1, 300))
        data += entry(number, f"\\path{number}", flags=ALL_FLAGS[number % 32])
    data += noise.randbytes(50) + whole() + noise.randbytes(77)
    log = read_log(BytesSource(data), sweep=True)
    assert len(log.entries) == 40 + 32 and log.swept and not log.problems


def test_a_damaged_entry_is_left_out_and_the_rest_is_found() -> None:
    one, two, three = (entry(number, f"\\file{number}", flags=0x15) for number in range(3))
    for damaged in (
        two[:-4] + b"\xff\xff\xff\xff", struct.pack("<I", 1 << 31) + two[4:], two[:17] + b"\xff" + two[18:],
        bytes(len(two)), two[:64] + b"\x07" + two[65:],
    ):  # fmt: skip
        log = read_log(BytesSource(header() + one + damaged + three))
        assert [entry.sequence for entry in log.entries] == [0, 2]
        assert log.problems


def test_a_log_that_is_cut_anywhere() -> None:
    data = header() + entry(1, "\\first", flags=0x15) + entry(2, "\\second", flags=0x15)
    end = len(header() + entry(1, "\\first", flags=0x15))
    for cut in range(20, len(data)):
        try:
            log = read_log(BytesSource(data[:cut]))
        except DamagedError:
            assert cut < end
            continue
        complete = [one for one in log.entries if not one.partial]
        assert len(complete) == (cut >= end) + (cut >= len(data))
        for one in log.entries:
            assert one.path in ("", "\\first", "\\second") or one.partial
    partial = read_log(BytesSource(data[: end + 110])).entries[-1]
    assert partial.partial and partial.path == "\\second" and "cut off" in partial.problems


def test_two_logs_after_each_other_and_a_hole() -> None:
    data = whole() + whole()
    assert len(read_log(BytesSource(data)).volumes) == 2
    hole = len(header()) + 10
    log = read_log(HoleSource(BytesSource(data), RangeSet([(hole, hole + 4)])))
    assert len(log.entries) == 63 and log.unread == 4


def test_a_part_that_flags_do_not_announce_is_told() -> None:
    data = bytearray(entry(1, "\\x", flags=0x10))
    data[16:20] = struct.pack("<I", 0x11)
    one = read_log(BytesSource(header() + bytes(data))).entries[0]
    assert one.problems == ("its flags and its parts differ about the backup",)


def test_rp_log() -> None:
    data = struct.pack("<IIq", 0x64, 7, 1) + wide("Systemprüfpunkt").ljust(512, b"\xcc")
    point = read_point(data + bytes.fromhex("A8DD78859865D001"))
    assert (point.event, point.type, point.description) == ("begin", "system checkpoint", "Systemprüfpunkt")
    assert point.created == "2015-03-23 18:38:14.2469544" and not point.problems
    with pytest.raises(DamagedError):
        read_point(data)


def test_what_is_no_log() -> None:
    for data in (b"", bytes(1000), random.Random(2).randbytes(3000)):
        with pytest.raises(DamagedError):
            read_log(BytesSource(data), sweep=True)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=16)), max_size=6), st.booleans())
def test_hostile_logs_end(hits: list[tuple[int, bytes]], sweep: bool) -> None:
    data = bytearray(whole())
    for at, junk in hits:
        data[at : at + len(junk)] = junk
    try:
        log = read_log(BytesSource(bytes(data)), sweep=sweep)
    except DamagedError:
        return
    assert len(log.entries) <= 32
