"""A failing drive under the hex view: its good bytes, its bad pieces, and a read that never answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cases.subject import Subject
from engine.devices import Device
from engine.errors import OutsideError, RefusedError
from engine.hex.patient import PatientSource
from engine.hex.reading import PAGE, Bytes, Unread, open_bytes
from engine.source.base import ReadError
from tests.failing_disk import Error, FailingDisk, Hang, make_image
from tests.support import needs_fuse, needs_loop, needs_root
from tests.tui.shell import deck, run, text, until
from tui.screens.hex import HexScreen, open_hex

pytestmark = [pytest.mark.root, pytest.mark.fuse]

MIB = 1 << 20


@pytest.fixture
def image(tmp_path: Path) -> Path:
    needs_root()
    needs_fuse()
    needs_loop()
    return make_image(tmp_path / "disk.img", 4 * MIB)


@pytest.fixture
def failing(image: Path) -> Iterator[FailingDisk]:
    faults = [Error(offset=PAGE + 8192, size=512), Error(offset=2 * PAGE, size=3 * 4096), Hang(offset=MIB, size=512)]
    with FailingDisk(image, faults, loop=True) as disk:
        yield disk


def test_bad_pieces_cost_themselves_and_the_rest_is_not_tried(image: Path, failing: FailingDisk) -> None:
    data = image.read_bytes()
    opened = open_bytes(Subject(Path(failing.device)), patient=True)
    assert opened.size == 4 * MIB and opened.patient and opened.sector_size == 512
    assert opened.page(0).data == data[:PAGE] and not opened.page(0).unread
    one = opened.page(1)
    assert one.unread == (Unread(PAGE + 8192, PAGE + 12288, "-"),)
    assert one.data[:8192] == data[PAGE : PAGE + 8192] and one.data[12288:] == data[PAGE + 12288 : 2 * PAGE]
    two = opened.page(2)
    assert two.unread == (
        Unread(2 * PAGE, 2 * PAGE + 4096, "-"), Unread(2 * PAGE + 4096, 2 * PAGE + 8192, "-"),
        Unread(2 * PAGE + 8192, 3 * PAGE, "?"),
    )  # fmt: skip
    read = [one.offset for one in failing.reads() if one.offset >= 2 * PAGE and one.offset < MIB]
    assert max(read) < 2 * PAGE + 8192, "what lies behind two bad pieces was not touched"
    opened.close()


def test_a_drive_that_hangs_holds_up_nobody(failing: FailingDisk) -> None:
    source = PatientSource(failing.device, timeout_s=1.0)
    assert source.read(0, 512).data
    began = time.monotonic()
    with pytest.raises(ReadError, match="no answer"):
        source.read(MIB, 512)
    with pytest.raises(ReadError, match="no answer"):
        source.read(0, 512)
    opened = Bytes(source, piece=4096)
    assert opened.page(0).unread[0].letter == "-"
    source.close()
    assert time.monotonic() - began < 8, "it was waited for no longer than its limit"
    assert source.silent


def test_a_drive_is_looked_at_only_when_a_person_says_so(
    image: Path, failing: FailingDisk, devices: list[Device], folder: Path
) -> None:
    with pytest.raises(RefusedError, match="devices are not read"):
        open_bytes(Subject(Path(failing.device)))

    async def test() -> None:
        async with deck() as (app, pilot):
            open_hex(app, failing.device)
            await until(pilot, lambda: "Read it?" in text(app))
            await pilot.press("y")
            await until(pilot, lambda: "read from the drive itself" in text(app), most_s=20)
            await until(pilot, lambda: f"00000000  {image.read_bytes()[0]:02x}" in text(app), most_s=20)
            screen = app.screen
            assert isinstance(screen, HexScreen)
            for action in ("edit", "search", "strip", "bookmark"):
                assert screen.check_action(action, ()) is None
            screen.view.move_to(PAGE + 8192)
            await until(pilot, lambda: "-- -- --" in text(app), most_s=20)

    run(test)


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutsideError):
        PatientSource(tmp_path / "absent")
    (tmp_path / "file").write_bytes(b"x" * 4096)
    with pytest.raises(OutsideError, match="not a block device"):
        PatientSource(tmp_path / "file")
