"""Titles sorted, filtered, searched, and as JSON."""

from __future__ import annotations

import json

import pytest

from engine import dvr
from engine.dvr.document import recordings_document
from engine.dvr.listing import arrange
from engine.dvr.model import Edit, EditKind, Extent, Gap, Missing, Part, Problem, Rung, Title
from tests.dvr_disks import mpeg, pioneer
from tests.dvr_disks.image import when
from tests.engine.dvr.disks import DATE, holed

PART = Part("a", (Extent(0, 4096),), 10.0)
TITLES = (
    Title("1", "beta", parts=(PART,), recorded_at=when(2008, 5, 1), channel="7", duration_s=10.0),
    Title("2", "Alpha film", parts=(PART, PART), recorded_at=when(2007, 5, 1), deleted=True, rung=Rung.ORPHAN,
          edited=(Edit(EditKind.AB_DELETE, "x"),), duration_s=20.0, problems=(Problem("a", "b"),)),
    Title("3", "", kind="play list", input="line 1", missing=Missing(gaps=(Gap(0, 10),)), genre="movies", locked=True),
)  # fmt: skip


@pytest.mark.parametrize(
    ("order", "ids"),
    [("disk", "123"), ("name", "213"), ("date", "321"), ("size", "312"), ("length", "312"), ("missing", "123"),
     ("rung", "132"), ("channel", "213")],
)  # fmt: skip
def test_orders(order, ids):
    assert "".join(title.id for title in arrange(TITLES, order=order)) == ids


def test_descending_order():
    assert [title.id for title in arrange(TITLES, order="size", descending=True)] == ["2", "1", "3"]


@pytest.mark.parametrize(
    ("show", "ids"),
    [("all", "123"), ("kept", "13"), ("deleted", "2"), ("whole", "12"), ("missing", "3"), ("play lists", "3"),
     ("problems", "2")],
)  # fmt: skip
def test_filters(show, ids):
    assert "".join(title.id for title in arrange(TITLES, show=show)) == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [("ALPHA", "2"), ("film alpha", "2"), ("2008-05", "1"), ("line", "3"), ("movies locked", "3"), ("deleted", "2"),
     ("a-b", "2"), ("orphan", "2"), ("7", "12"), ("nothing", ""), ("", "123")],
)  # fmt: skip
def test_search(text, ids):
    assert "".join(title.id for title in arrange(TITLES, search=text)) == ids


def test_shown_names():
    assert [title.shown_name for title in TITLES] == ["beta", "Alpha film", "play list 3"]
    assert Title("9", recorded_at=DATE).shown_name == "2007-11-03 20:15"


def test_the_document(save):
    made = pioneer.disk(
        "633h", [pioneer.Title(b"News", [pioneer.File(mpeg.stream(500, 1))], DATE, genre=3, locked=True)]
    )
    start = made.image.laid["1"][0][0]
    found = dvr.read(holed(save(made.image), (start + 100 * 2048, 50 * 2048)))
    document = json.loads(json.dumps(recordings_document(found, extents=True)))
    assert (document["recorder"], document["variant"]) == ("Pioneer DVR-433H, 530H, 633H", "633h")
    title = document["titles"][0]
    wanted = {
        "id": "1", "name": "News", "recorded_at": "2007-11-03T20:15:30", "channel": "3", "size": 500 * 2048, "parts": 1,
        "deleted": False, "missing_bytes": 50 * 2048, "thumbnail": None, "genre": "sports", "locked": True,
        "extents": [{"start": start, "size": 500 * 2048}], "rung": "directory", "input": "",
    }  # fmt: skip
    assert {key: title[key] for key in wanted} == wanted
    assert title["duration_s"] == pytest.approx(499 * 0.004, abs=0.01)
    assert title["missing"] == [
        {"start": 100 * 2048, "end": 150 * 2048, "start_s": 0.396, "end_s": 0.6, "exact": True}
    ]  # fmt: skip
    assert title["missing_s"] == pytest.approx(0.204)
