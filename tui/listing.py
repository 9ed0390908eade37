"""Devices, files and jobs as rows of a list: pure functions from the engine's values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.cases.folder import Find, Folder
from engine.devices import Device
from engine.jobs.eta import remaining_text
from engine.jobs.model import Job, JobState
from engine.text import format_rate
from tui.widgets.rows import Cell, Column, Row, Section
from tui.words import percent, size

DEVICE, FILE, JOB = "device:", "file:", "job:"

_DEVICE_COLUMNS = (
    Column("device", 18, least=10, path=True),
    Column("size", 11, right=True, least=9),
    Column("bus", 7, drop=2),
    Column("model", 40, flex=True, least=20),
    Column("serial", 20, drop=3),
    Column("", 60, flex=True, least=22),
)
_FILE_COLUMNS = (
    Column("name", 60, flex=True, least=20, path=True),
    Column("kind", 5),
    Column("size", 11, right=True, least=9),
    Column("rescued", 9, right=True),
    Column("", 60, flex=True, least=10),
)
_JOB_COLUMNS = (
    Column("job", 60, flex=True, least=20),
    Column("state", 9),
    Column("done", 8, right=True),
    Column("how it stands", 60, flex=True, least=24),
)


def device_row(device: Device) -> Row:
    """A disk: what it is, and the most important thing to know before choosing it."""
    style = "row--soft" if device.is_system else ""
    note = "row--danger" if device.is_system else "row--warning"
    return Row(
        DEVICE + device.path,
        (
            device.path,
            size(device.size or None),
            device.transport,
            device.title,
            device.serial or "",
            Cell(device.headline, note),
        ),
        style,
    )


def devices_section(devices: Sequence[Device] | None, *, title: str = "DEVICES") -> Section:
    """All disks, those of the running system last; ``None`` while they are looked for."""
    if devices is None:
        return Section(title, _DEVICE_COLUMNS, (), "looking for devices ...")
    rows = [device_row(device) for device in sorted(devices, key=lambda device: device.is_system)]
    return Section(
        title, _DEVICE_COLUMNS, tuple(rows), "no disks to be seen here (a container?); images work without them"
    )


def file_row(find: Find) -> Row:
    """A case, an image or a map."""
    share = percent(find.finished, find.domain) if find.finished is not None else ""
    if find.problem:
        note = Cell(find.problem, "row--danger")
    elif find.kind == "image" and find.map is not None:
        note = Cell(f"map {find.map.name}", "row--soft")
    elif find.kind == "image":
        note = Cell("no map", "row--soft")
    elif find.kind == "case" and find.map is None:
        note = Cell("not imaged yet", "row--warning")
    else:
        note = Cell("")
    name = find.path.name + "/" if find.kind == "case" else find.path.name
    return Row(FILE + str(find.path), (name, find.kind, size(find.size), share, note))


def files_section(folder: Folder | None) -> Section:
    """What lies in the present folder; ``None`` while it is looked at."""
    title = "FILES HERE"
    if folder is None:
        return Section(title, _FILE_COLUMNS, (), "looking around ...")
    rows = tuple(file_row(find) for find in folder.finds)
    if folder.more:
        title = "FILES HERE (not all)"
    empty = "no cases, images or maps in this folder: press o to open one by its path"
    return Section(title, _FILE_COLUMNS, rows, empty)


_STATE_STYLES = {
    JobState.RUNNING: "row--good",
    JobState.STARTING: "row--good",
    JobState.STOPPING: "row--warning",
    JobState.LOST: "row--danger",
    JobState.FAILED: "row--danger",
    JobState.STOPPED: "row--warning",
}


def job_row(job: Job) -> Row:
    """A job with how far it is, and how it stands: its rate and time left, or why it rests."""
    progress = job.progress
    share = percent(progress.done, progress.total)
    if job.live:
        rate = format_rate(progress.rate) if progress.unit == "B" and progress.rate is not None else ""
        left = remaining_text(job)
        left += " left" if left.startswith(("about", "more than")) else ""
        told = ", ".join(part for part in (left, rate) if part) or job.message
        note = Cell(job.warning or told, "row--warning" if job.warning else "")
    else:
        note = Cell(job_note(job), "row--danger" if job.error else "row--soft")
    state = Cell(str(job.state), _STATE_STYLES.get(job.state, ""))
    return Row(JOB + str(job.directory), (job_name(job), state, share, note))


def job_name(job: Job) -> str:
    """Kind and title; the name of its case where it has no title."""
    return f"{job.kind} {job.title or job.directory.parent.parent.name}"


def job_note(job: Job) -> str:
    """Why a job rests and what can be done about it."""
    if job.error is not None:
        return job.error.message
    if job.orphan:
        return "its runner died, its program still works"
    if job.state is JobState.LOST:
        return "it was killed; resume it" if job.resumable else "it was killed"
    if job.state is JobState.STOPPED and job.resumable:
        return "stopped; it can go on"
    return job.message


def jobs_order(jobs: Iterable[Job]) -> list[Job]:
    """Live jobs first, then those that can go on, then the rest; newest first."""

    def rank(job: Job) -> tuple[int, float]:
        return (0 if job.live else 1 if unfinished(job) else 2, -(job.started or job.created))

    return sorted(jobs, key=rank)


def at_hand(jobs: Iterable[Job]) -> list[Job]:
    """Those that run, and those that rest with something left to do; but not what a later one of the same case has
    gone on from."""
    known = list(jobs)
    newest: dict[tuple[object, str], tuple[float, str]] = {}
    for job in known:
        place = (job.directory.parent, job.kind)
        newest[place] = max(newest.get(place, (0.0, "")), (job.created, job.id))
    return [
        job for job in known
        if job.live or (unfinished(job) and newest[job.directory.parent, job.kind] == (job.created, job.id))
    ]  # fmt: skip


def unfinished(job: Job) -> bool:
    """It rests, but there is something left to do with it."""
    return job.state in (JobState.STOPPED, JobState.LOST, JobState.FAILED, JobState.QUEUED)


def jobs_section(jobs: Sequence[Job], *, empty: str) -> Section:
    """Jobs in their order."""
    return Section("JOBS", _JOB_COLUMNS, tuple(job_row(job) for job in jobs_order(jobs)), empty)


def job_problems_section(problems: Sequence[tuple[str, str]]) -> Section:
    """Job folders that cannot be read, with the reason."""
    columns = (Column("", 60, flex=True, least=20, path=True), Column("", 60, flex=True, least=20))
    rows = tuple(Row(f"problem:{path}", (path, Cell(reason, "row--danger"))) for path, reason in problems)
    return Section("CANNOT BE READ", columns, rows)
