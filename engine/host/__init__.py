"""What this machine knows about its own storage: mounts, the stack of block devices under a path, free space.

Ground floor: facts from ``/proc`` and ``/sys`` only, no disk is opened. Everything takes ``Roots``, so that a recorded
tree can stand in for the machine.
"""

from __future__ import annotations

from engine.host.roots import HERE, DevNo, Roots

__all__ = ["HERE", "DevNo", "Roots"]
