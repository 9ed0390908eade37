"""The start screen: what is here, opening it, empty places, hostile names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.devices import Device, Partition
from engine.jobs import JobState
from tests.tui.shell import HOSTILE, deck, make_device, make_job, run, text, until
from tui.jobs_bridge import JobsChanged
from tui.screens.image import ImageScreen
from tui.screens.start import StartScreen
from tui.widgets.row_list import RowList

MAP = "0x00 + 1\n0x00 0x300000 +\n0x300000 0x100000 ?\n"


def fill(folder: Path) -> None:
    (folder / "disk.img").write_bytes(b"\0" * 4096)
    os.truncate(folder / "disk.img", 4 << 20)
    (folder / "disk.map").write_text(MAP)
    (folder / "alone.map").write_text(MAP)
    (folder / "notes.txt").write_text("nothing to rescue here")
    create_case(folder / "smith", title="Smith")


def test_shows_devices_files_and_that_sources_are_read_only(devices: list[Device], folder: Path) -> None:
    fill(folder)

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "disk.img" in text(app) and "/dev/sdb" in text(app))
            lines = text(app).splitlines()
            assert lines[0].endswith("sources READ ONLY")
            assert any("/dev/sdb" in line and "931.5 GiB" in line and "ST1000DM003" in line for line in lines)
            assert any("/dev/sda" in line and "system disk: /, swap" in line for line in lines)
            assert next(n for n, line in enumerate(lines) if "/dev/sdb" in line) < next(
                n for n, line in enumerate(lines) if "/dev/sda" in line
            ), "the system's disk stands last"
            assert any("smith/" in line and "not imaged yet" in line for line in lines)
            assert any("disk.img" in line and "75.0 %" in line and "map disk.map" in line for line in lines)
            assert any("alone.map" in line and "map" in line for line in lines)
            assert "notes.txt" not in text(app)
            assert lines[-1].strip().startswith("Enter open")
            assert lines[-1].rstrip().endswith("q quit")

    run(test)


def test_empty_places_say_what_to_do(devices: list[Device], folder: Path) -> None:
    devices.clear()

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "press o to open one by its path" in text(app))
            await until(pilot, lambda: "no disks to be seen here" in text(app))
            assert "none is unfinished" in text(app)
            await pilot.press("enter")
            assert "press o" in text(app).splitlines()[-2]

    run(test)


def test_enter_opens_an_image_with_its_map_and_q_returns(devices: list[Device], folder: Path) -> None:
    fill(folder)

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "disk.img" in text(app))
            app.screen.query_one(RowList).choose(f"file:{folder}/disk.img")
            await pilot.press("enter")
            await until(pilot, lambda: isinstance(app.screen, ImageScreen) and "75.0 % rescued" in text(app))
            assert "+ 3.0 MiB" in text(app)
            assert "? 1.0 MiB" in text(app)
            await pilot.press("q")
            assert isinstance(app.screen, StartScreen)

    run(test)


def test_open_by_path_with_completion(devices: list[Device], folder: Path) -> None:
    fill(folder)

    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("o", "d", "i", "tab")
            assert "disk.img  disk.map" in text(app).splitlines()[-2]
            assert "open: disk." in text(app).splitlines()[-2]
            assert text(app).splitlines()[-1].split() == ["Enter", "ok", "Tab", "complete", "Esc", "cancel"]
            await pilot.press("i", "tab", "enter")
            await until(pilot, lambda: isinstance(app.screen, ImageScreen))

    run(test)


def test_a_path_that_is_not_there_is_one_clear_line(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("o", *"nowhere", "enter")
            await pilot.pause()
            assert "cannot open that: No such file or directory" in text(app).splitlines()[-2]

    run(test)


def test_the_systems_own_disk_is_not_imaged(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "/dev/sda" in text(app))
            app.screen.query_one(RowList).choose("device:/dev/sda")
            await pilot.press("i")
            assert isinstance(app.screen, StartScreen)
            assert "carries the running system" in text(app).splitlines()[-2]

    run(test)


def test_a_new_disk_shows_up_by_itself(
    devices: list[Device], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["sda", "sdb"]
    monkeypatch.setattr("tui.screens.start.names_in", lambda _where: list(names))

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "/dev/sdb" in text(app))
            devices.append(make_device("sdc", model="LATE COMER"))
            names.append("sdc")
            await until(pilot, lambda: "LATE COMER" in text(app))

    run(test)


def test_unfinished_jobs_come_first_and_stay_there(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            done = make_job(Path("/x/jobs/2"), title="bygone", state=JobState.DONE)
            app.post_message(JobsChanged((make_job(), done)))
            await until(pilot, lambda: "43.2 %" in text(app))
            lines = text(app).splitlines()
            assert lines[1].startswith(" JOBS")
            assert "rescue smith" in lines[2]
            assert "running" in lines[2]
            assert "52.0 MiB/s" in lines[2]
            assert "bygone" not in text(app), "what is done needs nobody"
            app.post_message(JobsChanged((make_job(state=JobState.DONE),)))
            await until(pilot, lambda: "none is unfinished" in text(app))
            assert text(app).splitlines()[1].startswith(" JOBS")

    run(test)


def test_hostile_names_neither_crash_nor_act_nor_reach_the_terminal(devices: list[Device], folder: Path) -> None:
    devices[:] = [
        make_device(
            f"sd{number}",
            path=f"/dev/{name}" if name else "/dev/x",
            model=name,
            vendor=name,
            serial=name,
            firmware=name,
            wwn=name,
            by_id=(name,),
            label=name,
            transport=name[:20],
            partitions=(
                Partition(f"sd{number}1", f"/dev/{name}1", 1, (8, 1), 0, 1 << 20, False, name, name, (name,), ()),
            ),
        )
        for number, name in enumerate(HOSTILE)
    ]
    for name in HOSTILE:
        plain = name.replace("/", "").replace("\0", "")[:80].strip()
        if plain:
            (folder / os.fsdecode(f"{plain}.img".encode("utf-8", "surrogatepass"))).write_bytes(b"x" * 512)

    async def test() -> None:
        async with deck(size=(80, 60)) as (app, pilot):
            await until(pilot, lambda: "a[b]c.img" in text(app) and "a[/b]c" in text(app))
            assert_harmless(app)
            for _row in app.screen.query_one(RowList).rows[:8]:
                await pilot.press("down")
            await pilot.press("d")
            for _device in devices:
                await pilot.press("down")
                assert_harmless(app)
            await pilot.press("q", "o", "tab", "tab", "escape")
            for name in HOSTILE:
                app.screen.say(name)  # type: ignore[attr-defined]
                app.screen.set_subject(name)  # type: ignore[attr-defined]
                await pilot.pause()
                assert_harmless(app)
            assert app.is_running

    def assert_harmless(app: object) -> None:
        strips = app.screen._compositor.render_strips()  # type: ignore[attr-defined]
        for segment in (segment for strip in strips for segment in strip):
            assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 for c in segment.text)
            assert not any(c in segment.text for c in "\u202e\u2066\u2028\u2029\u200b")
            assert not (segment.style and segment.style.meta.get("@click")), "a name became a link"

    run(test)


def test_a_folder_can_be_looked_into(devices: list[Device], folder: Path) -> None:
    fill(folder)
    (folder / "deep").mkdir()
    (folder / "deep" / "other.img").write_bytes(b"x" * 512)

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "disk.img" in text(app))
            await pilot.press("o", *"deep/", "enter")
            await until(pilot, lambda: "other.img" in text(app) and "disk.img" not in text(app))
            assert text(app).splitlines()[0].split()[1].endswith("/deep")

    run(test)


def test_the_mouse_chooses_and_opens(devices: list[Device], folder: Path) -> None:
    fill(folder)

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "disk.img" in text(app) and "/dev/sdb" in text(app))
            lines = text(app).splitlines()
            line = next(number for number, line in enumerate(lines) if "disk.img" in line)
            await pilot.click(offset=(5, line))
            assert text(app).splitlines()[line].startswith("> disk.img")
            await pilot.click(offset=(5, line), times=2)
            await until(pilot, lambda: isinstance(app.screen, ImageScreen))
            keys = text(app).splitlines()[-1]
            await pilot.click(offset=(keys.index("q back"), 23))
            await until(pilot, lambda: isinstance(app.screen, StartScreen))

    run(test)


def test_until_it_is_moved_the_cursor_stays_on_the_first_row(devices: list[Device], folder: Path) -> None:
    fill(folder)

    async def test() -> None:
        async with deck() as (app, pilot):
            await until(pilot, lambda: "disk.img" in text(app))
            app.post_message(JobsChanged((make_job(),)))
            await until(pilot, lambda: "> rescue smith" in text(app))
            await pilot.press("down")
            chosen = app.screen.query_one(RowList).chosen
            app.post_message(JobsChanged((make_job(), make_job(Path("/cases/b/jobs/2"), title="second"))))
            await until(pilot, lambda: "rescue second" in text(app))
            assert app.screen.query_one(RowList).chosen == chosen, "once moved it stays on its row"

    run(test)
