"""How this rescuedeck was installed: found from what each installer leaves beside it, so that advice fits.

pipx writes ``pipx_metadata.json`` into the environment (https://pipx.pypa.io/stable/how-pipx-works), uv writes
``uv-receipt.toml`` (https://docs.astral.sh/uv/concepts/tools), the single-file archive writes
``rescuedeck-archive.json``, and a checkout has its launcher beside the packages.
"""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import engine
from engine.tools import SEARCH_PATH

ARCHIVE_MARK = "rescuedeck-archive.json"
_WHEEL = "rescuedeck-VERSION-py3-none-any.whl"


@dataclass(frozen=True, slots=True)
class Installation:
    """One way of being installed. ``kind``: checkout, archive, pipx, uv tool, pip. ``command`` starts it from anywhere,
    also behind sudo (quoted for a shell); ``update`` and ``add_package`` (with ``{}`` for its name) are commands or
    words for people.
    """

    kind: str
    place: Path
    command: str
    update: str
    add_package: str

    @property
    def title(self) -> str:
        """What it is, in words, without the place."""
        return _TITLES[self.kind]


_TITLES = {
    "checkout": "a source checkout",
    "archive": "the single-file archive",
    "pipx": "a wheel, installed with pipx",
    "uv tool": "a wheel, installed with uv tool",
    "pip": "a wheel, installed with pip",
}


def find_installation(prefix: Path | None = None, root: Path | None = None) -> Installation:
    """This installation. ``prefix``: of the environment (default: this Python's); ``root``: the folder that holds the
    packages (default: where ``engine`` was imported from)."""
    prefix = Path(sys.prefix) if prefix is None else prefix
    root = Path(engine.__file__).resolve().parents[1] if root is None else root
    if (prefix / ARCHIVE_MARK).is_file():
        return _archive(prefix)
    if (root / "rescuedeck").is_file() and (root / "pyproject.toml").is_file():
        return _checkout(root)
    command = shlex.quote(str(prefix / "bin" / "rescuedeck"))
    if (prefix / "pipx_metadata.json").is_file():
        return Installation("pipx", prefix, command, f"pipx install --force {_WHEEL}", "pipx inject rescuedeck {}")
    if (prefix / "uv-receipt.toml").is_file():
        return Installation(
            "uv tool", prefix, command, f"uv tool install --force {_WHEEL}",
            f"uv tool install --force --with {{}} {_WHEEL}",
        )  # fmt: skip
    pip = f"{shlex.quote(str(prefix / 'bin' / 'python'))} -m pip install"
    return Installation("pip", root, command, f"{pip} --upgrade {_WHEEL}", pip + " {}")


def _archive(prefix: Path) -> Installation:
    try:
        value = json.loads((prefix / ARCHIVE_MARK).read_bytes())
        file = str(value["file"]) if isinstance(value, dict) else ""
    except (OSError, ValueError, KeyError):
        file = ""
    command = shlex.quote(file or str(prefix / "bin" / "rescuedeck"))
    return Installation(
        "archive", prefix, command, "start the newer file; what this one unpacked goes by itself",
        f"start it with another Python, as in: python3.13 {command}",
    )  # fmt: skip


def _checkout(root: Path) -> Installation:
    launcher = shlex.quote(str(root / "rescuedeck"))
    update = f"git -C {shlex.quote(str(root))} pull" if (root / ".git").exists() else "unpack the newer source package"
    return Installation(
        "checkout", root, launcher, f"{update}; the next start brings its packages up to date",
        f"start it with another Python, as in: RESCUEDECK_PYTHON=python3.13 {launcher}",
    )  # fmt: skip


def how_to_get(package: str) -> str:
    """How a Debian package comes in here, in words."""
    if shutil.which("apt-get", path=SEARCH_PATH):
        return f"apt install {package}"
    return f"install {package} (its name in Debian)"
