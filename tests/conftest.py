"""Settings for all tests: reproducible properties without deadlines, private folders for state and settings."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("rescuedeck", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("rescuedeck")


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    """The program sets its own; a test that runs it in this process must not leave it to the next one."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or leaves anything in the person's own settings, state and cache."""
    home = tmp_path_factory.mktemp("xdg")
    for name in ("CONFIG", "STATE", "CACHE", "DATA"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
