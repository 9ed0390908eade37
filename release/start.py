"""The first module of the single-file archive: unpacks it once, then starts rescuedeck from what it unpacked.

It is the archive's ``__main__``, so it imports nothing but the standard library, and stays readable to Pythons that are
too old to run the rest: they are to be told so. What it unpacks is a Python environment of its own: ``bin/python`` (a
link), ``pyvenv.cfg`` and the packages. A later start looks at every file's size there, and unpacks anew if one differs.

Exit code 3: something outside (Python, a place to write) is missing.
"""

import json
import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Files = list[tuple[str, int, str]]  # path below site-packages, size, SHA-256

FOLDER_SETTING = "RESCUEDECK_FOLDER"
MARK = "rescuedeck-archive.json"
FAILED = 3


class Refused(Exception):
    """Why this folder, or this machine, will not do; in words."""


class Damaged(Exception):
    """Why what the archive holds is not what was put into it; in words."""


def say(text: str) -> None:
    sys.stderr.write("rescuedeck: " + text + "\n")


# ---------------------------------------------------------------------------------------------- this machine


def check_machine(about: "dict[str, Any]") -> None:
    """Raises Refused when nothing in the archive can run here."""
    machine = os.uname().machine
    if machine != about["machine"]:
        raise Refused("this archive is for {} processors, this one is {}".format(about["machine"], machine))
    if sys.maxsize < 2**32:
        raise Refused("this Python has 32 bits; 64 are needed")
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (ValueError, OSError, AttributeError):
        libc = ""
    name, _, version = libc.partition(" ")
    least = about["glibc"]
    if name != "glibc" or [int(part) for part in version.split(".")[:2]] < least:
        here = libc or "another C library"
        raise Refused(f"it needs the GNU C library {least[0]}.{least[1]} or later; here is {here}")


def why_unfit(minors: "list[str]") -> "str | None":
    """Why this Python cannot run the archive; None when it can."""
    if sys.implementation.name != "cpython":
        return "this is " + sys.implementation.name
    minor = "{}.{}".format(*sys.version_info[:2])
    if minor not in minors:
        return "this is Python " + minor
    if "t" in getattr(sys, "abiflags", ""):
        return "this is a free-threaded Python"
    for module in ("lzma", "zlib", "ctypes", "sqlite3"):
        try:
            __import__(module)
        except ImportError:
            return "this Python was built without " + module
    return None


def other_python(minors: "list[str]") -> "str | None":
    """The path of another Python in PATH that the archive has packages for; None when there is none."""
    for minor in sorted(minors, key=lambda one: int(one.split(".")[1]), reverse=True):
        for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
            path = os.path.join(folder, "python" + minor)
            if os.path.isabs(folder) and os.access(path, os.X_OK) and not same_file(path, sys.executable):
                return path
    return None


def same_file(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


# ------------------------------------------------------------------------------------------------ the folder


def folders() -> "Iterator[str]":
    """Where things may be unpacked, best first: below the folder that was named, or this user's own ones."""
    named = os.environ.get(FOLDER_SETTING)
    if named:
        yield os.path.join(os.path.abspath(named), "rescuedeck")
        return
    uid = os.geteuid()
    home = os.environ.get("HOME") or "/nonexistent"
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(home, ".cache")
    if uid == 0 and owner_of(home) not in (0, None):  # a sudo that kept its caller's home
        import pwd

        cache = os.path.join(pwd.getpwuid(0).pw_dir, ".cache")
    if os.path.isabs(cache):
        yield os.path.join(cache, "rescuedeck")
    for shared in ("/var/tmp", "/tmp", "/dev/shm"):
        yield os.path.join(shared, f"rescuedeck-{uid}")


def owner_of(path: str) -> "int | None":
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def check_trust(folder: str) -> None:
    """Raises Refused unless only this user, or root, can have put something into a folder; OSError when it is not
    there. A named folder on a stick's FAT has the modes that it was mounted with: whoever names it knows.
    """
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode):
        raise Refused("is no folder")
    if found.st_uid not in (0, os.geteuid()):
        raise Refused("belongs to somebody else")
    if found.st_mode & 0o022 and not os.environ.get(FOLDER_SETTING):
        raise Refused("may be written by others")
    if os.statvfs(folder).f_flag & os.ST_NOEXEC:
        raise Refused("is mounted noexec")


def make_private(folder: str, needed: int) -> None:
    """Creates a folder that is this user's alone, with room for ``needed`` bytes. Raises Refused, OSError."""
    os.makedirs(os.path.dirname(folder), exist_ok=True)
    made = False
    try:
        os.mkdir(folder, 0o700)
        made = True
    except FileExistsError:
        found = os.lstat(folder)
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and found.st_mode & 0o077:
            try:
                os.chmod(folder, 0o700)
            except OSError:  # FAT: check_trust decides
                pass
    try:
        check_trust(folder)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise Refused("cannot be written")
        state = os.statvfs(folder)
        if needed > state.f_bavail * state.f_frsize:
            raise Refused(f"has no room for {needed // 1000000 + 1} MB")
    except Refused:
        if made:
            os.rmdir(folder)
        raise


# ---------------------------------------------------------------------------------------------- what is there


def is_complete(place: str, files: "Files", executable: str) -> bool:
    """Whether every file of the environment has its size, and it runs with this Python. Only the mark is read."""
    try:
        with open(os.path.join(place, MARK), "rb") as mark:
            if json.loads(mark.read().decode()).get("python") != executable:
                return False
        base = site_of(place) + "/"
        for name, size, _digest in files:
            if os.stat(base + name).st_size != size:
                return False
        return os.access(os.path.join(place, "bin", "python"), os.X_OK)
    except (OSError, ValueError, AttributeError):
        return False


def site_of(place: str) -> str:
    return os.path.join(place, "lib", "python{}.{}".format(*sys.version_info[:2]), "site-packages")


# ------------------------------------------------------------------------------------------------- unpacking


def unpack(archive: str, about: "dict[str, Any]", minor: str, files: "Files", place: str) -> None:
    """Unpacks beside ``place`` and then moves it there. The lock of the folder is held. Raises OSError, Refused."""
    import shutil
    import tempfile

    base = os.path.dirname(place)
    for name in os.listdir(base):
        if name.startswith(".unpacking-"):  # of one that was interrupted
            shutil.rmtree(os.path.join(base, name), ignore_errors=True)
    part = tempfile.mkdtemp(prefix=".unpacking-", dir=base)
    try:
        write_files(archive, about, minor, files, part)
        make_environment(part, os.path.realpath(sys.executable))
        write(os.path.join(part, MARK), json.dumps(mark_of(archive, about), indent=1).encode())
        flush(part)
        if os.path.lexists(place):
            os.rename(place, part + "-old")
        os.rename(part, place)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(part + "-old", ignore_errors=True)
    remove_earlier(base, os.path.basename(place))


def mark_of(archive: str, about: "dict[str, Any]") -> "dict[str, str]":
    return {
        "file": archive,
        "version": about["version"],
        "key": about["key"],
        "python": os.path.realpath(sys.executable),
    }


def write_files(archive: str, about: "dict[str, Any]", minor: str, files: "Files", part: str) -> None:
    """Writes every file of this Python's list, each checked by its hash."""
    import hashlib
    import lzma
    import zipfile
    import zlib

    site = site_of(part)
    wanted: dict[str, list[str]] = {}
    for name, _size, digest in files:
        target = os.path.normpath(os.path.join(site, name))
        if not target.startswith(part + os.sep):
            raise Damaged(f"{name!r} would leave its folder")
        os.makedirs(os.path.dirname(target), exist_ok=True)
        wanted.setdefault(digest, []).append(target)
    try:
        with zipfile.ZipFile(archive) as opened:
            for group in about["groups"]:
                if minor not in group["minors"]:
                    continue
                with opened.open(group["data"]) as raw, lzma.open(raw) as data:
                    for digest, size in json.loads(opened.read(group["index"]).decode()):
                        content = data.read(size)
                        if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
                            raise Damaged("{} does not hold what it should".format(group["data"]))
                        for target in wanted.pop(digest, ()):
                            write(target, content)
    except (zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, ValueError, KeyError) as error:
        raise Damaged(str(error)) from error
    if wanted:
        raise Damaged(f"{len(wanted)} files are missing")


def write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(content)


def make_environment(part: str, executable: str) -> None:
    """What makes a folder a Python environment (https://docs.python.org/3/library/venv.html), without the module venv,
    which Debian leaves out."""
    import shutil

    os.makedirs(os.path.join(part, "bin"))
    python = os.path.join(part, "bin", "python")
    try:
        os.symlink(executable, python)
    except OSError:  # a stick's FAT knows no links
        shutil.copy2(executable, python)
        os.chmod(python, 0o755)
    version = "{}.{}.{}".format(*sys.version_info[:3])
    lines = ["home = " + os.path.dirname(executable), "include-system-site-packages = false", "version = " + version]
    write(os.path.join(part, "pyvenv.cfg"), ("\n".join(lines) + "\n").encode())


def flush(folder: str) -> None:
    """Brings it to the disk before it gets its name: the power may go at any time. Only this file system is flushed;
    sync(2) would wait for a failing drive too."""
    import subprocess

    try:
        subprocess.run(["sync", "-f", folder], stderr=subprocess.DEVNULL, timeout=300)
    except (OSError, subprocess.SubprocessError):
        pass


def remove_earlier(base: str, keep: str) -> None:
    """Removes what earlier archives unpacked, unless something runs there: a rescue may outlast many updates."""
    import shutil

    for name in os.listdir(base):
        place = os.path.join(base, name)
        other = name.startswith("rescuedeck-") and name.split("-py")[0] != keep.split("-py")[0]
        if other and os.path.exists(os.path.join(place, MARK)) and not is_used(place):
            shutil.rmtree(place, ignore_errors=True)


def is_used(place: str) -> bool:
    """Whether a process of this user runs from a folder, or has one of its files mapped."""
    needle = os.fsencode(place + os.sep)
    for name in os.listdir("/proc"):
        for kind in ("cmdline", "maps"):
            try:
                with open(f"/proc/{int(name)}/{kind}", "rb") as file:
                    if needle in file.read():
                        return True
            except (OSError, ValueError):
                continue
    return False


def lock(base: str) -> int:
    """Held until this process goes: one unpacks, the others wait for it."""
    import fcntl

    handle = os.open(os.path.join(base, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        try:
            say("waiting for another start that unpacks")
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # a file system without locks: the folder gets its name in one step all the same
            pass
    return handle


def unpack_locked(archive: str, about: "dict[str, Any]", minor: str, files: "Files", place: str) -> str:
    """Unpacks what another start has not unpacked meanwhile. Returns ``place``."""
    held = lock(os.path.dirname(place))
    try:
        if not is_complete(place, files, os.path.realpath(sys.executable)):
            size = sum(size for _name, size, _digest in files) // 1000000 + 1
            say(f"unpacking into {place}, once ({size} MB)")
            unpack(archive, about, minor, files, place)
            try_out(place)
    finally:
        os.close(held)
    return place


def find_or_unpack(archive: str, about: "dict[str, Any]", minor: str, files: "Files") -> str:
    """The environment's folder. Raises Refused when there is no place for one."""
    name = "rescuedeck-{}-{}-py{}".format(about["version"], about["key"][:12], minor)
    executable = os.path.realpath(sys.executable)
    reasons = []
    for base in folders():
        place = os.path.join(base, name)
        try:
            check_trust(base)
        except (OSError, Refused):
            continue
        if is_complete(place, files, executable):
            return place
    needed = sum(size for _name, size, _digest in files) * 21 // 20
    for base in folders():
        try:
            make_private(base, needed)
            return unpack_locked(archive, about, minor, files, os.path.join(base, name))
        except OSError as error:
            at = error.filename if isinstance(error.filename, str) else base
            reasons.append(f"{at}: {error.strerror or error}")
        except Damaged as damaged:
            raise Refused(f"this file is damaged, copy it again: {damaged}") from damaged
        except Refused as refused:
            reasons.append(f"{base}: {refused}")
    advice = "name a folder of your own in " + FOLDER_SETTING
    raise Refused("nothing can be unpacked:\n  " + "\n  ".join(reasons) + "\n" + advice)


def try_out(place: str) -> None:
    """The packages with compiled parts, which may not suit this processor, told once."""
    import subprocess

    python = os.path.join(place, "bin", "python")
    done = subprocess.run(
        [python, "-P", "-c", "import numpy, psutil, textual"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", env=environment(),
    )  # fmt: skip
    if done.returncode:
        last = (done.stdout.decode("utf-8", "replace").strip().splitlines() or ["it was killed"])[-1]
        say(f"the packages do not load here: {last}; rescuedeck doctor tells more")


def environment() -> "dict[str, str]":
    """The caller's, without what his Python is tuned to."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP")
    }
    kept["PYTHONSAFEPATH"] = "1"
    return kept


def main() -> int:
    archive = os.path.dirname(os.path.abspath(__file__))
    get = __loader__.get_data  # type: ignore[name-defined]
    about = json.loads(get(os.path.join(archive, "archive.json")).decode())
    try:
        check_machine(about)
        reason = why_unfit(about["minors"])
        if reason is not None:
            other = other_python(about["minors"])
            if other is None or os.environ.get("RESCUEDECK_TRIED"):
                raise Refused("it needs Python {}; {}".format(" or ".join(about["minors"]), reason))
            os.environ["RESCUEDECK_TRIED"] = "1"
            os.execv(other, [other, archive, *sys.argv[1:]])
        os.environ.pop("RESCUEDECK_TRIED", None)
        minor = "{}.{}".format(*sys.version_info[:2])
        files = json.loads(get(os.path.join(archive, f"files-{minor}.json")).decode())
        place = find_or_unpack(archive, about, minor, files)
    except Refused as refused:
        say(str(refused))
        return FAILED
    except KeyboardInterrupt:
        say("interrupted while unpacking; the next start goes on with it")
        return 130
    remember_file(place, archive, about)
    python = os.path.join(place, "bin", "python")
    try:
        os.execve(python, [python, "-m", "tui", *sys.argv[1:]], environment())
    except OSError as error:
        say(f"cannot start {python}: {error.strerror}")
        return FAILED


def remember_file(place: str, archive: str, about: "dict[str, Any]") -> None:
    """Keeps the archive's path in the mark up to date: advice names it."""
    path = os.path.join(place, MARK)
    try:
        with open(path, "rb") as mark:
            if json.loads(mark.read().decode()).get("file") == archive:
                return
        write(path + ".new", json.dumps(mark_of(archive, about), indent=1).encode())
        os.rename(path + ".new", path)
    except (OSError, ValueError):
        pass


if __name__ == "__main__":
    sys.exit(main())
