"""The keys of the screens over files of a volume."""

from __future__ import annotations

from tui.key import Key

FILES: dict[str, tuple[str, tuple[Key, ...]]] = {
    "volumes": (
        "Volumes",
        (
            Key("volumes.open", "enter,right,l", "open", "files", "the files of this volume", 10),
            Key("volumes.refresh", "r", "refresh", "refresh", "look again", 70),
        ),
    ),
    "files": (
        "Files of a volume",
        (
            Key("files.open", "enter,right,l", "open", "open", "into the directory, or a look into the file", 10),
            Key("files.up", "left,h,backspace", "up", "up", "to the directory above", 80),
            Key("files.mark", "space", "mark", "mark", "mark it (a directory with all below), or not", 20),
            Key("files.extract", "w", "extract", "extract", "write the marked ones (or this one) as files", 30),
            Key("files.view", "v", "view", "view", "as a tree, what is hit, what is deleted", 40),
            Key("files.search", "slash", "search", "search", "names that hold these words (* and ? too)", 52),
            Key("files.domain", "d", "domain", "read first", "a domain map of what must be read first", 50),
            Key("files.index", "i", "index", "index", "walk the volume (again) and keep what is where", 55),
            Key("files.stop", "x", "stop", "stop", "stop the running job", 56),
            Key("files.resume", "u", "resume", "go on", "go on with the job that was stopped", 57),
            Key("files.bytes", "b", "bytes", "bytes", "its first byte among all bytes of the image", 60),
            Key("files.space", "f", "space", "free, slack", "free space or slack as one file with its map", 65),
            Key("files.refresh", "r", "refresh", "refresh", "what the map says now", 70),
        ),
    ),
    "look": (
        "A look into a file",
        (
            Key("look.next", "n", "next", "next", "the next file of the list", 10),
            Key("look.previous", "p", "previous", "previous", "the file before it", 20),
            Key("look.hex", "x", "hex", "as bytes", "its bytes instead of text, or back", 30),
        ),
    ),
    "first": (
        "What must be read first",
        (
            Key("first.metadata", "m", "metadata", "metadata", "the file system's own structures and directories"),
            Key("first.used", "u", "used", "used", "everything that is not known to be free"),
            Key("first.files", "f", "files", "marked", "the marked files and directories, or this one"),
            Key("first.photos", "p", "photos", "photos", "all photographs, by their extensions"),
            Key("first.videos", "v", "videos", "videos", "all films, by their extensions"),
            Key("first.documents", "d", "documents", "documents", "all documents, by their extensions"),
            Key("first.types", "t", "types", "types ...", "all files with extensions that are asked for"),
        ),
    ),
    "space": (
        "Free space and slack",
        (
            Key("space.free", "f", "free", "free space", "what the file system calls free, as one file"),
            Key("space.slack", "s", "slack", "slack", "what lies behind the ends of files, as one file"),
        ),
    ),
}
