"""Only what differs goes down the line: a filter between the screen and the terminal.

Textual sends every region it paints in full, also where the same characters stand already: opening a screen costs three
full paints. This filter keeps a picture of what the terminal shows, follows each frame in it, and lets only the cells
through that are different, with the shortest colour changes. What it does not understand it passes on unchanged and
then forgets the picture, so that the next frame is sent whole.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from rich.cells import get_character_cell_size

_TOKEN = re.compile(
    r"\x1b\[(?P<move>[0-9;]*)H"
    r"|\x1b\[(?P<sgr>[0-9;:]*)m"
    r"|(?P<quiet>\x1b\[\?(?:25[hl]|2026[hl]|1000[hl]|1002[hl]|1003[hl]|1004[hl]|1006[hl]|1015[hl]|2004[hl]"
    r"|2048(?:[hl]|\$p)|2026\$p)|\x1b\](?:0|2|52|22);[^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[<>=]?\d*u|\x1b\[>?\d*q"
    r"|\x07)"
    r"|(?P<other>\x1b(?:\[[0-9;:?<=>!$ ]*[@-~]|[^\[]?))"
    r"|(?P<line>[\r\n])"
    r"|(?P<text>[^\x00-\x1f\x7f\x1b]+)"
    r"|(?P<control>[\x00-\x1f\x7f])"
)
_SYNC_START, _SYNC_END = "\x1b[?2026h", "\x1b[?2026l"
_REWRITE = 6
"""A gap of unchanged cells up to this long is written again rather than jumped over, when it has the same colours."""


class Look(NamedTuple):
    """Colours and attributes of a cell, as the numbers of the terminal's own sequences."""

    fg: str = ""
    bg: str = ""
    attributes: frozenset[str] = frozenset()


PLAIN = Look()
Cell = tuple[str, Look]
"""A character with what combines with it, and its look. The right half of a wide character is an empty text."""
UNKNOWN: Cell = ("\0", PLAIN)
"""Nobody knows what stands there; never equal to anything that is written, and never written itself."""
# What switches attributes off again.
_OFF = {"22": ("1", "2"), "23": ("3",), "24": ("4",), "25": ("5", "6"), "27": ("7",), "28": ("8",), "29": ("9",)}


@lru_cache(maxsize=4096)
def applied(look: Look, sgr: str) -> Look | None:
    """``look`` after the numbers of a colour sequence; None when they are not understood."""
    fg, bg, attributes = look
    numbers = sgr.split(";") if sgr else ["0"]
    at = 0
    while at < len(numbers):
        number = numbers[at] or "0"
        if number == "0":
            fg, bg, attributes = "", "", frozenset()
        elif number in ("38", "48"):
            kind = numbers[at + 1] if at + 1 < len(numbers) else ""
            length = {"5": 3, "2": 5}.get(kind, 0)
            if not length or at + length > len(numbers):
                return None
            colour = ";".join(numbers[at : at + length])
            fg, bg = (colour, bg) if number == "38" else (fg, colour)
            at += length - 1
        elif number == "39":
            fg = ""
        elif number == "49":
            bg = ""
        elif number in _OFF:
            attributes = attributes - set(_OFF[number])
        elif number in "123456789":
            attributes = attributes | {number}
        elif number.isdigit() and (30 <= int(number) <= 37 or 90 <= int(number) <= 97):
            fg = number
        elif number.isdigit() and (40 <= int(number) <= 47 or 100 <= int(number) <= 107):
            bg = number
        else:
            return None
        at += 1
    return Look(fg, bg, attributes)


@lru_cache(maxsize=8192)
def change(old: Look, new: Look) -> str:
    """The shortest sequence from one look to another."""
    if old == new:
        return ""
    fresh = ["0", *sorted(new.attributes), *filter(None, (new.fg, new.bg))]
    whole = "\x1b[m" if fresh == ["0"] else f"\x1b[{';'.join(fresh)}m"
    if old.attributes - new.attributes:
        return whole
    parts = sorted(new.attributes - old.attributes)
    if old.fg != new.fg:
        parts.append(new.fg or "39")
    if old.bg != new.bg:
        parts.append(new.bg or "49")
    step = f"\x1b[{';'.join(parts)}m"
    return min(step, whole, key=len)


class LeanScreen:
    """The picture. ``feed`` takes what would be sent and returns what has to be sent."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._shown: list[list[Cell]] = []
        self._wanted: list[list[Cell]] = []
        self._dirty: dict[int, tuple[int, int]] = {}
        self._x = self._y = 0
        self._look: Look = PLAIN
        self._cursor: tuple[int, int] | None = None
        self._sync = ""
        self.resize(width, height)

    def resize(self, width: int, height: int) -> None:
        """Another size of terminal: nothing is known of it."""
        self.width, self.height = width, height
        self._wanted = [[UNKNOWN] * width for _ in range(height)]
        self._dirty.clear()
        self.forget()

    def forget(self) -> None:
        """Whatever is on the terminal, it is not known: everything sent from now on goes through."""
        self._shown = [[UNKNOWN] * self.width for _ in range(self.height)]
        self._cursor = None

    def feed(self, data: str) -> str:
        """Follow ``data``; what has to be sent for the terminal to look the same as if all of it had been."""
        out: list[str] = []
        at = 0
        for token in _TOKEN.finditer(data):
            if token.start() != at:
                return self._give_up(out, data[at:])
            at = token.end()
            kind = token.lastgroup
            if kind == "text" and self._x >= 0:
                self._put(token[0])
            elif kind == "sgr":
                look = applied(self._look, token["sgr"])
                if look is None:
                    return self._give_up(out, data[token.start() :])
                self._look = look
            elif kind == "move":
                self._move(token["move"])
            elif kind == "line" and 0 <= self._y < self.height - 1:
                self._x, self._y = 0, self._y + (token[0] == "\n")
            elif kind == "quiet":
                self._pass(out, token[0])
            else:
                return self._give_up(out, data[token.start() :])
        if at != len(data):
            return self._give_up(out, data[at:])
        self._flush(out)
        return "".join(out)

    def _move(self, numbers: str) -> None:
        row, _, column = numbers.partition(";")
        self._x, self._y = int(column or 1) - 1, int(row or 1) - 1

    def _pass(self, out: list[str], token: str) -> None:
        """Sequences that leave the picture alone; a frame's marks are only sent around something."""
        if token == _SYNC_START:
            self._sync = token
        elif token == _SYNC_END:
            self._flush(out)
            if not self._sync:
                out.append(token)
            self._sync = ""
        else:
            self._flush(out)
            out.append(token)

    def _give_up(self, out: list[str], rest: str) -> str:
        """Something that is not understood: pass it on, and know nothing afterwards."""
        self._flush(out)
        out.append(self._sync + rest)
        self._sync = ""
        self._look, self._x, self._y = PLAIN, -1, -1
        self.resize(self.width, self.height)
        return "".join(out)

    # -- following ------------------------------------------------------------------------------------------------

    def _put(self, text: str) -> None:
        if not 0 <= self._y < self.height:
            return
        row, look, start = self._wanted[self._y], self._look, self._x
        x = start
        if text.isascii():
            part = text[: max(0, self.width - x)]
            self._mend(row, x, x + len(part))
            row[x : x + len(part)] = [(char, look) for char in part]
            x += len(part)
        else:
            x = self._put_wide(row, text, look)
        self._x = x
        low, high = self._dirty.get(self._y, (start, x))
        self._dirty[self._y] = min(low, max(0, start - 1)), max(high, min(self.width, x + 1))

    def _put_wide(self, row: list[Cell], text: str, look: Look) -> int:
        x = self._x
        for char in text:
            width = get_character_cell_size(char)
            if width == 0:
                if x > 0 and row[x - 1] != UNKNOWN:
                    before, its = row[x - 1]
                    row[x - 1] = before + char, its
            elif x + width <= self.width:
                self._mend(row, x, x + width)
                row[x] = char, look
                if width == 2:
                    row[x + 1] = "", look
                x += width
            else:
                return self.width
        return x

    def _mend(self, row: list[Cell], start: int, end: int) -> None:
        """What is left of a wide character that is half overwritten is a blank."""
        if start > 0 and start < self.width and row[start][0] == "":
            row[start - 1] = " ", row[start - 1][1]
        if end < self.width and row[end][0] == "":
            row[end] = " ", row[end][1]

    # -- sending --------------------------------------------------------------------------------------------------

    def _flush(self, out: list[str]) -> None:
        """Send what differs, and the cursor to where it has to be."""
        sent: list[str] = []
        look = PLAIN
        place = self._cursor
        for y in sorted(self._dirty):
            for start, end in self._spans(y, *self._dirty[y]):
                row = self._wanted[y]
                sent.append(_jump(place, start, y))
                for x in range(start, end):
                    text, its = row[x]
                    if its != look:
                        sent.append(change(look, its))
                        look = its
                    sent.append(text)
                self._shown[y][start:end] = row[start:end]
                # At the right border terminals differ on where the cursor is.
                place = (end, y) if end < self.width else None
        self._dirty.clear()
        if look != PLAIN:
            sent.append("\x1b[m")
        x, y = min(self._x, self.width - 1), min(self._y, self.height - 1)
        if x >= 0 and place != (x, y):
            sent.append(f"\x1b[{y + 1};{x + 1}H")
            self._cursor = (x, y)
        elif x >= 0:
            self._cursor = place
        if sent:
            if self._sync:
                out.append(self._sync)
                self._sync = ""
            out.append("".join(sent))

    def _spans(self, y: int, low: int, high: int) -> list[tuple[int, int]]:
        """Columns of a row that have to be written, neighbours joined where that is shorter."""
        shown, wanted = self._shown[y], self._wanted[y]
        if shown == wanted:
            return []
        low, high = max(0, low), min(self.width, high)
        # Terminals do not agree on the width of every character: such a row is written from one end to the other.
        whole = any(len(text) != 1 or text > "\u2fff" for text, _look in wanted)
        if whole:
            low, high = 0, self.width
        spans: list[tuple[int, int]] = []
        for x in range(low, high):
            if wanted[x] == UNKNOWN or (shown[x] == wanted[x] and not whole):
                continue
            last = spans[-1] if spans else None
            if last is not None and (last[1] == x or self._near(wanted, last[1], x)):
                spans[-1] = last[0], x + 1
            else:
                spans.append((x, x + 1))
        return spans

    def _near(self, row: list[Cell], end: int, start: int) -> bool:
        """Whether writing the cells between is no longer than jumping over them."""
        if start - end > _REWRITE:
            return False
        look = row[end - 1][1]
        return all(its == look and text != UNKNOWN[0] for text, its in row[end:start])


def _jump(place: tuple[int, int] | None, x: int, y: int) -> str:
    """From where the cursor is to a cell."""
    if place == (x, y):
        return ""
    if place is not None and place[1] == y and x > place[0]:
        distance = x - place[0]
        return "\x1b[C" if distance == 1 else f"\x1b[{distance}C"
    return f"\x1b[{y + 1};{x + 1}H"
