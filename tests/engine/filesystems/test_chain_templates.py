"""The FAT in the hex view: what each entry says, against the chains that the reader follows."""

from __future__ import annotations

import pytest

from engine.filesystems.layout import fat
from engine.hex.registry import lay
from engine.source import FileSource
from tests.engine.filesystems.conftest import index_of

WIDTHS = {"fat12": 3, "fat16": 2, "fat32": 4}


@pytest.mark.parametrize("volume", ["fat12", "fat16", "fat32"], indirect=True)
def test_entries_lead_along_the_chain(volume, tmp_path):
    index = index_of(volume.image, tmp_path)
    with FileSource(volume.image) as source:
        boot = fat.read_boot(source)
        told = lay(source, boot.reserved, f"{volume.family}-table").fields
        table = fat.entries(source.read(boot.reserved, boot.fat_size).data, boot.bits, boot.clusters + 2)
    words = " ".join(field.meaning for field in told)
    assert "end of a chain" in words and "next: cluster" in words
    if volume.family == "fat12":
        assert told[1].meaning == f"next: cluster {table[2]}; next: cluster {table[3]}"
    else:
        assert told[2].meaning == f"next: cluster {table[2]}" or "end" in told[2].meaning
        assert all(field.size == WIDTHS[volume.family] for field in told)
    first = (index.pieces(index.find("big.bin"))[0].start - boot.data) // boot.cluster + 2
    clusters, at = [], first
    while at < (1 << boot.bits if boot.bits < 32 else 1 << 28) - 8:
        clusters.append(at)
        at = int(table[at])
    pieces = index.pieces(index.find("big.bin"))
    starts = [piece.start + low for piece in pieces for low in range(0, piece.size, boot.cluster)]
    assert [boot.data + (cluster - 2) * boot.cluster for cluster in clusters] == starts
