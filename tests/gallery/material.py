"""What the scenes are played on: disks, documents and recordings as people bring them, made once for a gallery."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import cached_property
from pathlib import Path

from engine.cases import Case, create_case, keep_generation, record
from engine.demo.contents import letters, photographs
from engine.demo.fat import FatVolume
from engine.mapfile import Mapfile, write_map

SECTOR, MIB = 512, 1 << 20
DISK = 48 * MIB
PHOTOS = 2048
PHOTO_SECTORS = 34 << 11
LETTERS = PHOTOS + PHOTO_SECTORS
LETTER_SECTORS = 12 << 11
IDENTITY = {
    "model": "ST1000DM003-1CH162", "serial": "S1D5XYZ0", "size_bytes": DISK, "wwn": "0x5000c500a1b2c3d4",
    "logical_sector": 512,
}  # fmt: skip


class Material:
    """A folder with everything, each thing made when a scene first asks for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def below(self, name: str) -> Path:
        """An empty folder of that name."""
        path = self.folder / name
        path.mkdir()
        return path

    @cached_property
    def disk(self) -> Path:
        """An MBR disk with a FAT32 volume of photographs and a FAT16 volume of letters."""
        from engine.demo.disk import _table

        path = self.below("disk") / "disk.img"
        photos = FatVolume(
            bits=32, sectors=PHOTO_SECTORS, cluster_sectors=1, hidden=PHOTOS, label="PHOTOS", serial=0x52440001
        )
        texts = FatVolume(
            bits=16, sectors=LETTER_SECTORS, cluster_sectors=2, hidden=LETTERS, label="LETTERS", serial=0x52440002
        )
        pieces = [(PHOTOS + at, data) for at, data in photos.write(photographs(90))]
        pieces += [(LETTERS + at, data) for at, data in texts.write(letters())]
        table = _table([(0x0C, PHOTOS, PHOTO_SECTORS), (0x06, LETTERS, LETTER_SECTORS)], disk_id=0x52444D4F)
        with open(path, "wb") as out:
            for sector, data in [(0, table), *pieces]:
                out.seek(sector * SECTOR)
                out.write(data)
            out.truncate(DISK)
        return path

    @cached_property
    def map(self) -> Path:
        """Its map: a scratch over photographs, single bad sectors, an end that was not tried."""
        path = self.disk.with_suffix(".map")
        lacks = (
            (PHOTOS + 9_000, 96, "-"), (PHOTOS + 9_400, 1_024, "/"), (PHOTOS + 21_811, 1, "-"),
            (PHOTOS + 26_002, 2_048, "*"), (PHOTOS + 30_002, 1, "-"), (LETTERS + 900, 8, "-"),
            (LETTERS + 20_000, LETTER_SECTORS - 20_000, "?"),
        )  # fmt: skip
        map = Mapfile.new(0, DISK, "+")
        for start, count, status in lacks:
            map = map.set_range(start * SECTOR, (start + count) * SECTOR, status)
        write_map(path, map)
        return path

    @cached_property
    def case(self) -> Case:
        """A case over disk and map, with a history."""
        case = create_case(
            self.below("cases") / "smith", title="Smith, wedding photos", image=self.disk, map=self.map,
            source_path="/dev/sdb", source_size=DISK, identity=IDENTITY,
        )  # fmt: skip
        record(case, "case-created", source="/dev/sdb")
        keep_generation(case, "before the first pass")
        record(case, "rescue-started", recipe="fast copy")
        record(case, "rescue-pass", message="this pass is done", recipe="copy", gained=40 * MIB)
        keep_generation(case, "before trimming")
        return case

    @cached_property
    def new_case(self) -> Path:
        """A case of which nothing has been read."""
        return create_case(
            self.below("begun") / "miller", title="Miller, accounts", source_path="/dev/sdb", source_size=DISK,
            identity=IDENTITY,
        ).directory  # fmt: skip

    @cached_property
    def blank(self) -> Path:
        """An image in which there is nothing."""
        path = self.below("blank") / "blank.img"
        with open(path, "wb") as out:
            out.truncate(4 * MIB)
        return path

    @cached_property
    def lost(self) -> Path:
        """The disk without its second partition's entry, and the first one's hidden sectors wrong."""
        path = self.below("lost") / "lost.img"
        data = bytearray(self.disk.read_bytes())
        data[462:478] = bytes(16)
        data[PHOTOS * SECTOR + 28 : PHOTOS * SECTOR + 32] = b"\x3f\0\0\0"
        path.write_bytes(data)
        return path

    @cached_property
    def recorder(self) -> Path:
        """A recorder's disk with unread places (needs a second or two)."""
        from tests.demo_extras.__main__ import recorder

        folder = self.below("recorder")
        recorder(folder)
        return folder / "recorder.img"

    @cached_property
    def letter(self) -> Path:
        """A Word document that lost its header, among others."""
        from tests.engine.ole2 import writer
        from tests.engine.ole2.writer import Layout, write

        folder = self.below("documents")
        for name, made in (("letter", writer.letter()), ("offer", writer.letter()), ("budget", writer.workbook())):
            data = write(made, Layout()).data
            (folder / f"{name}.{'xls' if name == 'budget' else 'doc'}").write_bytes(
                data if name == "offer" else bytes(512) + data[512:]
            )
        return folder / "letter.doc"

    @cached_property
    def members(self) -> list[Path]:
        """Three members of a RAID5 with an ext4 volume."""
        from tests.engine.raid.contents import volume
        from tests.engine.raid.writer import lay, save

        aside = self.below("array-volume")
        laid = lay(volume(aside, "ext4", 32 * MIB, "mixed", 7), 3, 65536, "left-symmetric", offset=MIB)
        found = save(laid, self.below("array"), seed=5, name="disk")
        return [path.rename(path.with_suffix(".img")) for path in found]

    @cached_property
    def strange(self) -> Path:
        """Sectors of 520 bytes, one guard wrong."""
        from tests.engine.sectors.test_sectors import PLAIN
        from tests.engine.sectors.writer import convert

        raw = bytearray(convert(PLAIN, 520, "pi1"))
        raw[520 * 600 + 5] ^= 1
        path = self.below("strange") / "raw.img"
        path.write_bytes(raw)
        return path

    @cached_property
    def table(self) -> Path:
        """A dBASE table with a record that was never read."""
        from tests.engine.artifacts.tables import PEOPLE, people, standard

        path = self.below("tables") / "people.dbf"
        data = standard(PEOPLE, people(), code_page=2)
        path.write_bytes(data)
        write_map(path.with_suffix(".map"), Mapfile.new(0, len(data), "+").set_range(0x200, 0x220, "-"))
        return path

    @cached_property
    def damaged_map(self) -> Path:
        """A map from which a line is missing."""
        path = self.below("damaged") / "disk.map"
        path.write_text("0x0 + 1\n0x0 0x200000 +\n0x210000 0xF0000 ?\n0x300000 0x100000 -\n")
        return path

    @cached_property
    def left_map(self) -> Path:
        """A map whose editing session was cut off."""
        path = self.below("left") / "disk.map"
        path.write_text(self.map.read_text())
        code = (
            "import os, sys\n"
            "from engine.mapedit import Document, SetStatus\n"
            "from engine.ranges import RangeSet\n"
            "d = Document.open(sys.argv[1])\n"
            "d.apply(SetStatus(RangeSet.of(46 << 20, 47 << 20), '/'))\n"
            "d.apply(SetStatus(RangeSet.of(46 << 20, (46 << 20) + 512), '-'))\n"
            "os._exit(9)\n"
        )
        root = Path(__file__).resolve().parents[2]
        subprocess.run([sys.executable, "-c", code, path], cwd=root, check=False, timeout=60)
        return path


def created(case: Case, when: str) -> None:
    """Let a case be begun at that time."""
    path = case.directory / "case.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "created": when}))
