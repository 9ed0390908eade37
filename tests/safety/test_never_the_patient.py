"""Whole runs of every command, job and screen over a source, traced: nothing that changes anything reaches it."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.jobs import list_jobs
from engine.jobs.kinds import KINDS
from tests.engine.partitions.disks import loop
from tests.safety import patients, visits
from tests.safety.patients import MIB, Patients
from tests.safety.traced import MARK, command, judged, offences
from tests.safety.traced import visits as visits_of
from tests.support import find_tool, needs_loop, needs_tool
from tests.terminal.tmux import CHECKOUT, Pane
from tui.commands import GROUPS, group_parser

pytestmark = [needs_tool("strace"), needs_tool("mkfs.vfat"), needs_tool("mcopy"), needs_tool("sfdisk")]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Patients:
    return patients.make(tmp_path_factory.mktemp("patients"))


def _leaves(parser: argparse.ArgumentParser, words: str) -> Iterator[str]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield words
    for action in below:
        for name, child in action.choices.items():
            yield from _leaves(child, f"{words} {name}")


def test_every_command_is_traced_or_reads_no_source() -> None:
    """A new command over a source has to be added to the visits."""
    all_of_them = {leaf for group in GROUPS for leaf in _leaves(group_parser(group)[1], group)}
    traced = {next(leaf for leaf in all_of_them if f"{' '.join(words)} ".startswith(f"{leaf} "))
              for words in visits.COMMANDS.values()}  # fmt: skip
    assert all_of_them - traced - set(visits.NO_SOURCE) == set()
    assert (set(visits.NO_SOURCE) - all_of_them) | (set(visits.NO_SOURCE) & traced) == set()


def test_every_kind_of_job_is_traced_or_reads_no_source() -> None:
    assert {kind for kind, _ in visits.JOBS.values()} | set(visits.JOBS_WITHOUT) == set(KINDS)


def _visit(made: Patients, folder: Path, plan: list[dict[str, Any]], watched: list[Path]) -> tuple[int, list[str]]:
    """Go through a plan under strace. Returns how often patients were opened and what could have changed one."""
    where, result, log = folder / "plan.json", folder / "result.json", folder / "trace"
    where.write_text(json.dumps(plan))
    argv = command(log, sys.executable, "-m", "tests.safety.visitor", str(where), str(result))
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=280, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-2000:]
    told, lines = json.loads(result.read_text()), visits_of(log)
    failed = {name: one for name, one in told.items() if one["status"] not in (0, 1)}
    assert not failed, failed
    opened, found = 0, []
    for visit in plan:
        name = visit["name"]
        count, bad = judged(lines[name], watched)
        asked = name in ("case create", "devices") and "/dev/" in str(visit)  # what the kernel tells is enough for them
        assert count > 0 or asked, f"{name} never opened a source: {told[name]['said']}"
        opened += count
        found += [f"{name}: {line}" for line in bad]
    return opened, found


def _plan(made: Patients, folder: Path, names: list[str], **more: object) -> list[dict[str, Any]]:
    Path(made.words["OWNMAP"]).write_text(patients.UNTRIED)  # the one that a visit writes to
    plan = []
    for name in names:
        out = folder / name.replace(" ", "-")
        out.mkdir()
        plan.append({"name": name, "words": made.put_in(visits.COMMANDS[name], out, **more)})
    return plan


def _jobs(made: Patients, folder: Path, **more: object) -> list[dict[str, Any]]:
    from engine.edits import Draft
    from engine.raid.description import ArrayFile, MemberFile, save_array
    from engine.raid.layout import Geometry, Layout
    from engine.source import FileSource

    out = folder / "jobs-out"
    out.mkdir()
    with FileSource(made.words["IMAGE"]) as source:
        draft = Draft(source)
        draft.put(446, b"NEW" * 20, "because")
        plan, size = draft.plan("test", "a test").to_json(), source.size
    members = tuple(MemberFile(Path(made.words[f"MEMBER{n}"]), Path(made.words[f"MEMBER{n}"]).stat().st_size)
                    for n in range(3))  # fmt: skip
    save_array(out / "set.array", ArrayFile(Geometry(Layout.LEFT_SYMMETRIC, 16384, (0, 1, 2), (0, 0, 0)), members))
    more = {"PLAN": plan, "SIZE": size, "FIRST": 19 * MIB, **more}
    return [
        {"name": f"job {name}", "kind": kind, "arguments": made.put_in(arguments, out, **more),
         "folder": str(folder / "jobs")}
        for name, (kind, arguments) in visits.JOBS.items()
    ]  # fmt: skip


def test_commands_and_jobs_only_read(made: Patients, tmp_path: Path) -> None:
    before = made.state()
    plan = _plan(made, tmp_path, [name for name in visits.COMMANDS if name != "devices"]) + _jobs(made, tmp_path)
    opened, found = _visit(made, tmp_path, plan, list(made.files))
    print(f"{len(plan)} calls of commands and jobs opened sources {opened} times")
    assert found == []
    assert made.state() == before


@needs_loop()
def test_commands_and_jobs_only_read_a_device(made: Patients, tmp_path: Path) -> None:
    """On a block device that could be written to: nothing but reading, and no ioctl that does more than ask."""
    image = tmp_path / "disk.img"
    image.write_bytes(Path(made.words["IMAGE"]).read_bytes())
    before = hashlib.sha256(image.read_bytes()).digest()
    with loop(image) as device:
        plan = _plan(made, tmp_path, sorted(visits.ON_DEVICES), IMAGE=str(device))
        for one in plan:
            one["words"] = [word.replace(made.words["IMAGE"], str(device)) for word in one["words"]]
            if one["name"] == "rescue run":
                one["words"].append("--allow-same-disk")
        plan += [job for job in _jobs(made, tmp_path, IMAGE=str(device)) if str(device) in json.dumps(job["arguments"])]
        plan = [one for one in plan if one["name"] != "job repair-copy"]  # copies of images only
        opened, found = _visit(made, tmp_path, plan, [Path(device), image])
    print(f"{len(plan)} calls opened the device {opened} times")
    assert found == []
    assert hashlib.sha256(image.read_bytes()).digest() == before


def test_the_trace_would_notice(tmp_path: Path) -> None:
    """The proof of the proof: what writes is found, by name and by descriptor."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"x")
    code = f"import os; fd = os.open({str(victim)!r}, os.O_RDWR); os.write(fd, b'y'); os.ftruncate(fd, 0)"
    subprocess.run(command(tmp_path / "log", sys.executable, "-c", code), check=True, timeout=60)
    _, found = offences(tmp_path / "log", victim)
    assert [line.split("(")[0].split()[-1] for line in found] == ["openat", "write", "ftruncate"]


@pytest.mark.terminal
@needs_tool("tmux")
def test_the_screens_only_read(made: Patients, tmp_path: Path) -> None:
    """Every screen on an image, one after the other, with the work that begins there."""
    patient = Path(made.words["IMAGE"])
    before = hashlib.sha256(patient.read_bytes()).digest()
    log = tmp_path / "trace"
    argv = command(log, sys.executable, "-m", "tui", "open", str(patient))
    try:
        with Pane(argv, cwd=tmp_path) as pane:
            pane.until(r"disk\.img")
            for key, words in (("F", "i walk|NAME|name"), ("t", "FAT16"), ("C", "none yet"), ("x", "00000000")):
                pane.keys(key)
                pane.until(words)
                if key == "C":
                    pane.keys("s")
                    pane.until("files,")
                if key == "F":
                    pane.keys("i")
                    pane.until("(?i)jpeg")
                pane.keys("q")
                pane.until("lay map")
            pane.keys("C-q")
    finally:
        for job in list_jobs(patient.with_name("disk.img.jobs")).jobs:
            assert not job.live
    opened, found = offences(log, patient)
    assert opened > 3
    assert found == []
    assert hashlib.sha256(patient.read_bytes()).digest() == before


@pytest.mark.full
@pytest.mark.parametrize("part", range(4))
def test_every_screen_only_reads_and_survives_a_terminal_of_no_size(tmp_path: Path, part: int) -> None:
    """All ways of the gallery, which meet every screen, under strace; on each the terminal shrinks and comes back."""
    from tests.gallery import walks_inside
    from tests.gallery.walks import WALKS

    assert walks_inside
    ways = [way for way in WALKS if all(find_tool(tool) for tool in way.needs)][part::4]
    log, result = tmp_path / "trace", tmp_path / "result.json"
    argv = command(log, sys.executable, "-m", "tests.safety.walker", str(tmp_path), str(result),
                   *(way.walk.__name__ for way in ways))  # fmt: skip
    done = subprocess.run(argv, cwd=CHECKOUT, capture_output=True, text=True, timeout=290, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(result.read_text())
    assert told["wrong"] == []
    assert set(told["met"]) == {scene for way in ways for scene in way.scenes}
    lines = log.read_text(errors="replace").splitlines()
    opened = 0
    found: list[str] = []
    for path, digest in told["sources"].items():
        begins = next(number for number, line in enumerate(lines) if f'{MARK}{path}"' in line)
        count, bad = judged([line for line in lines[begins + 1 :] if path in line], [Path(path)])
        opened, found = opened + count, found + bad
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == digest
    print(f"{len(told['met'])} scenes opened {len(told['sources'])} sources {opened} times")
    assert found == []
