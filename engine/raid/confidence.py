"""From standard errors and proofs to a share of confidence that holds what it says.

The figures are those measured on sets with known geometry: right answers had 2.2 to 97 standard errors, wrong ones
never
more than 3.8 (with 4 to 8 MB read of each member; none with 64 MB or more).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

SURE_Z = 6.0
_SEQUENCE = ((0.0, 0.02), (1.0, 0.15), (2.0, 0.5), (3.0, 0.8), (4.5, 0.95), (6.0, 0.99), (10.0, 0.997))
_MOST = 0.999


def of_sequence(z: float, quality: float, enough: bool) -> float:
    """How sure strip size and sequence are, from the standard errors to the next best reading."""
    if quality < 0.4:
        return 0.02
    share = _SEQUENCE[-1][1]
    for (low, low_share), (high, high_share) in zip(_SEQUENCE, _SEQUENCE[1:], strict=False):
        if z < high:
            share = low_share + (high_share - low_share) * max(0.0, z - low) / (high - low)
            break
    return share if enough else min(share, 0.3)


def of_orders(z_behind: Sequence[float], weights: Sequence[float]) -> list[float]:
    """Shares of competing assemblies: ``z_behind`` standard errors behind the best in continuity, ``weights`` of proof.

    Continuity is halved and capped: texts and archives can mislead it together, so it alone never excludes a rival
    by more than a few hundred to one.
    """
    if not z_behind:
        return []
    logs = [
        0.4 * max(-30.0, min(60.0, weight)) - 0.25 * min(5.0, max(0.0, z)) ** 2
        for z, weight in zip(z_behind, weights, strict=True)
    ]
    top = max(logs)
    shares = [math.exp(one - top) for one in logs]
    total = sum(shares)
    return [share / total for share in shares]


def whole(sequence: float, order: float, *, good: int, strong: bool, weight: float, offset_known: bool) -> float:
    """The confidence in a whole assembly. File systems that stand in many rows prove strip and sequence as well."""
    if strong and weight > 0:
        sequence = max(sequence, 0.99)
    if not offset_known:
        order *= 0.4  # the volume's first byte was not seen
    elif good < 3:
        order *= 0.6
    elif weight <= 0:
        order *= 0.3
    return min(_MOST, sequence * order)
