"""The archive as a whole: built from what is installed here, started by somebody else, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from release.lock import ROOT
from tests.support import needs_tool

pytestmark = pytest.mark.full


def start(archive: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Starts it as a person who is not root, with no network, where that can be had."""
    command = [os.path.realpath(sys.executable), str(archive), *arguments]
    if os.geteuid() == 0:
        os.chown(home, 65534, 65534)
        # The interpreter must be one that everybody may run.
        theirs = f"/usr/bin/python3.{sys.version_info.minor}"
        if os.access(theirs, os.X_OK):
            somebody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            command = [*somebody, theirs, *command[1:]]
        command = ["unshare", "-n", *command]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=280, check=False, cwd="/",
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(home), "LANG": "C.UTF-8"},
    )  # fmt: skip


@pytest.fixture
def folder() -> Iterator[Path]:
    """One that everybody may enter; pytest closes its own."""
    with tempfile.TemporaryDirectory(prefix="rescuedeck-whole-archive-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_archive_of_what_is_installed_works_elsewhere(folder: Path) -> None:
    needs_tool("unshare")
    needs_tool("setpriv")
    out = folder / "a stick"
    built = subprocess.run(
        [sys.executable, "-m", "release", "--installed", "--fast", "--out", str(out)], cwd=ROOT, capture_output=True,
        text=True, timeout=280, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    archive = Path(built.stdout.strip())
    assert archive.parent == out
    home = folder / "home"
    home.mkdir()
    out.chmod(0o555)

    first = start(archive, home, "--version")
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("rescuedeck ")
    assert "do not load" not in first.stderr
    again = start(archive, home, "doctor", "--json")
    assert again.stderr == ""
    told = json.loads(again.stdout)
    assert told["installation"]["kind"] == "archive"
    assert told["installation"]["command"] == f"'{archive}'"
    assert [package for package in told["packages"] if package["version"] is None] == []
    made = start(archive, home, "demo", "--no-open", "--json", str(home / "demo"))
    assert made.returncode == 0, made.stderr
    lacks = json.loads(made.stdout)["lacks"]
    stopped = start(archive, home, "demo", "--stop", str(home / "demo"))
    assert stopped.returncode == 0
    assert "did not come along" not in (lacks or "")
    assert {"recorder.img", "letter.doc", "healthy.img"} <= {path.name for path in (home / "demo").iterdir()}
    tree = start(archive, home, "parts", "tree", str(home / "demo" / "healthy.img"))
    assert "FAT32" in tree.stdout
    files = start(archive, home, "fs", "list", str(home / "demo" / "healthy.img"), "--volume", "1")
    assert files.returncode in (0, 1), files.stderr
