"""Recordings as work: items, filled gaps, what a rescue should read first, clock scans kept in files."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from engine.dvr import read
from engine.dvr.clock.model import Decisions
from engine.dvr.pack import PACK_SIZE, is_pack, pack_clock
from engine.errors import CancelledError, DamagedError, NotFoundError, OutsideError, RefusedError
from engine.priorities import read_domain
from engine.progress import Silent
from engine.ranges import RangeSet
from engine.recordings import Place, clockwork, look, opened
from engine.recordings.extracting import JOURNAL, Order, take
from engine.recordings.filling import FilledSource, padding_pack
from engine.recordings.items import chosen, stem, title_items
from engine.recordings.look import place_of
from engine.recordings.remux import chapters_text
from engine.recordings.wanted import save_domain, structures_wanted, titles_wanted
from engine.source import BytesSource, FileSource, HoleSource
from tests.dvr_disks.ifo import Cell as IfoCell
from tests.dvr_disks.ifo import Management, Programme, Vob, units_of
from tests.dvr_disks.samples import Sample, map_with, pioneer_disk
from tests.engine.dvr.clock.streams import Maker, lay, scr_of


def small(seconds: int, number: int) -> bytes:
    return Maker(number).stream(seconds, 10)


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Sample:
    return pioneer_disk(tmp_path_factory.mktemp("disk") / "disk.img", small)


@pytest.fixture
def holed(sample, tmp_path) -> Path:
    """A map: 40 packs of the first title are lost, and a kilobyte of the fourth."""
    start, _ = sample.laid["1"][1]
    other, _ = sample.laid["4"][0]
    size = sample.path.stat().st_size
    return map_with(tmp_path / "disk.map", size, [(start + 10 * PACK_SIZE, 40 * PACK_SIZE), (other + 512, 1024)])


def only_names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.suffix != ".json")


def test_exact_bytes_of_every_title(sample, tmp_path):
    place = Place(sample.path)
    looked = look(place)
    with opened(place) as source:
        done = take(source, looked.recordings, tmp_path / "out", Order(pictures=False))
    assert [one.id for one in done.taken] == [title.id for title in looked.recordings.titles]
    for one, title in zip(done.taken, looked.recordings.titles, strict=True):
        assert one.path.read_bytes() == sample.content[title.id]
        assert one.path.parent == tmp_path / "out"
        assert title.recorded_at is not None
        assert one.path.stat().st_mtime == title.recorded_at.timestamp()
    names = only_names(tmp_path / "out")
    assert len(names) == 6
    assert "Sportschau 2008-08-02 18.10.mpg" in names
    assert "Sportschau 2008-08-09 18.10.mpg" in names
    assert "Geloescht 2008-10-03 22.40 (deleted).mpg" in names
    assert not (tmp_path / "out" / JOURNAL).exists()


def test_parts_and_chosen_titles(sample, tmp_path):
    place = Place(sample.path)
    recordings = look(place).recordings
    with opened(place) as source:
        done = take(source, recordings, tmp_path, Order(("2",), parts=True, pictures=False))
    assert [one.path.name for one in done.taken] == [
        "Urlaub 2008 2008-07-01 12.00 part 1.mpg", "Urlaub 2008 2008-07-01 12.00 part 2.mpg",
    ]  # fmt: skip
    assert b"".join(one.path.read_bytes() for one in done.taken) == sample.content["2"]
    with pytest.raises(NotFoundError):
        chosen(recordings, ["2", "99"])


def test_lost_packs_are_told_or_padded(sample, holed, tmp_path):
    place = Place(sample.path, holed)
    looked = look(place)
    assert looked.mapped and looked.unread == 40 * PACK_SIZE + 1024
    with opened(place) as source:
        done = take(source, looked.recordings, tmp_path / "a", Order(("1",), pictures=False))
        padded = take(source, looked.recordings, tmp_path / "b", Order(("1",), fill=True, pictures=False))
    (one,), (two,) = done.taken, padded.taken
    assert one.missing_bytes == two.missing_bytes == 40 * PACK_SIZE
    assert one.path.name.endswith(".holed.mpg") and two.path.name.endswith(".filled.mpg")
    before, after = one.path.read_bytes(), two.path.read_bytes()
    at = before.index(bytes(40 * PACK_SIZE)) // PACK_SIZE
    clocks = []
    for number in range(len(after) // PACK_SIZE):
        pack = after[number * PACK_SIZE : (number + 1) * PACK_SIZE]
        assert is_pack(pack)
        clocks.append(pack_clock(pack))
        if not at <= number < at + 40:
            assert pack == before[number * PACK_SIZE : (number + 1) * PACK_SIZE]
    assert clocks == sorted(clocks)
    told = json.loads((two.path.parent / (two.path.name + ".rescue.json")).read_text())
    assert told["filled"] == told["missing"] == [[at * PACK_SIZE, (at + 40) * PACK_SIZE]]
    assert not told["complete"]


def test_padding_reads_the_same_in_any_pieces():
    data = Maker(3).stream(3)
    holes = RangeSet([(100, 200), (20 * 2048 + 5, 25 * 2048), (len(data) - 9, len(data))])
    source = FilledSource(HoleSource(BytesSource(data), holes))
    whole = source.read(0, source.size).data
    assert list(source.filled) == [(0, 2048), (20 * 2048, 25 * 2048), (len(data) - 2048, len(data))]
    generator = random.Random(1)
    for _ in range(50):
        offset, size = generator.randrange(len(data)), generator.randrange(9000)
        assert source.read(offset, size).data == whole[offset : offset + size]
    base, extension = scr_of(padding_pack(123_456_789), 0)
    assert base * 300 + extension == 123_456_789
    assert len(padding_pack(0)) == PACK_SIZE and is_pack(padding_pack(0))


def test_what_a_rescue_reads_first(sample, tmp_path):
    looked = look(Place(sample.path))
    wanted = structures_wanted(looked.recordings, looked.size)
    table = sample.disk.directory * PACK_SIZE
    for block in (*sample.disk.fnt.values(), *sample.disk.fat.values(), *sample.disk.fot.values()):
        assert block * PACK_SIZE in wanted
    assert table in wanted
    assert wanted.total < 16 << 20
    both = titles_wanted(looked.recordings, chosen(looked.recordings, ["3"]), looked.size)
    start, size = sample.laid["3"][0]
    assert both.clip(start, start + size).total == size
    other, length = sample.laid["4"][0]
    assert both.clip(other, other + length).total == 0
    save_domain(tmp_path / "first.domain", wanted, looked.size)
    assert read_domain(tmp_path / "first.domain").wanted.subtract(wanted).total < 1 << 20
    assert place_of(looked.recordings.titles[0], 0) == sample.laid["1"][0][0]
    assert place_of(looked.recordings.titles[0], 1 << 40) is None


class Stop(Silent):
    def __init__(self, limit: int) -> None:
        self.limit, self.done = limit, 0

    def update(self, done: int, total: int | None = None, unit: str = "B", message: str = "") -> None:
        self.done = done

    def cancelled(self) -> bool:
        return self.done >= self.limit


def test_stopped_and_gone_on(sample, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.extract.loop._TELL_S", 0.0)
    place = Place(sample.path)
    recordings = look(place).recordings
    order = Order(pictures=False)
    with opened(place) as source:
        with pytest.raises(CancelledError):
            take(source, recordings, tmp_path / "out", order, reporter=Stop(1_500_000))
        assert 0 < len(only_names(tmp_path / "out")) < 7
        done = take(source, recordings, tmp_path / "out", order)
    assert [one.path.read_bytes() == sample.content[one.id] for one in done.taken] == [True] * 6
    assert len(only_names(tmp_path / "out")) == 6


def test_devices_are_refused_to_screens():
    with pytest.raises(RefusedError), opened(Place(Path("/dev/null")), devices=False):
        pass


def test_nothing_there_says_what_else_to_try(tmp_path):
    (tmp_path / "noise").write_bytes(random.Random(1).randbytes(1 << 20))
    with pytest.raises(NotFoundError) as caught:
        look(Place(tmp_path / "noise"))
    assert "clock" in (caught.value.advice or "")


def test_a_scan_is_kept_and_decided_by_hand(tmp_path):
    streams = [small(12, number) for number in range(3)]
    laid = lay(streams, random.Random(5), extents=3)
    image = tmp_path / "disk.img"
    image.write_bytes(laid.data)
    folder = tmp_path / "scan"
    folder.mkdir()
    with FileSource(image) as source:
        work = clockwork.scan_into(source, folder)
        assert clockwork.load(folder) == work
        assert len(work.recordings().titles) == 3
        assert work.recordings(shortest_s=3600).titles == ()
        done = take(source, work.recordings(), tmp_path / "out", Order(pictures=False))
        assert sorted(one.path.read_bytes() for one in done.taken) == sorted(streams)
        join = work.puzzle.joins[0]
        pair = (work.puzzle.piece(join.first).start, work.puzzle.piece(join.second).start)
        apart = clockwork.decide(source, work, Decisions(apart=(pair,)), folder)
        assert len(apart.recordings().titles) == 4
        assert clockwork.load(folder) == apart
        again = clockwork.decide(source, apart, Decisions(joins=(pair,)), folder)
        assert len(again.recordings().titles) == 3
        place = work.puzzle.pieces[0]
        cut = place.start + place.packs // 2 * PACK_SIZE
        cut_ = clockwork.decide(source, work, Decisions(cuts=(cut,), apart=((place.start, cut),)), folder)
        assert len(cut_.puzzle.pieces) == len(work.puzzle.pieces) + 1
        assert len(cut_.recordings().titles) == 4
    chunks = clockwork.chunks_document(work)
    assert [chunk["start"] for chunk in chunks] == [piece.start for piece in work.puzzle.pieces]
    assert {chunk["recording"] for chunk in chunks} == {title.id for title in work.recordings().titles}
    (folder / clockwork.FOUND).write_text('{"pieces": [[1,2]]}')
    with pytest.raises(DamagedError):
        clockwork.load(folder)
    with pytest.raises(OutsideError):
        clockwork.load(tmp_path / "nowhere")


def test_a_scan_goes_on_and_a_foreign_state_is_begun_anew(tmp_path):
    data = small(12, 1)
    folder = tmp_path / "scan"
    folder.mkdir()
    (folder / clockwork.STATE).write_bytes(b"nonsense")
    work = clockwork.scan_into(BytesSource(data), folder)
    assert [piece.size for piece in work.puzzle.pieces] == [len(data)]
    assert clockwork.scan_into(BytesSource(data), folder) == work


def test_names_and_chapters(sample):
    recordings = look(Place(sample.path)).recordings
    hostile = recordings.title("5")
    assert hostile is not None
    assert not stem(hostile).startswith(".")
    assert "\x1b" not in stem(hostile) and "/" not in stem(hostile)
    text = chapters_text(hostile)
    assert text.splitlines()[0] == ";FFMETADATA1"
    assert "\x1b" not in text
    with FileSource(sample.path) as source:
        item = title_items(recordings, [hostile], recordings.view(source))[0]
        assert item.content.size == len(sample.content["5"])
        assert read(source).titles


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_nothing_is_written_to_the_disk_that_is_read(tmp_path):
    from engine.extract.apart import refuse_same_disk
    from engine.host.blocks import stack_of_path

    disks = [f"/dev/{name}" for name in stack_of_path(tmp_path).disks if os.path.exists(f"/dev/{name}")]
    if not disks:
        pytest.skip("this folder lies on no block device of this machine")
    with pytest.raises(RefusedError) as caught:
        refuse_same_disk(disks, tmp_path / "new" / "folder")
    assert caught.value.code == "same-disk"
    refuse_same_disk([tmp_path], tmp_path)


def test_a_hole_within_a_recording_is_a_hole_in_its_file(tmp_path):
    data = small(14, 2)
    image = tmp_path / "disk.img"
    image.write_bytes(data)
    lost = (100 * PACK_SIZE + 700, 30 * PACK_SIZE)
    map_ = map_with(tmp_path / "map", len(data), [lost])
    place = Place(image, map_)
    folder = tmp_path / "scan"
    folder.mkdir()
    with opened(place) as source:
        work = clockwork.scan_into(source, folder)
        recordings = work.recordings(source)
        (title,) = recordings.titles
        assert title.missing.bytes == lost[1]
        assert title.duration_s == pytest.approx(14, abs=1.5)
        (plain,) = take(source, recordings, tmp_path / "out", Order(pictures=False)).taken
        (padded,) = take(source, recordings, tmp_path / "pad", Order(pictures=False, fill=True)).taken
    assert plain.path.name.endswith(".holed.mpg") and plain.missing_bytes == lost[1]
    assert plain.size == padded.size == len(data)
    filled = padded.path.read_bytes()
    assert all(is_pack(filled[at : at + 14]) for at in range(0, len(filled), PACK_SIZE))
    assert filled[: 100 * PACK_SIZE] == data[: 100 * PACK_SIZE]


def test_a_decided_tie_is_no_longer_open(tmp_path):
    data = small(14, 5)
    cut = 150 * PACK_SIZE
    noise = random.Random(1).randbytes(PACK_SIZE)
    source = BytesSource(data[:cut] + noise + data[cut:] + noise + data[cut:])
    work = clockwork.scan_into(source, tmp_path)
    assert len(work.open_ties) == 1
    pieces = work.puzzle.pieces
    decided = clockwork.decide(source, work, Decisions(joins=((pieces[0].start, pieces[2].start),)), tmp_path)
    assert not decided.open_ties
    assert sorted(len(title.parts) for title in decided.recordings().titles) == [1, 2]


def test_a_play_list_leaves_as_one_file(tmp_path):
    stream = Maker(1).stream(6, 10)
    units = units_of(stream)
    half = sum(unit.sectors for unit in units[:6]) * PACK_SIZE
    vobs = [Vob(0, units, None)]
    middle = 90_000 + sum(unit.fields for unit in units[:6]) * 1800
    lists = [Programme([IfoCell(1, middle, 1 << 30), IfoCell(1, 90_000, middle)], b"Turned round")]
    folder = tmp_path / "disc"
    folder.mkdir()
    (folder / "VR_MOVIE.VRO").write_bytes(stream)
    (folder / "VR_MANGR.IFO").write_bytes(Management(vobs, [Programme([IfoCell(1)], b"One")], lists).standard())
    place = Place(folder)
    looked = look(place)
    with opened(place) as source:
        done = take(source, looked.recordings, tmp_path / "out", Order(("p1",), pictures=False))
    assert [one.path.read_bytes() for one in done.taken] == [stream[half:] + stream[:half]]
    assert done.taken[0].path.name.startswith("Turned round")
