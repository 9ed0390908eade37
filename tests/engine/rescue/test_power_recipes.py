"""The power recipes of the documentation, as they stand there: checked, and run against what stands in for hardware."""

from __future__ import annotations

import os
import pty
import re
import stat
import subprocess
import threading
import tty
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from engine import tools
from engine.errors import OutsideError, RefusedError, UsageError
from engine.rescue.campaign.powerfile import distrust, load_switch, places
from engine.rescue.campaign.settings import CampaignSettings, PowerSwitch
from engine.rescue.campaign.trial import try_switch
from engine.rescue.presets import STRATEGY_NAME, StrategyPreset, load_strategy, save_strategy
from tests.support import needs_tool

GUIDE = (Path(__file__).parents[3] / "docs" / "drop-off.md").read_text()


def block(language):
    return re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[1]


@pytest.fixture(autouse=True)
def looked_for_anew():
    tools.find_tool.cache_clear()
    yield
    tools.find_tool.cache_clear()


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """The programs of the recipes: each one notes how it was called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("uhubctl", "usbrelay", "curl"):
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>{tmp_path}/called\n')
        program.chmod(0o755)
    monkeypatch.setattr(tools, "SEARCH_PATH", f"{folder}:{tools.SEARCH_PATH}")
    return folder


@pytest.fixture
def power_toml(tmp_path, monkeypatch):
    """The settings file of the documentation, with its script where it says."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    script = tmp_path / "serial-relay"
    script.write_text(block("sh"))
    script.chmod(0o755)
    file = places()[0]
    file.parent.mkdir(parents=True)
    file.write_text(block("toml").replace("/usr/local/bin/serial-relay", str(script)))
    return file


def names():
    return re.findall(r"^\[([\w-]+)\]", block("toml"), re.MULTILINE)


@pytest.mark.parametrize("name", names())
def test_every_recipe_is_a_switch(programs, power_toml, name):
    made = load_switch(name)
    assert made.automatic and made.off != made.on
    assert made.off_seconds > 0


def test_hub_and_relay_are_called_as_they_want_it(programs, power_toml, tmp_path):
    for name in ("hub", "hid-relay"):
        trial = try_switch(PowerSwitch(load_switch(name).cycle, load_switch(name).off, load_switch(name).on, 0.0))
        assert trial.good
    assert (tmp_path / "called").read_text().splitlines() == [
        "uhubctl -l 1-1 -p 2 -a off -r 5", "uhubctl -l 1-1 -p 2 -a on",
        "usbrelay -q BITFT_1=1", "usbrelay -q BITFT_1=0",
    ]  # fmt: skip


def test_the_serial_relay_gets_its_frames(programs, power_toml):
    ours, theirs = pty.openpty()
    try:
        tty.setraw(theirs)
        path = os.ttyname(theirs)
        made = load_switch("serial-relay")
        for command, frame in ((made.off, "a00101a2"), (made.on, "a00100a1")):
            subprocess.run([command[0], path, *command[2:]], check=True, timeout=20)
            assert os.read(ours, 16).hex() == frame
        speed = subprocess.run(["stty", "-F", path, "speed"], capture_output=True, text=True, check=True).stdout
        assert speed.strip() == "9600"
        assert subprocess.run([made.off[0], path, "sideways"], timeout=20).returncode == 2
    finally:
        os.close(ours)
        os.close(theirs)


class _Plug(BaseHTTPRequestHandler):
    asked: list[str] = []
    status = 200

    def do_GET(self):
        self.asked.append(self.path)
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_):
        return


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("shelly", ["/relay/0?turn=off", "/relay/0?turn=on"]),
        ("tasmota", ["/cm?cmnd=Power%20Off", "/cm?cmnd=Power%20On"]),
    ],
)
def test_smart_plugs(power_toml, monkeypatch, name, wanted):
    needs_tool("curl")
    monkeypatch.setattr(_Plug, "asked", [])
    server = HTTPServer(("127.0.0.1", 0), _Plug)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        text = re.sub(r"192\.168\.1\.\d+", f"127.0.0.1:{server.server_port}", power_toml.read_text())
        power_toml.write_text(text)
        made = load_switch(name)
        quick = PowerSwitch(off=made.off, on=made.on, off_seconds=0.0)
        assert try_switch(quick).good
        assert _Plug.asked == wanted
        monkeypatch.setattr(_Plug, "status", 403)
        with pytest.raises(OutsideError, match="status 22"):
            try_switch(quick)
        assert _Plug.asked[-1] == wanted[1], "power is restored whatever happened before"
    finally:
        server.shutdown()
        server.server_close()


# -- who may say what is run ---------------------------------------------------------------------------------------


def test_a_file_or_folder_that_others_may_write_is_refused(programs, power_toml):
    assert load_switch("hub").automatic
    for path, mode in ((power_toml, 0o620), (power_toml, 0o602), (power_toml.parent, 0o777)):
        before = stat.S_IMODE(path.stat().st_mode)
        path.chmod(mode)
        with pytest.raises(RefusedError, match="may be written by other users"):
            load_switch("hub")
        path.chmod(before)
    target = power_toml.with_name("real.toml")
    power_toml.rename(target)
    power_toml.symlink_to(target)
    with pytest.raises(OutsideError):
        load_switch("hub")


def test_owners(tmp_path, monkeypatch):
    facts = list(tmp_path.stat())
    facts[0] = stat.S_IFREG | 0o644

    def of(uid):
        facts[4] = uid
        return distrust(os.stat_result(facts))

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.delenv("SUDO_UID", raising=False)
    assert of(0) == ""
    assert "uid 1000" in of(1000)
    monkeypatch.setenv("SUDO_UID", "1000")
    assert of(1000) == ""
    assert "uid 1001" in of(1001)
    monkeypatch.setattr(os, "geteuid", lambda: 1001)
    assert of(1001) == "" and of(0) == ""
    assert "uid 1000" in of(1000), "the word of an environment counts for root only"
    facts[0] = stat.S_IFIFO | 0o600
    assert "no regular file" in of(1001)


def test_a_command_kept_with_a_case_follows_the_same_rule(programs, tmp_path):
    case = tmp_path / "case"
    case.mkdir()
    switch = PowerSwitch(cycle=(str(programs / "uhubctl"), "-a", "cycle"))
    save_strategy(case, StrategyPreset("drop-off", 30.0, CampaignSettings(switch=switch, tries=7)))
    assert load_strategy(case).campaign.switch == switch
    (case / STRATEGY_NAME).chmod(0o666)
    kept = load_strategy(case)
    assert not kept.campaign.switch.automatic
    assert kept.campaign.tries == 7, "the rest is taken"
    assert "may be written by other users" in kept.ignored


@pytest.mark.parametrize(
    "table",
    [
        'off = ["uhubctl"]', 'cycle = ["uhubctl"]\noff = ["uhubctl"]\non = ["uhubctl"]', 'cycle = "uhubctl"',
        'cycle = ["./uhubctl"]', 'cycle = ["nothing-of-that-name"]', "cycle = [1]", 'cycle = ["uhubctl"]\nlimit = 3',
        'cycle = ["uhubctl"]\noff_seconds = -1', 'cycle = ["uhubctl"]\nlimit_s = "no"',
    ],
)  # fmt: skip
def test_what_is_no_switch_is_refused_with_its_file(programs, power_toml, table):
    power_toml.write_text(f"[x]\n{table}\n")
    with pytest.raises(UsageError) as error:
        load_switch("x")
    assert error.value.path == str(power_toml)
