"""``rescuedeck devices`` and ``doctor`` as a person and as a script sees them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine import tools
from engine.devices import discover
from engine.devices.health_report import Health, Verdict
from engine.host import permissions
from engine.host.toolbox import TOOLS, Tool, look_for
from engine.tools import Finished
from tests.engine.machine import FakeMachine, recorded_machine
from tests.failing_disk import attach_loop, make_image
from tests.support import needs_loop, needs_root, needs_tool
from tui.__main__ import main

ROOT = Path(__file__).parents[2]
KEYS = {
    "path", "name", "model", "serial", "wwn", "size", "logical_sector", "physical_sector", "read_only", "removable",
    "rotational", "transport", "mounted_at", "in_use_by", "health", "children",
}  # fmt: skip


@pytest.fixture
def machine(tmp_path, monkeypatch) -> FakeMachine:
    """The command looks at a recorded machine."""
    made = recorded_machine(tmp_path)
    monkeypatch.setattr(
        "engine.devices.discover", lambda **more: discover(made.roots, lsblk_program=None, **more)
    )
    return made


def test_json_of_a_recorded_machine(machine, capsys):
    assert main(["devices", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    devices = {device["name"]: device for device in document["devices"]}
    assert all(set(device) >= KEYS for device in devices.values())
    sda = devices["sda"]
    assert (sda["size"], sda["serial"], sda["transport"]) == (64 << 20, "WD-TEST0001", "sata")
    assert sda["mounted_at"] == ["/m"]
    assert sda["in_use_by"] == ["mounted at /m", "in use as swap"]
    assert sda["health"] is None
    assert sda["system"] is True
    assert [child["mounted_at"] for child in sda["children"]] == [["/m"], []]
    assert devices["sdb"]["in_use_by"] == []


def test_table_for_people_fits_80_columns_and_cuts_nothing(machine, capsys):
    machine.mount("/a/very/long/way/down/to/a/folder/that/nobody/can/remember/after/lunch", (8, 64), "ext4", "/dev/sde")
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    words = " ".join(out.split())
    told = "TESTDISK HDD 64M, WD-TEST0001", "system disk: swap", "after/lunch", "vg0-lv0", "3.0 TiB", "read-auto"
    for text in told:
        assert text in words
    main(["devices", "--json"])
    for device in json.loads(capsys.readouterr().out)["devices"]:
        for warning in device["warnings"]:  # lines are wrapped, even inside of a long path
            assert "".join(warning.split()) in "".join(words.split())


def test_strings_from_a_drive_are_made_safe(machine, capsys):
    (machine.sys / "block/sdb/device/model").write_text("\x1b[31mEVIL\u202e[/b]")
    assert main(["devices"]) == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[31mEVIL" in out


def test_one_device_in_full(machine, capsys, monkeypatch):
    monkeypatch.setattr(
        "engine.devices.find_device", lambda text, devices: next(device for device in devices if device.name == text)
    )
    assert main(["devices", "sda"]) == 0
    out = capsys.readouterr().out
    told = "serial number  WD-TEST0001", "0x50014ee0deadbeef", "64.0 MiB (67108864 B)", "ata1", "part 1"
    for text in told:
        assert text in out


@pytest.mark.parametrize(("verdict", "code"), [(Verdict.DYING, 1), (Verdict.SUSPECT, 0), (Verdict.OK, 0)])
def test_health_on_request(machine, capsys, monkeypatch, verdict, code):
    needs_tool("smartctl")
    monkeypatch.setattr("engine.devices.health.read_health", lambda path, **more: Health(verdict, ("a reason",)))
    assert main(["devices", "--health", "--json"]) == code
    devices = {device["name"]: device for device in json.loads(capsys.readouterr().out)["devices"]}
    assert devices["sda"]["health"]["verdict"] == verdict.value
    assert devices["sda"]["health"]["reasons"] == ["a reason"]
    assert devices["loop0"]["health"]["verdict"] == "not-asked"


def test_ill_drives_are_not_asked(machine, capsys, monkeypatch):
    needs_tool("smartctl")
    from engine.devices import health

    real, asked = health.read_health, []

    def answer(argv, *, timeout_s, stdin=None):
        asked.append(argv[-1])
        return Finished(4, (ROOT / "tests/data/devices/smartctl-ata-emulated-exit4.json").read_text(), "")

    monkeypatch.setattr(
        health, "read_health", lambda path, **more: real(path, roots=machine.roots, run=answer, **more)
    )
    (machine.sys / "block/sdb/device/state").write_text("offline\n")
    assert main(["devices", "--health"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "health not asked: the drive was not asked for its health: the kernel says: offline" in out
    assert str(machine.dev / "sdb") not in asked
    assert str(machine.dev / "sda") in asked
    assert main(["devices", "--health", "--insist"]) == 0
    assert str(machine.dev / "sdb") in asked


def test_a_real_loop_device_through_the_command(tmp_path):
    needs_loop()
    image = make_image(tmp_path / "image", 1 << 20)
    with attach_loop(image) as loop:
        done = subprocess.run(
            [sys.executable, "-m", "tui", "devices", str(loop.path), "--json"],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
        (device,) = json.loads(done.stdout)["devices"]
        assert (device["path"], device["size"], device["read_only"]) == (str(loop.path), 1 << 20, True)
        assert device["backing_file"] == str(image)


@pytest.mark.parametrize(("name", "code", "slug"), [("nothing", 3, "missing"), ("file", 2, "not-a-device")])
def test_what_is_no_device(capsys, tmp_path, name, code, slug):
    (tmp_path / "file").write_text("x")
    assert main(["devices", str(tmp_path / name), "--json"]) == code
    assert json.loads(capsys.readouterr().out)["error"]["code"] == slug


# -- doctor


def test_doctor_for_scripts(capsys):
    needs_tool("ddrescue")
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert all(set(tool) >= {"name", "found", "version", "needed_for"} for tool in document["tools"])
    assert all(set(item) >= {"what", "ok", "advice"} for item in document["permissions"])
    found = {tool["name"]: tool for tool in document["tools"]}
    said = subprocess.run(["ddrescue", "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
    assert found["ddrescue"]["version"] == said.split()[2]
    assert all(item["ok"] or item["advice"] for item in document["permissions"])


def test_doctor_for_people_fits_80_columns(capsys):
    main(["doctor"])
    out = capsys.readouterr().out
    assert all(len(line) <= 80 for line in out.splitlines())
    for tool in TOOLS:
        assert tool.name in out


def test_doctor_does_not_promise_drives_to_who_may_not_read_them(capsys, monkeypatch):
    needs_tool("ddrescue")
    monkeypatch.setattr(permissions, "read_drives", lambda _roots: permissions.Permission("read drives", False, "sudo"))
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("Image files can be imaged here; for drives see")


def test_doctor_without_ddrescue(capsys, monkeypatch):
    tools.find_tool.cache_clear()
    monkeypatch.setattr(tools, "SEARCH_PATH", "/nowhere")
    try:
        assert main(["doctor", "--json"]) == 1
        document = json.loads(capsys.readouterr().out)
        assert document["ok"] is False
        assert not any(tool["found"] for tool in document["tools"])
        assert main(["doctor"]) == 1
        out = capsys.readouterr().out
        assert "MISSING  ddrescue" in out
        assert "apt install gddrescue" in out
        assert "cannot be imaged here" in out
    finally:
        tools.find_tool.cache_clear()


def test_doctor_with_a_ddrescue_that_is_none(capsys, monkeypatch, tmp_path):
    fake = tmp_path / "ddrescue"
    fake.write_text("#!/bin/sh\necho 'GNU ddrescue 1.17'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("RESCUEDECK_TOOL_DDRESCUE", str(fake))
    tools.find_tool.cache_clear()
    try:
        assert main(["doctor", "--json"]) == 1
        (found,) = [tool for tool in json.loads(capsys.readouterr().out)["tools"] if tool["name"] == "ddrescue"]
        assert found["problem"]
    finally:
        tools.find_tool.cache_clear()


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("GNU ddrescue 1.27", "1.27"),
        ("smartctl 7.3 2022-02-28 r5338 [x86_64-linux-6.1.0] (local build)", "7.3"),
        ("fusermount3 version: 3.14.0", "3.14.0"),
        ("tmux 3.3a", "3.3a"),
        ("ffmpeg version 5.1.6-0+deb12u1 Copyright (c) 2000-2024 the FFmpeg developers", "5.1.6"),
        ("ffmpeg version n7.0-12", "7.0"),
        ("uhubctl version 2.5.0-12-gabc", "2.5.0"),
        ("no number", None),
        ("", None),
    ],
)
def test_versions_are_read(line, version):
    tool = Tool("x", "x", "x", "x")
    state = look_for(tool, lambda name: "/bin/x", lambda argv, timeout_s: Finished(0, line, ""))
    assert (state.found, state.version) == (True, version)


def test_permissions_of_somebody_without_any():
    code = "import os\nfrom engine.host.permissions import all_permissions\nall_permissions()\n"
    code += "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
    code += "for item in all_permissions(): print(item.what, '|', item.ok, '|', item.advice)"
    needs_root()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    said = dict(line.split(" | ", 1) for line in done.stdout.splitlines())
    for what in ("read drives", "ask drives for their health", "take drives off the bus and rescan"):
        assert said[what].startswith("False | ")
        assert len(said[what]) > len("False | ")


def test_logout_that_kills(tmp_path):
    assert permissions.after_logout(tmp_path, uid=1000).ok
    (tmp_path / "logind.conf").write_text("[Login]\n#KillUserProcesses=yes\nKillUserProcesses=yes\n")
    assert not permissions.after_logout(tmp_path, uid=1000).ok
    assert permissions.after_logout(tmp_path, uid=0).ok
    (tmp_path / "logind.conf.d").mkdir()
    (tmp_path / "logind.conf.d" / "local.conf").write_text("[Login]\nKillUserProcesses = no\n")
    assert permissions.after_logout(tmp_path, uid=1000).ok


def test_permissions_in_a_container(tmp_path):
    machine = FakeMachine(tmp_path)
    machine.disk("sda", (8, 0), 1 << 20, "pci0000:00/ata1", {"model": "X"}, node=False)
    said = {item.what: item for item in permissions.all_permissions(machine.roots)}
    assert "container" in said["read drives"].advice
    assert "container" in said["mount with FUSE"].advice
    assert not said["attach loop devices"].ok
    assert not said["read the kernel's messages"].ok
