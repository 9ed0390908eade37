"""Volumes with real file systems and files of many kinds, made on the spot from a seed."""

from __future__ import annotations

import gzip
import random
import subprocess
from pathlib import Path

from tests.support import find_tool

_WORDS = """
the of and to in is that for it as was with be by on not he this are or his from at which but have
an had they you were their one all we can her has there been if more when will would who so no
""".split()  # noqa: SIM905


def text(rng: random.Random, size: int) -> bytes:
    """Prose with names that come back within a file: what follows a piece resembles it."""
    names = ["".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(4, 11))) for _ in range(40)]
    words = rng.choices(_WORDS + names * 2, k=size // 5)
    return (" ".join(words) + "\n").encode()[:size]


def table(rng: random.Random, size: int) -> bytes:
    """Lines of figures."""
    head = "".join(rng.choices("abcdefgh", k=8))
    lines = [f"{head};{1000 + n};{rng.random():.4f};{rng.choice(_WORDS)};{n * 7}\n" for n in range(size // 30)]
    return "".join(lines).encode()[:size]


def packed(rng: random.Random, size: int) -> bytes:
    """An archive."""
    return gzip.compress(text(rng, size * 2), 6, mtime=0)[:size]


def program(rng: random.Random, size: int) -> bytes:
    """Machine words that are uneven, with strings between."""
    out = bytearray(b"\x7fELF\x02\x01\x01" + bytes(9))
    while len(out) < size:
        out += bytes(rng.choices((0, 0, 0, 0x48, 0x89, 0x8B, 0xE8, 0xC3, 0x0F, 0xFF, rng.randrange(256)), k=2048))
        out += text(rng, 512)
    return bytes(out[:size])


KINDS = {"text": (text, table), "mixed": (text, table, packed, program), "archives": (packed,)}


def fill(folder: Path, size: int, mix: str, seed: int) -> None:
    """Files of about ``size`` bytes in all."""
    rng = random.Random(seed)
    done = number = 0
    while done < size:
        make = rng.choice(KINDS[mix])
        data = make(rng, rng.choice((3000, 20_000, 90_000, 400_000, 900_000)))
        where = folder / f"d{number % 7}"
        where.mkdir(parents=True, exist_ok=True)
        (where / f"file{number}.{make.__name__}").write_bytes(data)
        done, number = done + len(data), number + 1


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=120)


def tool(name: str) -> str:
    found = find_tool(name)
    assert found is not None, f"{name} is not installed"
    return found


def volume(folder: Path, kind: str, size: int, mix: str = "mixed", seed: int = 1, fullness: float = 0.8) -> bytes:
    """The bytes of a volume of ``kind`` (ext4, fat) of ``size`` bytes with files on it."""
    source, image = folder / f"files-{kind}-{mix}-{seed}", folder / f"{kind}-{mix}-{seed}.volume"
    fill(source, int(size * (fullness if kind == "ext4" else 0.7)), mix, seed)
    with open(image, "wb") as stream:
        stream.truncate(size)
    if kind == "ext4":
        _run(tool("mkfs.ext4"), "-q", "-F", "-b", "4096", "-d", str(source), str(image))
    else:
        _run(tool("mkfs.vfat"), "-F", "32", "-s", "1", str(image))
        for part in sorted(source.iterdir()):
            _run(tool("mcopy"), "-i", str(image), "-s", "-Q", str(part), "::")
    return image.read_bytes()


def even(size: int, seed: int = 3) -> bytes:
    """Contents that tell nothing: as an encrypted volume."""
    return random.Random(seed).randbytes(size)
