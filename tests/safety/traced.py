"""What a program did to one file, by strace: every call that names it or a descriptor of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

CALLS = (
    "open,openat,openat2,creat,write,pwrite64,pwritev,pwritev2,writev,ftruncate,truncate,fallocate,unlink,unlinkat,"
    "rename,renameat,renameat2,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,fchownat,utimensat,"
    "copy_file_range,sendfile,splice,ioctl,mmap,sync_file_range,setxattr,fsetxattr,fremovexattr"
)
_HARMLESS_IOCTLS = re.compile(
    r"ioctl\(\d+<[^>]*>, (BLK\w*GET\w*|BLKSSZGET|HDIO_GET\w*|TCGETS|FS_IOC_FIEMAP|FIONREAD)\b"
)


def command(log: Path, *argv: str) -> list[str]:
    """The argument list that runs ``argv`` under strace, all its children too."""
    return [
        "strace",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-qq",
        "-s",
        "0",
        "-e",
        f"trace={CALLS}",
        "-e",
        "signal=none",
        "-o",
        str(log),
        *argv,
    ]


MARK = "/visit: "


def visits(log: Path) -> dict[str, list[str]]:
    """The lines of a trace by the visit that they belong to: each begins with an open of ``MARK`` + name."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    with open(log, errors="replace") as stream:
        for line in stream:
            if MARK in line:
                lines = found.setdefault(line.partition(MARK)[2].partition('"')[0], [])
            lines.append(line.rstrip("\n"))
    return found


def offences(log: Path, patient: Path) -> tuple[int, list[str]]:
    """(how often it was opened for reading, the calls that could have changed it)."""
    return judged(log.read_text(errors="replace").splitlines(), [patient])


def judged(lines: Iterable[str], patients: Sequence[Path]) -> tuple[int, list[str]]:
    """``offences`` for several files at once, over the lines of a trace."""
    name = "(?:" + "|".join(re.escape(str(one)) for one in patients) + ")"
    found: list[str] = []
    opened = 0
    as_path = re.compile(rf'"{name}"')
    as_descriptor = re.compile(rf"<{name}(?:<[^>]*>)?>")
    for line in lines:
        if ("= -1 E" in line and "open" in line) or "<... " in line:  # failed, or the end of a call that was seen begin
            continue
        by_path, by_descriptor = bool(as_path.search(line)), bool(as_descriptor.search(line))
        if not by_path and not by_descriptor:
            continue
        call = line.split("(", 1)[0].split()[-1]
        if call in ("open", "openat", "openat2", "creat"):
            if not by_path:
                continue  # relative to a folder of the same name, or the descriptor that was returned
            opened += 1
            if re.search(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_APPEND", line) or call == "creat":
                found.append(line)
        elif call in ("symlink", "symlinkat"):
            if as_path.search(line.rsplit(",", 1)[1]):  # what it leads to is only text; what it is called is a file
                found.append(line)
        elif call == "mmap":
            if "PROT_WRITE" in line and "MAP_SHARED" in line:
                found.append(line)
        elif call == "ioctl":
            if not _HARMLESS_IOCTLS.search(line):
                found.append(line)
        elif call in ("copy_file_range", "sendfile", "splice"):
            target = line.split("(", 1)[1].split(",")
            place = {"copy_file_range": 2, "sendfile": 0, "splice": 2}[call]
            if as_descriptor.search(target[place]):
                found.append(line)
        else:
            found.append(line)
    return opened, found
