"""The keys of the screens on arrays and on strange sectors."""

from __future__ import annotations

from tui.key import Key

RAID: dict[str, tuple[str, tuple[Key, ...]]] = {
    "raid": (
        "Array",
        (
            Key("raid.open", "enter", "open", "open", "open this assembly: partitions, files, bytes of the array", 10),
            Key("raid.detect", "d", "detect", "detect", "find strip, sequence and order; a job", 20),
            Key("raid.stop", "x", "stop", "stop", "stop the detection", 21),
            Key("raid.add", "a", "add", "add", "add a member: image, device or case", 30),
            Key("raid.add_all", "A", "add_all", "add all", "add all images of a folder"),
            Key("raid.remove", "delete,D", "remove", "remove", "take the member under the cursor out of the set"),
            Key("raid.heat", "v", "heat", "evidence", "the parity evidence as a picture", 40),
            Key("raid.hand", "o", "hand", "by hand", "choose layout, strip and order yourself", 50),
            Key("raid.save", "w", "save", "save", "save the assembly as a file that opens as a source", 60),
            Key("raid.export", "e", "export", "image", "write the assembled array as an image; a job", 70),
            Key("raid.sectors", "s", "sectors", "sectors", "the members have sectors of 520 bytes or the like"),
            Key("raid.hex", "b", "hex", "bytes", "the bytes of this member, at its metadata"),
        ),
    ),
    "strips": (
        "In the picture of strips",
        (
            Key("strips.left", "left,h", "left", "left", "one strip to the left"),
            Key("strips.right", "right,l", "right", "right", "one strip to the right"),
            Key("strips.page_left", "pageup", "page_left", "page left", "one screen to the left"),
            Key("strips.page_right", "pagedown", "page_right", "page right", "one screen to the right"),
            Key("strips.first", "home,g", "first", "first", "to the first strip"),
            Key("strips.last", "end,G", "last", "last", "to the last strip"),
        ),
    ),
    "heat": (
        "Parity evidence",
        (
            Key("heat.shorter", "plus", "shorter", "shorter", "show it in shorter strips", 10),
            Key("heat.longer", "minus", "longer", "longer", "show it in longer strips", 20),
            Key("heat.next", "n", "next", "next one", "mark the parity of the next assembly", 30),
            Key("heat.hand", "o", "hand", "by hand", "choose layout, strip and order yourself", 40),
        ),
    ),
    "hand": (
        "An assembly by hand",
        (
            Key("hand.change", "enter", "change", "change", "change the line under the cursor", 10),
            Key("hand.layout", "space", "next_layout", "next layout", "the next of the six layouts", 20),
            Key("hand.use", "w", "use", "use it", "take it to the list of assemblies", 30),
        ),
    ),
    "sectors": (
        "Sectors",
        (
            Key("sectors.detect", "d", "detect", "detect", "find out again what sectors these are; a job", 10),
            Key("sectors.guards", "v", "guards", "verify", "check the guard of every sector; a job", 20),
            Key("sectors.convert", "c", "convert", "convert", "write the data as an image of plain sectors; a job", 30),
            Key("sectors.open", "enter", "open", "open", "open the data: partitions, files, bytes, read through", 5),
            Key("sectors.stop", "x", "stop", "stop", "stop the job", 40),
            Key("sectors.array", "a", "array", "array", "take this image as a member of an array", 50),
        ),
    ),
}
