"""What is mutated and which tests must notice: the code whose wrong answer loses data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Room:
    """Modules (globs from the checkout's root) and the light tests that answer for them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]
    precious: tuple[str, ...] = ("",)
    """Ends of the paths of modules from which more mutants are drawn."""
    slow: tuple[str, ...] = ()
    """Tests that take too long to be run even once."""

    def files(self, root: Path) -> list[str]:
        """Modules as paths from the root, sorted; `__init__` only re-exports and is left out."""
        found = {path for glob in self.modules for path in root.glob(glob) if path.name != "__init__.py"}
        return sorted(str(path.relative_to(root)) for path in found)

    def share(self, module: str, most: int) -> int:
        """How many mutants to draw from a module."""
        return most if module.endswith(self.precious) else -(-most // 3)


ROOMS = {
    "map": Room(
        ("engine/ranges.py", "engine/mapfile/**/*.py"),
        ("tests/engine/test_ranges.py", "tests/engine/mapfile"),
        tuple(
            f"/{name}.py"
            for name in ["ranges", "model", "algebra", "parse", "lines", "write", "salvage", "diff", "resume"]
        ),
    ),
    "strategy": Room(
        (
            "engine/rescue/strategy/*.py",
            "engine/rescue/guard.py",
            "engine/rescue/campaign/choose.py",
            "engine/rescue/campaign/memory.py",
            "engine/rescue/campaign/resume.py",
            "engine/rescue/campaign/trial.py",
            "engine/rescue/campaign/verdict.py",
            "engine/rescue/campaign/wishes.py",
        ),
        (
            "tests/engine/rescue/strategy",
            "tests/engine/rescue/test_guard.py",
            "tests/engine/rescue/test_outcome.py",
            "tests/engine/rescue/test_campaign_choices.py",
            "tests/engine/rescue/test_campaign_parts.py",
            "tests/engine/rescue/test_campaign_person.py",
        ),
        tuple(
            f"/{name}.py"
            for name in [
                "guard",
                "choose",
                "verdict",
                "resume",
                "memory",
                "choice",
                "known",
                "extents",
                "edges",
                "spacing",
            ]
        ),
        (
            "tests/engine/rescue/strategy/test_failing_disk.py",
            "tests/engine/rescue/strategy/test_decisions.py::test_what_is_wanted_first_is_no_reason_to_waste_cycles",
            "tests/engine/rescue/strategy/test_properties.py::test_it_ends_and_every_pass_gains_or_learns",
        ),
    ),
    "edits": Room(("engine/edits/*.py",), ("tests/engine/edits",)),
    "ole2": Room(
        ("engine/ole2/*.py",),
        ("tests/engine/ole2",),
        tuple(
            f"/{name}.py"
            for name in [
                "read",
                "model",
                "streams",
                "table",
                "solve_fat",
                "walks",
                "sector_map",
                "container",
                "refill",
                "verify",
                "overlay",
            ]
        ),
    ),
    "dvr": Room(
        ("engine/dvr/**/*.py",),
        ("tests/engine/dvr",),
        tuple(
            f"/{name}.py"
            for name in [
                "dvr/model",
                "cutting",
                "missing",
                "read",
                "tables",
                "layouts",
                "inodes",
                "volume",
                "vobs",
                "titles",
                "ifo",
            ]
        ),
    ),
}
