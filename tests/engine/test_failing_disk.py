"""The failing disk behind FUSE and loop devices, against the real ddrescue."""

from __future__ import annotations

import errno
import json
import mmap
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.failing_disk import (
    Control,
    ControlError,
    Drop,
    Error,
    FailingDisk,
    FailingDiskError,
    FailsNTimes,
    Flaky,
    Hang,
    Identity,
    Power,
    Profile,
    Return,
    Slow,
    attach_loop,
    first_difference,
    make_image,
)
from tests.failing_disk.mounts import is_mounted
from tests.support import needs_fuse, needs_loop, needs_root, needs_tool

pytestmark = [pytest.mark.fuse, needs_fuse(), needs_tool("ddrescue")]

MIB = 1 << 20
SIZE = 8 * MIB
CLUSTER = 65536
HERE = Path(__file__).parents[2]

BOTH = [
    pytest.param(False, id="file"),
    pytest.param(True, id="loop", marks=[pytest.mark.root, needs_loop()]),
]


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return make_image(tmp_path_factory.mktemp("patient") / "image", SIZE)


class Rescue:
    """ddrescue on a failing disk, with image and map in a folder."""

    def __init__(self, folder):
        self.image, self.map = folder / "rescued", folder / "map"

    def command(self, disk, *options):
        return ["ddrescue", *options, str(disk), str(self.image), str(self.map)]

    def run(self, disk, *options):
        return subprocess.run(
            self.command(disk, *options), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120
        )

    def start(self, disk, *options):
        return subprocess.Popen(
            self.command(disk, *options), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    def blocks(self, status=None):
        """(start, end, status) of the map's blocks, or (start, end) of those with one status."""
        lines = [line.split() for line in self.map.read_text().splitlines() if line and line[0] != "#"][1:]
        blocks = [(int(at, 0), int(at, 0) + int(size, 0), char) for at, size, char in lines]
        return blocks if status is None else [(a, b) for a, b, char in blocks if char == status]


@pytest.fixture
def rescue(tmp_path):
    return Rescue(tmp_path)


def process_state(pid):
    """The kernel's letter for the state of a process (D: waits for the disk, no signal reaches it)."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def position(pid, device):
    """Offset of the read in flight of a process on a file or device."""
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        if os.path.realpath(fd) == os.path.realpath(device):
            return int(re.search(r"pos:\s*(\d+)", Path(f"/proc/{pid}/fdinfo/{fd.name}").read_text())[1])
    raise AssertionError("the process has not opened the disk")


def wait_for(condition):
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("never happened")


def direct_read(path, offset, size):
    """One O_DIRECT read; the bytes or the errno's name."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    except OSError as error:
        return "open " + errno.errorcode[error.errno]
    try:
        with mmap.mmap(-1, max(size, 4096)) as buffer, memoryview(buffer) as view, view[:size] as part:
            return bytes(part[: os.preadv(fd, [part], offset)])
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        os.close(fd)


# -- what ddrescue makes of it ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", BOTH)
def test_errors_become_exactly_the_bad_sectors(image, rescue, loop):
    faults = [Error(offset=MIB, size=512), Error(offset=3 * MIB + 512, size=1536), Error(offset=SIZE - 512, size=512)]
    with FailingDisk(image, faults, loop=loop) as disk:
        done = rescue.run(disk.device, "-d")
        assert done.returncode == 0
        assert rescue.blocks("-") == list(disk.truth().unreadable)
        assert rescue.blocks("+") == list(disk.truth().readable)
        assert first_difference(image, rescue.image, disk.truth().readable) is None
        assert {r.outcome for r in disk.reads()} == {"ok", "error"}
        assert disk.violations() == []


@pytest.mark.parametrize("loop", BOTH)
def test_a_drop_with_j_costs_one_cluster_and_a_power_cycle_brings_the_drive_back(image, rescue, loop):
    killer = 3 * MIB + 4096
    options = ("-d", "-J", "-n", "--no-trim", "-K0", "--cpass=1", "--mapfile-interval=1")
    with FailingDisk(image, [Drop(offset=killer, size=512)], loop=loop) as disk:
        done = rescue.run(disk.device, *options)
        assert done.returncode == 1
        assert "Input file no longer returns data" in done.stderr
        assert rescue.blocks() == [
            (0, 3 * MIB, "+"),
            (3 * MIB, 3 * MIB + CLUSTER, "*"),
            (3 * MIB + CLUSTER, SIZE, "?"),
        ]
        assert disk.state == "offline"
        if not loop:  # a loop device still opens, and a run on it would cost a second cluster
            dead = rescue.run(disk.device, *options)
            assert dead.returncode == 1
            assert "Can't open input file: No such device or address" in dead.stderr
        seen = disk.reads()[-1].seq + 1
        assert subprocess.run(disk.power_command("cycle", "--wait", "20"), capture_output=True).returncode == 0
        assert disk.cycles == 1
        assert rescue.run(disk.device, *options, "-R").returncode == 0
        assert rescue.blocks("+") == [(0, 3 * MIB), (3 * MIB + CLUSTER, SIZE)]
        assert disk.touches(killer, 512, since=seen) == [], "the known killer was left alone"
        assert len(disk.touches(killer, 512)) == 1
        assert first_difference(image, rescue.image, rescue.blocks("+")) is None


@pytest.mark.parametrize("loop", BOTH)
def test_a_drop_without_j_runs_to_the_end_and_lies(image, rescue, loop):
    with FailingDisk(image, [Drop(offset=3 * MIB, size=512)], loop=loop) as disk:
        done = rescue.run(disk.device, "-d", "-n")
        assert done.returncode == 0
        assert done.stdout.rstrip().endswith("Finished")
        assert rescue.blocks("+") == [(0, 3 * MIB)]
        assert rescue.blocks("?") == []
        assert rescue.blocks("-") == [(3 * MIB, 3 * MIB + 512), (SIZE - 512, SIZE)], "false, both of them"
        assert [r.outcome for r in disk.touches(0, SIZE)].count("drop") == 1


def test_a_drive_that_is_gone_is_fatal_and_leaves_the_map_whole(image, rescue):
    with FailingDisk(image, [Drop(offset=3 * MIB, size=512, mode="gone")]) as disk:
        done = rescue.run(disk.device, "-d", "-n")
        assert done.returncode == 1
        assert "No such device" in done.stderr
        assert rescue.blocks() == [(0, 3 * MIB, "+"), (3 * MIB, SIZE, "?")]
        assert "Can't open input file: No such device or address" in rescue.run(disk.device, "-d").stderr


def test_a_removed_node_leaves_the_map_whole(image, rescue):
    with FailingDisk(image, [Drop(offset=3 * MIB, size=512, mode="removed")]) as disk:
        node = disk.path
        done = rescue.run(node, "-d", "-n")
        assert done.returncode == 1
        assert "Unaligned read error" in done.stderr
        assert rescue.blocks() == [(0, 3 * MIB, "+"), (3 * MIB, SIZE, "?")]
        assert not node.exists()
        assert not disk.by_id.is_symlink()
        assert "No such file or directory" in rescue.run(node, "-d").stderr
        disk.power_cycle()
        assert rescue.run(disk.by_id, "-d", "-R", "-n", "--no-trim", "-X0").returncode == 1
        assert rescue.blocks("+") == [(0, 3 * MIB), (3 * MIB + CLUSTER, SIZE)]


ONE_CLUSTER = [(0, 3 * MIB, "+"), (3 * MIB, 3 * MIB + CLUSTER, "*"), (3 * MIB + CLUSTER, SIZE, "?")]
CLEAN = [(0, 3 * MIB, "+"), (3 * MIB, SIZE, "?")]


@pytest.mark.parametrize(
    ("mode", "options", "status", "message", "blocks"),
    [
        ("offline", "-n -d -O", 1, "Can't reopen input file: No such device or address", ONE_CLUSTER),
        ("offline", "-n -d -X0", 1, "", ONE_CLUSTER),
        ("gone", "-n -d -O", 1, "Fatal error reading the input file: No such device", CLEAN),
        ("gone", "-n -d -J", 1, "Fatal error reading the input file: No such device", CLEAN),
        ("removed", "-n -d -J", 1, "Unaligned read error", CLEAN),
        ("removed", "-n", 1, "Unaligned read error", CLEAN),
    ],
)
def test_each_way_of_being_lost_has_its_signature(image, rescue, mode, options, status, message, blocks):
    with FailingDisk(image, [Drop(offset=3 * MIB, size=512, mode=mode)]) as disk:
        done = rescue.run(disk.device, *options.split())
        assert (done.returncode, rescue.blocks()) == (status, blocks)
        assert message in done.stderr


@pytest.mark.root
def test_behind_a_loop_device_readahead_drops_the_drive_early_and_j_is_fooled(image, rescue):
    """Why -d is not optional; the file cannot show this since it has no page cache."""
    needs_loop()
    with FailingDisk(image, [Drop(offset=3 * MIB, size=512)], loop=True) as disk:
        assert rescue.run(disk.device, "-n", "-J").returncode == 0
        ((start, end),) = rescue.blocks("+")
        assert start == 0
        assert end < 3 * MIB
        assert rescue.blocks("?") == []


@pytest.mark.parametrize("loop", BOTH)
def test_a_hung_read_keeps_ddrescue_in_state_d_until_the_power_cycle(image, rescue, loop):
    with FailingDisk(image, [Hang(offset=3 * MIB, size=512)], loop=loop) as disk:
        process = rescue.start(disk.device, "-d", "-n", "--no-trim", "-X0")
        disk.wait_state("hung")
        wait_for(lambda: process_state(process.pid) == "D")
        assert position(process.pid, disk.device) == 3 * MIB
        process.send_signal(signal.SIGKILL)
        assert os.statvfs(disk.mount).f_blocks == SIZE // 512, "the file system still answers"
        assert disk.path.stat().st_size == SIZE
        assert disk.status()["in_flight"] == [{"offset": 3 * MIB, "size": CLUSTER, "outcome": "hang"}]
        assert process_state(process.pid) == "D", "not even SIGKILL ends it"
        assert subprocess.run(disk.power_command(), capture_output=True, timeout=30).returncode == 0
        assert process.wait(30) == -signal.SIGKILL
        assert isinstance(direct_read(disk.device, 0, 4096), bytes), "the drive is well again"


@pytest.mark.parametrize("loop", BOTH)
def test_sigint_before_the_power_cycle_makes_ddrescue_save_and_end(image, rescue, loop):
    with FailingDisk(image, [Hang(offset=3 * MIB, size=512)], loop=loop) as disk:
        process = rescue.start(disk.device, "-d", "-n", "--no-trim")
        disk.wait_state("hung")
        wait_for(lambda: process_state(process.pid) == "D")
        process.send_signal(signal.SIGINT)
        assert process_state(process.pid) == "D"
        disk.power_cycle()
        assert process.wait(30) == -signal.SIGINT
        assert rescue.blocks()[0] == (0, 3 * MIB, "+")
        assert (rescue.blocks("*"), disk.cycles) == ([(3 * MIB, 3 * MIB + CLUSTER)], 1)


@pytest.mark.parametrize("loop", BOTH)
def test_without_a_signal_ddrescue_reads_on_after_the_power_cycle(image, rescue, loop):
    with FailingDisk(image, [Hang(offset=3 * MIB, size=512, times=1)], loop=loop) as disk:
        process = rescue.start(disk.device, "-d")
        disk.wait_state("hung")
        disk.power_cycle()
        assert process.wait(60) == 0
        assert rescue.blocks() == [(0, SIZE, "+")], "the second touch succeeded"
        assert first_difference(image, rescue.image, [(0, SIZE)]) is None


def test_a_hang_given_up_by_the_kernel_is_an_offline_drive(image, rescue):
    with FailingDisk(image, [Hang(offset=3 * MIB, size=512, gives_up_after=0.1)]) as disk:
        done = rescue.run(disk.device, "-d", "-J", "-n", "--no-trim")
        assert done.returncode == 1
        assert "no longer returns data" in done.stderr
        assert disk.state == "offline"


@pytest.mark.parametrize("loop", BOTH)
def test_sectors_that_fail_n_times_come_with_retries(image, rescue, loop):
    with FailingDisk(image, [FailsNTimes(offset=2 * MIB, size=1024, times=6)], loop=loop) as disk:
        assert rescue.run(disk.device, "-d").returncode == 0
        assert rescue.blocks("-") == [(2 * MIB, 2 * MIB + 1024)]
        assert rescue.run(disk.device, "-d", "-r", "6").returncode == 0
        assert rescue.blocks() == [(0, SIZE, "+")]
        assert first_difference(image, rescue.image, [(0, SIZE)]) is None
        assert disk.truth().readable == ((0, SIZE),)
        assert disk.status()["outcomes"]["error"] == 12, "six failures of each of two sectors"


def test_flaky_sectors_give_the_same_run_for_the_same_seed(image, tmp_path):
    logs = []
    for run in range(2):
        folder = tmp_path / str(run)
        folder.mkdir()
        profile = Profile(faults=(Flaky(offset=MIB, size=4 * MIB, probability=0.4),), seed=11)
        with FailingDisk(image, profile) as disk:
            assert Rescue(folder).run(disk.device, "-d", "-r", "-1").returncode == 0
            logs.append(disk.reads())
            assert Rescue(folder).blocks() == [(0, SIZE, "+")]
    assert logs[0] == logs[1]
    assert {r.outcome for r in logs[0]} == {"ok", "error"}


def test_a_speed_limit_is_what_ddrescue_measures_or_less(image, rescue):
    profile = Profile(bytes_per_second=8e6, faults=(Slow(offset=0, size=512, seconds=0.2),))
    with FailingDisk(image, profile) as disk:
        started = time.monotonic()
        assert rescue.run(disk.device, "-d").returncode == 0
        assert time.monotonic() - started > SIZE / 8e6, "a lower bound only: nothing here depends on being fast"


def test_every_read_arrives_as_ddrescue_made_it(image, rescue, tmp_path):
    with FailingDisk(image, [Error(offset=MIB, size=512)]) as disk:
        log = tmp_path / "reads.log"
        assert rescue.run(disk.device, "-d", f"--log-reads={log}").returncode == 0
        lines = [line.split() for line in log.read_text().splitlines() if line.startswith("0x")]
        assert sorted((r.offset, r.size, r.outcome == "error") for r in disk.reads()) == sorted(
            (int(at, 0), int(size), int(bad) > 0) for at, size, _, bad in lines
        )


def test_reads_without_o_direct_are_not_hidden_by_the_page_cache(image):
    with FailingDisk(image) as disk, open(disk.path, "rb", buffering=0) as node:
        for _ in range(3):
            node.seek(4096)
            assert node.read(100) == image.read_bytes()[4096:4196]
        assert [(r.offset, r.size) for r in disk.reads()] == [(4096, 100)] * 3


@pytest.mark.parametrize("loop", BOTH)
def test_a_sector_of_4096_bytes_must_be_read_as_such(image, rescue, loop):
    profile = Profile(sector_size=4096, faults=(Error(offset=MIB, size=4096),))
    with FailingDisk(image, profile, loop=loop) as disk:
        assert direct_read(disk.device, 4096, 4096) == image.read_bytes()[4096:8192]
        assert direct_read(disk.device, 512, 4096) == direct_read(disk.device, 4096, 512) == "EINVAL"
        wrong = rescue.run(disk.device, "-d", "-b", "512", "-c", "1")
        assert wrong.returncode == 1
        assert "Unaligned read error. Is sector size correct?" in wrong.stderr
        right = rescue.run(disk.device, "-d", "-b", "4096")
        assert right.returncode == 0
        assert rescue.blocks("-") == [(MIB, MIB + 4096)]


# -- the disk as others see it ----------------------------------------------------------------------------------------


def test_nothing_can_write_to_it_and_every_attempt_is_kept(image):
    before = image.read_bytes()
    with FailingDisk(image) as disk:
        attempts = [
            lambda: os.open(disk.path, os.O_WRONLY),
            lambda: os.open(disk.path, os.O_RDWR),
            lambda: os.truncate(disk.path, 0),
            lambda: os.unlink(disk.path),
            lambda: os.rename(disk.path, disk.mount / "gone"),
            lambda: os.utime(disk.path),
            lambda: (disk.mount / "new").write_bytes(b"x"),
        ]
        for attempt in attempts:
            with pytest.raises(OSError, match="Read-only") as caught:
                attempt()
            assert caught.value.errno == errno.EROFS
        assert len(disk.violations()) == len(attempts)
        assert disk.violations()[0] == {"what": "open for writing", "path": "/disk", "cycle": 0, "after_read": 0}
    assert image.read_bytes() == before


@pytest.mark.root
def test_a_loop_device_in_front_is_read_only_and_only_ours_is_detached(image):
    needs_loop()
    with FailingDisk(image) as disk, attach_loop(disk.path) as loop, attach_loop(image) as other:
        assert Path(f"/sys/block/{loop.path.name}/ro").read_text() == "1\n"
        with pytest.raises(OSError, match="denied|permitted|Read-only"), open(loop.path, "r+b", buffering=0) as device:
            device.write(b"x" * 512)
        loop.detach()
        loop.detach()
        assert not Path(f"/sys/block/{loop.path.name}/loop").exists()
        assert Path(f"/sys/block/{other.path.name}/loop").exists()
        assert disk.violations() == []


def test_links_and_facts_follow_the_drive(image):
    identity = Identity(model="ACME DISK 2", serial="S1", wwn="0x5000c5001")
    profile = Profile(identity=identity, power=Power(rename=True), faults=(Drop(offset=0, size=512),))
    with FailingDisk(image, profile) as disk:
        assert disk.by_id == disk.mount / "by-id" / "ata-ACME_DISK_2_S1"
        assert os.path.realpath(disk.by_id) == str(disk.mount / "disk") == str(disk.path)
        sysfs = disk.mount / "sys" / "block" / "failing1"
        assert int((sysfs / "size").read_text()) == SIZE // 512
        assert (sysfs / "device" / "serial").read_text() == "S1\n"
        assert os.path.realpath(disk.mount / "dev" / "failing1") == str(disk.path)
        assert direct_read(disk.path, 0, 512) == "EIO"
        assert (sysfs / "device" / "state").read_text() == "offline\n"
        disk.power_off()
        assert sorted(os.listdir(disk.mount)) == ["by-id", "dev", "identity.json", "sys"]
        assert os.listdir(disk.mount / "by-id") == []
        disk.power_on()
        assert disk.path == disk.mount / "disk-2"
        assert os.path.realpath(disk.by_id) == str(disk.path)
        assert os.listdir(disk.mount / "sys" / "block") == ["failing2"]
        assert json.loads((disk.mount / "identity.json").read_text())["serial"] == "S1"


def test_another_drive_can_come_back(image, rescue):
    returns = {1: Return(identity={"serial": "OTHER", "wwn": None, "size": SIZE // 2})}
    with FailingDisk(image, Profile(power=Power(returns=returns))) as disk:
        link = disk.by_id
        disk.power_cycle()
        assert disk.identity.serial == "OTHER"
        assert disk.path.stat().st_size == SIZE // 2
        assert not link.is_symlink(), "the link of the patient is not there"
        assert direct_read(disk.path, 0, 512).startswith(b"OTHER DRIVE")


def test_a_dead_drive_does_not_come_back(image):
    with FailingDisk(image, Profile(power=Power(dies_after_cycles=0))) as disk:
        with pytest.raises(FailingDiskError, match="dead"):
            disk.power_cycle()
        assert not disk.path.exists()
        assert subprocess.run(disk.power_command("cycle", "--wait", "0.1"), capture_output=True).returncode == 3


@pytest.mark.root
def test_the_loop_device_follows_a_drive_that_comes_back_under_another_name(image, rescue):
    needs_loop()
    profile = Profile(power=Power(rename=True, settle_seconds=0.05), faults=(Drop(offset=MIB, size=512),))
    with FailingDisk(image, profile, loop=True) as disk:
        first = disk.device
        assert rescue.run(disk.by_id, "-d", "-J", "-n", "--no-trim").returncode == 1
        holder = os.open(first, os.O_RDONLY | os.O_DIRECT)
        try:
            disk.power_cycle()
            assert disk.device != first, "the old one is still held"
            assert os.path.realpath(disk.by_id) == str(disk.device)
            assert direct_read(disk.device, 0, 512) == image.read_bytes()[:512]
            with pytest.raises(OSError, match="No such device|Input/output"):
                os.readv(holder, [mmap.mmap(-1, 4096)])
        finally:
            os.close(holder)
        last = disk.device
    for device in (first, last):
        assert not Path(f"/sys/block/{device.name}/loop").exists()


def test_disks_of_many_gigabytes_are_sparse(tmp_path, rescue):
    size = 6 << 30
    image = make_image(tmp_path / "large", size, extents=[(0, MIB), (5 << 30, (5 << 30) + MIB), (size - MIB, size)])
    assert image.stat().st_blocks * 512 < 16 * MIB
    with FailingDisk(image, [Error(offset=(5 << 30) + 4096, size=512)]) as disk:
        assert disk.path.stat().st_size == size
        assert rescue.run(disk.device, "-d", "-S", "-i", str(5 << 30), "-s", str(2 * MIB)).returncode == 0
        assert rescue.blocks("-") == [((5 << 30) + 4096, (5 << 30) + 4608)]
        with open(image, "rb") as original:
            original.seek(size - 512)
            assert direct_read(disk.path, size - 512, 4096) == original.read()


@pytest.mark.parametrize("flags", [[], ["iflag=direct"]], ids=["plain", "direct"])
def test_many_hung_reads_block_nothing_else(image, flags):
    with FailingDisk(image, [Hang(offset=0, size=512)]) as disk:
        readers = [
            subprocess.Popen(
                ["dd", f"if={disk.path}", "of=/dev/null", "bs=512", "count=1", *flags], stderr=subprocess.DEVNULL
            )
            for _ in range(40)
        ]
        wait_for(lambda: len(disk.status()["in_flight"]) == len(readers))
        assert os.statvfs(disk.mount).f_blocks == SIZE // 512
        assert disk.path.stat().st_size == SIZE
        states = {process_state(reader.pid) for reader in readers}
        assert states == ({"D"} if flags else {"S"})
        disk.power_off()
        assert {reader.wait(30) for reader in readers} == {1}
        assert disk.status()["outcomes"] == {"hang": 1, "queued": 39}


# -- never left behind ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loop", BOTH)
def test_the_end_releases_hung_readers_and_leaves_nothing(image, rescue, loop):
    with FailingDisk(image, [Hang(offset=3 * MIB, size=512)], loop=loop) as disk:
        process = rescue.start(disk.device, "-d", "-n")
        disk.wait_state("hung")
        root, device, server = disk.root, disk.device, disk.pid
    assert process.wait(30) is not None
    assert not root.exists()
    assert not is_mounted(root / "mnt")
    assert not Path(f"/proc/{server}").exists()
    assert not loop or not Path(f"/sys/block/{device.name}/loop").exists()


def test_a_killed_server_is_cleaned_up_too(image, rescue):
    with FailingDisk(image, [Hang(offset=0, size=512)]) as disk:
        process = rescue.start(disk.device, "-d", "-n")
        disk.wait_state("hung")
        root = disk.root
        os.kill(disk.pid, signal.SIGKILL)
        assert process.wait(30) is not None, "the kernel ends the hung read when the server dies"
    assert not root.exists()


def test_a_descriptor_left_open_does_not_keep_the_mount(image):
    with FailingDisk(image) as disk:
        node, root = os.open(disk.path, os.O_RDONLY), disk.root
    with pytest.raises(OSError, match="not connected|aborted"):
        os.read(node, 512)
    with pytest.raises(OSError, match="not connected|aborted"):
        os.close(node)
    assert not is_mounted(root / "mnt")


def test_the_disk_ends_with_the_program_that_started_it(image, tmp_path):
    program = (
        "import os, sys; from tests.failing_disk import FailingDisk\n"
        "disk = FailingDisk(sys.argv[1], workdir=sys.argv[2]); disk.start(); print(disk.mount, flush=True); os._exit(1)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(image), str(tmp_path)], cwd=HERE, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 1
    wait_for(lambda: not is_mounted(done.stdout.strip()))


# -- programs ---------------------------------------------------------------------------------------------------------


def test_it_runs_as_a_plain_program(image, tmp_path):
    Profile(faults=(Error(offset=0, size=512),)).save(tmp_path / "profile.json")
    mount = tmp_path / "mount"
    command = [sys.executable, str(HERE / "tests" / "failing_disk"), str(mount), "--image", str(image)]
    command += ["--profile", str(tmp_path / "profile.json")]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        ready = json.loads(process.stdout.readline())
        assert ready["path"] == ready["device"] == str(mount / "disk")
        assert direct_read(ready["path"], 0, 512) == "EIO"
        power = [sys.executable, "-m", "tests.failing_disk.power", ready["control"]]
        cycled = subprocess.run([*power, "cycle"], cwd=HERE, capture_output=True, text=True)
        assert json.loads(cycled.stdout) == {
            "state": "alive",
            "node": "disk",
            "device": None,
            "cycles": 1,
        }
        reads = subprocess.run([*power, "reads"], cwd=HERE, capture_output=True, text=True)
        assert json.loads(reads.stdout) == [0, 0, "disk", 0, 512, "error", 0]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert not is_mounted(mount)
        assert subprocess.run([*power, "cycle"], cwd=HERE, capture_output=True).returncode == 1
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_wrong_profile_is_one_clear_line(image, tmp_path):
    (tmp_path / "profile.json").write_text('{"faults": [{"kind": "error", "offset": 1, "size": 512}]}')
    with pytest.raises(ValueError, match="whole sectors"):
        FailingDisk(image, tmp_path / "profile.json")
    command = [sys.executable, "-m", "tests.failing_disk", str(tmp_path / "m"), "--image", str(image)]
    done = subprocess.run(
        [*command, "--profile", str(tmp_path / "profile.json")], cwd=HERE, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "whole sectors" in done.stderr


def test_a_long_path_does_not_stop_the_control_socket(image, tmp_path):
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    with FailingDisk(image, workdir=deep) as disk:
        assert disk.state == "alive"
        control = disk.control_path
        with pytest.raises(ControlError, match="not a power action"):
            disk.control.call("power", action="explode")
    with pytest.raises(ControlError, match="no answer"):
        Control(control).call("status")


PROGRAM_OF_NOBODY = """
import os, subprocess, sys
from tests.failing_disk import FailingDisk, Hang
with FailingDisk(sys.argv[1], [Hang(offset=0, size=512)], workdir=sys.argv[2]) as disk:
    reader = subprocess.Popen(["dd", "iflag=direct", "of=/dev/null", "count=1", f"if={disk.path}"])
    disk.wait_state("hung")
    disk.power_cycle()
    print(os.geteuid(), reader.wait(20), disk.cycles)
"""

AS_NOBODY = """
mount -t tmpfs none "$0"; mknod -m 666 "$0/fuse" c 10 229; mount --bind "$0/fuse" /dev/fuse
exec setpriv --reuid=65534 --regid=65534 --clear-groups -- sh -c 'exec "$0" "$@"' "$@"
"""


@pytest.mark.root
def test_it_needs_no_root(image):
    """The same disk, started and read by an unprivileged user through the setuid fusermount3.

    From a copy which that user may read, and in a mount namespace whose /dev/fuse is open to all as it is on a desktop.
    """
    needs_root()
    needs_tool("unshare")
    needs_tool("setpriv")
    needs_tool("fusermount3")
    import mfusepy

    nobody = ["unshare", "--mount", "sh", "-e", "-c", AS_NOBODY]
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="failing-disk-nobody-") as name:
        folder = Path(name)
        shutil.copytree(HERE / "tests" / "failing_disk", folder / "tests" / "failing_disk")
        shutil.copy(HERE / "tests" / "__init__.py", folder / "tests")
        shutil.copy(mfusepy.__file__, folder)
        shutil.copy(image, folder / "image")
        (folder / "work").mkdir()
        (folder / "dev").mkdir()
        for path in (folder, *folder.rglob("*")):
            os.chown(path, 65534, 65534)

        def run(python, *arguments):
            environment = {"PATH": os.environ["PATH"], "PYTHONPATH": name}
            command = [*nobody, str(folder / "dev"), python, *arguments]
            return subprocess.run(command, cwd=name, env=environment, capture_output=True, text=True, timeout=120)

        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        usable = [p for p in (sys.executable, "/usr/bin/python3") if run(p, "-c", check).returncode == 0]
        if not usable:
            pytest.skip("an unprivileged user has no Python of 3.11 or later here")
        done = run(usable[0], "-c", PROGRAM_OF_NOBODY, str(folder / "image"), str(folder / "work"))
        assert done.stdout == "65534 1 1\n", done.stderr
        assert list((folder / "work").iterdir()) == []
