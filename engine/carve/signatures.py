"""The table of what a file may begin with. A new type is one line here and one walker.

Magic bytes and their places are facts of the formats' specifications; ``weak`` ones (fewer than 32 significant bits, or
patterns of low entropy) are reported only when their walker passed ``depth`` right parts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from engine.carve.outcome import Outcome
from engine.carve.view import View
from engine.carve.walkers import (
    archives,
    audio,
    boxes,
    databases,
    disks,
    documents,
    jpeg,
    pictures,
    programs,
    riff,
    streams,
    tiff,
    video,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """``magic`` stands ``offset`` bytes after the file's start; ``mask`` (as long as ``magic``) clears bits.

    ``head``: a file whose first unread byte lies before this many bytes is not believed. ``least``: bytes of the
    smallest real file. ``stream``: made of parts that look like starts themselves (packs, pages, members): what a
    walk went through is not tried again for the same type. ``anywhere``: an expression of a fixed number of bytes that
    says more than the magic alone, so that a short one can be looked for at any byte.
    """

    kind: str
    category: str
    extension: str
    magic: bytes
    walker: Callable[[View], Outcome]
    offset: int = 0
    mask: bytes | None = None
    weak: bool = False
    depth: int = 1
    head: int = 16
    least: int = 0
    stream: bool = False
    anywhere: tuple[bytes, int] | None = None

    def matches(self, data: bytes) -> bool:
        """Whether ``data`` (from the magic's place on) begins with it."""
        if self.mask is None:
            return data.startswith(self.magic)
        part = data[: len(self.magic)]
        return len(part) == len(self.magic) and all(
            byte & bits == wanted for byte, bits, wanted in zip(part, self.mask, self.magic, strict=True)
        )


def _s(
    kind: str, category: str, extension: str, magic: bytes, walker: Callable[[View], Outcome], **more: object
) -> Signature:
    anywhere = _ANYWHERE.get(kind) if magic not in (_FRAME, b"true") else None
    return Signature(kind, category, extension, magic, walker, anywhere=anywhere, **more)  # type: ignore[arg-type]


_FRAME = b"\xff\xe0"

# What the formats demand behind a short magic: 28 bits or more together.
_ANYWHERE: dict[str, tuple[bytes, int]] = {
    "jpeg": (rb"\xff\xd8\xff(?:[\xc0\xc4\xdb\xe0\xee]\x00|[\xe1-\xed\xef\xfe].)", 5),
    "bmp": (rb"BM.{4}\x00{4}.{4}[\x0c\x28\x40\x6c\x7c]\x00{3}", 18),
    "ico": (rb"\x00\x00\x01\x00[\x01-\x20]\x00...\x00[\x00\x01]\x00[\x00\x01\x04\x08\x18\x20]\x00.{6}\x00\x00", 22),
    "mpeg-ps": (rb"\x00\x00\x01\xba[\x20-\x2f\x40-\x7f]", 5),
    "mp3": (rb"ID3[\x02-\x04]\x00.[\x00-\x7f]{4}", 10),
    "gzip": (rb"\x1f\x8b\x08[\x00-\x1f].{4}[\x00\x02\x04][\x00-\x0d\xff]", 10),
    "bzip2": (rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)", 10),
    "pe": (rb"MZ[\x50\x78\x80\x90]\x00[\x01-\x03]\x00\x00\x00", 8),
    "ttf": (rb"\x00\x01\x00\x00\x00[\x04-\x40].{6}(?:BASE|DSIG|FFTM|GDEF|GPOS|GSUB|LTSH|OS/2|VDMX|cmap|cvt )", 16),
}


@cache
def table() -> tuple[Signature, ...]:
    """All signatures, the strong ones first."""
    return (
        _s("jpeg", "picture", "jpg", b"\xff\xd8\xff", jpeg.walk, weak=True, depth=2, least=100),
        _s("png", "picture", "png", b"\x89PNG\r\n\x1a\n", pictures.png),
        _s("mng", "picture", "mng", b"\x8aMNG\r\n\x1a\n", pictures.png),
        _s("jng", "picture", "jng", b"\x8bJNG\r\n\x1a\n", pictures.png),
        _s("gif", "picture", "gif", b"GIF87a", pictures.gif),
        _s("gif", "picture", "gif", b"GIF89a", pictures.gif),
        _s("bmp", "picture", "bmp", b"BM", pictures.bmp, weak=True),
        _s("tiff", "picture", "tif", b"II*\0", tiff.walk, least=64),
        _s("tiff", "picture", "tif", b"MM\0*", tiff.walk, least=64),
        _s("tiff", "picture", "tif", b"II+\0", tiff.walk, least=64),
        _s("tiff", "picture", "tif", b"MM\0+", tiff.walk, least=64),
        _s("orf", "picture", "orf", b"IIRO", tiff.walk, least=64),
        _s("orf", "picture", "orf", b"IIRS", tiff.walk, least=64),
        _s("rw2", "picture", "rw2", b"IIU\0", tiff.walk, least=64),
        _s("raf", "picture", "raf", b"FUJIFILMCCD-RAW ", pictures.raf),
        _s("psd", "picture", "psd", b"8BPS\0", pictures.photoshop),
        _s("ico", "picture", "ico", b"\0\0\1\0", pictures.icon, weak=True, depth=1),
        _s("cur", "picture", "cur", b"\0\0\2\0", pictures.icon, weak=True, depth=1),
        _s("emf", "picture", "emf", b" EMF", pictures.emf, offset=40, depth=2),
        _s("wmf", "picture", "wmf", b"\xd7\xcd\xc6\x9a", pictures.wmf),
        _s("jp2", "picture", "jp2", b"\0\0\0\x0cjP  ", boxes.jp2),
        _s("jxl", "picture", "jxl", b"\0\0\0\x0cJXL ", boxes.jp2),
        _s("j2k", "picture", "j2k", b"\xff\x4f\xff\x51", pictures.codestream),
        _s("media", "video", "mp4", b"ftyp", boxes.media, offset=4),
        _s("media", "video", "mov", b"moov", boxes.media, offset=4, depth=2),
        _s("media", "video", "mov", b"mdat", boxes.media, offset=4, depth=2),
        _s("media", "video", "mov", b"wide", boxes.media, offset=4, depth=2),
        _s("media", "video", "mov", b"pnot", boxes.media, offset=4, depth=2),
        _s("riff", "media", "riff", b"RIFF", riff.riff),
        _s("riff", "media", "wav", b"RF64", riff.riff),
        _s("aiff", "audio", "aif", b"FORM", riff.aiff),
        _s("matroska", "video", "mkv", b"\x1a\x45\xdf\xa3", video.matroska),
        _s("mpeg-ps", "video", "mpg", b"\0\0\1\xba", video.program_stream, weak=True, depth=3, stream=True),
        _s("mpeg-ts", "video", "ts", b"\x47", video.transport_stream, weak=True, depth=1, stream=True),
        _s("mpeg-ts", "video", "m2ts", b"\x47", video.transport_stream, offset=4, weak=True, depth=1, stream=True),
        _s("asf", "video", "asf", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", video.asf),
        _s("flv", "video", "flv", b"FLV\1", video.flv),
        _s("real", "video", "rm", b".RMF\0\0\0", video.real),
        _s("flac", "audio", "flac", b"fLaC", audio.flac, stream=True),
        _s("mp3", "audio", "mp3", b"ID3", audio.mp3, weak=True, depth=3, stream=True),
        _s("mp3", "audio", "mp3", _FRAME, audio.mp3, mask=b"\xff\xe0", weak=True, depth=5, stream=True),
        _s("adts", "audio", "aac", b"\xff\xf0", audio.adts, mask=b"\xff\xf6", weak=True, depth=6, stream=True),
        _s("ac3", "audio", "ac3", b"\x0b\x77", audio.ac3, weak=True, depth=6, stream=True),
        _s("ogg", "audio", "ogg", b"OggS\0", audio.ogg, stream=True),
        _s("amr", "audio", "amr", b"#!AMR", audio.amr),
        _s("au", "audio", "au", b".snd", audio.au),
        _s("caf", "audio", "caf", b"caff", audio.caf),
        _s("midi", "audio", "mid", b"MThd", audio.midi),
        _s("zip", "archive", "zip", b"PK\3\4", archives.zip_file, stream=True),
        _s("7z", "archive", "7z", b"7z\xbc\xaf\x27\x1c", archives.seven_zip),
        _s("rar", "archive", "rar", b"Rar!\x1a\7\0", archives.rar),
        _s("rar", "archive", "rar", b"Rar!\x1a\7\1\0", archives.rar),
        _s("tar", "archive", "tar", b"ustar", archives.tar, offset=257),
        _s("cpio", "archive", "cpio", b"070701", archives.cpio),
        _s("cpio", "archive", "cpio", b"070702", archives.cpio),
        _s("ar", "archive", "a", b"!<arch>\n", archives.ar),
        _s("cab", "archive", "cab", b"MSCF\0\0\0\0", archives.cab),
        _s("iso", "disk image", "iso", b"CD001", archives.iso, offset=32769),
        _s("wim", "archive", "wim", b"MSWIM\0\0\0", archives.wim),
        _s("squashfs", "archive", "squashfs", b"hsqs", archives.squashfs),
        _s("gzip", "archive", "gz", b"\x1f\x8b\x08", streams.gzip, weak=True, depth=2, stream=True),
        _s("bzip2", "archive", "bz2", b"BZh", streams.bzip2, weak=True, depth=1),
        _s("xz", "archive", "xz", b"\xfd7zXZ\0", streams.xz),
        _s("zstd", "archive", "zst", b"\x28\xb5\x2f\xfd", streams.zstd),
        _s("lz4", "archive", "lz4", b"\x04\x22\x4d\x18", streams.lz4),
        _s("pdf", "document", "pdf", b"%PDF-", documents.pdf),
        _s("ps", "document", "ps", b"%!PS", documents.postscript, least=32),
        _s("eps", "document", "eps", b"\xc5\xd0\xd3\xc6", documents.eps_binary),
        _s("rtf", "document", "rtf", b"{\\rtf", documents.rtf),
        _s("ole2", "document", "ole", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", documents.ole2),
        _s("xml", "document", "xml", b"<?xml", documents.markup, least=16),
        _s("svg", "picture", "svg", b"<svg", documents.markup, least=16),
        _s("html", "document", "html", b"<!DOC", documents.markup, least=32),
        _s("html", "document", "html", b"<!doc", documents.markup, least=32),
        _s("html", "document", "html", b"<html", documents.markup, least=32),
        _s("html", "document", "html", b"<HTML", documents.markup, least=32),
        _s("chm", "document", "chm", b"ITSF", documents.help_size),
        _s("pem", "secret", "pem", b"-----BEGIN ", documents.pem),
        _s("vcard", "document", "vcf", b"BEGIN:VCARD", documents.card),
        _s("ics", "document", "ics", b"BEGIN:VCALENDAR", documents.card),
        _s("sqlite", "database", "sqlite", b"SQLite format 3\0", databases.sqlite, head=100),
        _s("sqlite-wal", "database", "sqlite-wal", b"\x37\x7f\x06\x82", databases.sqlite_wal),
        _s("sqlite-wal", "database", "sqlite-wal", b"\x37\x7f\x06\x83", databases.sqlite_wal),
        _s("pst", "mail", "pst", b"!BDN", databases.outlook),
        _s("ese", "database", "edb", b"\xef\xcd\xab\x89", databases.ese, offset=4),
        _s("access", "database", "mdb", b"\0\1\0\0Standard ", databases.access),
        _s("evtx", "log", "evtx", b"ElfFile\0", databases.evtx),
        _s("evt", "log", "evt", b"LfLe", databases.evt, offset=4),
        _s("registry", "system", "hiv", b"regf", databases.registry),
        _s("lnk", "system", "lnk", b"\x4c\0\0\0\x01\x14\x02\0", databases.shortcut),
        _s("prefetch", "system", "pf", b"SCCA", databases.prefetch, offset=4),
        _s("index.dat", "system", "dat", b"Client UrlCache MMF ", databases.index_dat),
        _s("bplist", "system", "plist", b"bplist00", databases.binary_plist),
        _s("elf", "program", "elf", b"\x7fELF", programs.elf),
        _s("pe", "program", "exe", b"MZ", programs.pe, weak=True, depth=2),
        _s("macho", "program", "macho", b"\xfe\xed\xfa\xce", programs.mach),
        _s("macho", "program", "macho", b"\xfe\xed\xfa\xcf", programs.mach),
        _s("macho", "program", "macho", b"\xce\xfa\xed\xfe", programs.mach),
        _s("macho", "program", "macho", b"\xcf\xfa\xed\xfe", programs.mach),
        _s("class", "program", "class", b"\xca\xfe\xba\xbe", programs.mach, depth=2),
        _s("dex", "program", "dex", b"dex\n03", programs.dex),
        _s("ttf", "font", "ttf", b"\0\1\0\0", programs.font, weak=True),
        _s("ttf", "font", "ttf", b"true", programs.font, weak=True),
        _s("otf", "font", "otf", b"OTTO", programs.font),
        _s("ttc", "font", "ttc", b"ttcf", programs.collection),
        _s("woff", "font", "woff", b"wOFF", programs.woff),
        _s("woff", "font", "woff2", b"wOF2", programs.woff),
        _s("e01", "disk image", "E01", b"EVF\x09\x0d\x0a\xff\x00", disks.expert_witness),
        _s("vhd", "disk image", "vhd", b"conectix", disks.vhd),
        _s("vhdx", "disk image", "vhdx", b"vhdxfile", disks.vhdx),
        _s("vdi", "disk image", "vdi", b"\x7f\x10\xda\xbe", disks.vdi, offset=64),
        _s("vmdk", "disk image", "vmdk", b"KDMV", disks.vmdk),
        _s("qcow2", "disk image", "qcow2", b"QFI\xfb", disks.qcow2),
        _s("luks", "disk image", "luks", b"LUKS\xba\xbe", disks.luks),
        _s("pcap", "log", "pcap", b"\xd4\xc3\xb2\xa1", disks.pcap),
        _s("pcap", "log", "pcap", b"\xa1\xb2\xc3\xd4", disks.pcap),
        _s("pcap", "log", "pcap", b"\x4d\x3c\xb2\xa1", disks.pcap),
        _s("pcapng", "log", "pcapng", b"\x0a\x0d\x0d\x0a", disks.pcapng, depth=1),
        _s("keepass", "secret", "kdbx", b"\x03\xd9\xa2\x9a", disks.keepass),
    )


def chosen(kinds: frozenset[str] | None) -> tuple[Signature, ...]:
    """The signatures of these types, categories or extensions; all without."""
    if kinds is None:
        return table()
    return tuple(s for s in table() if kinds & {s.kind, s.category, s.extension})
