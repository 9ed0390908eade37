"""Where the demonstration's own programs lie: the failing disk and the writers of broken things.

They belong to the tests, and start as programs. A wheel brings the few modules they need below this folder, as
``parts/tests/...`` (pyproject.toml lists them), so that nothing called ``tests`` is installed beside the packages.
"""

from __future__ import annotations

from pathlib import Path


def program(name: str) -> Path:
    """The main module of ``tests/NAME``, whether or not it is there."""
    here = Path(__file__).resolve()
    packed = here.parent / "parts" / "tests"
    return (packed if packed.is_dir() else here.parents[2] / "tests") / name / "__main__.py"
