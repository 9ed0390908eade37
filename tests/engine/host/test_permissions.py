"""What doctor says of the rights on drives: by node, for root and for somebody with an ACL or a group."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.host import Roots
from engine.host.permissions import files_have_an_owner, keep_drives_unwritten, read_drives
from tests.engine.machine import FakeMachine
from tests.safety.other_user import ANNA, as_user, folder_for_all
from tests.support import needs_root


@pytest.fixture
def roots() -> Iterator[Roots]:
    """Two drives; Anna may pass through to their nodes."""
    needs_root()
    with folder_for_all() as folder:
        machine = FakeMachine(folder / "machine")
        machine.disk("sda", (8, 0), 1 << 20, "pci0000:00/ata1", {"model": "X"})
        machine.disk("sdb", (8, 16), 1 << 20, "pci0000:00/ata2", {"model": "Y"})
        for name in ("sda", "sdb"):
            os.chmod(machine.dev / name, 0o600)
        yield replace(machine.roots, devno_of=lambda path: (8, 0) if os.path.exists(path) else None)


def test_for_a_user_without_any_right(roots: Roots) -> None:
    told = as_user(ANNA, lambda: read_drives(roots))
    assert not told.ok and "sudo" in told.advice and f"setfacl -m u:{ANNA}:r" in told.advice
    assert as_user(ANNA, lambda: keep_drives_unwritten(roots)).ok
    assert as_user(ANNA, files_have_an_owner).ok


def test_for_a_user_who_may_read_one_of_them(roots: Roots) -> None:
    os.chmod(roots.dev / "sdb", 0o604)
    told = as_user(ANNA, lambda: read_drives(roots))
    assert told.ok and "only" in told.advice and "sdb" in told.advice and "sda" not in told.advice
    assert as_user(ANNA, lambda: keep_drives_unwritten(roots)).ok


def test_for_a_user_who_may_write_to_drives(roots: Roots) -> None:
    for name in ("sda", "sdb"):
        os.chown(roots.dev / name, 0, ANNA)
        os.chmod(roots.dev / name, 0o660)
    assert as_user(ANNA, lambda: read_drives(roots)).advice == ""
    told = as_user(ANNA, lambda: keep_drives_unwritten(roots))
    assert not told.ok and "sdb" in told.advice and "group disk" in told.advice


def test_for_root_with_and_without_sudo(roots: Roots) -> None:
    assert as_user(0, lambda: read_drives(roots)).ok
    assert not as_user(0, lambda: keep_drives_unwritten(roots)).ok
    assert not as_user(0, files_have_an_owner).ok
    assert as_user(0, files_have_an_owner, sudo_from=ANNA).ok
