"""The size of a source, from sysfs for a device: without opening it."""

from __future__ import annotations

import os

from engine.devices.sysfs import SECTOR
from engine.host.blocks import node_of_path
from engine.host.roots import HERE, read_int


def source_size(path: str) -> int | None:
    """Bytes of a block device (as the kernel knows it) or a file; None when it is not there or size 0."""
    node = node_of_path(path)
    if node is not None:
        return (read_int(HERE.node_directory(node) / "size") or 0) * SECTOR or None
    try:
        return os.stat(path).st_size or None
    except OSError:
        return None
