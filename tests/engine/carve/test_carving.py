"""The scan: what owns its bytes, what is inside, unread areas, resuming, odd places."""

from __future__ import annotations

import random
import re
from pathlib import Path
from re import _parser as sre_parse  # type: ignore[attr-defined]

import pytest

from engine.carve import carving
from engine.carve.areas import carve_areas
from engine.carve.carving import State, carve
from engine.carve.catalogue import CatalogueWriter, append_find, newest, read_about, read_finds
from engine.carve.find import Find
from engine.carve.listing import Choice, load_listing, narrowed
from engine.carve.missing import missing_of, reread_order, wanted
from engine.carve.outcome import Status
from engine.carve.signatures import chosen, table
from engine.carve.view import Reader
from engine.errors import DamagedError, UsageError
from engine.ranges import RangeSet
from engine.source.extents import BytesSource
from tests.engine.carve.images import Image, all_finds, at, filling, finds_in
from tests.engine.carve.made_files import MAKERS, made


def test_a_whole_file_owns_what_lies_in_it() -> None:
    inner = made("png")
    import io
    import zipfile

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo("x" * (512 - 30))  # so that the picture begins at a sector
        archive.writestr(info, inner)
    found = all_finds(out.getvalue() + bytes(1024))
    assert [(find.kind, find.start, find.inside) for find in found] == [("zip", 0, None), ("png", 512, 0)]


def test_a_broken_file_owns_nothing() -> None:
    data = bytearray(made("png"))
    data[len(data) // 4] ^= 1
    image = bytearray(data[: len(data) // 512 * 512 - 1024]) + bytearray(made("jpeg")) + bytearray(2048)
    finds = finds_in(bytes(image) + bytes(4096))
    assert [(find.kind, find.status) for find in finds] == [("png", Status.BROKEN), ("jpeg", Status.COMPLETE)]


def test_unread_payload_is_listed_and_never_whole() -> None:
    image = Image().fill("zeros", 2048).put("mp4").fill("zeros", 1024)
    start = 2048
    data = bytearray(image.data)
    data[start + 8192 : start + 9216] = bytes(1024)
    hole = (start + 8192, start + 9216)
    find = at(finds_in(bytes(data), [hole]), start)
    assert find is not None
    assert find.status is Status.COMPLETE
    missing = missing_of(find, RangeSet([hole]))
    assert list(missing.unread) == [hole]
    assert not missing.open_end


def test_an_end_that_is_not_proven_is_not_called_whole() -> None:
    from engine.carve.listing import Listing

    cabinet = b"MSCF" + bytes(4) + (4096).to_bytes(4, "little") + bytes(4) + (40).to_bytes(4, "little") + bytes(4)
    (find,) = finds_in(cabinet + b"\x03\x01" + bytes(4096))
    assert find.status is Status.COMPLETE
    assert not find.proven
    assert not Listing((find,), (0,), RangeSet(), 8192).whole(0)


def test_an_unread_head_begins_no_file() -> None:
    data = made("png") + bytes(2048)
    assert finds_in(data, [(0, 512)]) == []


def test_where_the_way_on_is_unread_that_sector_is_wanted() -> None:
    content = made("ogg")
    at_page = content.index(b"OggS", 100)
    hole = (at_page // 512 * 512, at_page // 512 * 512 + 512)
    data = bytearray(content + bytes(4096))
    data[hole[0] : hole[1]] = bytes(512)
    find = at(finds_in(bytes(data), [hole]), 0)
    assert find is not None
    assert find.status is Status.UNREAD
    missing = missing_of(find, RangeSet([hole]))
    assert list(missing.unread) == [hole]
    assert missing.open_end


def test_checksums_skip_what_is_unread() -> None:
    content = made("png")
    idat = content.index(b"IDAT")
    hole = ((idat + 100) // 512 * 512 + 512, (idat + 100) // 512 * 512 + 1024)
    data = bytearray(content + bytes(1024))
    data[hole[0] : hole[1]] = bytes(512)
    find = at(finds_in(bytes(data), [hole]), 0)
    assert find is not None
    assert (find.status, find.size) == (Status.COMPLETE, len(content))
    assert "unchecked" in find.reason
    assert missing_of(find, RangeSet([hole])).total == 512


def test_the_cheapest_to_mend_come_first() -> None:
    image = Image().put("mp4").put("mp4").put("mp4").fill("zeros", 1024)
    first, second, _third = image.files
    holes = RangeSet([(first + 4096, first + 8192), (second + 4096, second + 4608)])
    pairs = [(find, missing_of(find, holes)) for find in finds_in(bytes(image.data), list(holes))]
    ordered = reread_order(pairs)
    assert [find.start for find, _ in ordered] == [second, first]
    assert wanted([missing for _, missing in ordered]) == holes


@pytest.mark.parametrize("chunk", [4096, 65536])
def test_a_resumed_scan_ends_with_the_same_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    image = Image()
    for name in sorted(MAKERS):
        image.put(name).fill("random", 700, len(image.data))
    source = BytesSource(bytes(image.data))
    monkeypatch.setattr(carving, "CHUNK", chunk)

    def scan(
        path: Path, stop_after: int | None, saved: tuple[dict[str, object], int] | None
    ) -> tuple[dict[str, object], int] | None:
        state = State.from_json(saved[0]) if saved else State()
        writer = CatalogueWriter(path, {"source": "x"}, length=saved[1] if saved else None)
        held: list[Find] = []
        kept: list[tuple[dict[str, object], int]] = []

        def keep(now: State) -> None:
            writer.add(held)
            held.clear()
            kept.append((now.to_json(), writer.sync()))

        for number, find in enumerate(carve(source, table(), state=state, checkpoint=keep)):
            held.append(find)
            if stop_after is not None and number >= stop_after:
                writer.add(held)  # a crash between two checkpoints: what was appended must not stay
                writer.close()
                return kept[-1] if kept else (State().to_json(), 0)
        writer.close()
        return None

    scan(tmp_path / "whole", None, None)
    saved = None
    for stop in (3, 2, 4, 1, 5, None):
        saved = scan(tmp_path / "resumed", stop, saved)
    while saved is not None:
        saved = scan(tmp_path / "resumed", None, saved)
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
    assert len(list(read_finds(tmp_path / "whole"))) >= len(image.files)


def test_strong_signatures_at_odd_places() -> None:
    image = Image().fill("random", 1001)
    for name in ("png", "pdf", "gzip", "zip", "jpeg2000", "ogg", "mp4", "ts"):
        image.put(name, kind="random", align=1).fill("random", 333, len(image.data))
    finds = finds_in(bytes(image.data), everywhere=True)
    for start, (name, content) in image.files.items():
        find = at(finds, start)
        if name == "ts":  # one byte of magic: not looked for at any byte
            assert find is None
            continue
        assert find is not None, name
        assert find.size == len(content), name


def test_a_file_around_a_used_area_is_in_one_piece() -> None:
    content = made("gzip")
    data = bytes(4096) + content[:8192] + made("png")[:4096] + content[8192:] + bytes(4096)
    used = RangeSet.of(12288, 16384)
    source = BytesSource(data)
    free = used.complement(0, len(data))
    (find,) = [find for find in carve_areas(source, free, table()) if find.inside is None]
    assert find.status is Status.COMPLETE
    assert find.extents == ((4096, 8192), (16384, len(content) - 8192))
    assert list(carve_areas(source, RangeSet.of(100, 600), table())) == []


def test_types_are_chosen_by_type_category_or_extension() -> None:
    assert {s.kind for s in chosen(frozenset({"jpeg"}))} == {"jpeg"}
    assert {s.category for s in chosen(frozenset({"picture"}))} == {"picture"}
    assert {s.kind for s in chosen(frozenset({"docx", "zip"}))} == {"zip"}


def test_finds_survive_the_catalogue_and_a_torn_line_is_dropped(tmp_path: Path) -> None:
    finds = all_finds(bytes(Image().put("jpeg").put("zip").put("gzip").fill("zeros", 512).data))
    path = tmp_path / "finds"
    writer = CatalogueWriter(path, {"source": "here", "size": 5})
    writer.add(finds)
    writer.sync()
    writer.close()
    assert read_about(path)["size"] == 5
    assert list(read_finds(path)) == finds
    with open(path, "ab") as stream:
        stream.write(b'{"kind": "half')
    assert list(read_finds(path)) == finds
    append_find(path, finds[0])
    assert list(read_finds(path)) == [*finds, finds[0]]
    assert newest(read_finds(path)) == finds
    (tmp_path / "other").write_text("{}\n")
    with pytest.raises(DamagedError):
        read_about(tmp_path / "other")


@pytest.mark.parametrize("name", sorted(MAKERS))
def test_holes_anywhere_are_borne_and_never_called_read(name: str) -> None:
    content = made(name)
    dice = random.Random(name)
    size = (len(content) + 511) // 512 * 512 + 4096
    for _turn in range(12):
        low = dice.randrange(size // 512) * 512
        hole = (low, min(size, low + 512 * dice.randrange(1, 6)))
        data = bytearray(content + bytes(size - len(content)))
        data[hole[0] : hole[1]] = bytes(hole[1] - hole[0])
        find = at(finds_in(bytes(data), [hole]), 0)
        if find is None:
            continue
        missing = missing_of(find, RangeSet([hole]))
        if hole[0] >= len(content):
            # What follows a file may be unread: it stays whole, or says that more of it might follow there.
            assert missing.total == 0 or missing.open_end, (hole, find)
        else:
            assert missing.total, (hole, find)
            assert missing.open_end or find.size == len(content), (hole, find)


@pytest.mark.parametrize("kind", ["text", "zeros", "random"])
def test_a_storm_of_beginnings_costs_a_bounded_amount_and_gives_nothing_whole(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every block begins like a file: each type may read a bounded amount in vain, and nothing is made up."""
    monkeypatch.setattr(carving, "_WASTE", 1 << 20)
    heads = sorted({one.magic for one in table() if one.offset == 0 and 2 <= len(one.magic) <= 32})
    data = b"".join(head + filling(kind, 512 - len(head), n) for n, head in enumerate(heads * 12))
    weak = {one.kind for one in table() if one.weak} - {one.kind for one in table() if not one.weak}
    asked: list[Reader] = []
    monkeypatch.setattr(carving, "Reader", lambda source: asked.append(Reader(source)) or asked[-1])
    state = State()
    finds = list(carving.carve(BytesSource(data), table(), state=state))
    assert asked[0].asked < len(table()) * ((1 << 20) + 5 * len(data))
    assert not [find for find in finds if find.kind in weak]
    assert not [find for find in finds if find.proven and find.kind not in ("rtf", "pem")]


def test_a_type_that_wasted_too_much_waits_until_the_scan_has_gone_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state keeps that, so that a resumed scan ends with the same catalogue."""
    monkeypatch.setattr(carving, "_WASTE", 100_000)
    storm = b"".join(b"%!PS" + filling("text", 508, n) for n in range(400))
    image = Image().fill("zeros", 512)
    image.data += storm
    image.fill("zeros", 300_000).put("pdf").put("jpeg").fill("zeros", 4096)
    whole, first = State(), State()
    once = list(carving.carve(BytesSource(bytes(image.data)), table(), state=whole))
    assert whole.skipped > 100 and whole.wasted["ps"] > 100_000
    assert {find.kind for find in once if find.proven} == {"pdf", "jpeg"}
    monkeypatch.setattr(carving, "CHUNK", 64 << 10)
    again = list(carving.carve(BytesSource(bytes(image.data)), table(), state=first))
    assert State.from_json(first.to_json()) == first and again == once


def test_what_is_typed_narrows_the_list(tmp_path: Path) -> None:
    """Words, sizes and sureness; what was typed comes back as it was meant."""
    image = Image().put("jpeg").put("png").put("zip").put("pdf").fill("zeros", 512)
    disk, path = tmp_path / "disk.img", tmp_path / "finds.jsonl"
    disk.write_bytes(bytes(image.data))
    writer = CatalogueWriter(path, {"source": str(disk), "size": len(image.data), "map": None, "window": None})
    writer.add(carve(BytesSource(bytes(image.data)), table()))
    writer.close()
    listing = load_listing(path)

    def kinds(text: str) -> list[str]:
        return [listing.finds[index].kind for index in listing.chosen(narrowed(Choice(), text))]

    sizes = {find.kind: find.size for find in listing.finds if find.inside is None}
    assert kinds("") == ["jpeg", "png", "zip", "pdf"]
    assert kinds("jpg archive") == ["jpeg", "zip"]
    assert kinds(f">{sizes['jpeg']}") == [kind for kind, size in sizes.items() if size >= sizes["jpeg"]]
    assert kinds("<1K") == [kind for kind, size in sizes.items() if size <= 1024]
    assert kinds("4/4") == [find.kind for find in listing.finds if find.confidence == 4 and find.inside is None]
    assert kinds("picture 4/4 >1K") == ["png"]
    choice = narrowed(Choice(sort="size"), "a  b >2K <1M 3/4")
    assert choice == Choice(("a", "b"), 2048, 3, sort="size", most=1 << 20) and narrowed(Choice(), choice.typed) == (
        Choice(("a", "b"), 2048, 3, most=1 << 20)
    )
    with pytest.raises(UsageError):
        narrowed(Choice(), ">big")


@pytest.mark.parametrize("name", ["jpeg", "progressive", "bmp", "icon", "gzip", "bzip2", "png", "zip", "mp4", "bplist"])
def test_files_of_short_magics_are_found_at_odd_bytes_too(name: str) -> None:
    """What the format demands behind the magic makes it long enough to be looked for everywhere."""
    for offset in (1, 333, 4095):
        data = filling("random", offset, 5) + made(name) + filling("random", 3000, 6)
        find = at(finds_in(data, everywhere=True), offset)
        assert find is not None and find.size == len(made(name)) and find.status is Status.COMPLETE, (name, offset)


def test_expressions_for_every_byte_are_as_long_as_they_say() -> None:
    for one in table():
        if one.anywhere is not None:
            expression, size = one.anywhere
            counted = sre_parse.parse(expression, re.DOTALL).getwidth()
            assert tuple(counted) == (size, size), one.kind
