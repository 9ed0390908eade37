"""BlackBerry backups and IrRemote files: as documented, damaged, hostile."""

from __future__ import annotations

import io
import random
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.artifacts.ipd import SIGNATURE, read_backup
from engine.artifacts.irremote import importable, lirc, read_irremote
from engine.errors import DamagedError, RefusedError
from engine.ranges import RangeSet
from engine.source import HoleSource
from engine.source.extents import BytesSource

MS = 1333029845678
MINUTES = 59033644


def ipd(names: list[str], records: list[bytes], count: int | None = None) -> bytes:
    head = SIGNATURE + b"\n\x02" + struct.pack(">H", len(names) if count is None else count) + b"\0"
    for name in names:
        head += struct.pack("<H", len(name) + 1) + name.encode() + b"\0"
    return head + b"".join(records)


def rec(index: int, fields: list[tuple[int, bytes]], handle: int = 1, uid: int = 7) -> bytes:
    body = b"".join(struct.pack("<HB", len(raw), kind) + raw for kind, raw in fields)
    return struct.pack("<HIBHI", index, 7 + len(body), 0, handle, uid) + body


SMS = bytes([1]) + bytes(12) + struct.pack("<qq", MS, MS - 1000) + b"\2"


def mail_head(dates: bytes) -> bytes:
    """The first field of a mail: 106 bytes, with three packed dates at 28."""
    return bytes(28) + dates.ljust(78, b"\0")


NAMES = ["Phone Call Logs", "Calendar - All", "Messages", "SMS Messages", "Address Book"]
RECORDS = [
    rec(0, [(2, b"\3\0\0\0"), (3, struct.pack("<I", 65)), (4, struct.pack("<q", MS)), (12, b"+491234\0"),
            (31, b"M\xfcller\0")]),
    rec(1, [(2, b"Dentist\0"), (5, b"\xff" * 4), (6, struct.pack("<I", MINUTES)),
            (7, struct.pack("<I", MINUTES + 30))]),
    rec(2, [(0, mail_head(bytes.fromhex("7D209D70") * 2 + bytes.fromhex("7D209E70"))),
            (1, bytes(8) + b"Anna M\xfcller\0anna@example.org\0"), (11, b"Hello\0")]),
    rec(3, [(1, SMS), (2, b"\0\1\0\0+49123\0"), (4, "Grüße \u20ac".encode("utf-16-be"))]),
    rec(4, [(32, b"Anna\0"), (99, b"\0\1\2\3")], handle=2),
    rec(0xFFFF, [(1, b"x")]),
]  # fmt: skip


def test_databases_records_and_all_three_dates() -> None:
    made = read_backup(BytesSource(ipd(NAMES, RECORDS)))
    assert made.databases == tuple(zip(NAMES, (1, 1, 1, 1, 1), strict=True)) and not made.problems
    call, date, mail, sms, person, stray = made.records
    assert [(one.name, one.text, one.kind) for one in call.dates] == [("date", "2012-03-29 14:04:05.678", "A")]
    assert [value.text for value in call.fields] == ["missed", "65", None, "+491234", "Müller"]
    assert [(one.name, one.text) for one in date.dates] == [
        ("reminder", ""), ("start", "2012-03-29 14:04:00"), ("end", "2012-03-29 14:34:00")
    ]  # fmt: skip
    assert date.dates[1].zone == "UTC or local" and not date.dates[0].suspect
    first = mail.dates[0]
    assert (first.name, first.text, first.zone) == ("received", "2012-03-29 14:04:58", "device local")
    assert mail.dates[2].text == "" and mail.dates[2].problem  # seconds of 60
    assert [one.text for one in sms.dates] == ["2012-03-29 14:04:05.678", "2012-03-29 14:04:04.678"]
    assert [value.text for value in mail.fields[1:]] == ["Anna Müller anna@example.org", "Hello"]
    assert sms.fields[1].text == "+49123" and sms.fields[2].text == "Grüße €"
    assert person.handle == 2 and person.fields[0].name == "name" and person.fields[1].text is None
    assert stray.database == "" and stray.index == 0xFFFF


# The one real backup that could be found: a service book of a phone, in the structure that its writer gave it, with
# made-up values of the same lengths.
SERVICE = rec(0, [(1, b"\1\0\0\0"), (2, bytes(4)), (23, b"\x5d\x70\x8b\xc7"), (3, b"WAP2 Transport 09\0"),
                  (5, b"\0"), (6, b"\xff" * 4), (7, b"WAP2 trans09"), (8, b"WPTCP"), (9, bytes(61)),
                  (15, b"WPTCP Trans Someone (100000)\0"), (17, b"\3")])  # fmt: skip


def test_names_of_fields_agree_with_other_readers() -> None:
    people = rec(0, [(2, b"1\0"), (3, b"2\0"), (32, b"Anna\0"), (32, b"Bell\0"), (42, b"Cook\0"), (55, b"Dr\0")])
    task = rec(1, [(2, b"Pay\0"), (5, struct.pack("<I", MINUTES)), (6, struct.pack("<I", MINUTES - 60)),
                   (9, b"\2\0\0\0"), (10, b"\0\0\0\0")])  # fmt: skip
    names = ["Address Book", "Tasks", "Service Book"]
    person, job, book = read_backup(BytesSource(ipd(names, [people, task, rec(2, [])[:2] + SERVICE[2:]]))).records
    assert [(one.name, one.text) for one in person.fields] == [
        ("phone", "1"), ("fax", "2"), ("name", "Anna"), ("name", "Bell"), ("job_title", "Cook"), ("prefix", "Dr"),
    ]  # fmt: skip
    assert [(one.name, one.text) for one in job.dates] == [
        ("due", "2012-03-29 14:04:00"), ("start", "2012-03-29 13:04:00")
    ]  # fmt: skip
    assert [value.text for value in job.fields[3:]] == ["completed", "high"]
    assert [value.text for value in book.fields if value.type in (6, 7, 8, 23)] == [None, None, "WAP2 trans09", "WPTCP"]
    assert {value.name: value.text for value in book.fields}["description"] == "WPTCP Trans Someone (100000)"
    assert not book.problems


@pytest.mark.parametrize(
    ("coding", "raw", "words"),
    [(0, b"\x11 costs 5 \x1b\x65\x00", "_ costs 5 €"), (1, b"caf\xe9\0", "café"), (2, b"\x20\xac\0a\0\0", "€a"),
     (0, b"\0\x1b", "@"), (9, b"plain\0", "plain")],
)  # fmt: skip
def test_texts_of_short_messages(coding: int, raw: bytes, words: str) -> None:
    head = SMS[:-1] + bytes([coding])
    made = read_backup(BytesSource(ipd(["SMS Messages"], [rec(0, [(1, head), (4, raw)])])))
    assert made.records[0].fields[1].text == words


def test_another_base_year_and_implausible_dates() -> None:
    records = [rec(0, [(0, mail_head(bytes.fromhex("7D209D70") * 3))]), rec(1, [(4, struct.pack(">q", MS))])]
    data = ipd(["Messages", "Phone Call Logs"], [*records, rec(1, [(4, bytes(8))])])
    made = read_backup(BytesSource(data), base_year=1980)
    assert made.records[0].dates[0].text == "1996-03-29 14:04:58" and made.records[0].dates[0].suspect
    assert made.records[1].dates[0].suspect or made.records[1].dates[0].problem
    assert made.records[2].dates[0].text == "" and not made.records[2].dates[0].suspect


def test_what_is_damaged_in_a_backup() -> None:
    good = ipd(NAMES, RECORDS[:2])
    assert read_backup(BytesSource(good[:-5])).lost > 0
    assert len(read_backup(BytesSource(good + bytes(40))).records) == 2
    made = read_backup(BytesSource(ipd(NAMES, [RECORDS[0], rec(9, [])])))
    assert len(made.records) == 1 and made.lost == 13
    overrun = struct.pack("<HIBHI", 0, 12, 0, 1, 1) + b"\xff\xff\1ab" + RECORDS[1]
    made = read_backup(BytesSource(ipd(NAMES, [overrun])))
    assert len(made.records) == 2 and "left over" in made.records[0].problems[0]
    made = read_backup(BytesSource(ipd(NAMES, [], count=200)))
    assert any("damaged" in one.message for one in made.problems)
    holed = HoleSource(BytesSource(good), RangeSet([(len(good) - 4, len(good))]))
    assert "never read" in read_backup(holed).records[1].problems[-1]
    with pytest.raises(RefusedError, match="encrypted"):
        read_backup(BytesSource(SIGNATURE + b" encrypted\n\x02" + bytes(40)))
    with pytest.raises(DamagedError):
        read_backup(BytesSource(b"nothing of it"))


def bbb(databases: dict[str, bytes], manifest: str | None = None) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = "".join(f'<Database version="1" uid="{at}" recordcount="1">{name}</Database>'
                         for at, name in enumerate(databases))  # fmt: skip
        archive.writestr("Manifest.xml", manifest or f"<Archive><Databases>{listed}</Databases></Archive>")
        for at, data in enumerate(databases.values()):
            archive.writestr(f"Databases/{at}.dat", data)
    return stream.getvalue()


def test_an_archive_of_the_later_software() -> None:
    calendar = rec(0, [(6, struct.pack("<I", MINUTES))])
    made = read_backup(BytesSource(bbb({"Phone Call Logs": RECORDS[0], "Calendar": calendar})))
    assert made.databases == (("Phone Call Logs", 1), ("Calendar", 1))
    assert made.records[1].dates[0].text == "2012-03-29 14:04:00"
    for bad in (b"PK\x03\x04nonsense", bbb({}), bbb({"x": b""}, '<Database uid="../../etc/passwd">x</Database>')):
        with pytest.raises(DamagedError):
            read_backup(BytesSource(bad))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.binary(min_size=1, max_size=8)), max_size=5), st.integers(0, 500))
def test_hostile_backups_end(hits: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(ipd(NAMES, RECORDS))
    for at, junk in hits:
        data[max(38, at) : max(38, at) + len(junk)] = junk
    try:
        read_backup(BytesSource(bytes(data[: max(45, len(data) - cut)])))
    except (DamagedError, RefusedError):
        pass


# -- IrRemote

XML = (
    '<?xml version="1.0" encoding="UTF-8"?><remote xmlns="http://irremote.psiloc.com/schema/remote.xsd" name="RM862" '
    'bits="12" eps="30" aeps="100" phead="2400" shead="600" pone="1200" sone="600" pzero="600" szero="600" '
    'gap="45000" minrepeat="2" type="TV"><flags><flag>SPACEENC</flag></flags><codes>'
    '<code name="TVPower" data="A90"/><code name="TV 1!" data="010"/></codes></remote>'
)


def u32(*values: int) -> bytes:
    return b"".join(struct.pack("<I", value & 0xFFFFFFFF) for value in values)


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return u32(len(raw)) + raw


def ir(first: int = 0x99, third: int = 0x68, xml: str = XML, rank: int = 1, tail: bytes = bytes(27)) -> bytes:
    return (
        bytes([first, 0x12, third, 0x13, 1]) + u32(1, 1, 1, 5849) + text("TV") + text("Sony") + text("RM862_KV28WF3E")
        + u32(6985, 6189, 5849) + text("Yo_mismo") + u32(rank) + u32(6189) + text(xml) + tail
    )  # fmt: skip


def test_an_ir_file_as_documented() -> None:
    made = read_irremote(BytesSource(ir()))
    assert made.signature == "99 12 68 13 01" and not made.importable
    assert made.devices[0].vendor == "Sony" and made.files[0].author == "Yo_mismo" and made.files[0].rank == 1
    remote = made.definitions[0].remote
    assert remote is not None and remote.bits == 12 and remote.frequency == 38000
    assert remote.codes == (("TVPower", "A90"), ("TV 1!", "010")) and remote.flags == ("SPACEENC",)
    assert [one.code for one in made.problems] == ["signature"]
    conf = lirc(remote)
    assert "  header 2400 600\n" in conf and "  one 1200 600\n" in conf and "    TVPower 0xA90\n" in conf
    assert "    TV_1_ 0x010\n" in conf and conf.startswith("begin remote\n  name RM862\n  bits 12\n  flags SPACEENC\n")
    assert read_irremote(BytesSource(importable(ir()))).importable
    assert not read_irremote(BytesSource(ir(0x89, 0x63))).problems


def test_several_rows_and_what_they_refer_to() -> None:
    data = bytes([0x89, 0x12, 0x68, 0x13, 1]) + u32(3, 4, 2)
    for number in range(3):
        data += u32(number) + text("TV") + text("V") + text(f"M{number}")
    for number, (file_id, device) in enumerate(((10, 0), (10, 1), (11, 2), (12, 9))):
        data += u32(number, file_id, device) + text("H\xe4ns".encode("latin-1")) + u32(-100)
    data += u32(10) + text("\ufeff" + XML) + u32(11) + text("<remote name='x' type='Amp'/>")
    made = read_irremote(BytesSource(data))
    assert made.files[0].author == "Häns" and made.files[0].rank == -100
    assert sorted(one.message for one in made.problems) == [
        "file row 3 names a definition 12 that is not there", "file row 3 names a device 9 that is not there",
    ]  # fmt: skip
    assert all(one.remote is not None for one in made.definitions)


def test_a_database() -> None:
    rows = u32(1, 2, 3) + text("me") + text("2.xml") + u32(-5)
    data = u32(1, 1, 3) + text("TV") + text("Sony") + text("X") + u32(1) + rows
    made = read_irremote(BytesSource(data))
    assert made.kind == "database" and made.files[0].xml_name == "2.xml" and made.files[0].rank == -5
    assert not made.problems
    assert read_irremote(BytesSource(u32(1, 0, 0))).devices == ()
    assert read_irremote(BytesSource(u32(2, 0, 0))).problems[0].code == "version"


def test_damaged_ir_files() -> None:
    data = ir(0x89)
    for cut in range(17, len(data) - 27):
        made = read_irremote(BytesSource(data[:cut]))
        assert made.problems[0].code == "cut"
    assert read_irremote(BytesSource(ir(0x89, tail=b"\0more"))).problems[0].code == "tail"
    huge = data.replace(text("Sony"), b"\xff\xff\xff\xffSony")
    assert "too many" in read_irremote(BytesSource(huge)).problems[0].message
    for bad in ("<remote", "<other/>", '<!DOCTYPE x [<!ENTITY a "aaaa">]><remote>&a;</remote>', "<remote bits='x'/>"):
        made = read_irremote(BytesSource(ir(0x89, xml=bad)))
        assert made.definitions[0].remote is None and made.definitions[0].problem
    counts = bytes([0x89, 0x12, 0x68, 0x13, 1]) + b"\xff" * 12
    assert "not believed" in read_irremote(BytesSource(counts)).problems[0].message
    for bad_bytes in (b"", b"\x89\x12\x68\x13\x02", bytes(64), random.Random(1).randbytes(99)):
        with pytest.raises(DamagedError):
            read_irremote(BytesSource(bad_bytes))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(5, 500), st.binary(min_size=1, max_size=8)), max_size=5))
def test_hostile_ir_files_end(hits: list[tuple[int, bytes]]) -> None:
    data = bytearray(ir())
    for at, junk in hits:
        data[at : at + len(junk)] = junk
    for one in read_irremote(BytesSource(bytes(data))).definitions:
        if one.remote is not None:
            assert "\n" not in one.remote.name or "\n" not in lirc(one.remote).split("\n")[1]


def test_a_zipped_backup_with_any_byte_turned() -> None:
    good = bbb({"Phone Call Logs": RECORDS[0]})
    for at in range(len(good)):
        for value in (0xFF, good[at] ^ 1):
            try:
                read_backup(BytesSource(good[:at] + bytes([value]) + good[at + 1 :]))
            except (DamagedError, RefusedError):
                continue
