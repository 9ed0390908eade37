"""What an edit would change, before it is made: in words, in bytes for each pair of statuses, and range by range."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from engine.text import format_size
from tui.editor import words
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Section

if TYPE_CHECKING:
    from engine.mapedit import Effect
    from engine.mapfile.diff import Move


class MapChangeScreen(DeckScreen):
    """``then`` is called when it is agreed to; None: there is nothing to agree to (a comparison)."""

    TITLE = "preview"
    SCOPES = ("preview", "list")
    BINDINGS = bindings("preview")
    HELP = (
        "What an edit would do to the map, or how two states of it differ: for each pair of statuses how many bytes "
        "and where. Nothing is changed before Enter, and even then only in the editor: the file is written by w. "
        "Bytes that are finished now and would not be afterwards are shown in red and asked for once more: nothing "
        "of the image is lost by that, but ddrescue would read them again."
    )

    def __init__(
        self,
        title: str,
        moves: Sequence[Move],
        explain: Sequence[str],
        sector: int,
        then: Callable[[], None] | None,
        *,
        more: Sequence[Section] = (),
        empty: str = "no status changes",
    ) -> None:
        """``more`` stands below the changes."""
        super().__init__(title)
        if then is None:
            self._title_row.name_text = "compare"
        self._loses = sum(move.bytes for move in moves if move.loses)
        self._then = then
        self._sections = [*words.moves_sections(moves, sector, empty=empty), *more]
        self._text = Static("\n".join(explain), markup=False, id="preview-words")
        self._text.display = bool(explain)
        self._list = RowList(id="preview-list")

    @classmethod
    def of_edit(
        cls, effect: Effect, sector: int, then: Callable[[], None], *, more: Sequence[Section] = ()
    ) -> MapChangeScreen:
        """Before an edit."""
        explain = list(effect.words)
        if effect.line_before != effect.line_after:
            explain.append(f"status line: {_line(effect.line_before)} -> {_line(effect.line_after)}")
        return cls(effect.title, effect.moves, explain, sector, then, more=more)

    def body(self) -> Iterable[Widget]:
        """Words above, the list below."""
        yield self._text
        yield self._list

    def on_mount(self) -> None:
        """Show it."""
        self._list.show(self._sections)
        if self._then is not None:
            self.say("Enter applies this to the map in the editor; q leaves it")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There may be nothing to agree to."""
        return self._then is not None if action == "apply" else True

    def action_apply(self) -> None:
        """Agree; the loss of finished bytes is asked for once more."""
        if self._loses:
            self.prompt.ask(
                f"{format_size(self._loses)} would no longer be called finished. Do it all the same?",
                lambda answer: self._agreed() if answer == "y" else None,
            )
        else:
            self._agreed()

    def _agreed(self) -> None:
        then = self._then
        self.action_back()
        if then is not None:
            then()


def _line(line: tuple[int, str, int]) -> str:
    return f"0x{line[0]:08X} {line[1]} {line[2]}"
