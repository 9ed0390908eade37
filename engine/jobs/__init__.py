"""Jobs: long work in a process of its own that outlives the terminal, as a directory that any process can look at.

    spec.json         kind, arguments, title, who asked; written once
    lock              flock held while a process works on the job
    state.json        how far it is, replaced atomically at most twice a second
    journal.jsonl     what happened, append-only (with journal.1.jsonl at most 8 MiB)
    checkpoint.json   what a resumed run must know
    stderr.log        what the runner printed (with stderr.1.log about 1.25 MiB)
    reserve.1, .2     64 KiB each, given up when the disk is full
    work/             scratch files of the work
"""

from engine.jobs.eta import remaining_text
from engine.jobs.journal import JournalTail
from engine.jobs.kinds import KINDS, RUNNER, Kind, Runner
from engine.jobs.lock import Holder
from engine.jobs.logout import LogoutRisk, logout_risk
from engine.jobs.model import Event, Job, JobError, JobState, Progress
from engine.jobs.snapshot import load
from engine.jobs.store import Listing, StopRequest, create, list_jobs, remove, resume, start, stop
from engine.jobs.watching import Change, Poll, poll, watch

__all__ = [
    "KINDS",
    "RUNNER",
    "Change",
    "Event",
    "Holder",
    "Job",
    "JobError",
    "JobState",
    "JournalTail",
    "Kind",
    "Listing",
    "LogoutRisk",
    "Poll",
    "Progress",
    "Runner",
    "StopRequest",
    "create",
    "list_jobs",
    "load",
    "logout_risk",
    "poll",
    "remaining_text",
    "remove",
    "resume",
    "start",
    "stop",
    "watch",
]
