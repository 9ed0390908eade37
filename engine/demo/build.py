"""Building the demonstration: one disk, two patients, two cases."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import write_atomic
from engine.cases import Case, create_case, is_case, load_case, record
from engine.demo import patients
from engine.demo.disk import DISK_SECTORS, write_disk
from engine.demo.drive import DemoDrive, serve, stop, why_not
from engine.demo.extras import make_extras
from engine.demo.fat import SECTOR
from engine.errors import RefusedError, outside
from engine.progress import SILENT, Reporter
from engine.rescue.options import RescueOptions
from engine.rescue.presets import save_preset

MARKER = ".rescuedeck-demo"
_README = """This folder was made by `rescuedeck demo`. It may be deleted as a whole once the drives are stopped:

    rescuedeck demo --stop FOLDER

healthy.img    the disk as it would read if nothing were wrong: compare what you rescued with it
scratched/     a case: a drive with a scratch, single bad sectors, a slow zone, sectors that come at the third attempt
drops-off/     a case: a drive that falls off the bus at two places until its power is cycled (where FUSE is there)
recorder.img   the disk of a video recorder, with recorder.map: recordings, two of them with unread places
letter.doc     a Word document that lost its header
drives/        the failing drives themselves
"""
_POWER = """
Their power switches, for when one has dropped off: run the command in another terminal, then let the rescue go on.
"""


@dataclass(frozen=True, slots=True)
class Demo:
    """What was built: ``case`` to open first, all ``cases``, files, and ``lacks`` (in words, what could not be)."""

    directory: Path
    case: Path
    cases: tuple[Path, ...]
    files: tuple[Path, ...]
    power_commands: dict[str, list[str]]
    lacks: str | None


def build_demo(directory: Path, reporter: Reporter = SILENT) -> Demo:
    """Make the demonstration in ``directory``, or bring an existing one back to life (drives served again).

    Raises ``RefusedError`` when the folder holds something else.
    """
    directory = directory.absolute()
    _claim(directory)
    disk = directory / "healthy.img"
    if not disk.exists():
        part = directory / f".healthy.{os.getpid()}.tmp"
        try:
            write_disk(part, reporter)
            os.replace(part, disk)
        except OSError as error:
            raise outside(error, "cannot write the demonstration disk", disk) from error
        finally:
            part.unlink(missing_ok=True)
    lacks = why_not()
    cases: list[Case] = []
    power: dict[str, list[str]] = {}
    if lacks is None:
        for name, profile in (("scratched", patients.scratched()), ("drops-off", patients.drops_off())):
            drive = serve(directory / "drives" / name, disk, profile)
            power[name] = drive.power_command
            cases.append(_case(directory / name, drive, profile))
    else:
        cases.append(_simulated_case(directory, disk))
    reporter.update(0, None, message="a recorder's disk and a broken document")
    extras = make_extras(directory)
    _describe(directory, power)
    files = [disk, *extras, *(case.directory for case in cases)]
    return Demo(directory, cases[0].directory, tuple(c.directory for c in cases), tuple(files), power, lacks)


def stop_demo(directory: Path) -> int:
    """Stop serving the drives of the demonstration in ``directory``; returns how many there were."""
    if not (directory / MARKER).exists():
        raise RefusedError("that is no demonstration folder", path=directory)
    drives = directory / "drives"
    return sum(stop(folder) for folder in sorted(drives.iterdir())) if drives.is_dir() else 0


def _claim(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not (directory / MARKER).exists():
            if any(directory.iterdir()):
                raise RefusedError(
                    "the folder holds other files", code="exists", path=directory, advice="name another folder"
                )
            write_atomic(directory / MARKER, b"1\n")
    except OSError as error:
        raise outside(error, "cannot use the folder", directory) from error


def _describe(directory: Path, power: dict[str, list[str]]) -> None:
    """The folder's README: what lies where, and how the drives' power is cycled."""
    text = _README
    if power:
        text += _POWER + "".join(f"\n{name}:\n    {shlex.join(command)}\n" for name, command in power.items())
    write_atomic(directory / "README.txt", text.encode("utf-8", "surrogateescape"))


_TITLES = {"scratched": "A scratched drive", "drops-off": "A drive that drops off the bus"}


def _case(directory: Path, drive: DemoDrive, profile: dict[str, Any]) -> Case:
    if is_case(directory):
        return load_case(directory)
    case = create_case(
        directory,
        title=_TITLES[directory.name],
        source_path=str(drive.path),
        source_size=DISK_SECTORS * SECTOR,
        identity={"size_bytes": DISK_SECTORS * SECTOR, **profile["identity"]},
    )
    save_preset(case.directory, RescueOptions(idirect=True, check_on_error=directory.name == "drops-off"))
    record(case, "case-created", source=case.source_path, note="demonstration")
    return case


def _simulated_case(directory: Path, disk: Path) -> Case:
    """Without FUSE: the healthy disk as source, bad places played by ddrescue's test mode, slowed down to be seen."""
    where = directory / "scratched"
    if is_case(where):
        return load_case(where)
    faults = directory / "faults.map"
    write_atomic(faults, patients.test_mode_map())
    case = create_case(where, title=_TITLES["scratched"], source_path=str(disk), source_size=DISK_SECTORS * SECTOR)
    save_preset(case.directory, RescueOptions(test_mode=str(faults), max_read_rate=patients.SPEED))
    record(case, "case-created", source=case.source_path, note="demonstration, bad places simulated by ddrescue")
    return case
