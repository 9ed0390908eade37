"""Pictures of screens as text: compared with files beside the tests, written anew with RESCUEDECK_GOLDENS=write."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

FOLDER = Path(__file__).parent / "goldens"


def check(name: str, shown: str) -> None:
    """Fails with the difference when ``shown`` is not what the golden ``name`` holds."""
    path = FOLDER / f"{name}.txt"
    shown = "\n".join(line.rstrip() for line in shown.split("\n")).rstrip("\n") + "\n"
    if os.environ.get("RESCUEDECK_GOLDENS") == "write":
        FOLDER.mkdir(exist_ok=True)
        path.write_text(shown)
    expected = path.read_text()
    pair = (expected.splitlines(), shown.splitlines())
    difference = "\n".join(difflib.unified_diff(*pair, "golden", "now", lineterm=""))
    assert not difference, f"{name} looks different (RESCUEDECK_GOLDENS=write accepts it):\n{difference}"
