"""Devices: identity, use, the fence around the system's disk, health on request."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.devices import Device, Use
from engine.devices.health_report import Health, Verdict
from engine.errors import RefusedError
from tests.tui.shell import deck, make_device, run, text, until
from tui.screens.devices import DevicesScreen


async def open_devices(app: object, pilot: object) -> None:
    await pilot.press("d")  # type: ignore[attr-defined]
    await until(pilot, lambda: "by-id" in text(app))  # type: ignore[arg-type]


def test_who_it_is_and_what_uses_it(devices: list[Device], folder: Path) -> None:
    devices.append(make_device("sdc", model="USED DISK", uses=(Use("mount", "/mnt/x", "sdc1"),), serial_source="usb"))

    async def test() -> None:
        async with deck() as (app, pilot):
            await open_devices(app, pilot)
            shown = text(app)
            assert "/dev/disk/by-id/ata-ST1000DM003-1CH162_S1D5XYZ0" in shown
            assert "931.5 GiB (1000204886016 B), sectors of 512 B (4096 B inside)" in shown
            assert "WWN 0x5000c500a1b2c3d4" in shown
            await pilot.press("down")
            await until(pilot, lambda: "mounted at /mnt/x" in text(app))
            assert "the USB bridge's, not the drive's" in text(app)

    run(test)


def test_the_systems_disk_stands_apart(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            await open_devices(app, pilot)
            lines = text(app).splitlines()
            fence = next(n for n, line in enumerate(lines) if "OFF LIMITS" in line)
            assert "/dev/sda" in lines[fence + 1]
            assert any("/dev/sdb" in line for line in lines[:fence])
            await pilot.press("down", "i")
            assert isinstance(app.screen, DevicesScreen)
            assert "carries the running system" in text(app).splitlines()[-2]
            assert "OFF LIMITS it carries" in text(app)

    run(test)


def test_health_is_asked_only_on_request(
    devices: list[Device], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, bool]] = []

    def read(path: str, *, insist: bool = False) -> Health:
        asked.append((path, insist))
        if not insist:
            raise RefusedError("the drive was not asked for its health: requests hang", code="drive-ill", path=path)
        return Health(Verdict.DYING, ("5 sectors wait [/] to be replaced",), pending=5, power_on_hours=12345)

    monkeypatch.setattr("tui.screens.devices.read_health", read)

    async def test() -> None:
        async with deck() as (app, pilot):
            await open_devices(app, pilot)
            assert asked == []
            assert "not asked" in text(app)
            await pilot.press("H")
            await until(pilot, lambda: "Ask it anyway? y/N" in text(app))
            await pilot.press("enter")
            assert asked == [("/dev/sdb", False)], "Enter is no yes"
            await pilot.press("H")
            await until(pilot, lambda: "Ask it anyway? y/N" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "DYING: image it now" in text(app))
            assert asked[-1] == ("/dev/sdb", True)
            assert "5 sectors wait [/] to be replaced" in text(app)
            assert "pending 5, hours 12345" in text(app)

    run(test)


def test_a_device_that_is_gone_is_told(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            app.open_device("/dev/sdz")
            await until(pilot, lambda: "/dev/sdz is not among the devices" in text(app))

    run(test)
