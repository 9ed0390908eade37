"""Real files, written by the standard library and by Pillow, for carving tests."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import plistlib
import random
import sqlite3
import struct
import tarfile
import wave
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path


def picture(form: str, size: tuple[int, int] = (160, 120), seed: int = 1, **options: object) -> bytes:
    """A noisy gradient, so that compressed data look like a photograph's."""
    from PIL import Image

    dice = random.Random(seed)
    width, height = size
    noise = dice.randbytes(width * height * 3)
    image = Image.frombytes("RGB", size, bytes((x * 3 // 4 + i // 7) & 0xFF for i, x in enumerate(noise)))
    out = io.BytesIO()
    image.save(out, form, **options)  # type: ignore[arg-type]
    return out.getvalue()


def zipped(
    method: int = zipfile.ZIP_DEFLATED, *, comment: bytes = b"", names: tuple[str, ...] = ("a.txt", "b.bin")
) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for number, name in enumerate(names):
            content = random.Random(number).randbytes(9000) + b"text " * 2000
            archive.writestr(name, content)
        archive.comment = comment
    return out.getvalue()


def streamed_zip() -> bytes:
    class NoSeek(io.RawIOBase):
        def __init__(self) -> None:
            self.data = bytearray()

        def writable(self) -> bool:
            return True

        def write(self, data: object) -> int:
            self.data += bytes(data)  # type: ignore[call-overload]
            return len(bytes(data))  # type: ignore[call-overload]

    out = NoSeek()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:  # type: ignore[type-var]
        archive.writestr("streamed.txt", random.Random(4).randbytes(20000))
    return bytes(out.data)


def database(folder: Path) -> bytes:
    path = folder / "made.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("create table t (a, b)")
        connection.executemany("insert into t values (?, ?)", [(n, f"row {n}" * 9) for n in range(400)])
    connection.close()
    data = path.read_bytes()
    path.unlink()
    return data


def sound() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as stream:
        stream.setnchannels(1)
        stream.setsampwidth(2)
        stream.setframerate(8000)
        stream.writeframes(random.Random(2).randbytes(8000))
    return out.getvalue()


def tarred() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in ("one.txt", "two.bin"):
            info = tarfile.TarInfo(name)
            info.size = 3000
            archive.addfile(info, io.BytesIO(random.Random(3).randbytes(3000)))
    return out.getvalue()


def pdf(*, updates: int = 0) -> bytes:
    """A small document with ``updates`` incremental updates."""
    body = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n"
    at = len(body)
    data = (
        body
        + b"xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \n"
        + b"trailer\n<< /Size 2 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % at
    )
    for number in range(updates):
        at = len(data)
        data += b"%d 0 obj\n<< /N %d >>\nendobj\n" % (number + 2, number)
        here = len(data)
        data += b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
            number + 2, at, number + 3, here,
        )  # fmt: skip
    return data


def boxes() -> bytes:
    """An MP4 of the right shape: ftyp, mdat, moov with mvhd."""

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", 8 + len(body)) + kind + body

    header = box(b"mvhd", struct.pack(">IIIII", 0, 3_700_000_000, 3_700_000_000, 1000, 5000) + bytes(80))
    return (
        box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"mdat", random.Random(5).randbytes(30_000)) + box(b"moov", header)
    )


def ogg_pages(pages: int = 4) -> bytes:
    from engine.carve.walkers.audio import ogg_crc

    out = b""
    for number in range(pages):
        flags = (2 if number == 0 else 0) | (4 if number == pages - 1 else 0)
        body = random.Random(number).randbytes(255 * 4)
        page = bytearray(
            b"OggS\0" + bytes([flags]) + struct.pack("<QIII", number, 77, number, 0) + bytes([4]) + b"\xff" * 4 + body
        )
        page[22:26] = struct.pack("<I", ogg_crc(bytes(page)))
        out += bytes(page)
    return out


def mp3_frames(count: int = 30) -> bytes:
    dice = random.Random(6)
    return b"".join(b"\xff\xfb\x90\x00" + dice.randbytes(413) for _ in range(count))


def packets(count: int = 60) -> bytes:
    dice = random.Random(7)
    return b"".join(b"\x47\x40\x11" + bytes([0x10 | n & 15]) + dice.randbytes(184) for n in range(count))


@cache
def _program() -> bytes:
    return Path("/bin/true").read_bytes()


MAKERS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "jpeg": ("jpg", lambda: picture("JPEG", quality=90)),
    "progressive": ("jpg", lambda: picture("JPEG", quality=85, progressive=True, seed=2)),
    "png": ("png", lambda: picture("PNG")),
    "gif": ("gif", lambda: picture("GIF")),
    "bmp": ("bmp", lambda: picture("BMP")),
    "tiff": ("tif", lambda: picture("TIFF")),
    "webp": ("webp", lambda: picture("WEBP")),
    "icon": ("ico", lambda: picture("ICO", (64, 64))),
    "jpeg2000": ("jp2", lambda: picture("JPEG2000")),
    "zip": ("zip", zipped),
    "stored zip": ("zip", lambda: zipped(zipfile.ZIP_STORED, comment=b"a comment")),
    "streamed zip": ("zip", streamed_zip),
    "docx": ("docx", lambda: zipped(names=("[Content_Types].xml", "word/document.xml"))),
    "gzip": ("gz", lambda: gzip.compress(random.Random(1).randbytes(30_000))),
    "bzip2": ("bz2", lambda: bz2.compress(random.Random(1).randbytes(30_000))),
    "xz": ("xz", lambda: lzma.compress(random.Random(1).randbytes(30_000))),
    "tar": ("tar", tarred),
    "wav": ("wav", sound),
    "pdf": ("pdf", pdf),
    "updated pdf": ("pdf", lambda: pdf(updates=3)),
    "mp4": ("mp4", boxes),
    "ogg": ("ogg", ogg_pages),
    "mp3": ("mp3", mp3_frames),
    "ts": ("ts", packets),
    "elf": ("so", _program),
    "bplist": ("plist", lambda: plistlib.dumps({"a": list(range(300)), "b": "x" * 500}, fmt=plistlib.FMT_BINARY)),
    "rtf": ("rtf", lambda: b"{\\rtf1\\ansi {\\b bold} text \\{ not a brace \\}" + b" words" * 300 + b"}"),
    "svg": (
        "svg",
        lambda: b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">' + b"<g/>" * 200 + b"</svg>\n",
    ),
    "html": ("html", lambda: b"<!DOCTYPE html>\n<html><body>" + b"<p>text</p>" * 100 + b"</body></html>\n"),
}


@cache
def made(name: str) -> bytes:
    """The file of this name, the same bytes each time."""
    return MAKERS[name][1]()
