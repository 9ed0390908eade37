"""A campaign against a drive that drops off, in words: pure functions from its status to the texts of the screens."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.jobs import JobState
from engine.ranges import RangeSet
from engine.rescue.campaign.board import CampaignStatus, Decision, NextPass, Phase
from engine.text import format_duration, format_size, safe_text
from tui import rescue_words
from tui.rescue_feed import News
from tui.rescue_words import Told
from tui.widgets.map_paint import KILLER_GLYPH, LEFT_OUT_GLYPH
from tui.words import plural

_STATES = {
    Phase.CHECKING: Told("CHECKING"), Phase.CHOOSING: Told("CHOOSING"), Phase.READING: Told("READING", "-good"),
    Phase.ENDING: Told("ENDING", "-warning"), Phase.CUTTING: Told("POWER CUT", "-warning"),
    Phase.OFF: Told("POWER OFF", "-warning"), Phase.RESTORING: Told("POWER ON", "-warning"),
    Phase.NEEDS_POWER: Told("NEEDS YOU", "-danger"), Phase.WAITING: Told("WAITING", "-warning"),
    Phase.SETTLING: Told("SETTLING", "-warning"), Phase.PROVING: Told("PROVING", "-warning"),
    Phase.PAUSED: Told("PAUSED", "-warning"), Phase.BY_HAND: Told("BY HAND", "-warning"), Phase.ENDED: Told("ENDED"),
}  # fmt: skip
_KINDS = {
    "first": "reads for the first time", "read": "reads on", "jump": "tries untried ground",
    "slow": "reads what was put off as slow", "edge": "feels for the edge of a killer", "trim": "trims bad sectors",
    "by-hand": "reads what you asked for",
}  # fmt: skip


def campaign_of(news: News) -> CampaignStatus | None:
    """The campaign that is on show, if it is one."""
    return news.status.campaign if news.status is not None else None


def phase_word(campaign: CampaignStatus) -> Told:
    """The phase in at most nine letters."""
    return _STATES[campaign.phase]


def state_word(news: News, campaign: CampaignStatus) -> Told:
    """The phase while it lives; how it ended afterwards."""
    job = news.job
    if job is None or not job.live or job.state is JobState.STOPPING:
        return rescue_words.state_word(news)
    return phase_word(campaign)


def headline(news: News, campaign: CampaignStatus, now: float) -> str:
    """One sentence on what happens now; for an ended campaign on what it came to."""
    if not news.live:
        return rescue_words.headline(news)
    status = news.status
    if campaign.phase is Phase.READING and status is not None and status.headline:
        return safe_text(status.headline, 300)
    return waiting(campaign, now)


def what(news: News, campaign: CampaignStatus) -> str:
    """The quiet line: the drive, where it is, what the last pass came to."""
    last = f"last: {campaign.verdict_words}" if campaign.verdict_words else ""
    drive = " at ".join(part for part in (campaign.drive, campaign.node) if part)
    return safe_text("; ".join(part for part in (drive, last) if part), 400) or rescue_words.what(news)


def waiting(campaign: CampaignStatus, now: float) -> str:
    """What the phase waits for, for how long now, and for how long at most."""
    words = safe_text(campaign.waits_for, 300) or str(campaign.phase)
    if campaign.phase in (Phase.READING, Phase.CHOOSING, Phase.ENDED) or not campaign.since:
        return words
    been = format_duration(max(0.0, now - campaign.since))
    return f"{words} ({been} of {format_duration(campaign.until_s)})" if campaign.until_s else f"{words} ({been})"


def cycles(campaign: CampaignStatus) -> Told:
    """``3 of 20``."""
    if campaign.max_cycles is None:
        return Told(f"{campaign.cycles}, no limit")
    left = campaign.max_cycles - campaign.cycles
    return Told(f"{campaign.cycles} of {campaign.max_cycles}", "-warning" if left <= 1 else "")


def budget(campaign: CampaignStatus, now: float) -> str:
    """The other limits: when it has to be over, and what a cycle must bring."""
    parts = []
    if campaign.end_time is not None:
        parts.append(f"until {clock(campaign.end_time, now)}")
    if campaign.min_bytes_per_cycle:
        parts.append(f"{format_size(campaign.min_bytes_per_cycle)} a cycle")
    return ", ".join(parts) or "no limit"


def clock(time: float, now: float) -> str:
    """``07:30``, with the day when that is not the next or the last one."""
    then = datetime.fromtimestamp(time).astimezone()
    return then.strftime("%H:%M" if abs(time - now) < 86400 else "%Y-%m-%d %H:%M")


def killers(campaign: CampaignStatus) -> Told:
    """How many places cost the drive, how large they are taken to be, and what is left alone."""
    count, size = len(campaign.killers), sum(end - start for start, end in campaign.killers)
    text = f"{count} ({KILLER_GLYPH}), {format_size(size)}" if count else "none met"
    if campaign.skipped:
        text += f"; {format_size(sum(end - start for start, end in campaign.skipped))} left ({LEFT_OUT_GLYPH})"
    return Told(text, "-warning" if count else "")


def cycle_text(campaign: CampaignStatus, most: int = 3) -> str:
    """Bytes rescued since the last cycle and in those before, the newest first."""
    sizes = campaign.cycle_bytes
    if not sizes:
        return "nothing yet"
    if len(sizes) == 1:
        return f"{format_size(sizes[0])} before the first"
    before = [format_size(size) for size in reversed(sizes[-most - 1 : -1])]
    return f"{format_size(sizes[-1])} now; before {', '.join(before)}"


def next_text(campaign: CampaignStatus) -> str:
    """What is read, or would be read next, and why: one sentence."""
    step = campaign.next
    over = "end" if campaign.phase is Phase.ENDED else "next"
    lead = "now" if campaign.phase in (Phase.READING, Phase.ENDING) else over
    if step is None:
        return safe_text(f"{lead}: {campaign.reason}", 600) if campaign.reason else ""
    reason = step.reason or campaign.reason
    if not reason:
        return f"{lead}: {step_text(step)}"
    risk = f" (risk {round(step.risk * 100)} %)" if step.risk and "risk" not in reason else ""
    return safe_text(f"{lead}: {reason}{risk}", 600)


def step_text(step: NextPass) -> str:
    """``tries untried ground, 12.0 GiB from 0x... backwards (risk 12 %)``."""
    way = " backwards" if step.reverse else ""
    at = step.start + step.size if step.reverse else step.start
    risk = f", risk {round(step.risk * 100)} %" if step.risk else ""
    return f"{_KINDS.get(step.kind, safe_text(step.kind, 30))}, {format_size(step.size)} from 0x{at:08X}{way}{risk}"


def marks(campaign: CampaignStatus) -> tuple[RangeSet, RangeSet]:
    """Where the drive was lost, and what is left alone."""
    return RangeSet(campaign.killers), RangeSet(campaign.skipped)


def cell_marks(campaign: CampaignStatus, start: int, end: int) -> str:
    """What the row below the map says of the marks in a cell."""
    said = []
    lost = [(one, other) for one, other in campaign.killers if one < end and start < other]
    if lost:
        said.append(f"{KILLER_GLYPH} drive lost at 0x{lost[0][0]:08X}{'' if len(lost) == 1 else f' +{len(lost) - 1}'}")
    if any(one < end and start < other for one, other in campaign.skipped):
        said.append(f"{LEFT_OUT_GLYPH} left alone")
    return "  ".join(said)


def area_text(start: int, end: int) -> str:
    """``4.0 MiB from 0x00A00000``."""
    return f"{format_size(end - start)} from 0x{start:08X}"


def decision_lines(decisions: Sequence[Decision], last: int | None = None) -> list[str]:
    """Sentences with their time, the oldest first."""
    shown = decisions if last is None else decisions[-last:] if last else ()
    return [f"{datetime.fromtimestamp(one.time).astimezone():%H:%M:%S} {safe_text(one.text, 400)}" for one in shown]


def newest_lines(campaign: CampaignStatus) -> list[str]:
    """Sentences for the rows below the one on the pass under way, which is not told twice."""
    told = {campaign.reason, campaign.next.reason if campaign.next is not None else ""}
    return decision_lines([one for one in campaign.decisions if one.text not in told])


def ended(campaign: CampaignStatus) -> str:
    """Power cycles and what they brought, for the end."""
    lost = plural(len(campaign.killers), "killer", "killers")
    return f"{plural(campaign.cycles, 'power cycle', 'power cycles')}, {lost}"


def cycle_bars(campaign: CampaignStatus) -> tuple[float, ...]:
    """Heights for a row of bars: each cycle's bytes, so compressed that small gains are seen beside the first."""
    return tuple(float(size) ** 0.25 if size > 0 else 0.0 for size in campaign.cycle_bytes)
