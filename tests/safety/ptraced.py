"""A real process, stopped by the kernel at each call that may change files below a folder: killed there, or refused.

The work runs in a forked child of this process (what it imports is loaded already), with a seccomp filter that stops it
at write-like calls only; its own children are followed. Linux on x86-64; whoever is traced dies with the tracer.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# Numbers from <asm/unistd_64.h>. The letter says where the path or descriptor stands: (f)irst argument a descriptor,
# (p)ath first, (a)t: descriptor and path first, (t)wo paths, (b)oth: descriptor and path twice, (d): copies into third.
CALLS: dict[int, tuple[str, str]] = {
    1: ("write", "f"), 18: ("pwrite64", "f"), 20: ("writev", "f"), 296: ("pwritev", "f"), 328: ("pwritev2", "f"),
    2: ("open", "p"), 257: ("openat", "a"), 85: ("creat", "p"),
    74: ("fsync", "f"), 75: ("fdatasync", "f"), 76: ("truncate", "p"), 77: ("ftruncate", "f"), 285: ("fallocate", "f"),
    82: ("rename", "t"), 264: ("renameat", "b"), 316: ("renameat2", "b"), 83: ("mkdir", "p"), 258: ("mkdirat", "a"),
    84: ("rmdir", "p"), 86: ("link", "t"), 265: ("linkat", "b"), 87: ("unlink", "p"), 263: ("unlinkat", "a"),
    88: ("symlink", "t"), 266: ("symlinkat", "t"), 90: ("chmod", "p"), 91: ("fchmod", "f"), 268: ("fchmodat", "a"),
    92: ("chown", "p"), 93: ("fchown", "f"), 260: ("fchownat", "a"), 280: ("utimensat", "a"),
    40: ("sendfile", "f"), 326: ("copy_file_range", "d"), 306: ("syncfs", "f"),
}  # fmt: skip
WRITES = frozenset({"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range"})
SYNCS = frozenset({"fsync", "fdatasync"})
ROOM = WRITES | {"openat", "open", "creat", "mkdir", "mkdirat", "link", "linkat", "ftruncate", "fallocate"}
"""Calls that may need room on the disk."""

_TRACEME, _CONT, _GETREGS, _SETREGS, _SETOPTIONS = 0, 7, 12, 13, 0x4200
_OPTIONS = 0x100000 | 0x80 | 0x02 | 0x04 | 0x08  # exitkill, seccomp, fork, vfork, clone
_WALL, _SECCOMP_EVENT = 0x40000000, 7
_REGS = struct.Struct("27Q")  # <sys/user.h>: rdx 12, rsi 13, rdi 14, orig_rax 15, r10 7, rax 10
_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def lack() -> str | None:
    """Why no process can be traced like this here, or None."""
    if not sys.platform.startswith("linux") or os.uname().machine != "x86_64":
        return "tracing by registers is written for Linux on x86-64"
    try:
        seen = run(lambda: os.close(os.open(os.devnull, os.O_WRONLY)), Path("/dev"), None, patience_s=20)
    except OSError as error:
        return f"ptrace is not allowed here: {error}"
    return None if seen.calls else "seccomp stops no call here"


@dataclass(frozen=True)
class Call:
    """The ``number``-th call (from 1) that may change something below the folder; ``size``: bytes it wants to write;
    ``source``: the first of two names."""

    number: int
    name: str
    path: str
    size: int = 0
    source: str = ""


@dataclass(frozen=True)
class Fault:
    """What is done at the ``number``-th call: ``kind`` is kill, full (no room from there on but what is given back), io
    (the call fails with EIO) or short (half of the bytes are taken)."""

    kind: str
    number: int


def fits(kind: str, call: Call) -> bool:
    """Whether such a fault can meet such a call."""
    if kind == "full":
        return call.name in ROOM
    if kind == "io":
        return call.name in SYNCS or call.name in WRITES or call.name.startswith(("rename", "link"))
    return kind != "short" or (call.name in ("write", "pwrite64") and call.size > 1)


@dataclass
class Seen:
    """``status`` is the exit code of the work (negative: the signal that ended it); ``hit`` the call that got the
    fault."""

    status: int = 0
    calls: list[Call] = field(default_factory=list)
    hit: Call | None = None
    late: bool = False


class _Filter(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]


class _Program(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.POINTER(_Filter))]


def _install_filter() -> None:
    numbers = sorted(CALLS)
    steps = [_Filter(0x20, 0, 0, 0)]  # load the call's number
    for place, number in enumerate(numbers):
        steps.append(_Filter(0x15, len(numbers) - place, 0, number))  # equal: to the last step
    steps += [_Filter(0x06, 0, 0, 0x7FFF0000), _Filter(0x06, 0, 0, 0x7FF00000)]  # allow; stop for the tracer
    array = (_Filter * len(steps))(*steps)
    program = _Program(len(steps), array)
    if _libc.prctl(38, 1, 0, 0, 0) != 0 or _libc.prctl(22, 2, ctypes.byref(program), 0, 0) != 0:
        os._exit(97)


def _ptrace(request: int, pid: int, address: int = 0, data: object = 0) -> int:
    result = int(_libc.ptrace(request, pid, address, data))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


class _Tracee:
    """The registers of one stopped process and what its call is about."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.buffer = ctypes.create_string_buffer(_REGS.size)
        _ptrace(_GETREGS, pid, 0, ctypes.addressof(self.buffer))
        self.regs = list(_REGS.unpack(self.buffer.raw))
        self.name, self.form = CALLS.get(self.regs[15], ("", ""))
        self.words = [self.regs[14], self.regs[13], self.regs[12], self.regs[7]]

    def store(self) -> None:
        self.buffer.raw = _REGS.pack(*self.regs)
        _ptrace(_SETREGS, self.pid, 0, ctypes.addressof(self.buffer))

    def refuse(self, number: int) -> None:
        """The call is not made; it returns that error."""
        self.regs[15], self.regs[10] = (1 << 64) - 1, (1 << 64) - number
        self.store()

    def shorten(self) -> None:
        self.regs[12] = max(1, self.regs[12] // 2)
        self.store()

    def _text(self, address: int) -> str:
        with open(f"/proc/{self.pid}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            found = b""
            while b"\0" not in found and len(found) < 4096:
                try:
                    found += memory.read(min(256, 4096 - (address + len(found)) % 4096))
                except OSError:
                    break
        return os.fsdecode(found.split(b"\0", 1)[0])

    def _link(self, name: str) -> str:
        try:
            return os.readlink(f"/proc/{self.pid}/{name}")
        except OSError:
            return ""

    def _at(self, folder: int, address: int) -> str:
        text = self._text(address)
        if not text and folder < 1 << 31:
            return self._link(f"fd/{folder}")
        if not text.startswith("/"):
            number = ctypes.c_int(folder & 0xFFFFFFFF).value
            text = os.path.join(self._link("cwd" if number == -100 else f"fd/{number}"), text)
        head, tail = os.path.split(text)
        own = head.replace("/proc/self/", f"/proc/{self.pid}/")
        return os.path.join(os.path.realpath(own), tail)

    def paths(self) -> list[str]:
        """The files it would change."""
        first, second, third, fourth = self.words
        if self.form in ("f", "d"):
            return [self._link(f"fd/{third if self.form == 'd' else first}")]
        if self.form == "p":
            if self.name == "open" and not second & (os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR):
                return []
            return [self._at(-100 & 0xFFFFFFFF, first)]
        if self.form == "a":
            if self.name == "openat" and not third & (os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_RDWR):
                return []
            return [self._at(first, second)]
        if self.form == "t":
            return [self._at(-100 & 0xFFFFFFFF, first), self._at(-100 & 0xFFFFFFFF, second)]
        return [self._at(first, second), self._at(third, fourth)]

    @property
    def size(self) -> int:
        return self.words[2] if self.name in ("write", "pwrite64") else 0


def run(work: Callable[[], object], folder: Path, fault: Fault | None, *, patience_s: float = 120) -> Seen:
    """Run ``work`` in a process of its own with that fault. Not while other children of this process are awaited.

    Its exit code is what ``work`` returns when that is a number. What is still alive after ``patience_s`` is killed,
    and ``late`` says so.
    """
    pid = os.fork()
    if pid == 0:
        _child(work)
    os.waitpid(pid, _WALL)
    _ptrace(_SETOPTIONS, pid, 0, _OPTIONS)
    _ptrace(_CONT, pid)
    root, seen, alive, disk = str(folder.resolve()), Seen(), {pid}, _Disk()
    deadline = time.monotonic() + patience_s
    while alive:
        number, status = _wait(alive, deadline)
        if number == 0:
            seen.late = True
            for one in alive:
                _kill(one)
            deadline += 5
            continue
        if not os.WIFSTOPPED(status):
            alive.discard(number)
            if number == pid:
                seen.status = os.waitstatus_to_exitcode(status)
            continue
        alive.add(number)
        sign = os.WSTOPSIG(status)
        if status >> 16 == _SECCOMP_EVENT:
            _stopped(number, root, seen, fault, disk)
            sign = 0
        elif sign in (signal.SIGTRAP, signal.SIGSTOP):  # a new child, a fork, an exec
            sign = 0
        try:
            _ptrace(_CONT, number, 0, sign)
        except OSError as error:
            if error.errno != errno.ESRCH:
                raise
    return seen


def _child(work: Callable[[], object]) -> None:
    code = 99
    try:
        _ptrace(_TRACEME, 0)
        os.kill(os.getpid(), signal.SIGSTOP)
        _install_filter()
        result = work()
        code = result if isinstance(result, int) else 0
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode())
    finally:
        os._exit(code)


def _wait(alive: set[int], deadline: float) -> tuple[int, int]:
    """The next that stops or ends; (0, 0) when the time is over."""
    pause = 0.0
    while True:
        try:
            number, status = os.waitpid(-1, _WALL | os.WNOHANG)
        except ChildProcessError:
            for one in list(alive):  # threads of a process that was killed vanish without a word
                alive.discard(one)
            return -1, 0
        if number:
            return number, status
        if time.monotonic() > deadline:
            return 0, 0
        pause = min(pause + 0.00002, 0.002)
        time.sleep(pause)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@dataclass
class _Disk:
    """Whether it is full, and the bytes that were given back since then."""

    full: bool = False
    free: int = 0

    def takes(self, call: Call) -> bool:
        if not self.full or call.name not in ROOM or (call.name == "openat" and os.path.lexists(call.path)):
            return True
        need = call.size or 1
        if self.free < need:
            return False
        self.free -= need
        return True

    def gives_back(self, call: Call) -> None:
        if call.name.startswith("unlink"):
            try:
                facts = os.lstat(call.path)
            except OSError:
                return
            self.free += facts.st_size if facts.st_nlink == 1 else 0


def _stopped(pid: int, root: str, seen: Seen, fault: Fault | None, disk: _Disk) -> None:
    """One call is about to be made."""
    try:
        tracee = _Tracee(pid)
        inside = [path for path in tracee.paths() if path == root or path.startswith(root + "/")]
    except OSError:  # it was killed meanwhile
        return
    if not inside:
        return
    call = Call(len(seen.calls) + 1, tracee.name, inside[-1], tracee.size, inside[0])
    seen.calls.append(call)
    # threads and other processes may come in another order than when it was counted: the next call that fits is meant
    if fault is not None and seen.hit is None and call.number >= fault.number and fits(fault.kind, call):
        seen.hit = call
        if fault.kind == "kill":
            _kill(pid)
        elif fault.kind == "full":
            disk.full = True
            tracee.refuse(errno.ENOSPC)
            return
        elif fault.kind == "io":
            tracee.refuse(errno.EIO)
            return
        elif fault.kind == "short":
            tracee.shorten()
    disk.gives_back(call)
    if not disk.takes(call):
        tracee.refuse(errno.ENOSPC)
