"""Some 120 files of some 80 types, written by the programs that write such files in real life, as far as they are here.

For the heavy tests and the benchmark; what a program cannot write is left out, and counted by the caller.
"""

from __future__ import annotations

import os
import plistlib
import random
import subprocess
from pathlib import Path

from tests.engine.carve.made_files import MAKERS, database, made
from tests.support import find_tool

_VIDEO = ("-f", "lavfi", "-i", "testsrc2=duration=4:size=320x240:rate=25")
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:duration=5")
_STILL = ("-f", "lavfi", "-i", "mandelbrot=size=640x480", "-frames:v", "1", "-update", "1")
_NOISE = ("-vf", "noise=alls=20:allf=t")

_FFMPEG: dict[str, tuple[str, ...]] = {
    "film.mp4": (*_VIDEO, *_SOUND, "-c:v", "mpeg4", "-c:a", "aac"),
    "fast.mp4": (*_VIDEO, *_SOUND, "-c:v", "mpeg4", "-c:a", "aac", "-movflags", "+faststart"),
    "parts.mp4": (*_VIDEO, "-c:v", "mpeg4", "-movflags", "+frag_keyframe+empty_moov"),
    "film.mov": (*_VIDEO, *_SOUND, "-c:v", "mpeg4", "-c:a", "aac"),
    "film.m4v": (*_VIDEO, "-c:v", "mpeg4"),
    "film.3gp": (*_VIDEO, "-c:v", "mpeg4", "-s", "176x144"),
    "film.mpg": (*_VIDEO, *_SOUND, "-c:v", "mpeg1video", "-c:a", "mp2"),
    "dvd.vob": (*_VIDEO, *_SOUND, "-c:v", "mpeg2video", "-c:a", "ac3", "-f", "vob"),
    "film.ts": (*_VIDEO, *_SOUND, "-c:v", "mpeg2video", "-c:a", "mp2"),
    "film.m2ts": (*_VIDEO, *_SOUND, "-c:v", "mpeg2video", "-c:a", "ac3", "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "film.avi": (*_VIDEO, *_SOUND, "-c:v", "mpeg4", "-c:a", "mp3"),
    "raw.avi": (*_VIDEO, "-c:v", "mjpeg"),
    "film.mkv": (*_VIDEO, *_SOUND, "-c:v", "mpeg4", "-c:a", "aac"),
    "film.webm": (*_VIDEO, *_SOUND, "-c:v", "vp8", "-c:a", "libvorbis"),
    "film.wmv": (*_VIDEO, *_SOUND, "-c:v", "wmv2", "-c:a", "wmav2"),
    "film.flv": (*_VIDEO, *_SOUND, "-c:v", "flv", "-ar", "44100"),
    "film.ogv": (*_VIDEO, *_SOUND, "-c:v", "libtheora", "-c:a", "libvorbis"),
    "tagged.mp3": (*_SOUND, "-metadata", "title=A title", "-metadata", "artist=Somebody"),
    "bare.mp3": (*_SOUND, "-write_id3v2", "0", "-id3v2_version", "0", "-write_xing", "0"),
    "sound.aac": _SOUND,
    "sound.ac3": _SOUND,
    "sound.flac": _SOUND,
    "stereo.flac": (*_SOUND, "-ac", "2", "-compression_level", "12"),
    "sound.ogg": (*_SOUND, "-c:a", "libvorbis"),
    "sound.opus": (*_SOUND, "-c:a", "libopus"),
    "sound.wav": _SOUND,
    "sound.aiff": _SOUND,
    "sound.au": _SOUND,
    "sound.caf": _SOUND,
    "sound.m4a": _SOUND,
    "sound.wma": _SOUND,
    "sound.mka": (*_SOUND, "-c:a", "flac"),
    "still.jpg": (*_STILL, *_NOISE, "-q:v", "3"),
    "fine.jpg": (*_STILL, *_NOISE, "-q:v", "1"),
    "still.png": _STILL,
    "noisy.png": (*_STILL, *_NOISE),
    "still.bmp": _STILL,
    "still.tiff": _STILL,
    "still.webp": (*_STILL, "-c:v", "libwebp"),
    "still.jp2": _STILL,
    "moving.gif": _VIDEO,
}  # fmt: skip

_CONVERT: dict[str, tuple[str, ...]] = {
    "progressive.jpg": ("-interlace", "JPEG", "-quality", "92"),
    "grey.jpg": ("-colorspace", "Gray", "-quality", "85"),
    "restart.jpg": ("-define", "jpeg:restart-interval=4", "-quality", "88"),
    "palette.png": ("-colors", "32"),
    "interlaced.png": ("-interlace", "PNG"),
    "grey.png": ("-colorspace", "Gray"),
    "old.bmp": (),
    "packed.tiff": ("-compress", "lzw"),
    "zip.tiff": ("-compress", "zip"),
    "layers.psd": (),
    "icon.ico": ("-resize", "64x64"),
    "page.pdf": (),
    "page.eps": (),
    "page.ps": (),
    "still.j2k": (),
    "still.mng": (),
    "still.heic": (),
    "still.avif": (),
    "lossless.webp": ("-define", "webp:lossless=true"),
}

_OFFICE = {"text": ("odt", "doc", "docx", "rtf", "html", "pdf"), "cells": ("ods", "xls", "xlsx"), "slides": ()}


def _run(*command: str | os.PathLike[str], cwd: Path, most_s: int = 180) -> bool:
    try:
        done = subprocess.run(
            command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=most_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def make_corpus(folder: Path, *, office: bool = True) -> list[Path]:
    """Write the files into ``folder``; returns those that came out, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MAKERS:
        (folder / f"made-{name.replace(' ', '-')}.{MAKERS[name][0]}").write_bytes(made(name))
    (folder / "made.sqlite").write_bytes(database(folder))
    (folder / "prose.txt").write_text("\n".join(f"{n} words of a sentence, {n * n}" for n in range(6000)))
    (folder / "noise.bin").write_bytes(random.Random(8).randbytes(200_000))
    if find_tool("ffmpeg"):
        for name, words in _FFMPEG.items():
            _run("ffmpeg", "-v", "error", "-y", *words, name, cwd=folder)
    if find_tool("convert") and (folder / "noisy.png").exists():
        for name, words in _CONVERT.items():
            target = f"BMP3:{name}" if name.endswith(".bmp") else name
            _run("convert", "noisy.png", *words, target, cwd=folder)
    _archives(folder)
    if office and find_tool("soffice"):
        _documents(folder)
    _system(folder)
    for path in (folder / "prose.txt", folder / "noise.bin", folder / "cells.csv"):
        path.unlink(missing_ok=True)
    return sorted(path for path in folder.iterdir() if path.is_file() and path.stat().st_size > 32)


def _archives(folder: Path) -> None:
    files = [name for name in ("prose.txt", "noise.bin", "still.png") if (folder / name).exists()]
    for tool, command in {
        "zip": ("zip", "-q", "packed.zip", *files),
        "7z": ("7z", "a", "-bd", "packed.7z", *files),
        "tar": ("tar", "cf", "packed.tar", *files),
        "gzip": ("gzip", "-k", "prose.txt"),
        "bzip2": ("bzip2", "-k", "prose.txt"),
        "xz": ("xz", "-k", "prose.txt"),
        "zstd": ("zstd", "-q", "prose.txt"),
        "lz4": ("lz4", "-q", "prose.txt"),
        "ar": ("ar", "rc", "packed.a", *files),
        "genisoimage": ("genisoimage", "-quiet", "-o", "disc.iso", *files),
        "mksquashfs": ("mksquashfs", *files, "packed.squashfs", "-quiet"),
        "sqlite3": ("sqlite3", "rows.sqlite", "create table t(a,b); insert into t values(1, hex(randomblob(9000)));"),
    }.items():
        if find_tool(tool):
            _run(*command, cwd=folder)
    if find_tool("tar"):
        _run("tar", "czf", "packed.tgz", *files, cwd=folder)
    if find_tool("cpio"):
        _run("sh", "-c", "printf '%s\\n' prose.txt noise.bin | cpio -o -H newc > packed.cpio", cwd=folder)


def _documents(folder: Path) -> None:
    profile = f"-env:UserInstallation=file://{folder / '.office'}"
    (folder / "cells.csv").write_text("".join(f"{n},{n * n},text {n}\n" for n in range(300)))
    _run("soffice", profile, "--headless", "--convert-to", "odt", "--outdir", "office", "prose.txt", cwd=folder)
    for kind in ("doc", "docx", "rtf", "html", "pdf"):
        _run(
            "soffice", profile, "--headless", "--convert-to", kind, "--outdir", "office", "office/prose.odt", cwd=folder
        )
    for kind in ("ods", "xls", "xlsx"):
        _run("soffice", profile, "--headless", "--convert-to", kind, "--outdir", "office", "cells.csv", cwd=folder)
    for path in (folder / "office").glob("*"):
        path.rename(folder / f"office-{path.name}")


def _system(folder: Path) -> None:
    (folder / "tree.plist").write_bytes(plistlib.dumps({"a": list(range(400))}, fmt=plistlib.FMT_BINARY))
    (folder / "tree.xml").write_bytes(plistlib.dumps({"a": list(range(400))}))
    for name in ("true", "ls"):
        source = find_tool(name)
        if source:
            (folder / f"{name}.elf").write_bytes(Path(source).read_bytes())
    font = next((path for path in Path("/usr/share/fonts").rglob("*.ttf") if path.stat().st_size > 20_000), None)
    if font is not None:
        (folder / "letters.ttf").write_bytes(font.read_bytes())
    if find_tool("openssl"):
        _run("openssl", "genrsa", "-out", "key.pem", "2048", cwd=folder)
    if find_tool("qemu-img"):
        for kind in ("vmdk", "vdi", "vhdx", "qcow2"):
            _run("qemu-img", "create", "-q", "-f", kind, f"disk.{kind}", "4M", cwd=folder)
    pcap = b"\xd4\xc3\xb2\xa1\x02\0\x04\0" + bytes(8) + (65535).to_bytes(4, "little") + (1).to_bytes(4, "little")
    dice = random.Random(3)
    for number in range(200):
        size = dice.randrange(60, 1400)
        head = [1_700_000_000 + number, dice.randrange(1_000_000), size, size]
        pcap += b"".join(value.to_bytes(4, "little") for value in head) + dice.randbytes(size)
    (folder / "net.pcap").write_bytes(pcap)
