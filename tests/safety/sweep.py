"""One piece of work, done again and again: killed at each of its calls that change files, or each of them failing.

What a reader finds after each run must be, thing by thing, the old or the new; work that said it was done must have
left the new; and doing it again must lead there. Counts are kept.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.safety.ptraced import SYNCS, WRITES, Call, Fault, Seen, fits, run
from tests.safety.writers import ROOT

KINDS = ("kill", "full", "io", "short")
State = dict[str, object]
Work = Callable[[Path], object]


@dataclass(frozen=True)
class Scenario:
    """``prepare`` makes what is there before in a folder; ``work`` changes it, in a process of its own, and returns an
    exit code; ``look`` tells by the program's own readers what is there.

    ``again``: what a person does after a crash (None: the same work), unless ``resumes`` is off. ``allowed``: what may
    be found besides old and new (a comment says why where it is used). ``told``: whether work that came to an end has
    said in its result that a part of it failed. ``needs``: a program that this takes.
    """

    name: str
    prepare: Work
    work: Work
    look: Callable[[Path], State]
    again: Work | None = None
    resumes: bool = True
    allowed: Callable[[str, object], bool] = field(default=lambda _key, _found: False)
    told: Callable[[Path], bool] = field(default=lambda _: False)
    needs: str = ""


@dataclass
class Count:
    """What a sweep of one scenario came to."""

    name: str
    calls: int = 0
    runs: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    functions: set[str] = field(default_factory=set)
    unsynced: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return sum(self.runs.values())

    def line(self) -> str:
        kinds = ", ".join(f"{self.runs[kind]} {kind}" for kind in KINDS if self.runs[kind])
        left = ", ".join(f"{number} {what}" for what, number in sorted(self.left.items()))
        return f"{self.name}: {self.calls} calls; runs: {kinds or 'none'}; found: {left or '-'}; {self.seconds:.1f} s"


def faults(calls: Iterable[Call], kinds: Iterable[str] = KINDS) -> list[Fault]:
    """Every fault that makes sense at these calls."""
    return [Fault(kind, call.number) for call in calls for kind in kinds if fits(kind, call)]


def named_before_synced(calls: Iterable[Call]) -> list[str]:
    """Files that got a final name while bytes of them were not yet on the disk, and folders whose new names were never
    brought there. A power cut may leave such a name on an empty file, or no name: the order of calls decides, whatever
    makes them (SQLite and ffmpeg too).
    """
    dirty: set[str] = set()
    waiting: dict[str, str] = {}
    found = []
    for call in calls:
        if call.name in WRITES or call.name == "ftruncate":
            dirty.add(call.path)
        elif call.name == "syncfs":
            dirty.clear()
            waiting.clear()
        elif call.name in SYNCS:
            dirty.discard(call.path)
            waiting.pop(call.path, None)
        elif call.name.startswith(("rename", "link")):
            if call.source in dirty:
                found.append(call.path)
                if call.name.startswith("rename"):
                    dirty.discard(call.source)
            else:
                waiting[os.path.dirname(call.path)] = call.path
    return found + sorted(waiting.values())


class Sweep:
    """A folder for one scenario: ``old`` is how it begins, ``here`` where it is worked on, always at the same path."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.old, self.here, self.log = folder / "old", folder / "here", folder / "log"
        self.count = Count(scenario.name)
        self.here.mkdir(parents=True)
        scenario.prepare(self.here)
        shutil.copytree(self.here, self.old, symlinks=True)
        self.before = scenario.look(self.here)
        self._fresh()
        self.seen = self._run(None, profiled=True)
        assert self.seen.status in (0, 1), f"{scenario.name}: {self.seen.status}: {self._said()}"
        assert self.seen.calls, f"{scenario.name}: it changed nothing"
        self.after = scenario.look(self.here)
        assert self.after != self.before, f"{scenario.name}: nothing can be told apart: {self.after!r}"
        self.count.calls = len(self.seen.calls)
        self.count.unsynced = [os.path.relpath(path, self.here) for path in named_before_synced(self.seen.calls)]

    def all_faults(self, kinds: Iterable[str] = KINDS) -> list[Fault]:
        return faults(self.seen.calls, kinds)

    def sweep(self, chosen: Iterable[Fault]) -> Count:
        """Try these; ``count.failures`` says in words what was wrong."""
        start = time.monotonic()
        for fault in chosen:
            self.count.runs[fault.kind] += 1
            try:
                words = self._try(fault)
            except Exception as error:  # a reader that fails is what is looked for here
                words = f"{type(error).__name__}: {error}"
            if words:
                call = self.seen.calls[fault.number - 1] if fault.number <= len(self.seen.calls) else None
                at = "" if call is None else f" ({call.name} {os.path.relpath(call.path, self.here)})"
                self.count.failures.append(f"{self.count.name}: {fault.kind} at {fault.number}{at}: {words}")
        self.count.seconds += time.monotonic() - start
        return self.count

    def _try(self, fault: Fault) -> str:
        self._fresh()
        seen = self._run(fault)
        if seen.late:
            return "it did not end"
        if seen.status == 99:
            return f"it ended without a message: {self._said()}"
        found = self.scenario.look(self.here)
        wrong = self._wrong(found)
        if wrong:
            return wrong
        acknowledged = seen.status == 0 and fault.kind != "kill"
        if acknowledged and found != self.after and not self.scenario.told(self.here):
            return f"it said that it was done, but {self._differing(found)}: {self._said()}"
        self.count.left["new" if found == self.after else "old" if found == self.before else "part"] += 1
        return self._go_on(found)

    def _go_on(self, found: State) -> str:
        scenario = self.scenario
        if not scenario.resumes or found == self.after or scenario.told(self.here):
            return ""
        seen = self._run(None, scenario.again)
        if seen.late:
            return "going on did not end"
        found = scenario.look(self.here)
        if found != self.after:
            return f"going on (exit {seen.status}) does not lead to the new: {self._differing(found)}: {self._said()}"
        return ""

    def _wrong(self, found: State) -> str:
        for key in {*found, *self.before, *self.after}:
            one = found.get(key)
            if one not in (self.before.get(key), self.after.get(key)) and not self.scenario.allowed(key, one):
                return f"{key} is neither old nor new: {_short(one)}"
        return ""

    def _differing(self, found: State) -> str:
        keys = sorted(key for key in {*found, *self.after} if found.get(key) != self.after.get(key))
        return "; ".join(f"{key} is {_short(found.get(key))}, not {_short(self.after.get(key))}" for key in keys[:3])

    def _fresh(self) -> None:
        shutil.rmtree(self.here)
        shutil.copytree(self.old, self.here, symlinks=True)

    def _run(self, fault: Fault | None, work: Work | None = None, profiled: bool = False) -> Seen:
        do = work or self.scenario.work
        told, theirs = os.pipe() if profiled else (-1, -1)

        def child() -> object:
            log = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            null = os.open(os.devnull, os.O_RDONLY)
            for number, ours in ((log, 1), (log, 2), (null, 0)):
                os.dup2(number, ours)
            sys.stdout = sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
            os.chdir(self.here)
            if not profiled:
                return do(self.here)
            ran: set[Any] = set()
            sys.setprofile(lambda frame, event, _: ran.add(frame.f_code) if event == "call" else None)
            import threading

            threading.setprofile(lambda frame, event, _: ran.add(frame.f_code) if event == "call" else None)
            try:
                return do(self.here)
            finally:
                sys.setprofile(None)
                names = {f"{_module(code.co_filename)}:{code.co_qualname}" for code in ran}
                with open(theirs, "w") as stream:
                    stream.write("\n".join(name for name in names if name.startswith(("engine/", "tui/"))))
                    stream.write("\n" + "\n".join(f"={name}" for name in sys.modules))

        if not profiled:
            return run(child, self.here, fault)
        reader = _Reader(told)
        try:
            seen = run(child, self.here, fault)
        finally:
            os.close(theirs)
        told_names = reader.text().split("\n")
        self.count.functions = {name for name in told_names if not name.startswith("=")}
        for name in told_names:  # what it imported is loaded here, so that the next ones need not do it again
            if name.startswith("=") and name[1:].split(".")[0] in ("engine", "tui", "numpy", "construct"):
                importlib.import_module(name[1:])
        return seen

    def _said(self) -> str:
        try:
            return self.log.read_text(errors="replace")[-600:].strip()
        except OSError:
            return ""


class _Reader:
    """Reads a pipe while something else is waited for."""

    def __init__(self, fd: int) -> None:
        import threading

        self._parts: list[bytes] = []
        self._fd = fd
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        while data := os.read(self._fd, 1 << 16):
            self._parts.append(data)
        os.close(self._fd)

    def text(self) -> str:
        self._thread.join(10)
        return b"".join(self._parts).decode()


def _module(path: str) -> str:
    return os.path.relpath(path, ROOT) if path.startswith(str(ROOT)) else path


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:300]}... ({len(text)} characters)"
