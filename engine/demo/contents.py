"""What lies on the demonstration disk: pictures, letters and tables, the same bytes each time."""

from __future__ import annotations

import random
import struct
import zlib
from datetime import datetime, timedelta

from engine.demo.fat import DemoFile

_WORDS = [
    "drive",
    "sector",
    "map",
    "pass",
    "image",
    "copy",
    "read",
    "retry",
    "trim",
    "scrape",
    "cluster",
    "power",
    "cable",
    "head",
    "platter",
    "spindle",
    "letter",
    "invoice",
    "holiday",
    "garden",
    "concert",
    "recipe",
    "budget",
    "meeting",
    "harbour",
    "winter",
    "summer",
    "photograph",
    "archive",
    "evening",
]  # noqa: SIM905


def picture(seed: int, width: int = 320, height: int = 200) -> bytes:
    """A PNG of a coloured gradient with grain: it compresses badly, as photographs do."""
    import numpy as np

    grain = np.random.Generator(np.random.PCG64(seed)).integers(0, 48, (height, width, 3), dtype=np.uint16)
    x = np.linspace(0, 200, width, dtype=np.uint16)[None, :]
    y = np.linspace(0, 200, height, dtype=np.uint16)[:, None]
    tint = (seed * 37 % 180, seed * 59 % 180, seed * 83 % 180)
    pixels = grain.copy()
    for channel in range(3):
        pixels[:, :, channel] += (x * (channel + 1) // 3 + y * (3 - channel) // 4 + tint[channel]) % 208
    rows = np.concatenate((np.zeros((height, 1), np.uint8), pixels.astype(np.uint8).reshape(height, -1)), axis=1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows.tobytes(), 1))
        + chunk(b"IEND", b"")
    )


def letter(seed: int, words: int) -> bytes:
    """A text of so many words, in lines."""
    pick = random.Random(seed)
    lines = [f"Letter {seed}", ""]
    line: list[str] = []
    for _ in range(words):
        line.append(pick.choice(_WORDS))
        if len(line) == 12:
            lines.append(" ".join(line))
            line = []
    return ("\r\n".join([*lines, " ".join(line), ""])).encode("ascii")


def photographs(count: int) -> list[DemoFile]:
    """Pictures in two folders, one of them deleted."""
    start = datetime(2024, 7, 1, 9, 30)  # noqa: DTZ001
    found = []
    for number in range(count):
        folder = "DCIM/100TRIP" if number < count * 2 // 3 else "DCIM/101HOME"
        when = start + timedelta(minutes=47 * number)
        found.append(DemoFile(f"{folder}/IMG_{number:04d}.PNG", picture(number), when, deleted=number == 5))
    return found


def letters() -> list[DemoFile]:
    """Letters, a table and long names with accents."""
    when = datetime(2023, 11, 12, 18, 4)  # noqa: DTZ001
    found = [
        DemoFile(f"Letters/{2020 + number % 4}/Letter to the harbour office {number}.txt", letter(number, 4000), when)
        for number in range(24)
    ]
    rows = "\r\n".join(f"{n};2024-{n % 12 + 1:02d}-03;{n * 137 % 9973 / 100:.2f}" for n in range(20_000))
    found.append(DemoFile("Accounts/Household budget.csv", ("id;date;amount\r\n" + rows).encode("ascii"), when))
    found.append(DemoFile("Über uns/Résumé – Zoë.txt", letter(99, 800), when))
    found.append(DemoFile("README.TXT", b"This disk was made by rescuedeck to be rescued.\r\n", when))
    return found
