"""Points in time as disks and files store them: every form read, written as a date, judged for plausibility."""

from engine.times.civil import Moment, NotADate
from engine.times.formats import FORMATS, DateReading, Format, read, readings

__all__ = ["FORMATS", "DateReading", "Format", "Moment", "NotADate", "read", "readings"]
