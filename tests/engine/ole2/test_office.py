"""Documents that LibreOffice writes, damaged in every way, repaired, measured, and opened by LibreOffice again."""

from __future__ import annotations

import base64
import random
import struct
import subprocess
import zlib
from pathlib import Path

import pytest

from engine.cases.documents import save_copy
from engine.ole2.solver import solve
from engine.ranges import RangeSet
from engine.source import FileSource
from engine.source.extents import BytesSource
from tests.engine.ole2 import damage, writer
from tests.engine.ole2.test_repair import HARD, judge
from tests.engine.ole2.writer import write
from tests.support import find_tool, needs_tool

pytestmark = [pytest.mark.full, needs_tool("soffice")]
FOR_LARGE = (
    "header zeroed", "shifted by sectors", "header of another file", "a FAT sector zero",
    "a FAT sector zero, header zeroed",
    "DIFAT zero", "DIFAT zero, header zeroed", "mini FAT zero", "first directory sector zero", "directory zero",
    "holes",
    "trailing junk, header zeroed", "FAT count wrong", "DIFAT start zero",
)  # fmt: skip
"""What is done to documents of several MB; the others suffer everything."""
_PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'
_SPACES = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" '
    'xmlns:svg="urn:oasis:names:tc:opendocument:xmlns:svg-compatible:1.0" office:version="1.2"'
)


def picture(side: int, seed: int) -> str:
    """A PNG of noise, for an XML document."""
    rng = random.Random(seed)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + rng.randbytes(side * 3) for _ in range(side))
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return base64.b64encode(data).decode()


def frame(side: int, seed: int) -> str:
    image = f"<draw:image><office:binary-data>{picture(side, seed)}</office:binary-data></draw:image>"
    return f'<draw:frame svg:width="5cm" svg:height="5cm" svg:x="1cm" svg:y="4cm">{image}</draw:frame>'


def letter(paragraphs: int, pictures: int, side: int) -> str:
    body = "".join(f"<text:p>Paragraph {n} w\u00f6rd {'x' * (n % 60)}</text:p>" for n in range(paragraphs))
    body += "".join(f"<text:p>{frame(side, n)}</text:p>" for n in range(pictures))
    kind = 'office:mimetype="application/vnd.oasis.opendocument.text"'
    inner = f"<office:text>{body}</office:text>"
    return f"{_PROLOG}<office:document {_SPACES} {kind}><office:body>{inner}</office:body></office:document>"


def slides(count: int, pictures: int, side: int) -> str:
    body = ""
    for n in range(count):
        text = f"<draw:text-box><text:p>Slide {n} t\u00ebxt</text:p></draw:text-box>"
        box = f'<draw:frame svg:width="9cm" svg:height="3cm" svg:x="1cm" svg:y="1cm">{text}</draw:frame>'
        body += f'<draw:page draw:name="s{n}">{box}{frame(side, n) if n < pictures else ""}</draw:page>'
    kind = 'office:mimetype="application/vnd.oasis.opendocument.presentation"'
    inner = f"<office:presentation>{body}</office:presentation>"
    return f"{_PROLOG}<office:document {_SPACES} {kind}><office:body>{inner}</office:body></office:document>"


def cells(rows: int, columns: int) -> str:
    rng = random.Random(rows)
    line = ["number" if n % 2 else "text" for n in range(columns)]
    return "\n".join(
        ",".join(str(rng.randrange(10**6)) if kind == "number" else f"w{rng.randrange(10**7)}" for kind in line)
        for _ in range(rows)
    )


def convert(folder: Path, kind: str, names: list[str]) -> None:
    """Run LibreOffice with a profile of its own."""
    tool = find_tool("soffice")
    assert tool is not None
    profile = f"-env:UserInstallation=file://{folder}/profile"
    subprocess.run(
        [tool, profile, "--headless", "--convert-to", kind, "--outdir", str(folder / "out"), *names],
        cwd=folder, check=True, capture_output=True, timeout=240,
    )  # fmt: skip


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Small ones, and large ones whose FAT needs a DIFAT."""
    folder = tmp_path_factory.mktemp("office")
    for name, text in {
        "small.fodt": letter(12, 1, 40), "large.fodt": letter(300, 10, 500), "small.fodp": slides(4, 1, 40),
        "large.fodp": slides(10, 10, 500), "small.csv": cells(20, 5), "middle.csv": cells(1500, 8),
        "large.csv": cells(24_000, 14),
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    for kind, ending in (("doc", "fodt"), ("ppt", "fodp"), ("xls", "csv")):
        convert(folder, kind, sorted(path.name for path in folder.glob(f"*.{ending}")))
    found = {path.name: path.read_bytes() for path in sorted((folder / "out").iterdir())}
    assert len(found) == 7 and any(damage.facts_of(data).difat for data in found.values())
    return found


def test_wiped_headers_come_back_byte_for_byte(documents: dict[str, bytes]) -> None:
    for name, data in documents.items():
        facts = damage.facts_of(data)
        best = solve(BytesSource(bytes(512) + data[512:])).best
        assert best is not None and best.verification.whole, name
        assert damage.fields(best.image.read(0, 512).data) == facts.header, name
        assert best.image.read(512, len(data)).data == data[512:], name


def test_every_kind_of_damage(documents: dict[str, bytes]) -> None:
    other = write(writer.slides(9, 20)).data
    failed = {}
    total = 0
    for name, data in documents.items():
        facts = damage.facts_of(data)
        for kind, make in damage.kinds(facts, other):
            if kind in HARD or (len(data) > 1 << 20 and kind not in FOR_LARGE):
                continue
            hurt = make(facts, random.Random(f"{name}{kind}"))
            best = solve(BytesSource(hurt.data, holes=RangeSet(hurt.holes))).best
            total += 1
            wrong = ["nothing"] if best is None else judge(facts, hurt, best)
            if wrong:
                failed[name, kind] = wrong
    guesses = {
        "holes",
        "holes, header unread",
        "a FAT sector zero, header zeroed",
        "a FAT sector random, header zeroed",
    }
    assert total > 200
    assert all(kind in guesses for _, kind in failed), failed
    assert len(failed) * 50 <= total, failed


def test_repaired_documents_open_in_libreoffice(documents: dict[str, bytes], tmp_path: Path) -> None:
    other = write(writer.slides(9, 20)).data
    wanted: dict[str, list[str]] = {"txt": [], "csv": [], "pdf": []}
    for name in ("small.doc", "middle.xls", "small.ppt"):
        facts = damage.facts_of(documents[name])
        for number, kind in enumerate(("header zeroed", "header cut off", "mini FAT zero", "a FAT sector zero",
                                       "first directory sector zero")):  # fmt: skip
            hurt = dict(damage.kinds(facts, other))[kind](facts, random.Random(kind))
            stem = f"{name.split('.')[0]}{number}{name[-4:]}"
            (tmp_path / f"hurt-{stem}").write_bytes(hurt.data)
            with FileSource(tmp_path / f"hurt-{stem}") as source:
                best = solve(source).best
                assert best is not None
                saved = save_copy(best, tmp_path / stem, original=source)
                new = save_copy(best, tmp_path / f"new-{stem}", original=source, form="new")
            assert saved.verification.structure and new.verification.structure, (name, kind)
            wanted[{"doc": "txt", "xls": "csv", "ppt": "pdf"}[name[-3:]]] += [stem, f"new-{stem}"]
    for form, names in wanted.items():
        convert(tmp_path, form, names)
        for stem in names:
            out = tmp_path / "out" / f"{Path(stem).stem}.{form}"
            assert out.exists() and out.stat().st_size > 100, stem
            if form == "txt":
                assert "Paragraph 3" in out.read_text(errors="replace"), stem
            if form == "csv":
                assert out.read_text(errors="replace").count("\n") >= 1499, stem
