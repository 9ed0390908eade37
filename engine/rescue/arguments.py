"""What a rescue job is told: checked data from the job's spec, and the defaults for a source."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.devices.sysfs import SECTOR
from engine.errors import UsageError
from engine.host.blocks import node_of_path, whole_disk
from engine.host.roots import HERE, read_int
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.option_table import OPTIONS, Kind
from engine.rescue.options import RescueOptions
from engine.rescue.plan import DEFAULT_RETRIES
from engine.rescue.recipes import RECIPES, RecipeKind, find_recipe
from engine.text import safe_text

STRATEGIES = ("standard", "drop-off")
MIN_FREE = 256 << 20
HANG_S = 60.0
_OVERRIDES = ("allow_in_use", "allow_same_disk", "confirmed_target", "allow_unsure", "adopt_image")


@dataclass(frozen=True, slots=True)
class RescueArguments:
    """A rescue to run. Paths are absolute; sizes in bytes, times in seconds.

    ``recipe`` names one pass to run; empty: the passes of ``strategy``. ``options`` None takes ``default_options`` of
    the source. ``hang_limit_s`` is when a read that does not come back is told as a hang; with ``stop_on_hang``
    ddrescue is then asked to end. Below ``min_free`` free bytes the rescue stops cleanly. ``insist`` starts in spite
    of dangerous options; ``recover_map`` takes a broken map together from its older states; ``overrides`` are those
    of the checks before the start (``preflight.Request``). ``campaign`` is for the strategy ``drop-off``.
    """

    source: str
    image: str
    map: str
    case: str | None = None
    strategy: str = "standard"
    recipe: str = ""
    options: RescueOptions | None = None
    retries: int = DEFAULT_RETRIES
    hang_limit_s: float = HANG_S
    stop_on_hang: bool = False
    min_free: int = MIN_FREE
    insist: bool = False
    recover_map: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    campaign: CampaignSettings = CampaignSettings()

    def to_json(self) -> dict[str, Any]:
        """As the job's arguments."""
        return {
            "source": self.source,
            "image": self.image,
            "map": self.map,
            "case": self.case,
            "strategy": self.strategy,
            "recipe": self.recipe,
            "options": None if self.options is None else self.options.to_json(),
            "retries": self.retries,
            "hang_limit_s": self.hang_limit_s,
            "stop_on_hang": self.stop_on_hang,
            "min_free": self.min_free,
            "insist": self.insist,
            "recover_map": self.recover_map,
            "overrides": dict(self.overrides),
            "campaign": self.campaign.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RescueArguments:
        """From the job's arguments; what is not given takes its default. Raises ``UsageError``."""
        unknown = set(value) - {field.name for field in cls.__dataclass_fields__.values()}
        if unknown:
            raise _wrong(f"unknown: {safe_text(', '.join(sorted(map(str, unknown))), 80)}")
        given = {name: item for name, item in value.items() if item is not None}
        for name in ("source", "image", "map"):
            _path(given.get(name), name)
        if "case" in given:
            _path(given["case"], "case")
        for name in ("stop_on_hang", "insist", "recover_map"):
            if not isinstance(given.get(name, False), bool):
                raise _wrong(f"{name} is true or false")
        for name, low in (("retries", -1), ("min_free", 0), ("hang_limit_s", 1)):
            number = given.get(name, low)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not low <= number < 1 << 62:
                raise _wrong(f"{name} is a number from {low} on")
        if given.get("strategy", "standard") not in STRATEGIES:
            raise _wrong(f"the strategy is one of {', '.join(STRATEGIES)}")
        if given.get("recipe") and find_recipe(str(given["recipe"])).kind is not RecipeKind.PASS:
            raise _wrong(f"{given['recipe']} says how to read, not what: lay it over a pass")
        if "options" in given:
            given["options"] = RescueOptions.from_json(given["options"])
            for name, value in given["options"].changed().items():
                if OPTIONS[name].kind is Kind.PATH:
                    _path(value, name)
        overrides = given.get("overrides", {})
        if not isinstance(overrides, Mapping) or set(overrides) - set(_OVERRIDES):
            raise _wrong(f"overrides are among {', '.join(_OVERRIDES)}")
        given["campaign"] = CampaignSettings.from_json(given.get("campaign", {}))
        if given.get("strategy") == "drop-off" and given.get("recipe"):
            raise _wrong("the strategy for drives that drop off chooses its passes itself")
        return cls(**given)

    @property
    def side_directory(self) -> Path:
        """Where jobs and kept maps go when there is no case: a folder beside the map."""
        return Path(self.map + ".jobs") if self.case is None else Path(self.case)

    @property
    def jobs_directory(self) -> Path:
        """Where the job's directory belongs."""
        return self.side_directory if self.case is None else Path(self.case) / "jobs"


def _wrong(message: str) -> UsageError:
    return UsageError(f"this is no rescue: {message}", code="bad-arguments")


def _path(value: Any, name: str) -> None:
    if not isinstance(value, str) or not os.path.isabs(value) or "\0" in value:
        raise _wrong(f"{name} must be an absolute path")


def default_options(source: str) -> RescueOptions:
    """The options to start from for a source: a device is read directly, by its own sector size, the map is saved each
    second. Looks only into sysfs.
    """
    options = RescueOptions(map_save_interval=1, map_sync_interval=5)
    node = node_of_path(source)
    if node is None:
        return options
    disk = whole_disk(node)
    sector = read_int(HERE.block / disk / "queue" / "logical_block_size") or SECTOR
    return options.with_values(idirect=True, sector_size=sector)


def pass_names() -> tuple[str, ...]:
    """Recipes that choose what is read."""
    return tuple(name for name, recipe in RECIPES.items() if recipe.kind is RecipeKind.PASS)
