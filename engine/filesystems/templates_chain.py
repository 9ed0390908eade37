"""Templates of file allocation tables: each entry names the next cluster of a chain, or says what the cluster is."""

from __future__ import annotations

from construct import Bytes, Int16ul, Int32ul, Struct

from engine.template import Context, Note, Template


def _says(value: int, width: int) -> str:
    top = 1 << width
    if value == 0:
        return "free"
    if value == top - 9:
        return "bad cluster"
    if value >= top - 8:
        return "end of a chain"
    if value == 1 or value >= top - 16:
        return "reserved: no cluster has this number"
    return f"next: cluster {value}"


def _fat32(value: int, _context: Context) -> str:
    return _says(value & 0x0FFFFFFF, 28)


def _fat16(value: int, _context: Context) -> str:
    return _says(value, 16)


def _fat12(value: bytes, _context: Context) -> str:
    first, second = value[0] | (value[1] & 15) << 8, value[1] >> 4 | value[2] << 4
    return f"{_says(first, 12)}; {_says(second, 12)}"


FAT32_TABLE = Template("fat32-table", "FAT of FAT32", Struct("entry" / Int32ul), {"entry": Note(_fat32)}, repeated=True)
FAT16_TABLE = Template("fat16-table", "FAT of FAT16", Struct("entry" / Int16ul), {"entry": Note(_fat16)}, repeated=True)
FAT12_TABLE = Template("fat12-table", "FAT of FAT12, two entries in three bytes", Struct("pair" / Bytes(3)),
                       {"pair": Note(_fat12)}, repeated=True)  # fmt: skip
