"""Looks as data: style sheets and colour themes. Nothing outside this package names a colour."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath


def sheet(name: str) -> str:
    """The absolute path of the style sheet ``name`` (without ``.tcss``). Raises ``FileNotFoundError``."""
    path = files(__name__).joinpath(f"{name}.tcss")
    if not path.is_file():
        raise FileNotFoundError(f"no style sheet {name!r}")
    return str(path)


def sheets() -> list[str | PurePath]:
    """The paths of all style sheets, the base first."""
    names = sorted(entry.name[:-5] for entry in files(__name__).iterdir() if entry.name.endswith(".tcss"))
    names.remove("base")
    return [sheet("base"), *(sheet(name) for name in names)]
