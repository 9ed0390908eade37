"""What can be seen in the mounted directory besides the disk itself: links and facts, as a system would show them.

```
disk                                       the node (disk-2 ... after a return under another name)
identity.json                              identity and state
by-id/ata-MODEL_SERIAL, by-id/wwn-0x...    links to the node, only while it is there
dev/KNAME, dev/disk/by-id/...              the same in the shape of /dev
sys/block/KNAME/...                        the facts in the shape of /sys
```

KNAME is `failing1`, `failing2` ... by incarnation, or the name of the loop device when the disk is behind one.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

Entry = bytes | str | None
"""Content of a file, target of a link, or None for a directory."""

_STATES = {"alive": "running", "hung": "running", "offline": "offline", "gone": "transport-offline"}


def build(status: Mapping[str, Any], mount: str) -> dict[str, Entry]:
    """All paths below the mount but the node, from a drive's status (with `device`, the loop device, or None)."""
    identity: Mapping[str, Any] = status["identity"]
    tree: dict[str, Entry] = {
        "/identity.json": (json.dumps({"state": status["state"], **identity}, indent=1) + "\n").encode(),
    }
    for directory in ("/by-id", "/dev", "/dev/disk", "/dev/disk/by-id", "/sys", "/sys/block"):
        tree[directory] = None
    node = status["node"]
    if node is None:
        return tree
    device = status.get("device") or os.path.join(mount, node)
    loop = status.get("device")
    kname = os.path.basename(loop) if loop else f"failing{status['instance']}"
    for name in link_names(identity):
        tree["/by-id/" + name] = device
        tree["/dev/disk/by-id/" + name] = device
    tree["/dev/" + kname] = device
    _sysfs(tree, "/sys/block/" + kname, identity, status)
    return tree


def link_names(identity: Mapping[str, Any]) -> list[str]:
    """Names of the stable links of a drive, as udev would make them."""
    names = ["ata-" + f"{identity['model']}_{identity['serial']}".replace(" ", "_").replace("/", "_")]
    if identity["wwn"]:
        names.append("wwn-" + identity["wwn"])
    return names


def _sysfs(tree: dict[str, Entry], base: str, identity: Mapping[str, Any], status: Mapping[str, Any]) -> None:
    sector = identity["sector_size"]
    files: dict[str, object] = {
        "size": identity["size"] // 512,
        "ro": 0,
        "removable": 0,
        "diskseq": status["instance"],
        "queue/logical_block_size": sector,
        "queue/physical_block_size": sector,
        "queue/rotational": 0,
        "device/vendor": "ATA     ",
        "device/model": identity["model"][:16].ljust(16),
        "device/serial": identity["serial"],
        "device/state": _STATES[status["state"]],
    }
    if identity["wwn"]:
        files["device/wwid"] = "naa." + identity["wwn"].removeprefix("0x")
    for directory in (base, base + "/queue", base + "/device", base + "/holders"):
        tree[directory] = None
    for name, value in files.items():
        tree[f"{base}/{name}"] = f"{value}\n".encode()
