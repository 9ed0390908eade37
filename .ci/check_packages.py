"""Builds wheel and sdist, compares what is in them with the checkout, and starts the installed command elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import tomllib
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "tui", "themes")


def run(*command: str | Path, cwd: Path = CHECKOUT) -> str:
    """What a command prints; ends the check with its errors when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def tracked(*folders: str) -> set[str]:
    """The files that git knows below some folders."""
    return set(filter(None, run("git", "ls-files", "-z", *folders).split("\0")))


def build(folder: Path) -> tuple[Path, Path]:
    """Wheel and sdist, made by the locked hatchling."""
    run(sys.executable, "-m", "hatchling", "build", "-d", folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def wanted_in_wheel() -> set[str]:
    """The packages, the programs of the demonstration (pyproject.toml lists them), documentation."""
    with open(CHECKOUT / "pyproject.toml", "rb") as file:
        table = tomllib.load(file)["tool"]["hatch"]["build"]["targets"]["wheel"]
    wanted = tracked(*PACKAGES)
    for source, target in table["force-include"].items():
        wanted |= {target + path.removeprefix(source) for path in tracked(source)}
    for source, target in table["shared-data"].items():
        wanted |= {target + path.removeprefix(source) for path in tracked(source)}
    return wanted


def difference(found: set[str], wanted: set[str], name: str) -> list[str]:
    """What is missing or too much, in words."""
    return [f"{name} lacks {path}" for path in sorted(wanted - found)] + [
        f"{name} holds {path}, which is not in the checkout" for path in sorted(found - wanted)
    ]


def start_installed(wheel: Path, folder: Path) -> str:
    """What the command prints that the wheel installs, started outside the checkout."""
    run(sys.executable, "-m", "venv", folder / "env")
    python = folder / "env" / "bin" / "python"
    run(python, "-m", "pip", "-q", "install", "--no-index", "--no-deps", wheel)
    site = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # The locked packages come from the environment that runs this. A path in a .pth file brings no further .pth
    # files with it, so the checkout itself stays out of sight.
    Path(site, "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")
    where = run(python, "-P", "-c", "import engine; print(engine.__file__)")
    if not where.startswith(site):
        sys.exit(f"the installed engine is {where}")
    return run(folder / "env" / "bin" / "rescuedeck", "--version", cwd=folder)


def main() -> None:
    """Exits with the list of faults, if there are any."""
    with tempfile.TemporaryDirectory(prefix="rescuedeck-packages-") as name:
        folder = Path(name)
        wheel, sdist = build(folder)
        names = [re.sub(r"^rescuedeck-[^/]*\.data/data/", "", name) for name in zipfile.ZipFile(wheel).namelist()]
        in_wheel = {name for name in names if ".dist-info/" not in name}
        faults = difference(in_wheel, wanted_in_wheel(), wheel.name)
        with tarfile.open(sdist) as archive:
            in_sdist = {path.partition("/")[2] for path in archive.getnames()} - {"PKG-INFO"}
        faults += difference(in_sdist, tracked(), sdist.name)
        printed = start_installed(wheel, folder)
        if not printed.startswith("rescuedeck "):
            faults.append(f"the installed command says {printed!r}")
        if faults:
            sys.exit("\n".join(faults))
        print(f"{wheel.name}: {len(in_wheel)} files; {sdist.name}: {len(in_sdist)} files; {printed.strip()}")


if __name__ == "__main__":
    main()
