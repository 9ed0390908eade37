"""Jobs: the runner's own process, in its directory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path

from engine.errors import NotFoundError, OutsideError, RescueError
from tests.safety.pieces import MIB, after, anew, files, guarded, image, nothing, volume
from tests.safety.saves_outputs import describe_array, letter, members, table
from tests.safety.saves_repairs import broken_table
from tests.safety.sweep import Scenario, State


def job(kind: str, prepare: Callable[[Path], object], arguments: Callable[[Path], dict[str, object]]) -> tuple[
    Callable[[Path], None], Callable[[Path], object]
]:  # fmt: skip
    """How a job of that kind is made and how it is run; its directory is ``jobs/job``."""

    def make(folder: Path) -> None:
        from engine.jobs import create

        prepare(folder)
        made = create(kind, arguments(folder), folder / "jobs")
        made.directory.rename(folder / "jobs" / "job")

    def work(folder: Path) -> object:
        from engine.jobs.run import main

        return main([str(folder / "jobs" / "job")])

    return make, work


def job_state(folder: Path) -> State:
    """Whether it is done, by the program's own reader; one that crashed with a traceback is a failure of the test."""
    from engine.jobs import load

    found = load(folder / "jobs" / "job")
    assert found.error is None or found.error.code != "crash", found.error
    return {"done": found.state.value == "done"}


def _job_scenario(
    name: str, kind: str, prepare: Callable[[Path], object], arguments: Callable[[Path], dict[str, object]],
    look: Callable[[Path], State] = lambda _: {}, **more: object,
) -> Scenario:  # fmt: skip
    make, work = job(kind, prepare, arguments)
    return Scenario(name, make, work, lambda folder: {**job_state(folder), **look(folder)}, **more)  # type: ignore[arg-type]


def _out(folder: Path) -> State:
    return files(folder / "out", skip=lambda name: name.endswith(".jsonl.1"))  # the list before this one is kept


def _index_state(folder: Path) -> State:
    from engine.filesystems.index import Index

    try:
        with Index(folder / "index.db") as index:
            return {"entries": tuple(sorted(entry.name for entry in index.everything()))}
    except NotFoundError:
        return {"entries": None}


def _source(folder: Path, **more: object) -> dict[str, object]:
    return {"source": str(folder / "disk.img"), **more}


def _finds(folder: Path) -> State:
    from engine.carve.catalogue import read_finds

    path = folder / "finds.jsonl"
    return {"finds": sorted({find.start for find in read_finds(path)}) if path.exists() else []}


def _growing(key: str, found: object) -> bool:
    return key == "finds" and isinstance(found, list)  # finds come in batches, and a resume begins at the checkpoint


def _scanned(folder: Path) -> None:
    volume(folder)
    after(folder, nothing, ("carve", "disk.img", "--list", "--catalogue", folder / "finds.jsonl"))


def _rescue(folder: Path) -> None:
    (folder / "disk.img").write_bytes(os.urandom(300_000))


def _rescue_arguments(folder: Path) -> dict[str, object]:
    return {"source": str(folder / "disk.img"), "image": str(folder / "image.img"), "map": str(folder / "rescue.map"),
            "strategy": "standard", "min_free": 0}  # fmt: skip


def _rescued(folder: Path) -> State:
    """What the map calls finished is in the image, byte for byte; how much that is may be anything on the way."""
    from engine.mapfile import read_map

    path, image = folder / "rescue.map", folder / "image.img"
    source = (folder / "disk.img").read_bytes()
    if not path.exists() or not path.stat().st_size:
        return {"rescued": 0, "source": hashlib.sha256(source).hexdigest()}
    held = image.read_bytes() if image.exists() else b""
    total = 0
    for low, high in read_map(path).ranges("+"):
        assert held[low:high] == source[low:high], "the map calls finished what the image does not hold"
        total += high - low
    return {"rescued": total, "source": hashlib.sha256(source).hexdigest()}


def _more_and_more(key: str, found: object) -> bool:
    return key == "rescued" and isinstance(found, int)


def _documents(folder: Path) -> None:
    (folder / "docs").mkdir()
    letter(folder / "docs")


def _failed_ones(folder: Path) -> bool:
    from engine.jobs.documents import load_outcomes

    return any(one.state == "error" for one in load_outcomes(folder / "jobs" / "job"))


def _table_plan(folder: Path) -> dict[str, object]:
    from engine.edits import Draft
    from engine.source import FileSource

    with FileSource(folder / "disk.img") as source:
        draft = Draft(source)
        draft.put(446, b"NEW" * 20, "because")
        plan = draft.plan("test", "a test")
    return _source(folder, out=str(folder / "copy.img"), plan=plan.to_json(), size=2 * MIB,
                   map=str(folder / "disk.map"))  # fmt: skip


def _table_and_map(folder: Path) -> None:
    broken_table(folder)
    (folder / "disk.map").write_text("0x0 + 1\n0x0 0x200000 +\n")


def _copied(folder: Path) -> State:
    return {"copy": files(folder).get("copy.img")}


def _array_file(folder: Path) -> None:
    members(folder)
    assert describe_array(folder) == 0


def _fixed(folder: Path) -> Path:
    """A folder of what is only read, beside the one that is worked on."""
    fixed = folder.parent / "fixed"
    fixed.mkdir(exist_ok=True)
    return fixed


def _recorder(folder: Path) -> None:
    from tests.dvr_disks.samples import pioneer_disk
    from tests.engine.dvr.clock.streams import Maker

    pioneer_disk(_fixed(folder) / "disk.img", lambda seconds, number: Maker(number).stream(seconds, 2), seconds=2)


def _stream(folder: Path) -> None:
    from tests.engine.dvr.clock.streams import Maker

    (folder / "disk.img").write_bytes(Maker(1).stream(12, 10) + bytes(1 << 20) + Maker(2).stream(12, 10))


def _recorded_scan(folder: Path) -> State:
    from engine.recordings import clockwork

    try:
        return {"pieces": len(clockwork.load(folder / "jobs" / "job" / "work").puzzle.pieces)}
    except RescueError:
        return {"pieces": None}


def _array_members(folder: Path) -> None:
    """Three members that are small, but in which parity can be found."""
    import random

    from engine.raid.layout import Layout
    from tests.engine.raid.writer import lay, save

    laid = lay(random.Random(1).randbytes(MIB), 3, 16384, Layout.LEFT_SYMMETRIC.value)
    save(laid, folder / "set", seed=5)


def _broken_find(folder: Path) -> None:
    """A picture in two pieces, and the catalogue of a scan that found the first."""
    from tests.engine.carve.made_files import picture

    data = picture("JPEG", (320, 240))
    half = len(data) // 2 // 4096 * 4096
    (folder / "disk.img").write_bytes(data[:half] + bytes(range(256)) * 32 + data[half:] + bytes(8192))
    after(folder, nothing, ("carve", "disk.img", "--list", "--catalogue", folder / "finds.jsonl"))


def _together(folder: Path) -> State:
    from engine.carve.catalogue import newest, read_finds

    return {"pieces": tuple(len(find.extents) for find in newest(read_finds(folder / "finds.jsonl")))}


def _own_state(folder: Path) -> None:
    os.environ["XDG_STATE_HOME"] = str(folder / "state")


@guarded
def _create_job(folder: Path) -> None:
    from engine.jobs import create

    _own_state(folder)
    create("self-test", {"steps": 1}, folder / "jobs")


def _listed(folder: Path) -> State:
    from engine.jobs import list_jobs

    listing = list_jobs(folder / "jobs")
    assert not listing.problems, listing.problems
    return {"jobs": tuple(job.state.value for job in listing.jobs)[:1]}


@guarded
def _remove_job(folder: Path) -> None:
    from engine.jobs import remove

    _own_state(folder)
    remove(folder / "jobs" / "job")


def _half_removed(key: str, found: object) -> bool:
    return key == "jobs" and found == ("lost",)  # its state has gone, its name not yet; removing it again ends it


def _finished_job(folder: Path) -> None:
    import subprocess
    import sys

    make, _ = job("self-test", nothing, lambda _: {"steps": 2, "pause_s": 0})
    make(folder)
    subprocess.run([sys.executable, "-m", "engine.jobs.run", folder / "jobs" / "job"], check=True, timeout=60,
                   cwd=Path(__file__).parents[2])  # fmt: skip


@guarded
def _long_journal(folder: Path) -> None:
    from engine.jobs.directory import JobDirectory
    from engine.jobs.ledger import Ledger

    with JobDirectory(folder / "jobs" / "job") as directory:
        ledger = Ledger(directory, segment_bytes=400)
        for number in range(6):
            ledger.record("note", {"number": number, "words": "x" * 100})
        ledger.checkpoint(None)
        trouble = ledger.trouble
        ledger.close()
        if trouble:
            raise OutsideError(trouble)


def _journal_state(folder: Path) -> State:
    """What was noted is there without a gap up to the last."""
    from engine.jobs.journal import JournalTail

    numbers = [event.seq for event in JournalTail(folder / "jobs" / "job").read()]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True, numbers
    return {"last": numbers[-1] if numbers else 0}


def _number(key: str, found: object) -> bool:
    return key == "last" and isinstance(found, int)


def _holed_volume(folder: Path) -> None:
    """One of the files lies in part where nobody has read."""
    from tests.dvr_disks.samples import map_with
    from tests.engine.carve.made_files import made

    volume(folder)
    data = (folder / "disk.img").read_bytes()
    at = data.index(made("jpeg")[:64]) // 512 * 512
    map_with(folder / "disk.map", len(data), [(at + 512, 512)])


def _broken_off(folder: Path) -> None:
    """An extraction that was killed while its first file was written."""
    from tests.safety.ptraced import Fault, run

    make, work = job("file-extract", _holed_volume, _extract_holed)
    make(folder)

    def first(at: Path) -> object:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        return work(at)

    calls = run(lambda: first(folder), folder, None).calls
    number = next(call.number for call in calls if call.name.startswith("pwrite") and call.path.endswith(".part")
                  and "/out/" in call.path)  # fmt: skip
    import shutil

    for path in list(folder.iterdir()):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    make(folder)
    run(lambda: first(folder), folder, Fault("kill", number + 1))


def _extract_holed(at: Path) -> dict[str, object]:
    return _source(at, index=str(at / "index.db"), volume=0, target=str(at / "out"), map=str(at / "disk.map"))


def _crash_file(folder: Path) -> object:
    from tui.crash import report
    from tui.terminal import detect

    _own_state(folder)
    return report(ValueError("x"), detect({}, encoding="utf-8"))


def _crash_files(folder: Path) -> State:
    found = [path.read_text().startswith("rescuedeck") for path in folder.rglob("crash-*.txt")]
    return {"crash": found[:1]}


@guarded
def _exports(folder: Path) -> None:
    from engine.cases.artifacts import export, save_bytes

    export(folder / "people.dbf", "dbf", 0, folder / "people.json")
    save_bytes(b"x" * 10_000, folder / "bytes", force=True)


def _films(folder: Path) -> None:
    """A recorder's disk whose streams ffmpeg can put together."""
    from tests.dvr_disks.samples import pioneer_disk
    from tests.engine.dvr.clock.streams import ffmpeg_stream

    pioneer_disk(_fixed(folder) / "disk.img", lambda seconds, number: ffmpeg_stream(number, seconds), seconds=2)


def _films_out(folder: Path) -> State:
    """Which files there are: what ffmpeg writes differs in its time stamps, and what it is told (``.txt``) stays
    when it is killed."""
    return {name: True for name in _out(folder) if "/" not in name and not name.endswith(".txt")}


def _problems(folder: Path) -> bool:
    """What ffmpeg could not put together is said in the result, and the parts are kept."""
    path = folder / "jobs" / "job" / "written.json"
    return path.exists() and bool(json.loads(path.read_text())["problems"])


JOBS = [
    _job_scenario("job self-test", "self-test", nothing, lambda _: {"steps": 12, "pause_s": 0}),
    _job_scenario("job file-index", "file-index", volume, lambda at: _source(at, index=str(at / "index.db"), volume=0),
                  _index_state),
    _job_scenario("job file-extract", "file-extract", volume,
                  lambda at: _source(at, index=str(at / "index.db"), volume=0, target=str(at / "out")), _out),
    _job_scenario("job file-extract holed", "file-extract", _holed_volume, _extract_holed, _out),
    Scenario("job file-extract going on", _broken_off, job("file-extract", nothing, _extract_holed)[1],
             lambda folder: {**job_state(folder), **_out(folder)}),
    Scenario("job create", nothing, _create_job, _listed, again=_create_job),
    Scenario("job remove", _finished_job, _remove_job, _listed, allowed=_half_removed),
    Scenario("job journal", _finished_job, _long_journal, _journal_state, resumes=False, allowed=_number),
    Scenario("crash file", nothing, _crash_file, _crash_files),
    Scenario("exports", table, _exports, files, again=anew(_exports, "people.json")),
    _job_scenario("job unallocated", "file-extract", volume,
                  lambda at: _source(at, index=str(at / "index.db"), volume=0, target=str(at / "out/free"),
                                     what="unallocated"), _out),
    _job_scenario("job carve-scan", "carve-scan", volume, lambda at: _source(at, catalogue=str(at / "finds.jsonl")),
                  _finds, allowed=_growing),
    _job_scenario("job carve-free", "carve-scan", volume,
                  lambda at: _source(at, catalogue=str(at / "finds.jsonl"), free=True), _finds, allowed=_growing),
    _job_scenario("job carve-write", "carve-write", _scanned,
                  lambda at: {"catalogue": str(at / "finds.jsonl"), "target": str(at / "out")}, _out),
    _job_scenario("job hex-search", "hex-search", image,
                  lambda at: _source(at, pattern={"kind": "hex", "text": "10 00 00 00"})),
    _job_scenario("job partition-search", "partition-search", volume, lambda at: _source(at, deep=True)),
    _job_scenario("job repair-copy", "repair-copy", _table_and_map, _table_plan, _copied, resumes=False),
    _job_scenario("job raid-export", "raid-export", _array_file,
                  lambda at: {"source": str(at / "set.array"), "target": str(at / "out/array.img")}, _out),
    _job_scenario("job documents-repair", "documents-repair", _documents,
                  lambda at: {"folder": str(at / "docs"), "target": str(at / "out")}, _out, told=_failed_ones),
    _job_scenario("job recordings-extract", "recordings-extract", _recorder,
                  lambda at: {"source": str(_fixed(at) / "disk.img"), "target": str(at / "out"), "ids": ["1", "5"],
                              "pictures": False}, _out),
    _job_scenario("job recordings together", "recordings-extract", _films,
                  lambda at: {"source": str(_fixed(at) / "disk.img"), "target": str(at / "out"), "ids": ["2"],
                              "container": "mpg"}, _films_out, told=_problems, needs="ffmpeg"),
    _job_scenario("job recordings-scan", "recordings-scan", _stream, lambda at: {"source": str(at / "disk.img")},
                  _recorded_scan),
    _job_scenario("job raid-detect", "raid-detect", _array_members,
                  lambda at: {"members": [{"path": str(path)} for path in sorted((at / "set").glob("m?"))]},
                  resumes=False),
    _job_scenario("job carve-pieces", "carve-pieces", _broken_find,
                  lambda at: {"catalogue": str(at / "finds.jsonl"), "start": 0}, _together, resumes=False),
    _job_scenario("job rescue", "rescue", _rescue, _rescue_arguments, _rescued, allowed=_more_and_more),
]  # fmt: skip
