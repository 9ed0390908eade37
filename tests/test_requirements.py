"""The lock and what is exported from it agree with each other and name no address; the list of Debian's packages."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
TIERS = ("runtime", "test", "dev")
# In every Debian: packages that it calls essential, or that those need.
ESSENTIAL = {"sh", "setpriv", "unshare", "lsblk", "blkid", "findmnt", "mount", "umount"}

Pins = dict[tuple[str, str], frozenset[str]]


def name_of(requirement: str) -> str:
    """The normalised name at the start of a requirement."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()


def exported(tier: str) -> Pins:
    """Name and version of each package in a requirement file, with its hashes."""
    text = (CHECKOUT / "requirements" / f"{tier}.txt").read_text()
    pins: Pins = {}
    for block in re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^ *#.*\n", "", text)):
        first, *rest = block.split("\\\n")
        found = re.fullmatch(r"([a-z0-9-]+)==([^ ]+)( ; .*?)? *", first)
        assert found is not None, first
        hashes = [re.fullmatch(r" *--hash=sha256:([0-9a-f]{64})\s*", line) for line in rest]
        assert hashes
        assert all(hashes), block
        pins[found[1], found[2]] = frozenset(one[1] for one in hashes if one)
    return pins


@pytest.fixture(scope="module")
def locked() -> Pins:
    """The same of uv.lock."""
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text())
    return {
        (package["name"], package["version"]): frozenset(
            file["hash"].removeprefix("sha256:")
            for file in [*package.get("wheels", ()), *filter(None, [package.get("sdist")])]
        )
        for package in lock["package"]
        if "registry" in package["source"]
    }


def test_exports_are_what_the_lock_says(locked: Pins) -> None:
    for tier in TIERS:
        for pin, hashes in exported(tier).items():
            assert hashes == locked[pin], pin
    assert exported("dev") == locked


def test_bigger_sets_hold_the_smaller_ones() -> None:
    runtime, test, dev = (exported(tier).items() for tier in TIERS)
    assert runtime < test < dev


def test_everything_asked_for_is_there() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    groups = project["dependency-groups"]
    wanted = {
        "runtime": project["project"]["dependencies"],
        "test": groups["test"],
        "dev": groups["lint"],
    }
    for tier, requirements in wanted.items():
        names = {name for name, _ in exported(tier)}
        assert {name_of(requirement) for requirement in requirements} <= names


def test_no_addresses() -> None:
    for path in (CHECKOUT / "uv.lock", *(CHECKOUT / "requirements" / f"{tier}.txt" for tier in TIERS)):
        assert "://" not in path.read_text(), path.name


@pytest.mark.parametrize("name", ["numpy", "psutil"])
@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_compiled_packages_are_ready_made(name: str, processor: str) -> None:
    lock = tomllib.loads((CHECKOUT / "uv.lock").read_text())
    wheels = [
        wheel["path"] for package in lock["package"] if package["name"] == name for wheel in package["wheels"]
    ]
    for python in ("cp311", "cp312", "cp313", "cp314"):
        assert any(
            "manylinux" in wheel and processor in wheel and (f"-{python}-" in wheel or "-abi3-" in wheel)
            for wheel in wheels
        ), python  # fmt: skip


def debian_packages() -> list[tuple[str, list[str], str, str]]:
    """Tier, commands, packages and purpose of each line of requirements/debian.txt."""
    lines = (CHECKOUT / "requirements" / "debian.txt").read_text().splitlines()
    found = []
    for line in lines:
        if not line.startswith("#"):
            tier, commands, packages, why = line.split(None, 3)
            found.append((tier, commands.split(","), packages, why))
    return found


def test_debian_packages_are_well_formed() -> None:
    listed = debian_packages()
    assert {tier for tier, *_ in listed} == {"run", "test", "full", "lint"}
    for _, commands, packages, why in listed:
        assert all(commands)
        assert re.fullmatch(r"[a-z0-9][a-z0-9+.,-]+", packages)
        assert ";" in why  # what it is for; what its lack costs
    assert len({command for _, commands, *_ in listed for command in commands}) == sum(
        len(commands) for _, commands, *_ in listed
    )


def test_every_tool_that_a_test_needs_is_brought_in() -> None:
    asked = {
        tool
        for path in (CHECKOUT / "tests").rglob("*.py")
        for tool in re.findall(r"\bneeds_tool\(\"([^\"]+)\"\)", path.read_text())
    }
    assert asked, "no test asks for a tool: is this search out of date?"
    brought = {command for _, commands, *_ in debian_packages() for command in commands}
    assert asked - brought - ESSENTIAL == set()


def test_launcher_is_executable() -> None:
    for name in ("rescuedeck", "requirements/relock", ".ci/run"):
        assert shutil.which(str(CHECKOUT / name)), name
