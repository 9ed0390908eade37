"""Years in one case: hundreds of old jobs, a long history, as many kept maps; start, case and jobs screens over it."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from engine.cases import Case, create_case
from engine.jobs import create, poll, registry
from engine.jobs.directory import JOURNAL, STATE
from engine.mapfile import Mapfile, write_map
from tests.load.report import Report
from tests.load.typist import Typist, open_files, typing
from tui.screens.case import CaseScreen
from tui.screens.jobs import JobsScreen

_BEGAN = 1_700_000_000


async def run(report: Report) -> None:
    """The case first, then all jobs."""
    jobs, actions, maps = report.size(800, 60), report.size(50_000, 2_000), report.size(500, 50)
    case = old_case(report.folder / "case", jobs, actions, maps)
    begun = time.process_time()
    known = poll(registry.known(), {}).jobs
    report.value(f"processor for the first look at {jobs} jobs", 1000 * (time.process_time() - begun), "ms")
    begun = time.process_time()
    for _ in range(10):
        poll(registry.known(), known)
    report.value("processor for each later look, once a second", 100 * (time.process_time() - begun), "ms")
    report.must("all jobs are known", len(known) == jobs, len(known))
    async with typing(case.directory) as typist:
        begun = time.monotonic()
        await typist.until(lambda: isinstance(typist.screen, CaseScreen) and "The old one" in typist.text())
        report.value("to the case on the screen", time.monotonic() - begun, "s")
        await typist.until(lambda: len(typist.app.jobs) == jobs)
        files = open_files()
        for _ in range(report.size(20, 2)):
            await _round(typist)
            typist.weigh()
        report.keys(typist.times)
        await typist.until(lambda: open_files() <= files + 2)  # none is left open when a look has ended
        later = typist.memory[len(typist.memory) // 4 :]
        report.value("memory", later[-1] / 1e6, "MB")
        report.must("memory is flat", later[-1] - later[0] < 16 << 20, f"{(later[-1] - later[0]) / 1e6:+.1f} MB")


async def _round(typist: Typist) -> None:
    press = typist.press
    assert isinstance(typist.screen, CaseScreen)
    await press(*"jjjjj", kind="cursor in the case")
    await press("pagedown", "pagedown", "G", "g", kind="pages of the case")
    await press("J", kind="to the jobs")
    await typist.until(lambda: isinstance(typist.screen, JobsScreen))
    await press(*"jjjjjjjjjj", kind="cursor in the jobs")
    await press("pagedown", "pagedown", "G", "g", kind="pages of the jobs")
    await press("q", kind="back to the case")


def old_case(folder: Path, jobs: int, actions: int, maps: int) -> Case:
    """A case in which that much was done; its jobs have ended long ago."""
    case = create_case(folder, title="The old one", source_path="/dev/disk/by-id/ata-OLD", source_size=500 << 30)
    map_ = Mapfile.new(0, 500 << 30).set_range(0, 200 << 30, "+")
    write_map(case.map, map_, durable=False)
    for number in range(jobs):
        kind = ("rescue", "carve-scan", "file-index")[number % 3]
        made = create(kind, {"source": str(case.image)}, case.jobs_dir, f"pass {number}")
        state = {"version": 1, "state": ("done", "failed", "stopped")[number % 3], "done": number, "total": jobs,
                 "unit": "B", "runs": 1, "started": _BEGAN + number, "finished": _BEGAN + number + 5}  # fmt: skip
        (made.directory / STATE).write_text(json.dumps(state))
        events = (json.dumps({"seq": n + 1, "time": _BEGAN + n, "event": "pass", "number": n}) for n in range(200))
        (made.directory / JOURNAL).write_text("\n".join(events) + "\n")
    when = datetime.fromtimestamp(_BEGAN, UTC).isoformat()
    with case.history_path.open("a") as stream:
        for number in range(actions):
            facts = {"time": when, "action": "rescue-pass", "message": f"pass {number} ended", "gained": number}
            stream.write(json.dumps(facts) + "\n")
    case.maps_dir.mkdir(mode=0o700, exist_ok=True)
    data = case.map.read_bytes()
    for number in range(1, maps + 1):
        path = case.maps_dir / f"{number:04d}.map"
        path.write_bytes(data)
        path.with_suffix(".json").write_text(
            json.dumps({"time": when, "note": f"after pass {number}", "command": None})
        )
    os.sync()
    return case
