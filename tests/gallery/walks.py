"""Ways through the deck on which every screen is met: machine, rescue, case, editor."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from engine.devices import Device, Partition, Use
from engine.devices.health_report import Health, Verdict
from engine.jobs import JobError, JobState, Progress
from engine.rescue.status import State
from tests.gallery.camera import Camera
from tests.gallery.material import Material
from tests.tui.fake_campaign import KILLERS, FakeCampaign
from tests.tui.fake_rescue import GB, FakeRescue
from tests.tui.shell import make_device, make_job
from tui.jobs_bridge import JobsChanged

Walking = Callable[[Camera, Material], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Walk:
    """A way that shows ``scenes``. ``needs``: tools it cannot do without. ``jobs``: starts child processes."""

    scenes: tuple[str, ...]
    walk: Walking
    needs: tuple[str, ...] = ()
    jobs: bool = False


WALKS: list[Walk] = []


def walk(*scenes: str, needs: tuple[str, ...] = (), jobs: bool = False) -> Callable[[Walking], Walking]:
    """Note a way and what it shows."""

    def note(function: Walking) -> Walking:
        WALKS.append(Walk(scenes, function, needs, jobs))
        return function

    return note


MACHINE = [
    make_device("sda", model="Samsung SSD 860 EVO 250GB", serial="S3YHNX0M1", size=250059350016, rotational=False,
                system=("/", "swap"), uses=(Use("mount", "/", "sda2"),)),
    make_device("sdb"),
    make_device(
        "sdc", model="Elements 25A2", vendor="WD", serial="575834314142", serial_source="usb", transport="usb",
        hotplug=True, size=2000365289472, wwn=None, by_id=("usb-WD_Elements_25A2_575834314142-0:0",),
        uses=(Use("mount", "/media/backup", "sdc1"),),
        partitions=(
            Partition("sdc1", "/dev/sdc1", 1, (8, 33), 1 << 20, 2000363192320, False, "ntfs", "BACKUP", (),
                      (Use("mount", "/media/backup", "sdc1"),)),
        ),
    ),
    make_device("nvme0n1", model="Samsung SSD 970 EVO Plus 1TB", serial="S4EWNX0R123456", transport="nvme"),
]  # fmt: skip
HEALTH = Health(
    Verdict.DYING, ("the drive itself expects to fail", "152 sectors wait to be replaced"), passed=False,
    reallocated=1888, pending=152, uncorrectable=152, power_on_hours=31021, temperature_c=47,
)  # fmt: skip
JOBS = (
    make_job(title="smith"),
    make_job(
        Path("/cases/jones/jobs/20260101-110000-rescue-000001"), title="jones", state=JobState.LOST, resumable=True,
        progress=Progress(done=999 << 20, total=1000 << 20),
    ),
    make_job(
        Path("/cases/miller/jobs/20260101-100000-rescue-000002"), title="miller-nvme-with-a-long-name",
        state=JobState.FAILED, error=JobError("no space left on the target", advice="make room, then resume"),
        resumable=True,
    ),
    make_job(
        Path("/cases/miller/jobs/20260101-090000-extract-000003"), kind="extract", title="1204 files",
        state=JobState.DONE, progress=Progress(done=1204, total=1204, unit="files"), message="1204 files are written",
    ),
)  # fmt: skip


@contextmanager
def machine(listed: list[Device]) -> Iterator[None]:
    """The deck sees these devices and no others."""
    with (
        patch("tui.screens.start.discover", lambda: list(listed)),
        patch("tui.screens.devices.discover", lambda: list(listed)),
        patch("tui.screens.devices.read_health", lambda path, insist: HEALTH),
    ):
        yield


@contextmanager
def standing_in(folder: Path) -> Iterator[None]:
    """The deck is started in this folder."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@walk("start", "help", "messages", "palette", "too-small", "devices", "jobs")
async def the_machine(camera: Camera, made: Material) -> None:
    """What is here to work on."""
    case, lost = made.case, made.lost
    for path in (made.disk, made.map, lost, made.new_case):
        (case.directory.parent / path.name).symlink_to(path)
    with standing_in(case.directory.parent), machine(MACHINE):
        async with camera.deck() as stage:
            app = stage.app
            await stage.when(lambda: app.start._folder and app.start._devices)
            app.bridge.end()
            app.post_message(JobsChanged(JOBS))
            await stage.until("43.2 %")
            await stage.take("start", "/srv/cases")
            await stage.take("too-small")
            await stage.press("question_mark")
            await stage.take("help")
            await stage.press("q", "i")  # without a device under the cursor: something is said
            await stage.press("E")
            await stage.take("messages")
            await stage.press("q", "ctrl+p")
            await stage.pilot.pause(0.3)
            await stage.take("palette")
            await stage.press("escape", "J")
            await stage.until("JOBS")
            await stage.take("jobs")
            await stage.press("q", "d")
            await stage.until("by-id")
            await stage.press("H")
            await stage.until("DYING")
            await stage.take("devices")


@walk("start-empty", "devices-empty", "jobs-empty")
async def an_empty_machine(camera: Camera, made: Material) -> None:
    """Nothing is here."""
    with standing_in(made.below("nothing")), machine([]):
        async with camera.deck() as stage:
            app = stage.app
            await stage.when(lambda: app.start._folder and app.start._devices is not None)
            app.bridge.end()
            app.post_message(JobsChanged(()))
            await stage.take("start-empty", "/home/rescuer")
            await stage.press("J")
            await stage.take("jobs-empty")
            await stage.press("q", "d")
            await stage.until("DEVICES")
            await stage.take("devices-empty")


@walk("setup", "setup-options", "setup-recipe", "setup-manner", "setup-drop-off", "confirm", needs=("ddrescue",))
async def setting_up(camera: Camera, made: Material) -> None:
    """Before a rescue."""
    from tui.screens.rescue_setup import RescueSetupScreen

    folder = made.below("setting-up")
    with standing_in(folder), machine(MACHINE):
        (folder / "patient.img").symlink_to(made.disk)
        async with camera.deck() as stage:
            screen = RescueSetupScreen(source=str(folder / "patient.img"))
            stage.app.push_screen(screen)
            await stage.when(lambda: screen.outlook is not None)
            await stage.take("setup", "/dev/sdb")
            for key, scene in (("o", "options"), ("c", "recipe"), ("w", "manner"), ("D", "drop-off")):
                await stage.press(key)
                await stage.when(lambda: stage.app.screen is not screen)
                await stage.pilot.pause(0.2)
                await stage.take(f"setup-{scene}")
                await stage.press("q")
                await stage.when(lambda: stage.app.screen is screen)
            screen._ask_word(MACHINE[2])
            await stage.pilot.pause(0.2)
            await stage.take("confirm")


@walk("rescue", "rescue-details", "rescue-finished")
async def the_rescue(camera: Camera, made: Material) -> None:
    """While it runs, and when it has ended."""
    from tui.screens.rescue import RescueScreen

    rescue = FakeRescue(made.below("rescue"))
    rescue.hold()
    rescue.event("job-started", run=1)
    rescue.event("pass", number=1, reason="nothing has been read yet: fast copy")
    rescue.advance(2000.0)
    async with camera.deck() as stage:
        screen = RescueScreen(rescue.directory)
        stage.app.push_screen(screen)
        await stage.when(lambda: screen.news.map is not None)
        await stage.take("rescue", "/srv/cases/smith")
        await stage.press("d")
        await stage.until("ddrescue")
        await stage.take("rescue-details")
        await stage.press("q")
        rescue.map = rescue.map.set_range(0, rescue.size, "+").set_range(100 * GB, 100 * GB + 65536, "-")
        rescue.position = rescue.size - 1
        rescue.save(state=State.DONE, headline="finished", snapshot=None)
        rescue.event("job-ended", state="done")
        rescue.end("done")
        await stage.pilot.pause(2.5)
        await stage.take("rescue-finished", "/srv/cases/smith")


@walk("campaign", "campaign-decisions", "campaign-power")
async def a_campaign(camera: Camera, made: Material) -> None:
    """Against a drive that drops off."""
    from tui.screens.rescue import RescueScreen

    campaign = FakeCampaign(made.below("campaign"))
    campaign.hold()
    campaign.event("job-started", run=1)
    campaign.map = campaign.map.set_range(0, KILLERS[0][0], "+").set_range(KILLERS[0][1], 180 * GB, "+")
    campaign.position = 360 * GB
    campaign.advance(0.0, direction="backwards")
    async with camera.deck() as stage:
        screen = RescueScreen(campaign.directory)
        stage.app.push_screen(screen)
        await stage.when(lambda: screen.news.map is not None)
        await stage.take("campaign", "/srv/cases/smith")
        await stage.press("D")
        await stage.pilot.pause(0.3)
        await stage.take("campaign-decisions", "/srv/cases/smith")
        await stage.press("q")
        campaign.ask_person()
        await stage.until("CUT THE POWER")
        await stage.take("campaign-power", "/srv/cases/smith")
    campaign.let_go()


@walk("case", "editor", "editor-areas", "editor-next-run", "editor-history", "editor-kept", "editor-change",
      "editor-recipes")  # fmt: skip
async def a_case(camera: Camera, made: Material) -> None:
    """A case and its map."""
    with machine(MACHINE):
        async with camera.deck(made.case.directory) as stage:
            await stage.until("INSIDE")
            await stage.take("case", "/srv/cases/smith")
            await stage.press("e")
            await stage.until("next run")
            await stage.press("G", "N")
            await stage.take("editor", "/srv/cases/smith")
            await stage.press("s", "minus")
            for key, scene in (("p", "areas"), ("R", "next-run"), ("H", "history"), ("K", "kept"), ("c", "recipes")):
                await stage.press(key)
                await stage.pilot.pause(0.5)
                await stage.take(f"editor-{scene}", "/srv/cases/smith")
                if scene == "kept":
                    await stage.press("enter")
                    await stage.pilot.pause(0.5)
                    await stage.take("editor-change", "/srv/cases/smith")
                    await stage.press("q")
                await stage.press("q")


@walk("case-new")
async def a_new_case(camera: Camera, made: Material) -> None:
    """Nothing has been read yet."""
    with machine(MACHINE):
        async with camera.deck(made.new_case) as stage:
            await stage.until("HISTORY")
            await stage.take("case-new", "/srv/cases/miller")


@walk("editor-problems")
async def a_damaged_map(camera: Camera, made: Material) -> None:
    """A map from which a line is missing."""
    async with camera.deck(made.damaged_map) as stage:
        await stage.until("PROBLEMS")
        await stage.take("editor-problems", "/srv/cases/disk.map")


@walk("editor-offer")
async def a_lost_session(camera: Camera, made: Material) -> None:
    """Edits that were not saved when the line was lost."""
    async with camera.deck(made.left_map) as stage:
        await stage.until("lost session")
        await stage.press("escape", "D", "s")
        await stage.until("set 46 MiB")
        await stage.take("editor-offer", "/srv/cases/disk.map")
