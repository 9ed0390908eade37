"""Screens over failing drives see two disks of ours, as the tests of screens do."""

from tests.tui.conftest import devices, folder

__all__ = ["devices", "folder"]
