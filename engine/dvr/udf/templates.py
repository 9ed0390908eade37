"""Templates of UDF's file set descriptor and file entries, and of the head of a DVD-VR management file."""

from __future__ import annotations

from construct import Array, Bytes, Int8ub, Int8ul, Int16ub, Int16ul, Int32ub, Int32ul, Int64ul, Struct

from engine.dvr.dvdvr.ifo import IDENTIFIER
from engine.dvr.templates_words import hexed, laid, number, one_of, text
from engine.dvr.udf.structs import BLOCK, read_tag, time_of
from engine.template import Context, Note, Template
from engine.text import format_exact

_TAG = Struct(
    "kind" / Int16ul,
    "version" / Int16ul,
    "checksum" / Int8ul,
    "zero" / Int8ul,
    "serial" / Int16ul,
    "crc" / Int16ul,
    "crc_length" / Int16ul,
    "location" / Int32ul,
)
_AD = Struct("length" / Int32ul, "block" / Int32ul)
_KINDS = {
    256: "file set",
    257: "file identifier",
    258: "list of extents",
    261: "file entry",
    266: "extended file entry",
}


def _checksum(_value: int, context: Context) -> str | None:
    return None if read_tag(context.data[:16]) is not None else "not the sum of the other 15 bytes"


def _time(value: bytes, _context: Context) -> str:
    date = time_of(value)
    return "not set" if date is None else f"{date:%Y-%m-%d %H:%M:%S}"


def _length(value: int, _context: Context) -> str:
    kinds = ("recorded", "allocated, not recorded: zeros", "not allocated: zeros", "continued in the list there")
    return f"{format_exact(value & 0x3FFFFFFF)}, {kinds[value >> 30]}"


_TAG_NOTES = {
    "tag.kind": one_of(_KINDS, critical=True),
    "tag.version": Note(number),
    "tag.serial": Note(number),
    "tag.checksum": Note(hexed, critical=True, check=_checksum),
    "tag.crc": Note(hexed),
    "tag.crc_length": Note(number),
    "tag.location": Note(lambda value, _: f"block {value} of the partition", critical=True),
}
_AD_NOTES = {
    "length": Note(_length, critical=True),
    "block": Note(lambda value, _: f"byte {value * BLOCK} of the partition", critical=True),
}


def _ads(name: str) -> dict[str, Note]:
    return {f"{name}.{key}": note for key, note in _AD_NOTES.items()}


_FILE_SET = Template(
    "udf-file-set",
    "UDF file set descriptor",
    laid(512, (0, "tag", _TAG), (16, "recorded", Bytes(12)), (112, "volume_name", Bytes(128)), (400, "root", _AD)),
    {**_TAG_NOTES, "recorded": Note(_time), "volume_name": Note(text), **_ads("root")},
)


def _entry(name: str, title: str, shift: int) -> Template:
    tail = (BLOCK - 176 - shift) // 8
    return Template(
        name,
        title,
        laid(
            BLOCK,
            (0, "tag", _TAG),
            (27, "file_type", Int8ul),
            (34, "flags", Int16ul),
            (48, "links", Int16ul),
            (56, "size", Int64ul),
            (84 if not shift else 92, "modified", Bytes(12)),
            (168 + shift, "ea_length", Int32ul),
            (172 + shift, "ad_length", Int32ul),
            (176 + shift, "extents", Array(tail, _AD)),
        ),
        {
            **_TAG_NOTES,
            "file_type": one_of({4: "directory", 5: "file", 249: "real-time file"}, critical=True),
            "flags": Note(
                lambda value, _: {0: "short addresses", 1: "long addresses", 3: "data inside"}.get(value & 7, "?"),
                critical=True,
            ),
            "links": Note(number),
            "size": Note(lambda value, _: format_exact(value), critical=True),
            "modified": Note(_time),
            "ea_length": Note(number, expected="0; more shifts the extents"),
            "ad_length": Note(number, critical=True),
            **_ads("extents[]"),
        },
    )


_IFO = Template(
    "dvd-vr-ifo",
    "DVD-VR management file",
    laid(
        512,
        (0, "identifier", Bytes(12)),
        (12, "last_byte", Int32ub),
        (33, "version", Int8ub),
        (67, "charset", Int8ub),
        (98, "label", Bytes(64)),
        (162, "label_2", Bytes(64)),
        (256, "movie_table", Int32ub),
        (260, "still_table", Int32ub),
        (267, "title_key", Int8ub),
        (276, "copy_protection", Int16ub),
        (304, "programmes", Int32ub),
        (308, "play_lists", Int32ub),
        (352, "texts", Int32ub),
        (356, "maker_data", Int32ub),
    ),
    {
        "identifier": Note(
            text,
            critical=True,
            expected="DVD_RTR_VMG0",
            check=lambda value, _: None if value == IDENTIFIER else "not DVD_RTR_VMG0",
        ),
        "last_byte": Note(number),
        "version": Note(lambda value, _: f"{value >> 4}.{value & 15}"),
        "charset": Note(hexed),
        "label": Note(text),
        "label_2": Note(text),
        "movie_table": Note(number, critical=True),
        "programmes": Note(number, critical=True),
        "still_table": Note(number),
        "play_lists": Note(number),
        "texts": Note(number),
        "maker_data": Note(number),
        "title_key": Note(lambda value, _: "scrambling possible" if value & 1 else "none"),
        "copy_protection": Note(hexed),
    },
)
TEMPLATES = {
    one.name: one
    for one in (
        _FILE_SET,
        _entry("udf-file-entry", "UDF file entry", 0),
        _entry("udf-extended-entry", "UDF extended file entry", 40),
        _IFO,
    )
}
