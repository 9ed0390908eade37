"""What this process may do with devices, each with the advice that helps. Nothing here opens a drive."""

from __future__ import annotations

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from engine.host.installation import how_to_get
from engine.host.roots import HERE, Roots, names_in, read_text
from engine.tools import find_tool

CAP_SYS_RAWIO = 17
CAP_SYS_ADMIN = 21
_VIRTUAL = ("loop", "ram", "zram", "dm-", "md", "nbd")
_ROOT = "start it as root, with sudo"


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether something is allowed here; ``advice`` says what helps (empty when all is well)."""

    what: str
    ok: bool
    advice: str = ""


def capabilities(roots: Roots = HERE) -> int:
    """The effective capability bits of this process (capabilities(7)); 0 when they cannot be read."""
    text = read_text(roots.proc / "self" / "status") or ""
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)", text, re.MULTILINE)
    return int(found.group(1), 16) if found else 0


def has_capability(number: int, roots: Roots = HERE) -> bool:
    """Whether this process has a capability."""
    return bool(capabilities(roots) >> number & 1)


def all_permissions(roots: Roots = HERE) -> list[Permission]:
    """Everything that rescuedeck may want, in order of importance."""
    return [
        read_drives(roots),
        keep_drives_unwritten(roots),
        files_have_an_owner(),
        smart(roots),
        kernel_log(roots),
        fuse(roots),
        loops(roots),
        detach_drives(roots),
        after_logout(),
    ]


def read_drives(roots: Roots = HERE) -> Permission:
    """Reading raw drives: all of them as root, else those whose nodes allow it."""
    what = "read drives"
    names = [name for name in names_in(roots.block) if not name.startswith(_VIRTUAL)]
    nodes = _nodes(roots)
    if not names:
        return Permission(what, False, "the system shows no drives here: work on image files")
    if not nodes:
        return Permission(what, False, "the drives have no nodes here: give this container the node of the drive")
    readable = [path for path in nodes if os.access(path, os.R_OK)]
    if len(readable) == len(nodes):
        return Permission(what, True)
    one = f"for one drive without root: {_one_drive(nodes)}"
    if readable:
        return Permission(what, True, f"only {', '.join(readable)}; {one}")
    return Permission(what, False, f"{_ROOT}; {one}; image files need no privilege")


def keep_drives_unwritten(roots: Roots = HERE) -> Permission:
    """That no other program of this person can write to a drive by a slip. rescuedeck itself opens them read-only."""
    what = "drives are safe from your other programs"
    writable = [path for path in _nodes(roots) if os.access(path, os.W_OK)]
    if not writable:
        return Permission(what, True)
    if os.geteuid() == 0:
        return Permission(what, False, "root may write to every drive: an ACL that lets a user read one is enough")
    shown = ", ".join(writable[:4]) + (" ..." if len(writable) > 4 else "")
    return Permission(what, False, f"you may write to {shown} (the group disk?); to read: {_one_drive(writable)}")


def files_have_an_owner() -> Permission:
    """To whom belongs what is made here."""
    what = "what is made here belongs to you"
    if os.geteuid() != 0 or os.environ.get("SUDO_UID", "").isdigit():
        return Permission(what, True)
    advice = "root without sudo: what is made in somebody's folder is theirs, all else and all jobs are root's alone"
    return Permission(what, False, advice)


def _nodes(roots: Roots) -> list[str]:
    """The nodes of whole drives."""
    names = [name for name in names_in(roots.block) if not name.startswith(_VIRTUAL)]
    return [path for name in names if roots.devno_of(path := roots.node_path(name)) is not None]


def _one_drive(nodes: list[str]) -> str:
    who = "USER" if os.geteuid() == 0 else str(os.geteuid())
    return f"setfacl -m u:{who}:r {nodes[0] if len(nodes) == 1 else '/dev/sdX'}"


def smart(roots: Roots = HERE) -> Permission:
    """Asking drives for their health needs raw commands."""
    what = "ask drives for their health"
    if has_capability(CAP_SYS_RAWIO, roots) and has_capability(CAP_SYS_ADMIN, roots):
        return Permission(what, True)
    return Permission(what, False, _ROOT)


def kernel_log(roots: Roots = HERE) -> Permission:
    """The kernel's messages say why a drive fails; its counters can be read without."""
    what = "read the kernel's messages"
    try:
        os.close(os.open(roots.dev / "kmsg", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        if error.errno == errno.ENOENT:
            return Permission(what, False, "this system hides them (container)")
        return Permission(what, False, f"{_ROOT}, or: sysctl kernel.dmesg_restrict=0")
    return Permission(what, True)


def fuse(roots: Roots = HERE) -> Permission:
    """FUSE mounts: the demonstration drive, and the failing disk of the tests."""
    what = "mount with FUSE"
    node = roots.dev / "fuse"
    if not node.exists():
        return Permission(what, False, "load it: modprobe fuse (in a container: --device /dev/fuse)")
    if not os.access(node, os.R_OK | os.W_OK):
        return Permission(what, False, "you may not use /dev/fuse")
    if os.geteuid() != 0 and find_tool("fusermount3") is None:
        return Permission(what, False, f"install it: {how_to_get('fuse3')}")
    return Permission(what, True)


def loops(roots: Roots = HERE) -> Permission:
    """Loop devices: attaching an image for other programs."""
    what = "attach loop devices"
    if not (roots.dev / "loop-control").exists():
        return Permission(what, False, "load it: modprobe loop (a container may not have it)")
    if os.access(roots.dev / "loop-control", os.R_OK | os.W_OK) and has_capability(CAP_SYS_ADMIN, roots):
        return Permission(what, True)
    return Permission(what, False, _ROOT)


def detach_drives(roots: Roots = HERE) -> Permission:
    """Taking a hung drive off its bus and looking for it again."""
    what = "take drives off the bus and rescan"
    if not os.access(roots.sys / "block", os.R_OK):
        return Permission(what, False, "there is no /sys here")
    writable = os.geteuid() == 0 and not os.statvfs(roots.sys).f_flag & os.ST_RDONLY
    if writable:
        return Permission(what, True)
    return Permission(what, False, f"{_ROOT}; without it, pull and plug the drive yourself")


def after_logout(configuration: Path = Path("/etc/systemd"), uid: int | None = None) -> Permission:
    """Whether jobs survive the end of the session: logind may kill all processes of a person who logs out."""
    what = "jobs go on after logout"
    me = os.geteuid() if uid is None else uid
    if me == 0 or not _kills(configuration):
        return Permission(what, True)
    return Permission(what, False, "logind ends your processes at logout (KillUserProcesses): loginctl enable-linger")


def _kills(configuration: Path) -> bool:
    files = [configuration / "logind.conf"]
    drop_ins = configuration / "logind.conf.d"
    files += [drop_ins / name for name in names_in(drop_ins) if name.endswith(".conf")]
    value = ""
    for path in files:
        for line in (read_text(path) or "").splitlines():
            key, found, said = line.partition("=")
            if found and key.strip() == "KillUserProcesses":
                value = said.strip().lower()
    return value in ("yes", "true", "1", "on")
