"""What is known about one device, as facts for a screen."""

from __future__ import annotations

from collections.abc import Iterator

from engine.devices import Device, Partition
from engine.devices.health_report import Health, Verdict
from engine.devices.model import use_place
from engine.text import format_exact, format_size
from tui.widgets.facts import Fact
from tui.widgets.rows import Cell

_VERDICTS = {
    Verdict.DYING: ("DYING: image it now, and gently", "row--danger"),
    Verdict.SUSPECT: ("suspect: image it before anything else", "row--warning"),
    Verdict.CABLE: ("transmission errors: look at cable, port and power first", "row--warning"),
    Verdict.OK: ("nothing bad is known", "row--good"),
    Verdict.UNKNOWN: ("it does not say", "row--soft"),
}


def device_facts(device: Device, health: Health | str | None) -> list[Fact]:
    """Everything about ``device``; ``health`` is an answer, a word about a question under way, or None."""
    facts: list[Fact] = []
    if device.is_system:
        facts.append(
            ("OFF LIMITS", Cell(f"it carries the running system: {', '.join(device.system)}", "row--danger"))
        )
    facts += [
        ("device", f"{device.path}  {device.title}"),
        ("serial", _serial(device)),
        ("size", f"{format_exact(device.size)}, sectors of {_sectors(device)}" if device.size else "unknown"),
        ("attached", ", ".join(_attachment(device))),
    ]
    facts += [("by-id" if number == 0 else "", f"/dev/disk/by-id/{link}") for number, link in _links(device)]
    facts.append(("used by", Cell("; ".join(device.in_use_by), "row--warning") if device.uses else "nothing"))
    told = {use_place(use, device.name) for use in device.uses}
    notes = [text for text in device.warnings if text not in told and not text.startswith("system disk")]
    facts += [("note", Cell(text, "row--warning")) for text in notes]
    facts += [("note", Cell(text, "row--soft")) for text in device.notes]
    facts += list(_health_facts(health))
    facts += [
        (f"part {part.number}", f"{part.path}  {format_size(part.size)}  {_content(part)}")
        for part in device.partitions
    ]
    return facts


def _links(device: Device) -> Iterator[tuple[int, str]]:
    return enumerate(device.by_id[:2])


def _serial(device: Device) -> str | Cell:
    parts = []
    if device.serial:
        weak = " (the USB bridge's, not the drive's)" if device.serial_source == "usb" else ""
        parts.append(device.serial + weak)
    if device.wwn:
        parts.append(f"WWN {device.wwn}")
    if device.firmware:
        parts.append(f"firmware {device.firmware}")
    if parts or device.kind != "disk":
        return "  ".join(parts) or "-"
    return Cell("none: it cannot be told from another of its kind", "row--warning")


def _sectors(device: Device) -> str:
    if device.physical_sector != device.logical_sector:
        return f"{device.logical_sector} B ({device.physical_sector} B inside)"
    return f"{device.logical_sector} B"


def _attachment(device: Device) -> Iterator[str]:
    yield device.transport or "bus unknown"
    if device.rotational is not None and device.transport not in ("usb", "virtio", "loop"):
        yield "spinning disk" if device.rotational else "solid state"
    if device.removable:
        yield "removable medium"
    elif device.hotplug:
        yield "hot-plug"
    if device.read_only:
        yield "read-only"
    if device.port is not None:
        yield f"port {device.port.text}"
    if device.backing_file:
        yield f"over {device.backing_file}"


def _content(part: Partition) -> str:
    words = [part.filesystem or "unknown content"]
    if part.label:
        words.append(f'"{part.label}"')
    words += list(part.in_use_by)
    return "  ".join(words)


def verdict_words(health: Health) -> str:
    """What the verdict means for a person."""
    return _VERDICTS[health.verdict][0]


def _health_facts(health: Health | str | None) -> Iterator[Fact]:
    if health is None:
        yield "health", Cell("not asked; H asks the drive", "row--soft")
        return
    if isinstance(health, str):
        yield "health", Cell(health, "row--warning")
        return
    yield "health", Cell(verdict_words(health), _VERDICTS[health.verdict][1])
    for reason in health.reasons:
        yield "", reason
    counts = (
        ("reallocated", health.reallocated),
        ("pending", health.pending),
        ("uncorrectable", health.uncorrectable),
        ("media errors", health.media_errors),
        ("transfer errors", health.transfer_errors),
        ("wear", None if health.wear_percent is None else f"{health.wear_percent} %"),
        ("hours", health.power_on_hours),
        ("power-ons", health.power_cycles),
        ("temperature", None if health.temperature_c is None else f"{health.temperature_c} C"),
    )
    told = [f"{name} {value}" for name, value in counts if value is not None]
    if told:
        yield "", ", ".join(told)
    if health.asleep:
        yield "", "it sleeps; it was not woken"
    for message in [message for message in health.messages if message not in health.reasons][:3]:
        yield "", Cell(message, "row--soft")
