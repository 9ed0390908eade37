from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.jobs.helpers import end_all


@pytest.fixture
def jobs_dir(tmp_path: Path) -> Iterator[Path]:
    """A folder for jobs; what still runs at the end of the test is killed."""
    folder = tmp_path / "jobs"
    folder.mkdir(mode=0o700)
    yield folder
    end_all(folder)
