"""Colour themes as data, and the marks of the rescue map's statuses.

The status colours are those of Okabe and Ito (dark) and sets chosen with the same measure: no two of the five come
closer than 15 (CIE76) for normal, deuteranope or protanope eyes. A letter always goes with a colour.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.theme import Theme


@dataclass(frozen=True, slots=True)
class Mark:
    """How one status of a rescue map is shown: its style class is ``status--NAME``, its variable ``$status-NAME``."""

    letter: str
    """ddrescue's own letter."""
    name: str
    label: str
    glyph: str
    """One cell; the ASCII filter turns it into something that is still told apart from the other four."""


MARKS = (
    Mark("+", "finished", "finished", "█"),
    Mark("?", "non-tried", "non-tried", "·"),
    Mark("*", "non-trimmed", "non-trimmed", "*"),
    Mark("/", "non-scraped", "non-scraped", "/"),
    Mark("-", "bad", "bad sector", "-"),
)


@dataclass(frozen=True, slots=True)
class Role:
    """How one role of a document's sectors is shown: style classes ``role--NAME`` and ``role--solid-NAME``."""

    letter: str
    name: str
    label: str


# In the order of the codes of engine.ole2.sector_map: what comes later is shown in a cell that holds several.
ROLES = (
    Role(".", "free", "free"),
    Role("0", "zero", "free, zeros"),
    Role("=", "stream", "stream"),
    Role("~", "unknown", "unknown"),
    Role("s", "mini-stream", "mini stream"),
    Role("o", "orphan", "orphan"),
    Role("m", "mini-fat", "mini FAT (SSAT)"),
    Role("I", "difat", "DIFAT (MSAT)"),
    Role("F", "fat", "FAT (SAT)"),
    Role("D", "directory", "directory"),
    Role("H", "header", "header"),
    Role("?", "unread", "never read"),
)
BY_LETTER = {mark.letter: mark for mark in MARKS}

# What every theme must define besides Textual's own variables.
_DEFAULTS = {
    "status-bad-style": "bold",
    "title-style": "bold",
    "key-style": "bold",
    "selected-style": "none",
    "map-selected": "#009E73",
    "map-selected-text": "#000000",
    "map-cursor": "#E8A0C8",
    "map-cursor-text": "#000000",
    "map-cursor-style": "bold",
    "map-position-style": "bold",
    "map-mixed-style": "none",
    "hex-cursor-style": "bold",
    "hex-found-style": "none",
    "field-a": "#7FC8E8",
    "field-b": "#E8D48A",
    "field-c": "#9FE0B0",
    "field-now": "#4A4A4A",
    "field-now-text": "#FFFFFF",
    "field-now-style": "bold",
}


def _statuses(
    finished: str, non_tried: str, non_trimmed: str, non_scraped: str, bad: str, *, text: tuple[str, ...] = ()
) -> dict[str, str]:
    """Colours of filled cells; ``text``: of finished, non-scraped and bad where a letter alone is written, if others
    are read more easily there."""
    values = (finished, non_tried, non_trimmed, non_scraped, bad)
    written = text or (finished, non_scraped, bad)
    return {
        **{f"status-{mark.name}": value for mark, value in zip(MARKS, values, strict=True)},
        "status-finished-text": written[0],
        "status-non-scraped-text": written[1],
        "status-bad-text": written[2],
    }


def _frame(text: str, soft: str, bar: str, line: str, cursor: str, cursor_text: str) -> dict[str, str]:
    """Variables of the deck's own frame: plain and soft text, the bars at top and bottom, rules, the cursor."""
    return {
        "text": text,
        "text-muted": soft,
        "soft": soft,
        "bar": bar,
        "bar-text": text,
        "line": line,
        "block-cursor-background": cursor,
        "block-cursor-foreground": cursor_text,
        "block-cursor-text-style": "bold",
        "block-cursor-blurred-background": bar,
        "block-cursor-blurred-foreground": text,
        "block-cursor-blurred-text-style": "none",
        "block-hover-background": "transparent",
        "scrollbar": line,
        "scrollbar-hover": soft,
        "scrollbar-active": soft,
        "scrollbar-background": bar,
        "scrollbar-background-hover": bar,
        "scrollbar-background-active": bar,
        "scrollbar-corner-color": bar,
    }


# 16 colours: nothing but the terminal's own; soft text is plain text, because "dim" is missing on many of them.
_ANSI_FRAME = {
    **_frame("ansi_default", "ansi_default", "ansi_default", "ansi_default", "ansi_cyan", "ansi_black"),
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "map-selected": "ansi_cyan",
    "map-selected-text": "ansi_black",
    "map-cursor": "ansi_green",
    "map-cursor-text": "ansi_black",
    "map-position-style": "bold reverse",
    "field-a": "ansi_cyan",
    "field-b": "ansi_yellow",
    "field-c": "ansi_green",
    "field-now": "ansi_default",
    "field-now-text": "ansi_default",
    "field-now-style": "bold underline",
    "block-cursor-blurred-background": "ansi_default",
    "input-cursor-background": "ansi_cyan",
    "input-cursor-foreground": "ansi_black",
    "input-cursor-text-style": "none",
    "border-blurred": "ansi_default",
    "scrollbar": "ansi_blue",
    "scrollbar-hover": "ansi_blue",
    "scrollbar-active": "ansi_blue",
}

THEMES: dict[str, Theme] = {
    theme.name: theme
    for theme in (
        Theme(
            name="dark",
            primary="#56A0D3",
            secondary="#3C7FB1",
            accent="#56B4E9",
            warning="#E69F00",
            error="#FF7A50",
            success="#56B4E9",
            foreground="#E4E4E4",
            background="#121212",
            surface="#121212",
            panel="#1E1E1E",
            variables={
                **_DEFAULTS,
                **_statuses(
                    "#0072B2", "#999999", "#F0E442", "#E69F00", "#D55E00", text=("#3D9BDC", "#E69F00", "#F0723A")
                ),
                **_frame("#E4E4E4", "#A0A0A0", "#262626", "#585858", "#265C82", "#FFFFFF"),
            },
        ),
        Theme(
            name="light",
            primary="#005A9C",
            secondary="#3C7FB1",
            accent="#0072B2",
            warning="#8A5200",
            error="#A01000",
            success="#005A9C",
            foreground="#1A1A1A",
            background="#FFFFFF",
            surface="#FFFFFF",
            panel="#F0F0F0",
            dark=False,
            variables={
                **_DEFAULTS,
                **_statuses("#0072B2", "#767676", "#6B6000", "#C77C00", "#7A0010"),
                **_frame("#1A1A1A", "#585858", "#E4E4E4", "#A8A8A8", "#005A9C", "#FFFFFF"),
                "map-selected": "#6FD0B4",
                "field-a": "#005A9C",
                "field-b": "#7A4B00",
                "field-c": "#006B3A",
                "field-now": "#D8D8D8",
                "field-now-text": "#000000",
            },
        ),
        Theme(
            name="contrast",
            primary="#56B4E9",
            secondary="#56B4E9",
            accent="#FFFF00",
            warning="#FFA500",
            error="#FF6A3C",
            success="#56B4E9",
            foreground="#FFFFFF",
            background="#000000",
            surface="#000000",
            panel="#000000",
            variables={
                **_DEFAULTS,
                **_statuses("#56B4E9", "#FFFFFF", "#FFFF00", "#FFA500", "#D55E00"),
                **_frame("#FFFFFF", "#E4E4E4", "#303030", "#FFFFFF", "#FFFF00", "#000000"),
            },
        ),
        Theme(
            name="ansi",
            primary="ansi_cyan",
            secondary="ansi_cyan",
            accent="ansi_cyan",
            warning="ansi_yellow",
            error="ansi_bright_red",
            success="ansi_cyan",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            ansi=True,
            variables={
                **_DEFAULTS,
                **_statuses(
                    "ansi_blue",
                    "ansi_white",
                    "ansi_yellow",
                    "ansi_magenta",
                    "ansi_red",
                    text=("ansi_cyan", "ansi_bright_magenta", "ansi_bright_red"),
                ),
                **_ANSI_FRAME,
            },
        ),
        Theme(
            name="ansi-light",
            primary="ansi_blue",
            secondary="ansi_blue",
            accent="ansi_blue",
            warning="ansi_magenta",
            error="ansi_red",
            success="ansi_blue",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            dark=False,
            ansi=True,
            variables={
                **_DEFAULTS,
                **_statuses("ansi_blue", "ansi_bright_black", "ansi_black", "ansi_magenta", "ansi_red"),
                **_ANSI_FRAME,
                "block-cursor-background": "ansi_blue",
                "block-cursor-foreground": "ansi_bright_white",
                "field-a": "ansi_blue",
                "field-b": "ansi_magenta",
                "field-c": "ansi_default",
            },
        ),
        Theme(
            name="mono",
            primary="ansi_default",
            foreground="ansi_default",
            background="ansi_default",
            surface="ansi_default",
            panel="ansi_default",
            ansi=True,
            variables={
                **_DEFAULTS,
                **_statuses(*["ansi_default"] * 5),
                **_ANSI_FRAME,
                "block-cursor-background": "ansi_default",
                "block-cursor-foreground": "ansi_default",
                "block-cursor-text-style": "reverse",
                "input-cursor-background": "ansi_default",
                "input-cursor-foreground": "ansi_default",
                "input-cursor-text-style": "reverse",
                "selected-style": "reverse",
                "map-selected": "ansi_default",
                "map-selected-text": "ansi_default",
                "map-cursor": "ansi_default",
                "map-cursor-text": "ansi_default",
                "map-cursor-style": "bold reverse",
                "map-mixed-style": "underline",
                "hex-cursor-style": "reverse",
                "hex-found-style": "reverse",
                "field-a": "ansi_default",
                "field-b": "ansi_default",
                "field-c": "ansi_default",
                "scrollbar": "ansi_default",
                "scrollbar-hover": "ansi_default",
                "scrollbar-active": "ansi_default",
            },
        ),
    )
}

DESCRIPTIONS = {
    "dark": "for dark terminals (default)",
    "light": "for light terminals",
    "contrast": "high contrast",
    "ansi": "the terminal's own 16 colours, dark background",
    "ansi-light": "the terminal's own 16 colours, light background",
    "mono": "no colour",
}


def choose(colours: str, *, slow: bool = False) -> str:
    """The theme for a terminal: 16-colour ones get its own colours, and so does a slow link (half the bytes)."""
    if colours == "none":
        return "mono"
    return "ansi" if colours == "16" or slow else "dark"
