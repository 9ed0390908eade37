"""Templates of all recorder structures, for the hex view."""

from __future__ import annotations

from engine.dvr.dvdvr.ifo import IDENTIFIER
from engine.dvr.meihdfs.structs import version_of
from engine.dvr.meihdfs.templates import TEMPLATES as OF_MEIHDFS
from engine.dvr.pioneer.templates import TEMPLATES as OF_PIONEER
from engine.dvr.udf.structs import EXTENDED_ENTRY, FILE_ENTRY, FILE_SET, read_tag
from engine.dvr.udf.templates import TEMPLATES as OF_UDF
from engine.template import Template

TEMPLATES: dict[str, Template] = OF_PIONEER | OF_MEIHDFS | OF_UDF


def guess(data: bytes) -> str | None:
    """By signature: superblock, file set, file entry, management file, inode. Pioneer's tables have none."""
    if version_of(data[:512]) is not None:
        return "meihdfs-superblock"
    if data[:12] == IDENTIFIER:
        return "dvd-vr-ifo"
    tag = read_tag(data[:16])
    if tag is not None:
        return {FILE_SET: "udf-file-set", FILE_ENTRY: "udf-file-entry", EXTENDED_ENTRY: "udf-extended-entry"}.get(
            tag.kind
        )
    if len(data) >= 0x100 and data[0x1C:0x1E] == b"\1\0" and data[0x1F] in (0x81, 0x41) and not any(data[0x34:0x100]):
        return "meihdfs-inode"
    return None
