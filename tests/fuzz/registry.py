"""All targets, by the rooms they fuzz."""

from __future__ import annotations

import importlib

from tests.fuzz.target import Target

MODULES = (
    "maps", "machine", "partitions", "volumes", "recorders", "compound", "arrays", "small_formats", "carving", "typed",
    "kept", "commands",
)  # fmt: skip
COVERED = (
    "engine.mapfile", "engine.devices", "engine.partitions", "engine.filesystems", "engine.dvr", "engine.ole2",
    "engine.raid", "engine.sectors", "engine.artifacts", "engine.carve", "engine.hex", "engine.jobs", "engine.edits",
    "engine.template", "engine.times", "engine.text", "engine.rescue", "engine.cases", "engine.extract",
)  # fmt: skip
"""What is instrumented: its branches count as coverage."""


def all_targets() -> dict[str, Target]:
    """By name, in the order of ``MODULES``."""
    found: dict[str, Target] = {}
    for name in MODULES:
        for target in importlib.import_module(f"tests.fuzz.targets.{name}").TARGETS:
            assert target.name not in found, target.name
            found[target.name] = target
    return found
