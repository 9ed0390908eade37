"""The one table of keys: bindings, the key row, the help screen and the manual all come from here.

A scope is a screen or a widget that has keys of its own. ``footer`` orders the entries of the key row (small first;
0 keeps a key out of it): movement keys stay out, verbs go in, and what does not fit at the end is left out whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.binding import Binding, BindingType

from tui.key import Key
from tui.keys_campaign import CAMPAIGN
from tui.keys_carving import CARVING
from tui.keys_documents import DOCUMENTS
from tui.keys_editor import EDITOR
from tui.keys_files import FILES
from tui.keys_hex import HEX
from tui.keys_partitions import PARTITIONS
from tui.keys_raid import RAID
from tui.keys_recordings import RECORDINGS

# Scope by scope: its title on the help screen, then its keys.
SCOPES: dict[str, tuple[str, tuple[Key, ...]]] = {
    "deck": (
        "Everywhere",
        (
            Key("deck.help", "question_mark,f1", "app.help", "help", "the keys of this screen and what it is for", 90),
            Key("deck.jobs", "J", "app.jobs", "jobs", "running and stopped jobs"),
            Key("deck.messages", "E", "app.messages", "messages", "all messages of this session in full"),
            Key("deck.palette", "ctrl+p", "app.command_palette", "palette", "all commands and themes by name"),
            Key("deck.redraw", "ctrl+l", "app.redraw", "redraw", "paint all again, where something wrote over it"),
            Key("deck.quit", "ctrl+q", "app.quit", "quit", "leave the deck; jobs go on", priority=True),
        ),
    ),
    "screen": (
        "Every screen",
        (
            Key("screen.back", "q,escape", "screen.back", "back", "back to the screen before", 95),
            Key("screen.go_on", "full_stop", "go_on", "next", "do what the line above the keys offers as next"),
            Key("screen.next", "tab", "app.focus_next", "next", "to the next pane"),
            Key("screen.previous", "shift+tab", "app.focus_previous", "previous", "to the pane before"),
        ),
    ),
    "list": (
        "In lists",
        (
            Key("list.up", "up,k", "cursor_up", "up", "one row up"),
            Key("list.down", "down,j", "cursor_down", "down", "one row down"),
            Key("list.page_up", "pageup", "page_up", "page up", "one screen up"),
            Key("list.page_down", "pagedown", "page_down", "page down", "one screen down"),
            Key("list.top", "g,home", "first", "top", "first row"),
            Key("list.bottom", "G,end", "last", "bottom", "last row"),
        ),
    ),
    "prompt": (
        "In the line for questions and input",
        (
            Key("prompt.accept", "enter", "accept", "ok", "take what is written", 10),
            Key("prompt.complete", "tab", "complete", "complete", "complete a path", 20),
            Key("prompt.cancel", "escape", "cancel", "cancel", "leave it", 30),
        ),
    ),
    "start": (
        "Start",
        (
            Key("start.open", "enter,right,l", "open", "open", "open what the cursor is on", 10),
            Key("start.path", "o", "open_path", "open path", "open a case, an image, a map or a device by path", 20),
            Key("start.image", "i", "image", "image it", "image the device under the cursor into a new case", 30),
            Key("start.devices", "d", "devices", "devices", "all devices with identity, health and what uses them", 40),
            Key("start.array", "a", "array", "array", "put an array (RAID5) together from its members", 45),
            Key("start.recordings", "V", "recordings", "video", "recordings in the image or case under the cursor", 55),
            Key("start.refresh", "r", "refresh", "refresh", "look again for devices, files and jobs", 50),
            Key("start.go_on", "full_stop", "go_on", "next", "do what the line above the keys offers as next"),
            Key("start.quit", "q", "app.quit", "quit", "leave the deck; jobs go on", 95),
        ),
    ),
    "devices": (
        "Devices",
        (
            Key("devices.image", "i,enter", "image", "image it", "image this device into a new case", 10),
            Key("devices.partitions", "t", "partitions", "partitions", "the partition tables of this device", 15),
            Key("devices.recordings", "V", "recordings", "video", "recordings on the disk of a video recorder", 18),
            Key("devices.health", "H", "health", "health", "ask the drive for its health (smartctl)", 20),
            Key("devices.refresh", "r", "refresh", "refresh", "look again", 30),
        ),
    ),
    "case": (
        "Case",
        (
            Key("case.open", "enter", "open", "open", "do what the cursor is on", 10),
            Key("case.rescue", "R", "rescue", "rescue", "start or watch the rescue", 20),
            Key("case.edit", "e", "edit_map", "edit map", "edit the map by hand, between two runs", 45),
            Key("case.partitions", "t", "partitions", "partitions", "the partition tables of the image", 35),
            Key("case.carve", "C", "carve", "carve", "files in the image by their own structure", 40),
            Key("case.files", "F", "files", "files", "files inside: what is hit, what to read first, extraction", 30),
            Key("case.recordings", "V", "recordings", "video", "recordings on the disk of a video recorder", 38),
            Key("case.hex", "x", "hex", "bytes", "the bytes of the image", 50),
            Key("case.report", "P", "report", "report", "a page for the customer and the next technician", 55),
            Key("case.refresh", "r", "refresh", "refresh", "read the case again", 80),
        ),
    ),
    "image": (
        "Image and map",
        (
            Key("image.map", "m", "lay_map", "lay map", "lay a ddrescue map over this image", 35),
            Key("image.case", "c", "make_case", "make case", "make a case that refers to image and map", 40),
            Key("image.edit", "e", "edit_map", "edit map", "edit the map by hand, between two runs", 45),
            Key("image.partitions", "t", "partitions", "partitions", "the partition tables of this image", 15),
            Key("image.carve", "C", "carve", "carve", "files in it by their own structure", 25),
            Key("image.files", "F", "files", "files", "files inside: what is hit, what to read first, extraction", 10),
            Key("image.recordings", "V", "recordings", "video", "recordings on the disk of a video recorder", 20),
            Key("image.hex", "x", "hex", "bytes", "the bytes of this image", 30),
            Key("image.sectors", "S", "sectors", "sectors", "sectors of 520 bytes and the like", 62),
            Key("image.document", "D", "document", "document", "repair it as an old Office document (OLE2)"),
            Key("image.array", "a", "array", "array", "take this image as a member of an array (RAID5)", 61),
            Key("image.refresh", "r", "refresh", "refresh", "read it again", 70),
        ),
    ),
    "jobs": (
        "Jobs",
        (
            Key("jobs.open", "enter,right,l", "open", "open", "watch this job", 10),
            Key("jobs.stop", "s", "stop", "stop", "stop after the present block; it can go on later", 20),
            Key("jobs.resume", "u", "resume", "resume", "go on with a stopped job", 30),
            Key("jobs.remove", "x,delete", "remove", "forget", "remove the record of a job that has ended (asks)", 35),
            Key("jobs.refresh", "r", "refresh", "refresh", "look again", 40),
        ),
    ),
    "map": (
        "Block map",
        (
            Key("map.left", "left,h", "left", "left", "one cell to the left"),
            Key("map.right", "right,l", "right", "right", "one cell to the right"),
            Key("map.up", "up,k", "up", "up", "one row up"),
            Key("map.down", "down,j", "down", "down", "one row down"),
            Key("map.page_up", "pageup", "page_up", "page up", "one view back"),
            Key("map.page_down", "pagedown", "page_down", "page down", "one view on"),
            Key("map.first", "home,g", "first", "first", "to the first byte"),
            Key("map.last", "end,G", "last", "last", "to the last byte"),
            Key("map.zoom_in", "plus,equals_sign", "zoom_in", "zoom in", "closer; a mixed cell leads to its worst", 60),
            Key("map.zoom_out", "minus", "zoom_out", "zoom out", "look from further away", 61),
            Key("map.zoom_whole", "0", "zoom_whole", "whole", "the whole drive", 62),
            Key("map.zoom_sectors", "1", "zoom_sectors", "sectors", "one sector in each cell"),
            Key("map.zoom_block", "z", "zoom_block", "fit block", "fit the block under the cursor into the view"),
            Key("map.mostly", "M", "mostly", "mostly", "fill mixed cells with the colour of what they mostly are"),
            Key("map.next", "n", "next", "next gap", "to the next area that is not rescued", 63),
            Key("map.previous", "N", "previous", "gap before", "to the area before that is not rescued"),
        ),
    ),
    "rescue": (
        "Rescue",
        (
            Key("rescue.pause", "p,space", "pause", "pause", "pause the rescue: the drive is not read meanwhile", 10),
            Key("rescue.resume", "p,space", "resume", "go on", "go on after a pause, a stop or a crash", 11),
            Key("rescue.stop", "s", "stop", "stop", "end it after the read in flight (asks); it can go on later", 20),
            Key("rescue.recipe", "c", "recipe", "recipe", "go on with another recipe", 30),
            Key("rescue.details", "d,enter", "details", "details", "command line, files, drive and all events", 40),
            Key("rescue.follow", "f", "follow", "follow", "keep the place that is being read in view", 70),
            Key("rescue.options", "o", "options", "options", "ddrescue's options for the passes to come", 50),
            Key("rescue.end_pass", "e", "end_pass", "end pass", "end this pass and begin the next one", 71),
            Key("rescue.edit", "m", "edit_map", "edit map", "edit the map by hand; a running rescue is paused", 69),
            Key("rescue.setup", "S", "setup", "set up", "set up another rescue over the same image and map", 12),
            Key("rescue.kill", "K", "kill", "kill", "kill a ddrescue that was asked to end and does not (asks)"),
        ),
    ),
    "setup": (
        "Setting up a rescue",
        (
            Key("setup.start", "s", "start", "START", "start it; only when no check says NO", 10),
            Key("setup.change", "enter", "change", "change", "change the line under the cursor, or answer a check", 20),
            Key("setup.recipe", "c", "recipe", "recipe", "choose what the passes do", 30),
            Key("setup.manner", "w", "manner", "manner", "lay a manner of reading over the options", 35),
            Key("setup.options", "o", "options", "options", "choose among all options of ddrescue", 40),
            Key("setup.drop_off", "D", "drop_off", "drop-off", "for a drive that locks up until its power is cut", 45),
            Key("setup.check", "r", "check", "check again", "look at everything again", 50),
            Key("setup.copy", "y", "copy", "copy", "put the command line on the clipboard", 60),
        ),
    ),
    "options": (
        "ddrescue options",
        (
            Key("options.change", "enter,space", "change", "change", "turn a flag round, type any other value", 10),
            Key("options.default", "d,delete", "default", "default", "back to ddrescue's own default", 20),
            Key("options.find", "slash", "find", "find", "look for a name, a letter (-d) or a word", 30),
            Key("options.only_set", "t", "only_set", "only set", "list only what is set, or all", 40),
        ),
    ),
    "recipes": (
        "Recipes",
        (Key("recipes.choose", "enter", "choose", "choose", "take the one under the cursor", 10),),
    ),
    "details": (
        "Details",
        (Key("details.copy", "y", "copy", "copy", "put the command line on the clipboard", 10),),
    ),
    "confirm": (
        "Confirming",
        (Key("confirm.cancel", "escape", "cancel", "no, leave it as it is", "do nothing", 10),),
    ),
    "messages": (
        "Messages",
        (Key("messages.close", "q,escape,E,enter", "close", "close", "close the messages", 10),),
    ),
    "help": (
        "Help",
        (Key("help.close", "q,escape,question_mark,f1", "close", "close", "close the help", 10),),
    ),
    **EDITOR,
    **CAMPAIGN,
    **PARTITIONS,
    **DOCUMENTS,
    **HEX,
    **CARVING,
    **RAID,
    **FILES,
    **RECORDINGS,
}  # fmt: skip

BY_ID = {key.id: key for _title, keys in SCOPES.values() for key in keys}


def bindings(*scopes: str) -> list[BindingType]:
    """The bindings of ``scopes`` for a screen's or widget's ``BINDINGS``."""
    return [
        Binding(
            key.keys,
            key.action,
            key.label,
            show=key.footer > 0,
            key_display=key.display,
            priority=key.priority,
            id=key.id,
        )
        for scope in scopes
        for key in SCOPES[scope][1]
    ]


def title(scope: str) -> str:
    """The scope's heading on the help screen."""
    return SCOPES[scope][0]


def fitting(keys: Sequence[Key], width: int) -> list[Key]:
    """The entries that fit whole into ``width`` cells, in order; those from 90 on (help, back) are the last to go."""
    kept = list(keys)
    while kept and sum(map(_width, kept)) + 2 * (len(kept) - 1) + 2 > width:
        spare = [key for key in kept if key.footer < 90] or kept
        kept.remove(spare[-1])
    return kept


def _width(key: Key) -> int:
    return len(key.display) + 1 + len(key.label)
