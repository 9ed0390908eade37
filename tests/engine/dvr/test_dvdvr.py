"""DVD-VR management files: VOB records, cells, names, edits, play lists; in both byte orders."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import dvr
from engine.dvr.disk import Piece
from engine.dvr.dvdvr.fields import disc_text
from engine.dvr.dvdvr.ifo import is_panasonic, parse
from tests.dvr_disks import ifo, mpeg
from tests.dvr_disks.ifo import Cell, Formats, Management, Programme, Unit, Vob
from tests.dvr_disks.image import when
from tests.engine.dvr.disks import DATE, two_recordings

BUILT = two_recordings()


def parsed(management: Management, *, panasonic: bool = False, sectors: int | None = None, begins=lambda _: None):
    data = management.panasonic() if panasonic else management.standard()
    return parse(Piece(0, data), sectors, begins)


both = pytest.mark.parametrize("panasonic", [False, True])


@both
def test_every_field_of_a_vob(panasonic):
    vob = Vob(1000, [Unit(7, 25), Unit(1023, 63), Unit(1, 1)], DATE, start_ptm=123456)
    found = parsed(Management([vob, vob], [Programme([Cell(1)], b"x")]), panasonic=panasonic)
    assert found.panasonic is panasonic and not found.problems and found.lost == 0
    one = found.vobs[1]
    assert (one.number, one.first_sector, one.sectors, one.recorded_at) == (2, 1000, 1031, DATE)
    assert one.sizes.tolist() == [7, 1023, 1]
    assert one.seconds.tolist() == pytest.approx([0.5, 1.26, 0.02])
    assert (one.start_ptm, one.end_ptm) == (123456, 123456 + 89 * 1800)
    assert not one.erased


@both
@pytest.mark.parametrize("system", [0, 1])
@pytest.mark.parametrize("aspect", [0, 1])
def test_stream_formats(panasonic, system, aspect):
    vobs = [Vob(0, [Unit(1, 60)]), Vob(1, [Unit(1, 60)], format=2)]
    management = Management(vobs, [Programme([Cell(1)])], formats=[Formats(), Formats(system, aspect)])
    found = parsed(management, panasonic=panasonic)
    assert found.vobs[0].seconds[0] == pytest.approx(1.2)
    assert found.vobs[1].seconds[0] == pytest.approx(1.2 if system else 1.001)
    assert found.vobs[1].aspect == ("16:9" if aspect else "4:3")


@both
@pytest.mark.parametrize("seam", [False, True])
@pytest.mark.parametrize("gap", [False, True])
def test_seam_and_gap_blocks(panasonic, seam, gap):
    vobs = [Vob(n * 100, [Unit(5, 25)] * 20, DATE, seam=seam, gap=gap) for n in range(3)]
    found = parsed(Management(vobs, [Programme([Cell(1)])]), panasonic=panasonic, sectors=400)
    assert [(vob.first_sector, vob.sectors) for vob in found.vobs] == [(0, 100), (100, 100), (200, 100)]
    assert not found.problems


@both
def test_a_gap_flag_without_its_block_is_told_by_what_fits(panasonic):
    management = Management([Vob(n * 100, [Unit(5, 25)] * 20, DATE) for n in range(2)], [Programme([Cell(1)])])
    data = bytearray(management.panasonic() if panasonic else management.standard())
    order = "<" if panasonic else ">"
    movie = struct.unpack_from(order + "I", data, 20 if panasonic else 256)[0]
    for number in range(2):
        record = movie + struct.unpack_from(order + "I", data, movie + 8 + 60 + 2 + 4 * number)[0]
        data[record : record + 2] = struct.pack(order + "H", 0x20)
    found = parse(Piece(0, bytes(data)), 200, lambda sector: sector in (0, 100))
    assert [(vob.first_sector, vob.sectors) for vob in found.vobs] == [(0, 100), (100, 100)]
    assert {problem.code for problem in found.problems} == {"vob-layout"}


@both
@pytest.mark.parametrize("count", [1, 99, 255, 256, 300])
def test_many_programmes(panasonic, count):
    vobs = [Vob(n, [Unit(1, 25)]) for n in range(count)]
    programmes = [Programme([Cell(n + 1)], b"P%d" % n) for n in range(count)]
    found = parsed(Management(vobs, programmes), panasonic=panasonic)
    assert [programme.name for programme in found.programmes] == [f"P{n}" for n in range(count)]
    assert [programme.cells[0].vob for programme in found.programmes] == list(range(1, count + 1))


@pytest.mark.parametrize("big", [False, True])
def test_panasonics_number_of_cells_in_either_order(big):
    vobs = [Vob(n, [Unit(1, 25)]) for n in range(5)]
    programmes = [Programme([Cell(1), Cell(2), Cell(3)], b"three"), Programme([Cell(4)], b"one"), Programme([Cell(5)])]
    found = parsed(Management(vobs, programmes, cells_big_endian=big), panasonic=True)
    assert [len(programme.cells) for programme in found.programmes] == [3, 1, 1]


@pytest.mark.parametrize(
    ("charset", "raw", "text"),
    [
        (0x00, b"Plain", "Plain"),
        (0x01, b"Plain  ", "Plain"),
        (0x11, b"Caf\xe9", "Café"),
        (0x12, "映画".encode("shift_jis"), "映画"),
        (0x10, "映画".encode("shift_jis"), "映画"),
        (0x10, "映画".encode("iso2022_jp"), "映画"),
        (0x13, "영화".encode("cp949"), "영화"),
        (0x14, "영화".encode("utf-16-be"), "영화"),
        (None, b"Caf\xe9 noir", "Café noir"),
        (None, "映画".encode("shift_jis"), "映画"),
        (0x12, b"\x81", "\ufffd"),
        (0x11, b"\x1b[31m", "\\x1b[31m"),
        (0x77, b"Caf\xe9", "Café"),
    ],
)
def test_character_sets(charset, raw, text):
    assert disc_text(raw.ljust(64, b"\0"), charset) == text


def test_which_of_the_two_names(save_files):
    names = [
        (b"#1", b"Real name"),
        (b"Same", b"Same"),
        (b"Only", b""),
        (b"", b"Second"),
        (b"", b""),
        (b"A" * 64, b"B" * 64),
    ]
    stream = mpeg.stream(15, 1)
    vobs = [Vob(n * 15, [Unit(15, 25)], DATE if n == 4 else None) for n in range(len(names))]
    management = Management(vobs, [Programme([Cell(n + 1)], *pair) for n, pair in enumerate(names)])
    found = save_files(management, stream * len(names))
    assert [title.name for title in found.titles] == ["Real name", "Same", "Only", "Second", "", "B" * 64]
    assert found.titles[4].shown_name == "2007-11-03 20:15"
    assert found.titles[0].name_raw[:2] == b"#1"


@pytest.fixture
def save_files(tmp_path):
    """Writes a folder with these files and reads it."""
    from engine.dvr.folder import FolderSource

    def write(management, vro, *, panasonic=False, backup=None):
        folder = tmp_path / "DVD_RTAV"
        folder.mkdir(exist_ok=True)
        name = "0001" if panasonic else "VR_MANGR"
        data = management if isinstance(management, bytes) else (
            management.panasonic() if panasonic else management.standard()
        )  # fmt: skip
        (folder / f"{name}.IFO").write_bytes(data)
        if backup is not None:
            (folder / f"{name}.BUP").write_bytes(backup)
        (folder / ("0001.VRO" if panasonic else "VR_MOVIE.VRO")).write_bytes(vro)
        return dvr.read(FolderSource(tmp_path))

    return write


def ranges(title):
    """Content of a title as (start, size) inside the VRO, which follows the 0th byte of the last file."""
    return [(extent.start, extent.size) for extent in title.extents]


def vro_ranges(found, title):
    vro = next(file for file in found.files if file.path.endswith(".VRO"))
    return [((start - vro.extents[0].start) // 2048, size // 2048) for start, size in ranges(title)]


@both
def test_cells_that_play_a_part_of_their_vob(save_files, panasonic):
    # Ten VOBUs of 3 sectors and 25 fields (half a second) each.
    stream = mpeg.stream(60, 1)
    vobs = [Vob(0, [Unit(3)] * 10, DATE), Vob(30, [Unit(3)] * 10, DATE)]
    half = 45_000

    def cell(vob, first, last, **facts):
        return Cell(vob, round(90_000 + first * half), round(90_000 + last * half), **facts)

    programmes = [
        Programme([cell(1, 2, 5)], b"inner"), Programme([cell(1, 0, 10)], b"whole"),
        Programme([cell(2, 9, 10)], b"last"),
        Programme([cell(1, 2.5, 4.5)], b"overlap"), Programme([cell(2, 0, 2), cell(2, 8, 10)], b"without the middle"),
    ]  # fmt: skip
    found = save_files(Management(vobs, programmes), stream, panasonic=panasonic)
    assert [vro_ranges(found, title) for title in found.titles] == [
        [(6, 9)], [(0, 30)], [(57, 3)], [(6, 9)], [(30, 6), (54, 6)]
    ]  # fmt: skip
    assert [title.duration_s for title in found.titles] == [1.5, 5.0, 0.5, 1.5, 2.0]
    kinds = [[edit.kind for edit in title.edited] for title in found.titles]
    cut, taken = dvr.EditKind.CUT, dvr.EditKind.AB_DELETE
    assert kinds == [[cut], [], [cut], [cut], [cut, taken]]


def test_combined_and_split_programmes_and_order(save_files):
    stream = mpeg.stream(60, 1)
    vobs = [
        Vob(0, [Unit(20)], when(2005, 1, 1)),
        Vob(20, [Unit(20)], when(2005, 1, 2)),
        Vob(40, [Unit(20)], when(2005, 1, 3)),
    ]
    found = save_files(
        Management(vobs, [Programme([Cell(3), Cell(1)], b"both", protected=True), Programme([Cell(2)])]), stream
    )
    assert [vro_ranges(found, title) for title in found.titles] == [[(40, 20), (0, 20)], [(20, 20)]]
    assert [edit.kind for edit in found.titles[0].edited] == [dvr.EditKind.COMBINED]
    assert found.titles[0].recorded_at == when(2005, 1, 1)
    assert [title.locked for title in found.titles] == [True, False]


def test_vobs_that_nothing_plays_are_deleted(save_files):
    vobs = [Vob(0, [Unit(20)], DATE), Vob(20, [Unit(20)], DATE, erased=True)]
    found = save_files(Management(vobs, [Programme([Cell(1)], b"kept")]), mpeg.stream(40, 1))
    assert [(title.id, title.deleted) for title in found.titles] == [("1", False), ("v2", True)]
    assert vro_ranges(found, found.titles[1]) == [(20, 20)]


@pytest.mark.parametrize("head", [6, 8])
def test_play_lists(save_files, head):
    vobs = [Vob(0, [Unit(2)] * 10, DATE), Vob(20, [Unit(2)] * 10, DATE)]
    lists = [Programme([Cell(2), Cell(1, 90_000, 90_000 + 45_000)], b"Best of"), Programme([Cell(1)], b"Again")]
    management = Management(vobs, [Programme([Cell(1)]), Programme([Cell(2)])], lists, list_head=head)
    found = save_files(management, mpeg.stream(40, 1))
    assert [(title.id, title.kind, title.name) for title in found.titles] == [
        ("1", "recording", ""), ("2", "recording", ""), ("p1", "play list", "Best of"), ("p2", "play list", "Again")
    ]  # fmt: skip
    assert vro_ranges(found, found.titles[2]) == [(20, 20), (0, 2)]
    assert found.titles[2].edited[0].kind is dvr.EditKind.PLAY_LIST
    assert found.titles[2].edited[0].words == "plays 2 stretches of 2 other titles"
    assert found.titles[3].edited[0].words == "plays 1 stretch of 1 other title"
    date = f"{DATE:%Y-%m-%d %H:%M}"
    assert [(one.title, one.name, one.start_s, one.end_s) for one in found.titles[2].plays] == [
        ("2", date, 0.0, 5.0), ("1", date, 0.0, 0.5)
    ]  # fmt: skip
    assert not found.titles[0].plays


def test_what_a_play_list_plays_is_told_in_the_time_of_the_titles(save_files):
    """A divided recording, a title of two VOBs, a middle that was taken out: stretches across all of them."""
    vobs = [Vob(0, [Unit(2)] * 20, DATE), Vob(40, [Unit(2)] * 10, DATE)]

    def at(second):
        return 90_000 + round(second * 90_000)

    programmes = [Programme([Cell(2), Cell(1, at(0), at(3))], b"one"), Programme([Cell(1, at(4), at(10))], b"two")]
    lists = [Programme([Cell(1, at(2), at(5)), Cell(2, at(1), at(2))], b"list"), Programme([Cell(9)], b"broken")]
    found = save_files(Management(vobs, programmes, lists), mpeg.stream(60, 1))
    by_id = {title.id: title for title in found.titles}
    assert [(one.title, one.name, one.start_s, one.end_s, one.length_s) for one in by_id["p1"].plays] == [
        ("1", "one", 7.0, 8.0, 1.0), ("", "", 3.0, 4.0, 1.0), ("2", "two", 0.0, 1.0, 1.0), ("1", "one", 1.0, 2.0, 1.0)
    ]  # fmt: skip
    assert sum(one.length_s for one in by_id["p1"].plays) == by_id["p1"].duration_s == 4.0
    assert by_id["p2"].plays == () and by_id["p2"].problems


def test_what_was_taken_out_is_told_by_the_clock(save_files):
    """Two VOBs of one recording whose clock goes on: the pause between is what the owner deleted."""
    begin = round(130.076 * mpeg.CLOCK)
    vobs = [Vob(0, [Unit(20, 50)], DATE), Vob(20, [Unit(20, 50)], DATE)]
    programmes = [Programme([Cell(1), Cell(2)], b"x")]
    for second, words in (
        (mpeg.stream(20, 2, scr=begin), "0:02:10 taken out at 0:00:01 (by the clock)"),
        (mpeg.stream(20, 2, scr=2 * mpeg.CLOCK // 25), "what was between them is taken out"),
        (mpeg.stream(20, 2), "what was between them is taken out"),
    ):
        found = save_files(Management(vobs, programmes), mpeg.stream(20, 1) + second)
        assert [edit.words for edit in found.titles[0].edited] == [f"2 parts of one recording; {words}"]


def test_chapters(save_files):
    points = [
        (90_000 + n, label) for n, label in ((45_000, None), (135_000, b"Goal"), (180_000, None), (9_000_000, None))
    ]
    vobs = [Vob(0, [Unit(2)] * 10, DATE), Vob(20, [Unit(2)] * 10, DATE)]
    second = [(90_000 + 90_000, b"Caf\xe9")]
    management = Management(vobs, [Programme([Cell(1, points=points), Cell(2, points=second)], b"x")])
    found = save_files(management, mpeg.stream(40, 1))
    assert [(one.time_s, one.name) for one in found.titles[0].chapters] == [
        (0.5, ""), (1.5, "Goal"), (2.0, ""), (6.0, "Café")
    ]  # fmt: skip


def test_still_cells_are_left_out(save_files):
    management = Management([Vob(0, [Unit(20)], DATE)], [Programme([Cell(1, still=True), Cell(1)], b"x")])
    found = save_files(management, mpeg.stream(20, 1))
    assert vro_ranges(found, found.titles[0]) == [(0, 20)]
    assert [problem.code for problem in found.titles[0].problems] == ["stills"]


def test_no_programmes_leave_one_title_for_each_vob(save_files):
    management = Management([Vob(0, [Unit(20)], DATE), Vob(20, [Unit(20)], None)], [])
    found = save_files(management, mpeg.stream(40, 1))
    assert [(title.id, title.deleted, vro_ranges(found, title)) for title in found.titles] == [
        ("v1", False, [(0, 20)]), ("v2", False, [(20, 20)])
    ]  # fmt: skip


@pytest.mark.parametrize(("scrambled", "said"), [((0, 0), "none"), ((1, 0), "partly"), ((1, 1), "all")])
def test_scrambling_is_told_by_the_packs(save_files, scrambled, said):
    stream = b"".join(mpeg.stream(20, n, scrambled=bool(on)) for n, on in enumerate(scrambled))
    management = Management([Vob(0, [Unit(40)], DATE)], [Programme([Cell(1)], b"x")], encrypted=True)
    assert save_files(management, stream).titles[0].scrambled == said
    plain = Management([Vob(0, [Unit(40)], DATE)], [Programme([Cell(1)], b"x")])
    assert save_files(plain, stream).titles[0].scrambled is None


def test_the_copy_stands_in_for_a_bad_management_file(save_files):
    good = BUILT.management.standard()
    found = save_files(b"\xff" * 600, BUILT.vro, backup=good)
    assert [(title.name, title.rung) for title in found.titles] == [("One", dvr.Rung.BACKUP), ("Two", dvr.Rung.BACKUP)]
    assert [problem.code for problem in found.problems] == ["ifo-bad"]


def test_a_vro_that_is_shorter_than_its_map(save_files):
    found = save_files(BUILT.management, BUILT.vro[: 50 * 2048])
    assert [title.size // 2048 for title in found.titles] == [50, 0]
    assert all("vob-outside" in {problem.code for problem in title.problems} for title in found.titles)


def test_a_vro_alone(tmp_path):
    from engine.dvr.folder import FolderSource

    (tmp_path / "VR_MOVIE.VRO").write_bytes(BUILT.vro)
    found = dvr.read(FolderSource(tmp_path))
    assert [(title.id, title.size) for title in found.titles] == [("1", len(BUILT.vro))]


def test_a_panasonic_header_is_not_seen_in_other_data():
    assert is_panasonic(Piece(0, BUILT.management.panasonic()))
    assert not is_panasonic(Piece(0, BUILT.management.standard()))
    assert not is_panasonic(Piece(0, bytes(600)))
    assert not is_panasonic(Piece(0, BUILT.vro[:4096]))


@settings(max_examples=60, deadline=None)
@given(
    units=st.lists(st.tuples(st.integers(1, 1023), st.integers(1, 63)), min_size=1, max_size=40),
    count=st.integers(1, 4), seam=st.booleans(), gap=st.booleans(), panasonic=st.booleans(),
    first=st.integers(0, 1 << 21),
)  # fmt: skip
def test_any_map_comes_back(units, count, seam, gap, panasonic, first):
    vobs = [Vob(first + n, [Unit(*unit) for unit in units], DATE, seam=seam, gap=gap) for n in range(count)]
    found = parsed(Management(vobs, [Programme([Cell(1)])]), panasonic=panasonic)
    for wanted, vob in zip(vobs, found.vobs, strict=True):
        assert vob.first_sector == wanted.first
        assert vob.sizes.tolist() == [unit[0] for unit in units]
        assert vob.seconds.tolist() == pytest.approx([unit[1] / 50 for unit in units])


@settings(max_examples=150, deadline=None)
@given(
    place=st.integers(0, 1200),
    value=st.binary(min_size=1, max_size=8),
    panasonic=st.booleans(),
    cut=st.integers(0, 1300),
)
def test_damage_never_stops_the_reader(place, value, panasonic, cut):
    management = Management(BUILT.management.vobs, BUILT.management.programmes, [Programme([Cell(1)], b"list")])
    data = bytearray(management.panasonic() if panasonic else management.standard())
    place %= len(data)
    data[place : place + len(value)] = value
    whole = Piece(0, bytes(data[: max(24, cut)]), ((place, place + 4),) if cut % 2 else ())
    found = parse(whole, 107, lambda sector: sector < 100)
    assert found is None or len(found.vobs) < 20_001


def test_folder_needs_files(tmp_path):
    from engine.dvr.folder import FolderSource
    from engine.errors import NotFoundError, UsageError

    with pytest.raises(NotFoundError):
        FolderSource(tmp_path)
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UsageError):
        FolderSource(tmp_path / "file")
    (tmp_path / "X.VRO").symlink_to("/dev/zero")
    with pytest.raises(NotFoundError):
        FolderSource(tmp_path)


def test_panasonic_pairs_in_a_folder(tmp_path):
    from engine.dvr.folder import FolderSource

    for number in (1, 2):
        built = ifo.build([(b"T%d" % number, mpeg.stream(30, number), DATE)])
        (tmp_path / f"000{number}.ifo").write_bytes(built.management.panasonic())
        (tmp_path / f"000{number}.vro").write_bytes(built.vro)
    (tmp_path / "MTV2.IFO").write_bytes(b"index")
    found = dvr.read(FolderSource(tmp_path))
    assert [(title.id, title.name) for title in found.titles] == [("0001", "T1"), ("0002", "T2")]
    assert found.finding.confidence > 0.9


@both
@pytest.mark.parametrize("what", ["cell", "vob"])
def test_a_lost_cell_or_record_costs_its_part_only(save_files, panasonic, what):
    vobs = [Vob(20 * n, [Unit(20)], DATE) for n in range(3)]
    management = Management(vobs, [Programme([Cell(1), Cell(2)], b"two"), Programme([Cell(3)], b"one")])
    data = bytearray(management.panasonic() if panasonic else management.standard())
    order = "<" if panasonic else ">"
    table, at = (8, 4 + 2 * 142 + 4) if what == "cell" else (20, 8 + 60 + 2 + 4)
    if not panasonic:
        table = 304 if what == "cell" else 256
    place = struct.unpack_from(order + "I", data, table)[0] + at
    # The second cell's, or the second VOB's, place in the file is nonsense.
    data[place : place + 4] = b"\xff" * 4
    found = save_files(bytes(data), mpeg.stream(60, 1), panasonic=panasonic)
    two, one = found.titles[:2]
    assert (vro_ranges(found, two), vro_ranges(found, one)) == ([(0, 20)], [(40, 20)])
    assert "cell-lost" in {problem.code for problem in two.problems}
    assert two.duration_s is None and two.missing.unknown and not one.missing
    # What the lost cell played is still there, as a VOB that nothing plays.
    if what == "cell":
        assert [vro_ranges(found, title) for title in found.titles[2:]] == [[(20, 20)]]
