"""What belongs into an environment's site-packages, as names and contents: out of wheels, or of what is installed."""

from __future__ import annotations

import base64
import hashlib
import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

from release.lock import ROOT, Locked

Tree = dict[str, bytes]
"""Relative to site-packages; what goes beside ``lib`` begins with ``../../../`` (manual pages, documentation)."""

_UP = "../../../"


class ReleaseError(Exception):
    """Why no archive can be built, in words."""


def wheel_tree(path: Path) -> Tree:
    """What installing a wheel would write, without commands and bytecode
    (https://packaging.python.org/en/latest/specifications/binary-distribution-format)."""
    tree: Tree = {}
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            parts = PurePosixPath(name).parts
            if name.endswith("/"):
                continue
            if name.startswith("/") or ".." in parts:
                raise ReleaseError(f"{path.name} holds {name}")
            if parts[0].endswith(".data"):
                if parts[1] not in ("purelib", "platlib", "data"):
                    continue
                rest = "/".join(parts[2:])
                tree[_UP + rest if parts[1] == "data" else rest] = wheel.read(name)
            else:
                tree[name] = wheel.read(name)
    return tree


def build_own_wheel(folder: Path) -> Path:
    """rescuedeck's own wheel, built by the locked hatchling from the checkout."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    wheels = list(folder.glob("rescuedeck-*.whl"))
    if done.returncode or len(wheels) != 1:
        raise ReleaseError(f"the wheel cannot be built: {(done.stderr or done.stdout).strip()}")
    return wheels[0]


def installed_tree(package: Locked) -> Tree:
    """The files of a package in the environment that runs this; each is compared with the hash that its installer
    wrote down."""
    try:
        found = importlib.metadata.distribution(package.name)
    except importlib.metadata.PackageNotFoundError as error:
        raise ReleaseError(f"{package.name} is not installed here") from error
    if found.version != package.version:
        raise ReleaseError(f"{package.name} {found.version} is installed, the lock names {package.version}")
    tree: Tree = {}
    for file in found.files or ():
        name = str(file)
        if file.parts[0] == ".." or name.endswith(".pyc"):
            continue
        if file.parts[0].endswith(".dist-info") and file.name in ("INSTALLER", "REQUESTED", "direct_url.json"):
            continue
        content = Path(str(file.locate())).read_bytes()
        if file.hash is not None and file.hash.mode == "sha256":
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            if digest != file.hash.value.rstrip("="):
                raise ReleaseError(f"{name} is not as it was installed")
        tree[name] = content
    return tree
