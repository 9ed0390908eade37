"""The skip helpers: a reason when something is missing, a failure when nothing may be skipped."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests import support

MISSING = "no-such-program-anywhere"


def test_what_is_there_does_not_skip():
    support.needs_tool("sh")
    assert support.find_tool("sh")


def test_a_missing_tool_skips_with_its_name(monkeypatch):
    monkeypatch.delenv(support.NO_SKIP, raising=False)
    with pytest.raises(pytest.skip.Exception, match=MISSING):
        support.needs_tool(MISSING)


@pytest.mark.parametrize("value", ["1", "yes"])
def test_a_missing_tool_fails_when_nothing_may_be_skipped(monkeypatch, value):
    monkeypatch.setenv(support.NO_SKIP, value)
    with pytest.raises(pytest.fail.Exception, match=MISSING):
        support.needs_tool(MISSING)


def test_missing_privilege_skips_even_then(monkeypatch):
    monkeypatch.setenv(support.NO_SKIP, "1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for demand in (support.needs_root, support.needs_loop):
        with pytest.raises(pytest.skip.Exception, match="root"):
            demand()


def test_fuse_that_cannot_be_mounted_has_a_reason(monkeypatch):
    monkeypatch.delenv(support.NO_SKIP, raising=False)
    monkeypatch.setattr(support, "_fuse_lack", lambda: "no /dev/fuse: FUSE is not available here")
    with pytest.raises(pytest.skip.Exception, match="/dev/fuse"):
        support.needs_fuse()


@pytest.mark.parametrize(("no_skip", "outcome"), [("0", "skipped"), ("1", "failed")])
def test_the_helpers_are_marks_too(tmp_path, no_skip, outcome):
    (tmp_path / "test_inner.py").write_text(
        "from tests.support import needs_tool\n"
        f"@needs_tool({MISSING!r})\ndef test_a(): pass\n"
        "@needs_tool('sh')\ndef test_b(): pass\n"
    )
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    environment = {**os.environ, support.NO_SKIP: no_skip, "PYTHONPATH": root}
    del environment["PYTEST_CURRENT_TEST"]
    command = [sys.executable, "-m", "pytest", "-q", "-rsfE", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    done = subprocess.run([*command, str(tmp_path)], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert f"1 {outcome}" in done.stdout or f"1 {outcome.replace('failed', 'error')}" in done.stdout
    assert "1 passed" in done.stdout
    assert MISSING in done.stdout
