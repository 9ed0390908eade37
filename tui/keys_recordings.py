"""The keys of the screens over recordings."""

from __future__ import annotations

from tui.key import Key

RECORDINGS: dict[str, tuple[str, tuple[Key, ...]]] = {
    "recordings": (
        "Recordings",
        (
            Key("recordings.open", "enter,right,l", "open", "look", "its parts, what is unread of it, its picture", 10),
            Key("recordings.mark", "space", "mark", "mark", "mark for extraction, or not", 20),
            Key("recordings.mark_all", "a", "mark_all", "mark all", "mark all that are shown, or none", 65),
            Key("recordings.extract", "x", "extract", "extract", "the marked ones as files (all without marks)", 30),
            Key("recordings.search", "slash", "search", "search", "titles with all of these words", 40),
            Key("recordings.filter", "f", "filter", "filter", "all, kept, deleted, whole, missing ...", 45),
            Key("recordings.sort", "o", "sort", "order", "by disk, name, date, size, length, missing, rung", 46),
            Key("recordings.turn", "O", "turn", "turn round", "the same order from the other end", 80),
            Key("recordings.first", "w", "first", "read first",
                "what a rescue should read first: the directory, then titles", 50),
            Key("recordings.scan", "c", "scan", "clock scan", "recordings by the MPEG clock", 55),
            Key("recordings.files", "F", "files", "files", "extract the recorder's own files (IFO, VRO ...)", 75),
            Key("recordings.deep", "d", "deep", "deep", "look through the whole disk for what is lost", 60),
            Key("recordings.other", "n", "other", "next way", "another way in which the disk makes sense", 61),
            Key("recordings.refresh", "r", "refresh", "refresh", "read it again", 70),
        ),
    ),
    "recording": (
        "One recording",
        (
            Key("recording.extract", "x", "extract", "extract", "this one as a file", 10),
            Key("recording.bytes", "b,enter", "bytes", "bytes", "the bytes where the cursor is", 20),
            Key("recording.picture", "p", "picture", "picture", "the first frame", 30),
            Key("recording.later", "plus,equals_sign", "later", "later", "a frame from later on", 31),
            Key("recording.earlier", "minus", "earlier", "earlier", "a frame from earlier", 32),
        ),
    ),
    "takings": (
        "Extracting recordings",
        (
            Key("takings.start", "s", "start", "START", "begin to write", 10),
            Key("takings.stop", "x", "stop", "stop", "stop; it can go on later where it was", 11),
            Key("takings.resume", "u", "resume", "go on", "go on where it was stopped", 12),
            Key("takings.change", "enter,space", "change", "change", "change the line under the cursor", 20),
            Key("takings.anew", "n", "anew", "again", "choose anew, for another extraction", 30),
        ),
    ),
    "clock": (
        "Recordings by the MPEG clock",
        (
            Key("clock.scan", "s", "scan", "scan", "look for pieces of MPEG streams", 10),
            Key("clock.stop", "x", "stop", "stop", "stop the scan; it can go on later", 11),
            Key("clock.resume", "u", "resume", "go on", "go on with the scan that was stopped", 12),
            Key("clock.mark", "space", "mark", "mark", "mark the recording for extraction, or not", 20),
            Key("clock.extract", "e", "extract", "extract", "the marked recordings as files (all without)", 25),
            Key("clock.tie", "t", "tie", "undecided", "to the next place that waits for a decision", 30),
            Key("clock.join", "plus,equals_sign", "join", "join", "the piece here is followed by ... (asks)", 35),
            Key("clock.apart", "minus", "apart", "apart", "this piece does not follow the one before it", 36),
            Key("clock.cut", "c", "cut", "cut", "cut this piece in two (asks where)", 37),
            Key("clock.undo", "z", "undo", "undo", "take back the last decision", 40),
            Key("clock.short", "h", "short", "short ones", "recordings under ten seconds too, or not", 50),
            Key("clock.bytes", "b,enter", "bytes", "bytes", "the bytes of this piece", 60),
        ),
    ),
}
