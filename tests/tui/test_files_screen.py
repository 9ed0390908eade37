"""The files of a volume on the screen: indexed by a job, marked by the map, looked into, extracted, wanted first."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.mapfile import Mapfile, write_map
from engine.priorities import read_domain
from engine.ranges import RangeSet
from tests.engine.filesystems.conftest import index_of
from tests.engine.filesystems.written import format_
from tests.engine.filesystems.written import run as tool
from tests.support import needs_tool
from tests.tui.goldens import check
from tests.tui.shell import deck, run, text, until
from tui.screens.file_look import FileLookScreen
from tui.screens.file_volumes import FileVolumesScreen
from tui.screens.files import FilesScreen
from tui.screens.rescue_setup import RescueSetupScreen
from tui.widgets.picture import PictureView


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A FAT16 volume with a photograph, letters, a deleted one, times that stand still."""
    needs_tool("mkfs.vfat")
    needs_tool("mcopy")
    from PIL import Image

    folder = tmp_path_factory.mktemp("screen")
    photo = Image.new("RGB", (64, 48), (200, 30, 30))
    photo.paste((20, 40, 220), (0, 24, 64, 48))
    (folder / "DCIM").mkdir()
    with io.BytesIO() as stream:
        photo.save(stream, "PNG")
        (folder / "DCIM" / "IMG_0001.PNG").write_bytes(stream.getvalue())
    (folder / "DCIM" / "IMG_0002.RAW").write_bytes(random.Random(1).randbytes(90_000))
    (folder / "letter[bold].txt").write_text("Dear Sir,\n" * 2000)
    (folder / "gone.txt").write_text("gone\n" * 1000)
    for path in sorted(folder.rglob("*")):
        import os

        os.utime(path, (1_500_000_000, 1_500_000_000))
    format_(folder / "v.img", "fat16")
    names = [folder / name for name in ("DCIM", "letter[bold].txt", "gone.txt")]
    tool("mcopy", "-s", "-m", "-i", folder / "v.img", *names, "::")
    tool("mdel", "-i", folder / "v.img", "::gone.txt")
    return (folder / "v.img").read_bytes()


@pytest.fixture
def image(tmp_path: Path, made: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "v.img"
    path.write_bytes(made)
    index = index_of(path, tmp_path / "aside")
    (piece,) = index.pieces(index.find("DCIM/IMG_0002.RAW"))
    size = len(made)
    low = piece.start + 10_240
    write_map(tmp_path / "v.img.map", Mapfile.new(0, size, "+").set_range(low, low + 9216, "-"))
    return path


def below_title(shown: str) -> str:
    """Without the row that names the folder of this very test."""
    return shown.partition("\n")[2]


def test_from_the_index_to_the_rescue(image):
    async def walk() -> None:
        async with deck(image) as (app, pilot):
            await until(pilot, lambda: "rescued" in text(app))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, FilesScreen) and "not listed yet" in text(app))
            await pilot.press("i")
            await until(pilot, lambda: "1 file lacks 9.0 KiB" in text(app), most_s=60)
            shown = text(app)
            assert "letter[bold].txt" in shown and "DCIM/" in shown
            await pilot.press("v")
            await until(pilot, lambda: "files hit, most" in text(app) and "DCIM/IMG_0002.RAW" in text(app))
            assert "10.2 %" in text(app)
            await until(pilot, lambda: "10240-19456" in text(app) and "next: . " in text(app))
            check("files-hit-80x24", below_title(text(app)))
            await pilot.press("v")
            await until(pilot, lambda: "_one.txt" in text(app) and "100 % free" in text(app))
            await pilot.press("slash", *"letter", "enter")
            await until(pilot, lambda: "named 'letter'" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, FileLookScreen) and "Dear Sir," in text(app))
            await pilot.press("x")
            await until(pilot, lambda: "44 65 61 72 20 53 69 72" in text(app))
            await pilot.press("q")
            await until(pilot, lambda: isinstance(app.screen, FilesScreen))
            await pilot.press("left")
            await until(pilot, lambda: "; /" in text(app) and "DCIM/" in text(app))
            await pilot.press("g", "enter")
            await until(pilot, lambda: "/DCIM" in text(app) and "IMG_0002.RAW" in text(app))
            await pilot.press("space")
            assert "1 marked" in text(app)
            await pilot.press("d", "f", "enter")
            await until(pilot, lambda: "for ddrescue -m" in text(app))

    run(walk)
    assert read_domain(image.with_name("v.img.first.map")).wanted


def test_pictures_and_what_of_them_is_missing(image):
    async def walk() -> None:
        async with deck(image) as (app, pilot):
            index_of(image, image.with_name("v.img.index"))
            await until(pilot, lambda: "rescued" in text(app))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, FilesScreen))
            await pilot.press("i")
            await until(pilot, lambda: "lacks" in text(app) and "letter" in text(app), most_s=60)
            await pilot.press("g", "enter")
            await until(pilot, lambda: "IMG_0001.PNG" in text(app))
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, FileLookScreen) and "64 x 48" in text(app), most_s=30)
            view = app.screen.query_one(PictureView)
            assert view.display and "▀" in text(app)
            top = view.render_line(0)
            colours = {segment.style.color.triplet for segment in top if segment.style and segment.style.color}
            assert any(colour.red > 150 and colour.blue < 90 for colour in colours)
            await pilot.press("n")
            await until(pilot, lambda: "IMG_0002.RAW" in text(app))
            await until(pilot, lambda: "9.0 KiB (9216 B) of what is shown were never read" in text(app))
            await pilot.press("n")
            assert "there are no more" in text(app)

    run(walk)


def test_extraction_is_a_job(image):
    async def walk() -> None:
        async with deck(image) as (app, pilot):
            await until(pilot, lambda: "rescued" in text(app))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, FilesScreen) and "not listed yet" in text(app))
            await pilot.press("i")
            await until(pilot, lambda: "lacks" in text(app) and "letter" in text(app), most_s=60)
            await pilot.press("g", "space", "w", "enter")
            await until(pilot, lambda: "2 files written" in text(app), most_s=60)
            assert "2 files written, 9.0 KiB never read" in text(app)

    run(walk)
    out = image.with_name("v.img.files")
    assert (out / "DCIM" / "IMG_0001.PNG").exists() and (out / "DCIM" / "IMG_0002.holed.RAW").exists()


def test_a_case_goes_on_to_the_rescue(image, tmp_path):
    map_ = image.with_name("v.img.map")
    case = create_case(tmp_path / "case", title="smith", image=image, map=map_, source_path=str(image))

    async def walk() -> None:
        async with deck(case.directory) as (app, pilot):
            await until(pilot, lambda: "smith" in text(app))
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, FilesScreen) and "not listed yet" in text(app))
            await pilot.press("i")
            await until(pilot, lambda: "1 file lacks" in text(app), most_s=60)
            await pilot.press("d", "m", "enter")
            await until(pilot, lambda: "Set up the rescue of just that?" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: isinstance(app.screen, RescueSetupScreen))
            assert app.screen._draft.options.domain_mapfile == str(case.directory / "first.map")

    run(walk)
    wanted = read_domain(case.directory / "first.map").wanted
    assert RangeSet.of(0, 512).subtract(wanted) == RangeSet()


def test_volumes_to_choose_from(tmp_path, monkeypatch):
    """Two volumes: one that cannot be read is named and refused."""
    needs_tool("mkfs.btrfs")
    needs_tool("sfdisk")
    import subprocess

    monkeypatch.chdir(tmp_path)
    disk = tmp_path / "d.img"
    with open(disk, "wb") as stream:
        stream.truncate(160 << 20)
    table = "label: dos\nstart=2048, size=32768, type=6\nsize=245760, type=83\n"
    subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True, timeout=30)
    format_(tmp_path / "one.img", "fat16", 16)
    with open(tmp_path / "two.img", "wb") as stream:
        stream.truncate(120 << 20)
    tool("mkfs.btrfs", "-q", tmp_path / "two.img")
    with open(disk, "r+b") as stream:
        for start, name in ((1 << 20, "one.img"), (17 << 20, "two.img")):
            stream.seek(start)
            stream.write((tmp_path / name).read_bytes())

    async def walk() -> None:
        async with deck(disk) as (app, pilot):
            await pilot.pause(0.2)
            await pilot.press("F")
            await until(pilot, lambda: isinstance(app.screen, FileVolumesScreen) and "btrfs" in text(app))
            await pilot.press("down")
            await until(pilot, lambda: "files of btrfs cannot be read" in text(app))
            await pilot.press("enter")
            assert isinstance(app.screen, FileVolumesScreen)
            await until(pilot, lambda: "next: . " in text(app))
            check("volumes-80x24", below_title(text(app)))
            await pilot.press("up", "enter")
            await until(pilot, lambda: isinstance(app.screen, FilesScreen))

    run(walk)
