"""Is it the same disk? Every grade, on pairs of identities and on rows of devices."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from engine.devices import Identity, discover, identify
from engine.devices.identity import Grade, compare, find, weak_serial
from engine.errors import RescueError
from tests.engine.machine import FakeMachine, recorded_machine, sata

KNOWN = Identity(
    size_bytes=1000204886016, wwn="0x50014ee0deadbeef", serial="WD-WMC4N0123456", serial_source="drive",
    model="WDC WD10", transport="sata", port="0000:00:1f.2 ata1 0:0:0", diskseq=3, boot_id="boot-1",
    first_seen_name="sda",
)  # fmt: skip
BACK = replace(KNOWN, diskseq=17, first_seen_name="sdi", port="0000:00:1f.2 ata4 0:0:0")
NUMBERLESS = replace(KNOWN, wwn=None, serial=None, serial_source=None)
NOWHEN = replace(NUMBERLESS, boot_id=None)
USB = replace(KNOWN, wwn=None, serial="0000ABCDEF12", serial_source="usb", transport="usb", port="usb 2-1", diskseq=9)


@pytest.mark.parametrize(
    ("known", "seen", "content", "grade", "word"),
    [
        (KNOWN, BACK, None, Grade.SAME, "world wide name"),
        (KNOWN, replace(BACK, wwn="0x50014EE0DEADBEEF"), None, Grade.SAME, "world wide name"),
        (KNOWN, replace(BACK, wwn=None), None, Grade.SAME, "serial"),
        (KNOWN, replace(BACK, wwn="0x5000000000000001"), None, Grade.DIFFERENT, "another world wide name"),
        (KNOWN, replace(BACK, size_bytes=1000204886016 - 512), None, Grade.DIFFERENT, "instead of"),
        (KNOWN, replace(BACK, size_bytes=0), None, Grade.DIFFERENT, "size is 0"),
        (KNOWN, replace(BACK, wwn=None, serial="OTHER"), None, Grade.DIFFERENT, "another serial"),
        (KNOWN, replace(BACK, wwn=None, model="ST1000"), None, Grade.DIFFERENT, "another model"),
        (KNOWN, replace(BACK, wwn=None, serial=None), None, Grade.DIFFERENT, "nothing to tell"),
        (KNOWN, replace(BACK, wwn=None, serial=None), True, Grade.PROBABLE, "another port"),
        (KNOWN, BACK, False, Grade.DIFFERENT, "something else"),
        (KNOWN, replace(BACK, wwn=None, model=None), None, Grade.PROBABLE, "model unknown"),
        # nvme shows an EUI or a made-up name depending on the kernel: those two say nothing about each other
        (KNOWN, replace(BACK, wwn="eui.0025385b11b02d3e"), None, Grade.SAME, "serial"),
        # a USB bridge's own number is weak until the contents agree
        (USB, replace(USB, diskseq=10), None, Grade.PROBABLE, "other disks may have too"),
        (USB, replace(USB, diskseq=10), True, Grade.SAME, "contents"),
        (USB, replace(USB, diskseq=10), False, Grade.DIFFERENT, "something else"),
        (USB, replace(USB, diskseq=10, serial="FFFF"), True, Grade.DIFFERENT, "another serial"),
        # moved from a SATA port into a USB dock: the dock's number is no contradiction, but no proof either
        (replace(KNOWN, wwn=None), replace(USB, model="Generic Dock"), None, Grade.DIFFERENT, "nothing to tell"),
        (replace(KNOWN, wwn=None), replace(USB, model="Generic Dock"), True, Grade.PROBABLE, "another port"),
        # nothing but the port
        (NUMBERLESS, replace(NUMBERLESS, diskseq=8), None, Grade.DIFFERENT, "nothing to tell"),
        (NUMBERLESS, replace(NUMBERLESS, diskseq=8), True, Grade.PROBABLE, "at the same port"),
        # never unplugged since
        (NUMBERLESS, NUMBERLESS, None, Grade.SAME, "not been unplugged"),
        (NUMBERLESS, replace(NUMBERLESS, boot_id="boot-2"), None, Grade.DIFFERENT, "nothing to tell"),
        (NOWHEN, NOWHEN, None, Grade.DIFFERENT, "nothing to tell"),
    ],
)
def test_grades(known, seen, content, grade, word):
    match = compare(known, seen, content)
    assert match.grade is grade, match
    assert word in match.reason


def test_a_size_mismatch_is_never_the_same_whatever_else_agrees():
    for size in (0, 1, KNOWN.size_bytes - 512, KNOWN.size_bytes + 4096):
        for content in (None, True):
            assert compare(KNOWN, replace(KNOWN, size_bytes=size), content).grade is Grade.DIFFERENT


def test_content_is_asked_for_only_where_it_helps():
    assert compare(USB, replace(USB, diskseq=10)).content_helps
    assert compare(NUMBERLESS, replace(NUMBERLESS, diskseq=8)).content_helps
    assert not compare(KNOWN, BACK).content_helps
    assert not compare(KNOWN, replace(BACK, wwn="0x5000000000000001")).content_helps


@pytest.mark.parametrize("serial", ["0123456789ABCDEF", "000000000000", "None", "", "A1", "1111-1111"])
def test_dummy_serials_are_weak(serial):
    assert weak_serial(replace(KNOWN, serial=serial))
    assert not weak_serial(KNOWN)


def test_loops_are_told_by_their_file():
    loop = Identity(size_bytes=4096, kind="loop", backing_file="/a/image", first_seen_name="loop0")
    assert compare(loop, replace(loop, first_seen_name="loop3")).grade is Grade.SAME
    assert compare(loop, replace(loop, backing_file="/a/other")).grade is Grade.DIFFERENT
    assert compare(loop, replace(loop, backing_offset=512)).grade is Grade.DIFFERENT
    assert compare(loop, replace(loop, backing_file=None, kind="disk")).grade is Grade.DIFFERENT


def test_json_form_comes_back():
    import json

    facts = json.loads(json.dumps(asdict(replace(KNOWN, by_id=("ata-x", "wwn-y"), partition=2, partition_start=512))))
    assert Identity.from_facts(facts) == replace(KNOWN, by_id=("ata-x", "wwn-y"), partition=2, partition_start=512)


def test_hostile_json_gives_an_unknown_identity():
    facts = {"size_bytes": "big", "wwn": 7, "by_id": [1, "a"], "serial": None, "diskseq": True, "new_key": {}}
    assert Identity.from_facts(facts) == Identity(0, by_id=("a",))
    assert Identity.from_facts({}) == Identity(0)


@pytest.fixture
def machine(tmp_path) -> FakeMachine:
    return recorded_machine(tmp_path)


def devices(machine: FakeMachine):
    return discover(machine.roots, everything=True, lsblk_program=None)


def test_found_under_another_name(machine):
    known = identify(machine.dev / "sda", machine.roots)
    assert known is not None
    machine.remove("sda")
    assert find(known, devices(machine)).grade is Grade.DIFFERENT
    sata(machine, "sdi", 128, "WD-TEST0001", 7, device={"wwid": "naa.50014ee0deadbeef"})
    found = find(known, devices(machine))
    assert found.grade is Grade.SAME
    assert found.path == str(machine.dev / "sdi")


def test_a_partition_is_found_on_the_returned_disk_only_where_it_was(machine):
    known = identify(machine.dev / "sda2", machine.roots)
    assert known is not None
    machine.remove("sda")
    sata(machine, "sdi", 128, "WD-TEST0001", 7, device={"wwid": "naa.50014ee0deadbeef"})
    assert find(known, devices(machine)).grade is Grade.DIFFERENT  # the kernel has not read its table yet
    machine.partition("sdi", 2, (8, 130), 31 << 20, 33 << 20)
    found = find(known, devices(machine))
    assert (found.grade, found.path) == (Grade.SAME, str(machine.dev / "sdi2"))
    (machine.sys / "class/block/sdi2/start").write_text("999\n")
    assert find(known, devices(machine)).grade is Grade.DIFFERENT


def test_two_that_fit_are_refused(machine):
    known = identify(machine.dev / "sda", machine.roots)
    assert known is not None
    sata(machine, "sdi", 128, "WD-TEST0001", 7, device={"wwid": "naa.50014ee0deadbeef"})
    found = find(known, devices(machine))
    assert found.grade is Grade.AMBIGUOUS
    assert found.device is None
    assert {device.name for device in found.candidates} == {"sda", "sdi"}


def test_twins_without_numbers_need_their_contents(machine):
    """sdc and sdd are of one model and size; without serial numbers only what they hold tells them apart."""
    for name in ("sdc", "sdd"):
        (machine.sys / "block" / name / "device" / "vpd_pg80").unlink()
    known = identify(machine.dev / "sdc", machine.roots)
    assert known is not None
    known = replace(known, diskseq=1)
    asked = []

    def content(device, partition):
        asked.append(device.name)
        return device.name == "sdc"

    assert find(known, devices(machine)).grade is Grade.DIFFERENT
    found = find(known, devices(machine), content)
    assert (found.grade, found.device.name if found.device else None) == (Grade.PROBABLE, "sdc")
    assert asked == ["sdc"]  # what sits at other ports is not read
    assert find(known, devices(machine), lambda device, partition: None).grade is Grade.DIFFERENT


def test_why_not_is_told_for_the_disk_at_the_same_port(machine):
    known = identify(machine.dev / "sda", machine.roots)
    assert known is not None
    machine.remove("sda")
    (machine.sys / "devices/pci0000:00/0000:00:1f.2/ata1").rename(machine.folder / "away")
    sata(machine, "sdi", 128, "STRANGER", 1, device={"wwid": "naa.5000c50012345678"})
    found = find(known, devices(machine))
    assert found.grade is Grade.DIFFERENT
    assert any("another world wide name" in miss and "sdi" in miss for miss in found.misses)


def test_identify_raises_for_what_is_no_device(machine):
    with pytest.raises(RescueError):
        identify(machine.dev / "nothing", machine.roots)
