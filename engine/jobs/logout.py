"""Whether a logout would end the jobs of this person: systemd may kill what a session leaves behind.

Facts: logind.conf(5) (``KillUserProcesses``, ``KillExcludeUsers=root``), loginctl(1) (``enable-linger``),
user@.service(5) (the user manager and all in it stop after the last session of a user who does not linger).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from engine.errors import OutsideError
from engine.tools import find_tool, run

_SLICE = re.compile(r"/user-(\d+)\.slice/(session-[^/]+\.scope|user@\d+\.service)")
_MAX_CONFIG = 1 << 20
_DEFAULT_EXCLUDED = ("root",)


@dataclass(frozen=True, slots=True)
class LogoutRisk:
    """Why jobs started here would not survive a logout, and what to do about it."""

    message: str
    advice: str


@dataclass(frozen=True, slots=True)
class LogindPolicy:
    """What logind does to processes of an ended session. ``excluded`` users keep theirs; ``only``: if not empty, no
    other user loses any."""

    kill: bool = False
    excluded: tuple[str, ...] = _DEFAULT_EXCLUDED
    only: tuple[str, ...] = ()

    def kills(self, user: str) -> bool:
        """Whether the processes of that user's sessions are killed."""
        return self.kill and user not in self.excluded and (not self.only or user in self.only)


def parse_policy(texts: list[str], kill_default: bool = False) -> LogindPolicy:
    """The policy from the texts of logind.conf and its drop-ins, in the order in which they apply."""
    kill, excluded, only = kill_default, _DEFAULT_EXCLUDED, ()  # type: bool, tuple[str, ...], tuple[str, ...]
    for text in texts:
        section = ""
        for raw in text.splitlines():
            line = raw.strip()
            if line.startswith("["):
                section = line
            key, found, value = (part.strip() for part in line.partition("="))
            if not found or section != "[Login]" or line[:1] in "#;":
                continue
            if key == "KillUserProcesses":
                kill = value.lower() in ("1", "yes", "y", "true", "t", "on")
            elif key == "KillExcludeUsers":
                excluded = tuple(value.split())
            elif key == "KillOnlyUsers":
                only = tuple(value.split())
    return LogindPolicy(kill, excluded, only)


def read_policy(root: Path = Path("/")) -> LogindPolicy:
    """The policy of this machine: its files, and for ``KillUserProcesses`` the running logind where it answers."""
    places = [root / "usr/lib/systemd", root / "usr/local/lib/systemd", root / "run/systemd", root / "etc/systemd"]
    main = next((place / "logind.conf" for place in reversed(places) if (place / "logind.conf").is_file()), None)
    # Drop-ins apply by file name; one in /etc hides one of the same name elsewhere.
    drops = {path.name: path for place in places for path in place.glob("logind.conf.d/*.conf")}
    files = [path for path in (main, *(drops[name] for name in sorted(drops))) if path is not None]
    policy = parse_policy([_read(path) for path in files])
    told = _ask_logind() if root == Path("/") else None
    return policy if told is None else LogindPolicy(told, policy.excluded, policy.only)


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read(_MAX_CONFIG).decode("utf-8", "replace")
    except OSError:
        return ""


def _ask_logind() -> bool | None:
    tool = find_tool("busctl")
    if tool is None:
        return None
    name = "org.freedesktop.login1"
    argv = [tool, "get-property", name, "/org/freedesktop/login1", f"{name}.Manager", "KillUserProcesses"]
    try:
        done = run(argv, timeout_s=3)
    except OutsideError:
        return None
    return {"b true": True, "b false": False}.get(done.stdout.strip())


def logout_risk(root: Path = Path("/"), policy: LogindPolicy | None = None) -> LogoutRisk | None:
    """The risk that a logout ends jobs started from here, None when there is none (or no systemd).

    ``root`` is where ``proc``, ``run``, ``var`` and ``etc`` are looked for. A few milliseconds; asks logind by busctl.
    """
    if not (root / "run/systemd/system").is_dir():
        return None
    found = _SLICE.search(_read(root / "proc/self/cgroup"))
    if found is None:  # not in anybody's session: a system service, or a machine without logind
        return None
    user = _user_name(int(found.group(1)))
    if (root / "var/lib/systemd/linger" / user).exists():
        return None
    remedy = f"run once: loginctl enable-linger {user}"
    if found.group(2).startswith("user@"):
        return LogoutRisk("systemd ends everything started from this desktop session when you log out", remedy)
    if (policy or read_policy(root)).kills(user):
        return LogoutRisk("this system kills what you leave running when you log out (KillUserProcesses=yes)", remedy)
    return None


def _user_name(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
