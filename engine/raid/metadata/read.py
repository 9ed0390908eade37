"""All metadata of a member, whatever software left them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.raid.metadata.ddf import read_ddf
from engine.raid.metadata.ldm import read_ldm
from engine.raid.metadata.md import read_md
from engine.raid.metadata.model import Super
from engine.source.base import ReadError

if TYPE_CHECKING:
    from engine.source import Source

_MOST = 4 << 20


def read_supers(source: Source) -> tuple[Super, ...]:
    """md, DDF and LDM of one member; what cannot be read is not there. Offsets are bytes of ``source``."""

    def read(offset: int, size: int) -> bytes | None:
        if offset < 0 or size <= 0 or size > _MOST or offset + size > source.size:
            return None
        try:
            reading = source.read(offset, size)
        except ReadError:
            return None
        return reading.data if reading.whole else None

    return (*read_md(read, source.size), *read_ddf(read, source.size), *read_ldm(read, source.size))
