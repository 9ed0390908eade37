"""Health from smartctl's JSON: own captures of each kind of drive, and the rules one by one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.devices.drive_state import look
from engine.devices.health import read_health, why_not_ask
from engine.devices.health_report import Verdict, parse_health
from engine.errors import DamagedError, OutsideError, RefusedError
from engine.tools import Finished
from tests.engine.machine import FakeMachine, sata

DATA = Path(__file__).parents[2] / "data" / "devices"


def recorded(name: str):
    text = (DATA / name).read_text()
    return parse_health(text, json.loads(text)["smartctl"]["exit_status"])


@pytest.mark.parametrize(
    ("name", "verdict", "word"),
    [
        ("smartctl-ata-emulated-exit4.json", Verdict.OK, "no proof of health"),
        ("smartctl-nvme-ok-exit0.json", Verdict.OK, "no proof of health"),
        ("smartctl-nvme-critical-exit8.json", Verdict.DYING, "failing"),
        ("smartctl-scsi-no-smart-exit4.json", Verdict.UNKNOWN, "no health reports"),
        ("smartctl-optical-exit2.json", Verdict.UNKNOWN, "could not be opened"),
        ("smartctl-usb-unknown-bridge-exit1.json", Verdict.UNKNOWN, "Unknown USB bridge"),
    ],
)
def test_recorded_drives(name, verdict, word):
    health = recorded(name)
    assert health.verdict is verdict
    assert word in health.reasons[0]


def test_facts_of_the_recorded_drives():
    ata = recorded("smartctl-ata-emulated-exit4.json")
    assert (ata.model, ata.serial, ata.protocol) == ("TESTDISK HDD 64M", "WD-TEST0001", "ATA")
    assert (ata.passed, ata.power_on_hours, ata.temperature_c, ata.reallocated) == (True, 1, 31, 0)
    nvme = recorded("smartctl-nvme-critical-exit8.json")
    assert nvme.reasons == (
        "the drive itself says that it is failing", "spare blocks below the limit",
        "the drive says it has become unreliable",
    )  # fmt: skip
    assert (nvme.media_errors, nvme.wear_percent) == (0, 0)


def ata(*attributes: tuple[int, int], passed: bool | None = True, status: int = 0, earlier=None, **more):
    table = [
        {"id": number, "name": f"A{number}", "value": 100, "when_failed": "", "raw": {"value": raw, "string": str(raw)}}
        for number, raw in attributes
    ]
    document = {"ata_smart_attributes": {"table": table}, **more}
    if passed is not None:
        document["smart_status"] = {"passed": passed}
    return parse_health(json.dumps(document), status, earlier=earlier)


@pytest.mark.parametrize(
    ("attributes", "verdict"),
    [
        ([(5, 0), (197, 0), (198, 0)], Verdict.OK),
        ([(5, 387)], Verdict.SUSPECT),  # and yet "passed"
        ([(196, 3)], Verdict.SUSPECT),
        ([(197, 1)], Verdict.DYING),
        ([(198, 1)], Verdict.DYING),
        ([(187, 1)], Verdict.DYING),
        ([(199, 3)], Verdict.OK),
        ([(199, 3118119)], Verdict.CABLE),
        ([(199, 3118119), (5, 1)], Verdict.SUSPECT),
        ([(188, 0x0003_0002_0000)], Verdict.OK),
    ],
)
def test_rules_for_ata(attributes, verdict):
    assert ata(*attributes).verdict is verdict


def test_passed_is_not_healthy_and_failed_is_dying():
    assert ata((5, 0), passed=False).verdict is Verdict.DYING
    assert ata((5, 0), passed=None).verdict is Verdict.UNKNOWN


def test_transfer_errors_blame_the_cable_when_they_rise():
    before = ata((199, 20))
    assert before.verdict is Verdict.OK
    assert ata((199, 20), earlier=before).verdict is Verdict.OK
    assert ata((199, 21), earlier=before).verdict is Verdict.CABLE
    assert ata((199, 5000), earlier=ata((199, 5000))).verdict is Verdict.OK


def test_an_attribute_below_its_limit_now():
    document = {
        "smart_status": {"passed": True},
        "ata_smart_attributes": {"table": [{"id": 5, "name": "Reallocated\x1b[31m", "when_failed": "now", "raw": {}}]},
    }
    health = parse_health(json.dumps(document), 16)
    assert health.verdict is Verdict.DYING
    assert "Reallocated\\x1b[31m" in health.reasons[0]


def test_packed_raw_values_are_unpacked():
    packed = {
        "ata_smart_attributes": {
            "table": [
                {"id": 196, "raw": {"value": 0x30950000083F, "string": "2111 (12437 0)"}},
                {"id": 5, "raw": {"value": 0x30950000083F, "string": "garbage"}},
                {"id": 188, "raw": {"value": 0x00020003, "string": "3"}},
            ]
        },
        "smart_status": {"passed": True},
    }
    health = parse_health(json.dumps(packed), 0)
    assert health.reasons[0] == "2111 replacements were tried"
    assert (health.reallocated, health.command_timeouts) == (None, 3)


def test_error_log_names_bad_sectors():
    named = {"error_description": "Error: UNC 8 sectors at LBA = 0x06f57da8 = 116751784"}
    rows = [named, {"error_description": "Error: ABRT"}, 7]
    health = ata(status=64, ata_smart_error_log={"summary": {"count": 2, "table": rows}})
    assert (health.verdict, health.bad_lba, health.logged_errors) == (Verdict.SUSPECT, (116751784,), 2)


def test_scsi_counts():
    document = {
        "smart_status": {"passed": True}, "scsi_grown_defect_list": 260, "scsi_pending_defects": {"count": 0},
        "scsi_error_counter_log": {"read": {"total_uncorrected_errors": 1}},
    }  # fmt: skip
    health = parse_health(json.dumps(document), 0)
    assert (health.verdict, health.reallocated, health.uncorrectable) == (Verdict.DYING, 260, 1)


def test_nvme_wear_may_exceed_a_hundred():
    document = {
        "smart_status": {"passed": True},
        "nvme_smart_health_information_log": {"percentage_used": 130, "critical_warning": 0, "media_errors": 0},
    }
    health = parse_health(json.dumps(document), 0)
    assert (health.verdict, health.wear_percent) == (Verdict.SUSPECT, 130)
    document["nvme_smart_health_information_log"]["media_errors"] = 7  # type: ignore[index]
    assert parse_health(json.dumps(document), 0).verdict is Verdict.DYING


def test_a_sleeping_drive_is_not_called_well():
    message = {"string": "Device is in STANDBY mode, exit(3)", "severity": "information"}
    health = parse_health(json.dumps({"smartctl": {"messages": [message]}}), 3)
    assert (health.verdict, health.asleep) == (Verdict.UNKNOWN, True)
    assert "not woken" in health.reasons[0]


@pytest.mark.parametrize("text", ["", "no json", "[]", "7", "[" * 100000])
def test_no_document_is_an_error_for_people(text):
    with pytest.raises(DamagedError):
        parse_health(text, 1)


KEYS = [
    "smart_status", "passed", "ata_smart_attributes", "table", "id", "raw", "value", "string", "messages", "smartctl",
    "temperature", "current", "nvme_smart_health_information_log", "critical_warning", "media_errors", "count",
    "ata_smart_error_log", "summary", "error_description", "when_failed", "name", "smart_support", "available",
]  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.just("LBA = 0x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6), st.integers(0, 255))
def test_any_document_gives_a_verdict(document, status):
    health = parse_health(json.dumps(document), status)
    assert health.verdict in Verdict
    assert health.reasons


class Asked:
    def __init__(self, answer: Finished) -> None:
        self.answer, self.calls = answer, []

    def __call__(self, argv, *, timeout_s, stdin=None):
        self.calls.append((list(argv), timeout_s))
        return self.answer


@pytest.fixture
def machine(tmp_path) -> FakeMachine:
    return FakeMachine(tmp_path)


def ok_answer() -> Asked:
    return Asked(Finished(4, (DATA / "smartctl-ata-emulated-exit4.json").read_text(), ""))


def test_asking_sends_only_harmless_questions_to_the_whole_disk(machine):
    sata(machine, "sda", 0, "A", 1)
    machine.partition("sda", 1, (8, 1), 1 << 20, 1 << 20)
    run = ok_answer()
    read_health(str(machine.dev / "sda1"), roots=machine.roots, run=run, program="/usr/sbin/smartctl")
    argv, timeout_s = run.calls[0]
    assert argv == [
        "/usr/sbin/smartctl", "--json", "--nocheck=standby,3", "--info", "--health", "--attributes", "--log=error",
        str(machine.dev / "sda"),
    ]  # fmt: skip
    assert timeout_s == 20


@pytest.mark.parametrize(
    ("facts", "unstable", "reason"),
    [
        ({"device": {"state": "offline"}}, False, "the kernel says: offline"),
        ({"size": 0}, False, "size is 0"),
        ({}, True, "marked as unstable"),
        ({"stat": "10 0 80 4 20 0 0 0 2 60 60 5 0 0 0 2 0"}, False, "none was answered"),
    ],
)
def test_an_ill_drive_is_not_asked_unless_the_person_insists(machine, facts, unstable, reason):
    sata(machine, "sda", 0, "A", 1, **facts)
    run = ok_answer()
    path = str(machine.dev / "sda")
    with pytest.raises(RefusedError) as caught:
        read_health(path, unstable=unstable, roots=machine.roots, run=run, program="smartctl")
    assert caught.value.code == "drive-ill"
    assert reason in caught.value.message
    assert run.calls == []
    read_health(path, unstable=unstable, insist=True, roots=machine.roots, run=run, program="smartctl")
    assert len(run.calls) == 1


def test_a_busy_drive_that_answers_may_be_asked(machine):
    sata(machine, "sda", 0, "A", 1, stat="10 0 80 4 20 0 0 0 2 60 60 5 0 0 0 2 0")
    stat = machine.sys / "block/sda/stat"
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        stat.write_text("55 0 80 4 20 0 0 0 1 60 60 5 0 0 0 2 0\n")

    assert why_not_ask("sda", roots=machine.roots, pause=pause) is None
    assert pauses == [0.5]
    assert look("sda", machine.roots).counters.completed == 82


def test_no_such_device(machine):
    with pytest.raises(OutsideError) as caught:
        read_health(str(machine.dev / "sdz"), roots=machine.roots, run=ok_answer())
    assert caught.value.code == "missing"
