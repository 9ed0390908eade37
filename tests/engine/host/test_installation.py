"""Each kind of installation is known by what its installer leaves behind, and its advice fits it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.host.installation import ARCHIVE_MARK, find_installation, how_to_get
from release import start


def environment(folder: Path) -> tuple[Path, Path]:
    """An environment's folder, and where its packages lie."""
    site = folder / "lib" / "python3.13" / "site-packages"
    site.mkdir(parents=True)
    return folder, site


@pytest.mark.parametrize(
    ("kind", "mark", "update", "add"),
    [
        ("pipx", "pipx_metadata.json", "pipx install --force ", "pipx inject rescuedeck pytsk3"),
        ("uv tool", "uv-receipt.toml", "uv tool install --force ", "uv tool install --force --with pytsk3 "),
        ("pip", "pyvenv.cfg", "/bin/python -m pip install --upgrade ", "/bin/python -m pip install pytsk3"),
    ],
)
def test_installers_of_wheels(tmp_path: Path, kind: str, mark: str, update: str, add: str) -> None:
    prefix, site = environment(tmp_path / "e")
    (prefix / mark).write_text("")
    found = find_installation(prefix, site)
    assert found.kind == kind
    assert found.command == str(prefix / "bin" / "rescuedeck")
    assert update in found.update
    assert found.update.endswith(".whl")
    assert add in found.add_package.format("pytsk3")
    assert "wheel" in found.title


def test_the_archive_is_named_by_its_file(tmp_path: Path) -> None:
    prefix, site = environment(tmp_path / "e")
    assert ARCHIVE_MARK == start.MARK
    mark = start.mark_of("/media/a stick/rescuedeck.pyz", {"version": "1", "key": "k"})
    (prefix / ARCHIVE_MARK).write_text(json.dumps(mark))
    found = find_installation(prefix, site)
    assert found.kind == "archive"
    assert found.command == "'/media/a stick/rescuedeck.pyz'"
    for damaged in ("", "[]", "{}"):
        (prefix / ARCHIVE_MARK).write_text(damaged)
        assert find_installation(prefix, site).kind == "archive"


def test_a_checkout_is_started_by_its_launcher_and_updated_by_git(tmp_path: Path) -> None:
    root = tmp_path / "a checkout"
    root.mkdir()
    for name in ("rescuedeck", "pyproject.toml"):
        (root / name).write_text("")
    prefix, _site = environment(root / ".venv-0123456789ab-py3.13")
    found = find_installation(prefix, root)
    assert (found.kind, found.command) == ("checkout", f"'{root}/rescuedeck'")
    assert "git" not in found.update
    (root / ".git").mkdir()
    assert find_installation(prefix, root).update.startswith(f"git -C '{root}' pull; ")


def test_this_one_is_a_checkout() -> None:
    assert find_installation().kind == "checkout"
    assert Path(find_installation().place, "engine").is_dir()
    assert sys.prefix


def test_debian_packages_where_there_is_no_apt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.host.installation.SEARCH_PATH", str(tmp_path))
    assert how_to_get("gddrescue") == "install gddrescue (its name in Debian)"
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    assert how_to_get("gddrescue") == "apt install gddrescue"
