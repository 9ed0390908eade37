"""Names for finds: from their content where it has one, else type and sector."""

from __future__ import annotations

import re

from engine.carve.find import Find

_UNFIT = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")


def file_name(find: Find, sector: int = 512) -> str:
    """``<folder of the type>/<name>.<extension>``; what came from the disk is made safe when it is written."""
    place = f"{find.start // sector:010d}"
    text = _UNFIT.sub("_", find.name or str(find.facts.get("title", ""))).strip(" ._")[:80]
    stem = f"{text}_{place}" if text else f"{find.kind}_{place}"
    extension = find.extension
    if extension and stem.lower().endswith("." + extension.lower()):
        stem = stem[: -len(extension) - 1]
    return f"{extension or find.kind}/{stem}.{extension}" if extension else f"{find.kind}/{stem}"
