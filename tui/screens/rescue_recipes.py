"""Choosing a recipe: what the passes to come do, in words, before they do it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from textual.widget import Widget
from textual.widgets import Static

from engine.errors import UsageError
from engine.rescue.option_table import OPTIONS, Kind
from engine.rescue.options import RescueOptions
from engine.rescue.recipes import RECIPES, STANDARD, Recipe, RecipeKind, apply
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Column, Row, Section

AUTOMATIC = ""
_COLUMNS = (Column("recipe", 15), Column("", 42, flex=True), Column("reads", 8))
_AUTOMATIC_TEXT = (
    "The strategy chooses each pass by what the map still lacks: "
    + ", then ".join(RECIPES[name].title for name in STANDARD)
    + ". The most data for the least harm comes first."
)


def recipe_rows(current: str, *, automatic: bool) -> tuple[Row, ...]:
    """The passes as rows; the one in use is marked."""

    def row(name: str, title: str, reads: str) -> Row:
        return Row("recipe:" + name, (name or "automatic", title + ("  (in use)" if name == current else ""), reads))

    first = (row(AUTOMATIC, "the strategy chooses each pass", "all"),) if automatic else ()
    passes = (recipe for recipe in RECIPES.values() if recipe.kind is RecipeKind.PASS)
    return (*first, *(row(recipe.name, recipe.title, recipe.statuses) for recipe in passes))


def explain(name: str) -> str:
    """What a recipe does to the drive."""
    return RECIPES[name].explain if name in RECIPES else _AUTOMATIC_TEXT


class RecipeScreen(DeckScreen):
    """Calls ``then`` with the name of a recipe, or with ``AUTOMATIC``; going back calls nothing."""

    TITLE = "recipe"
    SCOPES = ("recipes", "list")
    BINDINGS = bindings("recipes")
    HELP = (
        "A recipe says what is read next and in which manner. Choose by what the drive can bear: fast copies touch bad "
        "places least; trimming, scraping and retries each go nearer to them. The letters are the statuses that the "
        "pass works on. While a rescue runs, the chosen recipe is run once as soon as the read in flight has returned, "
        "and then the rescue pauses and waits for you. The map keeps all that was read."
    )

    def __init__(self, then: Callable[[str], None], *, current: str = "", automatic: bool = False) -> None:
        super().__init__("what the passes to come do")
        self._then = then
        self._rows = recipe_rows(current, automatic=automatic)
        self._current = current
        self._list = RowList(id="recipes")
        self._text = Static("", markup=False, classes="explain")

    def body(self) -> Iterable[Widget]:
        """The list, and what the recipe under the cursor does."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """Begin on the one in use."""
        self._list.show([Section("", _COLUMNS, self._rows)])
        self.call_after_refresh(self._list.choose, "recipe:" + self._current)

    def _chosen(self) -> str | None:
        row = self._list.chosen
        return row.id.partition(":")[2] if row is not None else None

    def on_row_list_moved(self) -> None:
        """Explain the one under the cursor."""
        name = self._chosen()
        if name is not None:
            self._text.update(explain(name))

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Take it."""
        name = self._chosen()
        if name is not None:
            self.action_back()
            self._then(name)


_MANNER_COLUMNS = (Column("manner", 15), Column("", 40, flex=True), Column("sets", 30, drop=1))


def manners() -> tuple[Recipe, ...]:
    """The recipes that say how to read, not what."""
    return tuple(recipe for recipe in RECIPES.values() if recipe.kind is RecipeKind.MODIFIER)


class MannerScreen(DeckScreen):
    """Calls ``then`` with the options after a manner of reading was laid over them."""

    TITLE = "manner of reading"
    SCOPES = ("recipes", "list")
    BINDINGS = bindings("recipes")
    HELP = (
        "A manner says how the drive is read, whatever the recipe reads: gently, in small pieces, only a range. It is "
        "laid over the options, where each of its values can be seen and changed; several can be laid over each other."
    )

    def __init__(self, options: RescueOptions, then: Callable[[RescueOptions], None]) -> None:
        super().__init__("laid over every pass")
        self._options = options
        self._then = then
        self._list = RowList(id="manners")
        self._text = Static("", markup=False, classes="explain")

    def body(self) -> Iterable[Widget]:
        """The list, and what the manner under the cursor does."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """All of them."""
        rows = tuple(
            Row("manner:" + one.name, (one.name, one.title, ", ".join((*one.changes, *one.asks)))) for one in manners()
        )
        self._list.show([Section("", _MANNER_COLUMNS, rows)])

    def on_row_list_moved(self) -> None:
        """Explain the one under the cursor."""
        row = self._list.chosen
        if row is not None:
            self._text.update(RECIPES[row.id.partition(":")[2]].explain)

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Lay it over the options; ask for what it leaves open."""
        row = self._list.chosen
        if row is not None:
            recipe = RECIPES[row.id.partition(":")[2]]
            self._ask(apply(recipe, self._options), recipe.asks)

    def _ask(self, options: RescueOptions, asks: tuple[str, ...]) -> None:
        if not asks:
            self.action_back()
            self._then(options)
            return
        from tui.dialogs.path import complete_path

        spec = OPTIONS[asks[0]]

        def answered(text: str) -> None:
            if spec.kind is Kind.PATH:
                text = os.path.abspath(os.path.expanduser(text))
            try:
                self._ask(options.with_text(spec.name, text), asks[1:])
            except UsageError as error:
                self.tell_error(error)

        self.prompt.read(
            f"{spec.explain} ({spec.unit or spec.kind}):", answered,
            complete=complete_path if spec.kind is Kind.PATH else None,
        )  # fmt: skip
