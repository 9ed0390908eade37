"""From options and paths to the argument list of ddrescue, and to the line that is shown before it starts."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from engine.errors import UsageError
from engine.rescue.capabilities import Capabilities
from engine.rescue.checks import Severity, check_options
from engine.rescue.option_table import OPTIONS, Kind, OptionSpec
from engine.rescue.options import RescueOptions
from engine.text import safe_text

# Two of our options are the two halves of one of ddrescue's.
_PAIRED = {"max_skip_size": "skip_size", "map_sync_interval": "map_save_interval", "max_new_bad_areas": "max_bad_areas"}


@dataclass(frozen=True, slots=True)
class Command:
    """A run of ddrescue: its argument list, and the same as a shell line for people (safe for a terminal)."""

    argv: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The command as one would type it, quoted for a shell; control characters are escaped."""
        first = os.path.basename(self.argv[0])
        return safe_text(shlex.join([first, *self.argv[1:]]), 8192)


def build(capabilities: Capabilities, options: RescueOptions, source: str, image: str, map_path: str) -> Command:
    """The command for one run.

    Long names in this version's spelling are used throughout, since letters changed hands (``-N``), and every path is
    made absolute, so that none can be read as an option or as standard input. Raises ``UsageError`` when the options
    contradict each other, are left to the job, or are unknown to this version.
    """
    refused = [finding for finding in check_options(options, capabilities) if finding.severity is Severity.REFUSED]
    if refused:
        raise UsageError("; ".join(finding.message for finding in refused), code="bad-options")
    paths = [absolute(path) for path in (source, image, map_path)]
    return Command((capabilities.path, *arguments(capabilities, options), *paths))


def arguments(capabilities: Capabilities, options: RescueOptions) -> tuple[str, ...]:
    """Only the options as arguments, in the order of the table; what this version lacks is left out."""
    return tuple(_arguments(capabilities, options))


def _arguments(capabilities: Capabilities, options: RescueOptions) -> Iterator[str]:
    done: set[str] = set()
    for name in options.changed():
        spec = OPTIONS[_PAIRED.get(name, name)]
        long = capabilities.resolve(spec.longs, spec.letter)
        if long is None or spec.name in done:
            continue
        done.add(spec.name)
        if spec.kind is Kind.FLAG:
            yield f"--{long}"
        elif spec.kind is Kind.LEVEL:
            yield from [f"--{long}"] * int(options.get(spec.name) or 0)
        else:
            yield f"--{long}={_value(spec, options)}"


def _value(spec: OptionSpec, options: RescueOptions) -> str:
    if spec.name == "skip_size":
        return _pair(options.skip_size, options.max_skip_size)
    if spec.name == "map_save_interval":
        return _pair(options.map_save_interval, options.map_sync_interval)
    if spec.name == "max_bad_areas" and options.max_new_bad_areas is not None:
        return f"+{options.max_new_bad_areas}"
    value = options.get(spec.name)
    return absolute(str(value)) if spec.kind is Kind.PATH else str(value)


def _pair(first: int | None, second: int | None) -> str:
    return ("" if first is None else str(first)) + ("" if second is None else f",{second}")


def absolute(path: str) -> str:
    """An absolute path, links not followed (a by-id name stays one). Raises ``UsageError`` for an impossible one."""
    if not path or "\0" in path:
        raise UsageError("a path is empty or holds a NUL character", code="bad-path")
    return os.path.abspath(path)
