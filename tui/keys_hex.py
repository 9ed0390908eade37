"""The keys of the hex view and the screens around it."""

from __future__ import annotations

from tui.key import Key

HEX: dict[str, tuple[str, tuple[Key, ...]]] = {
    "hex": (
        "Hex view",
        (
            Key("hex.goto", "colon", "goto", "go to", "go to 1G, 0x1000, 2048s, 50%, end, +1M, -1s", 10),
            Key("hex.template", "t", "template", "structure", "lay a structure over the bytes from the cursor on", 20),
            Key("hex.fields", "f", "fields", "fields", "the fields beside the bytes, or only the bytes", 30),
            Key("hex.search", "slash", "search", "search", "search for text, hex or a regular expression (a job)", 12),
            Key("hex.next", "n", "next_find", "next", "to the next find of the search", 40),
            Key("hex.previous", "N", "previous_find", "find before", "to the find before"),
            Key("hex.stop", "X", "stop_search", "stop", "stop the search; what it found stays", 11),
            Key("hex.inspector", "i", "inspector", "inspect", "the data under the cursor as numbers, dates, text", 31),
            Key("hex.bookmark", "b", "bookmark", "mark", "a bookmark at the cursor, or of the selection", 50),
            Key("hex.bookmarks", "B", "bookmarks", "marks", "all bookmarks: go to one, remove one", 51),
            Key("hex.save", "s", "save", "save", "the selection as a file of its own", 52),
            Key("hex.strip", "y", "strip", "entropy", "entropy of the whole source, or around the cursor", 53),
            Key("hex.edit", "e", "edit", "edit", "other bytes at the cursor: shown as a plan first", 70),
            Key("hex.undo", "u", "undo", "undo", "take back the last write into this image (asks)", 71),
            Key("hex.fold", "enter,space", "fold", "fold", "fold or unfold the group in the list of fields", 35),
            Key("hex.wrong", "w", "next_wrong", "wrong", "to the next field that is wrong or unread", 54),
            Key("hex.refresh", "r", "refresh", "refresh", "open image and map again", 80),
            Key("hex.leave", "escape", "drop", "drop", "drop the selection; without one: back"),
        ),
    ),
    "bytes": (
        "Among the bytes",
        (
            Key("bytes.left", "left,h", "left", "left", "one byte back"),
            Key("bytes.right", "right,l", "right", "right", "one byte on"),
            Key("bytes.up", "up,k", "up", "up", "one row up"),
            Key("bytes.down", "down,j", "down", "down", "one row down"),
            Key("bytes.page_up", "pageup", "page_up", "page up", "one screen back"),
            Key("bytes.page_down", "pagedown", "page_down", "page down", "one screen on"),
            Key("bytes.row_start", "home,0", "row_start", "row start", "to the first byte of the row"),
            Key("bytes.row_end", "end,dollar_sign", "row_end", "row end", "to the last byte of the row"),
            Key("bytes.first", "g,ctrl+home", "first", "first", "to the first byte of the source"),
            Key("bytes.last", "G,ctrl+end", "last", "last", "to the last byte of the source"),
            Key("bytes.sector_back", "left_square_bracket", "sector_back", "sector back", "to the sector before"),
            Key("bytes.sector_on", "right_square_bracket", "sector_on", "sector on", "to the next sector"),
            Key("bytes.select", "v", "select", "select", "begin or end a selection that follows the cursor", 60),
        ),
    ),
    "pattern": (
        "After /: search for",
        (
            Key("pattern.text", "t", "find_text", "text", "a text, in all encodings that can write it", 1),
            Key("pattern.any", "c", "find_any", "any case", "a text, capital or small letters", 2),
            Key("pattern.hex", "x", "find_hex", "hex", "bytes: de ad ?? ef, ? is any digit", 3),
            Key("pattern.regex", "r", "find_regex", "regex", "a regular expression over bytes", 4),
        ),
    ),
    "marks": (
        "Bookmarks",
        (
            Key("marks.go", "enter", "go", "go there", "back to the bytes, at this place", 10),
            Key("marks.remove", "x,delete", "remove", "remove", "remove this bookmark", 20),
        ),
    ),
    "artifact": (
        "Decoded file",
        (
            Key("artifact.sheet", "s,right,l", "next_sheet", "next sheet", "to the next sheet", 10),
            Key("artifact.back_sheet", "S,left,h", "previous_sheet", "sheet before", "to the sheet before"),
            Key("artifact.marked", "n", "next_marked", "next marked", "to the next row that is damaged or deleted", 20),
            Key("artifact.csv", "c", "csv", "CSV", "save all rows as CSV", 30),
            Key("artifact.json", "o", "json", "JSON", "save all rows as JSON", 31),
            Key("artifact.repair", "f", "repair", "repair", "a copy of the table with a rebuilt header", 40),
            Key("artifact.problems", "p", "problems", "problems", "what is wrong with the file", 50),
            Key("artifact.bytes", "x", "hex", "bytes", "its bytes, with its structure laid over them", 60),
        ),
    ),
    "structures": (
        "Structures",
        (Key("structures.choose", "enter", "choose", "lay it", "lay this structure over the bytes", 10),),
    ),
}  # fmt: skip
