"""What commands are called on: a disk with files, a recorder's disk, members of an array, documents, small formats."""

from __future__ import annotations

import hashlib
import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.engine.carve.images import Image
from tests.engine.carve.made_files import made, picture
from tests.support import find_tool

MIB = 1 << 20
START = 2048 * 512
UNTRIED = "0x0 ? 1\n0x0 0x1400000 ?\n"


@dataclass(frozen=True)
class Patients:
    """``words``: what is put in for the words of a visit. ``files``: what nobody may write to."""

    words: dict[str, str]
    files: tuple[Path, ...]

    def state(self) -> dict[Path, tuple[bytes, int, int]]:
        """What must be the same afterwards: content, time of change, mode."""
        found = {}
        for path in self.files:
            facts = path.stat()
            with open(path, "rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
            found[path] = (digest, facts.st_mtime_ns, facts.st_mode)
        return found

    def put_in(self, value: object, out: Path, **more: object) -> object:
        """A word, or JSON values of words, with what they stand for."""
        if isinstance(value, dict):
            return {key: self.put_in(one, out, **more) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.put_in(one, out, **more) for one in value]
        if not isinstance(value, str):
            return value
        if value in more:
            return more[value]
        for word, path in sorted(self.words.items(), key=lambda pair: -len(pair[0])):
            if value == word or value.startswith(f"part:{word}:"):
                value = value.replace(word, path)
        return value.replace("OUT", str(out)) if value.startswith("OUT") else value


def make(folder: Path) -> Patients:
    """All of them, in a folder of their own."""
    from tests.dvr_disks.samples import pioneer_disk
    from tests.engine.artifacts.tables import PEOPLE, people, standard
    from tests.engine.artifacts.test_phones import NAMES, RECORDS, ipd, ir
    from tests.engine.artifacts.test_restore_log import whole
    from tests.engine.dvr.clock.streams import Maker
    from tests.engine.ole2 import writer
    from tests.engine.raid.writer import lay, save
    from tests.engine.sectors.writer import convert
    from tui.commands import run

    disk = disk_image(folder)
    pioneer_disk(folder / "recorder.img", lambda seconds, number: Maker(number).stream(seconds, 2), seconds=2)
    members = save(lay(random.Random(1).randbytes(MIB), 3, 16384, "left-symmetric"), folder / "set", shuffle=False)
    (folder / "raw.img").write_bytes(convert(bytes(range(256)) * 1024, 520, "pi1"))
    (folder / "people.dbf").write_bytes(standard(PEOPLE, people(), code_page=2))
    (folder / "change.log").write_bytes(whole())
    (folder / "phone.ipd").write_bytes(ipd(NAMES, RECORDS))
    (folder / "tv.ir").write_bytes(ir())
    (folder / "letters").mkdir()
    letter = folder / "letters" / "letter.doc"
    letter.write_bytes(bytes(512) + writer.write(writer.letter(), writer.Layout()).data[512:])
    own = folder / "own.map"
    own.write_text(UNTRIED)
    case = folder / "case"
    assert run(["case", "create", str(case), "--source", str(disk), "--image", str(disk), "--quiet"]) == 0
    words = {
        "IMAGE": disk, "MAP": folder / "disk.map", "OWNMAP": own, "RECORDER": folder / "recorder.img",
        "MEMBER0": members[0], "MEMBER1": members[1], "MEMBER2": members[2], "RAW": folder / "raw.img",
        "TABLE": folder / "people.dbf", "LOG": folder / "change.log", "PHONE": folder / "phone.ipd",
        "REMOTE": folder / "tv.ir", "LETTER": letter, "LETTERS": letter.parent, "CASE": case,
    }  # fmt: skip
    files = tuple(path for word, path in words.items() if word not in ("OWNMAP", "LETTERS", "CASE"))
    for path in files:
        path.chmod(0o444)
    return Patients({word: str(path) for word, path in words.items()}, files)


def disk_image(folder: Path) -> Path:
    """A partitioned disk with a FAT volume of files, its map with holes beside it (``disk.map``)."""
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
    _tool("sfdisk", "-q", image, given=b"label: dos\nstart=2048,size=34816,type=e\n")
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


def _tool(tool: str, *words: object, given: bytes | None = None) -> None:
    found = find_tool(tool)
    assert found is not None
    subprocess.run([found, *map(str, words)], check=True, capture_output=True, input=given)
