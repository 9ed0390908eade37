"""What a case starts its rescue with: options and strategy that were used last there, or what it was made with.

Kept as ``rescue-options.json`` and ``rescue-strategy.json`` in the case directory, so that coming back after days needs
no memory.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.atomic import Pathish, write_json
from engine.errors import RescueError
from engine.rescue.arguments import HANG_S, STRATEGIES
from engine.rescue.campaign.powerfile import distrust
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.options import RescueOptions

FILE_NAME = "rescue-options.json"
STRATEGY_NAME = "rescue-strategy.json"
_MAX_SIZE = 1 << 20


def save_preset(directory: Pathish, options: RescueOptions) -> None:
    """Keep ``options`` as those of the case in ``directory``."""
    write_json(Path(directory) / FILE_NAME, options.to_json())


def load_preset(directory: Pathish) -> RescueOptions | None:
    """The options kept in ``directory``; None when there are none or they cannot be used any more."""
    try:
        with open(Path(directory) / FILE_NAME, "rb") as stream:
            return RescueOptions.from_json(json.loads(stream.read(_MAX_SIZE)))
    except (OSError, ValueError, TypeError, RescueError, OverflowError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class StrategyPreset:
    """``hang_limit_s`` in seconds. ``ignored`` says in words what of the file was not taken; empty when all was."""

    strategy: str = STRATEGIES[0]
    hang_limit_s: float = HANG_S
    campaign: CampaignSettings = CampaignSettings()
    ignored: str = ""


def save_strategy(directory: Pathish, preset: StrategyPreset) -> None:
    """Keep strategy and settings as those of the case in ``directory``."""
    value = {
        "strategy": preset.strategy, "hang_limit_s": preset.hang_limit_s, "campaign": preset.campaign.to_json(),
    }  # fmt: skip
    write_json(Path(directory) / STRATEGY_NAME, value)


def load_strategy(directory: Pathish) -> StrategyPreset:
    """Strategy and settings kept in ``directory``, or the defaults.

    A power command is a program that would be run: it is left out when other users may have written the file, or when
    there is no such program any more.
    """
    try:
        with open(Path(directory) / STRATEGY_NAME, "rb") as stream:
            problem = distrust(os.fstat(stream.fileno())) or distrust(os.stat(directory))
            value = json.loads(stream.read(_MAX_SIZE))
        strategy, hang, campaign = value["strategy"], float(value["hang_limit_s"]), dict(value["campaign"])
        known = strategy in STRATEGIES and hang >= 1
    except FileNotFoundError:
        return StrategyPreset()
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return StrategyPreset(ignored=f"{STRATEGY_NAME} of this case cannot be read: the settings are the defaults")
    if not known:
        return StrategyPreset(ignored=f"{STRATEGY_NAME} of this case is of another version: defaults are used")
    ignored = ""
    if problem and campaign.pop("switch", None):
        ignored = f"the power command kept with this case is left out: {STRATEGY_NAME} or its folder {problem}"
    try:
        return StrategyPreset(strategy, hang, CampaignSettings.from_json(campaign), ignored)
    except RescueError as error:
        return _without_switch(strategy, hang, campaign, error)


def _without_switch(strategy: str, hang: float, campaign: dict[str, Any], error: RescueError) -> StrategyPreset:
    campaign.pop("switch", None)
    ignored = f"the power command kept with this case is left out: {error.message}"
    try:
        return StrategyPreset(strategy, hang, CampaignSettings.from_json(campaign), ignored)
    except RescueError as other:
        return StrategyPreset(strategy, hang, ignored=f"the settings kept with this case are left out: {other.message}")
