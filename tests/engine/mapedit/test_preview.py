"""Reading a selection now, on the real ddrescue and a failing disk; one list of generations for rescues and edits."""

from __future__ import annotations

import dataclasses

import pytest

from engine.cases import create_case
from engine.errors import OutsideError, RescueError
from engine.jobs import JobState
from engine.mapedit import Document, SetLine, SetStatus, generations_of, preview_run, read_selection
from engine.mapfile.lock import hold_map
from engine.mapfile.model import Mapfile
from engine.mapfile.parse import read_map
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from engine.rescue.capabilities import Capabilities
from engine.rescue.options import RescueOptions
from tests.engine.rescue.driving import assert_true_image, events, rescue, why_failed
from tests.failing_disk import Error, FailingDisk, make_image
from tests.support import needs_fuse, needs_tool

MIB = 1 << 20
SIZE = 8 * MIB


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", SIZE)


def mapped(tmp_path, map_: Mapfile) -> Document:
    write_map(tmp_path / "map", map_)
    (tmp_path / "image").touch()
    return Document.open(tmp_path / "map", size=SIZE)


def prepared(document: Document, ranges: RangeSet, original, **more):
    ready = read_selection(
        document, ranges, source=str(original), image=str(document.path.with_name("image")), **more
    )
    assert ready.arguments is not None
    return ready, dataclasses.replace(ready.arguments, min_free=0)


def test_only_the_selection_is_read_and_the_map_has_it(tmp_path, original):
    needs_tool("ddrescue")
    document = mapped(tmp_path, Mapfile.new(0, SIZE).with_status_line(5 * MIB, "?", 5))
    ready, made = prepared(document, RangeSet.of(2 * MIB, 3 * MIB), original)
    assert ready.reads == RangeSet.of(2 * MIB, 3 * MIB)
    job = rescue(made)
    assert job.state is JobState.DONE, why_failed(job)
    assert read_map(document.path).ranges("+") == RangeSet.of(2 * MIB, 3 * MIB)
    assert_true_image(made, original)
    assert document.follow()
    assert document.map.status_at(2 * MIB) == "+"


def test_several_ranges_become_a_domain(tmp_path, original):
    needs_tool("ddrescue")
    document = mapped(tmp_path, Mapfile.new(0, SIZE).set_range(0, MIB, "+"))
    (tmp_path / "image").write_bytes(original.read_bytes()[:MIB])
    ranges = RangeSet([(MIB // 2, 2 * MIB), (4 * MIB, 4 * MIB + 4096), (7 * MIB, 8 * MIB)])
    ready, made = prepared(document, ranges, original)
    assert ready.reads == RangeSet([(MIB, 2 * MIB), (4 * MIB, 4 * MIB + 4096), (7 * MIB, 8 * MIB)])
    assert made.options is not None
    assert made.options.domain_mapfile is not None
    assert rescue(made).state is JobState.DONE
    assert read_map(document.path).ranges("+") == ranges.union(RangeSet.of(0, MIB))
    assert_true_image(made, original)
    assert document.follow()
    _, second = prepared(document, RangeSet([(2 * MIB, 3 * MIB), (5 * MIB, 6 * MIB)]), original)
    assert second.options is not None
    assert second.options.domain_mapfile != made.options.domain_mapfile


def test_a_stale_line_that_would_skip_the_selection_is_set_first(tmp_path, original):
    needs_tool("ddrescue")
    stale = Mapfile.new(0, SIZE).with_status_line(3 * MIB, "?", 5)
    document = mapped(tmp_path, stale)
    told = read_selection(document, RangeSet.of(2 * MIB, 4 * MIB), source=str(original), image="image", dry_run=True)
    assert told.arguments is None
    assert any("0x0 ? 1" in word for word in told.words)
    assert read_map(document.path) == stale
    _, made = prepared(document, RangeSet.of(2 * MIB, 4 * MIB), original)
    assert read_map(document.path).position == 0
    assert rescue(made).state is JobState.DONE
    assert read_map(document.path).ranges("+") == RangeSet.of(2 * MIB, 4 * MIB)


def test_bad_sectors_are_retried_when_nothing_else_is_selected(tmp_path, original):
    needs_tool("ddrescue")
    needs_fuse()
    with FailingDisk(original, [Error(offset=5 * MIB, size=512)]) as disk:
        bad = Mapfile.new(0, SIZE, "+").set_range(5 * MIB - 1024, 5 * MIB + 1024, "-")
        document = mapped(tmp_path, bad)
        (tmp_path / "image").write_bytes(original.read_bytes()[: 5 * MIB - 1024] + bytes(3 * MIB + 1024))
        ready = read_selection(document, RangeSet.of(4 * MIB, 6 * MIB), source=str(disk.device),
                               image=str(tmp_path / "image"))  # fmt: skip
        assert ready.arguments is not None
        assert ready.arguments.retries == 1
        job = rescue(dataclasses.replace(ready.arguments, min_free=0))
        assert job.state is JobState.DONE, why_failed(job)
        assert read_map(document.path).ranges("-") == RangeSet.of(5 * MIB, 5 * MIB + 512)
        seen = {read.offset for read in disk.reads() if not 4 * MIB <= read.offset < 6 * MIB}
        assert len(seen) < 4, seen  # looks at whether it is alive, no more


def test_what_is_refused(tmp_path, original):
    document = mapped(tmp_path, Mapfile.new(0, SIZE).set_range(0, MIB, "+"))

    def refused(ranges: RangeSet | None = None, **more) -> str:
        given = {"source": str(original), "image": "image", **more}
        with pytest.raises(RescueError) as caught:
            read_selection(document, ranges or RangeSet.of(0, SIZE), **given)
        return caught.value.code

    assert refused(RangeSet.of(0, MIB)) == "nothing-to-do"
    assert refused(source=None) == "no-source"
    assert refused(recipe="none") == "no-recipe"
    with hold_map(document.path, "a rescue"):
        assert refused() == "map-held"
    document.apply(SetLine(5))
    assert refused() == "unsaved"


def test_rescue_and_edits_keep_one_list_of_generations(tmp_path, original):
    needs_tool("ddrescue")
    document = mapped(tmp_path, Mapfile.new(0, SIZE))
    document.apply(SetStatus(RangeSet.of(0, MIB), "-"))
    document.save("begin behind the first MiB")
    _, made = prepared(document, RangeSet.of(MIB, 2 * MIB), original)
    job = rescue(made)
    assert job.state is JobState.DONE, why_failed(job)
    document.follow()
    document.apply(SetStatus(RangeSet.of(0, MIB), "?"))
    document.save("now the first MiB")
    listed = generations_of(document.path)
    assert [one.number for one in listed] == [1, 2, 3]
    assert listed[0].note == "before: begin behind the first MiB"
    command = events(job, "pass")[0].facts["command"]
    assert (listed[1].note, listed[1].command) == ("before fast copy", command)
    assert listed[2].note.startswith("after fast copy")
    assert listed[2].command is None
    assert [one.path.parent for one in listed] == [tmp_path / "map.generations"] * 3


def test_in_a_case_source_and_image_are_known(tmp_path, original):
    needs_tool("ddrescue")
    case = create_case(tmp_path / "case", source_path=str(original), source_size=SIZE)
    write_map(case.map, Mapfile.new(0, SIZE))
    document = Document.open(case.map)
    ready = read_selection(document, RangeSet.of(0, 2 * SIZE))
    assert ready.reads == RangeSet.of(0, SIZE)
    assert ready.arguments is not None
    assert ready.arguments.case == str(case.directory)
    assert rescue(dataclasses.replace(ready.arguments, min_free=0)).result["complete"]
    assert case.image.read_bytes() == original.read_bytes()


def test_the_forecast_takes_the_rescues_options(tmp_path):
    map_ = Mapfile.from_blocks([(0, MIB, "?"), (MIB, MIB, "*"), (2 * MIB, MIB, "/"), (3 * MIB, MIB, "-")])
    plain = preview_run(map_)
    assert plain.reads == RangeSet.of(0, 3 * MIB)
    options = RescueOptions(no_trim=True, no_scrape=True, input_position=MIB // 2, size=MIB)
    assert preview_run(map_, options).reads == RangeSet.of(MIB // 2, MIB)
    write_map(tmp_path / "domain", Mapfile.new(0, MIB, "-").set_range(0, 512, "+"))
    options = RescueOptions(domain_mapfile=str(tmp_path / "domain"))
    assert preview_run(map_, options, 4 * MIB).reads == RangeSet.of(0, 512)


@pytest.mark.parametrize(("letters", "warned"), [({"no-trim": "N"}, False), ({"no-trim": "", "no-sweep": "N"}, True)])
def test_a_ddrescue_that_goes_by_later_rules_is_told(monkeypatch: pytest.MonkeyPatch, letters, warned) -> None:
    installed = Capabilities("/usr/bin/ddrescue", (1, 30) if warned else (1, 29), "1.30", letters)
    monkeypatch.setattr("engine.mapedit.preview.probe", lambda: installed)
    forecast = preview_run(Mapfile.new(0, SIZE), None, SIZE)
    assert any("ddrescue 1.30 is installed" in warning for warning in forecast.warnings) is warned


def test_a_forecast_needs_no_ddrescue(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> Capabilities:
        raise OutsideError("not here")

    monkeypatch.setattr("engine.mapedit.preview.probe", missing)
    assert not preview_run(Mapfile.new(0, SIZE), None, SIZE).warnings
