"""Random maps, and ddrescuelog as the judge."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

from engine.mapfile.model import Mapfile
from engine.mapfile.status import CHARS
from engine.mapfile.write import render_map
from engine.tools import find_tool


def ddrescuelog(*arguments: object, stdin: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run the real tool; its messages in plain English."""
    tool = find_tool("ddrescuelog")
    assert tool is not None
    return subprocess.run(
        [tool, *map(str, arguments)], input=stdin, capture_output=True, timeout=60, check=False, env={"LC_ALL": "C"}
    )


def body(text: bytes) -> list[bytes]:
    """Status line and block lines, without comments."""
    return [line for line in text.splitlines() if line and not line.startswith(b"#")]


def random_map(rng: random.Random, *, blocks: int = 12, unit: int = 1, most: int = 3000, start: int = 0) -> Mapfile:
    """A map with neighbours of equal status now and then."""
    listed, at = [], start
    for _ in range(rng.randrange(1, blocks + 1)):
        size = rng.randrange(1, most) * unit
        listed.append((at, size, rng.choice(CHARS)))
        at += size
    line = rng.randrange(at + 1), rng.choice("?*/-+FG"), rng.randrange(1, 6)
    return Mapfile.from_blocks(listed).with_status_line(*line)


def save(path: Path, map_: Mapfile) -> Path:
    path.write_bytes(render_map(map_))
    return path


def paint(map_: Mapfile) -> str:
    """The status of every byte of a small map, for comparison by brute force."""
    return "".join(block.status * block.size for block in map_)
