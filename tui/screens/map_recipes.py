"""Recipes that prepare a map for the next pass: chosen, told what they need, shown before anything is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from textual.widget import Widget
from textual.widgets import Static

from engine.errors import RescueError, UsageError
from engine.mapedit import ApplyRecipe
from engine.mapfile.recipes import all_recipes, find_recipe
from tui.editor.editing import Editing
from tui.editor.input import parse_offset
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Column, Row, Section

if TYPE_CHECKING:
    from engine.mapfile.recipes.base import Parameter, Recipe, Value

RECIPE = "recipe:"
_COLUMNS = (Column("recipe", 22), Column("", 60, flex=True))


class MapRecipesScreen(DeckScreen):
    """``then`` gets the edit that was chosen, with all its values, to be shown before it is made."""

    TITLE = "recipes"
    SCOPES = ("prepare", "list")
    BINDINGS = bindings("prepare")
    HELP = (
        "Ways to prepare the map for the next pass, each explained below the list. Enter asks for what a recipe "
        "needs (Enter takes what is written there; . is the place under the cursor) and shows what it would change, "
        "in bytes for each pair of statuses and range by range, before it is done. A recipe that works on areas "
        "takes the selection. Every recipe is one edit, and can be undone."
    )

    def __init__(self, editing: Editing, cursor: int, then: Callable[[ApplyRecipe], None]) -> None:
        super().__init__(editing.document.path.name)
        self._editing, self._cursor, self._then = editing, cursor, then
        self._list = RowList(id="recipes")
        self._text = Static("", markup=False, id="prepare-words")

    def body(self) -> Iterable[Widget]:
        """The list, and what the one under the cursor does."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """List them."""
        rows = tuple(Row(RECIPE + recipe.name, (recipe.name, recipe.title)) for recipe in all_recipes())
        self._list.show([Section("", _COLUMNS, rows)])
        self._list.focus()

    def _chosen(self) -> Recipe | None:
        row = self._list.chosen
        return find_recipe(row.id.removeprefix(RECIPE)) if row is not None else None

    def on_row_list_moved(self) -> None:
        """Explain the one under the cursor."""
        recipe = self._chosen()
        if recipe is not None:
            needs = "".join(f"\n{parameter.name}: {parameter.help}" for parameter in recipe.parameters)
            self._text.update(recipe.help + needs)

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_choose()

    def action_choose(self) -> None:
        """Ask for what it needs."""
        recipe = self._chosen()
        if recipe is not None:
            self._ask(recipe, {})

    def _ask(self, recipe: Recipe, values: dict[str, Value | None]) -> None:
        missing = next((one for one in recipe.parameters if one.name not in values), None)
        if missing is None:
            try:
                edit = ApplyRecipe(recipe.name, values)
                self._editing.document.preview(edit)
            except RescueError as error:
                self.tell_error(error)
                return
            self.action_back()
            self._then(edit)
            return
        if missing.kind == "ranges" and self._editing.selection:
            self._ask(recipe, {**values, missing.name: self._editing.selection})
            return

        def take(text: str) -> None:
            try:
                value = self._read(missing, text.strip())
            except RescueError as error:
                self.tell_error(error)
            else:
                self._ask(recipe, {**values, missing.name: value})

        self.prompt.read(f"{missing.name} ({_hint(missing)}):", take, value=self._offered(missing))

    def _offered(self, parameter: Parameter) -> str:
        if parameter.name == "sector":
            return str(self._editing.sector)
        return "" if parameter.default is None else str(parameter.default)

    def _read(self, parameter: Parameter, text: str) -> Value | None:
        if not text:
            if parameter.required:
                raise UsageError(f"{parameter.name} is needed: {parameter.help}")
            return parameter.default
        if parameter.kind == "bytes" and parameter.name == "at":
            start, end = self._editing.domain
            return parse_offset(text, here=self._cursor, start=start, end=end)
        return parameter.parse(text)


def _hint(parameter: Parameter) -> str:
    return "/".join(parameter.choices) if parameter.choices else parameter.help
