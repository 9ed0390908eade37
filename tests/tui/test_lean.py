"""The filter in front of the terminal: whatever it leaves out, the terminal shows the same."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.lean import PLAIN, LeanScreen, Look, applied, change

WIDTH, HEIGHT = 30, 6
COLOURS = ("0", "31", "1;31", "38;5;208", "38;2;0;114;178;48;2;18;18;18", "7", "22", "39;49", "48;5;25", "4;92;103")
TEXTS = st.text(alphabet="ab +-?#█·é", min_size=1, max_size=12)


@st.composite
def frames(draw: st.DrawFn) -> str:
    """One frame as Textual writes it: moves, whole colour changes, texts, resets."""
    parts = [draw(st.sampled_from(["", "\x1b[?2026h"]))]
    synced = bool(parts[0])
    for _ in range(draw(st.integers(0, 6))):
        x, y = draw(st.integers(0, WIDTH - 1)), draw(st.integers(0, HEIGHT - 1))
        parts.append(f"\x1b[{y + 1};{x + 1}H")
        for _ in range(draw(st.integers(1, 3))):
            text = draw(TEXTS)[: WIDTH - x]  # Textual never writes beyond the row
            x += len(text)
            parts.append(f"\x1b[{draw(st.sampled_from(COLOURS))}m{text}\x1b[0m")
        # A new line in the last row would scroll; Textual writes none there.
        parts.append(draw(st.sampled_from(["", "\n" if y < HEIGHT - 1 else "", "\x1b[2J", "\x1b[?25l"])))
    parts.append(f"\x1b[{draw(st.integers(1, HEIGHT))};{draw(st.integers(1, WIDTH - 1))}H")
    if synced:
        parts.append("\x1b[?2026l")
    return "".join(parts)


class Pair:
    """Two terminals: one gets everything, the other what the filter lets through."""

    def __init__(self) -> None:
        self.full, self.lean = pyte.Screen(WIDTH, HEIGHT), pyte.Screen(WIDTH, HEIGHT)
        self._full, self._lean = pyte.Stream(self.full), pyte.Stream(self.lean)
        self.filter = LeanScreen(WIDTH, HEIGHT)

    def feed(self, data: str) -> int:
        sent = self.filter.feed(data)
        self._full.feed(data)
        self._lean.feed(sent)
        return len(sent)

    def check(self) -> None:
        assert self.lean.display == self.full.display
        for y in range(HEIGHT):
            for x in range(WIDTH):
                assert self.lean.buffer[y][x] == self.full.buffer[y][x], (x, y)
        assert (self.lean.cursor.x, self.lean.cursor.y) == (self.full.cursor.x, self.full.cursor.y)


@settings(max_examples=300)
@given(st.lists(frames(), max_size=12))
def test_the_terminal_shows_the_same(written: list[str]) -> None:
    pair = Pair()
    for frame in written:
        pair.feed(frame)
        pair.check()


@given(st.lists(frames(), min_size=1, max_size=6), st.data())
def test_frames_may_come_in_pieces(written: list[str], data: st.DataObject) -> None:
    """Marks, frame and end mark are written one by one; a piece is never cut inside a sequence."""
    pair = Pair()
    for frame in written:
        for piece in frame.replace("\x1b[?2026h", "\x1b[?2026h\0").replace("\x1b[?2026l", "\0\x1b[?2026l").split("\0"):
            pair.feed(piece)
    pair.check()


def test_the_same_frame_twice_sends_nothing_the_second_time() -> None:
    pair = Pair()
    frame = "\x1b[?2026h\x1b[1;1H\x1b[31mhello\x1b[0m\x1b[2;1H\x1b[44mworld\x1b[0m\x1b[1;1H\x1b[?2026l"
    assert pair.feed(frame) > 10
    assert pair.feed(frame) == 0
    pair.check()


def test_one_changed_digit_is_one_character_and_a_move() -> None:
    pair = Pair()
    pair.feed("\x1b[3;5H\x1b[38;2;228;228;228;48;2;18;18;18m 59 s ago   \x1b[0m\x1b[1;1H")
    sent = pair.feed("\x1b[3;5H\x1b[38;2;228;228;228;48;2;18;18;18m 58 s ago   \x1b[0m\x1b[1;1H")
    assert sent < 60
    pair.check()


def test_a_resized_or_forgotten_terminal_gets_everything_again() -> None:
    pair = Pair()
    frame = "\x1b[1;1H\x1b[31mhello\x1b[0m\x1b[1;1H"
    pair.feed(frame)
    assert pair.feed(frame) == 0
    pair.filter.forget()
    assert pair.feed(frame) > 5
    pair.filter.resize(WIDTH, HEIGHT)
    assert pair.feed(frame) > 5


def test_what_is_not_understood_is_passed_on_and_the_picture_forgotten() -> None:
    lean = LeanScreen(WIDTH, HEIGHT)
    frame = "\x1b[1;1Hhello\x1b[1;1H"
    lean.feed(frame)
    assert lean.feed(frame) == ""
    assert "\x1b[?1049h" in lean.feed("\x1b[?1049h")
    assert "hello" in lean.feed(frame)
    assert "\x1b[58;5;1m" in lean.feed("\x1b[58;5;1mx\x1b[0m"), "underline colours are not followed"


def test_rows_with_wide_characters_are_written_whole() -> None:
    pair = Pair()
    pair.feed("\x1b[2;1H\x1b[31m|文字 x     |\x1b[0m\x1b[1;1H")
    sent = pair.filter.feed("\x1b[2;1H\x1b[31m|文字 y     |\x1b[0m\x1b[1;1H")
    assert "|文字 y" in sent
    pair._full.feed("\x1b[2;1H\x1b[31m|文字 y     |\x1b[0m\x1b[1;1H")
    pair._lean.feed(sent)
    pair.check()
    assert pair.feed("\x1b[2;1H\x1b[31m|文字 y     |\x1b[0m\x1b[1;1H") == 0
    pair.feed("\x1b[2;1H\x1b[32m|plain y   |\x1b[0m\x1b[1;1H")
    assert pair.lean.display[1].startswith("|plain y   |")


def test_half_of_a_wide_character_becomes_a_blank() -> None:
    lean = LeanScreen(WIDTH, HEIGHT)
    lean.feed("\x1b[1;1H文字\x1b[1;1H")
    assert " " in lean.feed("\x1b[1;2Hx\x1b[1;1H"), "what is left of the first one is written as a blank"


def test_a_new_line_in_the_last_row_scrolls_and_is_passed_on() -> None:
    pair = Pair()
    pair.feed("\x1b[1;1Htop\x1b[6;1Hlast\x1b[1;1H")
    pair.feed(f"\x1b[{HEIGHT};1Hlast\n")
    pair.feed("\x1b[1;1Htop\x1b[1;1H")
    assert pair.lean.display == pair.full.display


def test_sequences_that_show_nothing_pass() -> None:
    lean = LeanScreen(WIDTH, HEIGHT)
    lean.feed("\x1b[1;1Hx\x1b[1;1H")
    for quiet in ("\x1b[?25l", "\x1b[?1003h", "\x07", "\x1b]52;c;aGk=\x07", "\x1b[?2026$p", "\x1b[>1u"):
        assert lean.feed(quiet) == quiet
    assert lean.feed("\x1b[1;1Hx\x1b[1;1H") == "", "the picture is still known"


@given(st.lists(st.sampled_from(COLOURS), max_size=6), st.lists(st.sampled_from(COLOURS), max_size=6))
def test_a_change_of_look_leads_from_one_to_the_other(one: list[str], two: list[str]) -> None:
    def after(sequences: list[str]) -> Look:
        look: Look | None = PLAIN
        for sequence in sequences:
            assert look is not None
            look = applied(look, sequence)
        assert look is not None
        return look

    old, new = after(one), after(two)
    step = change(old, new)
    reached = applied(old, step[2:-1]) if step else old
    assert reached == new
