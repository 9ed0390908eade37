"""A failing disk as a SATA disk with a number: sysfs with a port, ``delete`` and ``scan``, and a kernel log.

The trees are recorded ones, the reads go to the failing disk. Like a controller without hot-plug this one neither sees
a disk go nor come: a dead node stays until ``delete`` is written, and a disk with power appears after ``scan`` alone,
under the next name and as a new attachment. ``blockdev --setro`` is heard, and forgotten with the attachment.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.host.roots import HERE, DevNo
from engine.rescue.campaign import bus
from engine.rescue.session import Session
from tests.engine.machine import FakeMachine, sata
from tests.failing_disk import FailingDisk

PORT = 2
_LINK = "ata-TESTDISK"


class Attached:
    """The machine and the disk. ``said`` are the words that were written to sysfs, in their order."""

    def __init__(self, folder: Path, disk: FailingDisk, serial: str = "BAD-SSD-0002") -> None:
        self.disk, self.serial = disk, serial
        self.machine = FakeMachine(folder)
        self.said: list[str] = []
        self.name = ""
        self._count = 0
        self._minors: dict[str, int] = {}
        self.hidden = False
        """Nothing that was attached is seen yet."""
        self._over = threading.Event()
        host = self.machine.sys / "class" / "scsi_host" / f"host{PORT - 1}"
        host.mkdir(parents=True)
        self._scan = host / "scan"
        os.mkfifo(self._scan)
        os.mkfifo(self.machine.dev / "kmsg")
        self._kmsg = -1
        self.attach()
        self._threads = [
            threading.Thread(target=self._hear, args=(self._scan, self._scanned), daemon=True),
            threading.Thread(target=self._watch, daemon=True),
        ]

    # -- the machine's part ---------------------------------------------------------------------------------------

    def attach(self) -> None:
        """The disk appears, under a new name."""
        name = f"sd{chr(ord('b') + self._count)}"
        self._count += 1
        directory = sata(
            self.machine, name, 16 * self._count, self.serial, PORT, size=os.path.getsize(self.disk.path),
            diskseq=100 + self._count,
        )  # fmt: skip
        (self.machine.dev / name).unlink()
        (self.machine.dev / name).symlink_to(self.disk.path)
        folder = self.machine.dev / "disk" / "by-id"
        (folder / _LINK).unlink(missing_ok=True)
        self.machine.link(_LINK, name)
        delete = directory / "device" / "delete"
        delete.unlink(missing_ok=True)
        os.mkfifo(delete)
        self.name, self._minors[name] = name, 16 * self._count
        threading.Thread(target=self._hear, args=(delete, self._deleted), daemon=True).start()

    def _deleted(self) -> None:
        self.said.append(f"delete {self.name}")
        self.machine.remove(self.name)
        del self._minors[self.name]
        self.name = ""

    def _scanned(self) -> None:
        self.said.append("scan")
        if not self.name and self.disk.state == "alive":
            self.attach()

    def _hear(self, fifo: Path, then: Any) -> None:
        while not self._over.is_set():
            try:
                with open(fifo, "rb") as file:
                    heard = file.read()
            except FileNotFoundError:
                return
            if heard.strip() and not self._over.is_set():
                then()
            if then == self._deleted:
                return

    def _watch(self) -> None:
        """The kernel gives a disk up that answers nothing."""
        while not self._over.wait(0.02):
            if self.name and self.disk.state == "offline":
                self.machine.write(self._directory / "device", state="offline")

    @property
    def _directory(self) -> Path:
        return Path(os.path.realpath(self.machine.sys / "block" / self.name))

    @property
    def read_only(self) -> bool:
        """What ``blockdev --getro`` would say."""
        return bool(self.name) and (self._directory / "ro").read_text().strip() == "1"

    def set_read_only(self, path: str, **_: Any) -> str:
        """What ``blockdev --setro`` does."""
        self.said.append(f"setro {self.name}")
        self.machine.write(self._directory, ro=1)
        return ""

    def log(self, line: str) -> None:
        """The kernel says something."""
        if self._kmsg < 0:
            self._kmsg = os.open(self.machine.dev / "kmsg", os.O_WRONLY | os.O_NONBLOCK)
        os.write(self._kmsg, f"4,{time.monotonic_ns() // 1000},1,-;{line}\n".encode())

    def devno_of(self, path: str | os.PathLike[str]) -> DevNo | None:
        here = os.path.abspath(path)
        while not self.hidden and os.path.exists(here):
            folder, name = os.path.split(here)
            if folder == str(self.machine.dev) and name in self._minors:
                return 8, self._minors[name]
            if not os.path.islink(here):
                return None
            here = os.path.normpath(os.path.join(folder, os.readlink(here)))
        return None

    # -- the test's part ------------------------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The stable link to the disk."""
        return self.machine.dev / "disk" / "by-id" / _LINK

    def close(self) -> None:
        self._over.set()
        for fifo in [self._scan, *self.machine.sys.rglob("delete")]:
            try:
                os.close(os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))  # whoever listens is let go
            except OSError:  # nobody does
                continue
        if self._kmsg >= 0:
            os.close(self._kmsg)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()


@contextmanager
def attached(folder: Path, disk: FailingDisk, monkeypatch: Any, **more: Any) -> Iterator[Attached]:
    """This process sees that machine as its own."""
    made = Attached(folder, disk, **more)
    roots = {"sys": made.machine.sys, "dev": made.machine.dev, "proc": made.machine.proc, "devno_of": made.devno_of}
    before = {name: getattr(HERE, name) for name in roots}
    try:
        for name, value in roots.items():
            object.__setattr__(HERE, name, value)
        monkeypatch.setattr(bus, "set_read_only", made.set_read_only)
        monkeypatch.setattr(Session, "_preflight", lambda self, known: None)  # it opens block devices as such
        made.start()
        yield made
    finally:
        for name, value in before.items():
            object.__setattr__(HERE, name, value)
        made.close()


class OwnJob:
    """A job in this process."""

    lock_fd = -1

    def __init__(self, directory: Path, saved: Mapping[str, Any] | None = None) -> None:
        self.directory = directory
        self.saved = saved
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.stopped = False
        directory.mkdir(exist_ok=True)

    @property
    def work_directory(self) -> Path:
        work = self.directory / "work"
        work.mkdir(exist_ok=True)
        return work

    def update(self, *_: Any, **__: Any) -> None:
        return

    facts = update

    def event(self, kind: str, **facts: Any) -> None:
        self.events.append((kind, facts))

    def cancelled(self) -> bool:
        return self.stopped

    def checkpoint(self, saved: Mapping[str, Any] | None = None) -> bool:
        self.saved = saved if saved is not None else self.saved
        return True

    def wait(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self.stopped

    def told(self, kind: str) -> list[dict[str, Any]]:
        return [facts for one, facts in self.events if one == kind]
