"""One run of ddrescue: started in a session of its own, watched from outside, stopped with its map saved.

The process gets pipes for all three streams (it waits on standard input when the map cannot be written, and would spin
at its end), a plain locale, and a request to the kernel to interrupt it when its parent dies, so that it saves its map
even when the job is killed. Only its own process id is ever signalled.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence

from engine import tools
from engine.errors import OutsideError
from engine.rescue import proc
from engine.rescue.command import Command
from engine.rescue.mapwatch import MapWatch
from engine.rescue.screen import Screen, ScreenParser
from engine.rescue.status import Snapshot

_MAX_STDERR = 1 << 16
_PROMPT = b"press ENTER to retry"
_CHUNK = 1 << 16


class RescueProcess:
    """A running (or ended) ddrescue.

    Call ``poll`` in a loop: it reads what came on the pipes. ``snapshot`` merges screen, /proc and map. ``returncode``
    is None while it lives; negative when a signal ended it.
    """

    def __init__(
        self,
        command: Command,
        source: str,
        image: str,
        map_path: str,
        *,
        directory: str,
        home: str,
        pass_fds: Sequence[int] = (),
        least_end: int = 0,
    ) -> None:
        """Start it. ``directory`` is where an emergency copy of the map may go first, ``home`` where second.

        Raises ``OutsideError`` when it cannot be started.
        """
        self._paths = tuple(os.path.realpath(path) for path in (source, image, map_path))
        self.watch = MapWatch(map_path, least_end)
        self.watch.refresh(force=True)
        self._parser = ScreenParser()
        self._stderr = bytearray()
        self._answered = 0
        self._selector = selectors.DefaultSelector()
        self._started = time.monotonic()
        self._ended: float | None = None
        self.stop_sent: float | None = None
        self._moved = self._started
        self._mark: tuple[object, ...] = ()
        self._screen_at = self._started
        argv = [*_dies_with_parent(), *command.argv]
        try:
            self._child = subprocess.Popen(
                argv,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=directory,
                env=tools.child_environment(HOME=home),
                start_new_session=True,
                restore_signals=False,  # a broken pipe must not kill it before it has saved its map
                pass_fds=tuple(pass_fds),
            )
        except OSError as error:
            raise OutsideError(f"cannot start ddrescue: {error.strerror}", code="no-tool", path=argv[0]) from error
        for stream in (self._child.stdout, self._child.stderr):
            assert stream is not None
            os.set_blocking(stream.fileno(), False)
            self._selector.register(stream, selectors.EVENT_READ)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """As from ``subprocess``; None while it lives."""
        return self._child.returncode

    @property
    def screen(self) -> Screen:
        """What its screen said last."""
        return self._parser.screen

    @property
    def stderr(self) -> str:
        """What it said on standard error (the last 64 KiB)."""
        return self._stderr.decode("utf-8", "replace")

    @property
    def run_time_s(self) -> float:
        """Seconds from the start to the end, or to now."""
        return (self._ended or time.monotonic()) - self._started

    def poll(self, timeout_s: float) -> bool:
        """Read what comes within ``timeout_s``, which it may wait for; False when the process has ended."""
        end = time.monotonic() + timeout_s
        while self._selector.get_map():
            left = end - time.monotonic()
            for key, _ in self._selector.select(max(0.0, left)):
                self._read(key)
            if time.monotonic() >= end:
                break
        if self._child.poll() is not None:
            self._finish()
            return False
        if not self._selector.get_map():  # pipes closed, process not yet reaped: wait for it, not in a busy loop
            try:
                self._child.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                return True
            self._finish()
            return False
        return True

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            data = os.read(key.fd, _CHUNK)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(key.fileobj)
        elif key.fileobj is self._child.stdout:
            refreshes = self.screen.refreshes
            self._parser.feed(data)
            if self.screen.refreshes != refreshes:
                self._screen_at = time.monotonic()
        else:
            self._stderr += data
            if len(self._stderr) > _MAX_STDERR:
                cut = len(self._stderr) - _MAX_STDERR
                del self._stderr[:cut]
                self._answered = max(0, self._answered - cut)

    def _finish(self) -> None:
        self._ended = self._ended or time.monotonic()
        for key in list(self._selector.get_map().values()):
            self._read(key)
            if key.fileobj in (entry.fileobj for entry in self._selector.get_map().values()):
                self._selector.unregister(key.fileobj)
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        self.watch.refresh(force=True)

    @property
    def asks_for_map(self) -> bool:
        """Whether it waits for an answer because the map cannot be written."""
        return self.returncode is None and _PROMPT in self._stderr[self._answered :]

    def answer(self, reply: str) -> None:
        """Answer that question: an empty text tries again, ``e`` saves elsewhere and ends, ``q`` gives the map up."""
        assert self._child.stdin is not None
        self._answered = len(self._stderr)
        with contextlib.suppress(BrokenPipeError):
            self._child.stdin.write(reply.encode("ascii") + b"\n")
            self._child.stdin.flush()

    def stop(self) -> None:
        """Ask it to finish the read in flight, save the map and end. A read stuck in the kernel delays that."""
        if self.returncode is None and self._child.poll() is None:
            if self.stop_sent is None:
                self.stop_sent = time.monotonic()
            self._child.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it at once; the map stays as it was last saved. Even this waits for a read stuck in the kernel."""
        if self.returncode is None and self._child.poll() is None:
            if self.stop_sent is None:
                self.stop_sent = time.monotonic()
            self._child.kill()

    def close(self) -> None:
        """Let go of the pipes of a process that is left behind."""
        self._selector.close()
        for stream in (self._child.stdin, self._child.stdout, self._child.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def snapshot(self) -> Snapshot:
        """Where it stands now; also re-reads the map when there is a new one."""
        now = time.monotonic()
        self.watch.refresh(now)
        seen = proc.look(self.pid, *self._paths)
        screen = self.screen
        mark = (seen.position, screen, self.watch.changed_at, seen.doing)
        if mark != self._mark or not seen.state:
            self._mark, self._moved = mark, now
        good = None if screen.since_good_read is None else screen.since_good_read + now - self._screen_at
        return Snapshot(
            time=time.time(),
            pid=self.pid,
            phase=screen.phase,
            message=screen.message,
            pass_number=screen.pass_number,
            direction=screen.direction,
            position=seen.position if seen.position is not None else screen.ipos,
            exact=seen.position is not None,
            still_s=now - self._moved,
            process_state=seen.state,
            doing=seen.doing or ("running" if seen.state else "ended"),
            current_rate=screen.current_rate,
            average_rate=screen.average_rate,
            error_rate=screen.error_rate,
            read_errors=screen.read_errors,
            slow_reads=screen.slow_reads,
            run_time_s=now - self._started,
            last_good_read_s=good,
            map_age_s=self.watch.age(now),
            map_problem=self.watch.problem,
            asks_for_map=self.asks_for_map,
        )


def _dies_with_parent() -> list[str]:
    """A prefix that has the kernel interrupt the program when its parent dies; empty where util-linux lacks it."""
    setpriv = tools.find_tool("setpriv")
    return [setpriv, "--pdeathsig", "INT"] if setpriv else []
