"""The small run: every target over its seeds and some hundred mutations of them, the same ones each time; and that
what fuzzing looks for would be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import DamagedError
from tests.fuzz.judging import judge
from tests.fuzz.registry import all_targets
from tests.fuzz.sparse import SparseSource, packed
from tests.fuzz.target import Target
from tests.support import needs_package

ROOT = Path(__file__).resolve().parents[2]
NO_ATHERIS = "there are wheels of it for x86-64 only, and for a Python only some months after it came out"


def fuzz(tmp_path: Path, *arguments: str) -> tuple[int, list[dict[str, object]], str]:
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--json", "--work", tmp_path / "work", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout or "[]"), done.stderr


@pytest.mark.full
@pytest.mark.timeout(1800)
@needs_package("atheris", NO_ATHERIS)
def test_the_small_run_of_every_target_finds_nothing(tmp_path):
    code, figures, errors = fuzz(tmp_path, "--jobs", "2")
    told = "\n".join(path.read_text() for path in sorted((tmp_path / "work").glob("faults/*/*.txt")))
    died = [one for one in figures if one["died"]]
    assert not told and not died, f"{died}\n{told}"
    assert code == 0, errors
    assert {one["name"] for one in figures} == set(all_targets())
    for one in figures:
        target = all_targets()[str(one["name"])]
        assert int(str(one["runs"])) >= target.runs, one
        assert int(str(one["edges"])) > 20, one  # the parser was entered, and seen to be


def test_every_target_has_seeds_that_do_no_harm():
    """Without atheris: the seeds by themselves, the first bytes of them, and nothing."""
    targets = all_targets()
    quick = [one for one in targets.values() if one.name not in ("volume-index", "commands-disks", "partition-search")]
    for target in quick:
        seeds = [seed[: target.longest] for seed in target.seeds()]
        assert seeds, target.name
        for seed in [*seeds[:3], seeds[0][: len(seeds[0]) // 2], b""]:
            fault, _seconds = judge(target, seed)
            assert fault is None, f"{target.name}: {fault.words}"


def _target(run):
    return Target("planted", run, lambda: [b""])


def _endless(_data: bytes) -> object:
    while True:
        pass


def _swallowing(_data: bytes) -> object:
    while True:
        try:
            _endless(b"")
        except Exception:  # noqa: BLE001, PERF203 - what a careless parser does
            continue


def _circle(data: bytes) -> object:
    source = SparseSource(data, 1 << 20)
    while True:
        source.read(0, 512)


@pytest.mark.parametrize(
    ("run", "kind"),
    [
        (lambda data: {}[data], "crash"), (lambda data: data.decode("ascii"), "crash"),
        (lambda data: {"a": ["plain", ("x\x1b[2J",)]}, "text"), (_circle, "work"),
        (lambda data: DamagedError("x\x9by"), ""), (lambda data: "a\u202eb", "text"),
    ],
)  # fmt: skip
def test_what_is_looked_for_is_seen(run, kind):
    fault, _seconds = judge(_target(run), b"\xff\0")
    assert (fault.kind if fault else "") == kind


def test_words_of_an_error_reach_a_terminal_too():
    def run(_data: bytes) -> object:
        raise DamagedError("a name: \x1b[2J")

    fault, _seconds = judge(_target(run), b"")
    assert fault is not None and fault.kind == "text"


@pytest.mark.parametrize("run", [_endless, _swallowing])
def test_a_hang_is_seen_whatever_the_parser_catches(run, monkeypatch):
    monkeypatch.setattr("tests.fuzz.limits.CPU_S", 0.2)
    fault, seconds = judge(_target(run), b"")
    assert fault is not None and fault.kind == "hang" and seconds > 0.1


def test_a_disk_in_a_few_bytes():
    parts = [(100, b"abc"), (5 * 512, b"x" * 1500), (511, b"\xff\xff")]
    data = packed(64 * 512, parts, [(20 * 512, 22 * 512)])
    source = SparseSource(data, 1 << 20)
    assert source.size == 64 * 512 and list(source.holes) == [(20 * 512, 22 * 512)]
    flat = bytearray(64 * 512)
    for at, part in parts:
        flat[at : at + len(part)] = part
    assert source.read(0, source.size).data == bytes(flat)
    assert source.read(20 * 512, 600).holes == ((20 * 512, 20 * 512 + 600),)
    for cut in range(len(data)):
        SparseSource(data[:cut], 1 << 16).read(0, 1 << 16)
