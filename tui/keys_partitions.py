"""The keys of the partition screens."""

from __future__ import annotations

from tui.key import Key

PARTITIONS: dict[str, tuple[str, tuple[Key, ...]]] = {
    "partitions": (
        "Partitions",
        (
            Key("partitions.inspect", "enter", "inspect", "inspect", "its sectors field by field", 10),
            Key("partitions.files", "F", "files", "files", "the files in this partition", 15),
            Key("partitions.repair", "f", "repair", "repair", "the writes that mend what is wrong there", 20),
            Key("partitions.type", "y", "type", "type", "another type for this partition", 45),
            Key("partitions.active", "b", "active", "active", "make this the active partition, or not (MBR)", 46),
            Key("partitions.undo", "u", "undo", "undo", "take back the last repair of it (asks)", 30),
            Key("partitions.search", "slash", "search", "search", "look for lost partitions", 22),
            Key("partitions.all", "a", "everything", "all", "short gaps and every EBR too, or not", 50),
            Key("partitions.units", "s", "units", "sectors", "positions in sectors, or in bytes", 60),
            Key("partitions.refresh", "r", "refresh", "refresh", "read it again", 70),
        ),
    ),
    "fields": (
        "Fields of a sector",
        (
            Key("fields.next", "n", "next_wrong", "next wrong", "to the next field that is wrong or unread", 10),
            Key("fields.bytes", "x", "bytes", "bytes", "this place among all bytes of the image", 20),
        ),
    ),
    "plan": (
        "Writes before they are made",
        (
            Key("plan.write", "w", "write", "WRITE", "write it, after an undo file (asks)", 10),
            Key("plan.copy", "c", "copy", "on a copy", "copy the image first, and write into the copy", 20),
            Key("plan.preview", "v", "preview", "tree", "the partitions as they would be", 30),
        ),
    ),
    "finds": (
        "Search for lost partitions",
        (
            Key("finds.quick", "s", "quick", "quick search", "search where partitions begin", 10),
            Key("finds.deep", "d", "deep", "deep", "search every sector", 20),
            Key("finds.stop", "x", "stop", "stop", "stop the search; it can go on later", 30),
            Key("finds.resume", "u", "resume", "go on", "go on with the search that was stopped", 31),
            Key("finds.choose", "space", "choose", "choose", "a table of the chosen finds only", 40),
            Key("finds.table", "t", "table", "table", "one consistent table out of what was found", 50),
            Key("finds.all", "a", "everything", "all", "contents of others, older and doubtful finds too", 60),
        ),
    ),
    "to-come": ("Partitions as they would be", ()),
    "table": (
        "A proposed table",
        (
            Key("table.save", "w", "save", "save script", "save it as a script for sfdisk", 10),
            Key("table.preview", "v", "preview", "tree", "the disk as a tree with this table", 15),
            Key("table.apply", "f", "apply", "write plan", "the bytes that this table would change", 20),
        ),
    ),
}
