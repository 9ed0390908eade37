"""Nothing is written to the disk that is read."""

from __future__ import annotations

import os
from collections.abc import Iterable

from engine.errors import RefusedError
from engine.host.blocks import first_existing, shared, stack_of_path
from engine.host.roots import HERE, Roots


def refuse_same_disk(sources: Iterable[str | os.PathLike[str]], target: str | os.PathLike[str],
                     roots: Roots = HERE) -> None:  # fmt: skip
    """Raise ``RefusedError`` when ``target`` (which need not exist) lies on a block device among ``sources``."""
    for source in sources:
        if roots.devno_of(source) is None:
            continue
        own = stack_of_path(source, roots, through_loops=False).disks
        both = shared(own, stack_of_path(first_existing(target), roots).nodes)
        if both:
            raise RefusedError(
                f"the folder lies on the disk that is read ({', '.join(both)}): every byte written there may destroy "
                "one that is still to be read", code="same-disk", path=target, advice="choose a place on another disk",
            )  # fmt: skip
