"""Tables of figures whose labels stay and whose numbers change one by one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from themes.palettes import MARKS
from tui.widgets.figures import Figure


class Swatch(Widget):
    """One cell of the block map as the legend's key: the letter as a filled cell shows it."""

    COMPONENT_CLASSES = {f"status--solid-{mark.name}" for mark in MARKS}
    DEFAULT_CSS = "Swatch { width: 3; height: 1; }"
    ALLOW_SELECT = False

    def __init__(self, code: int) -> None:
        super().__init__()
        self._code = code

    def render(self) -> Text:
        mark = MARKS[self._code]
        return Text(f" {mark.letter} ", self.get_component_rich_style(f"status--solid-{mark.name}"), end="")


class StatusTable(Widget):
    """Legend and sums in one: a line for each status with its cell, name, bytes, share and number of areas."""

    DEFAULT_CSS = """
    StatusTable { height: 5; width: 49; layout: vertical; }
    StatusTable Horizontal { height: 1; }
    StatusTable .status-table--name { width: 13; padding-left: 1; }
    StatusTable .status-table--bytes { width: 10; }
    StatusTable .status-table--share { width: 9; }
    StatusTable .status-table--areas { width: 14; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._figures = [
            (
                Figure(right=True, classes="status-table--bytes"),
                Figure(right=True, classes="status-table--share"),
                Figure(right=True, classes="status-table--areas"),
            )
            for _mark in MARKS
        ]

    def compose(self) -> ComposeResult:
        for code, (mark, figures) in enumerate(zip(MARKS, self._figures, strict=True)):
            yield Horizontal(Swatch(code), Static(mark.label, markup=False, classes="status-table--name"), *figures)

    def show(self, rows: Sequence[tuple[str, str, str]]) -> int:
        """Show (bytes, share, areas) of each status; returns how many figures had to be repainted."""
        changed = 0
        for figures, texts in zip(self._figures, rows, strict=True):
            changed += sum(figure.show(text) for figure, text in zip(figures, texts, strict=True))
        return changed


class FigureList(Widget):
    """Lines of a fixed label and a changing value."""

    DEFAULT_CSS = """
    FigureList { layout: vertical; width: 1fr; height: auto; }
    FigureList Horizontal { height: 1; }
    FigureList .figure-list--label { width: 10; }
    FigureList .figure-list--value { width: 1fr; }
    """

    def __init__(self, labels: Sequence[str], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._labels = tuple(labels)
        self._figures = {label: Figure(classes="figure-list--value") for label in self._labels}

    def compose(self) -> ComposeResult:
        for label, figure in self._figures.items():
            yield Horizontal(Static(label, markup=False, classes="figure-list--label"), figure)

    def show(self, label: str, text: str, state: str = "") -> bool:
        """Show a value; returns whether it had to be repainted."""
        return self._figures[label].show(text, state)

    def text(self, label: str) -> str:
        """What a line says."""
        return self._figures[label].text
