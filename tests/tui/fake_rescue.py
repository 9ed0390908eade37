"""A case with a rescue job as the real one leaves it on disk, made without a drive: for screens that only follow files.

The job directory is a real one (made by the jobs room); what the rescue's process would write (state, status file,
journal, map) is written here, in the same formats and through the same functions.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.cases import Case, create_case
from engine.jobs import create
from engine.jobs.directory import JOURNAL, LOCK, STATE
from engine.mapfile import Mapfile, write_map
from engine.rescue.status import RateHistory, Remaining, RescueStatus, Snapshot, State, write_status

GB = 1 << 30


class FakeRescue:
    """``hold`` makes it live (its lock is held), ``advance`` reads on, ``end`` lets it go."""

    def __init__(self, folder: Path, size: int = 512 * GB, bad: int = 40, seed: int = 1) -> None:
        self.size = size
        self._random = random.Random(seed)
        # The source is never opened: the path only has to look like one.
        self.case: Case = create_case(
            folder / "case", title="Smith, WD Blue", source_path="/dev/disk/by-id/ata-WDC_WD5000AAKX-00ERMA0_WD-WCC2E",
            source_size=size, sector_size=512,
        )  # fmt: skip
        arguments = {
            "source": self.case.source_path, "image": str(self.case.image), "map": str(self.case.map),
            "case": str(self.case.directory),
        }  # fmt: skip
        self.job = create("rescue", arguments, self.case.jobs_dir, "Smith, WD Blue")
        self.directory = self.job.directory
        self.map = Mapfile.new(0, size)
        self.bad_places = sorted(self._random.randrange(0, size // 512) * 512 for _ in range(bad))
        self.position = 0
        self.seq = 0
        self.started = time.time()
        self.rates: list[int] = []
        self._lock: int | None = None
        self.command = (
            "ddrescue --no-trim --no-scrape --idirect --mapfile-interval=1 "
            f"{self.case.source_path} {self.case.image} {self.case.map}"
        )
        self.status = RescueStatus(
            state=State.RUNNING,
            updated=time.time(),
            headline="copying what was not tried yet, pass 1 forwards",
            source=str(self.case.source_path),
            image=str(self.case.image),
            map=str(self.case.map),
            size=size,
            strategy="standard",
            recipe="copy",
            recipe_title="fast copy",
            reason="most data for the least harm first",
            command=self.command,
            pass_index=1,
            started=self.started,
            domain_bytes=size,
        )

    # -- life -----------------------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Take the job's lock as its process does."""
        self._lock = os.open(self.directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.set_state("running")

    def let_go(self) -> None:
        """The process is gone, as after kill -9."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def end(self, state: str, **more: Any) -> None:
        """The process has ended by itself."""
        self.set_state(state, finished=time.time(), **more)
        self.let_go()

    def set_state(self, state: str, **more: Any) -> None:
        value = {
            "version": 1, "state": state, "done": self.status.rescued, "total": self.size, "unit": "B",
            "rate": self.status.current_rate, "pid": os.getpid(), "runs": 1, "started": self.started,
            "updated": time.time(), "elapsed_s": 3900.0, **more,
        }  # fmt: skip
        tmp = self.directory / ".state.tmp"
        tmp.write_text(json.dumps(value))
        tmp.replace(self.directory / STATE)

    def event(self, kind: str, **facts: Any) -> None:
        self.seq += 1
        with (self.directory / JOURNAL).open("a") as stream:
            stream.write(json.dumps({"seq": self.seq, "time": time.time(), "event": kind, **facts}) + "\n")

    # -- progress -------------------------------------------------------------------------------------------------

    def save(self, **changes: Any) -> None:
        """Write map and status as they are now."""
        totals = self.map.totals().as_dict()
        write_map(self.case.map, self.map)
        self.status = replace(
            self.status, updated=time.time(), bytes=totals["bytes"], areas=totals["areas"],
            map_position=self.position, map_phase="?", history=RateHistory(1.0, tuple(self.rates)), **changes,
        )  # fmt: skip
        write_status(self.directory, self.status)

    def scrape_somewhere(self, rng: random.Random) -> None:
        """One second of scraping: a failed piece in the middle becomes sectors, some good and some bad."""
        failed = list(self.map.ranges("*/"))
        start, end = rng.choice(failed)
        middle = start + (end - start) // 1024 * 512
        self.map = self.map.set_range(start, middle, "+") if middle > start else self.map
        self.map = self.map.set_range(middle, min(end, middle + 512), "-")
        self.position = middle
        self.advance(0.0, rate=20 << 10, phase="scraping", message="Scraping failed blocks...")

    def write(self) -> None:
        """Write the status as it is, its time included."""
        write_status(self.directory, self.status)

    def advance(self, seconds: float = 1.0, rate: int = 90 << 20, **shot: Any) -> None:
        """Read on at a rate; a bad place in between fails in one cluster."""
        rate = int(rate * self._random.uniform(0.85, 1.1))
        start, end = self.position, min(self.size, self.position + int(seconds * rate) // 512 * 512)
        if end > start:
            self.map = self.map.set_range(start, end, "+")
            for place in self.bad_places:
                if start <= place < end:
                    self.map = self.map.set_range(place, min(end, place + 65536), "*")
            self.position = end
        self.rates.extend([rate] * max(1, int(seconds)))
        snapshot = Snapshot(
            time=time.time(), pid=os.getpid(), phase="copying", pass_number=1, direction="forwards",
            message="Copying non-tried blocks... Pass 1 (forwards)", position=self.position, exact=True,
            process_state="S", doing="reading", current_rate=rate, average_rate=rate, read_errors=3, slow_reads=0,
            run_time_s=time.time() - self.started, last_good_read_s=0.0, map_age_s=0.5,
        )  # fmt: skip
        remaining = (self.size - self.position) / rate
        self.save(
            snapshot=replace(snapshot, **shot), current_rate=float(rate), average_rate=float(88 << 20),
            remaining=Remaining(remaining, "about 1.5 h"),
        )  # fmt: skip
