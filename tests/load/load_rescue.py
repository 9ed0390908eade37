"""A rescue of 24 hours against a drive that drops off, watched live; the day passes in minutes.

What the rescue's process does once a second is done here by its own parts (status, rates, journal, checkpoint, kept
maps, memory of the campaign), with a clock that runs ahead; only the drive is made up. The screen follows as ever.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

from engine.cases import keep_map
from engine.jobs.directory import JOURNAL, JOURNAL_OLD, STATE, JobDirectory
from engine.jobs.journal import SEGMENT_BYTES
from engine.jobs.ledger import Ledger
from engine.mapfile import Mapfile, write_map
from engine.rescue.campaign.board import Phase
from engine.rescue.campaign.drive import KnownDrive
from engine.rescue.campaign.memory import Memory
from engine.rescue.campaign.settings import CampaignSettings
from engine.rescue.campaign.show import Show
from engine.rescue.monitor import Monitor
from engine.rescue.status import FILE_NAME, Snapshot, State
from engine.rescue.strategy.records import How, Run
from tests.load.report import Report
from tests.load.typist import disk_use, open_files, typing
from tests.tui.fake_campaign import FakeCampaign
from tui.screens.rescue import RescueScreen

_DAY = 24 * 3600
_PASS_S = 40
_GB = 1 << 30


async def run(report: Report) -> None:
    """The day, hour by hour."""
    seconds = report.size(_DAY, 2400)
    day = _Day(report.folder)
    async with typing(day.fake.directory) as typist:
        await typist.until(lambda: isinstance(typist.screen, RescueScreen) and _shows(typist.screen))
        screen = typist.screen
        assert isinstance(screen, RescueScreen)
        files = open_files()
        for second in range(seconds):
            day.second(second)
            if second % 60 == 59:  # a person presses something every minute
                await typist.press(day.dice.choice("hjklhjkl+-nN0"), kind="map keys")
            if second % 120 == 119:  # it looks once a second, which is some minutes of this day
                screen.look_now()
                await typist.painted()
            if second % min(3600, seconds // 8) == 0:
                typist.weigh()
        seen = screen.looks
        await typist.until(lambda: screen.looks > seen + 2)
        report.value("simulated hours", seconds / 3600, "h")
        report.value("power cycles", day.memory.cycles, "")
        report.value("blocks of the map", len(day.map), "")
        report.value("looks of the screen", screen.looks, "")
        report.keys(typist.times)
        shown = screen.news.status
        assert shown is not None and shown.campaign is not None
        report.must("the screen shows the newest state", shown.campaign.cycles == day.memory.cycles, day.memory.cycles)
        report.must("on its face too", f"{day.memory.cycles}, no limit" in typist.text())
        later = typist.memory[len(typist.memory) // 6 :]
        report.value("memory", later[-1] / 1e6, "MB")
        # The map itself grows with the damage; beyond that nothing may.
        allowed = (12 << 20) + 8 * day.map.bounds.nbytes
        report.must("memory is flat", later[-1] - later[0] < allowed, f"{(later[-1] - later[0]) / 1e6:+.1f} MB")
        await typist.until(lambda: open_files() <= files + 3)  # none is left open when a look has ended
        day.tell(report)


def _shows(screen: RescueScreen) -> bool:
    """Whether the first look has brought the campaign."""
    return screen.news.status is not None and screen.news.status.campaign is not None


class _Day:
    """One campaign; ``second`` does what its process does in a second."""

    def __init__(self, folder: Path) -> None:
        self.dice = random.Random(5)
        self.fake = FakeCampaign(folder, size=2000 * _GB, bad=0)
        self.fake.hold()
        self.map = Mapfile.new(0, self.fake.size)
        self.memory = Memory(known=KnownDrive("/dev/sdx", self.fake.size))
        self.directory = JobDirectory(self.fake.directory)
        self.ledger = Ledger(self.directory)
        self.monitor = Monitor(self.fake.directory, replace(self.fake.status, history=type(self.fake.status.history)()),
                               None)  # fmt: skip
        self.show = Show(self.monitor, self.memory, CampaignSettings())
        self.at = self.began = 0
        self.save()
        self.show.phase(Phase.READING, "reading")

    def second(self, second: int) -> None:
        """Read on; every so often the drive is lost."""
        rate = self.dice.randrange(5 << 20, 40 << 20)
        self.at = min(self.fake.size - (1 << 20), self.at + rate // 512 * 512)
        self.monitor.take_snapshot(
            Snapshot(
                time=second, pid=1, phase="copying", pass_number=1, direction="forwards", position=self.at, exact=True,
                process_state="D", doing="reading", current_rate=rate, average_rate=rate, run_time_s=second % _PASS_S,
                message="Copying non-tried blocks... Pass 1 (forwards)", last_good_read_s=0.0, map_age_s=1.0,
            ),
            float(second),
        )  # fmt: skip
        if second % 5 == 0:
            self.monitor.write(State.RUNNING, "reading")
        if second % _PASS_S == _PASS_S - 1:
            self._pass_ends(second)

    def _pass_ends(self, second: int) -> None:
        lost = self.at + 65536
        self.map = self.map.set_range(self.began, self.at, "+").set_range(self.at, lost, "*")
        gained, self.began = self.at - self.began, lost + self.dice.randrange(1, 64) * (1 << 20)
        if self.began > self.fake.size - _GB:
            self.began = self.dice.randrange(0, self.fake.size // 512) * 512 // 2
        killed = self.dice.random() < 0.4
        how = How.KILLED if killed else How.STOPPED
        run_ = Run(max(0, self.at - gained), gained + 131072, False, self.at, how, gained,
                   (self.at, lost) if killed else None)  # fmt: skip
        self.at = self.began
        self.memory.runs.append(run_)
        self.memory.cycle_bytes[-1] += gained
        if killed:
            self.memory.cycles += 1
            self.memory.cycle_bytes.append(0)
            self.memory.decide(f"the drive fell off the bus at {lost}: a killer")
        self.event("drop-off" if killed else "pass-ended", position=lost, gained=gained, message="it fell off the bus")
        self.event("pass", number=len(self.memory.runs), recipe="copy", command=self.fake.command, start=self.began)
        self.save()
        self.show.phase(Phase.READING, "reading")
        self.monitor.take_map(self.map)

    def event(self, kind: str, **facts: object) -> None:
        self.ledger.record(kind, facts)
        self.monitor.event(kind, facts)

    def save(self) -> None:
        """Map, kept map, checkpoint and state, as between two passes."""
        keep_map(self.fake.case.map, self.fake.case.maps_dir, "before the pass", command=self.fake.command,
                 automatic=True)  # fmt: skip
        write_map(self.fake.case.map, self.map, durable=False)
        keep_map(self.fake.case.map, self.fake.case.maps_dir, "after the pass", automatic=True)
        self.ledger.checkpoint({"memory": self.memory.to_json()})
        self.fake.set_state("running")

    def tell(self, report: Report) -> None:
        """What lies on the disk."""
        sizes = {
            name: self.directory.size(name) for name in (JOURNAL, JOURNAL_OLD, STATE, FILE_NAME, "checkpoint.json")
        }
        for name, size in sizes.items():
            report.value(f"size of {name}", size / 1e3, "kB")
        kept = len(list(self.fake.case.maps_dir.glob("*.map")))
        report.value("kept maps", kept, "")
        report.value("size of kept maps", disk_use(self.fake.case.maps_dir) / 1e6, "MB")
        report.must("the journal is bounded", sizes[JOURNAL] + sizes[JOURNAL_OLD] < 2 * SEGMENT_BYTES + (1 << 20))
        report.must("the state is small", sizes[STATE] + sizes[FILE_NAME] < 256 << 10, sizes[STATE] + sizes[FILE_NAME])
        report.must("kept maps are bounded", kept < 64 + 1024 // 16 + 40, kept)
