"""``rescuedeck jobs``: the long work of this person or of one case: list, show, stop, resume, attach, remove."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from engine.text import format_duration, format_exact, format_rate, format_size, safe_text
from tui.commands.output import Output, common
from tui.words import percent

if TYPE_CHECKING:
    from engine.jobs import Event, Job, Progress

_WHERE = "a case, a job's folder or its name (default: all known jobs; for one: the only one that fits)"
_SHOWN_EVENTS = 10


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verbs."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="list|show|stop|resume|attach|remove")
    verbs = {
        "list": ("running and past jobs", "rescuedeck jobs list smith-ssd"),
        "show": ("everything about jobs, with their last events", "rescuedeck jobs show smith-ssd --json"),
        "stop": ("ask a job to save and end; again: at once", "rescuedeck jobs stop smith-ssd"),
        "resume": ("go on with a stopped, failed or lost job", "rescuedeck jobs resume smith-ssd"),
        "attach": ("follow a job; Ctrl-C leaves it running", "rescuedeck jobs attach smith-ssd"),
        "remove": ("remove the record of a job that does not run", "rescuedeck jobs remove 20260301-101500"),
    }
    for verb, (text, example) in verbs.items():
        leaf = common(leaves.add_parser(verb, help=text, description=text), example=example)
        leaf.add_argument("where", nargs=None if verb == "remove" else "?", metavar="CASE|JOB", help=_WHERE)
        if verb == "stop":
            leaf.add_argument("--force", action="store_true", help="kill its process: what it saved last stays")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    verbs = {"list": _list, "show": _show, "stop": _stop, "resume": _resume, "attach": _attach, "remove": _remove}
    return verbs[args.verb](args, out)


def _list(args: argparse.Namespace, out: Output) -> int:
    from engine.jobs import remaining_text
    from engine.jobs.locate import find_jobs

    found = find_jobs(args.where)
    out.document(
        {"jobs": [job.document() for job in found.jobs], "problems": [str(problem) for problem in found.problems]}
    )
    if found.jobs:
        rows = [
            (job.id, str(job.state), _progress(job.progress), remaining_text(job), job.title or job.message)
            for job in found.jobs
        ]
        out.table(("JOB", "STATE", "PROGRESS", "LEFT", "TITLE"), rows)
    elif not found.problems:
        out.line("no jobs are known here")
    for problem in found.problems:
        out.note(str(problem))
    return 0


def _show(args: argparse.Namespace, out: Output) -> int:
    from engine.jobs import JournalTail
    from engine.jobs.locate import find_jobs

    found = find_jobs(args.where)
    documents = []
    for job in found.jobs:
        events = JournalTail(job.directory).read()[-_SHOWN_EVENTS:]
        documents.append({**job.document(), "events": [event.document() for event in events]})
        out.lines([*_describe(job), *(_event_line(event) for event in events), ""])
    out.document({"jobs": documents, "problems": [str(problem) for problem in found.problems]})
    if not found.jobs and not found.problems:
        out.line("no jobs are known here")
    for problem in found.problems:
        out.note(str(problem))
    return 0


def _stop(args: argparse.Namespace, out: Output) -> int:
    from engine.jobs import load, stop
    from engine.jobs.locate import find_one

    job = find_one(args.where, lambda job: job.live, what="running")
    request = stop(job.directory, force=args.force)
    out.document({"jobs": [load(job.directory).document()], "signal": request.signal, "stuck": request.stuck})
    done = "is killed" if args.force else "was asked to stop: it finishes its block and saves"
    out.line(f"{job.id} {done}")
    if request.stuck:
        out.note("its process waits in the kernel: it ends only when the drive answers or is unplugged")
    return 0


def _resume(args: argparse.Namespace, out: Output) -> int:
    from engine.jobs import logout_risk, resume
    from engine.jobs.locate import find_one

    job = resume(find_one(args.where, lambda job: job.resumable, what="unfinished").directory)
    out.document({"jobs": [job.document()]})
    out.line(f"{job.id} goes on; follow it: rescuedeck jobs attach {job.id}")
    risk = logout_risk()
    if risk is not None:
        out.note(f"{risk.message}; {risk.advice}")
    return 0


def _attach(args: argparse.Namespace, out: Output) -> int:
    from engine.jobs import watch
    from engine.jobs.locate import find_one

    job = find_one(args.where, lambda job: job.live, what="running", otherwise_newest=True)
    progress = out.reporter(job.title or job.id)
    try:
        for change in watch(job.directory):
            job = change.job
            if change.events and not out.json:
                progress.close()
                out.lines(_event_line(event) for event in change.events)
            progress.update(job.progress.done, job.progress.total, job.progress.unit, job.warning or job.message)
    except KeyboardInterrupt:
        progress.close()
        out.note(f"left alone; the job goes on: rescuedeck jobs attach {job.id}")
        return 130
    progress.close()
    out.document({"jobs": [job.document()]})
    out.lines(_describe(job))
    return _exit_code(job)


def _exit_code(job: Job) -> int:
    from engine.jobs import JobState

    if job.state is JobState.FAILED and job.error is not None:
        return job.error.exit_code
    return {JobState.DONE: 0, JobState.STOPPED: 130}.get(job.state, 3)


def _remove(args: argparse.Namespace, out: Output) -> int:
    from engine.jobs import remove
    from engine.jobs.locate import find_one

    job = find_one(args.where, lambda job: not job.live, what="ended")
    remove(job.directory)
    out.document({"removed": job.id})
    out.line(f"the record of {job.id} is removed")
    return 0


def _progress(progress: Progress) -> str:
    total = progress.total
    if progress.unit == "B":
        parts = [format_size(progress.done), *([f"of {format_size(total)}"] if total is not None else [])]
    else:
        parts = [str(progress.done), *([f"of {total}"] if total is not None else []), progress.unit]
    if total:
        parts.append(percent(progress.done, total))
    if progress.rate is not None:
        parts.append(format_rate(progress.rate) if progress.unit == "B" else f"{progress.rate:.0f} {progress.unit}/s")
    return " ".join(parts)


def _describe(job: Job) -> list[str]:
    from engine.jobs import remaining_text
    from engine.jobs.model import iso

    worked = f", worked {format_duration(job.elapsed_s)}, run {job.runs}"
    exact = f", exactly {format_exact(job.progress.done)}" if job.progress.unit == "B" else ""
    fields: list[tuple[str, Any]] = [
        ("job", f"{job.id} ({job.kind}) {job.title}"),
        ("state", f"{job.state}" + (", can be resumed" if job.resumable else "")),
        ("progress", _progress(job.progress) + exact),
        ("left", remaining_text(job)),
        ("message", job.message),
        ("warning", job.warning),
        ("begun", f"{iso(job.started)}{worked}" if job.started else ""),
        ("ended", iso(job.finished)),
        ("error", job.error and job.error.message),
        ("advice", job.error and job.error.advice),
        ("folder", job.directory),
    ]
    return [f"{name:<9} {safe_text(str(value))}" for name, value in fields if value]


def _event_line(event: Event) -> str:
    """Time, kind, and what it says; its bare facts only where it says nothing. All facts: ``--json``."""
    from engine.jobs.model import iso

    facts = event.facts
    said = [facts.get(name) for name in ("message", "reason", "text", "advice")]
    words = "; ".join(text for text in said if isinstance(text, str) and text)
    if not words:
        plain = (str, int, float)
        words = ", ".join(
            f"{key} {value}" for key, value in facts.items() if isinstance(value, plain) and not isinstance(value, bool)
        )
    return safe_text(f"{iso(event.time)}  {event.kind:<11}  {words}".rstrip(), 1000)
