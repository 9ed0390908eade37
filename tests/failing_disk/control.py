"""The control socket beside the mount: one JSON object a line, one answer a line, any number of connections.

```
{"op": "status"}                                      state, node, device, cycles, counters, identity
{"op": "power", "action": "off|on|cycle", "off_seconds": 0}
{"op": "wait", "states": ["alive"], "timeout_seconds": 10}  {"reached": true}
{"op": "lose", "mode": "offline|gone|removed|hung"}   fall off the bus (or hang) now
{"op": "reads", "since": 0}                           {"reads": [[seq, cycle, node, offset, size, outcome, fault] ...]}
{"op": "violations"}                                  {"violations": [...]}: what tried to write
{"op": "shutdown"}                                    release everybody, unmount, end
```

It is served by threads of its own, so it answers while any number of reads hang.
"""

from __future__ import annotations

import json
import os
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from tests.failing_disk.drive import Drive

_SUN_PATH_MAX = 100
READS_PER_ANSWER = 20_000


class ControlError(RuntimeError):
    """The control socket could not be reached, or refused what was asked."""


class Publisher(Protocol):
    """What puts a loop device in front of the node and follows it through power cycles."""

    def device(self) -> str | None: ...

    def power_changed(self, action: str) -> None: ...

    def wait_settled(self, timeout: float) -> None: ...


@contextmanager
def _address(path: str | os.PathLike[str]) -> Iterator[str]:
    """A form of a socket's path that fits the 108 bytes which an address may have."""
    full = os.fspath(path)
    if len(os.fsencode(full)) <= _SUN_PATH_MAX:
        yield full
        return
    directory, name = os.path.split(full)
    fd = os.open(directory or ".", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{name}"
    finally:
        os.close(fd)


# -- the side of the tests ------------------------------------------------------------------------------------------


class Control:
    """A client of the control socket. Each call is a connection of its own, so it may be used from many threads."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def call(self, op: str, timeout: float = 30.0, **arguments: Any) -> dict[str, Any]:
        """One request; ControlError when nobody answers within `timeout` seconds or the answer is an error."""
        try:
            with _address(self.path) as address, socket.socket(socket.AF_UNIX) as sock:
                sock.settimeout(timeout)
                sock.connect(address)
                with sock.makefile("rwb") as stream:
                    stream.write(json.dumps({"op": op, **arguments}).encode() + b"\n")
                    stream.flush()
                    line = stream.readline()
        except OSError as error:
            raise ControlError(f"no answer from the failing disk at {self.path}: {error}") from error
        if not line:
            raise ControlError(f"the failing disk at {self.path} hung up")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer


# -- the side of the disk -------------------------------------------------------------------------------------------


class ControlServer:
    """Serves the control socket of one drive from background threads."""

    def __init__(
        self, path: str | os.PathLike[str], drive: Drive, publisher: Publisher, shutdown: Callable[[], None]
    ) -> None:
        self._path = os.fspath(path)
        self._drive = drive
        self._publisher = publisher
        self._shutdown = shutdown

    def start(self) -> None:
        """Bind and begin to answer."""
        control = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for line in self.rfile:
                    self.wfile.write(json.dumps(control.answer(line)).encode() + b"\n")

        class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
            daemon_threads = True
            request_queue_size = 64

        with _address(self._path) as address:
            server = Server(address, Handler)
        threading.Thread(target=server.serve_forever, name="control", daemon=True).start()

    def answer(self, line: bytes) -> dict[str, Any]:
        """The answer to one request line."""
        try:
            request = json.loads(line)
            operation = self._operations().get(request.pop("op"))
            if operation is None:
                return {"error": "unknown op"}
            return operation(**request)
        except (ValueError, TypeError, KeyError, AttributeError, OSError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _operations(self) -> dict[str, Callable[..., dict[str, Any]]]:
        return {
            "status": self._status,
            "power": self._power,
            "wait": self._wait,
            "lose": self._lose,
            "reads": self._reads,
            "violations": lambda: {"violations": list(self._drive.violations)},
            "shutdown": self._stop,
        }

    def _status(self) -> dict[str, Any]:
        return {**self._drive.status(), "device": self._publisher.device()}

    def _power(self, action: str, off_seconds: float = 0.0) -> dict[str, Any]:
        if action == "off":
            self._drive.power_off()
        elif action == "on":
            self._drive.power_on()
        elif action == "cycle":
            self._drive.power_cycle(off_seconds)
        else:
            raise ValueError(f"not a power action: {action!r}")
        self._publisher.power_changed(action)
        return self._status()

    def _wait(self, states: list[str], timeout_seconds: float) -> dict[str, Any]:
        reached = self._drive.wait_until(states, timeout_seconds)
        if reached:
            self._publisher.wait_settled(timeout_seconds)
        return {"reached": reached, **self._status()}

    def _lose(self, mode: str) -> dict[str, Any]:
        self._drive.lose(mode)
        return self._status()

    def _reads(self, since: int = 0) -> dict[str, Any]:
        reads = self._drive.reads(since, READS_PER_ANSWER)
        return {"reads": [[r.seq, r.cycle, r.node, r.offset, r.size, r.outcome, r.fault] for r in reads]}

    def _stop(self) -> dict[str, Any]:
        threading.Thread(target=self._shutdown, name="shutdown", daemon=True).start()
        return {}
