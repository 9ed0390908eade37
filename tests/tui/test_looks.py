"""How the screens look at 80x24 and 120x40, as text."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.devices import Device, Partition, Use
from engine.devices.health_report import Health, Verdict
from engine.jobs import JobError, JobState, Progress
from tests.tui.goldens import check
from tests.tui.shell import deck, make_device, make_job, run, text, until
from tui.jobs_bridge import JobsChanged

MAP = "0x00 + 1\n0x00 0x300000 +\n0x300000 0x0FE00 ?\n0x30FE00 0x200 -\n0x310000 0xF0000 ?\n"
JOBS = (
    make_job(),
    make_job(
        Path("/cases/jones/jobs/20260101-110000-rescue-000001"), title="jones", state=JobState.LOST, resumable=True,
        progress=Progress(done=999 << 20, total=1000 << 20),
    ),
    make_job(
        Path("/cases/miller/jobs/20260101-100000-rescue-000002"), title="miller-nvme-with-a-long-name",
        state=JobState.FAILED, error=JobError("no space left on the target", advice="make room, then resume"),
        resumable=True,
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def machine(devices: list[Device], folder: Path) -> list[Device]:
    """Several disks and files."""
    devices += [
        make_device(
            "sdc", model="Elements 25A2", vendor="WD", serial="575834314142", serial_source="usb", transport="usb",
            hotplug=True, size=2000365289472, wwn=None, by_id=("usb-WD_Elements_25A2_575834314142-0:0",),
            uses=(Use("mount", "/media/backup", "sdc1"),),
            partitions=(
                Partition("sdc1", "/dev/sdc1", 1, (8, 33), 1 << 20, 2000363192320, False, "ntfs", "BACKUP [/b]", (),
                          (Use("mount", "/media/backup", "sdc1"),)),
            ),
        ),
        make_device("nvme0n1", model="Samsung SSD 970 EVO Plus 1TB", serial="S4EWNX0R123456", transport="nvme"),
        make_device("sr0", kind="rom", model="DVDRAM GP65NB60", vendor="HL-DT-ST", size=0, removable=True, serial=None,
                    transport="usb"),
    ]  # fmt: skip
    (folder / "disk.img").touch()
    os.truncate(folder / "disk.img", 4 << 20)
    (folder / "disk.map").write_text(MAP)
    case = create_case(
        folder / "smith", title="Smith, wedding photos", source_path="/dev/sdb", source_size=4 << 20,
        identity={"size_bytes": 4 << 20, "model": "ST1000DM003-1CH162", "serial": "S1D5XYZ0"},
    )  # fmt: skip
    facts = json.loads((case.directory / "case.json").read_text())
    facts["created"] = "2026-01-01T12:00:00+00:00"
    (case.directory / "case.json").write_text(json.dumps(facts))
    case.map.write_text(MAP)
    case.image.touch()
    os.truncate(case.image, 4 << 20)
    (case.maps_dir / "0001.map").write_text(MAP)
    (case.maps_dir / "0001.json").write_text(
        json.dumps({"time": "2026-01-01T12:05:00+00:00", "note": "before the first pass", "command": None})
    )
    history = [
        {"time": "2026-01-01T12:00:00+00:00", "action": "case-created", "source": "/dev/sdb"},
        {"time": "2026-01-01T12:05:00+00:00", "action": "rescue-started", "recipe": "fast copy"},
    ]
    case.history_path.write_text("".join(json.dumps(entry) + "\n" for entry in history))
    return devices


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_start(machine: list[Device], size: tuple[int, int]) -> None:
    async def test() -> None:
        async with deck(size=size) as (app, pilot):
            await until(pilot, lambda: app.start._folder and app.start._devices)
            app.post_message(JobsChanged(JOBS))
            app.start.set_subject("/srv/cases")
            await until(pilot, lambda: "43.2 %" in text(app))
            check(f"start-{size[0]}x{size[1]}", text(app))

    run(test)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_devices(machine: list[Device], size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    health = Health(
        Verdict.DYING, ("the drive itself expects to fail", "152 sectors wait to be replaced"), passed=False,
        reallocated=1888, pending=152, uncorrectable=152, power_on_hours=31021, temperature_c=47,
    )  # fmt: skip
    monkeypatch.setattr("tui.screens.devices.read_health", lambda path, insist: health)

    async def test() -> None:
        async with deck(size=size) as (app, pilot):
            await pilot.press("d")
            await until(pilot, lambda: "by-id" in text(app))
            await pilot.press("H")
            await until(pilot, lambda: "DYING" in text(app))
            check(f"devices-{size[0]}x{size[1]}", text(app))
            if size[0] == 80:
                await pilot.press("down")
                await until(pilot, lambda: "USB bridge" in text(app))
                check("devices-usb-80x24", text(app))

    run(test)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_case(machine: list[Device], folder: Path, size: tuple[int, int]) -> None:
    async def test() -> None:
        async with deck("smith", size=size) as (app, pilot):
            await until(pilot, lambda: "INSIDE" in text(app))
            app.post_message(JobsChanged((make_job(folder / "smith" / "jobs" / "20260101-120500-rescue-abc123"),)))
            app.screen.set_subject("/srv/cases/smith")  # type: ignore[attr-defined]
            await until(pilot, lambda: "43.2 %" in text(app))
            check(f"case-{size[0]}x{size[1]}", text(app))

    run(test)


def test_jobs(machine: list[Device]) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await pilot.press("J")
            app.post_message(JobsChanged(JOBS))
            await until(pilot, lambda: "43.2 %" in text(app))
            await pilot.press("down", "down")
            await until(pilot, lambda: "make room, then resume" in text(app))
            check("jobs-80x24", text(app))

    run(test)


def test_image(machine: list[Device]) -> None:
    async def test() -> None:
        async with deck("disk.img") as (app, pilot):
            shows = ("75.0 % rescued", "0x00000000", "next: . ")
            await until(pilot, lambda: all(words in text(app) for words in shows))
            app.screen.set_subject("/srv/cases/disk.img")  # type: ignore[attr-defined]
            await pilot.pause()
            check("image-80x24", text(app))

    run(test)


def test_ascii(machine: list[Device]) -> None:
    async def test() -> None:
        async with deck("disk.img", ascii=True) as (app, pilot):
            shows = ("75.0 % rescued", "0x00000000", "next: . ")
            await until(pilot, lambda: all(words in text(app) for words in shows))
            app.screen.set_subject("/srv/cases/disk.img")  # type: ignore[attr-defined]
            await pilot.pause()
            check("image-ascii-80x24", text(app))

    run(test)
