"""Starts at any byte, by Hyperscan's multi-pattern search: for memory dumps, caches, and files inside of files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from engine.carve.scan import Hit
from engine.errors import OutsideError

if TYPE_CHECKING:
    from engine.carve.signatures import Signature

_LEAST_BYTES, _LEAST_VALUES = 4, 3


def usable(signature: Signature) -> bool:
    """Whether its magic is long and varied enough to be looked for at any byte (the facts: 32 significant bits, more
    than two values; shorter ones explode in ordinary data), or the format demands enough behind it.
    """
    if signature.anywhere is not None:
        return True
    bits = signature.mask is None or set(signature.mask) == {0xFF}
    return bits and len(signature.magic) >= _LEAST_BYTES and len(set(signature.magic)) >= _LEAST_VALUES


def _exactly(magic: bytes) -> bytes:
    return b"".join(b"\\x%02x" % byte for byte in magic)


class EverywhereScanner:
    """Finds the strong signatures at any byte."""

    def __init__(self, signatures: Sequence[Signature]) -> None:
        try:
            import hyperscan
        except ImportError as error:
            raise OutsideError(
                "Hyperscan is not there", code="no-hyperscan", advice="files at block borders are found without it"
            ) from error
        self._signatures = [signature for signature in signatures if usable(signature)]
        looked = [s.anywhere or (_exactly(s.magic), len(s.magic)) for s in self._signatures]
        self._sizes = [size for _, size in looked]
        self.reach = max((s.offset + size for s, size in zip(self._signatures, self._sizes, strict=True)), default=0)
        self._engine: Any = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        if self._signatures:
            self._engine.compile(
                expressions=[expression for expression, _ in looked],
                ids=list(range(len(self._signatures))),
                flags=[hyperscan.HS_FLAG_DOTALL] * len(self._signatures),
            )

    def hits(self, data: memoryview, base: int, limit: int) -> Iterator[Hit]:
        """Candidates by their start, for starts in ``[base, base + limit)``; ``data`` begins at ``base``."""
        found: list[tuple[int, int]] = []

        def matched(number: int, _start: int, end: int, _flags: int, _context: object) -> None:
            found.append((end, number))

        if self._signatures:
            self._engine.scan(data, match_event_handler=matched)
        hits: list[tuple[int, int]] = []
        for end, number in found:
            signature = self._signatures[number]
            start = end - self._sizes[number] - signature.offset
            if 0 <= start < limit:
                hits.append((start, number))
        for start, number in sorted(hits):
            yield Hit(base + start, self._signatures[number])
