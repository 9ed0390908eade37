"""Volumes are made once for all tests."""

from __future__ import annotations

import pytest

from tests.engine.partitions.volume_kinds import Makery


@pytest.fixture(scope="session")
def make_volume(tmp_path_factory: pytest.TempPathFactory) -> Makery:
    """``make_volume(name)``: the file of a volume of ``SAMPLES``."""
    return Makery(tmp_path_factory.mktemp("volumes"))
