"""The process behind a failing disk: drive, mount, control socket, loop device; start to unmount.

Usage: python tests/failing_disk MOUNT_DIR --image IMAGE [--profile FILE] [--control SOCKET] [--loop] [--exit-on-eof]

When everything is up it writes one line of JSON to stdout ({"ready": true, "path": ..., "device": ..., "control": ...})
and then serves until it is told to shut down, gets SIGTERM, SIGINT or SIGHUP, or is unmounted.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.failing_disk.control import ControlServer
from tests.failing_disk.drive import PRESENT, Drive
from tests.failing_disk.faults import ProfileError
from tests.failing_disk.fs import DiskFS, serve
from tests.failing_disk.loop import LoopDevice, attach_loop
from tests.failing_disk.mounts import unmount
from tests.failing_disk.profiles import Profile

_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}
_GRACE_SECONDS = 2.0


class LoopPublisher:
    """Keeps a loop device in front of the node while the drive is there (with `enabled` False: does nothing).

    The device stays attached over a power cycle from which the same node comes back with descriptors that work; in all
    other cases it is detached when the power goes and a free one is attached when the drive is back.
    """

    def __init__(self, drive: Drive, mount: Path, enabled: bool) -> None:
        self._drive = drive
        self._mount = mount
        self._enabled = enabled
        self._loop: LoopDevice | None = None
        self._instance = 0
        self._lock = threading.Lock()
        self._settled = threading.Event()
        self._settled.set()

    def device(self) -> str | None:
        """Path of the loop device, or None while there is none."""
        loop = self._loop
        return str(loop.path) if loop else None

    def attach(self) -> None:
        """Attach to the node that is there now."""
        with self._lock:
            node = self._drive.visible_node()
            if self._enabled and self._loop is None and node is not None:
                self._loop = attach_loop(self._mount / node, self._drive.profile.sector_size)
                self._instance = self._drive.instance

    def power_changed(self, action: str) -> None:
        """Follow a power action; returns at once, the device appears when the drive has settled."""
        if not self._enabled:
            return
        power, drive = self._drive.profile.power, self._drive
        if drive.state == "off":
            if power.rename or power.old_descriptors == "dead" or drive.cycles + 1 in power.returns:
                self.detach()
            return
        self._settled.clear()
        threading.Thread(target=self._follow, name="loop", daemon=True).start()

    def wait_settled(self, timeout: float) -> None:
        """Wait until the device follows the last power action."""
        self._settled.wait(timeout)

    def detach(self) -> None:
        """Detach the device, if there is one."""
        with self._lock:
            if self._loop is not None:
                self._loop.detach()
                self._loop = None

    def _follow(self) -> None:
        try:
            self._drive.wait_until((*PRESENT, "dead", "off"), self._drive.profile.power.settle_seconds + 10)
            if self._drive.state == "dead" or self._drive.instance != self._instance:
                self.detach()
            self.attach()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"failing_disk: {error}", file=sys.stderr, flush=True)
        finally:
            self._settled.set()


class Server:
    """One failing disk, from mount to unmount."""

    def __init__(self, drive: Drive, mount: Path, control: Path, loop: bool) -> None:
        self._drive = drive
        self._mount = mount
        self._control = control
        self._publisher = LoopPublisher(drive, mount, loop)
        self._stopping = threading.Lock()
        self._ended = threading.Event()

    def run(self, exit_on_eof: bool) -> int:
        """Serve until the end; the exit status."""
        signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        self._background(self._on_signal)
        if exit_on_eof:
            self._background(self._on_eof)
        with suppress(FileNotFoundError):
            self._control.unlink()
        ControlServer(self._control, self._drive, self._publisher, self.stop).start()
        fs = DiskFS(self._drive, str(self._mount), lambda: self._background(self._ready), self._publisher.device)
        try:
            serve(fs, str(self._mount), allow_other=os.geteuid() == 0)
        except (OSError, RuntimeError, ImportError, AttributeError) as error:
            print(f"failing_disk: cannot mount {self._mount}: {error}", file=sys.stderr)
            return 1
        finally:
            self._drive.close()
            self._ended.set()
            with suppress(FileNotFoundError):
                self._control.unlink()
        return 0

    def stop(self) -> None:
        """Release all readers, detach, unmount (lazily if need be) and end the process."""
        if not self._stopping.acquire(blocking=False):
            return
        self._drive.close()
        with suppress(OSError, subprocess.SubprocessError):
            self._publisher.detach()
        unmount(self._mount)
        if not self._ended.wait(_GRACE_SECONDS):
            with suppress(FileNotFoundError):
                self._control.unlink()
            os._exit(0)  # somebody holds a descriptor: closing /dev/fuse ends it for them

    def _ready(self) -> None:
        try:
            self._publisher.attach()
        except (OSError, subprocess.SubprocessError) as error:
            print(f"failing_disk: {error}", file=sys.stderr, flush=True)
            self.stop()
            return
        path = self._mount / self._drive.node
        print(
            json.dumps(
                {
                    "ready": True,
                    "path": str(path),
                    "device": self._publisher.device() or str(path),
                    "control": str(self._control),
                }
            ),
            flush=True,
        )

    def _on_signal(self) -> None:
        signal.sigwait(_SIGNALS)
        self.stop()

    def _on_eof(self) -> None:
        while os.read(0, 4096):
            pass
        self.stop()

    @staticmethod
    def _background(target: object) -> None:
        threading.Thread(target=target, daemon=True).start()  # type: ignore[arg-type]


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="failing_disk", description="A failing disk over an image file (FUSE).")
    parser.add_argument("mount", type=Path, metavar="MOUNT_DIR", help="empty directory; made when it is missing")
    parser.add_argument("--image", required=True, type=Path, help="image with the disk's true content; never written")
    parser.add_argument("--profile", type=Path, help="fault profile (JSON); without it the disk is healthy")
    parser.add_argument("--control", type=Path, help="control socket (default: MOUNT_DIR.control)")
    parser.add_argument("--loop", action="store_true", help="put a loop device in front of the disk (root)")
    parser.add_argument("--exit-on-eof", action="store_true", help="end when stdin is closed")
    args = parser.parse_args(argv)
    mount = args.mount.absolute()
    control = (args.control or mount.with_name(mount.name + ".control")).absolute()
    try:
        profile = Profile.load(args.profile) if args.profile else Profile()
        drive = Drive(args.image, profile)
        mount.mkdir(parents=True, exist_ok=True)
    except (ProfileError, OSError) as error:
        print(f"failing_disk: {error}", file=sys.stderr)
        return 1
    return Server(drive, mount, control, args.loop).run(args.exit_on_eof)
