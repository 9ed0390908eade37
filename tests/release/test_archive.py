"""The single-file archive: what its file holds, and how it unpacks itself on machines that do not make it easy."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from release.layout import group_contents, write_archive
from release.start import MARK, main
from tests.support import needs_root, needs_tool

HERE = f"3.{sys.version_info.minor}"
PROGRAM = b"import sys\nprint('started', sys.prefix, *sys.argv[1:], sep='|')\n"
# Stand-ins for the packages that are tried out after unpacking.
PACKAGES = {f"{name}.py": b"" for name in ("numpy", "psutil", "textual")}
TREE = {**PACKAGES, "tui/__init__.py": b"", "tui/__main__.py": PROGRAM, "../../../share/doc/a page.txt": b"read me\n"}
ABOUT = {"version": "9.9", "machine": platform.machine(), "glibc": [2, 17]}

assert main  # it can be imported: nothing happens then


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive for this Python and one that nobody has, in a folder with spaces."""
    folder = tmp_path / "a stick" / "with spaces"
    folder.mkdir(parents=True)
    path = folder / "rescuedeck-9.9.pyz"
    write_archive(path, {HERE: TREE, "3.99": {**TREE, "only.py": b"99"}}, ABOUT, 0)
    return path


def start(archive: Path, home: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    home.mkdir(exist_ok=True)
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": "/nowhere", **settings}
    return subprocess.run(
        [os.path.realpath(sys.executable), str(archive), *arguments], capture_output=True, text=True, env=environment,
        timeout=120, check=False,
    )  # fmt: skip


def place_in(home: Path) -> Path:
    (place,) = (home / ".cache" / "rescuedeck").glob("rescuedeck-9.9-*")
    return place


# -- the file


def test_each_content_stands_once_and_no_python_unpacks_more_than_it_needs() -> None:
    trees = {"3.11": {"a": b"same", "b": b"eleven"}, "3.12": {"a": b"same", "c": b"same"}, "3.13": {"d": b"thirteen"}}
    contents, groups, files = group_contents(trees)
    assert sorted(contents.values()) == [b"eleven", b"same", b"thirteen"]
    assert {group.minors: {contents[digest] for digest in group.digests} for group in groups} == {
        ("3.11", "3.12"): {b"same"}, ("3.11",): {b"eleven"}, ("3.13",): {b"thirteen"},
    }  # fmt: skip
    assert [(name, size) for name, size, _digest in files["3.12"]] == [("a", 4), ("c", 4)]


def test_same_input_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_archive(tmp_path / name, {HERE: TREE}, ABOUT, 0)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    write_archive(tmp_path / "other", {HERE: {**TREE, "more.py": b""}}, ABOUT, 0)
    keys = [json.loads(zipfile.ZipFile(tmp_path / name).read("archive.json"))["key"] for name in ("one", "other")]
    assert keys[0] != keys[1]


# -- starting it


def test_first_start_unpacks_privately_and_later_ones_do_not(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = start(archive, home, "map", "a b")
    assert first.returncode == 0, first.stderr
    assert first.stdout == f"started|{place_in(home)}|map|a b\n"
    assert "unpacking into" in first.stderr
    assert "do not load" not in first.stderr
    place = place_in(home)
    assert (place / "share" / "doc" / "a page.txt").read_bytes() == b"read me\n"
    for private in (place, place.parent):
        assert private.stat().st_mode & 0o777 == 0o700
    assert not list(place.rglob("only.py"))
    again = start(archive, home)
    assert (again.returncode, again.stderr) == (0, "")
    assert json.loads((place / MARK).read_text())["file"] == str(archive)


def test_advice_names_the_file_where_it_lies_now(archive: Path, tmp_path: Path) -> None:
    start(archive, tmp_path / "home")
    moved = archive.rename(tmp_path / "elsewhere.pyz")
    start(moved, tmp_path / "home")
    assert json.loads((place_in(tmp_path / "home") / MARK).read_text())["file"] == str(moved)


def test_it_starts_by_itself_and_by_a_link(archive: Path, tmp_path: Path) -> None:
    link = tmp_path / "deck"
    link.symlink_to(archive)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    path = f"{tmp_path / 'bin'}:/usr/bin:/bin"
    done = subprocess.run(
        [str(link)], capture_output=True, text=True, env={"PATH": path, "HOME": str(tmp_path)}, timeout=120, check=False
    )
    assert done.stdout.startswith("started|")


@pytest.mark.parametrize("harm", ["nothing but a folder", "a file is gone", "a file is cut", "no mark", "interrupted"])
def test_what_is_half_unpacked_repairs_itself(archive: Path, tmp_path: Path, harm: str) -> None:
    home = tmp_path / "home"
    start(archive, home)
    place = place_in(home)
    module = place / "lib" / f"python{HERE}" / "site-packages" / "tui" / "__main__.py"
    if harm == "nothing but a folder":
        shutil.rmtree(place)
        place.mkdir()
    elif harm == "a file is gone":
        module.unlink()
    elif harm == "a file is cut":
        module.write_bytes(b"")
    elif harm == "no mark":
        (place / MARK).unlink()
    else:
        place.rename(place.parent / ".unpacking-abc")
    done = start(archive, home)
    assert done.stdout.startswith("started|")
    assert "unpacking into" in done.stderr
    assert sorted(path.name for path in place.parent.iterdir()) == [".lock", place.name]


def test_what_an_earlier_archive_unpacked_goes_unless_it_is_in_use(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    waiting = {**TREE, "tui/__main__.py": b"print('up', flush=True)\ninput()\n"}
    newer = tmp_path / "newer.pyz"
    write_archive(newer, {HERE: {**TREE, "more.py": b""}}, {**ABOUT, "version": "9.10"}, 0)
    write_archive(archive, {HERE: waiting}, ABOUT, 0)
    with subprocess.Popen(
        [os.path.realpath(sys.executable), str(archive)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "HOME": str(home)},
    ) as running:  # fmt: skip
        assert running.stdin is not None
        assert running.stdout is not None
        assert running.stdout.readline() == b"up\n"
        start(newer, home)
        old = place_in(home)
        assert old.exists()
        running.stdin.close()
        running.wait(60)
    again = tmp_path / "again.pyz"
    write_archive(again, {HERE: {**TREE, "yet_more.py": b""}}, {**ABOUT, "version": "9.11"}, 0)
    start(again, home)
    assert not old.exists()
    assert [path.name.split("-")[1] for path in old.parent.glob("rescuedeck-*")] == ["9.11"]


def test_a_damaged_file_is_told(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as opened:
        at = next(item for item in opened.infolist() if item.filename == "group-0.xz")
        offset = at.header_offset + 30 + len(at.filename)
    with archive.open("r+b") as file:
        file.seek(offset + at.file_size // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 0xFF]))
    done = start(archive, tmp_path / "home")
    assert done.returncode == 3
    assert "this file is damaged, copy it again" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "home" / ".cache" / "rescuedeck").iterdir()] == [".lock"]


def test_a_name_that_leaves_its_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.pyz"
    write_archive(path, {HERE: {**TREE, "../../../../../../escaped": b"x"}}, ABOUT, 0)
    done = start(path, tmp_path / "home")
    assert done.returncode == 3
    assert "would leave its folder" in done.stderr
    assert not list(tmp_path.rglob("escaped"))


@pytest.mark.parametrize(
    ("about", "minor", "said"),
    [
        ({"machine": "sparc64"}, HERE, "this archive is for sparc64 processors"),
        ({"glibc": [9, 0]}, HERE, "it needs the GNU C library 9.0 or later"),
        ({}, "3.99", f"it needs Python 3.99; this is Python {HERE}"),
    ],
)
def test_a_machine_that_cannot_run_it_is_told(tmp_path: Path, about: dict[str, object], minor: str, said: str) -> None:
    path = tmp_path / "other.pyz"
    write_archive(path, {minor: TREE}, {**ABOUT, **about}, 0)
    done = start(path, tmp_path / "home")
    assert done.returncode == 3
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_python_in_the_path_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "other.pyz"
    write_archive(path, {"3.99": TREE}, ABOUT, 0)
    fake = tmp_path / "bin" / "python3.99"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\necho "other python: $1 $2"\n')
    fake.chmod(0o755)
    done = start(path, tmp_path / "home", "doctor", PATH=f"relative:{fake.parent}:/usr/bin:/bin")
    assert done.stdout == f"other python: {path} doctor\n"


def test_packages_that_do_not_load_are_told_once(tmp_path: Path) -> None:
    path = tmp_path / "old.pyz"
    write_archive(path, {HERE: {**TREE, "numpy.py": b"raise ImportError('this processor is too old')"}}, ABOUT, 0)
    done = start(path, tmp_path / "home")
    assert "do not load here: ImportError: this processor is too old" in done.stderr
    assert done.stdout.startswith("started|")


# -- where it unpacks


def test_a_named_folder_is_used_and_what_else_lies_there_stays(archive: Path, tmp_path: Path) -> None:
    named = tmp_path / "named"
    named.mkdir(mode=0o755)
    (named / "somebody's file").write_text("x")
    done = start(archive, tmp_path / "home", RESCUEDECK_FOLDER=str(named))
    assert done.stdout.startswith(f"started|{named}/rescuedeck/rescuedeck-9.9-")
    assert sorted(path.name for path in named.iterdir()) == ["rescuedeck", "somebody's file"]
    assert named.stat().st_mode & 0o777 == 0o755
    assert not (tmp_path / "home" / ".cache").exists()


def test_a_named_folder_that_will_not_do_is_told_and_no_other_taken(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = start(archive, tmp_path / "home", RESCUEDECK_FOLDER=str(tmp_path / "file"))
    assert done.returncode == 3
    assert f"{tmp_path / 'file'}: File exists" in done.stderr
    assert "name a folder of your own in RESCUEDECK_FOLDER" in done.stderr
    assert not (tmp_path / "home" / ".cache").exists()


def test_a_link_or_an_open_folder_is_not_trusted(archive: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    cache = home / ".cache"
    cache.mkdir(parents=True)
    (tmp_path / "trap").mkdir()
    (cache / "rescuedeck").symlink_to(tmp_path / "trap")
    assert not start(archive, home, RESCUEDECK_FOLDER=str(cache)).stdout
    assert not list((tmp_path / "trap").iterdir())
    (cache / "rescuedeck").unlink()
    (cache / "rescuedeck").mkdir(mode=0o777)
    (cache / "rescuedeck").chmod(0o777)
    assert start(archive, home).stdout.startswith("started|")
    assert (cache / "rescuedeck").stat().st_mode & 0o777 == 0o700


def in_namespace(script: str, archive: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Starts it behind mounts of its own: nothing stays mounted, nor is left in /var/tmp. $1: the home's .cache."""
    cache = home / ".cache"
    cache.mkdir(parents=True)
    python = os.path.realpath(sys.executable)
    return subprocess.run(
        ["unshare", "-m", "sh", "-ec", f'{script}; shift; exec "$@"', "sh", str(cache), python, str(archive)],
        capture_output=True, text=True, timeout=120, check=False, env={"PATH": os.environ["PATH"], "HOME": str(home)},
    )  # fmt: skip


@pytest.mark.root
@needs_root()
@needs_tool("unshare")
@pytest.mark.parametrize("options", ["noexec,size=1m", "size=4k", "ro,size=1m"])
def test_a_home_that_will_not_do_is_passed_over(archive: Path, tmp_path: Path, options: str) -> None:
    script = f'mount -t tmpfs -o {options} none "$1"; mount -t tmpfs none /var/tmp'
    done = in_namespace(script, archive, tmp_path / "home")
    assert done.stdout.startswith("started|/var/tmp/rescuedeck-0/rescuedeck-9.9-"), done.stderr


@pytest.mark.root
@needs_root()
@needs_tool("unshare")
def test_when_nothing_can_be_run_from_anywhere_each_folder_has_its_reason(archive: Path, tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=4k none "$1"; '
    script += "; ".join(f"mount --bind {at} {at}; mount -o remount,bind,noexec {at}" for at in ("/var/tmp", "/tmp"))
    script += "; mount -t tmpfs -o ro none /dev/shm"
    done = in_namespace(script, archive, tmp_path / "home")
    assert done.returncode == 3
    told = done.stderr.splitlines()
    assert told[0] == "rescuedeck: nothing can be unpacked:"
    assert told[1].startswith(f"  {tmp_path}/home/.cache/rescuedeck: ")  # it has no execution either, or no room
    assert told[2:] == [
        "  /var/tmp/rescuedeck-0: is mounted noexec", "  /tmp/rescuedeck-0: is mounted noexec",
        "  /dev/shm/rescuedeck-0: Read-only file system", "name a folder of your own in RESCUEDECK_FOLDER",
    ]  # fmt: skip
