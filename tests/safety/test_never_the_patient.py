"""Whole runs of every command and of the screens over a source, traced: nothing that changes anything reaches it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from engine.jobs import list_jobs
from tests.engine.carve.images import Image
from tests.engine.carve.made_files import made, picture
from tests.safety.traced import command, offences
from tests.support import find_tool, needs_tool
from tests.terminal.tmux import CHECKOUT, Pane

pytestmark = [needs_tool("strace"), needs_tool("mkfs.vfat"), needs_tool("mcopy"), needs_tool("sfdisk")]
MIB = 1 << 20
START = 2048 * 512


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A partitioned disk with a FAT volume of files, its map with holes beside it; nobody may write to it."""
    folder = tmp_path_factory.mktemp("patient")
    volume = folder / "volume"
    volume.write_bytes(bytes(17 * MIB))
    _tool("mkfs.vfat", "-F", "16", volume)
    for name in ("jpeg", "zip", "pdf"):
        (folder / name).write_bytes(made(name))
        _tool("mcopy", "-i", volume, folder / name, "::")
    (folder / "big.jpg").write_bytes(picture("JPEG", (640, 480)))
    _tool("mcopy", "-i", volume, folder / "big.jpg", "::")
    image = folder / "disk.img"
    with open(image, "wb") as out:
        out.truncate(20 * MIB)
    subprocess.run([_path("sfdisk"), "-q", image], input=b"label: dos\nstart=2048,size=34816,type=e\n", check=True)
    with open(image, "r+b") as out:
        out.seek(START)
        out.write(volume.read_bytes())
        out.seek(19 * MIB)
        out.write(Image().put("png").data)
    (folder / "disk.map").write_text(
        f"0x0 + 1\n0x0 0x{START + MIB:x} +\n0x{START + MIB:x} 0x1000 -\n"
        f"0x{START + MIB + 0x1000:x} 0x{20 * MIB - START - MIB - 0x1000:x} +\n"
    )
    image.chmod(0o444)
    return image


def _state(path: Path) -> tuple[bytes, int, int]:
    facts = path.stat()
    return hashlib.sha256(path.read_bytes()).digest(), facts.st_mtime_ns, facts.st_mode


def _path(tool: str) -> str:
    found = find_tool(tool)
    assert found is not None
    return found


def _tool(tool: str, *words: object) -> None:
    subprocess.run([_path(tool), *map(str, words)], check=True, capture_output=True)


COMMANDS: dict[str, tuple[str, ...]] = {
    "parts tree": ("parts", "tree", "IMAGE"),
    "parts check": ("parts", "check", "IMAGE"),
    "parts search": ("parts", "search", "IMAGE", "--deep"),
    "parts repair": ("parts", "repair", "IMAGE", "rebuild"),
    "hex": ("hex", "IMAGE", "--at", "0", "--template", "mbr"),
    "fs list": ("fs", "list", "IMAGE"),
    "fs hit": ("fs", "hit", "IMAGE", "--map", "MAP"),
    "fs extract": ("fs", "extract", "IMAGE", "/", "-o", "OUT"),
    "fs unallocated": ("fs", "unallocated", "IMAGE", "-o", "OUT/free"),
    "fs slack": ("fs", "slack", "IMAGE", "-o", "OUT/slack"),
    "carve": ("carve", "IMAGE", "--map", "MAP", "-o", "OUT"),
    "carve free": ("carve", "IMAGE", "--free", "--everywhere", "--list"),
    "dvr list": ("dvr", "list", "IMAGE"),
    "dvr scan": ("dvr", "scan", "IMAGE", "-o", "OUT"),
    "ole2 info": ("ole2", "info", "IMAGE"),
    "sectors detect": ("sectors", "detect", "IMAGE"),
    "raid detect": ("raid", "detect", "IMAGE", "IMAGE2", "IMAGE3"),
    "decode dbf": ("decode", "dbf", "IMAGE"),
    "rescue run": ("rescue", "run", "IMAGE", "OUT/image", "OUT/map"),
}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_only_reads(name: str, patient: Path, tmp_path: Path) -> None:
    before = _state(patient)
    out = tmp_path / "out"
    if COMMANDS[name][0] != "carve":
        out.mkdir()
    others = []
    for number in (2, 3):
        others.append(tmp_path / f"member{number}")
        others[-1].write_bytes(patient.read_bytes())
    known = {
        "IMAGE": str(patient), "MAP": str(patient.with_name("disk.map")), "IMAGE2": str(others[0]),
        "IMAGE3": str(others[1]),
    }  # fmt: skip
    words = [known.get(word, word.replace("OUT", str(out))) for word in COMMANDS[name]]
    log = tmp_path / "trace"
    done = subprocess.run(
        command(log, sys.executable, "-m", "tui", *words, "--quiet"), cwd=CHECKOUT, capture_output=True, text=True,
        timeout=240, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode in (0, 1, 2, 3), done.stderr
    assert "Traceback" not in done.stderr
    opened, found = offences(log, patient)
    assert opened > 0, f"it never opened the source: {done.stderr}"
    assert found == []
    assert _state(patient) == before


def test_the_trace_would_notice(patient: Path, tmp_path: Path) -> None:
    """The proof of the proof: what writes is found, by name and by descriptor."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"x")
    code = f"import os; fd = os.open({str(victim)!r}, os.O_RDWR); os.write(fd, b'y'); os.ftruncate(fd, 0)"
    subprocess.run(command(tmp_path / "log", sys.executable, "-c", code), check=True, timeout=60)
    _, found = offences(tmp_path / "log", victim)
    assert [line.split("(")[0].split()[-1] for line in found] == ["openat", "write", "ftruncate"]


@pytest.mark.terminal
@needs_tool("tmux")
def test_the_screens_only_read(patient: Path, tmp_path: Path) -> None:
    """Every screen on an image, one after the other, with the work that begins there."""
    before = hashlib.sha256(patient.read_bytes()).digest()
    log = tmp_path / "trace"
    argv = command(log, sys.executable, "-m", "tui", "open", str(patient))
    try:
        with Pane(argv, cwd=tmp_path) as pane:
            pane.until(r"disk\.img")
            for key, words in (("F", "i walk|NAME|name"), ("t", "FAT16"), ("C", "none yet"), ("x", "00000000")):
                pane.keys(key)
                pane.until(words)
                if key == "C":
                    pane.keys("s")
                    pane.until("files,")
                if key == "F":
                    pane.keys("i")
                    pane.until("(?i)jpeg")
                pane.keys("q")
                pane.until("lay map")
            pane.keys("C-q")
    finally:
        for job in list_jobs(patient.with_name("disk.img.jobs")).jobs:
            assert not job.live
    opened, found = offences(log, patient)
    assert opened > 3
    assert found == []
    assert hashlib.sha256(patient.read_bytes()).digest() == before
