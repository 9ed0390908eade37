"""Repairs in place, and taking them back."""

from __future__ import annotations

import hashlib
from pathlib import Path

from tests.safety.pieces import MIB, cli, guarded
from tests.safety.sweep import Scenario, State


def broken_table(folder: Path) -> None:
    """A table whose partition begins where no boot sector is."""
    from tests.engine.partitions.disks import blank, entry, put, table

    image = blank(folder / "disk.img", 2 * MIB)
    put(image, 0, table(entry(0x83, 63, 2000), entry(0x83, 3000, 500)))
    (folder / "undo").mkdir()


@guarded
def _repair(folder: Path) -> None:
    from engine.edits import Draft, apply_plan
    from engine.source import FileSource

    with FileSource(folder / "disk.img") as source:
        draft = Draft(source)
        for place in (446, 4096, 70_000):
            draft.put(place, b"NEW" * 40, "because")
        plan = draft.plan("test", "a test")
    apply_plan(plan, folder / "disk.img", undo_dir=folder / "undo")


def _look_repair(folder: Path) -> State:
    """Half written is neither old nor new unless the undo file leads back from it; so that is tried on a copy."""
    import shutil

    from engine.edits import undo, unfinished

    image = folder / "disk.img"
    waiting = unfinished(folder / "undo", image)
    if waiting:
        scratch = folder.parent / "scratch"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(folder, scratch)
        undo(waiting[0].path)
        back = hashlib.sha256(image.read_bytes()).hexdigest()
        shutil.rmtree(folder)
        scratch.rename(folder)
        return {"image": back}
    return {"image": hashlib.sha256(image.read_bytes()).hexdigest()}


def _undo(folder: Path) -> object:
    (undo_file,) = sorted((folder / "undo").glob("*undo*"))
    return cli("parts", "undo", undo_file)(folder)


def _repaired(folder: Path) -> None:
    broken_table(folder)
    assert _repair(folder) == 0


def _repair_again(folder: Path) -> object:
    """What waits is taken back first, then the repair is made."""
    from engine.edits import undo, unfinished

    for waiting in unfinished(folder / "undo", folder / "disk.img"):
        undo(waiting.path)
    return 0 if _look_repair(folder) != _LOOKED.setdefault("old", _look_repair(folder)) else _repair(folder)


_LOOKED: dict[str, State] = {}


@guarded
def _copy_and_repair(folder: Path) -> None:
    from engine.cases.repair_copy import repair_copy
    from engine.edits import Draft
    from engine.source import FileSource

    with FileSource(folder / "disk.img") as source:
        draft = Draft(source)
        draft.put(446, b"NEW" * 20, "because")
        plan = draft.plan("test", "a test")
    (folder / "disk.map").write_text("0x0 + 1\n0x0 0x200000 +\n")
    repair_copy(folder / "disk.img", plan, folder / "copy.img", map=folder / "disk.map")


REPAIRS = [
    Scenario("repair", broken_table, _repair, _look_repair, again=_repair_again),
    Scenario("undo", _repaired, _undo, _look_repair),
]
