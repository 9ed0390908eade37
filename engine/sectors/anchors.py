"""Anchors: structures and file starts that must begin a sector, wherever they are found in an image."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.sectors.model import SizeScore

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

SHAPES = (
    (512, 512), (520, 512), (522, 512), (524, 512), (528, 512), (4104, 4096), (4112, 4096), (4160, 4096),
    (4224, 4096), (4608, 4096),
)  # fmt: skip
"""Raw size and data size."""

_SIGNS: dict[bytes, int] = {
    rb"FILE[\x2a\x30]\x00\x03\x00": 0,
    rb"INDX[\x28\x00]\x00": 0,
    rb"RCRD[\x28\x1e]\x00": 0,
    rb"XFSB\x00\x00": 0,
    rb"XAGF\x00\x00\x00\x01": 0,
    rb"XAGI\x00\x00\x00\x01": 0,
    rb"X[DB]B3\x00\x00": 0,
    rb"IN[\x41\x81\xa1][\xa4\xed\xff\xc0\x80][\x01-\x03][\x01\x02]": 0,
    rb"\.          \x10": 0,
    rb"\x0c\x00\x01\x02\.\x00\x00\x00": 4,
    rb"\x53\xef[\x01\x02]\x00[\x01-\x03]\x00": 56,
    rb"\xff\xd8\xff[\xe0\xe1\xdb\xee]": 0,
    rb"\x89PNG\r\n\x1a\n": 0,
    rb"PK\x03\x04[\x0a\x14\x2d]\x00": 0,
    rb"%PDF-1\.": 0,
    rb"\x1f\x8b\x08[\x00\x08]": 0,
    rb"\x7fELF[\x01\x02]\x01\x01": 0,
    rb"\xfd7zXZ\x00": 0,
    rb"!<arch>\n": 0,
    rb"SQLite format 3\x00": 0,
    rb"_BHRfS_M": 64,
    rb"LUKS\xba\xbe\x00": 0,
    rb"EFI PART\x00\x00\x01\x00": 0,
    rb"LABELONE": 0,
    rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": 0,
    rb"RIFF....(?:AVI |WAVE)": 0,
    rb"MZ[\x90\x78]\x00\x03\x00": 0,
    rb"#!/(?:usr/)?bin/": 0,
    rb"<\?xml version": 0,
    rb"<(?:!DOCTYPE|!doctype|html|HTML) ": 0,
    rb"-----BEGIN ": 0,
    rb"ID3[\x02-\x04]\x00": 0,
    rb"\xca\xfe\xba\xbe\x00\x00": 0,
}
"""Signs and how far into the sector each of them stands."""
# No groups in it: they would make the search a hundred times slower.
_PATTERN = re.compile(b"|".join(b"(?:" + one + b")" for one in _SIGNS), re.DOTALL)
_DEEP = [(re.compile(one, re.DOTALL), into) for one, into in _SIGNS.items() if into]
_BOOT = re.compile(rb"\x55\xaa")


def find_anchors(data: bytes, base: int) -> list[tuple[int, int]]:
    """Positions (from ``base``) at which a sector seems to begin, each with a number for the kind of sign.

    Kinds are judged apart: an archive of archives holds thousands of false signs of one kind.
    """
    found = []
    for match in _PATTERN.finditer(data):
        sign = match[0]
        found.append((base + match.start() - _into(sign), int.from_bytes(sign[:2], "big")))
    for match in _BOOT.finditer(data, 510):
        start = match.start() - 510
        begins = data[start : start + 1] in (b"\xeb", b"\xe9", b"\x33", b"\xfa")
        if begins and data[start + 1 : start + 16].count(0) < 12:
            found.append((base + start, 0x55AA))
    return found


def _into(sign: bytes) -> int:
    """How far into its sector a sign stands."""
    return next((into for pattern, into in _DEEP if pattern.match(sign)), 0)


def judge(anchors: Ints, kinds: Ints, sizes: Sequence[tuple[int, int]] = SHAPES) -> list[tuple[SizeScore, int]]:
    """For each shape the score and the phase: where the data of the first sector begin, modulo the raw size.

    The log-likelihood of so many anchors on one phase against chance, kind by kind; most matches of a kind may be
    false. ``share`` counts the kinds that say anything.
    """
    import numpy as np

    found = []
    for raw, data in sizes:
        several = data // 512
        chance = several / raw
        scores, own, hits_of_all, count_of_all = np.zeros(raw), np.zeros(raw), np.zeros(raw), 0
        for kind in np.unique(kinds).tolist():
            mine = anchors[kinds == kind]
            hits = np.bincount(mine % raw, minlength=raw).astype(float)
            total = hits.copy()
            for part in range(1, several):
                total += np.roll(hits, -512 * part)
            share = np.clip(total / mine.size, chance, 1 - 1e-9)
            gained = mine.size * (share * np.log(share / chance) + (1 - share) * np.log((1 - share) / (1 - chance)))
            scores += gained
            own += hits
            if float(gained.max()) > math.log(raw) + 3:
                hits_of_all += total
                count_of_all += mine.size
        best = float(scores.max())
        # Among nearly equal phases the one at which blocks themselves begin.
        near = np.flatnonzero(scores >= best - (max(2.0, 0.02 * abs(best)) if several > 1 else 0))
        phase = int(near[own[near].argmax()])
        share_of_all = float(hits_of_all[phase]) / count_of_all if count_of_all else 0.0
        found.append((SizeScore(raw, best - math.log(raw), min(1.0, share_of_all)), phase))
    return sorted(found, key=lambda pair: -pair[0].score)
