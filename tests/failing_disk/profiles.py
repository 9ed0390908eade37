"""The fault profile: one JSON file (or one data class) that says everything about a failing disk.

```json
{"seed": 7, "sector_size": 512, "bytes_per_second": 20000000,
 "identity": {"model": "TESTDISK", "serial": "FD0001"},
 "power": {"settle_seconds": 0.2, "rename": true, "dies_after_cycles": 5},
 "faults": [{"kind": "error", "offset": "1MiB", "size": "8s"},
            {"kind": "drop", "offset": "0x1400000", "size": 4096, "mode": "gone"}]}
```

Offsets and sizes are bytes, or text: decimal or 0x hexadecimal, with `s` (sectors), `KiB`, `MiB`,
`GiB`, `kB`, `MB`, `GB`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from tests.failing_disk.faults import KINDS, Fault, ProfileError, fault_to_json

_UNITS = {"": 1, "B": 1, "KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "KB": 10**3, "MB": 10**6, "GB": 10**9}
_SIZE = re.compile(r"\s*(0[xX][0-9a-fA-F]+|\d+)\s*([A-Za-z]*)\s*")


def parse_bytes(value: object, sector_size: int = 512) -> int:
    """Bytes from a number or from text such as "64KiB", "2048s" or "0x1400000"."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if match:
        unit = match[2].upper()
        factor = sector_size if unit == "S" else _UNITS.get(unit)
        if factor:
            return int(match[1], 0) * factor
    raise ProfileError(f"not a size in bytes: {value!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the drive says it is. `size` None: as large as the image, rounded down to whole sectors."""

    model: str = "RESCUEDECK FAILING DISK"
    serial: str = "FD00000001"
    wwn: str | None = "0x5000c500fd000001"
    size: int | None = None

    def same_drive(self, other: Identity) -> bool:
        """Whether two identities are one drive (its capacity may still have changed)."""
        return self.serial == other.serial and self.wwn == other.wwn


@dataclass(frozen=True, slots=True, kw_only=True)
class Return:
    """What comes back from a power cycle, where it differs from what was there before.

    `name`: new name of the node. `identity`: fields to replace. `image`: another image file to serve; without one a
    drive with another serial or WWN serves sectors that say OTHER DRIVE, so that no byte of it can pass for rescued.
    """

    name: str | None = None
    identity: Mapping[str, object] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """How the drive behaves on power cycles. A cycle is counted whenever the power comes on again.

    settle_seconds     time from power on until the node is there
    rename             comes back as disk-2, disk-3 ... (otherwise under the same name)
    old_descriptors    "work": descriptors from before a cycle read on when the name is unchanged; "dead": ENODEV
    dies_after_cycles  comes back from so many cycles and from no further one
    returns            per cycle (first is 1): name, identity, image from then on
    """

    settle_seconds: float = 0.0
    rename: bool = False
    old_descriptors: Literal["work", "dead"] = "work"
    dies_after_cycles: int | None = None
    returns: Mapping[int, Return] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A failing disk: identity, faults, speed (bytes/s of the whole drive, None: no limit), power, seed."""

    faults: tuple[Fault, ...] = ()
    identity: Identity = Identity()
    power: Power = Power()
    seed: int = 0
    sector_size: int = 512
    bytes_per_second: float | None = None
    name: str = "disk"

    def __post_init__(self) -> None:
        sector = self.sector_size
        if sector not in (512, 1024, 2048, 4096):
            raise ProfileError(f"sector_size must be 512, 1024, 2048 or 4096, not {sector}")
        if self.bytes_per_second is not None and self.bytes_per_second <= 0:
            raise ProfileError("bytes_per_second must be above 0")
        names = [self.name, *(r.name for r in self.power.returns.values() if r.name)]
        for name in names:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) or name in ("by-id", "sys", "dev"):
                raise ProfileError(f"not a usable node name: {name!r}")
        for fault in self.faults:
            if fault.offset < 0 or fault.size <= 0 or fault.offset % sector or fault.size % sector:
                raise ProfileError(
                    f"{fault.kind} at {fault.offset}, {fault.size} bytes: not on whole sectors of {sector} bytes"
                )
        if self.identity.size is not None and (self.identity.size < 0 or self.identity.size % sector):
            raise ProfileError(f"the size {self.identity.size} is not on whole sectors of {sector} bytes")

    @classmethod
    def from_json(cls, doc: object) -> Profile:
        """A profile from the parsed JSON document; ProfileError names what is wrong."""
        data = _object(doc, "the profile", {f.name for f in fields(cls)})
        sector = _integer(data.get("sector_size", 512), "sector_size")
        faults = data.get("faults", [])
        if not isinstance(faults, list):
            raise ProfileError("faults must be a list")
        data["faults"] = tuple(_fault(item, sector) for item in faults)
        data["identity"] = Identity(**_identity(data.get("identity", {}), sector))
        data["power"] = _power(data.get("power", {}), sector)
        profile: Profile = _build(cls, data)
        return profile

    @classmethod
    def load(cls, path: str | Path) -> Profile:
        """Read a profile file."""
        try:
            doc = json.loads(Path(path).read_text(encoding="utf-8"))
        except ValueError as error:
            raise ProfileError(f"{path}: not JSON: {error}") from error
        return cls.from_json(doc)

    def to_json(self) -> dict[str, Any]:
        """The profile as a JSON document that `from_json` turns back into an equal profile."""
        power = asdict(self.power)
        power["returns"] = {
            str(n): {k: v for k, v in (("name", r.name), ("identity", dict(r.identity)), ("image", r.image)) if v}
            for n, r in self.power.returns.items()
        }
        return {
            "seed": self.seed,
            "sector_size": self.sector_size,
            "bytes_per_second": self.bytes_per_second,
            "name": self.name,
            "identity": asdict(self.identity),
            "power": power,
            "faults": [fault_to_json(fault) for fault in self.faults],
        }

    def save(self, path: str | Path) -> None:
        """Write the profile as a JSON file."""
        Path(path).write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8")

    def with_faults(self, *faults: Fault) -> Profile:
        """The same disk with these faults added."""
        return replace(self, faults=(*self.faults, *faults))


def _object(doc: object, what: str, allowed: set[str]) -> dict[str, Any]:
    if not isinstance(doc, dict):
        raise ProfileError(f"{what} must be a JSON object")
    unknown = sorted(set(doc) - allowed)
    if unknown:
        raise ProfileError(f"{what} has an unknown field: {unknown[0]!r}")
    return dict(doc)


def _integer(value: object, what: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ProfileError(f"{what} must be a whole number, not {value!r}")
    return value


def _build(cls: Any, data: dict[str, Any]) -> Any:
    try:
        return cls(**data)
    except TypeError as error:
        raise ProfileError(f"{cls.__name__}: {error}") from error


def _fault(doc: object, sector: int) -> Fault:
    kind = doc.get("kind") if isinstance(doc, dict) else None
    cls = KINDS.get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ProfileError(f"a fault needs a kind out of {', '.join(KINDS)}")
    data = _object(doc, f"the {kind} fault", {"kind", *(f.name for f in fields(cls))})
    del data["kind"]
    for name in ("offset", "size"):
        if name in data:
            data[name] = parse_bytes(data[name], sector)
    fault: Fault = _build(cls, data)
    return fault


def _identity(doc: object, sector: int) -> dict[str, Any]:
    data = _object(doc, "identity", {f.name for f in fields(Identity)})
    if data.get("size") is not None:
        data["size"] = parse_bytes(data["size"], sector)
    return data


def _power(doc: object, sector: int) -> Power:
    data = _object(doc, "power", {f.name for f in fields(Power)})
    returns: dict[int, Return] = {}
    for cycle, item in _object(data.get("returns", {}), "returns", set(data.get("returns", {}))).items():
        if not str(cycle).isdecimal() or int(cycle) < 1:
            raise ProfileError(f"returns: {cycle!r} is not the number of a power cycle")
        entry = _object(item, f"return {cycle}", {f.name for f in fields(Return)})
        entry["identity"] = _identity(entry.get("identity", {}), sector)
        returns[int(cycle)] = _build(Return, entry)
    data["returns"] = returns
    power: Power = _build(Power, data)
    if power.settle_seconds < 0 or power.old_descriptors not in ("work", "dead"):
        raise ProfileError("power: settle_seconds must be >= 0 and old_descriptors work or dead")
    return power
