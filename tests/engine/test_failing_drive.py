"""The failing drive by itself: profiles, faults, power, log. No FUSE."""

from __future__ import annotations

import errno
import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.failing_disk import (
    Drive,
    Drop,
    Error,
    FailsNTimes,
    Flaky,
    Hang,
    Identity,
    Power,
    Profile,
    ProfileError,
    Return,
    Slow,
    first_difference,
    make_image,
    periodic,
    scatter,
    truth,
)

SIZE = 1 << 20
KIB = 1024


@pytest.fixture
def image(tmp_path):
    return make_image(tmp_path / "image", SIZE)


def drive_of(image, *faults, **profile):
    return Drive(image, Profile(faults=faults, **profile))


def read(drive, offset, size=512, direct=True, handle=None):
    """The bytes, or the errno's name."""
    try:
        return drive.read(handle or drive.open(drive.visible_node() or "", direct), offset, size)
    except OSError as error:
        return errno.errorcode[error.errno or 0]


class Reader(threading.Thread):
    """A read in a thread of its own."""

    def __init__(self, drive, offset, size=512):
        super().__init__(daemon=True)
        self.arguments, self.result = (drive, offset, size), None
        self.start()

    def run(self):
        self.result = read(*self.arguments)

    def get(self):
        self.join(20)
        assert not self.is_alive()
        return self.result


def await_flight(drive, count):
    """Wait until `count` reads are under way."""
    for _ in range(2000):
        if len(drive.status()["in_flight"]) == count:
            return
        threading.Event().wait(0.005)
    pytest.fail(f"never {count} reads in flight: {drive.status()}")


def outcomes(drive):
    return [r.outcome for r in drive.reads()]


# -- profiles -------------------------------------------------------------------------------------------------------


def test_a_profile_survives_its_file(tmp_path):
    profile = Profile(
        faults=(
            Error(offset=0, size=512, errno="ETIMEDOUT"),
            Slow(offset=512, size=512, bytes_per_second=1000.0),
            FailsNTimes(offset=1024, size=512, times=3),
            Hang(offset=1536, size=512, gives_up_after=2.0),
            Drop(offset=2048, size=512, mode="gone", times=1),
            Flaky(offset=2560, size=512, probability=0.25, outcome="drop", mode="removed"),
        ),
        identity=Identity(serial="S1", wwn=None, size=SIZE),
        power=Power(rename=True, dies_after_cycles=3, returns={2: Return(identity={"serial": "S2"}, name="other")}),
        seed=9,
        bytes_per_second=5e6,
    )
    profile.save(tmp_path / "profile.json")
    assert Profile.load(tmp_path / "profile.json") == profile


@pytest.mark.parametrize(
    ("text", "sector", "expected"),
    [(77, 512, 77), ("4096", 512, 4096), ("0x1000", 512, 4096), ("3s", 4096, 12288), ("2 MiB", 512, 2 << 20)],
)
def test_offsets_come_as_numbers_or_text(text, sector, expected):
    from tests.failing_disk.profiles import parse_bytes

    assert parse_bytes(text, sector) == expected


@pytest.mark.parametrize(
    ("doc", "word"),
    [
        ([], "object"),
        ({"fault": []}, "fault"),
        ({"faults": [{"kind": "melts", "offset": 0, "size": 512}]}, "kind"),
        ({"faults": [{"kind": "error", "offset": 100, "size": 512}]}, "sectors"),
        ({"faults": [{"kind": "error", "offset": 0}]}, "size"),
        ({"faults": [{"kind": "error", "offset": "many", "size": 512}]}, "many"),
        ({"faults": [{"kind": "error", "offset": 0, "size": 512, "errno": "EWHAT"}]}, "EWHAT"),
        ({"faults": [{"kind": "drop", "offset": 0, "size": 512, "mode": "loud"}]}, "mode"),
        ({"faults": [{"kind": "fails_n_times", "offset": 0, "size": 512}]}, "times"),
        ({"faults": [{"kind": "slow", "offset": 0, "size": 512, "seconds": "long"}]}, "Slow"),
        ({"sector_size": 520}, "sector_size"),
        ({"name": "../x"}, "name"),
        ({"power": {"returns": {"0": {}}}}, "cycle"),
        ({"identity": {"size": 1000}}, "sectors"),
    ],
)
def test_a_wrong_profile_is_refused_with_the_reason(doc, word):
    with pytest.raises(ProfileError, match=word):
        Profile.from_json(json.loads(json.dumps(doc)))


# -- faults ---------------------------------------------------------------------------------------------------------


def test_good_sectors_give_the_image_and_the_end_is_short(image):
    drive = drive_of(image)
    assert read(drive, 0, SIZE) == image.read_bytes()
    assert read(drive, SIZE - 512, 4096) == image.read_bytes()[-512:]
    assert read(drive, SIZE, 512) == b""


def test_error_fails_every_read_that_touches_it(image):
    drive = drive_of(image, Error(offset=4096, size=512), Error(offset=8192, size=512, errno="EREMOTEIO"))
    assert [read(drive, 4096), read(drive, 0, 4608), read(drive, 8192)] == ["EIO", "EIO", "EREMOTEIO"]
    assert isinstance(read(drive, 0, 4096), bytes)
    assert isinstance(read(drive, 4608, 512), bytes)
    assert [r.fault for r in drive.reads()] == [0, 0, 1, None, None]


def test_each_sector_fails_its_own_n_times_and_the_first_bad_one_ends_the_read(image):
    drive = drive_of(image, FailsNTimes(offset=1024, size=1024, times=2))
    results = [read(drive, 0, 4096) for _ in range(5)]
    assert results[:4] == ["EIO"] * 4, "two touches of each of two sectors"
    assert results[4] == image.read_bytes()[:4096]
    drive = drive_of(image, FailsNTimes(offset=1024, size=1024, times=2))
    assert [read(drive, 1536) == "EIO" for _ in range(3)] == [True, True, False]
    assert read(drive, 1024) == "EIO", "its neighbour was not touched by that"


def test_a_read_stops_at_the_first_fault_and_does_not_touch_the_next(image):
    drive = drive_of(image, Drop(offset=8192, size=512), Error(offset=4096, size=512))
    assert read(drive, 0, 65536) == "EIO"
    assert drive.status()["state"] == "alive", "the error came first"
    assert read(drive, 4608, 65536) == "EIO"
    assert drive.status()["state"] == "offline"


@pytest.mark.parametrize(
    ("mode", "this_read", "old_descriptor", "new_open"),
    [
        ("offline", "EIO", "EIO", "ENXIO"),
        ("gone", "ENODEV", "ENODEV", "ENXIO"),
        ("removed", "EINVAL", "EINVAL", "ENOENT"),
    ],
)
def test_a_dropped_drive_answers_nothing_until_the_power_cycle(image, mode, this_read, old_descriptor, new_open):
    drive = drive_of(image, Drop(offset=4096, size=512, mode=mode))
    handle = drive.open("disk", direct=True)
    assert read(drive, 4096, handle=handle) == this_read
    assert [read(drive, 0, handle=handle), read(drive, 0)] == [old_descriptor, new_open]
    drive.power_cycle()
    assert read(drive, 0, handle=handle) == image.read_bytes()[:512]
    assert outcomes(drive) == ["drop", "dead", "ok"]
    assert drive.cycles == 1


def test_a_killer_may_heal_after_some_touches(image):
    drive = drive_of(image, Drop(offset=0, size=512, times=2), Hang(offset=512, size=512, times=1))
    for _ in range(2):
        assert read(drive, 0) == "EIO"
        drive.power_cycle()
    assert read(drive, 0) == image.read_bytes()[:512]
    hung = Reader(drive, 512)
    assert drive.wait_until(["hung"], 20)
    drive.power_cycle()
    assert hung.get() == "EIO"
    assert read(drive, 512) == image.read_bytes()[512:1024]


def test_a_hang_holds_all_reads_until_the_power_goes(image):
    drive = drive_of(image, Hang(offset=4096, size=512))
    hung = Reader(drive, 4096)
    assert drive.wait_until(["hung"], 20)
    behind = Reader(drive, 0)
    await_flight(drive, 2)
    assert hung.is_alive() and behind.is_alive()
    drive.power_off()
    assert [hung.get(), behind.get()] == ["EIO", "EIO"]
    assert outcomes(drive) == ["hang", "queued"]
    assert read(drive, 0) == "ENOENT", "no power, no node"
    drive.power_on()
    assert isinstance(read(drive, 0), bytes)


def test_a_hang_that_the_kernel_gives_up_leaves_the_drive_offline(image):
    drive = drive_of(image, Hang(offset=4096, size=512, gives_up_after=0.05))
    assert Reader(drive, 4096).get() == "EIO"
    assert drive.status()["state"] == "offline"


def test_flaky_reads_depend_on_the_seed_alone(image):
    def run(seed):
        drive = drive_of(image, Flaky(offset=0, size=SIZE, probability=0.3), seed=seed)
        return [read(drive, at, 4096) == "EIO" for _ in range(3) for at in range(0, SIZE, 4096)]

    first = run(1)
    assert first == run(1) != run(2)
    assert 0.2 < sum(first) / len(first) < 0.4


def test_flaky_can_hang_or_drop(image):
    drive = drive_of(image, Flaky(offset=0, size=512, probability=1.0, outcome="drop", mode="gone"))
    assert read(drive, 0) == "ENODEV"
    assert outcomes(drive) == ["drop"]
    drive = drive_of(image, Flaky(offset=0, size=512, probability=1.0, outcome="hang"))
    hung = Reader(drive, 0)
    assert drive.wait_until(["hung"], 20)
    drive.power_off()
    assert hung.get() == "EIO"


def test_slow_ranges_and_the_speed_limit_add_up(image, monkeypatch):
    slow = Slow(offset=4096, size=4096, seconds=2.0, bytes_per_second=1024.0)
    drive = drive_of(image, slow, bytes_per_second=65536.0)
    waited = []
    monkeypatch.setattr(drive, "_work_for", lambda seconds, epoch: waited.append(seconds) or True)
    assert read(drive, 0, 4096) + read(drive, 2048, 4096) == image.read_bytes()[:4096] + image.read_bytes()[2048:6144]
    assert waited == [4096 / 65536, 4096 / 65536 + 2.0 + 2048 / 1024]


def test_the_power_cut_ends_a_slow_read(image):
    drive = drive_of(image, Slow(offset=0, size=512, seconds=3600.0))
    slow = Reader(drive, 0)
    await_flight(drive, 1)
    drive.power_cycle()
    assert slow.get() == "EIO"
    assert outcomes(drive) == ["cut"]


def test_direct_reads_must_be_on_whole_sectors(image):
    drive = drive_of(image, sector_size=4096)
    assert [read(drive, 512, 4096), read(drive, 4096, 512)] == ["EINVAL", "EINVAL"]
    assert read(drive, 512, 100, direct=False) == image.read_bytes()[512:612]
    assert outcomes(drive) == ["misaligned", "misaligned", "ok"]


# -- coming back ----------------------------------------------------------------------------------------------------


def test_back_under_another_name(image):
    drive = drive_of(image, power=Power(rename=True))
    old = drive.open("disk", direct=True)
    drive.power_cycle()
    assert drive.visible_node() == "disk-2"
    assert read(drive, 0, handle=old) == "ENODEV"
    with pytest.raises(OSError, match="disk"):
        drive.open("disk", direct=True)
    assert read(drive, 0) == image.read_bytes()[:512]
    drive.power_cycle()
    assert drive.visible_node() == "disk-3"


def test_old_descriptors_can_be_dead_under_the_same_name(image):
    drive = drive_of(image, power=Power(old_descriptors="dead"))
    old = drive.open("disk", direct=True)
    drive.power_cycle()
    assert read(drive, 0, handle=old) == "ENODEV"
    assert isinstance(read(drive, 0), bytes)


def test_another_drive_shows_its_own_identity_and_none_of_our_bytes(image):
    power = Power(
        returns={2: Return(identity={"serial": "OTHER", "size": 2 * SIZE}), 3: Return(identity={"serial": "A"})}
    )
    drive = drive_of(image, Error(offset=0, size=512), identity=Identity(serial="A"), power=power)
    drive.power_cycle()
    assert drive.status()["identity"]["serial"] == "A"
    drive.power_cycle()
    assert (drive.status()["identity"]["serial"], drive.size) == ("OTHER", 2 * SIZE)
    foreign = read(drive, 0, 4096)
    assert foreign.startswith(b"OTHER DRIVE") and foreign not in image.read_bytes()
    drive.power_cycle()
    assert read(drive, 0) == "EIO", "the patient is back, with its fault"
    assert read(drive, 512) == image.read_bytes()[512:1024]


def test_another_drive_may_have_an_image_of_its_own(image, tmp_path):
    other = make_image(tmp_path / "other", SIZE, seed=5)
    drive = drive_of(image, power=Power(returns={1: Return(identity={"serial": "B"}, image=str(other))}))
    drive.power_cycle()
    assert read(drive, 0, 4096) == other.read_bytes()[:4096] != image.read_bytes()[:4096]


def test_a_drive_can_die_for_good(image):
    drive = drive_of(image, power=Power(dies_after_cycles=2))
    for _ in range(2):
        drive.power_cycle()
        assert isinstance(read(drive, 0), bytes)
    for _ in range(2):
        drive.power_cycle()
        assert (drive.status()["state"], read(drive, 0)) == ("dead", "ENOENT")
    assert not drive.wait_until(["alive"], 0.01)


def test_a_settling_drive_appears_in_time(image):
    drive = drive_of(image, power=Power(settle_seconds=0.05))
    drive.power_cycle()
    assert drive.status()["state"] in ("settling", "alive")
    assert drive.wait_until(["alive"], 20)
    assert isinstance(read(drive, 0), bytes)


# -- truth and layouts ----------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 63), st.integers(1, 8), st.integers(0, 7)), max_size=8))
def test_the_truth_says_what_patience_can_read(ranges):
    kinds = [
        lambda **r: Error(**r),
        lambda **r: Slow(**r),
        lambda **r: FailsNTimes(times=2, **r),
        lambda **r: Hang(**r),
        lambda **r: Hang(times=1, **r),
        lambda **r: Drop(**r),
        lambda **r: Drop(times=1, **r),
        lambda **r: Flaky(probability=1.0, **r),
    ]
    faults = tuple(kinds[kind](offset=at * 512, size=n * 512) for at, n, kind in ranges)
    size = 64 * 512
    bad = {s for at, n, kind in ranges if kind in (0, 3, 5, 7) for s in range(at, min(64, at + n))}
    found = truth(Profile(faults=faults), size)
    assert {s for a, b in found.unreadable for s in range(a // 512, b // 512)} == bad
    assert {s for a, b in found.readable for s in range(a // 512, b // 512)} == set(range(64)) - bad
    assert found.readable_bytes == (64 - len(bad)) * 512


def test_layouts_stay_apart_and_inside():
    faults = scatter(Drop(offset=0, size=4096), 12, SIZE, seed=3)
    assert faults == scatter(Drop(offset=0, size=4096), 12, SIZE, seed=3)
    assert all(b.offset > a.end for a, b in zip(faults, faults[1:], strict=False)) and faults[-1].end <= SIZE
    stripes = periodic(Hang(offset=64 * KIB, size=4096), 256 * KIB, SIZE)
    assert [f.offset // KIB for f in stripes] == [64, 320, 576, 832]


def test_images_differ_in_every_sector_and_differences_are_found(tmp_path, image):
    data = image.read_bytes()
    assert len({data[i : i + 512] for i in range(0, SIZE, 512)}) == SIZE // 512
    copy = tmp_path / "copy"
    changed = bytearray(data)
    changed[70_000] ^= 1
    copy.write_bytes(changed)
    assert first_difference(image, copy, [(0, SIZE)]) == 70_000
    assert first_difference(image, copy, [(0, 70_000), (70_001, SIZE)]) is None
    copy.write_bytes(data[:1000])
    assert first_difference(image, copy, [(0, SIZE)]) == 1000
