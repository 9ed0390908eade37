"""What a drive says about its own health, through ``smartctl``; asked on request only.

Asking can harm: one question to a drive that hangs blocked for two minutes and could not be killed, and type detection
wakes sleeping disks. So a drive that looks ill is not asked unless the person insists, and nothing is ever switched on
or tested.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from engine import tools
from engine.devices.drive_state import Look, look, looks_ill
from engine.devices.health_report import Health, parse_health
from engine.devices.lsblk import Run
from engine.errors import OutsideError, RefusedError
from engine.host.blocks import node_of_path, whole_disk
from engine.host.roots import HERE, Roots

TIMEOUT_S = 20.0
_PAUSE_S = 0.5


def why_not_ask(
    name: str,
    *,
    unstable: bool = False,
    roots: Roots = HERE,
    look_at: Callable[[str], Look] | None = None,
    pause: Callable[[float], None] = time.sleep,
) -> str | None:
    """Why this drive should be left alone now, in words; None when asking it is all right.

    ``unstable`` is what the case says of it. Takes a second look half a second later when requests are under way.
    """
    if unstable:
        return "it is marked as unstable"
    see = look_at or (lambda which: look(which, roots))
    first = see(name)
    reason = looks_ill(first)
    if reason is None and first.counters is not None and first.counters.in_flight:
        pause(_PAUSE_S)
        reason = looks_ill(first, see(name))
    return reason


def read_health(
    path: str,
    *,
    unstable: bool = False,
    insist: bool = False,
    device_type: str | None = None,
    timeout_s: float = TIMEOUT_S,
    roots: Roots = HERE,
    run: Run = tools.run,
    program: str | None = None,
    earlier: Health | None = None,
) -> Health:
    """Ask the drive at ``path`` how it is. Blocks for up to ``timeout_s``: call it from a worker or a job.

    ``device_type`` goes to ``smartctl -d`` (``sat`` for many USB bridges; by trial only, it can wedge one). Raises
    ``RefusedError`` (code ``drive-ill``) for a drive that looks ill unless ``insist``, ``OutsideError`` when smartctl
    is missing or does not answer.
    """
    node = node_of_path(path, roots)
    if node is None:
        raise OutsideError("there is no such device", code="missing", path=path, advice="see: rescuedeck devices")
    disk = whole_disk(node, roots)
    reason = None if insist else why_not_ask(disk, unstable=unstable, roots=roots)
    if reason is not None:
        raise RefusedError(
            f"the drive was not asked for its health: {reason}",
            code="drive-ill",
            path=path,
            advice="a question can hang it for good; insist only when its image is complete",
        )
    smartctl = program or tools.need_tool("smartctl", "smartmontools", "the health of drives")
    argv = [smartctl, "--json", "--nocheck=standby,3", "--info", "--health", "--attributes", "--log=error"]
    if device_type is not None:
        argv.append(f"--device={device_type}")
    target = path if node == disk else roots.node_path(disk)
    finished = run([*argv, str(Path(target).absolute())], timeout_s=timeout_s)
    return parse_health(finished.stdout, finished.status, asked_at=time.time(), earlier=earlier)
