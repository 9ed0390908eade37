"""The proleptic Gregorian calendar for any year, and a point in time as it is written."""

from __future__ import annotations

from dataclasses import dataclass

DAY = 86400
NS = 1_000_000_000
_FIRST_YEAR, _LAST_YEAR = -9999, 99999
_MONTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class NotADate(ValueError):
    """The bytes are no date of that form; the text says why."""


def days_of(year: int, month: int, day: int) -> int:
    """Days from 1970-01-01 to a date. The fields must be right (``check_date``)."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of a count of days from 1970-01-01."""
    era, of_era = divmod(days + 719468, 146097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + (3 if shifted < 10 else -9)
    return year_of_era + era * 400 + (month <= 2), month, day


def is_leap(year: int) -> bool:
    """Whether a year has 366 days."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def check_date(year: int, month: int, day: int) -> None:
    """Raise ``NotADate`` unless there is such a day."""
    if not 1 <= month <= 12:
        raise NotADate(f"month {month}")
    most = 29 if month == 2 and is_leap(year) else _MONTHS[month - 1]
    if not 1 <= day <= most:
        raise NotADate(f"day {day} of month {month}")


def check_time(hour: int, minute: int, second: int) -> None:
    """Raise ``NotADate`` unless there is such a time of day."""
    for value, most, name in ((hour, 23, "hour"), (minute, 59, "minute"), (second, 59, "second")):
        if not 0 <= value <= most:
            raise NotADate(f"{name} {value}")


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time. ``seconds`` from 1970-01-01 00:00 in ``zone`` (``UTC``, ``local``, ``GPS``, or an offset such as
    ``+02:00``), ``ns`` below a second; ``digits`` how many decimals the form has."""

    seconds: int
    ns: int = 0
    zone: str = "UTC"
    digits: int = 0

    @property
    def text(self) -> str:
        """``2012-03-29 14:04:05.678``. Raises ``NotADate`` for years that nobody writes."""
        days, of_day = divmod(self.seconds, DAY)
        if abs(days) > 36_600_000:
            raise NotADate("a year beyond all calendars")
        year, month, day = date_of(days)
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise NotADate("a year beyond all calendars")
        words = f"{year:04d}-{month:02d}-{day:02d} {of_day // 3600:02d}:{of_day // 60 % 60:02d}:{of_day % 60:02d}"
        if self.digits:
            words += f".{self.ns:09d}"[: self.digits + 1]
        return words


def moment(
    year: int, month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0, ns: int = 0, *,
    zone: str = "local", digits: int = 0,
) -> Moment:  # fmt: skip
    """A moment from fields. Raises ``NotADate``."""
    check_date(year, month, day)
    check_time(hour, minute, second)
    return Moment(days_of(year, month, day) * DAY + hour * 3600 + minute * 60 + second, ns, zone, digits)


def counted(value: int, per_second: int, epoch: int, *, zone: str = "UTC") -> Moment:
    """``value`` units since ``epoch`` (seconds from 1970)."""
    seconds, rest = divmod(value, per_second)
    return Moment(seconds + epoch, rest * (NS // per_second), zone, len(str(per_second)) - 1)


def offset_zone(minutes: int) -> str:
    """``+02:00``. Raises ``NotADate`` for more than 18 hours."""
    if abs(minutes) > 18 * 60:
        raise NotADate(f"a zone of {minutes} minutes")
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
