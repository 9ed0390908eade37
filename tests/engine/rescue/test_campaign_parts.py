"""The parts of a campaign by themselves: what a pass came to, what it may touch, the memory, the bus, the log."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DamagedError, UsageError
from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.campaign import bus, choose
from engine.rescue.campaign.attend import SlowWatch
from engine.rescue.campaign.board import Decision
from engine.rescue.campaign.drive import KnownDrive, look_for, places_of
from engine.rescue.campaign.kernel import KernelLog, Names, Sign, count, sign_of
from engine.rescue.campaign.memory import About, Budget, Memory, Wish
from engine.rescue.campaign.settings import CampaignSettings, parse_command, parse_first
from engine.rescue.campaign.verdict import Finding, judge
from engine.rescue.guard import Repaired
from engine.rescue.liveness import Alive, Liveness
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending, Outcome
from engine.rescue.passes import Judged
from engine.rescue.passrun import Ran, Why
from engine.rescue.strategy import How, Kind, Pass, Run
from engine.tools import Finished
from tests.engine.machine import FakeMachine, recorded_machine, sata
from tests.failing_disk import attach_loop, make_image
from tests.support import find_tool, needs_loop, needs_root

MIB = 1 << 20
SIZE = 16 * MIB
DATA = Path(__file__).parent / "data"


def a_pass(start=0, size=SIZE, **more):
    facts = {"reverse": False, "cluster_size": 65536, "stop_when_slow": True, "trim": False, "retry_failed": False,
             "gain": size, "risk": 0.5, "reason": "because", **more}  # fmt: skip
    return Pass(facts.pop("kind", Kind.READ), start, size, **facts)


def ran(**more):
    facts = {"returncode": 1, "stderr": "", "ending_line": "", "why": Why.NONE, "request": None, "sign": "",
             "seen": None, "trusted": None, "direction": "forwards", "position": None, "hung": False,
             "emergency": None, "stuck": False, "run_time_s": 1.0, **more}  # fmt: skip
    return Ran(**facts)


def judged(ending, after, suspect=None, alive=Alive.UNKNOWN):
    return Judged(Outcome(ending, "words", 1), after, Repaired(after, (), RangeSet(), suspect), Liveness(alive))


FRESH = Mapfile.new(0, SIZE)
READ_4 = FRESH.set_range(0, 4 * MIB, "+")


# -- what a pass came to -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "facts", "after", "signs", "finding", "how"),
    [
        (Ending.FINISHED, {}, READ_4, {}, Finding.FINISHED, How.FINISHED),
        (Ending.FINISHED, {}, READ_4.set_range(4 * MIB, 5 * MIB, "-"), {}, Finding.BAD_SECTORS, How.ERRORS),
        (Ending.FINISHED, {}, READ_4.set_range(4 * MIB, 5 * MIB, "*"), {Sign.RESET: 2}, Finding.RESET, How.ERRORS),
        (Ending.FINISHED, {}, READ_4, {Sign.RESET: 2}, Finding.FINISHED, How.FINISHED),
        (Ending.STOPPED, {"why": Why.SLOW}, READ_4, {}, Finding.SLOW, How.SLOW),
        (Ending.STOPPED, {"why": Why.TIME}, READ_4, {}, Finding.TIME_UP, How.STOPPED),
        (Ending.STOPPED, {"why": Why.REQUEST}, READ_4, {}, Finding.STOPPED, How.STOPPED),
        (Ending.SOURCE_GONE, {}, READ_4, {}, Finding.GONE, How.KILLED),
        (Ending.SOURCE_GONE, {"hung": True, "position": 4 * MIB}, READ_4, {}, Finding.HUNG, How.HUNG),
        (Ending.STOPPED, {"hung": True, "why": Why.HANG}, READ_4, {}, Finding.STOPPED, How.STOPPED),  # it came back
        (Ending.SOURCE_LIES, {}, READ_4, {}, Finding.LIES, How.KILLED),
        (Ending.NO_SPACE, {}, READ_4, {}, Finding.TARGET_FULL, How.STOPPED),
        (Ending.MAP_UNWRITABLE, {}, READ_4, {}, Finding.MAP_UNWRITABLE, How.STOPPED),
        (Ending.WRITE_ERROR, {}, READ_4, {}, Finding.TARGET_ERROR, How.STOPPED),
        (Ending.KILLED, {}, READ_4, {}, Finding.KILLED, How.STOPPED),
        (Ending.LIMIT, {}, READ_4, {}, Finding.LIMIT, How.STOPPED),
        (Ending.BUG, {}, READ_4, {}, Finding.FAILED, How.STOPPED),
        (Ending.NO_GOOD_READ, {}, FRESH.set_range(0, 65536, "*"), {}, Finding.GONE, How.KILLED),
    ],
)
def test_findings(ending, facts, after, signs, finding, how):
    suspect = (4 * MIB, 4 * MIB + 65536) if ending in (Ending.SOURCE_GONE, Ending.SOURCE_LIES) else None
    made = judge(a_pass(), FRESH, FRESH, judged(ending, after, suspect), ran(**facts), signs)
    assert (made.finding, made.run.how) == (finding, how)
    assert made.dead == (finding in (Finding.GONE, Finding.HUNG, Finding.LIES))
    assert made.ends == (
        finding in (Finding.TARGET_FULL, Finding.TARGET_ERROR, Finding.MAP_UNWRITABLE, Finding.FAILED)
    )
    assert made.run.gained == after.ranges("+").total
    assert (made.run.killer is not None) == (made.dead and suspect is not None)
    if made.dead and suspect:
        assert made.run.end == 4 * MIB
        assert str(4 * MIB) in made.words


def test_a_hang_is_the_read_in_flight_and_cut_power_is_a_hang_too():
    made = judge(a_pass(), FRESH, FRESH, judged(Ending.STOPPED, READ_4),
                 ran(hung=True, position=5 * MIB + 512), {}, cut=True)  # fmt: skip
    assert made.finding is Finding.HUNG
    assert made.run.killer == (5 * MIB + 512, 5 * MIB + 65536), "up to the next whole cluster"
    backwards = judge(a_pass(reverse=True), FRESH, FRESH, judged(Ending.SOURCE_GONE, READ_4),
                      ran(hung=True, position=5 * MIB), {}, cut=True)  # fmt: skip
    assert backwards.run.end == 5 * MIB + 65536


# -- what a pass may touch ---------------------------------------------------------------------------------------------


def test_known_killers_and_what_is_to_be_left_alone_are_not_touched():
    killers, skipped = RangeSet.of(MIB, MIB + 65536), RangeSet.of(3 * MIB, 4 * MIB)
    area = choose.allowed(a_pass(), killers, RangeSet.of(0, 8 * MIB), skipped)
    assert list(area) == [(0, MIB), (MIB + 65536, 3 * MIB), (4 * MIB, 8 * MIB)]
    edge = a_pass(MIB, 65536, kind=Kind.EDGE, cluster_size=512)
    assert choose.allowed(edge, killers, RangeSet.of(0, SIZE), RangeSet()).total == 65536, "in smaller reads"
    spent = RangeSet.of(MIB, MIB + 512)
    assert choose.allowed(edge, spent, RangeSet.of(0, SIZE), RangeSet()).total == 65536 - 512, "never the same again"


def test_a_pass_begins_with_a_good_sector_on_its_side():
    known = FRESH.set_range(0, MIB, "+").set_range(2 * MIB, 3 * MIB, "+")
    whole = RangeSet.of(0, SIZE)
    assert choose.anchor(a_pass(3 * MIB), known, whole, 512) == (3 * MIB - 512, 3 * MIB)
    assert choose.anchor(a_pass(5 * MIB), known, whole, 512) == (3 * MIB - 512, 3 * MIB)
    assert choose.anchor(a_pass(MIB, MIB, reverse=True), known, whole, 512) == (2 * MIB, 2 * MIB + 512)
    assert choose.anchor(a_pass(3 * MIB, MIB, reverse=True), known, whole, 512) is None
    assert choose.anchor(a_pass(0, MIB), FRESH, whole, 512) is None
    prepared = choose.ready(a_pass(5 * MIB, MIB), known, RangeSet(), whole, RangeSet(), 512)
    assert prepared.span == (3 * MIB - 512, 6 * MIB)
    assert list(prepared.put_back) == [(3 * MIB - 512, 3 * MIB)]
    assert prepared.map.ranges("?").intersect(prepared.put_back), "it is read again"
    after = choose.put_back(known, prepared.map.set_range(5 * MIB, 6 * MIB, "+"), prepared.put_back)
    assert after.ranges("+") == known.ranges("+").union(RangeSet.of(5 * MIB, 6 * MIB)), "and stays finished"


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 40), st.sampled_from("?*/-+")), max_size=12))
def test_what_was_not_read_again_gets_its_mark_back(blocks):
    known = FRESH
    for start, size, status in blocks:
        known = known.set_range(start * 65536, min(SIZE, (start + size) * 65536), status)
    prepared = choose.ready(
        a_pass(retry_failed=True, kind=Kind.EDGE), known, RangeSet(), RangeSet.of(0, SIZE), RangeSet(), 512
    )
    if prepared is None:
        assert not known.ranges("?*/-")
        return
    back = choose.put_back(known, prepared.map, prepared.put_back)
    for status in "?*/-+":
        assert back.ranges(status) == known.ranges(status)


def test_options_of_a_pass_are_the_ones_that_are_safe():
    made = choose.options_for(
        a_pass(MIB, MIB, reverse=True), RescueOptions(), Path("/d"), (MIB, 2 * MIB + 512)
    ).to_json()  # fmt: skip
    wanted = {"idirect": True, "check_on_error": True, "no_trim": True, "no_scrape": True, "reverse": True,
              "input_position": MIB, "size": MIB + 512, "cluster_size": 128, "skip_size": 0, "cpass": "1"}  # fmt: skip
    assert {name: made.get(name) for name in wanted} == wanted
    base = RescueOptions().with_values(input_position=MIB, output_position=0)
    shifted = choose.options_for(a_pass(MIB, MIB), base, Path("/d"), (2 * MIB, 3 * MIB)).to_json()
    assert shifted["output_position"] == MIB


def test_costs_know_how_long_a_cycle_takes():
    memory, settings = Memory(cycle_times=[30.0, 50.0]), CampaignSettings(cycle_worth_s=1.0)
    told = choose.costs(memory, settings, RescueOptions(), RangeSet.of(0, SIZE), ())
    assert told.cycle_seconds == 40.0
    assert not told.automatic
    assert choose.costs(Memory(), settings, RescueOptions(), RangeSet(), ()).cycle_seconds == 300.0, "a person"


# -- memory ------------------------------------------------------------------------------------------------------------


def test_memory_survives_its_checkpoint():
    memory = Memory(
        known=KnownDrive("/dev/sdb", SIZE), runs=[Run(0, SIZE, False, MIB, How.KILLED, MIB, (MIB, MIB + 512), 512)],
        cycles=3, cycle_bytes=[5, 6, 7], skipped=RangeSet.of(0, 512), budget=Budget(5, 7.5, 1, 30.0), dead="gone",
        dead_attachment="boot/7", seat=bus.Seat("sdb", "/d", "/s", "- - -"), read_only=True,
        about=About(a_pass(), "/m", "boot/7", "boot", 4096, ((0, 512),)), wish=Wish(0, 512, True), vain=2,
        best_rate=1.0, read_seconds=2.0, pass_seconds=3.0, cycle_times=[4.0], resets=1,
        decisions=[Decision(1.5, "one")],
    )  # fmt: skip
    kept = json.loads(json.dumps(memory.to_json()))
    assert Memory.from_json(kept) == memory
    del kept["read_only"]  # of an older version
    assert not Memory.from_json(kept).read_only
    for name in list(kept):
        broken = {key: value for key, value in kept.items() if key != name}
        with pytest.raises(DamagedError):
            Memory.from_json(broken)
    assert list(memory.killers(RangeSet())) == [(MIB, MIB + 512)]
    assert not memory.killers(RangeSet.of(0, SIZE)), "what was read there after all is no killer"


# -- the bus -----------------------------------------------------------------------------------------------------------


class Runs:
    def __init__(self, status=0, stderr=""):
        self.called: list[tuple[tuple[str, ...], bytes | None]] = []
        self.status, self.stderr = status, stderr

    def __call__(self, argv, *, timeout_s, stdin=None):
        self.called.append((tuple(argv), stdin))
        return Finished(self.status, "", self.stderr)


def test_where_a_disk_sits(tmp_path):
    machine = recorded_machine(tmp_path)
    directory = Path(os.path.realpath(machine.sys / "block" / "sdb"))
    (directory / "device" / "delete").write_text("")
    seat = bus.seat_of(str(machine.dev / "sdb"), machine.roots)
    assert seat.delete.endswith("sdb/device/delete")
    assert seat.scan == str(machine.sys / "class/scsi_host/host1/scan")
    assert bus.seat_of(str(machine.dev / "loop0"), machine.roots) == bus.Seat("loop0")
    assert bus.seat_of(str(tmp_path), machine.roots) is None
    nvme = machine.sys / "class" / "nvme" / "nvme0" / "device"
    nvme.mkdir(parents=True)
    (nvme / "remove").write_text("")
    seat = bus.seat_of(str(machine.dev / "nvme0n1"), machine.roots)
    assert (seat.scan, seat.scan_word) == (str(machine.sys / "bus/pci/rescan"), "1")


def test_what_is_written_to_the_bus(tmp_path):
    (tmp_path / "delete").write_text("")
    seat = bus.Seat("sdb", str(tmp_path / "delete"), "/sys/x/scan", "- - -")
    runs = Runs()
    assert bus.detach(seat, run=runs) == "" == bus.rescan(seat, run=runs)
    assert [(argv[1], text) for argv, text in runs.called] == [
        (str(tmp_path / "delete"), b"1\n"), ("/sys/x/scan", b"- - -\n"),
    ]  # fmt: skip
    assert "tee: no" in bus.rescan(seat, run=Runs(1, "tee: no"))
    runs = Runs()
    assert bus.detach(bus.Seat("loop0"), run=runs) == "" and runs.called == []


def test_patience_and_read_only(tmp_path):
    machine = FakeMachine(tmp_path)
    directory = sata(machine, "sdb", 16, "S", 2, device={"timeout": 30, "eh_timeout": 10})
    machine.partition("sdb", 1, (8, 17), MIB, MIB)
    path = str(machine.dev / "sdb1")
    runs = Runs()
    assert bus.set_patience(path, 7, machine.roots, run=runs) == ""
    said = sorted((Path(argv[1]).name, text) for argv, text in runs.called)
    assert said == [("eh_timeout", b"7\n"), ("timeout", b"7\n")]
    assert not bus.is_read_only(path, machine.roots)
    machine.write(directory, ro=1)
    assert bus.is_read_only(str(machine.dev / "sdb"), machine.roots)
    runs = Runs()
    assert bus.set_read_only(path, machine.roots, run=runs) == ""
    assert runs.called[0][0][1:] == ("--setro", str(machine.dev / "sdb")), "the whole disk"
    assert "permission" in bus.set_read_only(path, machine.roots, run=Runs(1, "permission denied"))
    assert bus.set_read_only(str(tmp_path), machine.roots) == "", "a file has no such thing"


def test_a_real_device_is_made_read_only(tmp_path):
    needs_loop()
    image = make_image(tmp_path / "image", MIB)
    with attach_loop(image, read_only=False) as loop:
        try:
            assert not bus.is_read_only(str(loop.path))
            assert bus.set_read_only(str(loop.path)) == ""
            assert bus.is_read_only(str(loop.path))
        finally:  # a loop device keeps that when it is detached
            subprocess.run([find_tool("blockdev"), "--setrw", str(loop.path)], check=True, timeout=20)


# -- the kernel's log --------------------------------------------------------------------------------------------------

SDB = Names(("sdb", "1:0:0:0", "ata2", "2-1"))


@pytest.mark.parametrize(
    ("line", "sign"),
    [
        ("ata2: hard resetting link", Sign.RESET), ("ata2.00: NCQ disabled due to excessive errors", Sign.RESET),
        ("ata2: limiting SATA link speed to 1.5 Gbps", Sign.RESET), ("ata2.00: disable device", Sign.OFFLINE),
        ("sd 1:0:0:0: rejecting I/O to offline device", Sign.OFFLINE),
        ("sd 1:0:0:0: Device offlined - not ready after error recovery", Sign.OFFLINE),
        ("ata2: SATA link down (SStatus 0 SControl 300)", Sign.GONE),
        ("sd 1:0:0:0: [sdb] tag#3 FAILED Result: hostbyte=DID_TIME_OUT driverbyte=DRIVER_OK", Sign.TIMEOUT),
        ("sd 1:0:0:0: [sdb] tag#0 Sense Key : Medium Error [current]", Sign.MEDIUM),
        ("ata12: hard resetting link", None), ("ata20: hard resetting link", None), ("sdbc: reset controller", None),
        ("usb 2-1.4: USB disconnect, device number 5", None), ("usb 2-1: USB disconnect, device number 5", Sign.GONE),
        ("I/O error, dev sdb1: critical medium error", Sign.MEDIUM),
        ("sd 11:0:0:0: rejecting I/O to offline device", None), ("EXT4-fs (sdb1): mounted filesystem", None),
    ],
)  # fmt: skip
def test_signs(line, sign):
    assert sign_of(line, SDB) is sign


@pytest.mark.parametrize(
    ("name", "words", "signs"),
    [
        ("offline", ("sdc", "2:0:0:0"), {Sign.OFFLINE}),
        ("hang-then-offline", ("sdi", "11:0:0:0"), {Sign.TIMEOUT, Sign.RESET, Sign.OFFLINE}),
        ("ata-bad-sector", ("sdb", "1:0:0:0", "ata2"), {Sign.RESET}),
        ("ata-delete-rescan", ("sda", "0:0:0:0", "ata1"), {Sign.OFFLINE}),
        ("usb-unplug-replug", ("sdh", "9:0:0:0", "2-1"), {Sign.GONE}),
    ],
)
def test_signs_in_recorded_logs(name, words, signs):
    lines = (DATA / f"kmsg-{name}.txt").read_text().splitlines()
    assert set(count(lines, Names(words))) == signs
    assert count(lines, Names(("sdzz", "77:0:0:0", "ata77", "9-9"))) == {}


def test_the_log_is_read_from_now_on_record_by_record(tmp_path):
    machine = FakeMachine(tmp_path)
    assert not KernelLog(machine.roots).readable
    os.mkfifo(machine.dev / "kmsg")
    log = KernelLog(machine.roots)
    assert log.readable and log.lines() == []
    fd = os.open(machine.dev / "kmsg", os.O_WRONLY | os.O_NONBLOCK)
    os.write(fd, b"4,1,2,-;ata2: one\n SUBSYSTEM=scsi\n DEVICE=+scsi:1:0:0:0\n3,2,3,-;ata2: two; and more\n")
    assert log.lines() == ["ata2: one", "ata2: two; and more"]
    os.close(fd)
    assert log.lines() == []
    log.close()
    assert not log.readable


def test_the_real_log_says_what_is_written_to_it():
    needs_root()
    log = KernelLog()
    if not log.readable:
        pytest.skip("this kernel's log cannot be read here")
    try:
        with open("/dev/kmsg", "wb", buffering=0) as file:
            file.write(b"<6>rescuedeck-test 98:0:0:0: rejecting I/O to offline device\n")
    except OSError:
        pytest.skip("this kernel's log cannot be written here")
    found = [line for line in log.lines() if "98:0:0:0" in line]
    log.close()
    assert [sign_of(line, Names(("98:0:0:0",))) for line in found] == [Sign.OFFLINE]


# -- slowness ----------------------------------------------------------------------------------------------------------


def watch(rates, best=0.0, share=0.1, after=10.0):
    slow = SlowWatch(best, share, after)
    return [slow.add(float(second), rate) for second, rate in enumerate(rates)], slow.best


def test_slow_is_slow_for_long_enough():
    answers, best = watch([50e6] * 20 + [1e6] * 15)
    assert best == pytest.approx(50e6)
    first = next(second for second, answer in enumerate(answers) if answer is not None)
    assert 28 <= first <= 32
    assert watch([50e6] * 20 + [1e6] * 5 + [50e6] * 20)[0][-1] is None, "a hiccup is none"
    assert watch([1e6] * 30)[0][-1] is None, "slow from the beginning is its speed"
    assert watch([1e6] * 30, best=50e6)[0][-1] == pytest.approx(1e6), "... unless it was quicker before"


# -- the drive ---------------------------------------------------------------------------------------------------------


def test_a_drive_without_a_number_is_known_by_path_and_size(tmp_path):
    image = make_image(tmp_path / "disk", MIB)
    known = KnownDrive(str(image), MIB)
    assert not known.numbered
    assert look_for(known).path == str(image)
    assert "another drive" in look_for(replace(known, size=2 * MIB)).reason
    assert look_for(replace(known, named=str(tmp_path))).path is None
    assert look_for(replace(known, named=str(tmp_path / "no"))).path is None
    assert KnownDrive.from_json(json.loads(json.dumps(known.to_json()))) == known


def test_places_known_good_tell_something(tmp_path):
    data = bytearray(SIZE)
    data[8 * MIB : 9 * MIB] = os.urandom(MIB)
    image = tmp_path / "image"
    image.write_bytes(data)
    known = FRESH.set_range(0, 4 * MIB, "+").set_range(8 * MIB, 9 * MIB, "+")
    places = places_of(known, str(image))
    assert 8 * MIB < places[0].offset < 9 * MIB, "a place of zeros proves nothing"
    assert places_of(FRESH, str(image)) == []
    assert places_of(known, str(tmp_path / "no")) == []


# -- settings ----------------------------------------------------------------------------------------------------------


def test_settings_survive_json_and_nonsense_is_refused():
    made = CampaignSettings(wait_s=7.0, max_cycles=20, first=(("/m", 4.0),))
    assert CampaignSettings.from_json(json.loads(json.dumps(made.to_json()))) == made
    for wrong in ({"tries": 0}, {"wait_s": -1}, {"cluster_size": 700}, {"bus": 1}, {"first": ["rel"]}, {"x": 1}, [],
                  {"switch": {"off": ["/bin/true"]}}, {"max_cycles": True}):  # fmt: skip
        with pytest.raises(UsageError):
            CampaignSettings.from_json(wrong)
    assert parse_command("sh -c 'exit 3'")[1:] == ("-c", "exit 3")
    assert parse_first("/tmp/a.map:8", 0) == ("/tmp/a.map", 8.0)
    assert parse_first("/tmp/a:b.map", 1) == ("/tmp/a:b.map", 4.0)
