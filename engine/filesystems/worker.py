"""The worker process: The Sleuth Kit over bytes that its owner hands it, one question at a time.

Started as ``python -c ... FD``; FD is a socket to the owner. Nothing is opened here: every read of the volume is asked
of the owner, so that views, holes and maps are his, and a crash of the library ends this process only.
"""

from __future__ import annotations

import json
import resource
import socket
import sys
from array import array
from collections.abc import Iterator
from typing import Any

import pytsk3

from engine.filesystems import wire

_MEMORY = 8 << 30
_MAX_ENTRIES = 4_000_000
"""Names taken from one directory; more than any real one has, less than a loop would give."""
_MAX_RUNS = 2_000_000
_MAX_NAME = 4096
_BATCH = 2000


class _Volume(pytsk3.Img_Info):  # type: ignore[misc]
    """The owner's source as an image. ``read`` never raises: an exception inside the library's callback is lost or
    worse; what cannot be had is zeros, and the owner knows where."""

    def __init__(self, line: socket.socket, size: int, sector: int) -> None:
        self._line, self._size = line, size
        super().__init__(url="", type=pytsk3.TSK_IMG_TYPE_EXTERNAL, sector_size=sector)

    def get_size(self) -> int:
        return self._size

    def read(self, offset: int, size: int) -> bytes:
        count = max(0, min(size, self._size - offset, wire.MAX_READ))
        if offset < 0 or not count:
            return b""
        try:
            wire.send(self._line, b"R", wire.READ.pack(offset, count))
            return wire.exactly(self._line, count)
        except wire.Gone:
            sys.exit(0)
        except Exception:  # noqa: BLE001 - nothing may pass through the library
            return bytes(count)


def _open(line: socket.socket, size: int, sector: int, kind: str | None) -> Any:
    image = _Volume(line, size, sector)
    flag = getattr(pytsk3, f"TSK_FS_TYPE_{kind}") if kind else pytsk3.TSK_FS_TYPE_DETECT
    return pytsk3.FS_Info(image, 0, flag)


def _facts(fs: Any) -> dict[str, Any]:
    info = fs.info
    return {
        "type": int(info.ftype), "block_size": int(info.block_size), "blocks": int(info.last_block) + 1,
        "present": int(info.last_block_act) + 1, "root": int(info.root_inum), "first": int(info.first_inum),
        "last": int(info.last_inum), "id": bytes(info.fs_id)[: int(info.fs_id_used)].hex(),
        "pre": int(info.block_pre_size),
    }  # fmt: skip


def _text(name: bytes | None) -> str:
    return "" if name is None else name[:_MAX_NAME].decode("utf-8", "backslashreplace")


def _attributes(file: Any, runs: array[int]) -> tuple[list[list[Any]], str | None]:
    """Streams of a file as [type, id, name, size, flags, number of runs]; the runs go to ``runs`` four by four:
    block in the stream, address, length, flags (all in blocks)."""
    found: list[list[Any]] = []
    try:
        for attribute in file:
            info = attribute.info
            flags = int(info.flags)
            one: list[Any] = [int(info.type), int(info.id), _text(info.name), int(info.size), flags, 0]
            found.append(one)
            if flags & 4:  # resident: no runs, and a union of the library's holds other things there
                continue
            for run in attribute:
                runs.extend((int(run.offset), int(run.addr), int(run.len), int(run.flags)))
                one[5] += 1
                if one[5] >= _MAX_RUNS:
                    return found, "a stream has too many runs"
    except (OSError, RuntimeError, OverflowError) as error:
        return found, str(error)[:200]
    return found, None


def _row(name: Any, meta: Any, file: Any, runs: array[int]) -> list[Any]:
    """[name, name flags, name type, inode, sequence, meta | None, streams, problem].

    meta: [type, flags, size, modified, created, links, sequence, link target]."""
    head = [_text(name.name), int(name.flags), int(name.type), int(name.meta_addr), int(name.meta_seq)]
    if meta is None:
        return [*head, None, [], None]
    streams, problem = _attributes(file, runs)
    facts = [
        int(meta.type), int(meta.flags), int(meta.size), int(meta.mtime) + int(meta.mtime_nano) / 1e9, int(meta.crtime),
        int(meta.nlink), int(meta.seq), _text(meta.link) if meta.link is not None else None,
    ]  # fmt: skip
    return [*head, facts, streams, problem]


class _Packer:
    """Rows on their way: sent in batches, each followed by the runs of its streams."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.rows: list[list[Any]] = []
        self.runs: array[int] = array("q")

    def flush(self) -> None:
        if self.rows:
            wire.send_json(self._line, b"F", self.rows)
            wire.send(self._line, b"X", self.runs.tobytes())
            self.rows, self.runs = [], array("q")

    def add(self, number: int, row: list[Any]) -> None:
        self.rows.append([number, *row])
        if len(self.rows) >= _BATCH or len(self.runs) > 4 * _BATCH * 50:
            self.flush()


def _entries(fs: Any, inode: int) -> Iterator[Any]:
    for count, file in enumerate(fs.open_dir(inode=inode)):
        if count >= _MAX_ENTRIES:
            raise OSError("the directory has too many entries")
        yield file


def _list(fs: Any, line: socket.socket, inodes: list[int]) -> None:
    """The entries of these directories. Answer: rows, ``["N", problem]`` closes each directory."""
    packer = _Packer(line)
    for number, inode in enumerate(inodes):
        problem = None
        try:
            for file in _entries(fs, inode):
                name = file.info.name
                if name is None or name.name in (b".", b".."):
                    continue
                packer.add(number, _row(name, file.info.meta, file, packer.runs))
        except (OSError, RuntimeError) as error:
            problem = str(error)[:200]
        packer.rows.append([number, None, problem])
        if len(packer.rows) >= _BATCH:
            packer.flush()
    packer.flush()
    wire.send(line, b"D")


def _stat(fs: Any, line: socket.socket, inode: int) -> None:
    packer = _Packer(line)
    file = fs.open_meta(inode)
    meta = file.info.meta
    streams, problem = _attributes(file, packer.runs)
    facts = [int(meta.type), int(meta.flags), int(meta.size), int(meta.mtime), int(meta.crtime), int(meta.nlink),
             int(meta.seq), None]  # fmt: skip
    packer.add(0, ["", 1, 0, inode, 0, facts, streams, problem])
    packer.flush()
    wire.send(line, b"D")


def _content(fs: Any, line: socket.socket, question: dict[str, Any]) -> None:
    file = fs.open_meta(int(question["inode"]))
    size = min(int(question["size"]), wire.MAX_READ)
    data = file.read_random(int(question["offset"]), size, int(question["type"]), int(question["id"]))
    wire.send(line, b"C", bytes(data))


def _serve(line: socket.socket) -> None:
    fs: Any = None
    while True:
        kind, payload = wire.receive(line)
        question = json.loads(payload)
        try:
            if kind == b"o":
                fs = _open(line, question["size"], question["sector"], question["kind"])
                wire.send_json(line, b"O", _facts(fs))
            elif kind == b"l":
                _list(fs, line, question)
            elif kind == b"s":
                _stat(fs, line, int(question))
            elif kind == b"c":
                _content(fs, line, question)
        except (OSError, RuntimeError, AttributeError, OverflowError, TypeError) as error:
            wire.send_json(line, b"E", str(error)[:300])


def main() -> int:
    """Serve until the owner closes the line."""
    for what, limit in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        resource.setrlimit(what, (limit, limit))
    with socket.socket(fileno=int(sys.argv[2])) as line:
        try:
            _serve(line)
        except wire.Gone:
            return 0
    return 0
