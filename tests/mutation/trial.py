"""A copy of the checkout in which faults are tried, and the process beside it that runs the tests.

Nothing is ever changed in the checkout. As root the tests run as nobody: a faulty guard of the write plans must not
find a real device that it may open.
"""

from __future__ import annotations

import inspect
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType
from typing import Any

from tests.mutation.mutants import Mutant
from tests.mutation.rooms import Room

NOBODY = 65534
FEW = 12
# Reading is allowed everywhere (a Python in root's home), writing nowhere but in the copy.
AS_NOBODY = (
    f"setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --inh-caps=-all,+dac_read_search "
    "--ambient-caps=-all,+dac_read_search --bounding-set=-all,+dac_read_search"
).split()
MARKS = "not full and not terminal and not root and not fuse"


def copy_checkout(root: Path, target: Path) -> None:
    """Tracked and new files of the checkout, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
    ).stdout
    for name in listed.decode().split("\0"):
        if name and (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    if os.geteuid() == 0:
        for path in (target, *target.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def own_parts(code: CodeType) -> tuple[object, ...]:
    """A code object without line numbers and without the code objects in it."""
    plain = tuple((type(c), repr(c)) for c in code.co_consts if not isinstance(c, CodeType))
    names = code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars
    return code.co_code, code.co_exceptiontable, code.co_flags, names, plain


def inner(code: CodeType) -> list[CodeType]:
    """The code objects directly in it."""
    return [const for const in code.co_consts if isinstance(const, CodeType)]


def alike(one: CodeType, two: CodeType) -> bool:
    """Whether they do the same."""
    if own_parts(one) != own_parts(two) or len(inner(one)) != len(inner(two)):
        return False
    return all(alike(a, b) for a, b in zip(inner(one), inner(two), strict=True))


def changed_functions(one: CodeType, two: CodeType) -> list[tuple[str, int]] | None:
    """Outermost functions (qualified name, first line) that differ; None when what runs at import differs."""
    if own_parts(one) != own_parts(two) or len(inner(one)) != len(inner(two)):
        return None
    found: list[tuple[str, int]] = []
    for a, b in zip(inner(one), inner(two), strict=True):
        if alike(a, b):
            continue
        if a.co_flags & inspect.CO_OPTIMIZED:
            if "<" in a.co_qualname:  # a comprehension or lambda that runs at import
                return None
            found.append((a.co_qualname, a.co_firstlineno))
        else:
            within = changed_functions(a, b)
            if within is None:
                return None
            found += within
    return found


@dataclass(slots=True)
class Trial:
    """The tests of one room over one copy; made by `start`."""

    copy: Path
    room: Room
    longest: float
    budget: float
    loaded: subprocess.Popen[str]
    fresh: subprocess.Popen[str]
    costs: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    killers: dict[str, int] = field(default_factory=dict)

    @classmethod
    def start(cls, copy: Path, room: Room, tools: str, longest: float, budget: float) -> Trial:
        """Load the tests, run them once, and note which test reaches which line at what cost."""
        scratch = copy / "scratch"
        scratch.mkdir(exist_ok=True)
        as_nobody: list[str] = []
        if os.geteuid() == 0:
            os.chown(scratch, NOBODY, NOBODY)
            as_nobody = AS_NOBODY
        env = {**os.environ, "TMPDIR": str(scratch), "HOME": str(scratch)}

        def nest(kind: str) -> subprocess.Popen[str]:
            script = str(copy / "tests/mutation/nest.py")
            slow = [f"--deselect={name}" for name in room.slow]
            command = [*as_nobody, sys.executable, "-P", script, tools, kind, MARKS, *room.tests, *slow]
            return subprocess.Popen(
                command, cwd=copy, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )

        trial = cls(copy, room, longest, budget, nest("loaded"), nest("fresh"))
        trial.learn(scratch / "record.json")
        return trial

    def ask(self, nest: subprocess.Popen[str], **request: Any) -> dict[str, Any]:
        """One request, and its answer."""
        assert nest.stdin is not None and nest.stdout is not None
        nest.stdin.write(json.dumps(request) + "\n")
        nest.stdin.flush()
        answer = nest.stdout.readline()
        if not answer:
            raise SystemExit("the tests cannot be loaded from the copy")
        return json.loads(answer)  # type: ignore[no-any-return]

    def learn(self, record: Path) -> None:
        """The first run, over code without a fault."""
        said = self.ask(self.loaded, cpu=1200, wall=3000, record=str(record))
        if not record.exists():
            raise SystemExit(f"the tests do not run over the copy: {said}")
        found = json.loads(record.read_text())
        for name, cost in found["costs"].items():
            if found["outcomes"].get(name) == "passed" and cost <= self.longest:
                self.costs[name] = max(cost, 0.005)
            elif found["outcomes"].get(name) != "skipped":
                self.left_out.append(name)
        self.lines = found["lines"]
        if not self.costs:
            raise SystemExit(f"no test of {self.room.tests} passes over the copy: {said}")

    def tests_for(self, mutant: Mutant, at_import: bool) -> list[str]:
        """Tests that reach the mutant's statement, or (``at_import``) its module; cheapest and most successful first.

        As many as `budget` CPU seconds allow.
        """
        reached = self.lines.get(mutant.module, {})
        wanted = reached if at_import else map(str, range(mutant.lines[0], mutant.lines[1] + 1))
        contexts = {name for line in wanted for name in reached.get(line, [])}
        if at_import and not contexts & self.costs.keys():  # a module of declarations: whoever imports it
            contexts = set(self.costs)
        total, kept = 0.0, list[str]()
        for name in sorted(contexts & self.costs.keys(), key=lambda t: self.costs[t] / (1 + self.killers.get(t, 0))):
            total += self.costs[name]
            if kept and total > self.budget:
                break
            kept.append(name)
        return kept

    def verdict(self, mutant: Mutant, source: str, code: str) -> str:
        """Run `mutant`, which makes `code` of `source`.

        Returns the test that killed it, "" when it survived, "unreached" when no test gets there.
        """
        path = self.copy / mutant.module
        try:
            functions = changed_functions(compile(source, "", "exec"), compile(code, "", "exec"))
        except (SyntaxError, ValueError):
            return "(syntax)"
        if functions == []:
            return "same code"
        for cached in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
            cached.unlink()
        path.write_text(code)
        try:
            killer = self._try(mutant, functions, code)
        finally:
            path.write_text(source)
        if killer not in ("", "unreached"):
            self.killers[killer] = self.killers.get(killer, 0) + 1
        return killer

    def _try(self, mutant: Mutant, functions: list[tuple[str, int]] | None, code: str) -> str:
        if functions is not None:
            tests = self.tests_for(mutant, False)
            change = {"functions": functions, "module": mutant.module, "source": code}
            if tests:
                said = self.ask(self.loaded, tests=tests, **change, **self._limits(tests))
                if not said["lost"]:
                    return str(said["failed"])
        # what runs at import, or a function that only runs at import
        nobody = functions is not None and not tests
        tests = self.tests_for(mutant, True)
        for some in (tests[:FEW],) if nobody else (tests[:FEW], tests[FEW:]):
            if some:
                said = self.ask(self.fresh, tests=some, **self._limits(some))
                if said["failed"]:
                    return str(said["failed"])
        return "unreached" if nobody or not tests else ""

    def _limits(self, tests: list[str]) -> dict[str, float]:
        spent = sum(self.costs[name] for name in tests)
        return {"cpu": 3 * spent + 3, "wall": 20 * spent + 90}

    def close(self) -> None:
        """End the nests."""
        for nest in (self.loaded, self.fresh):
            assert nest.stdin is not None
            nest.stdin.close()
            nest.wait(timeout=60)
