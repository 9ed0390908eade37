"""Mount and swap tables as the kernel writes them, and as nobody should."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.host.mounts import mount_of, parse_mountinfo, parse_swaps, read_mounts, unescape
from tests.engine.machine import FakeMachine

LINES = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
36 27 98:0 /mnt1 /mnt/with\\040blank\\011tab ro,noatime master:1 propagate_from:2 - ext3 /dev/root rw,errors=continue
40 27 0:50 / /merged rw - overlay overlay rw,lowerdir=/a:/b,upperdir=/c\\054d
"""


def test_a_table():
    mounts = parse_mountinfo(LINES)
    assert [mount.point for mount in mounts] == ["/proc", "/", "/mnt/with blank\ttab", "/merged"]
    third = mounts[2]
    assert (third.mount_id, third.devno, third.root, third.fstype, third.source) == (
        36, (98, 0), "/mnt1", "ext3", "/dev/root",
    )  # fmt: skip
    assert (third.read_only, mounts[1].read_only) == (True, False)
    assert mounts[3].super_option("upperdir") == "/c,d"
    assert mounts[3].super_option("nothing") is None


def test_swaps():
    text = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2   partition\t1024\t0\t-2\n/swap\\040file file 8 0 -3\nbad\n"
    assert [(swap.path, swap.kind, swap.size) for swap in parse_swaps(text)] == [
        ("/dev/sda2", "partition", 1 << 20), ("/swap file", "file", 8192),
    ]  # fmt: skip
    assert parse_swaps("") == ()


@given(st.text(max_size=300))
def test_any_text_is_survived(text):
    parse_mountinfo(text)
    parse_swaps(text)


@given(st.text(alphabet=st.characters(min_codepoint=1, max_codepoint=0x2FFF), min_size=1))
def test_what_the_kernel_escapes_comes_back(point):
    escaped = point
    for char in "\\ \t\n":
        escaped = escaped.replace(char, f"\\{ord(char):03o}")
    assert unescape(escaped) == point


def test_this_machine(tmp_path):
    table = read_mounts()
    assert table
    found = mount_of(tmp_path)
    assert found in table
    assert found is not None
    if found.devno[0] != 0:
        assert os.makedev(*found.devno) == os.stat(tmp_path).st_dev
    proc = mount_of("/proc/self")
    assert proc is not None
    assert proc.fstype == "proc"


def test_longest_and_newest_mount_wins(tmp_path):
    machine = FakeMachine(tmp_path)
    inner = tmp_path / "data" / "deep"
    inner.mkdir(parents=True)
    machine.mount(str(tmp_path / "data"), (8, 1), "ext4", "/dev/sda1")
    machine.mount(str(tmp_path / "dat"), (8, 2), "ext4", "/dev/sda2")  # no folder above, only the same letters
    machine.mount(str(tmp_path / "data"), (8, 3), "xfs", "/dev/sda3")  # over the first
    found = mount_of(inner, machine.roots)
    assert found is not None
    assert found.devno == (8, 3)


@pytest.mark.parametrize("missing", ["self", "swaps"])
def test_without_proc(tmp_path, missing):
    machine = FakeMachine(tmp_path / "m")
    assert read_mounts(machine.roots.__class__(proc=tmp_path)) == ()
