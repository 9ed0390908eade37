"""Playing times by headers, against what ffprobe finds in files that ffmpeg wrote."""

from __future__ import annotations

import json
import random
import subprocess
from pathlib import Path

import pytest

from engine.filesystems.media import KNOWN, seconds
from engine.ranges import RangeSet
from engine.source import FileSource, HoleSource
from engine.source.extents import BytesSource
from tests.support import find_tool, needs_tool

_VIDEO = ("-f", "lavfi", "-i", "testsrc=size=160x120:rate=25")
_SOUND = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100")
_MADE = {
    "wav": _SOUND, "flac": _SOUND, "mp3": (*_SOUND, "-b:a", "96k"), "m4a": _SOUND, "aac": _SOUND,
    "ogg": (*_SOUND, "-c:a", "libvorbis"), "opus": (*_SOUND, "-c:a", "libopus"), "oga": (*_SOUND, "-c:a", "flac"),
    "wma": _SOUND, "mka": (*_SOUND, "-c:a", "flac"),
    "avi": _VIDEO, "mp4": (*_VIDEO, "-pix_fmt", "yuv420p"), "mov": _VIDEO, "m4v": _VIDEO,
    "3gp": (*_VIDEO, "-s", "176x144", "-c:v", "h263"),
    "mkv": (*_VIDEO, *_SOUND), "webm": (*_VIDEO, "-c:v", "libvpx", "-deadline", "realtime"), "wmv": _VIDEO,
    "ts": (*_VIDEO, *_SOUND), "m2ts": (*_VIDEO, *_SOUND), "mts": (*_VIDEO, "-f", "mpegts", "-mpegts_m2ts_mode", "1"),
    "vob": (*_VIDEO, *_SOUND, "-target", "pal-dvd"), "mpg": (*_VIDEO, "-c:v", "mpeg1video"),
}  # fmt: skip
"""Ending -> how ffmpeg makes 23 seconds of it."""


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    tool = find_tool("ffmpeg")
    assert tool is not None
    for ending, how in _MADE.items():
        subprocess.run([tool, "-v", "error", "-y", *how, "-t", "23", str(folder / f"a.{ending}")],
                       check=True, stdin=subprocess.DEVNULL, timeout=120)  # fmt: skip
    subprocess.run([tool, "-v", "error", "-y", *_SOUND, "-q:a", "5", "-t", "23", str(folder / "vbr.mp3")],
                   check=True, stdin=subprocess.DEVNULL, timeout=120)  # fmt: skip
    return folder


@pytest.mark.full
@needs_tool("ffmpeg")
def test_times_are_those_of_ffprobe(media: Path) -> None:
    wrong = []
    for path in sorted(media.iterdir()):
        told = subprocess.run(
            ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "json", str(path)],
            check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60,
        ).stdout  # fmt: skip
        truth = float(json.loads(told)["format"]["duration"])
        with FileSource(path) as source:
            ours = seconds(source, path.suffix[1:])
        if ours is None or abs(ours - truth) > 0.03 * truth:
            wrong.append((path.name, ours, truth))
    assert not wrong
    assert len(_MADE) >= 20


@pytest.mark.full
@needs_tool("ffmpeg")
def test_what_was_never_read_is_no_header(media: Path) -> None:
    for path in sorted(media.iterdir()):
        data = path.read_bytes()
        assert seconds(HoleSource(BytesSource(data), RangeSet.of(0, len(data))), path.suffix[1:]) is None, path.name


def test_junk_has_no_time_or_some_but_never_fails() -> None:
    dice = random.Random(7)
    heads = (b"OggS\0", b"\x1a\x45\xdf\xa3", b"ID3", b"\xff\xfb\x90", b"\xff\xf1\x50", b"G", b"fLaC", b"RIFF",
             b"\0\0\1\xba",
             bytes.fromhex("3026b2758e66cf11"), b"\0\0\0\x18moov", b"\x18\x53\x80\x67\xff")  # fmt: skip
    for ending in sorted(KNOWN):
        for head in heads:
            for size in (0, 1, 7, 40, 700, 5000):
                data = (head + dice.randbytes(size) if dice.random() < 0.7 else head * (1 + size // 4))[: size or None]
                found = seconds(BytesSource(data), ending)
                assert found is None or 0 < found < 1e7
