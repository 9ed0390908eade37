"""Recordings on the screen: seen, narrowed, opened, extracted, found by their clock, joined and cut by hand."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.devices import Device
from engine.jobs import list_jobs
from engine.priorities import read_domain
from engine.recordings.look import Place
from engine.recordings.pictures import Picture
from tests.dvr_disks.samples import Sample, map_with, pioneer_disk
from tests.engine.dvr.clock.streams import Maker, lay
from tests.engine.partitions.disks import loop
from tests.support import needs_tool
from tests.tui.goldens import check
from tests.tui.shell import HOSTILE, TERMINAL, deck, run, text, until
from tui.opening import has_recordings, recordings_screen
from tui.recording_words import detail_sections, minutes, title_facts, title_row
from tui.screens.recording import RecordingScreen
from tui.screens.recordings import RecordingsScreen
from tui.screens.recordings_extract import RecordingsExtractScreen
from tui.screens.recordings_scan import RecordingsScanScreen
from tui.screens.rescue_setup import RescueSetupScreen
from tui.widgets.half_picture import HalfPicture
from tui.widgets.rows import Cell

PACK = 2048


def small(seconds: int, number: int) -> bytes:
    return Maker(number).stream(seconds, 10)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return pioneer_disk(tmp_path_factory.mktemp("disk") / "disk.img", small, seconds=12)


@pytest.fixture
def disk(sample: Sample, folder: Path) -> Path:
    """A copy in the working folder, with a map: some of the first title is lost, and some of the directory."""
    path = folder / "disk.img"
    path.symlink_to(sample.path)
    start, _ = sample.laid["1"][1]
    lost = [(sample.disk.directory * PACK + 0x200, 512), (start + 10 * PACK, 40 * PACK)]
    map_with(folder / "disk.img.map", sample.path.stat().st_size, lost)
    return path


def cursor(app) -> str:  # type: ignore[no-untyped-def]
    return next((line for line in text(app).splitlines() if line.startswith(">")), "")


def test_titles_with_what_is_lost(devices: list[Device], disk: Path) -> None:
    async def test() -> None:
        async with deck(disk, map=str(disk) + ".map") as (app, pilot):
            await until(pilot, lambda: "rescued" in text(app))
            await pilot.press("V")
            await until(pilot, lambda: isinstance(app.screen, RecordingsScreen) and "Tatort" in text(app))
            shown = text(app)
            assert "Pioneer DVR-545H" in shown and "block 1 points to the directory" in shown
            assert "512 B of the directory were never read" in shown
            assert "80.0 KiB" in cursor(app) and "!" in cursor(app)
            assert "of programme" in shown
            assert "\x1b" not in shown and "etc/\\x1" in shown
            await pilot.press("slash", *"sport", "enter")
            await until(pilot, lambda: "2 of 6 titles" in text(app))
            await pilot.press("slash", *["backspace"] * 5, "enter", "f", "f")
            await until(pilot, lambda: "only deleted" in text(app) or "no title fits" in text(app))
            await pilot.press("f", "f")
            await until(pilot, lambda: "1 of 6 titles" in text(app) and "only missing" in text(app))
            await pilot.press("f", "f", "f", "o")
            await until(pilot, lambda: "by name" in text(app) and "Geloescht" in cursor(app) + text(app))

    run(test)


def test_a_drive_is_read_apart_and_long_work_is_refused(devices: list[Device], sample: Sample) -> None:
    async def test(device: str) -> None:
        async with deck() as (app, pilot):
            app.open_recordings(Path(device))
            await until(pilot, lambda: isinstance(app.screen, RecordingsScreen) and "Tatort" in text(app))
            for key, verb in (("x", "extract"), ("c", "scan")):
                await pilot.press(key)
                await until(
                    pilot, lambda v=verb: "image the drive first" in text(app) and f"dvr {v} {device}" in text(app)
                )
            assert not Path(f"{device}.jobs").exists()
            await pilot.press("enter")
            await until(
                pilot, lambda: isinstance(app.screen, RecordingScreen) and "VOB" in text(app) or "part" in text(app)
            )

    with loop(sample.path) as device:
        run(lambda: test(device))


def test_one_title_its_parts_and_its_lost_stretch(devices: list[Device], disk: Path, monkeypatch) -> None:
    picture = Picture(4, 4, bytes(range(48)))
    monkeypatch.setattr("tui.screens.recording.frame_of", lambda *_args, **_facts: picture)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(recordings_screen(disk, Path(str(disk) + ".map")))
            await until(pilot, lambda: "Tatort" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, RecordingScreen) and "unread, in the" in text(app))
            assert "by clocks on both sides" in text(app) or "80.0 KiB" in text(app)
            await until(pilot, lambda: app.screen.query_one(HalfPicture).lines == ["\u2580" * 4] * 2)
            await pilot.press("plus")
            await until(pilot, lambda: "after 10%" in text(app))
            await pilot.press("down", "b")
            await until(pilot, lambda: app.screen.TITLE not in ("recording", "recordings"))

    run(test)


def test_pictures_without_colour_are_characters(devices: list[Device], disk: Path, monkeypatch) -> None:
    picture = Picture(4, 4, bytes([0, 0, 0] * 8 + [255, 255, 255] * 8))
    monkeypatch.setattr("tui.screens.recording.frame_of", lambda *_args, **_facts: picture)

    async def test() -> None:
        async with deck(ascii=True) as (app, pilot):
            app.push_screen(recordings_screen(disk, None))
            await until(pilot, lambda: "Tatort" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: app.screen.query(HalfPicture).first().lines == ["    ", "@@@@"])

    run(test)


def test_without_ffmpeg_the_screen_says_so(devices: list[Device], disk: Path, monkeypatch) -> None:
    monkeypatch.setattr("engine.tools.find_tool", lambda _name: None)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(recordings_screen(disk, None))
            await until(pilot, lambda: "Tatort" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "ffmpeg is not installed" in text(app))

    run(test)


def test_extraction_is_a_job_that_tells_what_it_wrote(devices: list[Device], sample: Sample, disk: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(recordings_screen(disk, Path(str(disk) + ".map")))
            await until(pilot, lambda: "Tatort" in text(app))
            await pilot.press("space", "space")
            await until(pilot, lambda: "2 marked" in text(app))
            await pilot.press("x")
            await until(pilot, lambda: isinstance(app.screen, RecordingsExtractScreen) and "2 titles" in text(app))
            assert "exact bytes" in text(app)
            await pilot.press("down", "down", "down", "down", "enter")
            await until(pilot, lambda: "no" in cursor(app).split())
            await pilot.press("s")
            await until(pilot, lambda: "2 files" in text(app), most_s=30)
            assert "of them were never read" in text(app).replace("\n", " ") or "never" in text(app)
            assert ".holed.mpg" in text(app)
            assert "sha256" in text(app)

    run(test)
    out = disk.parent / "disk.img.files" / "recordings"
    assert (out / "Urlaub 2008 2008-07-01 12.00.mpg").read_bytes() == sample.content["2"]
    assert len(list(out.glob("*.holed.mpg"))) == 1


def test_read_first_goes_to_the_rescue_and_the_list_is_read_again(
    devices: list[Device], sample: Sample, disk: Path
) -> None:
    needs_tool("ddrescue")
    patient, image = disk.parent / "patient", disk.parent / "image.img"
    for path in (patient, image):
        subprocess.run(["cp", "--sparse=always", str(sample.path), str(path)], check=True)
    size = sample.path.stat().st_size
    case = create_case(disk.parent / "smith", image=image, source_path=str(patient), source_size=size)
    place = sample.disk.directory * PACK + 0x200
    start, _ = sample.laid["4"][0]
    map_with(case.map, size, [(place, 512), (start, 100 * PACK)])
    with open(image, "r+b") as stream:
        stream.seek(place)
        stream.write(bytes(512))

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(recordings_screen(case.directory, None))
            await until(pilot, lambda: "Tatort" in text(app) and "512 B of the directory" in text(app))
            await pilot.press("w", "d")
            await until(pilot, lambda: "domain map:" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: "Set up the rescue with it?" in text(app))
            domain = read_domain(case.directory / "recordings.directory.domain")
            assert place in domain.wanted
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, RescueSetupScreen) and "domain_mapfile" in text(app))
            await until(pilot, lambda: "can start" in text(app) or "START" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: any(not job.live for job in list_jobs(case.jobs_dir).jobs), most_s=40)
            for _ in range(4):
                if isinstance(app.screen, RecordingsScreen):
                    break
                await pilot.press("q")
                await pilot.pause(0.3)
            await until(pilot, lambda: isinstance(app.screen, RecordingsScreen) and "of the directory" not in text(app))
            assert "Geloescht" in text(app) and "200.0 KiB" in text(app)

    run(test)


def test_clock_scan_with_joins_by_hand(devices: list[Device], folder: Path) -> None:
    streams = [small(14, number) for number in range(2)]
    laid = lay(streams, random.Random(5), extents=3)
    image = folder / "lost.img"
    image.write_bytes(laid.data)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(recordings_screen(image, None))
            await until(pilot, lambda: "no recorder" in text(app) or "MPEG" in text(app))
            await pilot.press("c")
            await until(pilot, lambda: isinstance(app.screen, RecordingsScanScreen) and "none yet" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: "2 recordings of 6 pieces" in text(app), most_s=30)
            await pilot.press("down", "down")
            await until(pilot, lambda: "points" in text(app) and "after" in text(app))
            assert "AC-3" in text(app)
            await pilot.press("minus")
            await until(pilot, lambda: "3 recordings of 6 pieces" in text(app) and "1 decision" in text(app))
            await pilot.press("z")
            await until(pilot, lambda: "2 recordings of 6 pieces" in text(app))
            before = cursor(app).split()[2]
            await pilot.press("minus")
            await until(pilot, lambda: "3 recordings of 6 pieces" in text(app))
            pieces = app.screen._work.puzzle.pieces  # type: ignore[attr-defined]
            here = next(piece for piece in pieces if str(piece.number) == before)
            await pilot.press("plus")
            await until(pilot, lambda: "is followed by piece" in text(app))
            await pilot.press(*["backspace"] * 4, "9", "9", "enter")
            await until(pilot, lambda: "name a piece by its number" in text(app))
            assert here.packs > 8
            await pilot.press("z", "c", "enter")
            await until(pilot, lambda: "of 7 pieces" in text(app))
            await pilot.press("e")
            await until(pilot, lambda: isinstance(app.screen, RecordingsExtractScreen))

    run(test)


def test_a_recorders_folder_opens_as_recordings(devices: list[Device], folder: Path) -> None:
    from tests.dvr_disks import ifo
    from tests.dvr_disks.image import when

    built = ifo.build([(b"Familie", small(6, 1), when(2009, 5, 1))])
    place = folder / "disc" / "DVD_RTAV"
    place.mkdir(parents=True)
    (place / "VR_MANGR.IFO").write_bytes(built.management.standard())
    (place / "VR_MOVIE.VRO").write_bytes(built.vro)
    assert has_recordings(folder / "disc") and has_recordings(place) and not has_recordings(folder)

    async def test() -> None:
        async with deck() as (app, pilot):
            app.open_path(str(folder / "disc"))
            await until(pilot, lambda: isinstance(app.screen, RecordingsScreen) and "Familie" in text(app))

    run(test)


def test_hostile_words_in_rows_and_facts_keep_their_line() -> None:
    from engine.dvr import Chapter, Part, Title
    from engine.errors import Problem
    from tui.widgets.rows import Section, lay_out

    rows = []
    for name in HOSTILE:
        part = Part(name, ())
        title = Title(name or "x", name, "recording", (part,), channel=name, input=name, genre=name,
                      chapters=(Chapter(1.0, name),), problems=(Problem("x", name),))  # fmt: skip
        rows.append(title_row(title, marked=True))
        assert title_facts(title)
        for line in lay_out(detail_sections(title), 80):
            assert "".join(span for span, _ in line.spans).isprintable()
    from tui.recording_words import TITLES

    for line in lay_out([Section("", TITLES, tuple(rows))], 80):
        assert "".join(span for span, _ in line.spans).isprintable()
    from engine.dvr import Rung

    signs = [title_row(Title("x", rung=rung), marked=True).cells[0] for rung in Rung]
    assert [sign.text for sign in signs if isinstance(sign, Cell)] == ["*", "*b", "*o", "*c"]
    assert [minutes(None), minutes(0.04), minutes(75)] == ["?", "< 0.1 s", "1:15"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_looks(devices: list[Device], disk: Path, size: tuple[int, int]) -> None:
    async def test() -> None:
        async with deck(size=size) as (app, pilot):
            app.push_screen(recordings_screen(Path("disk.img"), Path("disk.img.map")))
            await until(pilot, lambda: "Tatort" in text(app))
            await pilot.press("down", "space", "up")
            await until(pilot, lambda: "next: . " in text(app))
            check(f"recordings-{size[0]}x{size[1]}", text(app))

    run(test)


@pytest.mark.full
def test_a_real_first_frame(devices: list[Device], folder: Path) -> None:
    needs_tool("ffmpeg")
    from tests.engine.dvr.clock.streams import ffmpeg_stream

    real = pioneer_disk(folder / "real.img", lambda s, n: ffmpeg_stream(1, 4))

    async def test() -> None:
        async with deck(terminal=TERMINAL) as (app, pilot):
            app.push_screen(recordings_screen(real.path, None))
            await until(pilot, lambda: "Tatort" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: len(app.screen.query(HalfPicture).first().lines) >= 8)
            assert "\u2580" in text(app)

    run(test)


def test_when_all_recordings_are_short_none_is_hidden(devices: list[Device], folder: Path) -> None:
    """A disk of clips: the scan must not look as if it had found nothing."""
    path = folder / "clips.img"
    path.write_bytes(b"".join(small(4, number) + random.Random(number).randbytes(PACK) for number in range(3)))

    async def test() -> None:
        async with deck() as (app, pilot):
            app.push_screen(RecordingsScanScreen(Place(path)))
            await until(pilot, lambda: "none yet" in text(app))
            await pilot.press("s")
            await until(pilot, lambda: "recording 3" in text(app))
            assert "hidden" not in text(app)

    run(test)


def test_a_drive_is_reached_from_the_devices(devices: list[Device], folder: Path, monkeypatch) -> None:
    asked: list[Path] = []

    async def test() -> None:
        async with deck() as (app, pilot):
            monkeypatch.setattr(app, "open_recordings", lambda path, map=None: asked.append(path))
            await pilot.press("d")
            await until(pilot, lambda: "by-id" in text(app))
            await pilot.press("V")
            await until(pilot, lambda: bool(asked))

    run(test)
    assert asked == [Path("/dev/sdb")]
