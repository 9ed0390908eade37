"""The manual page and the words for shells that a wheel brings are those of the program."""

from __future__ import annotations

import pytest

from release.lock import ROOT
from release.reference import MADE


@pytest.mark.parametrize("name", sorted(set(MADE) - {"docs/reference.md"}))
def test_shared_files_are_as_the_program(name: str) -> None:
    assert (ROOT / name).read_text() == MADE[name](), "run: ./rescuedeck python -m release.reference"
