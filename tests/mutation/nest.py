"""A process in which a room's tests are loaded once; each request is run in a fork of it. One JSON line in, one out.

It stands in a copy of the checkout and knows nothing of the checkout itself: run as a script, with the copy as the
current folder. A fault inside a function is put into the loaded function (its code object is exchanged), so nothing is
imported or collected again. A fault in what runs at import needs a fresh start: then a fork from before the loading
reads it from the copy's file.

A request names `tests` (node ids in order), limits in seconds (`cpu`, `wall`), and `functions` with `source` and
`module` (the exchange), or `fresh`; the first one `record`, a file to which each test's outcome, cost and lines go.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

MEMORY = 4 << 30
Request = dict[str, Any]


class Plugin:
    """What pytest is told: no shrinking of examples; when all is collected, `then` has the items."""

    def __init__(self, then: Callable[[Any, Plugin], None]) -> None:
        self.then = then
        self.failed = ""
        self.outcomes: dict[str, str] = {}

    def pytest_configure(self, config: Any) -> None:
        from hypothesis import Phase, settings

        settings.register_profile(
            "mutation",
            settings.get_profile("rescuedeck"),
            derandomize=True,
            database=None,
            phases=(Phase.explicit, Phase.generate),
        )
        settings.load_profile("mutation")

    def pytest_runtestloop(self, session: Any) -> bool:
        if session.testsfailed:
            self.failed = "(collection)"
        else:
            self.then(session, self)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid
            self.outcomes[report.nodeid] = "failed"
        elif report.skipped:
            self.outcomes[report.nodeid] = "skipped"
        else:
            self.outcomes.setdefault(report.nodeid, "passed")


def collect(files: list[str], marks: str, then: Callable[[Any, Plugin], None]) -> tuple[int, Plugin]:
    """Start pytest over files or node ids, and give the items to `then` instead of running them all."""
    import pytest

    plugin = Plugin(then)
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", marks]
    return int(pytest.main([*files, *options], plugins=[plugin])), plugin


def go_through(session: Any, plugin: Plugin, names: list[str]) -> None:
    """Run items by name, up to the first failure."""
    items = {item.nodeid: item for item in session.items}
    chosen = [items[name] for name in names if name in items]
    for item, following in zip(chosen, [*chosen[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if plugin.failed:
            return


def record(session: Any, plugin: Plugin, path: str) -> None:
    """Run all items and write down what each costs and which lines it reaches."""
    import coverage

    lines = coverage.Coverage(data_file=None, source=["engine"])
    lines.start()
    costs = {}
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        lines.switch_context(item.nodeid)
        before = sum(os.times()[:4])
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        costs[item.nodeid] = sum(os.times()[:4]) - before
    lines.stop()
    data = lines.get_data()
    reached = {os.path.relpath(name): data.contexts_by_lineno(name) for name in data.measured_files()}
    with open(path, "w") as out:
        json.dump({"costs": costs, "outcomes": plugin.outcomes, "lines": reached}, out)


def codes_in(code: CodeType) -> Iterator[CodeType]:
    """A code object and all within."""
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes_in(const)


def exchange(request: Request) -> bool:
    """Give the loaded functions their faulty code; False when one of them is not to be found."""
    wanted = {tuple(pair) for pair in request["functions"]}
    path = os.path.abspath(request["module"])
    new = {c.co_qualname: c for c in codes_in(compile(request["source"], path, "exec")) if c.co_flags & 1}
    found = set()
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == path:
            key = one.__code__.co_qualname, one.__code__.co_firstlineno
            if key in wanted and key[0] in new:
                found.add(key)
                one.__code__ = new[key[0]]
    return found == wanted


def answer_in_fork(request: Request, work: Callable[[], Plugin | None]) -> dict[str, Any]:
    """Do the work in a fork with limits; the fork and all it left behind are ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            os.setsid()
            cpu = int(sum(os.times()[:2]) + request["cpu"]) + 1
            resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            plugin = work()
            said = {"lost": True} if plugin is None else {"lost": False, "failed": plugin.failed}
            os.write(writing, json.dumps(said).encode())
        finally:
            os._exit(0)
    os.close(writing)
    end = time.monotonic() + request["wall"]
    pause = 0.002
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < end:
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    os.set_blocking(reading, False)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    return json.loads(text) if text else {"lost": False, "failed": "(no end, or the process died)"}


def serve(requests: Any, answers: Any, work: Callable[[Request], Plugin | None]) -> None:
    """Until there are no more requests."""
    for line in requests:
        request = json.loads(line)
        answers.write(json.dumps(answer_in_fork(request, lambda request=request: work(request))) + "\n")
        answers.flush()


def main() -> None:
    tools, kind, marks, *files = sys.argv[1:]
    requests = os.fdopen(os.dup(0), "r")
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    sys.path.append(tools)
    import construct  # noqa: F401
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401

    def fresh(request: Request) -> Plugin:
        sys.dont_write_bytecode = True
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        code, plugin = collect(request["tests"], marks, lambda s, p: go_through(s, p, request["tests"]))
        plugin.failed = plugin.failed or ("(import or collection)" if code else "")
        return plugin

    def loaded(session: Any, plugin: Plugin) -> None:
        def work(request: Request) -> Plugin | None:
            if "record" in request:
                record(session, plugin, request["record"])
                return plugin
            sys.dont_write_bytecode = True
            os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
            if not exchange(request):
                return None
            go_through(session, plugin, request["tests"])
            return plugin

        serve(requests, answers, work)

    if kind == "fresh":
        serve(requests, answers, fresh)
    else:
        collect(files, marks, loaded)


if __name__ == "__main__":
    main()
