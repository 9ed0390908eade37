"""Loop devices over the node: a real block device in front of the failing disk (root)."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType


@dataclass(slots=True)
class LoopDevice:
    """One attached loop device, for example /dev/loop3. As a context manager it detaches itself."""

    path: Path
    backing: Path
    attached: bool = True

    def detach(self, timeout: float = 30.0) -> None:
        """Detach exactly this device. It vanishes when its last user closes it.

        Does nothing when it was detached already. Blocks while a read hangs in it (release the drive first).
        """
        if self.attached and self._is_ours():
            subprocess.run([_losetup(), "-d", str(self.path)], check=True, capture_output=True, timeout=timeout)
        self.attached = False

    def _is_ours(self) -> bool:
        """Whether the kernel still has our backing file under this name (it may belong to others by now)."""
        try:
            name = Path("/sys/block", self.path.name, "loop/backing_file").read_text().rstrip("\n")
        except OSError:
            return False
        return name.removesuffix(" (deleted)") == str(self.backing)

    def __enter__(self) -> LoopDevice:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.detach()


def attach_loop(path: str | os.PathLike[str], sector_size: int = 512, read_only: bool = True) -> LoopDevice:
    """Put the next free loop device in front of a file (root). The caller detaches it."""
    backing = Path(path).resolve()
    command = [_losetup(), "--find", "--show", "--sector-size", str(sector_size)]
    if read_only:
        command.append("--read-only")
    done = subprocess.run([*command, str(backing)], capture_output=True, text=True, timeout=30, check=False)
    if done.returncode:
        raise OSError(f"losetup could not attach {backing}: {done.stderr.strip()}")
    return LoopDevice(Path(done.stdout.strip()), backing)


def _losetup() -> str:
    """losetup by full path: it is often not in the PATH of a plain user."""
    return shutil.which("losetup") or shutil.which("losetup", path="/sbin:/usr/sbin") or "losetup"
