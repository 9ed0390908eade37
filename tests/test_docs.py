"""The worked examples of the documentation are run as they stand."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

import pytest

from engine.carve.outcome import Status
from engine.carve.view import NotThis, Reader, View
from engine.dvr.model import Finding
from engine.mapfile import Mapfile
from engine.ranges import RangeSet
from engine.source import HoleSource
from engine.source.extents import BytesSource

DOCS = Path(__file__).parents[1] / "docs"
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def example(name: str, number: int = 0, **given: Any) -> dict[str, Any]:
    """What the code of a page defines."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "adding" / name).read_text(), re.DOTALL)
    scope: dict[str, Any] = dict(given)
    exec(compile(blocks[number], name, "exec"), scope)
    return scope


def test_a_signature_added_as_the_page_says() -> None:
    walker = example("signature.md")["farbfeld"]
    signature: dict[str, Any] = {}
    example("signature.md", 1, farbfeld=walker, _s=lambda *parts, **more: signature.update(parts=parts, **more))
    assert signature["parts"][3] == b"farbfeld"
    data = b"farbfeld" + struct.pack(">II", 5, 3) + bytes(range(120)) + b"more"
    found = walker(View(Reader(BytesSource(data)), 0))
    assert (found.status, found.end, found.facts) == (Status.COMPLETE, 136, {"width": 5, "height": 3})
    with pytest.raises(NotThis):
        walker(View(Reader(BytesSource(b"farbfeld" + bytes(64))), 0))


def test_a_recipe_added_as_the_page_says() -> None:
    (recipe,) = example("recipe.md")["RECIPES"]
    map_ = Mapfile.new(0, 1 << 20, "+").set_range(0, 512, "-").set_range(65536, 131072, "-")
    made = recipe.prepare(map_, recipe.complete({}))
    assert list(made.map.ranges("?")) == [(0, 512)]
    assert list(made.map.ranges("-")) == [(65536, 131072)]
    assert list(made.map.ranges("+")) == list(map_.ranges("+"))
    assert made.explain == ("Bad areas of at most 4096 bytes become non-tried: 512 B in 1 area.",)


def test_a_recorder_added_as_the_page_says() -> None:
    recorder = example("recorder.md")["Acme"]()
    entry = struct.pack("<32sIII20x", b"Tatort\x1b[2J", 1_200_000_000, 100, 8)
    disk = bytearray(200 * 512)
    disk[512:524] = b"ACMEREC1" + struct.pack("<I", 4_000_000_000)
    disk[528:656] = entry * 2
    (finding,) = recorder.probe(BytesSource(bytes(disk)), (), swapped=False)
    assert isinstance(finding, Finding)
    found = recorder.read(BytesSource(bytes(disk)), finding, deep=False)
    first = found.titles[0]
    assert (first.size, first.extents[0].start) == (4096, 51200)
    assert "\x1b" not in first.name and first.recorded_at.year == 2008
    holed = HoleSource(BytesSource(bytes(disk)), RangeSet.of(528, 540))
    assert [title.id for title in recorder.read(holed, finding, deep=False).titles] == ["a1"]


def test_links_lead_somewhere() -> None:
    for page in (*DOCS.rglob("*.md"), *DOCS.parent.glob("*.md")):
        for target in _LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
