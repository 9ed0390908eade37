"""``RescueOptions``: every option of one ddrescue run as typed, checked data.

Reading from and to text and JSON, and range checks from the option table; the rules between options are in ``checks``.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError
from engine.rescue.option_table import OPTIONS, Kind, OptionSpec
from engine.text import parse_size, safe_text

Value = bool | int | str | None


@dataclass(frozen=True, slots=True)
class RescueOptions:
    """What one run of ddrescue is asked to do; the names, units and ranges are those of ``option_table.OPTIONS``.

    ``None`` and ``False`` leave ddrescue's default. Numbers are bytes, seconds or counts as the table says.
    """

    input_position: int | None = None
    size: int | None = None
    output_position: int | None = None
    domain_mapfile: str | None = None
    loose_domain: bool = False
    complete_only: bool = False
    no_trim: bool = False
    no_sweep: bool = False
    no_scrape: bool = False
    retry_passes: int | None = None
    reverse: bool = False
    unidirectional: bool = False
    cpass: str | None = None
    try_again: bool = False
    retrim: bool = False
    skip_size: int | None = None
    max_skip_size: int | None = None
    sector_size: int | None = None
    cluster_size: int | None = None
    idirect: bool = False
    reopen_on_error: bool = False
    check_on_error: bool = False
    check_input_size: bool = False
    max_read_rate: int | None = None
    pause_on_error: int | None = None
    pause_on_pass: int | None = None
    continue_on_errno: str | None = None
    max_bad_areas: int | None = None
    max_new_bad_areas: int | None = None
    max_error_rate: int | None = None
    max_read_errors: int | None = None
    timeout: int | None = None
    min_read_rate: int | None = None
    delay_slow: int | None = None
    max_slow_reads: int | None = None
    reset_slow: bool = False
    force: bool = False
    preallocate: bool = False
    sparse: bool = False
    truncate: bool = False
    synchronous: bool = False
    odirect: bool = False
    compare_before_write: bool = False
    extend_outfile: int | None = None
    same_file: bool = False
    map_save_interval: int | None = None
    map_sync_interval: int | None = None
    log_events: str | None = None
    log_rates: str | None = None
    log_reads: str | None = None
    test_mode: str | None = None
    fill_mode: str | None = None
    ignore_write_errors: bool = False
    generate_mode: bool = False
    data_preview: int | None = None
    verbose: int | None = None
    binary_prefixes: bool = False
    quiet: bool = False
    ask: bool = False
    command_mode: bool = False

    def get(self, name: str) -> Value:
        """The value of an option by its name in the table."""
        if name not in OPTIONS:
            raise KeyError(name)
        value: Value = getattr(self, name)
        return value

    def changed(self) -> dict[str, Value]:
        """The options that differ from ddrescue's defaults."""
        return {name: self.get(name) for name in OPTIONS if self.is_set(name)}

    def is_set(self, name: str) -> bool:
        """Whether an option differs from ddrescue's default; a number 0 does."""
        value = self.get(name)
        return value is not None and value is not False

    def with_values(self, **values: Value) -> RescueOptions:
        """A copy with these options set; names, types and ranges are checked. Raises ``UsageError``."""
        for name, value in values.items():
            _check_value(_spec(name), value)
        return dataclasses.replace(self, **values)  # type: ignore[arg-type]

    def with_text(self, name: str, text: str) -> RescueOptions:
        """A copy with one option set from what a person wrote (``64K``, ``yes``, a path). Raises ``UsageError``."""
        spec = _spec(name)
        return self.with_values(**{spec.name: parse_value(spec, text)})

    @property
    def sector(self) -> int:
        """The sector size in bytes that the run uses."""
        return self.sector_size or 512

    @property
    def cluster(self) -> int:
        """How many bytes ddrescue reads at a time."""
        return (self.cluster_size or max(1, 65536 // self.sector)) * self.sector

    def to_json(self) -> dict[str, Value]:
        """Only what differs from the defaults; ``from_json`` gives the same options back."""
        return self.changed()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RescueOptions:
        """From ``to_json``. Unknown names, wrong types and values out of range raise ``UsageError``."""
        if not isinstance(value, Mapping):
            raise UsageError("options are not a set of names and values", code="bad-options")
        return cls().with_values(**{str(name): item for name, item in value.items()})


def _spec(name: str) -> OptionSpec:
    """The table's entry for our name (``-`` and ``_`` are the same) or for one of the program's long names."""
    key = name.replace("-", "_")
    if key in OPTIONS:
        return OPTIONS[key]
    for spec in OPTIONS.values():
        if name.replace("_", "-") in spec.longs:
            return spec
    advice = "rescue run --list-options shows all"
    raise UsageError(f"ddrescue has no option {safe_text(name, 40)!r}", code="no-option", advice=advice)


def find_option(name: str) -> OptionSpec:
    """The table's entry for a name as a person writes it. Raises ``UsageError``."""
    return _spec(name)


_YES, _NO = frozenset({"", "yes", "on", "true", "1"}), frozenset({"no", "off", "false", "0"})
_INTERVAL = re.compile(r"(-?\d+)([smhd]?)\Z")


def parse_value(spec: OptionSpec, text: str) -> Value:
    """What a person wrote for an option, as its value; ``default`` unsets it. Raises ``UsageError``."""
    text = text.strip()
    shown = safe_text(text, 40)
    if text == "default":
        return False if spec.kind is Kind.FLAG else None
    if spec.kind is Kind.FLAG:
        if text.lower() in _YES | _NO:
            return text.lower() in _YES
        raise UsageError(f"{spec.name} is on or off, not {shown!r}", code="bad-option")
    if spec.kind is Kind.SIZE:
        return parse_size(text)
    if spec.kind is Kind.SECONDS:
        match = _INTERVAL.match(text)
        if match:
            return int(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
        advice = "write 30, 30s, 5m, 2h or 1d"
        raise UsageError(f"{spec.name}: {shown!r} is not a time", code="bad-option", advice=advice)
    if spec.kind in (Kind.COUNT, Kind.LEVEL):
        try:
            return int(text, 0)
        except ValueError:
            raise UsageError(f"{spec.name}: {shown!r} is not a number", code="bad-option") from None
    return text


_CPASS = re.compile(r"(?:0|[1-5](?:-[1-5])?(?:,[1-5](?:-[1-5])?)*)\Z")
_ERRNOS = re.compile(r"\d{1,4}(?:,\d{1,4})*\Z")


def _check_value(spec: OptionSpec, value: Value) -> None:
    """Type and range of one value. Raises ``UsageError`` naming the option and what it takes."""
    shown = safe_text(repr(value), 60)
    if spec.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise UsageError(f"{spec.name} is on or off, not {shown}", code="bad-option")
        return
    if value is None:
        return
    if spec.kind in (Kind.PATH, Kind.TEXT):
        if not isinstance(value, str) or not value or "\0" in value or "\n" in value:
            raise UsageError(f"{spec.name} takes a {spec.kind}, not {shown}", code="bad-option")
        _check_text(spec, value)
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"{spec.name} takes a number, not {shown}", code="bad-option")
    if value not in spec.also and not spec.low <= value <= spec.high:
        special = f" or {' or '.join(map(str, spec.also))}" if spec.also else ""
        bounds = f"{spec.low} to {spec.high} {spec.unit}{special}"
        raise UsageError(f"{spec.name} {value} is out of range: {bounds}", code="bad-option")


def _check_text(spec: OptionSpec, value: str) -> None:
    shown = safe_text(value, 40)
    if spec.name == "cpass" and not _CPASS.match(value):
        raise UsageError(f"cpass takes 0 or passes 1 to 5 such as 1,3-5, not {shown!r}", code="bad-option")
    if spec.name == "continue_on_errno" and not _ERRNOS.match(value):
        raise UsageError(f"continue_on_errno takes error numbers, not {shown!r}", code="bad-option")
    if spec.choices and (set(value) - set(spec.choices) or len(set(value)) != len(value)):
        raise UsageError(f"{spec.name} takes characters of {spec.choices}, each once", code="bad-option")
