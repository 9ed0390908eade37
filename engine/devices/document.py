"""A device as plain JSON values: the keys of ``rescuedeck devices --json``."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from engine.devices.health_report import Health
from engine.devices.model import Device, Partition


def device_document(device: Device, health: Health | str | None = None) -> dict[str, Any]:
    """Everything known of a disk; ``health`` is an answer, the reason why it was not asked, or None."""
    return {
        "path": device.path,
        "name": device.name,
        "kind": device.kind,
        "model": device.model,
        "vendor": device.vendor,
        "serial": device.serial,
        "serial_source": device.serial_source,
        "wwn": device.wwn,
        "firmware": device.firmware,
        "size": device.size,
        "logical_sector": device.logical_sector,
        "physical_sector": device.physical_sector,
        "read_only": device.read_only,
        "removable": device.removable,
        "hotplug": device.hotplug,
        "rotational": device.rotational,
        "transport": device.transport,
        "state": device.state,
        "mounted_at": list(device.mounted_at),
        "in_use_by": list(device.in_use_by),
        "system": device.is_system,
        "system_reasons": list(device.system),
        "readable": device.node and device.readable,
        "headline": device.headline,
        "warnings": list(device.warnings),
        "health": health_document(health),
        "by_id": list(device.by_id),
        "diskseq": device.diskseq,
        "hctl": device.hctl,
        "port": asdict(device.port) if device.port is not None else None,
        "table": device.table,
        "filesystem": device.filesystem,
        "label": device.label,
        "backing_file": device.backing_file,
        "slaves": list(device.slaves),
        "counters": asdict(device.counters) if device.counters is not None else None,
        "notes": list(device.notes),
        "children": [_partition(part) for part in device.partitions],
    }


def _partition(part: Partition) -> dict[str, Any]:
    return {
        "path": part.path,
        "name": part.name,
        "number": part.number,
        "start": part.start,
        "size": part.size,
        "read_only": part.read_only,
        "filesystem": part.filesystem,
        "label": part.label,
        "by_id": list(part.by_id),
        "mounted_at": list(part.mounted_at),
        "in_use_by": list(part.in_use_by),
        "system": bool(part.system),
    }


def health_document(health: Health | str | None) -> dict[str, Any] | None:
    """A health report; with verdict ``not-asked`` when there is only a reason why there is none."""
    if health is None:
        return None
    if isinstance(health, str):
        return {"verdict": "not-asked", "reasons": [health]}
    return {**asdict(health), "verdict": health.verdict.value}
