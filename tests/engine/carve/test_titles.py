"""Names from content: what documents call themselves, safe to show and to write, whatever a hostile one says."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from engine.carve.naming import file_name
from engine.carve.outcome import Status
from engine.carve.view import Reader, View
from engine.carve.walkers.titles import clean, pdf_title, properties
from engine.carve.writing import write_finds
from engine.source.extents import BytesSource
from tests.engine.carve.images import finds_in

CORE = (
    '<?xml version="1.0"?><cp:coreProperties xmlns:cp="c" xmlns:dc="d" xmlns:dcterms="t"><dc:title>{}</dc:title>'
    '<dc:creator>A. Author</dc:creator><dcterms:modified xsi:type="dcterms:W3CDTF">2012-03-29T14:04:05Z'
    "</dcterms:modified></cp:coreProperties>"
)
META = (
    '<?xml version="1.0"?><office:document-meta><office:meta><meta:initial-creator>x</meta:initial-creator>'
    "<dc:title>{}</dc:title><dc:date>2012-03-29T14:04:05.123</dc:date></office:meta></office:document-meta>"
)


def office(folder: str, title: str, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packed) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(f"{folder}document.xml", "<x/>" * 400)
        archive.writestr("docProps/core.xml", CORE.format(title))
    return out.getvalue()


def open_document(kind: str, title: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}", zipfile.ZIP_STORED)
        archive.writestr("content.xml", "<x/>" * 400)
        archive.writestr("meta.xml", META.format(title))
    return out.getvalue()


def pdf(info: bytes, tail: bytes = b"") -> bytes:
    body = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    at = len(body)
    body += b"2 0 obj\n<< /Producer (p) " + info + b" >>\nendobj\n"
    here = len(body)
    return body + (
        b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n%010d 00000 n \ntrailer\n<< /Size 3 /Root 1 0 R "
        b"/Info 2 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (at, tail, here)
    )


@pytest.mark.parametrize("packed", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
@pytest.mark.parametrize(("folder", "extension"), [("word/", "docx"), ("xl/", "xlsx"), ("ppt/", "pptx")])
def test_office_open_xml(folder: str, extension: str, packed: int) -> None:
    (find,) = finds_in(office(folder, "Budget &amp; plan", packed) + bytes(600))
    assert (find.extension, find.name, find.modified) == (extension, "Budget & plan", 1333029845.0)
    assert find.facts["author"] == "A. Author"
    assert file_name(find) == f"{extension}/Budget & plan_0000000000.{extension}"


@pytest.mark.parametrize(("kind", "extension"), [("text", "odt"), ("spreadsheet", "ods"), ("presentation", "odp")])
def test_open_document(kind: str, extension: str) -> None:
    (find,) = finds_in(open_document(kind, "Jahresbericht für Müller") + bytes(600))
    assert (find.extension, find.name, find.modified) == (extension, "Jahresbericht für Müller", 1333029845.0)


@pytest.mark.parametrize(
    ("info", "title"),
    [
        (rb"/Title (A \(small\) report\, \344 of \
two lines)", "A (small) report, ä of two lines"),
        (rb"/Title (with (inner) ones)", "with (inner) ones"),
        (b"/Title <FEFF00470072 00FC00DF0065>", "Grüße"),
        (b"/Title (\xfe\xff\0G\0r\0\xfc\0n)", "Grün"),
        (b"/Title(\xef\xbb\xbfGr\xc3\xbcn)", "Grün"),
        (b"/Title ()", ""), (b"/Title (never closed", ""), (b"/Title <zz>", ""), (b"/Title 7 0 R", ""), (b"", ""),
    ],
)  # fmt: skip
def test_pdf_titles(info: bytes, title: str) -> None:
    (find,) = finds_in(pdf(info) + bytes(600))
    assert (find.kind, find.status, find.name) == ("pdf", Status.COMPLETE, title)


def test_an_encrypted_pdf_has_no_title_and_a_packet_gives_one() -> None:
    (find,) = finds_in(pdf(b"/Title (rubbish)", b"/Encrypt 9 0 R") + bytes(600))
    assert find.name == ""
    packet = b"<dc:title>\n<rdf:Alt><rdf:li xml:lang='x-default'>From a packet</rdf:li></rdf:Alt></dc:title>"
    (find,) = finds_in(pdf(b"/Metadata (" + packet + b")") + bytes(600))
    assert find.name == "From a packet"


def test_a_page_names_itself() -> None:
    page = b"<!DOCTYPE html><html><head><TITLE>Caf\xc3\xa9 &lt;menu&gt;</TITLE></head><body>" + b"<p>x</p>" * 50
    (find,) = finds_in(page + b"</body></html>" + bytes(600))
    assert (find.kind, find.name) == ("html", "Café <menu>")


def test_what_a_hostile_title_may_not_do(tmp_path: Path) -> None:
    evil = "../../etc/\x1b[31mpass\u202ewd\n" + "x" * 5000
    (find,) = finds_in(office("word/", evil) + bytes(600))
    assert find.name.isprintable() and len(find.name) <= 120 and "\x1b" not in find.name
    data = office("word/", evil)
    report = write_finds(BytesSource(data + bytes(600)), [find], tmp_path / "out")
    (written,) = report.written
    assert Path(written.path).parent == tmp_path / "out" / "docx" and Path(written.path).read_bytes() == data
    assert clean("\0\x07  a \u2066b") == "a b"


def test_a_bomb_in_the_properties_is_cut() -> None:
    """64 MiB of properties: the CRC is looked at as for every member, of the text only the first part."""
    bomb = CORE.format("kept").encode() + b" " * (64 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("word/document.xml", "<x/>" * 400)
        archive.writestr("docProps/core.xml", bomb)
    (find,) = finds_in(out.getvalue() + bytes(600))
    assert (find.status, find.name) == (Status.COMPLETE, "kept")
    assert properties(b"<dc:title" + b" x" * 100_000).title == ""
    data = pdf(b"/Title (x)") + b"/Info 2 0 R\n" * 5000
    assert pdf_title(View(Reader(BytesSource(data)), 0), len(data)) == "x"


def test_unread_properties_name_nothing() -> None:
    data = office("word/", "Title", zipfile.ZIP_STORED)
    at = data.find(b"docProps/core.xml") + 40
    (find,) = finds_in(data + bytes(600), holes=[(at, at + 16)])
    assert find.name == ""
