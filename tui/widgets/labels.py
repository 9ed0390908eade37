"""Text for widgets: everything that came from a disk, a file name or another program goes through here.

Widgets get ``rich.text.Text`` or plain ``Content``: a ``str`` would be read as markup, and a file called ``a[/b]c``
would end the program.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

from engine.text import safe_text


def label(value: str | bytes, style: str | Style = "", limit: int = 400) -> Text:
    """``value`` as safe text on one line that is never markup."""
    return Text(safe_text(value, limit), style=style, no_wrap=True, overflow="ellipsis", end="")


def shorten(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells; the end is what matters in paths, so the middle gives way."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    if width < 8:
        return set_cell_size(text, width - 1) + "…"
    head = (width - 1) // 3
    tail = ""
    for char in reversed(text):
        if cell_len(char + tail) > width - 1 - head:
            break
        tail = char + tail
    return set_cell_size(text, head) + "…" + tail


def fit(text: str, width: int) -> str:
    """``text`` in exactly ``width`` cells."""
    return set_cell_size(shorten(text, width), width)


def fit_right(text: str, width: int) -> str:
    """``text`` in exactly ``width`` cells, right-aligned."""
    short = shorten(text, width)
    return " " * (width - cell_len(short)) + short
