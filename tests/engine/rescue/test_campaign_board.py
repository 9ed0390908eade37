"""The campaign's part of the status file and its requests: written, read back, checked."""

from __future__ import annotations

import json

import pytest

from engine.errors import UsageError
from engine.rescue import control
from engine.rescue.campaign.board import CampaignStatus, Decision, NextPass, Phase
from engine.rescue.status import RescueStatus, State, read_status, write_status


def test_the_campaign_survives_the_status_file(tmp_path):
    campaign = CampaignStatus(
        phase=Phase.NEEDS_POWER, waits_for="you", since=5.0, needs="pull the plug", cycles=3, max_cycles=20,
        cycle_bytes=(10, 0, 7), killers=((4096, 8192),), skipped=((0, 512),), reason="because",
        next=NextPass("jump", 100, 200, True, 4096, 50, 0.25, "why"), decisions=(Decision(1.5, "one"),),
        requests=("pause", "power-done"),
    )  # fmt: skip
    write_status(tmp_path, RescueStatus(State.NEEDS_POWER, 7.0, campaign=campaign))
    seen = read_status(tmp_path)
    assert seen is not None
    assert seen.state is State.NEEDS_POWER
    assert seen.campaign == campaign


def test_a_status_of_a_newer_version_is_read(tmp_path):
    write_status(tmp_path, RescueStatus(State.RUNNING, 7.0, campaign=CampaignStatus(next=NextPass("jump", 1, 2))))
    value = json.loads((tmp_path / "rescue.json").read_text())
    value["campaign"]["new"] = value["campaign"]["next"]["new"] = 1
    (tmp_path / "rescue.json").write_text(json.dumps(value))
    assert read_status(tmp_path).campaign.next.start == 1


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("skip-area", {"start": 0, "end": 512}),
        ("unskip-area", {"start": 512, "end": 1024}),
        ("try-area", {"start": 0, "end": 512, "reverse": True, "killers": False}),
        ("budget", {"max_cycles": 5, "end_time": None, "hang_limit_s": 20.0}),
        ("power-done", {}),
        ("take-over", {}),
    ],
)
def test_requests_are_kept_as_they_were_made(tmp_path, action, values):
    number = control.send(tmp_path, action, values=values)
    found = control.read_request(tmp_path)
    assert (found.number, found.action) == (number, action)
    assert dict(found.values) == values


@pytest.mark.parametrize(
    ("action", "values"),
    [
        ("skip-area", {}),
        ("skip-area", {"start": 5, "end": 5}),
        ("skip-area", {"start": -1, "end": 5}),
        ("skip-area", {"start": 0.5, "end": 5}),
        ("skip-area", {"start": 0, "end": 5, "killers": True}),
        ("try-area", {"start": 0, "end": 5, "reverse": 1}),
        ("budget", {"max_cycles": -1}),
        ("budget", {"max_cycles": True}),
        ("budget", {"hang_limit_s": None}),
        ("budget", {"cycles": 1}),
        ("power-done", {"start": 1}),
        ("pause", {"start": 1}),
    ],
)
def test_nonsense_is_refused(tmp_path, action, values):
    with pytest.raises(UsageError):
        control.send(tmp_path, action, values=values)
    assert control.read_request(tmp_path) is None
