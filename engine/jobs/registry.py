"""Where this person's jobs are: one symbolic link for each job directory, in the state folder of the user.

The start screen finds running jobs by it without knowing any case. Links that lead nowhere (a disk that is not plugged
in) are passed over, not removed: the disk may come back. Under sudo the folder is that of the person who called.
"""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

from engine.jobs.directory import allowed_owners, make_folder

_MAX_ENTRIES = 1000


def state_directory() -> Path:
    """``$XDG_STATE_HOME/rescuedeck``, by default ``~/.local/state/rescuedeck``."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return (Path(base) if os.path.isabs(base) else _home() / ".local" / "state") / "rescuedeck"


def _home() -> Path:
    invoker = os.environ.get("SUDO_UID", "")
    if os.geteuid() == 0 and invoker.isdecimal():
        import pwd

        try:
            return Path(pwd.getpwuid(int(invoker)).pw_dir)
        except KeyError:
            return Path.home()
    return Path.home()


def registry_directory() -> Path:
    """The folder of the links."""
    return state_directory() / "jobs"


def _link(directory: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return registry_directory() / digest


def add(directory: str | os.PathLike[str]) -> bool:
    """Remember a job directory; False when that is not possible (the job works all the same)."""
    target = Path(directory).absolute()
    try:
        link = _link(target)
        make_folder(link.parent)
        _prune(link.parent)
        os.symlink(target, link)
        uid, gid = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
        if os.geteuid() == 0 and uid.isdecimal() and gid.isdecimal():
            os.chown(link, int(uid), int(gid), follow_symlinks=False)
    except FileExistsError:
        return True
    except (OSError, RuntimeError):  # RuntimeError: no home directory can be found
        return False
    return True


def forget(directory: str | os.PathLike[str]) -> None:
    """Take a job directory out of the registry; nothing happens when it is not in it."""
    try:
        os.unlink(_link(Path(directory).absolute()))
    except (OSError, RuntimeError):
        return


def known() -> tuple[Path, ...]:
    """The job directories that are there now, the one registered last first. They may still turn out to be damaged."""
    found = []
    for link in _links():
        try:
            target = Path(os.readlink(link))
            if target.is_absolute() and stat.S_ISDIR(os.lstat(target).st_mode):
                found.append(target)
        except (OSError, ValueError):
            continue
    return tuple(dict.fromkeys(found))


def _links() -> list[str]:
    """Links of trusted owners, newest first."""
    entries = []
    owners = allowed_owners()
    try:
        with os.scandir(registry_directory()) as scan:
            for entry in scan:
                status = entry.stat(follow_symlinks=False)
                if entry.is_symlink() and status.st_uid in owners:
                    entries.append((status.st_mtime_ns, entry.path))
    except (OSError, RuntimeError):
        return []
    entries.sort(reverse=True)
    return [path for _, path in entries[:_MAX_ENTRIES]]


def _prune(folder: Path) -> None:
    """Far more links than anybody has jobs: those that lead nowhere go."""
    names = os.listdir(folder)
    if len(names) < _MAX_ENTRIES:
        return
    for name in names:
        path = folder / name
        if path.is_symlink() and not path.exists():
            path.unlink()
