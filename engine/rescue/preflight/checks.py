"""All checks in one row."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from engine.errors import RefusedError
from engine.rescue.preflight.mapcheck import check_map
from engine.rescue.preflight.model import Check, Machine, Request, Severity
from engine.rescue.preflight.source import look_at_source
from engine.rescue.preflight.target import check_disks, check_image, check_map_folder, check_three_things

Pathish = str | os.PathLike[str]


def preflight(
    source_path: Pathish,
    image_path: Pathish,
    map_path: Pathish,
    domain_bytes: int | None = None,
    *,
    machine: Machine | None = None,
    **more: Any,
) -> list[Check]:
    """Everything that is known to go wrong before a rescue has begun; ``more`` are fields of ``Request``.

    Takes up to half a minute when the drive hangs (it is opened in a child process): call it from a worker or a job.
    """
    case = more.pop("case_directory", None)
    request = Request(
        source=os.path.abspath(source_path),
        image=os.path.abspath(image_path),
        map=os.path.abspath(map_path),
        domain_bytes=domain_bytes,
        case_directory=os.path.abspath(case) if case is not None else None,
        **more,
    )
    return run_checks(request, machine)


def run_checks(request: Request, machine: Machine | None = None) -> list[Check]:
    """All checks of a request, in the order source, target, map."""
    if machine is None:
        machine = Machine(keep=(request.case_directory,) if request.case_directory is not None else ())
    facts, checks = look_at_source(request, machine)
    checks += check_three_things(request, machine)
    checks += check_disks(request, facts, machine)
    checks += check_image(request, facts, machine)
    checks += check_map_folder(request, machine)
    checks += check_map(request, facts, machine)
    return checks


def refused(checks: Iterable[Check]) -> list[Check]:
    """Those that forbid the start."""
    return [check for check in checks if check.severity is Severity.REFUSE]


def raise_if_refused(checks: Iterable[Check]) -> None:
    """Raise ``RefusedError`` with the first refusal (and how many more there are); its code is the check's."""
    against = refused(checks)
    if not against:
        return
    first, more = against[0], len(against) - 1
    tail = f" (and {more} more)" if more else ""
    raise RefusedError(first.message + tail, code=first.code, advice=first.advice or None)
