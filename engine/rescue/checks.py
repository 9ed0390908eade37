"""The rules between ddrescue's options that a person would otherwise learn from a failed or harmful run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from engine.rescue.capabilities import Capabilities
from engine.rescue.option_table import OPTIONS
from engine.rescue.options import RescueOptions


class Severity(StrEnum):
    """How much a finding about options weighs."""

    REFUSED = "refused"  # this run cannot or must not start
    DANGER = "danger"  # starts only when the person insists
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark about a set of options."""

    severity: Severity
    option: str
    message: str


def check_options(
    options: RescueOptions, capabilities: Capabilities | None = None, *, device: bool = True
) -> tuple[Finding, ...]:
    """What is impossible, dangerous or worth knowing about these options together, the worst first.

    With ``capabilities`` also what the installed ddrescue does not have; ``device`` False for a file as source. Values
    out of range never get this far: they are refused when the options are made.
    """
    found = [*_impossible(options), *_dangerous(options), *_notes(options), *_numbers(options)]
    if device and not (options.idirect or options.test_mode):
        message = "without it the kernel reads ahead into bad places and fails whole 4096-byte pages"
        found.append(Finding(Severity.NOTE, "idirect", message))
    if capabilities is not None:
        found += _missing(options, capabilities)
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def _impossible(options: RescueOptions) -> Iterator[Finding]:
    def refuse(option: str, message: str) -> Finding:
        return Finding(Severity.REFUSED, option, message)

    sector, save, sync = options.sector, options.map_save_interval, options.map_sync_interval
    if options.idirect and (sector & (sector - 1) or not 512 <= sector <= 65536):
        yield refuse("sector_size", f"direct reading needs the drive's logical sector size, and {sector} is none")
    if (options.input_position or 0) + (options.size or 0) >= 1 << 63:
        yield refuse("size", "the range ends beyond the largest position, 2^63 - 1")
    if options.max_bad_areas is not None and options.max_new_bad_areas is not None:
        yield refuse("max_new_bad_areas", "bad areas are limited either in all or only new ones, not both")
    if options.max_skip_size is not None and options.skip_size == 0:
        yield refuse("max_skip_size", "a longest jump makes no sense when jumping is off")
    elif options.max_skip_size is not None and (options.skip_size or 0) > options.max_skip_size:
        yield refuse("max_skip_size", "the longest jump is shorter than the first one")
    if save is not None and sync is not None and save > sync:
        yield refuse("map_sync_interval", "the map cannot be synced more often than it is saved")
    if options.ignore_write_errors and not options.fill_mode:
        yield refuse("ignore_write_errors", "only filling can go on after write errors")
    if options.fill_mode and options.generate_mode:
        yield refuse("generate_mode", "filling and generating a map are two different runs")
    for spec in OPTIONS.values():
        if spec.managed and options.is_set(spec.name):
            yield refuse(spec.name, f"{spec.name} is not possible here: {spec.managed}")


def _dangerous(options: RescueOptions) -> Iterator[Finding]:
    if options.truncate:
        yield Finding(Severity.DANGER, "truncate", "empties the image first: everything rescued so far is lost")
    if options.fill_mode and "+" in options.fill_mode:
        yield Finding(Severity.DANGER, "fill_mode", "overwrites rescued data in the image")
    elif options.fill_mode:
        yield Finding(Severity.DANGER, "fill_mode", "writes made-up data into the image where nothing was rescued")
    if options.generate_mode:
        message = "takes every block of zeros in the image for unread: the map is a guess"
        yield Finding(Severity.DANGER, "generate_mode", message)


def _notes(options: RescueOptions) -> Iterator[Finding]:
    def note(option: str, message: str) -> Finding:
        return Finding(Severity.NOTE, option, message)

    if options.map_save_interval == 0:
        yield note("map_save_interval", "saving after every read made a run 18 times slower")
    if options.cpass is not None and not (options.no_trim and options.no_scrape):
        yield note("cpass", "trimming and scraping still follow the chosen copying passes")
    for name in ("max_slow_reads", "reset_slow", "delay_slow"):
        if options.is_set(name) and options.min_read_rate is None:
            yield note(name, f"{name} only works with min_read_rate")
    if options.check_on_error and not (options.idirect or options.test_mode):
        yield note("check_on_error", "without direct reading the cache answers the check: it proves nothing")
    if options.loose_domain and not (options.domain_mapfile or options.test_mode):
        yield note("loose_domain", "concerns a domain map or a test map, and there is none")
    if options.sparse:
        yield note("sparse", "blocks of zeros are not written: only right where the image's unread parts are zeros")
    if options.retry_passes == -1:
        yield note("retry_passes", "for ever: it ends when it is stopped or nothing bad is left")


def _numbers(options: RescueOptions) -> Iterator[Finding]:
    for name in ("input_position", "size"):
        value = options.get(name)
        if isinstance(value, int) and value % options.sector:
            message = f"{value} is no multiple of the {options.sector}-byte sector: whole sectors are read"
            yield Finding(Severity.NOTE, name, message)
    if (options.input_position or 0) % options.cluster:
        message = f"the first read is short, up to the next multiple of {options.cluster} bytes"
        yield Finding(Severity.NOTE, "input_position", message)


def _missing(options: RescueOptions, capabilities: Capabilities) -> Iterator[Finding]:
    version = f"ddrescue {capabilities.version_text}"
    for name in options.changed():
        spec = OPTIONS[name]
        if capabilities.resolve(spec.longs, spec.letter) is not None:
            continue
        if name == "no_sweep":  # before 1.30 there is no such phase: copying pass 5 reads what was skipped
            yield Finding(Severity.NOTE, name, f"{version} has no sweeping phase; left out")
        else:
            since = ".".join(map(str, spec.since))
            yield Finding(Severity.REFUSED, name, f"{version} has no --{spec.longs[0]}; it came with {since}")
