"""What the machine says of its devices: lsblk, kernel messages, smartctl, mounts, sfdisk scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from engine.devices.document import health_document
from engine.devices.health_report import parse_health
from engine.devices.lsblk import boolean, parse_listing, string
from engine.devices.uevents import parse_uevent
from engine.host.mounts import parse_mountinfo, parse_swaps
from engine.jobs.logout import parse_policy
from engine.partitions.script import parse_script
from tests.fuzz.target import Target

DATA = Path(__file__).parents[2] / "data" / "devices"


def health(data: bytes) -> object:
    """smartctl's JSON, also as the earlier state of the same drive."""
    first = parse_health(data[1:].decode("utf-8", "replace"), data[0] if data else 0)
    second = parse_health(data[1:].decode("utf-8", "replace"), 0, 1.0, first)
    return first, health_document(second)


def _health() -> Iterator[bytes]:
    for path in sorted(DATA.glob("smartctl*.json")):
        text = path.read_text()
        shorter = json.dumps(json.loads(text), separators=(",", ":"))
        yield bytes([4]) + (shorter if len(shorter) < 16000 else text[:16000]).encode()


def blocks(data: bytes) -> object:
    """lsblk's JSON and the values that are taken from its rows."""
    listing = parse_listing(data.decode("utf-8", "replace"))
    for row in listing.rows.values():
        for key in ("serial", "model", "ro", "rota", "fstype", "size"):
            string(row, key)
            boolean(row, key)
    return listing.note


def _blocks() -> Iterator[bytes]:
    child = {"name": "sda1", "maj:min": "8:1", "type": "part", "size": 512, "ro": "0", "fstype": "ext4"}
    disk = {"name": "sda", "maj:min": "8:0", "size": 1 << 40, "ro": False, "serial": "S1", "children": [child]}
    yield json.dumps({"blockdevices": [disk, {**disk, "name": "sdb", "maj:min": "8:16"}]}).encode()
    yield b'{"blockdevices": [' + b'{"children": [' * 50 + b"]}" * 50 + b"]}"


def messages(data: bytes) -> object:
    """Kernel messages; mount tables; logind's settings."""
    parse_uevent(data)
    text = data.decode("utf-8", "backslashreplace")
    for mount in parse_mountinfo(text):
        mount.super_option("errors")
    parse_swaps(text)
    parse_policy([text]).kills("root")
    return None


def _messages() -> Iterator[bytes]:
    yield b"add@/devices/pci/sdb\0ACTION=add\0DEVPATH=/devices/pci/sdb\0SUBSYSTEM=block\0DEVNAME=sdb\0DISKSEQ=9\0"
    yield b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/ro\\040ot rw,errors=continue\n"
    yield b"Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n/dev/sda2 partition 1000 0 -2\n"
    yield b"[Login]\nKillUserProcesses=yes\nKillOnlyUsers=alice bob\n"


def scripts(data: bytes) -> object:
    """A partition table as sfdisk dumps it."""
    script = parse_script(data.decode("utf-8", "replace"))
    return [(one.type, one.extended) for one in script.partitions]  # names are made safe where they are shown


def _scripts() -> Iterator[bytes]:
    yield b"label: dos\nlabel-id: 0x12345678\nunit: sectors\n\n/dev/sda1 : start=2048, size=1000, type=83, bootable\n"
    yield (
        b"label: gpt\nlabel-id: 11111111-2222-3333-4444-555555555555\nfirst-lba: 34\n\n"
        b'x1 : start=2048, size=100, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="a b", attrs="GUID:63"\n'
    )


TARGETS = (
    Target("smartctl", health, lambda: _health(), runs=300, longest=16384),
    Target("lsblk", blocks, lambda: _blocks(), runs=800, longest=8192),
    Target("kernel-messages", messages, lambda: _messages(), runs=1500, longest=4096),
    Target("partition-script", scripts, lambda: _scripts(), runs=1500, longest=4096),
)
