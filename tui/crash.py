"""The log, and the file that is left behind when the deck itself fails."""

from __future__ import annotations

import contextlib
import logging
import platform
import sys
import traceback
from collections import deque
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine import __version__
from engine.atomic import write_atomic
from engine.errors import RescueError
from engine.text import safe_text
from tui.locations import log_directory
from tui.terminal import Terminal

_LAST_LINES = 50


class _Tail(logging.Handler):
    """Keeps the last lines in memory for the crash file."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_LAST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.lines.append(self.format(record))


_TAIL = _Tail()


def start_log(terminal: Terminal) -> None:
    """Log to ``rescuedeck.log`` (three files of 1 MiB) and to memory; a log that cannot be written stops nobody."""
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    root = logging.getLogger()
    root.setLevel(logging.INFO)
    handlers: list[logging.Handler] = [_TAIL]
    try:
        handlers.append(RotatingFileHandler(log_directory() / "rescuedeck.log", maxBytes=1 << 20, backupCount=2))
    except OSError as error:
        _TAIL.lines.append(f"no log file: {error}")
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)
    logging.getLogger("tui").info("rescuedeck %s, %s", __version__, terminal.facts)


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed as a package)"


def text_of(error: BaseException, terminal: Terminal) -> str:
    """The crash file's text: plain traceback without local variables (they can hold a client's data)."""
    lines = [
        f"rescuedeck {__version__} crashed at {datetime.now().astimezone().isoformat(timespec='seconds')}",
        f"python {platform.python_version()}  textual {_version_of('textual')}  rich {_version_of('rich')}",
        f"{platform.system()} {platform.release()}  {terminal.facts}",
        f"arguments: {' '.join(sys.argv[1:])}",
        "",
        *"".join(traceback.format_exception(error)).splitlines(),
        "",
        f"last {len(_TAIL.lines)} log lines:",
        *_TAIL.lines,
    ]
    return "\n".join(safe_text(line) for line in lines) + "\n"


def report(error: BaseException, terminal: Terminal) -> int:
    """Write the crash file and say in two lines where it is. Returns the exit code 1."""
    text = text_of(error, terminal)
    name = f"crash-{datetime.now().astimezone():%Y%m%d-%H%M%S}.txt"
    first = f"rescuedeck: the deck failed ({safe_text(f'{type(error).__name__}: {error}', 200)}); jobs go on"
    second = text
    try:
        path: Path = log_directory() / name
        write_atomic(path, text.encode("utf-8", "backslashreplace"))
        second = f"details: {path}\n"
    except (OSError, RescueError):
        # No place for the file: the traceback itself is better than nothing.
        first += "; its details could not be saved, here they are"
    with contextlib.suppress(OSError):  # the terminal may be what has gone
        sys.stderr.write(f"{first}\n{second}")
    return 1
