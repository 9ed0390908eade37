"""What is believed of a drive: how wide killers are, which places are one killer, how many more there are and where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.rescue.strategy import extents, hazard, spacing
from engine.rescue.strategy.extents import Extents
from engine.rescue.strategy.hazard import Hazard
from engine.rescue.strategy.known import Known
from engine.rescue.strategy.records import Costs
from engine.rescue.strategy.spacing import Prediction
from engine.rescue.strategy.widths import Widths

_ROUNDS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Belief:
    """All of it. ``predictions`` have probabilities; what is missing to 1 is ``disorder``."""

    extents: Extents
    widths: Widths
    hazard: Hazard
    predictions: tuple[Prediction, ...]

    @property
    def disorder(self) -> float:
        """P(the killers are in no order)."""
        return 1.0 - sum(prediction.weight for prediction in self.predictions)


def believe(known: Known, costs: Costs) -> Belief:
    """From what is known. Costs milliseconds."""
    grouped = extents.alone(known)
    widths = extents.learn_widths(known, grouped, costs.sector_size)
    dangers = hazard.learn(known, widths, costs.cluster_size)
    if not len(known.dead):
        return Belief(grouped, widths, dangers, ())
    rate = _rate(known, dangers)
    found = []
    # widths and grouping depend on each other: from both ends, and what explains the touched places better
    for grouped in (extents.alone(known), extents.together(known)):
        widths = extents.learn_widths(known, grouped, costs.sector_size)
        for _ in range(_ROUNDS):
            grouped = extents.group(known, widths, rate)
            widths = extents.learn_widths(known, grouped, costs.sector_size)
        found.append((grouped, widths))
    grouped, widths = max(found, key=lambda one: one[0].evidence)
    covered = dangers.overall * float(widths.mean(np.array([known.size / dangers.overall]))[0]) / known.size
    predictions = spacing.predict(known, grouped, dangers.overall, min(0.3, max(0.01, covered)))
    return Belief(grouped, widths, dangers, predictions)


def _rate(known: Known, dangers: Hazard) -> np.ndarray:
    """Killers per byte to be expected near each place."""
    dead, size = known.dead, known.size
    above = np.diff(dead.starts, append=known.end) / size
    below = np.diff(dead.ends, prepend=known.start) / size
    return dangers.rate(np.minimum(above, below)) / size
