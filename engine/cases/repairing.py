"""From a command line's SOURCE to what a repair may write to: the image of a case, an image, or a device on purpose."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.cases.arrays import is_array
from engine.cases.case import Case, is_case, load_case
from engine.cases.history import record
from engine.edits import Applied, Lift, Undone, WritePlan, apply_plan, read_journal, undo
from engine.errors import OutsideError, RefusedError, outside
from engine.mapfile.lock import map_holder
from engine.source import open_path
from engine.text import parse_range


@dataclass(frozen=True, slots=True)
class RepairPlace:
    """Where the repairs of a source are written. ``shift`` is the window's start; ``size`` the target's, in bytes."""

    path: str
    size: int
    shift: int
    undo_dir: Path
    is_device: bool
    case: Case | None = None


def repair_place(
    text: str | os.PathLike[str],
    *,
    window: str | None = None,
    undo_dir: str | os.PathLike[str] | None = None,
) -> RepairPlace:
    """What SOURCE names, to be written to. Undo files go into the case, beside the image, or for a device into the
    present folder, if ``undo_dir`` names no other.

    Raises ``RefusedError`` while a rescue works on the case's image.
    """
    case = load_case(text) if is_case(text) else None
    path = os.fspath(case.image if case is not None else text)
    if case is not None:
        _refuse_running(case)
    if is_array(path):
        raise RefusedError("what is assembled or read through is never written to", code="array", path=path,
                           advice="write it as an image first (raid assemble, sectors convert)")  # fmt: skip
    try:
        is_device = stat.S_ISBLK(os.stat(path).st_mode)
    except OSError as error:
        raise outside(error, "cannot open", path) from error
    with open_path(path) as source:
        size = source.size
    if undo_dir is not None:
        folder = Path(undo_dir)
    elif case is not None:
        folder = case.undo_dir
    else:
        folder = Path.cwd() if is_device else Path(path).absolute().parent
    if not folder.is_dir():
        raise OutsideError("the folder for undo files does not exist", code="missing", path=folder)
    shift = parse_range(window)[0] if window is not None else 0
    return RepairPlace(path, size, shift, folder, is_device, case)


def _refuse_running(case: Case) -> None:
    holder = map_holder(case.map) if case.map.exists() else None
    if holder is not None:
        raise RefusedError(
            f"process {holder.pid} works on this case's image ({holder.command})", code="target-in-use",
            path=case.image, advice="stop the rescue first",
        )  # fmt: skip


def device_word(path: str | os.PathLike[str]) -> tuple[str, dict[str, Any]]:
    """What a person types to lift the read-only mode of a device, and the facts that the undo file keeps of it.

    The word is the last four characters of the serial number; the kernel name where there is none.
    """
    from engine.devices import find_device
    from engine.devices.target import confirmation_word

    device = find_device(os.fspath(path))
    if device is None:
        raise OutsideError("the kernel tells nothing of this device", code="device-gone", path=path)
    return confirmation_word(device), {"model": device.model, "serial": device.serial, "wwn": device.wwn}


def apply_repair(plan: WritePlan, place: RepairPlace, *, typed: str | None = None) -> Applied:
    """Write a plan that was made on SOURCE, and note it in the case's history. ``typed`` is the word for a device.

    Raises as ``apply_plan``.
    """
    lift, identity = _lift(place.path, typed) if place.is_device else (None, {})
    done = apply_plan(
        plan.shifted(place.shift, place.size), place.path, undo_dir=place.undo_dir, lift=lift, identity=identity
    )
    if place.case is not None and done.undo_file is not None:
        record(place.case, "repaired", repair=plan.code, title=plan.title, bytes=plan.total,
               undo_file=done.undo_file.name)  # fmt: skip
    return done


def _lift(path: str, typed: str | None) -> tuple[Lift, dict[str, Any]]:
    word, identity = device_word(path)
    return Lift(word, typed or ""), identity


def target_of(undo_file: str | os.PathLike[str], target: str | os.PathLike[str] | None = None) -> tuple[str, bool]:
    """What an undo would write to, and whether that is a device."""
    path = os.fspath(target) if target is not None else read_journal(undo_file).target
    return path, _is_device(path)


def undo_repair(
    undo_file: str | os.PathLike[str],
    *,
    target: str | os.PathLike[str] | None = None,
    forward: bool = False,
    typed: str | None = None,
) -> Undone:
    """Take a repair back (or complete one that was cut short). A device must be the one that the undo file names.

    Raises as ``engine.edits.undo``.
    """
    journal = read_journal(undo_file)
    path = os.fspath(target) if target is not None else journal.target
    lift = None
    if _is_device(path):
        lift, identity = _lift(path, typed)
        known = {key: journal.identity.get(key) for key in identity}
        if journal.kind == "device" and known != identity:
            raise RefusedError(
                "this is another device than the one that was repaired", code="target-changed", path=path,
                advice=f"the undo file belongs to {known.get('model')}, serial number {known.get('serial')}",
            )  # fmt: skip
    case = _case_of(Path(undo_file))
    if case is not None:
        _refuse_running(case)
    done = undo(undo_file, target=target, forward=forward, lift=lift)
    if case is not None:
        record(case, "repair-completed" if forward else "repair-undone", repair=journal.plan.code,
               undo_file=journal.path.name)  # fmt: skip
    return done


def _is_device(path: str) -> bool:
    try:
        return stat.S_ISBLK(os.stat(path).st_mode)
    except OSError as error:
        raise outside(error, "cannot open", path) from error


def _case_of(undo_file: Path) -> Case | None:
    folder = undo_file.absolute().parent.parent
    return load_case(folder) if undo_file.absolute().parent.name == "undo" and is_case(folder) else None
