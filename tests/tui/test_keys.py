"""One table of keys: it cannot lie, because bindings, key row and help come from it and these tests hold it."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.widget import Widget

import tui.screens
import tui.widgets
from engine.devices import Device
from tests.tui.shell import deck, run, text, until
from tui.app import DeckApp
from tui.keys import BY_ID, SCOPES, bindings
from tui.screens.base import DeckScreen
from tui.screens.help import HelpScreen

for package in (tui.screens, tui.widgets):
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def owners(cls: type = Widget) -> list[type]:
    """Our screens and widgets that have keys."""
    found = [c for sub in cls.__subclasses__() for c in owners(sub)]
    if cls.__module__.startswith("tui.") and "BINDINGS" in vars(cls):
        found.append(cls)
    return found


@pytest.mark.parametrize("cls", [DeckApp, *owners()], ids=lambda c: c.__name__)
def test_every_key_has_its_action(cls: type) -> None:
    for binding in vars(cls)["BINDINGS"]:
        assert isinstance(binding, Binding), f"{cls.__name__}: {binding} does not come from the table"
        if binding.system:
            continue
        assert binding.id in BY_ID, f"{cls.__name__}: {binding.key} does not come from the table"
        target, _, name = binding.action.partition("(")[0].rpartition(".")
        holder = {"app": DeckApp, "screen": cls if issubclass(cls, DeckScreen) else DeckScreen}.get(target, cls)
        assert hasattr(holder, f"action_{name}"), f"{cls.__name__}: nothing does {binding.action}"


def test_ids_and_keys_are_unique_within_a_scope() -> None:
    for scope, (_title, keys) in SCOPES.items():
        assert all(key.id == f"{scope}.{key.id.partition('.')[2]}" for key in keys)
        # Two actions on the very same keys take turns (pause and go on); any other overlap is a mistake.
        pressed = [one for group in {key.keys for key in keys} for one in group.split(",")]
        assert len(pressed) == len(set(pressed)), f"{scope}: a key does two things"
        assert all(key.help and key.label for key in keys)


def test_no_two_tables_have_a_scope_of_one_name() -> None:
    """The one that is merged last would take its keys from the other."""
    folder = Path(tui.screens.__path__[0]).parent
    tables = [importlib.import_module(f"tui.{path.stem}") for path in folder.glob("keys_*.py")]
    found = [scope for module in tables for table in vars(module).values() if isinstance(table, dict) for scope in table
             if isinstance(table.get(scope), tuple) and isinstance(scope, str)]  # fmt: skip
    assert len(found) == len(set(found)), sorted(scope for scope in found if found.count(scope) > 1)
    assert set(found) <= set(SCOPES)


def test_every_screen_names_its_scopes_and_its_purpose() -> None:
    for cls in owners(DeckScreen):
        if cls in (DeckScreen, HelpScreen):
            continue
        assert cls.SCOPES, cls
        assert set(cls.SCOPES) <= set(SCOPES), cls
        assert len(cls.HELP) > 40, f"{cls.__name__} does not say what it is for"
        mine = {binding.id for binding in vars(cls)["BINDINGS"]}
        shown = {key.id for scope in (*cls.SCOPES, "screen", "deck") for key in SCOPES[scope][1]}
        assert mine <= shown, f"{cls.__name__}: its help hides {mine - shown}"


def test_help_lists_every_key_of_the_screen(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck(size=(80, 60)) as (app, pilot):
            await pilot.press("question_mark")
            await until(pilot, lambda: isinstance(app.screen, HelpScreen))
            shown = text(app)
            for scope in ("start", "list", "deck"):
                for key in SCOPES[scope][1]:
                    assert key.display_all in shown
                    assert key.help in shown
            assert "Nothing on" in shown
            await pilot.press("escape")
            assert not isinstance(app.screen, HelpScreen)

    run(test)


def test_names_of_keys_are_those_on_the_keyboard() -> None:
    assert BY_ID["deck.help"].display_all == "? F1"
    assert BY_ID["deck.palette"].display == "^P"
    assert BY_ID["list.bottom"].display_all == "G End"
    assert BY_ID["screen.previous"].display == "Shift-Tab"
    assert [b.id for b in bindings("screen")] == [key.id for key in SCOPES["screen"][1]]  # type: ignore[union-attr]
