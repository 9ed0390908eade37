"""The entry point: sets what Textual reads at import, then the command line."""

from __future__ import annotations

import os
import sys

# Textual reads these when it is imported, so they must stand before any screen is. A slow link delivers an arrow
# key's bytes far apart: with the default delay they are read as Escape and two letters.
_TEXTUAL_DEFAULTS = {"TEXTUAL_ANIMATIONS": "none", "TEXTUAL_FPS": "15"}


def set_environment() -> None:
    """Defaults for Textual; what the person has set is kept."""
    for name, value in _TEXTUAL_DEFAULTS.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("ESCDELAY", "500" if os.environ.get("SSH_CONNECTION") else "200")


def hold_standard_streams() -> None:
    """Where input, output or errors were closed by who called, nothing stands in their place: else the first file that
    is opened (an image, a map) would, and get what is printed.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
            os.set_inheritable(number, True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    os.umask(0o077)  # what is rescued is somebody's: nothing that is made here is for others to read
    hold_standard_streams()
    set_environment()
    from tui.commands import run

    return run(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
