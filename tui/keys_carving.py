"""The keys of the carving screen."""

from __future__ import annotations

from tui.key import Key

CARVING: dict[str, tuple[str, tuple[Key, ...]]] = {
    "carving": (
        "Files by signature",
        (
            Key("carving.scan", "s", "scan", "scan", "look for files at every block", 10),
            Key("carving.free", "F", "free", "free space", "look only where no file lies", 58),
            Key("carving.everywhere", "S", "everywhere", "everywhere", "look at every byte (slower)", 75),
            Key("carving.stop", "x", "stop", "stop", "stop the scan; it can go on later", 11),
            Key("carving.resume", "u", "resume", "go on", "go on with the scan that was stopped", 12),
            Key("carving.mark", "space", "mark", "mark", "mark for writing, or not", 20),
            Key("carving.mark_all", "a", "mark_all", "mark all", "mark all that are shown, or none", 32),
            Key("carving.write", "w", "write", "write", "write the marked ones (all shown without marks)", 22),
            Key(
                "carving.filter",
                "slash",
                "filter",
                "filter",
                "by words (jpg, picture, a name), size (>1M <4G), sureness (3/4)",
                40,
            ),
            Key("carving.state", "f", "state", "state", "all, whole, lacking bytes, broken", 45),
            Key("carving.sort", "o", "sort", "order", "by place, size, type, or the cheapest to mend first", 50),
            Key("carving.pieces", "p", "pieces", "pieces", "put a broken file together from its pieces", 55),
            Key("carving.domain", "d", "domain", "re-read map", "a domain map of what the shown files lack", 60),
            Key("carving.look", "enter", "look", "look", "a look into it: picture, text or bytes", 15),
            Key("carving.bytes", "b", "bytes", "bytes", "its bytes on the disk", 65),
            Key(
                "carving.hand_over",
                "v",
                "hand_over",
                "hand over",
                "a film in the recordings room, an Office document in the repair wizard",
                17,
            ),
            Key("carving.parts", "i", "parts", "inner", "parts of other files too, or not", 70),
        ),
    ),
}
