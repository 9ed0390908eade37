"""Everything that rescuedeck saves, each as a piece of work that can be broken off at any of its calls."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

from engine.errors import NotFoundError, RescueError
from tests.safety.sweep import Scenario, State
from tui.commands import run as command

MIB = 1 << 20
MAP = "0x0 ? 1\n0x0 0x100000 +\n0x100000 0x100000 ?\n"


def cli(*words: object) -> Callable[[Path], object]:
    """The command line, called in the folder; ``FIXED`` is the folder of what is only read."""

    def work(folder: Path) -> int:
        known = str(folder.parent / "fixed")
        return command([str(word).replace("FIXED", known) for word in words])

    return work


def several(*works: Callable[[Path], object]) -> Callable[[Path], object]:
    """One after the other, until one fails."""

    def work(folder: Path) -> object:
        code: object = 0
        for one in works:
            code = one(folder)
            if isinstance(code, int) and code > 1:
                return code
        return code

    return work


def guarded(work: Callable[[Path], object]) -> Callable[[Path], object]:
    """A function of the engine, its errors told as the command line tells them."""

    def done(folder: Path) -> object:
        try:
            work(folder)
        except RescueError as error:
            os.write(2, f"{error}\n".encode())
            return error.exit_code
        return 0

    return done


def files(folder: Path, *, skip: Callable[[str], bool] = lambda _: False) -> State:
    """What stands below a folder under a final name: each file's digest. Temporary names are known by their form."""
    found: State = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and not temporary(path.name) and not skip(name):
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    return found


def temporary(name: str) -> bool:
    """Whether a name says that the file is not finished."""
    return name.endswith((".part", ".tmp")) or ".part-" in name


def _json(path: Path, *keys: str) -> object:
    value = json.loads(path.read_bytes()) if path.exists() else None
    for key in keys:
        value = None if value is None else value.get(key)
    return value


def anew(work: Callable[[Path], object], *patterns: str) -> Callable[[Path], object]:
    """As the message of a refused output advises: remove what is not finished, then do it again."""

    def again(folder: Path) -> object:
        for pattern in patterns:
            for path in folder.glob(pattern):
                path.unlink()
        return work(folder)

    return again


# --- maps


def _map(folder: Path) -> None:
    (folder / "disk.map").write_text(MAP)


def _edits_waiting(folder: Path) -> None:
    """A session that was lost: one edit in the journal. In a process of its own, so that no lock is kept."""
    import subprocess
    import sys

    _map(folder)
    code = (
        "import os, sys\nfrom engine.mapedit import Document, SetStatus\nfrom engine.ranges import RangeSet\n"
        "Document.open(sys.argv[1]).apply(SetStatus(RangeSet.of(0x100000, 0x110000), '-'))\nos._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code, folder / "disk.map"], cwd=Path(__file__).parents[2], timeout=60)


def _look_map(folder: Path) -> State:
    from engine.mapedit.generations import generations_of
    from engine.mapfile import read_map

    path = folder / "disk.map"
    for one in generations_of(path):
        assert one.path is None or read_map(one.path)
    return {"bad": read_map(path).ranges("-").total}


def _look_edits(folder: Path) -> State:
    from engine.mapedit import Document

    opened = Document.open(folder / "disk.map")
    waiting = 0 if opened.offer is None else len(opened.offer.titles)
    return {"bad": opened.map.ranges("-").total, "waiting": waiting}


@guarded
def _edit(folder: Path) -> None:
    from engine.mapedit import Document, SetStatus
    from engine.ranges import RangeSet

    document = Document.open(folder / "disk.map")
    for number in range(3):
        document.apply(SetStatus(RangeSet.of(0x100000 + number * 4096, 0x101000 + number * 4096), "-"))
    document.undo()
    document.reasons()
    os._exit(0)  # the terminal is gone


def _decided(*words: str) -> Callable[[Path], object]:
    """What a person does after a crash in the middle of an edit: carry out what waits, or else ask again."""

    def work(folder: Path) -> object:
        waiting = _look_edits(folder)["waiting"]
        return cli("map", "replay", "disk.map", "--in-place")(folder) if waiting else cli(*words)(folder)

    return work


def _replayed(key: str, found: object) -> bool:
    return key == "waiting" and isinstance(found, int) and 0 <= found <= 3  # edit by edit


_SET = ("map", "set", "disk.map", "1M+64K", "bad-sector", "--in-place", "--note", "x")
_RESTORE = ("map", "restore", "disk.map", "1", "--in-place")
MAPS = [
    Scenario("map set", _map, cli(*_SET), _look_map, again=_decided(*_SET)),
    Scenario("map restore", lambda folder: _after(folder, _map, _SET), cli(*_RESTORE), _look_map,
             again=_decided(*_RESTORE)),
    Scenario("map replay", _edits_waiting, cli("map", "replay", "disk.map", "--in-place"), _look_edits),
    Scenario("map discard", _edits_waiting, cli("map", "replay", "disk.map", "--discard"), _look_edits),
    Scenario("map edits", _map, _edit, _look_edits, resumes=False, allowed=_replayed),
    Scenario("map out", _map, cli("map", "invert", "disk.map", "-o", "out.map", "--force"),
             lambda folder: files(folder)),
]  # fmt: skip


def _after(folder: Path, prepare: Callable[[Path], object], *lines: tuple[str, ...]) -> None:
    prepare(folder)
    before = os.getcwd()
    os.chdir(folder)
    try:
        for words in lines:
            assert cli(*words)(folder) in (0, 1), words
    finally:
        os.chdir(before)


SCENARIOS: list[Scenario] = [*MAPS]


# --- cases, reports, small files


def _image(folder: Path, name: str = "disk.img", size: int = 96 << 10) -> Path:
    path = folder / name
    path.write_bytes(b"".join(struct.pack("<QQ", number, number * 2654435761) for number in range(size // 16)))
    return path


def _case(folder: Path) -> None:
    _after(folder, _image, ("case", "create", "case", "--title", "old", "--source", folder / "disk.img"))


def _look_case(folder: Path) -> State:
    from engine.cases import load_case, read_history

    try:
        case = load_case(folder / "case")
    except NotFoundError:
        return {"title": None, "history": ()}
    return {"title": case.title, "history": tuple(entry.action for entry in read_history(case))}


@guarded
def _change_case(folder: Path) -> None:
    import dataclasses

    from engine.cases import load_case, record
    from engine.cases.case import save_case

    case = load_case(folder / "case")
    save_case(dataclasses.replace(case, title="new"))
    if not any(entry == "renamed" for entry in _look_case(folder)["history"]):  # type: ignore[attr-defined]
        record(case, "renamed", note="y" * 3000)


@guarded
def _small_files(folder: Path) -> None:
    """What a case keeps beside: bookmarks, options, strategy, a request to a rescue, its status."""
    from engine.cases.subject import Subject
    from engine.hex.bookmarks import Bookmark, add_bookmark
    from engine.rescue.control import send
    from engine.rescue.options import RescueOptions
    from engine.rescue.presets import StrategyPreset, save_preset, save_strategy

    add_bookmark(Subject(folder / "disk.img", None), Bookmark(512, 16, "here", None))
    save_preset(folder / "case", RescueOptions(retry_passes=2))
    save_strategy(folder / "case", StrategyPreset("drop-off", 12.0))
    send(folder / "case", "pause")


def _look_small_files(folder: Path) -> State:
    from engine.cases.subject import Subject
    from engine.hex.bookmarks import load_bookmarks
    from engine.rescue.control import read_request
    from engine.rescue.presets import load_preset, load_strategy

    options, request = load_preset(folder / "case"), read_request(folder / "case")
    strategy = load_strategy(folder / "case")
    assert not strategy.ignored
    return {
        "marks": tuple(mark.name for mark in load_bookmarks(Subject(folder / "disk.img", None))),
        "retries": None if options is None else options.retry_passes,
        "strategy": (strategy.strategy, strategy.hang_limit_s),
        "request": None if request is None else request.action,
    }


def _report_of(folder: Path) -> State:
    path = folder / "case.html"
    return {"report": path.read_bytes().endswith(b"</html>\n") if path.exists() else None}


def _reported(folder: Path) -> None:
    _case(folder)
    _after(folder, _nothing, ("report", "case", "-o", "case.html"))
    assert _change_case(folder) == 0


def _report_title(folder: Path) -> State:
    text = (folder / "case.html").read_text()
    return {**_report_of(folder), "title": "new" in text}


_SAVE = ("hex", "disk.img", "--at", "512", "--size", "70000", "--save", "out.bin")
CASES = [
    Scenario("case create", _image, cli("case", "create", "case", "--title", "t", "--source", "disk.img"), _look_case,
             resumes=False),
    Scenario("case change", _case, _change_case, _look_case),
    Scenario("case files", _case, _small_files, _look_small_files),
    Scenario("report", _case, cli("report", "case", "-o", "case.html"), _report_of),
    Scenario("report again", _reported, cli("report", "case", "-o", "case.html", "--force"), _report_title),
    Scenario("hex save", _image, cli(*_SAVE), files, again=anew(cli(*_SAVE), "out.bin*")),
]  # fmt: skip


# --- repairs


def _broken_table(folder: Path) -> None:
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
    _broken_table(folder)
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
    Scenario("repair", _broken_table, _repair, _look_repair, again=_repair_again),
    Scenario("undo", _repaired, _undo, _look_repair),
]


# --- sectors, arrays, tables, documents: outputs that are built and then get their names


def _strange(folder: Path) -> None:
    from tests.engine.sectors.writer import convert

    (folder / "raw.img").write_bytes(convert(bytes(range(256)) * 1024, 520, "pi1"))


def _members(folder: Path) -> None:
    for number in (1, 2, 3):
        (folder / f"m{number}.img").write_bytes(bytes([number]) * (256 << 10))


@guarded
def _describe_array(folder: Path) -> None:
    from engine.raid.description import ArrayFile, MemberFile, save_array, save_view
    from engine.raid.layout import Geometry, Layout

    members = tuple(MemberFile(folder / f"m{number}.img", 256 << 10) for number in (1, 2, 3))
    geometry = Geometry(Layout.LEFT_SYMMETRIC, 65536, (0, 1, 2), (0, 0, 0))
    save_array(folder / "set.array", ArrayFile(geometry, members), force=True)
    save_view(folder / "m.sectors", members[0], force=True)


def _table(folder: Path) -> None:
    from tests.engine.artifacts.tables import PEOPLE, people, standard

    (folder / "people.dbf").write_bytes(standard(PEOPLE, people(), code_page=2))


def _letter(folder: Path) -> None:
    from tests.engine.ole2 import writer

    made = writer.write(writer.letter(), writer.Layout())
    (folder / "letter.doc").write_bytes(bytes(512) + made.data[512:])


_CONVERT = ("sectors", "convert", "raw.img", "-o", "plain.img", "--sector-size", "520")
_ASSEMBLE = ("raid", "assemble", "m1.img", "m2.img", "m3.img", "--layout", "left-symmetric", "--strip", "64K",
             "--order", "1,2,3", "-o", "array.img")  # fmt: skip
_TABLES = several(
    anew(cli("decode", "dbf", "people.dbf", "--csv", "people.csv", "--force"), "none"),
    cli("decode", "dbf", "people.dbf", "--repair", "fixed.dbf"),
)
_LETTER = ("ole2", "repair", "letter.doc", "-o", "fixed.doc")
_SALVAGE = ("ole2", "salvage", "letter.doc", "-o", "parts")

OUTPUTS = [
    Scenario("sectors convert", _strange, cli(*_CONVERT), files, again=cli(*_CONVERT, "--force")),
    Scenario("array description", _members, _describe_array, files),
    Scenario("raid assemble", _members, cli(*_ASSEMBLE), files, again=cli(*_ASSEMBLE, "--force")),
    Scenario("table export", _table, _TABLES, files, again=anew(_TABLES, "fixed.dbf*")),
    Scenario("ole2 repair", _letter, cli(*_LETTER), files, again=cli(*_LETTER, "--force")),
    Scenario("ole2 salvage", _letter, cli(*_SALVAGE), files, again=cli(*_SALVAGE, "--force")),
]


# --- jobs: the runner's own process, in its directory


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


def _nothing(_: Path) -> None:
    return


def _volume(folder: Path) -> None:
    """A small FAT volume with files, and a map with a hole in one of them."""
    import subprocess

    from tests.engine.carve.made_files import made
    from tests.support import find_tool

    image = folder / "disk.img"
    image.write_bytes(bytes(400 << 10))
    subprocess.run([str(find_tool("mkfs.vfat")), "-F", "12", image], check=True, capture_output=True)
    for name in ("jpeg", "zip", "png"):
        (folder / name).write_bytes(made(name))
        subprocess.run([str(find_tool("mcopy")), "-i", image, folder / name, "::"], check=True, capture_output=True)
        (folder / name).unlink()


def _out(folder: Path) -> State:
    return files(folder / "out")


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
    _volume(folder)
    _after(folder, _nothing, ("carve", "disk.img", "--list", "--catalogue", folder / "finds.jsonl"))


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
    _letter(folder / "docs")


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
    _broken_table(folder)
    (folder / "disk.map").write_text("0x0 + 1\n0x0 0x200000 +\n")


def _copied(folder: Path) -> State:
    return {"copy": files(folder).get("copy.img")}


def _array_file(folder: Path) -> None:
    _members(folder)
    assert _describe_array(folder) == 0


JOBS = [
    _job_scenario("job self-test", "self-test", _nothing, lambda _: {"steps": 12, "pause_s": 0}),
    _job_scenario("job file-index", "file-index", _volume, lambda at: _source(at, index=str(at / "index.db"), volume=0),
                  _index_state),
    _job_scenario("job file-extract", "file-extract", _volume,
                  lambda at: _source(at, index=str(at / "index.db"), volume=0, target=str(at / "out")), _out),
    _job_scenario("job unallocated", "file-extract", _volume,
                  lambda at: _source(at, index=str(at / "index.db"), volume=0, target=str(at / "out/free"),
                                     what="unallocated"), _out),
    _job_scenario("job carve-scan", "carve-scan", _volume, lambda at: _source(at, catalogue=str(at / "finds.jsonl")),
                  _finds, allowed=_growing),
    _job_scenario("job carve-free", "carve-scan", _volume,
                  lambda at: _source(at, catalogue=str(at / "finds.jsonl"), free=True), _finds, allowed=_growing),
    _job_scenario("job carve-write", "carve-write", _scanned,
                  lambda at: {"catalogue": str(at / "finds.jsonl"), "target": str(at / "out")}, _out),
    _job_scenario("job hex-search", "hex-search", _image,
                  lambda at: _source(at, pattern={"kind": "hex", "text": "10 00 00 00"})),
    _job_scenario("job partition-search", "partition-search", _volume, lambda at: _source(at, deep=True)),
    _job_scenario("job repair-copy", "repair-copy", _table_and_map, _table_plan, _copied, resumes=False),
    _job_scenario("job raid-export", "raid-export", _array_file,
                  lambda at: {"source": str(at / "set.array"), "target": str(at / "out/array.img")}, _out),
    _job_scenario("job documents-repair", "documents-repair", _documents,
                  lambda at: {"folder": str(at / "docs"), "target": str(at / "out")}, _out, told=_failed_ones),
    _job_scenario("job rescue", "rescue", _rescue, _rescue_arguments, _rescued, allowed=_more_and_more),
]  # fmt: skip

SCENARIOS += [*CASES, *REPAIRS, *OUTPUTS, *JOBS]
