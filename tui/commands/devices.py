"""``rescuedeck devices``: the disks of this machine, what uses them, and their health when asked for."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

from engine.errors import OutsideError, RescueError
from engine.text import format_exact, format_size, safe_text
from tui.commands.output import Output, common

if TYPE_CHECKING:
    from engine.devices import Device, Partition
    from engine.devices.health_report import Health

_HEALTH_FACTS = {
    "reallocated": "replaced sectors",
    "pending": "sectors waiting to be replaced",
    "uncorrectable": "unreadable sectors",
    "reported_uncorrectable": "uncorrected errors",
    "media_errors": "flash memory errors",
    "transfer_errors": "transfer errors",
    "wear_percent": "endurance used (%)",
    "power_on_hours": "hours on",
    "power_cycles": "power cycles",
    "temperature_c": "temperature (C)",
    "logged_errors": "errors in its log",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    common(parser, example="rescuedeck devices /dev/sdb --health")
    parser.add_argument("device", nargs="*", help="only these: a node, a kernel name, or a name from /dev/disk/by-id")
    parser.add_argument("--all", action="store_true", help="RAM disks and unused loop, md and nbd slots too")
    parser.add_argument("--health", action="store_true", help="ask the drives how they are (smartctl)")
    parser.add_argument("--insist", action="store_true", help="ask even a drive that looks ill: it may hang for good")
    parser.add_argument("--type", metavar="TYPE", help="how smartctl shall talk to it (sat, for many USB bridges)")


def run(args: argparse.Namespace, out: Output) -> int:
    """Print the devices. Returns 1 when a drive that was asked says that it is dying."""
    from engine.devices import discover
    from engine.devices.document import device_document

    devices = discover(everything=args.all or bool(args.device))
    if args.device:
        devices = [_chosen(text, devices) for text in args.device]
    health = _ask(args, devices) if args.health else {}
    out.document({"devices": [device_document(device, health.get(device.name)) for device in devices]})
    if args.device:
        for device in devices:
            out.lines(_details(device, health.get(device.name)))
    elif devices:
        _table(out, devices, health)
    else:
        out.line("no disks here" if args.all else "no disks here (rescuedeck devices --all lists empty slots too)")
    return 1 if any(getattr(answer, "verdict", "") == "dying" for answer in health.values()) else 0


def _chosen(text: str, devices: list[Device]) -> Device:
    from engine.devices import find_device

    found = find_device(text, devices=devices)
    if found is None:
        raise OutsideError("the kernel tells nothing of this device", code="device-gone", path=text)
    return found


def _ask(args: argparse.Namespace, devices: list[Device]) -> dict[str, Health | str]:
    """Health by kernel name; a text where a drive was not asked or did not answer."""
    from engine.devices.health import read_health
    from engine.tools import need_tool

    need_tool("smartctl", "smartmontools", "the health of drives")
    answers: dict[str, Health | str] = {}
    for device in devices:
        if device.kind != "disk" or device.transport in ("ram", ""):
            answers[device.name] = "it is no drive that could be asked"
            continue
        try:
            answers[device.name] = read_health(device.path, insist=args.insist, device_type=args.type)
        except RescueError as error:
            answers[device.name] = error.message
    return answers


def _table(out: Output, devices: list[Device], health: dict[str, Health | str]) -> None:
    """A line for each disk and partition, and below it, wrapped and never cut, what to know before choosing it."""
    rows: list[tuple[str, str, str, str, str]] = []
    for device in devices:
        words = list(device.warnings)
        answer = health.get(device.name)
        if isinstance(answer, str):
            words.insert(0, f"health not asked: {answer}")
        elif answer is not None:
            words.insert(0, f"health: {answer.verdict.value}, {answer.reasons[0]}")
        rows.append((device.path, _size(device.size), device.transport, _named(device), "; ".join(words)))
        rows += [(f"  {part.path}", _size(part.size), "", _content(part), _use(part)) for part in device.partitions]
    heads = ("DEVICE", "SIZE", "BUS", "MODEL, SERIAL NUMBER")
    path, size, bus = (max(len(heads[i]), *(len(safe_text(row[i])) for row in rows)) for i in range(3))
    total = max(80, shutil.get_terminal_size().columns) if sys.stdout.isatty() else 80
    for row in [(*heads, ""), *rows]:
        cells = [safe_text(cell) for cell in row]
        line = f"{cells[0]:<{path}}  {cells[1]:>{size}}  {cells[2]:<{bus}}  {cells[3]}".rstrip()
        out.lines(textwrap.wrap(line, total, subsequent_indent="    ", drop_whitespace=True))
        out.lines(textwrap.wrap(cells[4], total, initial_indent="    ", subsequent_indent="    "))
    if any(not device.readable for device in devices):
        out.note("drives marked 'no access' can be read with sudo; image files need no privilege")
    for text in dict.fromkeys(note for device in devices for note in device.notes):
        out.note(text)


def _size(size: int) -> str:
    return format_size(size) if size else "-"


def _named(device: Device) -> str:
    title = os.path.basename(device.backing_file) if device.backing_file else device.title
    return ", ".join(part for part in (title, device.serial) if part)


def _content(part: Partition) -> str:
    return " ".join(item for item in (part.filesystem, part.label) if item)


def _use(part: Partition) -> str:
    return ", ".join(part.in_use_by)


def _details(device: Device, answer: Health | str | None) -> list[str]:
    """All that is known of one device, a fact a line."""
    sectors = f"{device.logical_sector} B"
    if device.physical_sector != device.logical_sector:
        sectors += f" (inside {device.physical_sector} B)"
    flags = [
        word
        for word, said in (
            ("read-only", device.read_only), ("removable", device.removable), ("hot-plug", device.hotplug),
            ("spinning", device.rotational and device.transport in ("sata", "ata", "sas", "scsi")),
            ("no access: needs root", not device.readable),
        )
        if said
    ]  # fmt: skip
    facts = [
        ("device", f"{device.path}, {device.kind}"),
        ("model", " ".join(item for item in (device.vendor, device.model, device.firmware) if item)),
        ("serial number", device.serial or ""),
        ("WWN", device.wwn or ""),
        ("size", format_exact(device.size)),
        ("sectors", sectors),
        ("bus", ", ".join(item for item in (device.transport, device.port.text if device.port else "") if item)),
        ("state", ", ".join(item for item in (device.state or "", *flags) if item)),
        ("backing file", device.backing_file or ""),
        ("content", " ".join(item for item in (device.table, device.filesystem, device.label) if item)),
        *(("by-id", link) for link in device.by_id),
        *(("used", words) for words in device.in_use_by),
        *(("note", words) for words in (*device.warnings, *device.notes) if words not in device.in_use_by),
    ]
    for part in device.partitions:
        words = ", ".join(item for item in (format_size(part.size), _content(part), _use(part)) if item)
        facts.append((f"part {part.number}", f"{part.path}, from {part.start}, {words}"))
    if answer is not None:
        facts += _health_lines(answer)
    return [f"{name:<14} {safe_text(value)}" for name, value in facts if value] + [""]


def _health_lines(answer: Health | str) -> list[tuple[str, str]]:
    if isinstance(answer, str):
        return [("health", f"not asked: {answer}")]
    lines = [("health", answer.verdict.value)] + [("", reason) for reason in answer.reasons]
    for name, words in _HEALTH_FACTS.items():
        value = getattr(answer, name)
        if value is not None:
            lines.append(("", f"{words}: {value}"))
    return lines
