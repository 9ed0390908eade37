"""The job that copies an image and repairs the copy."""

from __future__ import annotations

import os
from typing import Any

from engine.cases import is_case, load_case, record
from engine.cases.repair_copy import repair_copy
from engine.edits import WritePlan
from engine.errors import UsageError
from engine.jobs.context import JobContext

KIND = "repair-copy"


def run(arguments: dict[str, Any], job: JobContext) -> dict[str, Any]:
    """Arguments: ``source`` (absolute path of an image or a case), ``map`` (absolute path or null), ``out`` (absolute
    path of the copy, a new file), ``plan`` (as ``WritePlan.to_json``), ``size`` (of the image, in bytes).

    Result: ``out``, ``undo_file`` (null when nothing was to be written), ``repair``.
    """
    source, out = arguments.get("source"), arguments.get("out")
    if not isinstance(source, str) or not os.path.isabs(source) or not isinstance(out, str) or not os.path.isabs(out):
        raise UsageError("source and out are absolute paths", code="job-arguments")
    try:
        plan = WritePlan.from_json(dict(arguments["plan"]), int(arguments["size"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UsageError("the plan is damaged", code="job-arguments") from error
    done = repair_copy(source, plan, out, map=arguments.get("map"), reporter=job)
    undo_file = None if done.undo_file is None else str(done.undo_file)
    if is_case(source):
        record(load_case(source), "copy-repaired", repair=plan.code, title=plan.title, copy=out)
    return {"out": out, "undo_file": undo_file, "repair": plan.code}
