"""Writes what is made from the program's own commands and keys: the reference, the manual page, words for the shells.

    ./rescuedeck python -m release.reference [FOLDER]

A test notices when these files are not up to date. Without FOLDER they go where they belong in the checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path

from release.lock import ROOT
from tui import reference

MADE = {
    "docs/reference.md": reference.markdown,
    "share/man/man1/rescuedeck.1": reference.manual,
    "share/bash-completion/completions/rescuedeck": reference.bash,
    "share/zsh/site-functions/_rescuedeck": reference.zsh,
    "share/fish/vendor_completions.d/rescuedeck.fish": reference.fish,
}


def main() -> None:
    """Write them all."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    for name, make in MADE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(make(), encoding="utf-8")


if __name__ == "__main__":
    main()
