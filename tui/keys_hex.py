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
            Key("hex.fold", "enter,space", "fold", "fold", "fold or unfold the group in the list of fields", 35),
            Key("hex.wrong", "w", "next_wrong", "wrong", "to the next field that is wrong or unread", 40),
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
    "structures": (
        "Structures",
        (Key("structures.choose", "enter", "choose", "lay it", "lay this structure over the bytes", 10),),
    ),
}  # fmt: skip
