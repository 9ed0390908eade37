"""A rescue in words and figures: pure functions from what the feed found to the texts of the screen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.jobs import Event, Job, JobState
from engine.rescue.status import Snapshot, State
from engine.text import format_duration, format_rate, format_size, safe_text
from themes.palettes import MARKS
from tui.rescue_feed import News
from tui.words import plural

STALE_S = 10.0
"""A live rescue that has said nothing for this long is told to be silent."""
HANG_S = 3.0
"""A read in flight for longer than this is counted on the screen."""
_WORRY_S, _ALARM_S = 10.0, 60.0
_NAMES = ("finished", "non_tried", "non_trimmed", "non_scraped", "bad_sector")


@dataclass(frozen=True, slots=True)
class Told:
    """A text and how it is to be taken: a class of ``tui.widgets.figures.STATES`` or empty."""

    text: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class StatusRow:
    """One line of the table of statuses."""

    bytes: str
    share: str
    areas: str


def share(part: int, whole: int) -> str:
    """``87.21 %``; cut, never rounded, so that 100 % means that nothing is missing."""
    if whole <= 0:
        return "-"
    if part >= whole:
        return "100 %"
    hundredths = part * 10000 // whole
    if part > 0 and hundredths == 0:
        return "< 0.01 %"
    return f"{hundredths // 100}.{hundredths % 100:02d} %"


def amounts(news: News) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Bytes and areas by status code: as the rescue counts them inside its domain, else as the map has them.

    The figures of a rescue that does not run are as old as its end: the map may have changed since (another rescue, an
    edit, a ddrescue that outlived a killed runner), and is counted itself, unless the rescue was about a part of it.
    """
    status = news.status
    if status is not None and status.bytes and (news.live or not _all_of_map(news, status.domain_bytes)):
        return tuple(status.bytes.get(name, 0) for name in _NAMES), tuple(status.areas.get(name, 0) for name in _NAMES)
    if news.map is not None:
        totals = news.map.totals()
        return totals.bytes, totals.areas
    return (0,) * 5, (0,) * 5


def _all_of_map(news: News, domain_bytes: int) -> bool:
    return news.map is not None and not news.map.open_ended and domain_bytes == news.map.end - news.map.start


def whole(news: News) -> int:
    """How many bytes this rescue is about; 0 when unknown."""
    if news.status is not None and news.status.domain_bytes:
        return news.status.domain_bytes
    if news.map is not None and not news.map.open_ended:
        return news.map.end - news.map.start
    return 0


def status_rows(news: News) -> tuple[StatusRow, ...]:
    """The table of statuses, in the order of ``MARKS``."""
    sizes, areas = amounts(news)
    total = whole(news)
    return tuple(
        StatusRow(format_size(size), share(size, total) if size else "", f"{count} area{'' if count == 1 else 's'}"
                  if count else "")
        for size, count in zip(sizes, areas, strict=True)
    )  # fmt: skip


def rescued(news: News) -> Told:
    """``87.21 %``: the figure everybody looks for first."""
    done, total = amounts(news)[0][0], whole(news)
    return Told(share(done, total), "-good" if total and done >= total else "")


def rescued_size(news: News) -> str:
    """``812.3 GiB of 931.5 GiB``; ``wanted`` where a domain leaves the rest of the drive out."""
    done, total, status = amounts(news)[0][0], whole(news), news.status
    wanted = " wanted" if status is not None and status.size and total and total < status.size else ""
    return f"{format_size(done)} of {format_size(total)}{wanted}" if total else format_size(done) if done else ""


def state_word(news: News) -> Told:
    """One word on how things stand."""
    job, status = news.job, news.status
    if job is None:
        return Told("MAP" if news.map is not None else "NEW", "-muted")
    if job.state is JobState.LOST:
        return Told("KILLED", "-danger")
    if not job.live:
        return _ended_word(job, news)
    if job.state is JobState.STOPPING or (status is not None and status.state is State.STOPPING):
        return Told("STOPPING", "-warning")
    if status is None or status.state is State.CHECKING or job.state is JobState.STARTING:
        return Told("CHECKING", "")
    if status.state is State.PAUSED:
        return Told("PAUSED", "-warning")
    return Told("RUNNING", "-good")


def _ended_word(job: Job, news: News) -> Told:
    if job.state is JobState.FAILED:
        return Told("FAILED", "-danger")
    if job.state is JobState.DONE:
        left = amounts(news)[0][0] < whole(news)
        # "Done" alone would be read as "everything is rescued".
        return Told("GAPS LEFT", "-warning") if left else Told("DONE", "-good")
    if job.state is JobState.QUEUED:
        return Told("NEW", "-muted")
    return Told("STOPPED", "-warning")


def headline(news: News) -> str:
    """One sentence on what happens now."""
    job, status = news.job, news.status
    if job is None:
        if news.map is None:
            return "nothing is known about this drive yet; press S to set up its rescue"
        return "a map alone; nobody works on it"
    if job.state is JobState.LOST:
        return "the rescue's process is gone; the map on disk is what it saved last. p goes on"
    if job.state is JobState.FAILED and job.error is not None:
        return safe_text(job.error.message)
    if status is None:
        return safe_text(job.message) or "waiting for the first report"
    return safe_text(status.headline) or safe_text(status.recipe_title)


def alert(news: News, now: float) -> Told:
    """One sentence on what the person should know or do; empty when all is well."""
    job, status = news.job, news.status
    if job is None:
        return Told(news.problem if news.map is None else "", "-muted")
    if job.orphan:
        return Told("its runner was killed, but ddrescue still works: s stops it", "-danger")
    if job.error is not None:
        return Told(safe_text(job.error.advice or "p tries again, S sets it up anew"), "-danger")
    if job.live and status is not None:
        silent = now - status.updated
        hang = hanging(status.snapshot, silent)
        if status.stopping_s is not None and status.stopping_s > HANG_S:
            waited = format_duration(status.stopping_s)
            return Told(f"asked to end {waited} ago; it ends when the read in flight returns. K kills it", "-warning")
        if status.alert:
            return Told(safe_text(status.alert), "-danger")
        if hang is not None and hang >= _WORRY_S:
            return Told(
                f"the read in flight hangs for {format_duration(hang)}: if it stays so, power-cycle the drive",
                "-danger",
            )
        if silent > STALE_S:
            return Told(f"no report from the rescue for {format_duration(silent)}", "-warning")
    elif status is not None and status.alert:
        return Told(safe_text(status.alert), "-warning")
    if job.warning:
        return Told(safe_text(job.warning), "-warning")
    return Told()


def hanging(snapshot: Snapshot | None, silent_s: float = 0.0) -> float | None:
    """For how many seconds the read in flight has not returned; None when it has not been long."""
    if snapshot is None or snapshot.doing not in ("reading", ""):
        return None
    still = snapshot.still_s + max(0.0, silent_s - 2.0)
    return still if snapshot.still_s >= HANG_S else None


def place(news: News, now: float) -> Told:
    """Where the drive is being read, and whether that read hangs."""
    status = news.status
    shot = status.snapshot if status is not None and news.live else None
    if status is None or shot is None or shot.position is None:
        at = status.map_position if status is not None else None  # ddrescue writes 0 where it gave up
        return Told(_offset(at) if at else "-", "-muted")
    hang = hanging(shot, now - status.updated)
    if hang is not None:
        # How long stands in the line above; here there is no room for it.
        return Told(f"{_offset(shot.position)} hung", "-danger" if hang >= _WORRY_S else "-warning")
    about = "" if shot.exact else "~"
    return Told(f"{about}{_offset(shot.position)} {'<' if shot.direction.startswith('back') else '>'}")


def _offset(position: int) -> str:
    return f"0x{position:08X}"


def last_good(news: News, now: float) -> Told:
    """Time since the last good read: goes on growing while a read hangs."""
    status = news.status
    shot = status.snapshot if status is not None else None
    if status is None or shot is None or not news.live or status.state is not State.RUNNING:
        return Told("-", "-muted")
    if shot.last_good_read_s is None:
        return Told("none yet", "-muted")
    silent = now - status.updated
    since = shot.last_good_read_s + (silent if silent > 2.0 else 0.0)
    state = "-danger" if since >= _ALARM_S else "-warning" if since >= _WORRY_S else ""
    return Told("just now" if since < 2 else f"{format_duration(since)} ago", state)


def rate_now(news: News) -> Told:
    """The rate of the last seconds."""
    status = news.status
    if status is None or not news.live or status.state is not State.RUNNING:
        return Told("-", "-muted")
    stands = status.current_rate is not None and status.current_rate <= 0
    return Told(format_rate(status.current_rate), "-warning" if stands else "")


def rate_average(news: News) -> str:
    """The rate since the rescue began."""
    return format_rate(news.status.average_rate) if news.status is not None else "-"


def remaining(news: News) -> str:
    """The time left, as honestly as it can be told; when nothing runs, what is not rescued."""
    status = news.status
    if status is None or not news.live:
        done, total = amounts(news)[0][0], whole(news)
        return "-" if not total else f"{format_size(total - done)} unread" if done < total else "nothing"
    return safe_text(status.remaining.text) or "unknown"


def run_time(news: News) -> str:
    """Working time over all runs."""
    return f"run {format_duration(news.job.elapsed_s)}" if news.job is not None else ""


def errors(news: News) -> Told:
    """Failed and slow reads of this pass."""
    shot = news.status.snapshot if news.status is not None else None
    if shot is None or shot.read_errors is None:
        return Told("-", "-muted")
    text = plural(shot.read_errors, "read", "reads")
    if shot.slow_reads:
        text += f", {shot.slow_reads} slow"
    return Told(text, "-warning" if shot.read_errors else "")


def subject(news: News, target: str) -> str:
    """What the title row says: the case or the source, then the image."""
    status = news.status
    if news.case is not None:
        return news.case.title
    if status is not None and status.source:
        return status.source
    return target


def what(news: News) -> str:
    """Source and why this pass was chosen: the quiet line where an alert may stand. The figures of a reason are those
    of its beginning: when nothing runs any more, the last pass is named without them."""
    status = news.status
    if status is None:
        return news.map_path.name if news.map_path is not None else ""
    pass_ = status.reason or status.recipe_title
    if not news.live:
        pass_ = f"last pass: {status.recipe_title}" if status.recipe_title else ""
    parts = (Path(status.source).name, pass_)
    return safe_text("  ".join(part for part in parts if part))


_EVENT_WORDS = {
    "job-started": "started", "job-ended": "ended", "job-stop": "asked to stop", "job-events-lost": "events lost",
    "job-warning": "warning", "drop-off": "the drive dropped off", "returned": "the drive came back",
}  # fmt: skip
_QUIET = frozenset({"progress", "state"})


def event_text(time_text: str, kind: str, facts: Mapping[str, Any]) -> str:
    """An event of the journal on one line: time, what happened in words, then its message or its facts."""
    kind = _EVENT_WORDS.get(kind, kind.replace("-", " "))
    message = facts.get("message") or facts.get("headline") or facts.get("reason") or facts.get("text")
    if not isinstance(message, str):
        message = ", ".join(_fact(name, value) for name, value in facts.items() if _short(value))
    said = message if message.startswith(kind) else f"{kind}{': ' if message else ''}{message}"
    return safe_text(f"{time_text} {said}", 400)


def _short(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool) and len(str(value)) < 80


def _fact(name: str, value: Any) -> str:
    """A number whose name says that it is seconds gets its unit."""
    told = f"{value:.1f}" if isinstance(value, float) else str(value)
    words = name.replace("_", " ")
    return f"{words.removesuffix(' s')} {told} s" if words.endswith(" s") else f"{words} {told}"


def event_lines(events: tuple[Event, ...], last: int) -> list[str]:
    """The last events as lines, the newest last."""
    from datetime import datetime

    shown = [event for event in events if event.kind not in _QUIET][-last:] if last > 0 else []
    return [
        event_text(datetime.fromtimestamp(event.time).astimezone().strftime("%H:%M:%S"), event.kind, event.facts)
        for event in shown
    ]


LEGEND = tuple((mark.letter, mark.label) for mark in MARKS)
