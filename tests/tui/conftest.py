"""Screens see two disks of ours instead of this machine's, and no jobs but those a test makes."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.devices import Device, Use
from tests.tui.shell import make_device


@pytest.fixture
def devices(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    """An idle disk and the system's; change the list to change the machine."""
    listed = [
        make_device("sda", model="SYSTEM SSD", serial="SYS1", system=("/", "swap"), uses=(Use("mount", "/", "sda2"),)),
        make_device("sdb"),
    ]
    for module in ("start", "devices"):
        monkeypatch.setattr(f"tui.screens.{module}.discover", lambda: list(listed))
    return listed


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    where = tmp_path / "work"
    where.mkdir()
    monkeypatch.chdir(where)
    return where
