"""The keys of the wizard for OLE2 documents."""

from __future__ import annotations

from tui.key import Key

DOCUMENTS: dict[str, tuple[str, tuple[Key, ...]]] = {
    "ole2": (
        "OLE2 document",
        (
            Key("ole2.next", "full_stop", "next_step", "next", "the next step", 10),
            Key("ole2.previous", "comma", "previous_step", "before", "the step before", 11),
            Key("ole2.choose", "enter", "choose", "change", "overrule the line under the cursor by hand", 15),
            Key("ole2.all", "a", "repair_all", "REPAIR ALL", "all steps by the program, then write a copy", 20),
            Key("ole2.write", "w", "write", "write", "write a copy, a new container, or the streams", 25),
            Key("ole2.undo", "x", "forget", "undo", "take back what was decided by hand", 30),
            Key("ole2.place", "B", "place", "header at", "say where the header lies and how large sectors are", 40),
            Key("ole2.donor", "d", "donor", "donor", "standard header fields from a working document", 45),
            Key("ole2.older", "t", "thorough", "older", "look for earlier versions and other readings", 50),
            Key("ole2.bytes", "b", "bytes", "bytes", "the bytes there", 60),
            Key("ole2.many", "m", "many", "many", "repair all documents of this folder, as a job", 70),
        ),
    ),
    "ole2many": (
        "Many documents",
        (
            Key("ole2many.open", "enter", "open", "open", "the document under the cursor in the wizard", 10),
            Key("ole2many.stop", "s", "stop", "stop", "stop after the present document; it can go on later", 20),
        ),
    ),
}
