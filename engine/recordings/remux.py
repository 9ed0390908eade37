"""Extracted parts put together by ffmpeg without coding anew: one .mpg or .mkv with chapters and a shape."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engine.atomic import fsync_directory, write_atomic
from engine.dvr import Chapter, Title
from engine.errors import DamagedError, OutsideError, outside
from engine.progress import SILENT, Reporter, check
from engine.tools import child_environment, need_tool

Container = Literal["mpg", "mkv"]
ASPECTS = {"4:3": "4/3", "16:9": "16/9"}


@dataclass(frozen=True, slots=True)
class Remux:
    """How. ``aspect``: shape written into the stream, ``4:3`` or ``16:9`` (empty: as it is)."""

    container: Container = "mkv"
    aspect: str = ""


def remux(parts: Sequence[Path], target: Path, title: Title, how: Remux, reporter: Reporter = SILENT) -> None:
    """Write ``target`` (by way of ``target.part``) from files that play one after the other.

    Clocks that begin anew in each part are made to go on. Raises ``OutsideError`` (no ffmpeg, no room),
    ``DamagedError`` (ffmpeg cannot make anything of it), ``CancelledError`` (the unfinished file is removed)."""
    tool = need_tool("ffmpeg", "ffmpeg", "putting parts together")
    part = target.with_name(target.name + ".part")
    listing = target.with_name(target.name + ".parts.txt")
    facts = target.with_name(target.name + ".chapters.txt")
    write_atomic(listing, _listing(parts), durable=False)
    write_atomic(facts, chapters_text(title).encode(), durable=False)
    total = sum(path.stat().st_size for path in parts)
    argv = [
        tool, "-nostdin", "-y", "-v", "error", "-progress", "pipe:1", "-fflags", "+genpts", "-f", "concat", "-safe",
        "0", "-protocol_whitelist", "file", "-i", str(listing), "-f", "ffmetadata", "-i", str(facts), "-map", "0:v:0",
        "-map", "0:a?", "-map_metadata", "1", "-map_chapters", "1", "-c", "copy", "-max_muxing_queue_size", "4096",
        *_shape(how), *_container(how), str(part),
    ]  # fmt: skip
    try:
        _run(argv, total, reporter)
        with open(part, "rb") as stream:
            os.fsync(stream.fileno())
        os.link(part, target)
        os.unlink(part)
        fsync_directory(target.parent)
    except FileExistsError as error:
        raise OutsideError("the output file exists already", code="exists", path=target) from error
    except OSError as error:
        raise outside(error, "cannot write", target) from error
    finally:
        for path in (listing, facts, part):
            path.unlink(missing_ok=True)


def _listing(parts: Sequence[Path]) -> bytes:
    lines = [b"ffconcat version 1.0"]
    for path in parts:
        name = os.fsencode(os.path.abspath(path)).replace(b"'", b"'\\''")
        lines += [b"file '" + name + b"'"]
    return b"\n".join(lines) + b"\n"


def chapters_text(title: Title) -> str:
    """Title and chapters in ffmpeg's metadata format."""
    lines = [";FFMETADATA1", f"title={_escaped(title.shown_name)}"]
    if title.recorded_at is not None:
        lines.append(f"date={title.recorded_at.isoformat()}")
    starts = [Chapter(0.0), *title.chapters] if title.chapters and title.chapters[0].time_s > 0.5 else title.chapters
    for number, chapter in enumerate(starts):
        last = max(title.duration_s or 0.0, chapter.time_s + 1)
        end = starts[number + 1].time_s if number + 1 < len(starts) else last
        if end > chapter.time_s >= 0:
            name = _escaped(chapter.name or f"Chapter {number + 1}")
            lines += ["[CHAPTER]", "TIMEBASE=1/1000", f"START={round(chapter.time_s * 1000)}"]
            lines += [f"END={round(end * 1000)}", f"title={name}"]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return "".join(f"\\{char}" if char in "=;#\\\n" else char for char in text)


def _shape(how: Remux) -> list[str]:
    if not how.aspect:
        return []
    return ["-bsf:v", f"mpeg2_metadata=display_aspect_ratio={ASPECTS[how.aspect]}", "-aspect", how.aspect]


def _container(how: Remux) -> list[str]:
    return ["-f", "matroska"] if how.container == "mkv" else ["-f", "dvd"]


def _run(argv: Sequence[str], total: int, reporter: Reporter) -> None:
    """ffmpeg to its end, its progress told as bytes written; stopped when the reporter says so."""
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=child_environment(),
        start_new_session=True, close_fds=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None and child.stderr is not None
        try:
            for line in child.stdout:
                name, _, value = line.decode("ascii", "replace").strip().partition("=")
                if name == "total_size" and value.isdecimal():
                    reporter.update(min(int(value), total), total, "B", "putting parts together")
                check(reporter)
            said = child.stderr.read(1 << 16).decode("utf-8", "replace")
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        last = said.strip().splitlines()[-1] if said.strip() else f"status {child.returncode}"
        raise DamagedError(f"ffmpeg cannot put it together: {last[:200]}", code="remux",
                           advice="the parts as they are on the disk can still be extracted")  # fmt: skip
