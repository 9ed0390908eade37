"""Fixtures of the recorder tests."""

from __future__ import annotations

import pytest

from tests.engine.dvr.disks import Save, saver


@pytest.fixture
def save(tmp_path) -> Save:
    return saver(tmp_path)
