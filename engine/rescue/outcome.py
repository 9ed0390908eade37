"""How a run of ddrescue ended: from its exit status, its messages, and whether the drive still answers.

Exit status 0 and "Finished" prove nothing: with every read failing at once ddrescue runs to the end of the disk, marks
it all as bad, and ends well.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import StrEnum

from engine.rescue.liveness import Alive, Liveness
from engine.text import safe_text


class Ending(StrEnum):
    """Why a run ended."""

    FINISHED = "finished"  # did what was asked; bad areas may remain
    STOPPED = "stopped"  # on our request, map saved
    LIMIT = "limit"  # one of its own limits
    SOURCE_GONE = "source-gone"  # the drive no longer answers
    SOURCE_LIES = "source-lies"  # it answers with other data than before
    SOURCE_SIZE = "source-size"  # smaller than what the map says was rescued
    NO_GOOD_READ = "no-good-read"  # the careful pass began on a bad place
    UNALIGNED = "unaligned"  # wrong sector size for direct reading
    CANNOT_OPEN = "cannot-open"  # source or image
    WRITE_ERROR = "write-error"
    NO_SPACE = "no-space"
    MAP_UNWRITABLE = "map-unwritable"
    MAP_MALFORMED = "map-malformed"
    KILLED = "killed"  # by a signal that was not ours, or by our SIGKILL
    BUG = "bug"
    FAILED = "failed"  # anything else, see the message


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. ``message`` is one sentence, safe for a screen; ``said`` ddrescue's own words."""

    ending: Ending
    message: str
    returncode: int
    said: str = ""

    @property
    def full(self) -> str:
        """The sentence, and ddrescue's own words where they say more."""
        if not self.said or self.said in self.message or self.said.startswith(("Finished", "Interrupted")):
            return self.message
        return f"{self.message} (ddrescue: {self.said})"

    @property
    def dropped(self) -> bool:
        """Whether nothing that failed after the last good read may be believed."""
        return self.ending in (Ending.SOURCE_GONE, Ending.SOURCE_LIES)


# In the order in which they decide; texts of 1.27, the same in 1.29 but for "(errno=N)" at the end.
_MESSAGES = (
    ("Input file no longer returns data", Ending.SOURCE_GONE),
    ("Input file returns inconsistent data", Ending.SOURCE_LIES),
    ("Read error found before the first good read", Ending.NO_GOOD_READ),
    ("Input file disappeared", Ending.SOURCE_GONE),
    ("Input file has become not seekable", Ending.SOURCE_GONE),
    ("Can't reopen input file", Ending.SOURCE_GONE),
    ("Fatal error reading the input file", Ending.SOURCE_GONE),
    ("goes past end of input file", Ending.SOURCE_SIZE),
    ("begins past end of input file", Ending.SOURCE_SIZE),
    ("Unaligned read error", Ending.UNALIGNED),
    ("EOF found below the size", Ending.SOURCE_SIZE),
    ("Error writing mapfile", Ending.MAP_UNWRITABLE),
    ("Can't create mapfile", Ending.MAP_UNWRITABLE),
    ("Mapfile is not writable", Ending.MAP_UNWRITABLE),
    ("Mapfile exists and is not a regular file", Ending.MAP_UNWRITABLE),
    ("Error in mapfile", Ending.MAP_MALFORMED),
    ("Mapfile does not exist", Ending.MAP_MALFORMED),
    ("Write error", Ending.WRITE_ERROR),
    ("Error extending output file", Ending.WRITE_ERROR),
    ("Error closing outfile", Ending.WRITE_ERROR),
    ("Can't preallocate output file", Ending.WRITE_ERROR),
    ("Can't open output file", Ending.CANNOT_OPEN),
    ("Output file exists and is not a regular file", Ending.CANNOT_OPEN),
    ("Can't open input file", Ending.CANNOT_OPEN),
    ("internal error", Ending.BUG),
)
_LIMITS = ("Too many", "Too high", "Timeout expired")
_NODE_LOST = ("No such file or directory", "No such device", "No medium")
_SENTENCES = {
    Ending.FINISHED: "this pass is done",
    Ending.STOPPED: "stopped on request, the map is saved",
    Ending.SOURCE_GONE: "the drive no longer answers",
    Ending.SOURCE_LIES: "the drive answers with other data than before",
    Ending.SOURCE_SIZE: "the drive is smaller than what the map says was rescued from it",
    Ending.NO_GOOD_READ: "the pass began on a bad place, before any good read",
    Ending.UNALIGNED: "the drive refuses reads of this size: is the sector size right?",
    Ending.WRITE_ERROR: "the image cannot be written",
    Ending.NO_SPACE: "there is no room left for the image",
    Ending.MAP_UNWRITABLE: "the map cannot be written",
    Ending.MAP_MALFORMED: "ddrescue does not accept the map",
    Ending.BUG: "ddrescue found an error in itself",
}
_SAVED_BY_SIGNAL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def classify(
    returncode: int,
    stderr: str,
    ending_line: str,
    *,
    stop_requested: bool,
    liveness: Liveness,
    dead_during_run: str = "",
) -> Outcome:
    """Judge a run that has ended.

    ``ending_line`` is the last line of its screen, ``liveness`` what a look at the drive afterwards said, and
    ``dead_during_run`` a sign seen while it ran (hang, offline), empty for none.
    """
    said = _own_words(stderr) or ending_line
    ending = _by_status(returncode, ending_line, stop_requested)
    if ending is not Ending.STOPPED:  # it dies by our signal only once the map is saved: older complaints are settled
        ending = _by_words(stderr) or ending
    if "No space left" in stderr and ending in (Ending.WRITE_ERROR, Ending.MAP_UNWRITABLE):
        ending = Ending.NO_SPACE if ending is Ending.WRITE_ERROR else ending
    message = _SENTENCES.get(ending, "")
    if ending is Ending.WRITE_ERROR and "File too large" in stderr:
        message = "the target's file system takes no file that large (FAT32: below 4 GiB); the image cannot go on there"
    if ending is Ending.LIMIT:
        message = f"a limit was reached: {said}"
    elif ending is Ending.KILLED:
        message = f"ddrescue was ended by {_signal_name(-returncode)}; the map is as it was last saved"
    elif ending is Ending.CANNOT_OPEN:
        source = "input file" in stderr
        ending = Ending.SOURCE_GONE if source and any(word in stderr for word in _NODE_LOST) else ending
        message = f"the {'drive' if source else 'image'} cannot be opened: {said}"
    elif ending is Ending.FAILED:
        message = f"ddrescue failed: {said or f'status {returncode}'}"
    if ending not in (Ending.SOURCE_LIES, Ending.SOURCE_GONE):
        ending, message = _with_liveness(ending, message, liveness, dead_during_run)
    return Outcome(ending, safe_text(message, 400), returncode, safe_text(said, 400))


def _with_liveness(ending: Ending, message: str, liveness: Liveness, dead_during_run: str) -> tuple[Ending, str]:
    if liveness.alive is Alive.NO:
        claimed = " although ddrescue says it finished" if ending is Ending.FINISHED else ""
        return Ending.SOURCE_GONE, f"the drive no longer answers{claimed}: {liveness.reason}"
    if liveness.alive is Alive.OTHER:
        return Ending.SOURCE_LIES, f"the drive does not hold what was rescued from it: {liveness.reason}"
    if dead_during_run and liveness.alive is Alive.UNKNOWN:
        return Ending.SOURCE_GONE, f"the drive stopped answering: {dead_during_run}"
    return ending, message


def _by_words(stderr: str) -> Ending | None:
    return next((ending for words, ending in _MESSAGES if words in stderr), None)


def _by_status(returncode: int, ending_line: str, stop_requested: bool) -> Ending:
    if returncode < 0:
        saved = -returncode in _SAVED_BY_SIGNAL
        return Ending.STOPPED if saved and (stop_requested or "Interrupted" in ending_line) else Ending.KILLED
    if returncode == 0:
        return Ending.FINISHED
    if returncode == 2:
        return Ending.MAP_MALFORMED
    if returncode == 3:
        return Ending.BUG
    if ending_line.startswith(_LIMITS):
        return Ending.LIMIT
    return Ending.FAILED


def _own_words(stderr: str) -> str:
    """The first line that says something, without ddrescue's name."""
    for line in stderr.splitlines():
        text = line.strip().removeprefix("ddrescue: ")
        if text:
            return text
    return ""


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
