"""What rescuedeck keeps and reads again: job directories, results, cases, undo files, journals, settings. Anybody may
have written them: a case comes from a stick, a job directory lies in a shared folder."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from engine.carve.catalogue import read_finds
from engine.cases.case import load_case
from engine.cases.folder import look_around
from engine.cases.generations import list_maps
from engine.cases.history import read_history
from engine.cases.subject import Subject
from engine.cases.taking import Choice
from engine.edits.journal import create_journal, read_journal
from engine.edits.plan import Write, WritePlan
from engine.edits.undo import unfinished
from engine.errors import RescueError
from engine.extract.ledger import Ledger
from engine.hex.bookmarks import bookmarks_path, load_bookmarks
from engine.jobs.documents import OUTCOMES_FILE, load_outcomes
from engine.jobs.eta import remaining_text
from engine.jobs.journal import JournalTail, parse_line
from engine.jobs.partition_search import load_result
from engine.jobs.raid import load_detection, members_of
from engine.jobs.snapshot import load
from engine.jobs.store import list_jobs
from engine.mapedit.journal import Journal
from engine.recordings.clockwork import load as load_clockwork
from engine.recordings.extracting import Order
from engine.recordings.look import Place
from engine.rescue.arguments import RescueArguments
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.powerfile import load_switch
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.control import read_request
from engine.rescue.plan import PassRecord
from engine.rescue.presets import load_preset, load_strategy
from engine.rescue.status import read_status
from engine.source.extents import BytesSource
from tests.fuzz.folder import folder
from tests.fuzz.target import Target

_CUT = b"\n---\n"


def _parts(data: bytes, count: int) -> list[bytes]:
    parts = data.split(_CUT, count - 1)
    return parts + [b""] * (count - len(parts))


def _tried(*calls: Callable[[], object]) -> list[object]:
    told: list[object] = []
    for call in calls:
        try:
            told.append(call())
        except RescueError as error:
            told.append((error.message, error.advice))
    return told


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def job(data: bytes) -> object:
    """A job directory: spec, state, journal, checkpoint."""
    place = folder("jobs") / "20240101-000000-x"
    place.mkdir(mode=0o700, exist_ok=True)
    for name, part in zip(
        ("spec.json", "state.json", "journal.jsonl", "checkpoint.json"), _parts(data, 4), strict=True
    ):
        (place / name).write_bytes(part)

    def whole() -> object:
        found = load(place)
        json.dumps(found.document())
        return found.title, found.kind, found.message, found.warning, found.error, remaining_text(found)

    def events() -> object:
        tail = JournalTail(place)
        tail.read()
        return tail.seq

    return [*_tried(whole, events), len(list_jobs(place.parent).jobs), parse_line(data[:1000]) is None]


def _jobs() -> Iterator[bytes]:
    state = {"state": "running", "pid": 1, "host": "h", "done": 5, "total": 10, "unit": "B", "rate": 1.5,
             "message": "m", "facts": {"a": 1}, "started": 1.7e9, "updated": 1.7e9, "elapsed_s": 3.5, "runs": 1,
             "error": {"message": "x", "code": "y", "advice": None, "exit_code": 3}, "result": {"r": 1}}  # fmt: skip
    spec = {
        "kind": "rescue",
        "arguments": {"source": "/dev/sdb"},
        "title": "t",
        "created": 1.7e9,
        "asked_by": {"uid": 0},
    }
    event = {"seq": 1, "time": 1.7e9, "event": "note", "message": "x"}
    for name in ("running", "done", "failed", "queued", "stopping"):
        yield _CUT.join([_json(spec), _json({**state, "state": name}), _json(event) + b"\n" + _json(event), b"{}"])


def case(data: bytes) -> object:
    """A case: its file, history, generations of the map, bookmarks, presets, and the folder it lies in."""
    place = folder("case")
    names = ("case.json", "history.jsonl", "maps/0001.json", "rescue-options.json", "rescue-strategy.json")
    (place / "maps").mkdir(exist_ok=True)
    (place / "maps" / "0001.map").write_bytes(b"0 +\n0 512 +\n")
    for name, part in zip(names, _parts(data, len(names)), strict=True):
        (place / name).write_bytes(part)

    def history() -> object:
        return len(read_history(load_case(place)))

    def beside() -> object:
        return len(look_around(place).finds)

    load_preset(place)
    load_strategy(place)
    return _tried(history, lambda: len(list_maps(place / "maps")), beside)


def _cases() -> Iterator[bytes]:
    source = {"path": "/dev/sdb", "size": 1 << 40, "sector_size": 512, "identity": {"serial": "S"}}
    made = {"format": 1, "title": "t", "created": "2024-01-01T00:00:00+00:00", "image": "disk.img", "map": "disk.map",
            "source": source}  # fmt: skip
    action = {"time": "2024-01-01T00:00:00+00:00", "action": "created", "by": "x"}
    preset = {"no_scrape": True, "retry_passes": 3}
    strategy = {"strategy": "plain", "hang_limit_s": 60.0, "campaign": CampaignSettings().to_json()}
    note = {"time": "2024", "note": "n", "command": None}
    yield _CUT.join([_json(made), _json(action), _json(note), _json(preset), _json(strategy)])
    yield _CUT.join([_json({**made, "image": "../../etc/passwd"}), b"", b"{}", b"[]", b"{}"])


def undo(data: bytes) -> object:
    """An undo file, its check sums made right by the fuzzer's harness: what is fuzzed is what the records say."""
    import hashlib

    place = folder("undo")
    lines = []
    for line in data.split(b"\n"):
        body = line[1:] if line[:1] != b"!" else line
        lines.append(b"%d %s %s" % (len(body), hashlib.sha256(body).hexdigest().encode(), body) if body else line)
    path = place / "x.undo"
    path.write_bytes(b"\n".join(lines) + b"\n")
    target = place / "target.img"
    target.write_bytes(bytes(4096))

    def read() -> object:
        made = read_journal(path)
        return made.finished

    return _tried(read, lambda: len(unfinished(place, target)))


def _undos() -> Iterator[bytes]:
    place = folder("undo-seed")
    plan = WritePlan("mbr", "A table", 4096, (Write(0, bytes(512), b"\1" * 512, "why"),), ("note",))
    path = create_journal(place, plan, str(place / "target.img"), "file", {"serial": "x"})
    data = path.read_bytes()
    os.unlink(path)
    yield b"\n".join(b" " + line.split(b" ", 2)[2] for line in data.splitlines())


RESULTS = ("search.json", "detection.json")


def results(data: bytes) -> object:
    """What finished jobs have found."""
    kind, text = (data[0] & 7 if data else 0), data[1:]
    place = folder("results")
    if kind == 0:
        from engine.jobs import partition_search

        (place / partition_search._RESULT).write_bytes(text)
        return _tried(lambda: load_result(place).volumes)
    if kind == 1:
        from engine.jobs import raid

        (place / raid._RESULT).write_bytes(text)
        return _tried(lambda: load_detection(place).verdict)
    if kind == 2:
        (place / "finds.jsonl").write_bytes(text)
        return _tried(lambda: len(list(read_finds(place / "finds.jsonl"))))
    if kind == 3:
        (place / OUTCOMES_FILE).write_bytes(text)
        return _tried(lambda: len(load_outcomes(place)))
    if kind == 4:
        from engine.recordings import clockwork

        found, _, decided = text.partition(_CUT)
        (place / clockwork.FOUND).write_bytes(found)
        (place / clockwork.DECIDED).write_bytes(decided)
        return _tried(lambda: load_clockwork(place).size)
    if kind == 5:
        image = place / "image"
        image.write_bytes(b"")
        path = bookmarks_path(Subject(image))
        path.write_bytes(text)
        return _tried(lambda: load_bookmarks(Subject(image)))
    if kind == 6:
        (place / "ledger").write_bytes(text)
        ledger = Ledger(place / "ledger", "p", Path("/t"))
        return _tried(lambda: len(ledger.known))
    journal = Journal(place / "a.map", "digest")
    journal.path.write_bytes(text)
    return _tried(lambda: journal.offered()[1])


def _results() -> Iterator[bytes]:
    from engine.cases.documents import Outcome
    from engine.partitions.search.search import search
    from engine.raid.detect import detect
    from tests.engine.partitions.disks import entry, table

    disk = (table(entry(7, 8, 100)) + bytes(512 * 200)).ljust(512 * 300, b"\0")
    yield b"\0" + _json(search(BytesSource(disk), deep=True).to_json())
    yield b"\1" + _json(detect([BytesSource(disk), BytesSource(disk)], budget=1 << 16).to_json())
    from engine.carve import find as find_module
    from engine.carve.outcome import complete
    from engine.carve.signatures import table as signatures

    find = find_module.make_find(signatures()[1], 0, complete(900, 90, "r"))
    from engine.carve import catalogue

    yield b"\2" + _json({"format": catalogue.FORMAT}) + b"\n" + _json(find.to_json()) + b"\n"
    del Outcome
    yield b"\3{}\n"
    puzzle = {"pieces": [], "joins": [], "ties": [], "others": [], "unread": [[0, 512]], "swapped": False, "size": 4096}
    yield b"\4" + _json(puzzle) + _CUT + _json({"joins": [[0, 1]], "apart": [], "cuts": [2048]})
    yield b"\5" + _json({"bookmarks": [{"offset": 0, "size": 5, "name": "n", "template": "t"}]})
    head = {"extract": 1, "purpose": "p", "target": "/t"}
    began = {"key": "k", "began": "a/b"}
    lines = [head, began, {"key": "k", "synced": 5}, {"key": "k", "lost": [[0, 1]]},
             {"key": "k", "size": 9, "sha256": "a", "missing": [[0, 4]]}]  # fmt: skip
    yield b"\6" + b"\n".join(map(_json, lines)) + b"\n"
    edit = {"do": [], "state": [0, 512], "time": 1.0}
    yield b"\7" + _json({"map-edits": 1, "digest": "digest", "pid": 1, "boot": "x", "time": 1.0}) + b"\n" + _json(edit)


def settings(data: bytes) -> object:
    """Requests to a rescue, its status, arguments of jobs, the file of power switches."""
    place = folder("settings")
    (place / "control.json").write_bytes(data)
    (place / "rescue.json").write_bytes(data)
    (place / "power.toml").write_bytes(data)
    os.chmod(place / "power.toml", 0o600)
    try:
        value: Any = json.loads(data)
    except (ValueError, RecursionError):
        value = None
    told = _tried(lambda: read_request(place), lambda: load_switch("bench", place / "power.toml").shown)
    read_status(place)
    if isinstance(value, dict):
        told += _tried(lambda: CampaignSettings.from_json(value).switch.shown, lambda: RescueArguments.from_json(value))
        makers: tuple[Callable[[dict[str, Any]], object], ...] = (
            Memory.from_json, PassRecord.from_json, Choice.from_json, Place.of, Order.of,
        )  # fmt: skip
        for make in makers:
            try:
                make(value)
            except (ValueError, KeyError, TypeError):
                continue  # what their callers expect: such a value is none of theirs
            except RescueError as error:
                told.append(error.message)
        if isinstance(value.get("members"), list):
            told += _tried(lambda: len(members_of(value["members"])))
    return [part for part in told if isinstance(part, (str, tuple))]


def _settings() -> Iterator[bytes]:
    yield _json({"number": 3, "action": "options", "values": {"retry_passes": 2}})
    yield _json({"number": 3, "action": "recipe", "name": "trim", "now": True})
    yield _json(CampaignSettings().to_json())
    yield b'[bench]\noff = ["uhubctl", "-a", "off"]\non = ["uhubctl", "-a", "on"]\noff_seconds = 5\n'
    yield _json({"source": "/dev/sdb", "image": "/c/i", "map": "/c/m", "options": {}, "size": 1000, "domain": None})
    yield _json({"state": "running", "request": 1, "totals": {}, "pass": "x", "recent": []})


TARGETS = (
    Target("job-directory", job, lambda: _jobs(), runs=500, longest=4096),
    Target("case", case, lambda: _cases(), runs=400, longest=4096),
    Target("undo-file", undo, lambda: _undos(), runs=400, longest=4096),
    Target("kept-results", results, lambda: _results(), runs=900, longest=4096),
    Target("settings", settings, lambda: _settings(), runs=900, longest=4096),
)
