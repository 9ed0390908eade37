"""What this terminal can do: colours, UTF-8, size, how far away it is; and the filter for terminals without UTF-8."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Colours = Literal["truecolor", "256", "16", "none"]
MIN_WIDTH, MIN_HEIGHT = 60, 16

# Terminals whose fonts lack many glyphs, whatever their encoding.
_POOR_FONTS = ("linux", "vt100", "vt102", "vt220")


@dataclass(frozen=True, slots=True)
class Terminal:
    """Facts about the terminal, found once at the start."""

    term: str
    colours: Colours
    utf8: bool
    """Letters beyond ASCII arrive as they are."""
    glyphs: bool
    """Boxes, blocks and bullets can be shown."""
    ssh: bool
    width: int
    height: int

    @property
    def facts(self) -> str:
        """One line for the crash file and the about text."""
        return (
            f"TERM={self.term or '(unset)'} colours={self.colours} utf8={self.utf8} glyphs={self.glyphs} "
            f"ssh={self.ssh} size={self.width}x{self.height}"
        )


def detect(env: Mapping[str, str], *, encoding: str | None, coerced: bool | None = None) -> Terminal:
    """Read the terminal's abilities from the environment; ``encoding`` is that of the stream the screen is sent to.

    ``coerced``: Python has switched itself to UTF-8 because the locale is C (its own doing, not the terminal's).
    """
    term = env.get("TERM", "")
    utf8 = _is_utf8(env, encoding, sys.flags.utf8_mode == 1 if coerced is None else coerced)
    width, height = shutil.get_terminal_size()
    return Terminal(
        term=term,
        colours=_colours(env, term),
        utf8=utf8,
        glyphs=utf8 and term.split("-")[0] not in _POOR_FONTS,
        ssh=bool(env.get("SSH_CONNECTION") or env.get("SSH_TTY")),
        width=width,
        height=height,
    )


def _colours(env: Mapping[str, str], term: str) -> Colours:
    if "NO_COLOR" in env:
        return "none"
    if env.get("COLORTERM", "").strip().lower() in ("truecolor", "24bit"):
        return "truecolor"
    if term.endswith("-256color") or term in ("xterm-kitty", "alacritty", "xterm-ghostty", "foot"):
        return "256"
    return "16"


def _is_utf8(env: Mapping[str, str], encoding: str | None, coerced: bool) -> bool:
    if (encoding or "").lower().replace("-", "") not in ("utf8", "utf8sig"):
        return False
    ctype = env.get("LC_CTYPE", "")
    if coerced and not env.get("PYTHONUTF8"):
        # In the C locale Python sets LC_CTYPE itself: then it says nothing about the terminal.
        ctype = "" if ctype in ("C.UTF-8", "C.utf8", "UTF-8") else ctype
    locale = env.get("LC_ALL") or ctype or env.get("LANG") or "C"
    return "utf8" in locale.lower().replace("-", "")


def refusal(terminal: Terminal, *, interactive: bool) -> str | None:
    """Why the deck cannot open here, with the way out; None when it can."""
    if not interactive:
        return "the deck needs a terminal; plain commands work without one: rescuedeck devices, jobs list, map info ..."
    if terminal.term in ("", "dumb", "unknown"):
        shown = f"TERM={terminal.term}" if terminal.term else "TERM is not set"
        return f"this terminal cannot show the deck ({shown}); plain commands work: rescuedeck devices, jobs list ..."
    return None


# Each glyph becomes one ASCII character, so that no column moves.
_GLYPHS = {
    **dict.fromkeys("─━┄┅┈┉╌╍╴╶╸╺╼╾▁▂▔▬⎯", "-"),
    **dict.fromkeys("│┃┆┇┊┋╎╏║╵╷╹╻╽╿▏▎▍▌▐▕⎸⎹", "|"),
    **dict.fromkeys("█▉▊▋▇▆▅▄▀▟▙▛▜▓■▪", "#"),
    **dict.fromkeys("▒▞▚", "%"),
    **dict.fromkeys("░▃▖▗▘▝·∙•‥⋅", "."),
    **dict.fromkeys("●◉★⬤✱", "*"),
    **dict.fromkeys("○◌◯☐□▫", "o"),
    **dict.fromkeys("▶►▸→⇒›❯⟩", ">"),
    **dict.fromkeys("◀◄◂←⇐‹❮⟨", "<"),
    **dict.fromkeys("▲▴↑⇧△", "^"),
    **dict.fromkeys("▼▾↓⇩▽⌄", "v"),
    **dict.fromkeys("✓✔☑", "v"),
    **dict.fromkeys("✗✘×☒╳", "x"),
    **dict.fromkeys("–—−‐", "-"),
    **dict.fromkeys("‘’′", "'"),
    **dict.fromkeys("“”″", '"'),
    "═": "=", "…": "~", "≥": ">", "≤": "<", "≈": "~", "±": "+", "§": "S", "⚠": "!", "⏎": "<", "µ": "u",
}  # fmt: skip


def _is_glyph(number: int) -> bool:
    """Arrows, technical signs, boxes, blocks, shapes, dingbats, braille: what poor fonts lack."""
    return 0x2190 <= number < 0x2C00 or 0x2010 <= number < 0x2070 or number >= 0x1F000


@lru_cache(maxsize=4096)
def to_ascii(text: str, letters: bool = True) -> str:
    """``text`` in the same number of cells with glyphs replaced by ASCII; with ``letters`` all other characters too."""
    if text.isascii():
        return text
    from rich.cells import get_character_cell_size

    out = []
    for char in text:
        if char.isascii():
            out.append(char)
        elif char in _GLYPHS:
            out.append(_GLYPHS[char])
        elif 0x2500 <= ord(char) < 0x2580:
            out.append("+")
        elif letters or _is_glyph(ord(char)):
            out.append("?" * get_character_cell_size(char))
        else:
            out.append(char)
    return "".join(out)
