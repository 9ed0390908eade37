"""Rules for screens and widgets that hold for every module: no markup from anywhere, no toasts, no device reads."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "tui").rglob("*.py"))
MARKED_UP = {"Static", "Label", "Button", "OptionList", "Checkbox", "RadioButton"}


def calls(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_text_is_ever_markup(path: Path) -> None:
    for call in calls(path):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        if name in MARKED_UP:
            off = [k for k in call.keywords if k.arg == "markup" and getattr(k.value, "value", None) is False]
            assert off, f"{path}:{call.lineno}: {name} would read its text as markup"
        assert name not in ("from_markup", "notify"), f"{path}:{call.lineno}: {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_screen_process_reads_no_source(path: Path) -> None:
    """A thread stuck in a read cannot be cancelled: sources are opened by commands and jobs, not by screens."""
    if path.parent.name == "commands":
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert not (node.module or "").startswith("engine.source"), f"{path}:{node.lineno}"
            assert "open_source" not in {alias.name for alias in node.names}, f"{path}:{node.lineno}"


def test_the_app_stays_small() -> None:
    assert len((ROOT / "tui" / "app.py").read_text().splitlines()) < 200
