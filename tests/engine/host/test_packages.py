"""Python packages are judged by really loading them; one that ends its process does not end the question."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from engine.host.packages import PACKAGES, Package, look_at_packages

ROOT = Path(__file__).parents[3]


def test_the_table_names_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {package.name for package in PACKAGES} == {
        wanted.partition(";")[0].partition(">")[0] for wanted in project["dependencies"]
    }


def test_each_is_told_apart(tmp_path: Path) -> None:
    """There, not there, failing, printing, dying by a signal: in one go."""
    modules = {
        "loads": "", "fails": "raise OSError('no such processor\\nsecond line')", "prints": "print('[]\\nhello')",
        "dies": "import os, signal; os.kill(os.getpid(), signal.SIGILL)", "lacks": "import nothing_of_that_name",
    }  # fmt: skip
    for name, text in modules.items():
        (tmp_path / f"{name}.py").write_text(text)
        about = tmp_path / f"{name}-1.5.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    names = ["dies", "loads", "fails", "absent", "prints", "lacks", "loads_too"]
    (tmp_path / "loads_too.py").write_text("")
    states = look_at_packages([Package(name, name, "") for name in names], str(python))
    assert [state.package.name for state in states] == names
    found = {state.package.name: (state.version, state.problem) for state in states}
    assert found["loads"] == ("1.5", None)
    assert found["prints"] == ("1.5", None)
    assert found["absent"] == (None, None)
    assert found["fails"] == (None, "no such processor")
    assert found["lacks"] == (None, "No module named 'nothing_of_that_name'")
    assert found["dies"] == (None, "it ends the program that loads it (status -4)")
    assert found["loads_too"] == ("?", None)  # it loads, although nobody installed it


def test_a_python_that_does_not_start(tmp_path: Path) -> None:
    (state,) = look_at_packages([Package("x", "x", "")], str(tmp_path / "none"))
    assert state.version is None
    assert "does not start" in (state.problem or "")
