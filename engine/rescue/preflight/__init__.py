"""What is looked at before a rescue starts: the source, the target, the map, and whether they are three things.

Nothing here writes; a device is only opened, in a child process, never read.
"""

from __future__ import annotations

from engine.rescue.preflight.checks import preflight, raise_if_refused, refused, run_checks
from engine.rescue.preflight.model import Check, Machine, Request, Severity

__all__ = ["Check", "Machine", "Request", "Severity", "preflight", "raise_if_refused", "refused", "run_checks"]
