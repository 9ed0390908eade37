"""`FailingDisk`: a failing disk for the length of a `with` block."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.failing_disk.control import Control, ControlError
from tests.failing_disk.drive import PRESENT, Read
from tests.failing_disk.faults import Fault
from tests.failing_disk.mounts import is_mounted, unmount
from tests.failing_disk.profiles import Identity, Profile
from tests.failing_disk.tree import link_names
from tests.failing_disk.truth import Truth, truth

_HERE = Path(__file__).resolve().parent
_START_SECONDS = 30.0


class FailingDiskError(RuntimeError):
    """The disk could not be started, or did not do in time what was waited for."""


class FailingDisk:
    """Serves `image` as a failing disk from a process of its own.

    `profile` is a Profile, the path of a profile file, or a sequence of faults. With `loop` a loop device is put in
    front of the node (root). Everything lives in a directory of its own, made in `workdir` and removed at the end.
    """

    def __init__(
        self,
        image: str | os.PathLike[str],
        profile: Profile | str | os.PathLike[str] | Sequence[Fault] = (),
        *,
        loop: bool = False,
        workdir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.image = Path(image).absolute()
        if isinstance(profile, Profile):
            self.profile = profile
        elif isinstance(profile, (str, os.PathLike)):
            self.profile = Profile.load(os.fspath(profile))
        else:
            self.profile = Profile(faults=tuple(profile))
        self._loop = loop
        self._workdir = workdir
        self._process: subprocess.Popen[bytes] | None = None
        self._root: Path | None = None

    # -- life ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> FailingDisk:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server and wait until the disk can be opened."""
        self._root = root = Path(tempfile.mkdtemp(prefix="failing-disk-", dir=self._workdir))
        if os.geteuid() == 0:
            root.chmod(0o755)
        self.profile.save(root / "profile.json")
        command = [sys.executable, str(_HERE), str(self.mount), "--image", str(self.image), "--exit-on-eof"]
        command += ["--profile", str(root / "profile.json"), "--control", str(self.control_path)]
        if self._loop:
            command.append("--loop")
        with open(root / "stderr", "wb") as stderr:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
            )
        if not self._is_ready(self._process):
            text = (root / "stderr").read_text(errors="replace").strip()
            self.stop()
            raise FailingDiskError(f"the failing disk did not start: {text or 'no answer'}")

    def stop(self) -> None:
        """Release hung readers, detach, unmount, reap, remove. Never blocks for long and may be called twice."""
        process, root = self._process, self._root
        if process is not None:
            try:
                self.control.call("shutdown", timeout=5)
            except ControlError:
                process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None
        if root is not None:
            if not unmount(self.mount):
                raise FailingDiskError(f"{self.mount} could not be unmounted")
            shutil.rmtree(root)
            self._root = None

    def _is_ready(self, process: subprocess.Popen[bytes]) -> bool:
        assert process.stdout is not None
        line = b""
        deadline = time.monotonic() + _START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return False
                chunk = os.read(process.stdout.fileno(), 4096)
                if not chunk:
                    return False
                line += chunk
        return bool(json.loads(line)["ready"])

    # -- places -------------------------------------------------------------------------------------------------

    @property
    def root(self) -> Path:
        """The disk's own directory: mnt/, control, profile.json, stderr."""
        if self._root is None:
            raise FailingDiskError("the failing disk is not started")
        return self._root

    @property
    def mount(self) -> Path:
        """The mounted directory (what is in it: see tree.py)."""
        return self.root / "mnt"

    @property
    def control_path(self) -> Path:
        """The control socket."""
        return self.root / "control"

    @property
    def control(self) -> Control:
        """The control socket as an object, for what has no method here."""
        return Control(self.control_path)

    @property
    def pid(self) -> int:
        """Process id of the server."""
        if self._process is None:
            raise FailingDiskError("the failing disk is not started")
        return self._process.pid

    @property
    def path(self) -> Path:
        """The node as a file. While the drive is away this is the name under which it was seen last."""
        return Path(self.mount, self.status()["name"])

    @property
    def device(self) -> Path:
        """What a person would give to ddrescue: the loop device if there is one, else the node."""
        loop = self.status()["device"]
        return Path(loop) if loop else self.path

    @property
    def by_id(self) -> Path:
        """The link that follows the drive (as it is now) through changes of its name."""
        return Path(self.mount, "by-id", link_names(self.status()["identity"])[0])

    # -- power --------------------------------------------------------------------------------------------------

    def power_off(self) -> None:
        """Cut the power: hung reads fail with EIO, the node goes."""
        self.control.call("power", action="off")

    def power_on(self) -> None:
        """Give power; see `wait_present` for the time the drive needs."""
        self.control.call("power", action="on")

    def power_cycle(self, off_seconds: float = 0.0, wait: float = 30.0) -> None:
        """Off, on, and wait until the drive is there; FailingDiskError when it does not come back."""
        self.control.call("power", timeout=30 + off_seconds, action="cycle", off_seconds=off_seconds)
        self.wait_present(wait)

    def power_command(self, *arguments: str) -> list[str]:
        """The power switch as an argument list for any program that runs one ("cycle" unless told otherwise)."""
        return [sys.executable, str(_HERE / "power.py"), str(self.control_path), *(arguments or ("cycle",))]

    def lose(self, mode: str) -> None:
        """Let the drive fall off the bus now: "offline", "gone", "removed", or "hung"."""
        self.control.call("lose", mode=mode)

    def wait_present(self, timeout: float = 30.0) -> None:
        """Wait until the drive can be used; FailingDiskError when it is dead or the time is over."""
        self._wait(["alive", "dead"], timeout)
        if self.state not in PRESENT:
            raise FailingDiskError(f"the drive did not come back: it is {self.state}")

    def wait_state(self, state: str, timeout: float = 30.0) -> None:
        """Wait for a state, for example "hung"; FailingDiskError when the time is over."""
        self._wait([state], timeout)

    def _wait(self, states: list[str], timeout: float) -> None:
        answer = self.control.call("wait", timeout=timeout + 30, states=states, timeout_seconds=timeout)
        if not answer["reached"]:
            raise FailingDiskError(f"the drive is {answer['state']}, not {' or '.join(states)}, after {timeout:g} s")

    # -- what happened ------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """State, node, device, cycles, in_flight, reads, outcomes, violations, identity."""
        return self.control.call("status")

    @property
    def state(self) -> str:
        """alive, hung, offline, gone, removed, off, settling or dead."""
        return str(self.status()["state"])

    @property
    def cycles(self) -> int:
        """How often the power came on again."""
        return int(self.status()["cycles"])

    @property
    def identity(self) -> Identity:
        """Who the drive is now."""
        doc = self.status()["identity"]
        del doc["sector_size"]
        return Identity(**doc)

    def reads(self, since: int = 0) -> list[Read]:
        """The log of reads from number `since` on, in the order in which they arrived."""
        out: list[Read] = []
        while rows := self.control.call("reads", since=since)["reads"]:
            out += [Read(*row) for row in rows]
            since = out[-1].seq + 1
        return out

    def touches(self, offset: int, size: int, since: int = 0) -> list[Read]:
        """Reads that touched the medium somewhere in [offset, offset + size); those of a dead drive do not count."""
        return [r for r in self.reads(since) if r.touched and r.offset < offset + size and offset < r.offset + r.size]

    def violations(self) -> list[dict[str, Any]]:
        """Every attempt to write to, open for writing or otherwise change the disk."""
        found: list[dict[str, Any]] = self.control.call("violations")["violations"]
        return found

    def truth(self, profile: Profile | None = None) -> Truth:
        """What can be read in the end from this disk (or from one of its size with another profile)."""
        size = self.profile.identity.size
        if size is None:
            size = self.image.stat().st_size // self.profile.sector_size * self.profile.sector_size
        return truth(profile or self.profile, size)

    def is_mounted(self) -> bool:
        """Whether the file system is mounted."""
        return self._root is not None and is_mounted(self.mount)
