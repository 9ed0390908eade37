"""Running targets under atheris: all code is loaded and instrumented once, then each target gets a process.

libFuzzer takes a process over and ends it, so each target is a fork. A fault does not end it: the input is kept as
``FAULTS/<target>/<slug>.bin`` beside its traceback, once for each place, and it goes on.
"""

from __future__ import annotations

import json
import operator
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.fuzz import folder
from tests.fuzz.judging import judge
from tests.fuzz.limits import limit_memory
from tests.fuzz.registry import COVERED, all_targets
from tests.fuzz.target import Target

_PROGRESS = re.compile(r"#(\d+)\s.*?cov: (\d+) ft: (\d+) corp: (\d+)")
_UNIT_LIMIT_S = 120  # libFuzzer's own alarm, wall time: for what hangs in C code, where Python's cannot ring
SLOW_S = 1.0
_MOST_KEPT = 40


@dataclass
class Ran:
    """What came of a target. ``seconds`` of the clock, ``cpu_s`` of the processor. ``slow``: inputs beyond ``SLOW_S``;
    ``died``: the process did not end by itself."""

    name: str
    runs: int = 0
    edges: int = 0
    features: int = 0
    corpus: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    slowest_s: float = 0.0
    slow: int = 0
    faults: list[str] = field(default_factory=list)
    died: str = ""


def load() -> dict[str, Target]:
    """The targets, with everything they import instrumented."""
    import atheris

    for name in ("CONFIG", "STATE", "CACHE", "DATA"):  # nothing of the person's own is read or written
        os.environ[f"XDG_{name}_HOME"] = str(folder.folder(name.lower()))
    with _quiet(), atheris.instrument_imports(include=list(COVERED)):
        return all_targets()


def _keep_no_arrays(atheris: Any) -> None:
    """What follows comparisons never lets go of a result that is no bool: of an array for each one of numpy's. Only
    numbers and strings are followed, which is where following helps."""
    follow, shift = atheris._trace_cmp, atheris.instrument_bytecode.CMP_OP_SHIFT_AMOUNT
    operators = (operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge)
    followed = frozenset((int, str, bytes))

    def compare(first: Any, second: Any, operation: int, *more: Any) -> Any:
        if type(first) in followed and type(second) in followed:
            return follow(first, second, operation, *more)
        return operators[operation >> shift](first, second)

    atheris._trace_cmp = compare


class _quiet:  # noqa: N801
    """Without atheris' line for every module."""

    def __enter__(self) -> None:
        sys.stderr.flush()
        self._kept = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)

    def __exit__(self, *_: object) -> None:
        sys.stderr.flush()
        os.dup2(self._kept, 2)
        os.close(self._kept)


def write_seeds(target: Target, place: Path) -> int:
    """The seeds as files; returns how many."""
    place.mkdir(parents=True, exist_ok=True)
    count = 0
    for count, seed in enumerate(target.seeds(), 1):  # noqa: B007
        (place / f"seed-{count:03d}").write_bytes(seed[: target.longest])
    return count


class Round:
    """A round over targets: where its corpus, its seeds and the faults lie."""

    def __init__(self, targets: dict[str, Target], work: Path, corpus: Path | None = None, seed: int = 1) -> None:
        self._targets, self._work, self._corpus, self._seed = targets, work, corpus, seed
        self.faults = work / "faults"
        self._begun: dict[int, tuple[str, float]] = {}

    def run(self, names: Sequence[str], *, jobs: int = 1, seconds: int = 0) -> list[Ran]:
        """Each target for ``seconds``, or for the runs of its small run when 0; ``jobs`` at a time."""
        waiting, done = list(names), []
        while waiting or self._begun:
            while waiting and len(self._begun) < jobs:
                self._start(waiting.pop(0), seconds)
            pid, status, used = os.wait4(-1, 0)
            if pid in self._begun:
                done.append(self._end(pid, status, used.ru_utime + used.ru_stime))
        return done

    def _start(self, name: str, seconds: int) -> None:
        target = self._targets[name]
        seeds = self._work / "seeds" / name
        count = write_seeds(target, seeds)
        corpus = (self._corpus or self._work / "corpus") / name
        corpus.mkdir(parents=True, exist_ok=True)
        until = [f"-max_total_time={seconds}"] if seconds else [f"-runs={count + target.runs}"]
        arguments = [
            name, *until, f"-seed={self._seed}", f"-max_len={target.longest}", f"-timeout={_UNIT_LIMIT_S}",
            "-rss_limit_mb=4096", "-report_slow_units=600", "-len_control=0",
            "-print_final_stats=1", f"-artifact_prefix={self.faults}/{name}-",
            str(corpus), str(seeds),
        ]  # fmt: skip
        self.faults.mkdir(parents=True, exist_ok=True)
        sys.stdout.flush()
        pid = os.fork()
        if not pid:
            try:
                self._fuzz(target, arguments)
            finally:
                os._exit(70)
        self._begun[pid] = name, time.monotonic()

    def _fuzz(self, target: Target, arguments: list[str]) -> None:
        import atheris

        log = os.open(self._log(target.name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(log, 2)
        os.dup2(log, 1)
        watch = _Watch(target, self.faults / target.name, self._figures(target.name))
        for path in sorted((self._work / "seeds" / target.name).iterdir()):
            watch(path.read_bytes())  # imports that come late are done before coverage begins
        limit_memory()
        atheris.Setup(arguments, watch)
        watch.first = lambda: _keep_no_arrays(atheris)  # it sets itself up when fuzzing begins
        atheris.Fuzz()

    def _log(self, name: str) -> Path:
        return self._work / f"{name}.log"

    def _figures(self, name: str) -> Path:
        return self._work / f"{name}.figures"

    def _end(self, pid: int, status: int, cpu_s: float) -> Ran:
        name, begun = self._begun.pop(pid)
        folder.remove(pid)  # it was ended by libFuzzer, without its own farewell
        log = self._log(name).read_text("utf-8", "replace")
        ran = Ran(name, seconds=round(time.monotonic() - begun, 1), cpu_s=round(cpu_s, 1))
        found = _PROGRESS.findall(log)
        if found:
            ran.runs, ran.edges, ran.features, ran.corpus = map(int, found[-1])
        if self._figures(name).exists():
            told = json.loads(self._figures(name).read_text())
            ran.slowest_s, ran.slow = told["slowest_s"], told["slow"]
        place = self.faults / name
        ran.faults = sorted(path.stem for path in place.glob("*.txt")) if place.exists() else []
        if status != 0 or "DONE" not in log:
            ran.died = f"status {os.waitstatus_to_exitcode(status)}: {' '.join(log[-300:].split())}"
        return ran


class _Watch:
    """Called by libFuzzer with every input."""

    def __init__(self, target: Target, faults: Path, figures: Path) -> None:
        self._target, self._faults, self._figures = target, faults, figures
        self.first: Callable[[], None] | None = None
        self._known: set[str] = set()
        self._slowest, self._slow = 0.0, 0
        self._save()

    def __call__(self, data: bytes) -> None:
        if self.first is not None:
            self.first()
            self.first = None
        fault, seconds = judge(self._target, data)
        if fault is not None and fault.slug not in self._known and len(self._known) < _MOST_KEPT:
            self._known.add(fault.slug)
            self._faults.mkdir(parents=True, exist_ok=True)
            (self._faults / f"{fault.slug}.bin").write_bytes(data)
            (self._faults / f"{fault.slug}.txt").write_text(fault.words)
        if seconds > SLOW_S and fault is None:
            self._slow += 1
        if seconds > self._slowest:
            self._slowest = seconds
            if seconds > SLOW_S:
                self._faults.mkdir(parents=True, exist_ok=True)
                (self._faults / "slowest.bin").write_bytes(data)
            self._save()

    def _save(self) -> None:
        self._figures.write_text(json.dumps({"slowest_s": round(self._slowest, 2), "slow": self._slow}))


def table(rounds: Sequence[Ran]) -> str:
    """The figures for people."""
    lines = [
        f"{'target':<20}{'runs':>10}{'cpu':>9}{'per s':>8}{'edges':>7}{'corpus':>8}{'slowest':>9}{'slow':>6}  faults"
    ]
    for one in rounds:
        faults = ", ".join(one.faults) or "none"
        lines.append(
            f"{one.name:<20}{one.runs:>10}{one.cpu_s:>7.1f} s{one.runs / max(one.cpu_s, 0.1):>8.0f}{one.edges:>7}"
            f"{one.corpus:>8}{one.slowest_s:>7.2f} s{one.slow:>6}  {one.died or faults}"
        )
    return "\n".join(lines)


def document(rounds: Sequence[Ran]) -> str:
    """The figures as JSON."""
    return json.dumps([asdict(one) for one in rounds], indent=1)


def tidy() -> None:
    """The folders in memory of this process."""
    folder.remove()
