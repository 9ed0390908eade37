"""Everything that is saved: killed at its calls, on a full disk, with errors and short writes; and nothing left out."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.safety import ptraced
from tests.safety.census import NOT_SWEPT, RUN_BY
from tests.safety.ptraced import Call
from tests.safety.sweep import named_before_synced
from tests.safety.writers import ROOT, Writer, _walk, writers
from tests.support import needs_tool

SAMPLE = ("case create", "case change", "case files", "map edits", "map discard", "array description", "undo")


@pytest.fixture
def traceable() -> None:
    lack = ptraced.lack()
    if lack:
        pytest.skip(lack)


def _sweep(*words: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.safety", *words], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout.splitlines()


def test_every_writer_is_swept() -> None:
    """A new function that saves something must be run by a scenario, or be named with a reason why not."""
    found = {writer.place for writer in writers()}
    missing = sorted(found - set(RUN_BY) - set(NOT_SWEPT))
    assert not missing, f"nothing breaks these off: {missing}; see tests/safety/census.py"
    gone = sorted((set(RUN_BY) | set(NOT_SWEPT)) - found)
    assert not gone, f"these save nothing any more: {gone}"
    assert not set(RUN_BY) & set(NOT_SWEPT)
    assert all(len(reason.split()) > 3 for reason in NOT_SWEPT.values())


@pytest.mark.parametrize(
    ("text", "call"),
    [
        ("def f(p):\n write_json(p, 1)", "write_json"),
        ("def f(p):\n with open(p, 'w') as s: pass", "open"),
        ("def f(p):\n p.open(mode='ab')", "Path.open"),
        ("def f(p):\n p.write_text('x')", "Path.write_text"),
        ("def f(p):\n os.open(p, os.O_RDWR | os.O_CREAT)", "os.open"),
        ("def f(p):\n shutil.copy(p, p)", "shutil.copy"),
        ("def f(p):\n sqlite3.connect(p)", "sqlite3.connect"),
        ("class A:\n def f(self, p):\n  def g(): os.replace(p, p)", "os.replace"),
    ],
)
def test_the_census_sees_a_new_writer(text: str, call: str) -> None:
    found: dict[str, set[str]] = {}
    _walk(ast.parse(text), "m.py:", "", found)
    place = "m.py:A.f.<locals>.g" if "class" in text else "m.py:f"
    assert Writer(place, tuple(found[place])) == Writer(place, (call,))


def test_a_part_of_the_sweep(traceable: None) -> None:
    lines = _sweep("--every", "6", *SAMPLE)
    print("\n".join(lines))
    assert len(lines) == len(SAMPLE) + 1 and lines[-1].endswith("0 wrong")


def test_names_come_after_bytes(traceable: None) -> None:
    """Power loss, for what SQLite writes by itself: the index has its name only when all of it is on the disk."""
    lines = _sweep("--every", "1000", "--check-census", "job file-index", "case create", "report", "parts script")
    assert lines[-1].endswith("0 wrong")


def test_a_name_that_comes_too_early_is_seen() -> None:
    written = Call(1, "pwrite64", "/f/x.part", 10)
    synced, named = Call(2, "fsync", "/f/x.part"), Call(3, "rename", "/f/x", 0, "/f/x.part")
    folder = Call(4, "fsync", "/f")
    assert named_before_synced([written, synced, named, folder]) == []
    assert named_before_synced([written, named, folder]) == ["/f/x"]
    assert named_before_synced([written, synced, written, named, folder]) == ["/f/x"]
    assert named_before_synced([written, synced, named]) == ["/f/x"]


def test_the_sweep_would_notice(traceable: None, tmp_path: Path) -> None:
    """The proof of the proof: a save without care is caught by each kind of fault, in the process that makes it."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom tests.safety.sweep import Scenario, Sweep\n"
        "def prepare(at): (at / 'state').write_text('old' * 50)\n"
        "def work(at):\n import os\n data = b'new' * 50\n fd = os.open(at / 'state', os.O_WRONLY | os.O_TRUNC)\n"
        " try: os.write(fd, data)\n except OSError: pass\n os.close(fd)\n"
        "look = lambda at: {'state': (at / 'state').read_text()}\n"
        "sweep = Sweep(Scenario('careless', prepare, work, look), Path(sys.argv[1]))\n"
        "print(*sorted({words.split(':')[1].split()[0] for words in sweep.sweep(sweep.all_faults()).failures}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "x"], cwd=ROOT, capture_output=True, text=True,
                          timeout=120)  # fmt: skip
    assert done.stdout.split() == ["full", "io", "kill", "short"], done.stdout + done.stderr


@pytest.mark.full
@needs_tool("ddrescue")
@needs_tool("ffmpeg")
def test_each_scenario_and_the_census_itself(traceable: None) -> None:
    """Some faults of every scenario; and the scenarios really run what the census says."""
    lines = _sweep("--every", "50", "--check-census")
    print("\n".join(lines))
    assert lines[-1].endswith("0 wrong")
