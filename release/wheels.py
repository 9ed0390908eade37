"""Fetching the locked wheels for a Python and a processor that may be others than here, through pip."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import venv
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from release.lock import Locked
from release.trees import ReleaseError

GLIBC = (2, 28)
"""The oldest GNU C library that wheels may ask for: that of Debian 10, RHEL 8."""


def pip_command(scratch: Path) -> list[str]:
    """pip of this environment, or of one made for it: uv's environments have none."""
    if find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    venv.create(scratch / "pip", with_pip=True)
    return [str(scratch / "pip" / "bin" / "python"), "-m", "pip"]


def platforms(machine: str) -> list[str]:
    """The platform tags that fit, for pip, which does not count down by itself."""
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC[1], 16, -1)]
    return [*tags, f"manylinux2014_{machine}"]


def fetch(pip: list[str], packages: Iterable[Locked], minor: str, machine: str, folder: Path) -> list[Path]:
    """Downloads one wheel for each package into ``folder``; what does not have a locked hash is refused. pip's own
    settings (index, cache, PIP_FIND_LINKS) are respected."""
    packages = list(packages)
    folder.mkdir(parents=True)
    wanted = folder / "requirements.txt"
    lines = [
        " ".join([f"{one.name}=={one.version}", *(f"--hash=sha256:{digest}" for digest in sorted(one.digests))])
        for one in packages
    ]
    wanted.write_text("\n".join(lines) + "\n")
    tags = [word for tag in platforms(machine) for word in ("--platform", tag)]
    done = subprocess.run(
        [*pip, "download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps", "--only-binary",
         ":all:", "--implementation", "cp", "--python-version", minor, *tags, "-r", str(wanted), "-d", str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ReleaseError(f"the wheels for Python {minor} cannot be fetched: {done.stderr.strip()}")
    wheels = sorted(folder.glob("*.whl"))
    allowed = {digest for one in packages for digest in one.digests}
    for wheel in wheels:
        if hashlib.sha256(wheel.read_bytes()).hexdigest() not in allowed:
            raise ReleaseError(f"{wheel.name} is not what the lock names")
    if len(wheels) != len(packages):
        raise ReleaseError(f"{len(packages)} packages are locked for Python {minor}, {len(wheels)} wheels came")
    return wheels
