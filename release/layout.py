"""The archive's file: a zip that Python starts, in which every file of every Python's environment stands once.

    archive.json        version, key, processor, Pythons, groups; which wheels, with their hashes
    files-3.12.json     for one Python: [path below site-packages, size, SHA-256] of each file
    group-N.json        [SHA-256, size] of what a group holds, in order
    group-N.xz          those contents one behind the other, compressed as one
    __main__.py         release/start.py

A group is what the same Pythons have in common, so that a start unpacks no more than its own Python needs. The same
input gives the same bytes: no times, no owners, everything sorted.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from release.lock import ROOT
from release.trees import Tree

START = ROOT / "release" / "start.py"
SHEBANG = b"#!/usr/bin/env python3\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Group:
    """Contents that the Pythons ``minors`` have in common: digests in order."""

    minors: tuple[str, ...]
    digests: tuple[str, ...]


def group_contents(trees: Mapping[str, Tree]) -> tuple[dict[str, bytes], list[Group], dict[str, list[list[Any]]]]:
    """Contents by digest, their groups, and each Python's list of files."""
    contents: dict[str, bytes] = {}
    first_name: dict[str, str] = {}
    users: dict[str, set[str]] = {}
    files: dict[str, list[list[Any]]] = {}
    for minor, tree in sorted(trees.items()):
        files[minor] = []
        for name, content in sorted(tree.items()):
            digest = hashlib.sha256(content).hexdigest()
            contents[digest] = content
            first_name.setdefault(digest, name)
            users.setdefault(digest, set()).add(minor)
            files[minor].append([name, len(content), digest])
    by_minors: dict[tuple[str, ...], list[str]] = {}
    for digest, minors in users.items():
        by_minors.setdefault(tuple(sorted(minors, key=_number)), []).append(digest)

    def alike(digest: str) -> tuple[str, str]:
        """Like beside like: it compresses better."""
        return PurePosixPath(first_name[digest]).suffix, first_name[digest]

    groups = [Group(minors, tuple(sorted(digests, key=alike))) for minors, digests in sorted(by_minors.items())]
    return contents, groups, files


def _number(minor: str) -> int:
    return int(minor.split(".")[1])


def compress(parts: list[bytes], machine: str, preset: int) -> bytes:
    """xz, with the filter for the processor's jumps where Python has it."""
    filters: list[dict[str, Any]] = [{"id": lzma.FILTER_X86}] if machine == "x86_64" else []
    filters.append({"id": lzma.FILTER_LZMA2, "preset": preset})
    compressor = lzma.LZMACompressor(lzma.FORMAT_XZ, lzma.CHECK_CRC64, filters=filters)
    return b"".join([*map(compressor.compress, parts), compressor.flush()])


def write_archive(
    path: Path, trees: Mapping[str, Tree], about: Mapping[str, Any], preset: int = 9 | lzma.PRESET_EXTREME
) -> None:
    """Writes the archive for the Pythons of ``trees``. ``about``: version, machine, glibc, and more to tell."""
    contents, groups, files = group_contents(trees)
    members: dict[str, bytes] = {}
    listed = []
    for number, group in enumerate(groups):
        index, data = f"group-{number}.json", f"group-{number}.xz"
        members[index] = _json([[digest, len(contents[digest])] for digest in group.digests])
        members[data] = compress([contents[digest] for digest in group.digests], about["machine"], preset)
        listed.append({"minors": group.minors, "index": index, "data": data})
    for minor, rows in files.items():
        members[f"files-{minor}.json"] = _json(rows)
    start = START.read_bytes()
    whole = hashlib.sha256(start)
    for minor in sorted(files):
        whole.update(members[f"files-{minor}.json"])
    minors = sorted(files, key=_number)
    head = {**about, "minors": minors, "groups": listed, "key": whole.hexdigest()}
    ordered = {"__main__.py": start, "archive.json": json.dumps(head, indent=1, sort_keys=True).encode(), **members}
    with path.open("wb") as file:
        file.write(SHEBANG)
        with zipfile.ZipFile(file, "w") as archive:
            for name, content in ordered.items():
                member = zipfile.ZipInfo(name, _EPOCH)
                member.external_attr = 0o100644 << 16
                member.create_system = 3
                kind = zipfile.ZIP_STORED if name.endswith(".xz") else zipfile.ZIP_DEFLATED
                archive.writestr(member, content, kind, 9)
    path.chmod(0o755)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
