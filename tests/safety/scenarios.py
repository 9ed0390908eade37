"""Everything that rescuedeck saves, each as a piece of work that can be broken off at any of its calls."""

from __future__ import annotations

from tests.safety.saves_cases import CASES
from tests.safety.saves_jobs import JOBS
from tests.safety.saves_maps import MAPS
from tests.safety.saves_outputs import OUTPUTS
from tests.safety.saves_repairs import REPAIRS
from tests.safety.sweep import Scenario

SCENARIOS: list[Scenario] = [*MAPS, *CASES, *REPAIRS, *OUTPUTS, *JOBS]
