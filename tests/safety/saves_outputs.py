"""Outputs that are built and then get their names: sectors, arrays, tables, documents."""

from __future__ import annotations

from pathlib import Path

from tests.safety.pieces import anew, cli, files, guarded, several, volume
from tests.safety.sweep import Scenario


def _strange(folder: Path) -> None:
    from tests.engine.sectors.writer import convert

    (folder / "raw.img").write_bytes(convert(bytes(range(256)) * 1024, 520, "pi1"))


def members(folder: Path) -> None:
    for number in (1, 2, 3):
        (folder / f"m{number}.img").write_bytes(bytes([number]) * (256 << 10))


@guarded
def describe_array(folder: Path) -> None:
    from engine.raid.description import ArrayFile, MemberFile, save_array, save_view
    from engine.raid.layout import Geometry, Layout

    members = tuple(MemberFile(folder / f"m{number}.img", 256 << 10) for number in (1, 2, 3))
    geometry = Geometry(Layout.LEFT_SYMMETRIC, 65536, (0, 1, 2), (0, 0, 0))
    save_array(folder / "set.array", ArrayFile(geometry, members), force=True)
    save_view(folder / "m.sectors", members[0], force=True)


def table(folder: Path) -> None:
    from tests.engine.artifacts.tables import PEOPLE, people, standard

    (folder / "people.dbf").write_bytes(standard(PEOPLE, people(), code_page=2))


def letter(folder: Path) -> None:
    from tests.engine.ole2 import writer

    made = writer.write(writer.letter(), writer.Layout())
    (folder / "letter.doc").write_bytes(bytes(512) + made.data[512:])


_CONVERT = ("sectors", "convert", "raw.img", "-o", "plain.img", "--sector-size", "520")
_ASSEMBLE = ("raid", "assemble", "m1.img", "m2.img", "m3.img", "--layout", "left-symmetric", "--strip", "64K",
             "--order", "1,2,3", "-o", "array.img")  # fmt: skip
_TABLES = several(
    anew(cli("decode", "dbf", "people.dbf", "--csv", "people.csv", "--force"), "none"),
    cli("decode", "dbf", "people.dbf", "--repair", "fixed.dbf"),
)
_LETTER = ("ole2", "repair", "letter.doc", "-o", "fixed.doc")
_SALVAGE = ("ole2", "salvage", "letter.doc", "-o", "parts")


def _lost_volume(folder: Path) -> None:
    """A disk whose table is gone; a volume begins where partitions do."""
    volume(folder)
    path = folder / "disk.img"
    path.write_bytes(bytes(63 * 512) + path.read_bytes() + bytes(64 << 10))


OUTPUTS = [
    Scenario("sectors convert", _strange, cli(*_CONVERT), files, again=cli(*_CONVERT, "--force")),
    Scenario(
        "parts script", _lost_volume, cli("parts", "search", "disk.img", "--script", "out.sfdisk", "--force"), files
    ),
    Scenario("array description", members, describe_array, files),
    Scenario("raid assemble", members, cli(*_ASSEMBLE), files, again=cli(*_ASSEMBLE, "--force")),
    Scenario("table export", table, _TABLES, files, again=anew(_TABLES, "fixed.dbf*")),
    Scenario("ole2 repair", letter, cli(*_LETTER), files, again=cli(*_LETTER, "--force")),
    Scenario("ole2 salvage", letter, cli(*_SALVAGE), files, again=cli(*_SALVAGE, "--force")),
]
