"""Every option of GNU ddrescue as data: names over the versions, unit, range, group and one line of what it does.

A screen lists and edits options from this table, the command line reads ``--option NAME=VALUE`` with it, and the
argument list is built from it, so that no option can be reachable in one place and forgotten in another. The facts are
those of the manuals of 1.22 to 1.29 and of the news of 1.30.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

_MAX = (1 << 63) - 1
_INT = (1 << 31) - 1
_EIB = 1 << 60


class Kind(StrEnum):
    """What a value looks like."""

    FLAG = "flag"
    LEVEL = "level"  # a flag that counts when it is repeated
    SIZE = "size"  # bytes; read with engine.text.parse_size
    COUNT = "count"
    SECONDS = "seconds"
    PATH = "path"
    TEXT = "text"


class Group(StrEnum):
    """Where an option belongs on a screen."""

    DOMAIN = "what to read"
    PHASES = "phases and order"
    READING = "how the drive is read"
    LIMITS = "when to give up"
    SLOW = "slow areas"
    TARGET = "how the image is written"
    LOGS = "map and logs"
    MODES = "other modes and display"


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One option. ``longs`` are its long names, newest first; ``letter`` is empty when it may not be trusted.

    ``low`` and ``high`` bound a number (inclusive); ``also`` lists numbers outside of that which have a meaning.
    ``since`` is the version that brought it. ``managed`` says why the rescue job sets or refuses it by itself.
    """

    name: str
    longs: tuple[str, ...]
    letter: str
    kind: Kind
    group: Group
    explain: str
    unit: str = ""
    low: int = 0
    high: int = _MAX
    also: tuple[int, ...] = ()
    since: tuple[int, ...] = (1, 22)
    choices: str = ""
    managed: str = ""


def _flag(name: str, long: str, letter: str, group: Group, explain: str, **more: Any) -> OptionSpec:
    return OptionSpec(name, (long,), letter, Kind.FLAG, group, explain, **more)


def _size(name: str, long: str, letter: str, group: Group, explain: str, **more: Any) -> OptionSpec:
    return OptionSpec(name, (long,), letter, Kind.SIZE, group, explain, **{"unit": "bytes", **more})


def _count(name: str, long: str, letter: str, group: Group, explain: str, unit: str, **more: Any) -> OptionSpec:
    return OptionSpec(name, (long,), letter, Kind.COUNT, group, explain, unit, **more)


def _time(name: str, long: str, letter: str, group: Group, explain: str, **more: Any) -> OptionSpec:
    return OptionSpec(name, (long,), letter, Kind.SECONDS, group, explain, **{"unit": "s", **more})


def _path(name: str, long: str, letter: str, group: Group, explain: str, **more: Any) -> OptionSpec:
    return OptionSpec(name, (long,), letter, Kind.PATH, group, explain, **more)


_RATE = "bytes/s"
_TABLE = (
    # what to read
    _size("input_position", "input-position", "i", Group.DOMAIN, "first byte to rescue"),
    _size("size", "size", "s", Group.DOMAIN, "how many bytes to rescue from there", low=1),
    _size("output_position", "output-position", "o", Group.DOMAIN, "where the first rescued byte goes in the image"),
    _path("domain_mapfile", "domain-mapfile", "m", Group.DOMAIN,
          "read only what this map marks as finished: several ranges in one run"),
    _flag("loose_domain", "loose-domain", "L", Group.DOMAIN,
          "accept a hand-written domain map with gaps and disorder"),
    _flag("complete_only", "complete-only", "C", Group.DOMAIN, "never read beyond what the rescue map already lists"),
    # phases and order
    _flag("no_trim", "no-trim", "", Group.PHASES,
          "leave the edges of failed areas for later: no small reads next to bad sectors"),
    _flag("no_sweep", "no-sweep", "", Group.PHASES, "leave the areas that were skipped for later", since=(1, 30)),
    _flag("no_scrape", "no-scrape", "n", Group.PHASES,
          "leave the inside of failed areas for later: no sector by sector reading"),
    _count("retry_passes", "retry-passes", "r", Group.PHASES,
          "read every bad sector again this many times", "passes", high=_INT, also=(-1,)),
    _flag("reverse", "reverse", "R", Group.PHASES,
          "turn the direction of all passes round: from the end towards the beginning"),
    _flag("unidirectional", "unidirectional", "u", Group.PHASES, "all passes in one direction"),
    OptionSpec("cpass", ("cpass",), "", Kind.TEXT, Group.PHASES,
               "run only these copying passes (0: none); the run cannot resume inside one", "such as 1 or 1,3-5"),
    _flag("try_again", "try-again", "A", Group.PHASES,
          "first turn non-trimmed and non-scraped areas back into non-tried ones"),
    _flag("retrim", "retrim", "M", Group.PHASES, "first turn all failed areas back into non-trimmed ones"),
    _size("skip_size", "skip-size", "K", Group.PHASES,
          "how far to jump after the first error (0: no jumping); it doubles with each further one",
          low=1 << 16, high=_EIB, also=(0,)),
    _size("max_skip_size", "skip-size", "K", Group.PHASES, "the longest jump", low=1 << 16, high=_EIB),
    # how the drive is read
    _size("sector_size", "sector-size", "b", Group.READING, "logical sector size of the source", low=1, high=1 << 30),
    _count("cluster_size", "cluster-size", "c", Group.READING,
          "how much to read at a time", "sectors", low=1, high=_INT),
    _flag("idirect", "idirect", "d", Group.READING,
          "read past the kernel's cache: no read-ahead into bad places, exact sectors"),
    _flag("reopen_on_error", "reopen-on-error", "O", Group.READING,
          "close and open the source again after each error; ends the run when it is gone"),
    OptionSpec("check_on_error", ("check-on-error", "verify-on-error"), "J", Kind.FLAG, Group.READING,
               "after each error read the last good sector again; ends the run when the drive has stopped answering "
               "(needs direct access)"),
    OptionSpec("check_input_size", ("check-input-size", "verify-input-size"), "I", Kind.FLAG, Group.READING,
               "refuse to run when the source's size is not that of the map"),
    _size("max_read_rate", "max-read-rate", "Z", Group.READING, "read no faster than this", unit=_RATE, low=1),
    _time("pause_on_error", "pause-on-error", "", Group.READING, "rest after each error", high=_INT),
    _time("pause_on_pass", "pause-on-pass", "", Group.READING, "rest between passes", high=_INT),
    OptionSpec("continue_on_errno", ("continue-on-errno",), "", Kind.TEXT, Group.READING,
               "treat this system error as an ordinary bad sector instead of ending the run", "error number",
               since=(1, 29)),
    # when to give up
    _count("max_bad_areas", "max-bad-areas", "e", Group.LIMITS,
          "end with more bad areas than this in the map", "areas"),
    _count("max_new_bad_areas", "max-bad-areas", "e", Group.LIMITS, "end with more new bad areas than this", "areas"),
    _size("max_error_rate", "max-error-rate", "E", Group.LIMITS, "end when errors come faster than this", unit=_RATE),
    _count("max_read_errors", "max-read-errors", "X", Group.LIMITS,
          "end after more read errors than this (0: at the first)", "errors", high=_INT),
    _time("timeout", "timeout", "T", Group.LIMITS,
          "end when nothing could be read for this long; not inside a read that hangs", high=_INT),
    # slow areas
    _size("min_read_rate", "min-read-rate", "a", Group.SLOW,
          "jump over areas slower than this (0: a tenth of the average)", unit=_RATE),
    _time("delay_slow", "delay-slow", "", Group.SLOW, "look for slow areas only after this time", high=_INT),
    _count("max_slow_reads", "max-slow-reads", "", Group.SLOW,
          "end after more slow reads than this", "reads", high=_INT),
    _flag("reset_slow", "reset-slow", "", Group.SLOW, "begin to count slow reads anew when the drive is fast again"),
    # how the image is written
    _flag("force", "force", "f", Group.TARGET, "allow a device or partition as target: all that is on it is lost"),
    _flag("preallocate", "preallocate", "p", Group.TARGET, "take the whole space of the image at the start"),
    _flag("sparse", "sparse", "S", Group.TARGET, "leave out blocks of zeros: the image takes less space"),
    _flag("truncate", "truncate", "t", Group.TARGET, "empty the image first: everything rescued so far is lost"),
    _flag("synchronous", "synchronous", "y", Group.TARGET, "wait for the target's disk after every write"),
    _flag("odirect", "odirect", "D", Group.TARGET, "write past the kernel's cache"),
    _flag("compare_before_write", "compare-before-write", "W", Group.TARGET,
          "write only what differs from the image", since=(1, 27)),
    _size("extend_outfile", "extend-outfile", "x", Group.TARGET, "make the image at least this long"),
    _flag("same_file", "same-file", "", Group.TARGET, "allow the source as target",
          managed="the source is never written", since=(1, 23)),
    # map and logs
    _time("map_save_interval", "mapfile-interval", "", Group.LOGS,
          "save the map this often (0: after every read, very slow)",
          high=_INT, also=(-1,)),
    _time("map_sync_interval", "mapfile-interval", "", Group.LOGS,
          "put the map on the disk this often", low=5, high=_INT),
    _path("log_events", "log-events", "", Group.LOGS, "append phases and the end of the run to this file"),
    _path("log_rates", "log-rates", "", Group.LOGS, "write rate and errors of each second to this file"),
    _path("log_reads", "log-reads", "", Group.LOGS,
          "write every read and its result to this file, which grows large"),
    # other modes and display
    _path("test_mode", "test-mode", "H", Group.MODES,
          "simulate: what is not finished in this map fails without being read"),
    OptionSpec("fill_mode", ("fill-mode",), "F", Kind.TEXT, Group.MODES,
               "fill the blocks of these states in the image with data from the source file", "of ?*/-+ and l",
               choices="?*/-+l"),
    _flag("ignore_write_errors", "ignore-write-errors", "w", Group.MODES, "filling goes on after write errors"),
    _flag("generate_mode", "generate-mode", "G", Group.MODES, "make an approximate map from source and image"),
    _count("data_preview", "data-preview", "P", Group.MODES,
          "show this many lines of the last data", "lines", low=1, high=32),
    OptionSpec("verbose", ("verbose",), "v", Kind.LEVEL, Group.MODES, "say more", "times", high=4),
    _flag("binary_prefixes", "binary-prefixes", "B", Group.MODES, "binary units on ddrescue's own screen"),
    _flag("quiet", "quiet", "q", Group.MODES, "no messages", managed="its messages tell how the run ended"),
    _flag("ask", "ask", "", Group.MODES, "ask before starting", managed="the checks before the start ask instead"),
    _flag("command_mode", "command-mode", "", Group.MODES, "single reads on command",
          managed="a rescue pass runs by itself", since=(1, 24)),
)  # fmt: skip

OPTIONS: Mapping[str, OptionSpec] = MappingProxyType({spec.name: spec for spec in _TABLE})
"""All options by our name, in the order of the groups."""

SHOWN_ELSEWHERE = frozenset({"help", "version"})
"""Long options of the program that are no options of a run."""
