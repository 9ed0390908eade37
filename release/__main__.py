"""``./rescuedeck archive``: one file with rescuedeck and its Python packages, for a machine without network."""

from __future__ import annotations

import argparse
import hashlib
import lzma
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from engine import __version__
from release.layout import write_archive
from release.lock import ROOT, locked_for
from release.trees import ReleaseError, Tree, build_own_wheel, installed_tree, wheel_tree
from release.wheels import GLIBC, fetch, pip_command

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
MACHINES = ("x86_64", "aarch64")


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    made = argparse.ArgumentParser(
        prog="rescuedeck archive",
        description="Build the single-file archive: rescuedeck with all its locked Python packages. It needs nothing "
        "but Python where it runs: no network, no root. The same input gives the same bytes.",
    )
    made.add_argument("--out", type=Path, default=Path("dist"), metavar="DIR", help="where to (default: dist)")
    made.add_argument("--python", default=",".join(PYTHONS), metavar="LIST", help="for which (default: %(default)s)")
    made.add_argument("--machine", choices=MACHINES, default="x86_64", help="for which processor (default: x86_64)")
    made.add_argument(
        "--installed", action="store_true",
        help="without a network: from the packages installed here, for this Python and processor only",
    )  # fmt: skip
    made.add_argument("--fast", action="store_true", help="compress little: for trying things out")
    return made


def build(args: argparse.Namespace, scratch: Path) -> Path:
    """Builds what ``args`` ask for; returns the archive's path. Raises ReleaseError."""
    here = f"3.{sys.version_info.minor}"
    minors = [here] if args.installed else args.python.split(",")
    machine = platform.machine() if args.installed else args.machine
    for minor in minors:
        if minor not in PYTHONS and not args.installed:
            raise ReleaseError(f"no archive is made for Python {minor!r}; there are {', '.join(PYTHONS)}")
    own = build_own_wheel(scratch)
    trees: dict[str, Tree] = {}
    wheels: dict[str, str] = {}
    pip = [] if args.installed else pip_command(scratch)
    for minor in minors:
        packages = locked_for(minor, machine)
        if args.installed:
            parts = [installed_tree(package) for package in packages]
            wheels |= {f"{package.name} {package.version}": "as installed" for package in packages}
        else:
            say(f"{len(packages)} wheels for Python {minor} on {machine}")
            paths = fetch(pip, packages, minor, machine, scratch / minor)
            parts = [wheel_tree(path) for path in paths]
            wheels |= {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
        trees[minor] = join([wheel_tree(own), *parts])
    wheels[own.name] = hashlib.sha256(own.read_bytes()).hexdigest()
    args.out.mkdir(parents=True, exist_ok=True)
    suffix = f"-py{minors[0]}" if len(minors) == 1 else ""
    path: Path = args.out / f"rescuedeck-{__version__}-linux-{machine}{suffix}.pyz"
    about: dict[str, Any] = {
        "version": __version__, "commit": commit(), "machine": machine, "glibc": list(GLIBC), "wheels": wheels,
    }  # fmt: skip
    say("compressing")
    part = path.with_suffix(".part")
    write_archive(part, trees, about, 0 if args.fast else 9 | lzma.PRESET_EXTREME)
    part.replace(path)
    return path


def join(parts: list[Tree]) -> Tree:
    """One tree of several. Raises ReleaseError when two bring the same file with different contents."""
    whole: Tree = {}
    for part in parts:
        for name, content in part.items():
            if whole.setdefault(name, content) != content:
                raise ReleaseError(f"two packages bring {name}")
    return whole


def commit() -> str:
    """The checkout's commit; with a plus sign when it holds changes; empty without git."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True)
        state = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return head.stdout.strip() + ("+" if state.stdout.strip() else "")


def say(text: str) -> None:
    """A line about what is going on."""
    print(f"rescuedeck archive: {text}", file=sys.stderr)


def main() -> int:
    """Builds the archive and prints its path; 1 with the reason when it cannot."""
    args = parser().parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="rescuedeck-archive-") as scratch:
            path = build(args, Path(scratch))
    except (ReleaseError, OSError) as error:
        say(str(error))
        return 1
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    say(f"{path.stat().st_size / 1e6:.1f} MB, SHA-256 {digest}")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
