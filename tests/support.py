"""What a test needs from the machine, and the skip with its reason when that is not there.

Each helper may be called inside a test or fixture, where it skips at once, or used as a mark, where the machine is
looked at just before the test would run:

    def test_maps_agree(tmp_path):
        needs_tool("ddrescuelog")
        ...

    pytestmark = [needs_fuse(), needs_tool("ddrescue")]

With RESCUEDECK_NO_SKIP=1 in the environment what is missing fails the test instead. Missing privilege (no root) is not
a missing tool: those tests still skip.
"""

from __future__ import annotations

import ctypes.util
import functools
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

NO_SKIP = "RESCUEDECK_NO_SKIP"
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


class MissingError(AssertionError):
    """Something is missing on this machine although nothing may be skipped."""


@dataclass(frozen=True)
class _Lack:
    """A condition for skipif that looks only when it is asked; `find` gives the reason, or None when all is there."""

    find: Callable[[], str | None]
    may_fail: bool = True

    def reason(self) -> str | None:
        """Why the test cannot run, or None. MissingError when it has to run."""
        why = self.find()
        if why and self.may_fail and os.environ.get(NO_SKIP, "") not in ("", "0"):
            raise MissingError(f"{why}; {NO_SKIP} is set, so this test may not be skipped")
        return why

    def __bool__(self) -> bool:
        return self.reason() is not None


def find_tool(name: str) -> str | None:
    """Full path of a program, also where only root has it in the PATH."""
    return shutil.which(name) or shutil.which(name, path=_SBIN)


def needs_tool(name: str) -> pytest.MarkDecorator:
    """The test runs the program `name`."""
    return _demand(lambda: None if find_tool(name) else f"{name} is not installed", f"needs {name}")


def needs_package(name: str, why: str) -> pytest.MarkDecorator:
    """The test uses a Python package that has no wheel everywhere; ``why`` says where it has none."""
    found = importlib.util.find_spec(name) is not None
    return _demand(lambda: None if found else f"the Python package {name} is not installed: {why}", f"needs {name}")


def needs_file(path: str, what: str) -> pytest.MarkDecorator:
    """The test uses a part of a program that has no name of its own: a file at `path`."""
    return _demand(lambda: None if os.path.exists(path) else f"{what} is not installed", f"needs {what}")


def needs_root() -> pytest.MarkDecorator:
    """The test attaches loop devices or does other things that only root may."""
    return _demand(lambda: None if os.geteuid() == 0 else "needs root", "needs root", may_fail=False)


def needs_loop() -> pytest.MarkDecorator:
    """The test attaches loop devices: root, and a kernel that lets it (containers often do not)."""
    if os.geteuid() != 0:
        return needs_root()
    return _demand(_loop_lack, "needs loop devices")


def needs_fuse() -> pytest.MarkDecorator:
    """The test mounts FUSE file systems. Found out by mounting one (once in each process)."""
    return _demand(_fuse_lack, "needs FUSE")


def _demand(find: Callable[[], str | None], what: str, may_fail: bool = True) -> pytest.MarkDecorator:
    lack = _Lack(find, may_fail)
    if "PYTEST_CURRENT_TEST" in os.environ:  # inside a test, not while tests are collected
        try:
            why = lack.reason()
        except MissingError as error:
            pytest.fail(str(error), pytrace=False)
        if why:
            pytest.skip(why)
    return pytest.mark.skipif(lack, reason=what)  # type: ignore[arg-type]


def _loop_lack() -> str | None:
    if not os.path.exists("/dev/loop-control"):
        return "no /dev/loop-control: this machine offers no loop devices"
    if not find_tool("losetup"):
        return "losetup is not installed"
    return None


@functools.cache
def _fuse_lack() -> str | None:
    if not os.path.exists("/dev/fuse"):
        return "no /dev/fuse: FUSE is not available here"
    if not (ctypes.util.find_library("fuse3") or ctypes.util.find_library("fuse")):
        return "libfuse3 is not installed"
    if not find_tool("fusermount3") and os.geteuid() != 0:
        return "fusermount3 (package fuse3) is not installed"
    from tests.failing_disk import FailingDisk, FailingDiskError

    with tempfile.TemporaryDirectory(prefix="fuse-trial-") as folder:
        image = Path(folder, "image")
        image.write_bytes(bytes(4096))
        try:
            with FailingDisk(image, workdir=folder) as disk:
                disk.path.stat()
        except (FailingDiskError, OSError) as error:
            return f"a FUSE file system could not be mounted: {error}"
    return None
