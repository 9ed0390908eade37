"""Devices: which disks there are, what uses them, how they are, and which of them is the one we know.

Nothing here opens a disk, except the health check on request (``smartctl``) and the content check, both in a child
process with a limit.
"""

from __future__ import annotations

from engine.devices.discover import discover, find_device, identify
from engine.devices.model import Counters, Device, Identity, Partition, Port, Use

__all__ = ["Counters", "Device", "Identity", "Partition", "Port", "Use", "discover", "find_device", "identify"]
