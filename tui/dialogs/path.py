"""Paths as people write them on the input line: what they mean, and how they could go on."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from engine.errors import UsageError

_MAX_LOOKED_AT = 5000


def written_path(text: str) -> Path:
    """The absolute path that ``text`` means; ``~`` is the home directory. Looks at nothing. Raises ``UsageError``."""
    if not text.strip() or "\0" in text:
        raise UsageError("name a path", code="bad-path")
    return Path(os.path.abspath(os.path.expanduser(text.strip())))


def complete_path(text: str) -> list[str]:
    """Paths that begin with ``text`` (``~`` is the home directory), folders with a slash at the end."""
    written = os.path.expanduser(text)
    head, name = os.path.split(written)
    try:
        with os.scandir(head or ".") as scan:
            entries = [entry for entry in islice(scan, _MAX_LOOKED_AT) if entry.name.startswith(name)]
    except OSError:
        return []
    found = [os.path.join(head, entry.name) + ("/" if entry.is_dir() else "") for entry in entries]
    return sorted(path for path in found if name.startswith(".") or not _is_hidden(path))


def _is_hidden(path: str) -> bool:
    return os.path.basename(path.rstrip("/")).startswith(".")
