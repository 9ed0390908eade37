"""Where the deck keeps its own small files. Images, maps and cases never go to a default place."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_log_path


def log_directory() -> Path:
    """Log and crash files; made when missing."""
    return user_log_path("rescuedeck", appauthor=False, ensure_exists=True)
