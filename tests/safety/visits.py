"""Every command over something that may only be read, as it is called on it; and the commands that read no source.

Words in capitals are put in by ``patients``: IMAGE a partitioned disk with files (or a loop device over it), MAP its
map, and so on; OUT is a folder of the visit's own.
"""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, ...]] = {
    "devices": ("devices", "IMAGE"),
    "map domain": ("map", "domain", "MAP", "--range", "part:IMAGE:1", "-o", "OUT/d.domain"),
    "map set": ("map", "set", "MAP", "part:IMAGE:1", "bad-sector", "-o", "OUT/set.map"),
    "map read": ("map", "read", "OWNMAP", "0+64K", "--source", "IMAGE", "--image", "OUT/copy.img"),
    "rescue run": ("rescue", "run", "IMAGE", "OUT/image", "OUT/map"),
    "parts tree": ("parts", "tree", "IMAGE"),
    "parts check": ("parts", "check", "IMAGE"),
    "parts search": ("parts", "search", "IMAGE", "--deep"),
    "parts repair": ("parts", "repair", "IMAGE", "active", "--at", "1M"),
    "fs volumes": ("fs", "volumes", "IMAGE"),
    "fs index": ("fs", "index", "IMAGE", "--index", "OUT/index.db"),
    "fs list": ("fs", "list", "IMAGE"),
    "fs hit": ("fs", "hit", "IMAGE", "--map", "MAP"),
    "fs extract": ("fs", "extract", "IMAGE", "/", "-o", "OUT"),
    "fs unallocated": ("fs", "unallocated", "IMAGE", "-o", "OUT/free"),
    "fs slack": ("fs", "slack", "IMAGE", "-o", "OUT/slack"),
    "fs domain": ("fs", "domain", "IMAGE", "--map", "MAP", "-o", "OUT/fs.domain"),
    "carve": ("carve", "IMAGE", "--map", "MAP", "-o", "OUT/carved"),
    "carve free": ("carve", "IMAGE", "--free", "--everywhere", "--list"),
    "dvr list": ("dvr", "list", "RECORDER"),
    "dvr extract": ("dvr", "extract", "RECORDER", "-o", "OUT/dvr", "--no-pictures"),
    "dvr scan": ("dvr", "scan", "RECORDER", "-o", "OUT/scan", "--no-pictures"),
    "dvr domain": ("dvr", "domain", "RECORDER", "-o", "OUT/dvr.domain"),
    "dvr picture": ("dvr", "picture", "RECORDER", "1", "-o", "OUT/1.png"),
    "decode dbf": ("decode", "dbf", "TABLE", "--repair", "OUT/fixed.dbf", "--csv", "OUT/people.csv"),
    "decode restore-log": ("decode", "restore-log", "LOG"),
    "decode ipd": ("decode", "ipd", "PHONE"),
    "decode irremote": ("decode", "irremote", "REMOTE"),
    "ole2 info": ("ole2", "info", "LETTER"),
    "ole2 repair": ("ole2", "repair", "LETTER", "-o", "OUT/letter.doc"),
    "ole2 salvage": ("ole2", "salvage", "LETTER", "-o", "OUT/streams"),
    "ole2 many": ("ole2", "many", "LETTERS", "-o", "OUT/many"),
    "ole2 scan": ("ole2", "scan", "IMAGE"),
    "hex": ("hex", "IMAGE", "--at", "0", "--template", "mbr"),
    "hex find": ("hex", "IMAGE", "--find", "JFIF"),
    "hex save": ("hex", "IMAGE", "--size", "4096", "--save", "OUT/bytes"),
    "case create": ("case", "create", "OUT/case", "--source", "IMAGE"),
    "raid detect": ("raid", "detect", "MEMBER0", "MEMBER1", "MEMBER2", "--save", "OUT/set.array"),
    "raid assemble": ("raid", "assemble", "MEMBER0", "MEMBER1", "MEMBER2", "--layout", "left-symmetric", "--strip",
                      "16K", "--order", "1,2,3", "-o", "OUT/array.img"),
    "sectors detect": ("sectors", "detect", "RAW"),
    "sectors convert": ("sectors", "convert", "RAW", "-o", "OUT/plain.img", "--sector-size", "520"),
    "sectors view": ("sectors", "view", "RAW", "-o", "OUT/raw.sectors", "--sector-size", "520"),
    "report": ("report", "CASE", "-o", "OUT/case.html", "--digest"),
}  # fmt: skip

ON_DEVICES = frozenset(name for name, words in COMMANDS.items() if "IMAGE" in " ".join(words))
"""Those that are called on a block device too."""

_MAPS = "works on maps; no option of it takes a source but RANGE, which map set and map domain stand for"
NO_SOURCE: dict[str, str] = {
    "doctor": "looks at the machine; opens no source",
    "open": "the deck: its screens are traced by themselves",
    "demo": "builds a disk of its own",
    **{f"map {verb}": _MAPS for verb in (
        "info", "list", "check", "render", "sectors", "diff", "next", "header", "split", "merge", "shift", "clip",
        "extend", "change-types", "invert", "and", "or", "xor", "minus", "recipe", "create", "complete", "generations",
        "restore", "undo-log", "replay",
    )},
    "rescue plan": "reads a map only",
    "rescue tell": "leaves a request for a running rescue",
    "parts repairs": "lists the repairs that there are",
    "parts undo": "writes on purpose: takes a repair back",
    "decode dates": "takes bytes from the command line",
    "case show": "reads the case directory only",
    "case history": "reads the case directory only",
    "completion": "prints words for the shell",
    **{f"jobs {verb}": "works on job directories; the jobs' own work is traced where it begins" for verb in (
        "list", "show", "stop", "resume", "attach", "remove",
    )},
}  # fmt: skip

JOBS: dict[str, tuple[str, dict[str, object]]] = {
    "partition-search": ("partition-search", {"source": "IMAGE", "deep": True}),
    "carve-scan": ("carve-scan", {"source": "IMAGE", "catalogue": "OUT/finds.jsonl"}),
    "carve-write": ("carve-write", {"catalogue": "OUT/finds.jsonl", "target": "OUT/written"}),
    "carve-pieces": ("carve-pieces", {"catalogue": "OUT/finds.jsonl", "start": "FIRST"}),
    "file-index": ("file-index", {"source": "IMAGE", "index": "OUT/job.db", "volume": 1 << 20}),
    "file-extract": ("file-extract", {"source": "IMAGE", "index": "OUT/job.db", "volume": 1 << 20,
                                      "target": "OUT/files"}),
    "hex-search": ("hex-search", {"source": "IMAGE", "pattern": {"kind": "hex", "text": "ff d8 ff"}}),
    "repair-copy": ("repair-copy", {"source": "IMAGE", "out": "OUT/copy.img", "plan": "PLAN", "size": "SIZE"}),
    "raid-detect": ("raid-detect", {"members": [{"path": "MEMBER0"}, {"path": "MEMBER1"}, {"path": "MEMBER2"}]}),
    "raid-export": ("raid-export", {"source": "OUT/set.array", "target": "OUT/exported.img"}),
    "sectors-detect": ("sectors-detect", {"source": "RAW"}),
    "sectors-convert": ("sectors-convert", {"source": "RAW", "target": "OUT/converted.img", "format": "520"}),
    "recordings-extract": ("recordings-extract", {"source": "RECORDER", "target": "OUT/titles", "pictures": False}),
    "recordings-scan": ("recordings-scan", {"source": "RECORDER"}),
    "documents-repair": ("documents-repair", {"folder": "LETTERS", "target": "OUT/repaired"}),
    "rescue": ("rescue", {"source": "IMAGE", "image": "OUT/job.img", "map": "OUT/job.map", "min_free": 0}),
}  # fmt: skip

JOBS_WITHOUT = {"self-test": "writes a scratch file in its own folder; reads no source"}
