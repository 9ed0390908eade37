"""Running a piece of a test as another user: a child process that gives up root for good."""

from __future__ import annotations

import os
import pickle
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

ANNA, BERT = 64_201, 64_202
"""Numbers that belong to nobody on any machine."""


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """A folder that other users reach too; pytest's own are for their owner alone, and made so again at each start."""
    with tempfile.TemporaryDirectory(prefix="rescuedeck-users-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def as_user(uid: int, work: Callable[[], Any], *, sudo_from: int | None = None) -> Any:
    """What ``work`` returns when that user does it (what it raises fails the test).

    ``sudo_from``: as root on behalf of that user, as sudo has it; ``uid`` is 0 then. Modules must be imported before:
    the other user may not be able to read where Python is.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(reading)
            for name in ("SUDO_UID", "SUDO_GID", "SUDO_USER"):
                os.environ.pop(name, None)
            if sudo_from is not None:
                os.environ |= {"SUDO_UID": str(sudo_from), "SUDO_GID": str(sudo_from)}
            if uid:
                os.setgroups([])
                os.setresgid(uid, uid, uid)
                os.setresuid(uid, uid, uid)
            try:
                answer: Any = ("value", work())
            except BaseException:
                answer = ("error", traceback.format_exc())
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(answer, stream)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        data = stream.read()
    _, status = os.waitpid(child, 0)
    assert status == 0 and data, f"the other user's process ended with {status}"
    kind, value = pickle.loads(data)
    if kind == "error":
        pytest.fail(f"as user {uid}: {value}", pytrace=False)
    return value
