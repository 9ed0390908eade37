"""The keys of the map editor. Scopes without a screen of their own (status, mark, change, find) are menus: the keys
that may follow a leader."""

from __future__ import annotations

from tui.key import Key

EDITOR: dict[str, tuple[str, tuple[Key, ...]]] = {
    "editor": (
        "Map editor",
        (
            Key("editor.status", "s", "status", "set", "status of the selection, or of the block: + ? * / or -", 10),
            Key("editor.range", "v", "range", "range", "begin or end a selection that follows the cursor", 11),
            Key("editor.mark", "m", "mark", "select", "select by block, area, status, typed range, partition", 12),
            Key("editor.change", "e", "change", "edit", "header line, split, join, shift, clip, extend, algebra", 13),
            Key("editor.recipes", "c", "recipes", "recipes", "prepare the map for the next pass by a recipe", 14),
            Key("editor.undo", "u", "undo", "undo", "take back the last edit", 15),
            Key("editor.redo", "ctrl+r", "redo", "redo", "do again what was taken back"),
            Key("editor.write", "w", "write", "save", "save as a new generation, with a note", 16),
            Key("editor.read", "x", "read", "read", "read the selection now with ddrescue, and merge what comes", 17),
            Key("editor.find", "f,slash", "find", "find", "next of a status, largest gap, first and last failure", 18),
            Key("editor.goto", "colon", "goto", "go to", "go to an offset: 1G, 0x1000, 2048s, 50%, +1M, -1M", 19),
            Key("editor.blocks", "b", "blocks", "list", "the list of blocks: beside the map, or in its place", 20),
            Key("editor.next_run", "R", "next_run", "next run", "what the next run of ddrescue will read, in full", 21),
            Key("editor.history", "H", "history", "history", "all edits since the map was opened; go back to any", 22),
            Key("editor.kept", "K", "kept", "kept maps", "kept states, notes, commands; compare, go back", 23),
            Key("editor.areas", "p", "areas", "areas", "partitions and other areas: their borders, select one", 24),
            Key("editor.decide", "D", "decide", "decide", "what waits: damage, a lost session's edits, a changed file"),
            Key("editor.leave", "escape", "drop", "drop", "drop the selection; without one: back"),
        ),
    ),
    "status": (
        "After s: set the status",
        (
            Key("status.finished", "plus", "set_status('+')", "finished", "finished: never read again", 1),
            Key("status.non_tried", "question_mark", "set_status('?')", "non-tried", "non-tried: to be read", 2),
            Key("status.non_trimmed", "asterisk", "set_status('*')", "non-trimmed", "failed, to be trimmed", 3),
            Key("status.non_scraped", "slash", "set_status('/')", "non-scraped", "trimmed, to be scraped", 4),
            Key("status.bad", "minus", "set_status('-')", "bad", "bad sector: read again only by retries", 5),
        ),
    ),
    "mark": (
        "After m: select",
        (
            Key("mark.block", "b", "mark_block", "block", "the block under the cursor", 1),
            Key("mark.area", "a", "mark_area", "area", "the whole unfinished area around the cursor", 2),
            Key("mark.status", "s", "mark_status", "status", "all blocks of some statuses", 3),
            Key("mark.typed", "r", "mark_typed", "range", "a typed range: START-END or START+SIZE", 4),
            Key("mark.whole", "w", "mark_whole", "whole", "the whole map", 5),
            Key("mark.partition", "p", "mark_overlay", "partition", "a partition, or what else is known", 6),
            Key("mark.borders", "d", "mark_borders", "borders", "out to the nearest borders of areas on both sides", 7),
            Key("mark.only", "o", "mark_only", "only", "of what is selected only some statuses", 8),
            Key("mark.invert", "i", "mark_invert", "invert", "what is not selected instead", 9),
            Key("mark.grow", "g", "mark_grow", "grow", "more on both sides of every selected range", 10),
            Key("mark.shrink", "k", "mark_shrink", "shrink", "less on both sides of every selected range", 11),
            Key("mark.align", "l", "mark_align", "align", "out to whole sectors, clusters or another power of two", 12),
            Key("mark.none", "n", "mark_none", "none", "select nothing", 13),
        ),
    ),
    "change": (
        "After e: edit",
        (
            Key("change.header", "h", "edit_header", "header", "position, status and pass of the status line", 1),
            Key("change.types", "t", "edit_types", "types", "change statuses into others, as ddrescuelog -a", 2),
            Key("change.split", "s", "edit_split", "split", "split the block at the cursor", 3),
            Key("change.join", "j", "edit_join", "join", "join neighbours of one status", 4),
            Key("change.shift", "m", "edit_shift", "shift", "move every position, as ddrescuelog --shift", 5),
            Key("change.clip", "c", "edit_clip", "clip", "keep only a range, drop the rest of the map", 6),
            Key("change.domain", "d", "edit_domain", "domain",
                "keep only the selection or a domain: non-tried between", 6),
            Key("change.extend", "x", "edit_extend", "extend", "let the map cover more of the drive", 7),
            Key("change.and", "a", "edit_and", "and", "finished only where another map is finished too", 8),
            Key("change.or", "o", "edit_or", "or", "finished also where another map is finished", 9),
            Key("change.xor", "y", "edit_xor", "xor", "as ddrescuelog -x: finished in one of two maps only", 10),
            Key("change.minus", "b", "edit_minus", "minus", "what another map has finished too becomes bad here", 11),
            Key("change.invert", "i", "edit_invert", "invert", "finished becomes bad, all else finished", 12),
        ),
    ),
    "find": (
        "After f: find (n and N go on)",
        (
            Key("find.finished", "plus", "find_status('+')", "done", "next finished block", 1),
            Key("find.non_tried", "question_mark", "find_status('?')", "untried", "next non-tried block", 2),
            Key("find.non_trimmed", "asterisk", "find_status('*')", "untrimmed", "next non-trimmed block", 3),
            Key("find.non_scraped", "slash", "find_status('/')", "unscraped", "next non-scraped block", 4),
            Key("find.bad", "minus", "find_status('-')", "bad", "next bad sector", 5),
            Key("find.gap", "g", "find_status('?*/-')", "gap", "next gap: anything that is not finished", 6),
            Key("find.here", "h", "find_here", "as here", "next block of the status under the cursor", 7),
            Key("find.largest", "l", "find_largest", "largest gap", "the largest gap", 8),
            Key("find.first", "f", "find_first", "first failure", "the first failure", 9),
            Key("find.last", "e", "find_last", "last failure", "the last failure", 10),
            Key("find.position", "p", "find_position", "position", "the position of the status line", 11),
        ),
    ),
    "blocks": (
        "Block list",
        (
            Key("blocks.up", "up,k", "cursor_up", "up", "one block up"),
            Key("blocks.down", "down,j", "cursor_down", "down", "one block down"),
            Key("blocks.page_up", "pageup", "page_up", "page up", "one screen up"),
            Key("blocks.page_down", "pagedown", "page_down", "page down", "one screen down"),
            Key("blocks.top", "g,home", "first", "top", "first block"),
            Key("blocks.bottom", "G,end", "last", "bottom", "last block"),
            Key("blocks.types", "t", "types", "types", "list only blocks of some statuses", 62),
            Key("blocks.least", "i", "least", "size", "list only blocks of at least this size", 63),
            Key("blocks.order", "o", "order", "order", "sort by position, largest or smallest first", 64),
            Key("blocks.zoom", "z,enter", "zoom", "show", "fit this block into the map's view", 65),
            Key("blocks.take", "space", "take", "select", "select this block too, or take it out", 66),
        ),
    ),
    "offer": (
        "When edits of a lost session wait",
        (
            Key("offer.replay", "r", "replay", "replay", "do them again: they are unsaved edits as before", 1),
            Key("offer.show", "s", "show_offer", "show", "what they are", 2),
            Key("offer.discard", "d", "discard", "discard", "begin without them; their journal is kept aside", 3),
        ),
    ),
    "outside": (
        "When the file was changed by somebody else",
        (
            Key("outside.merge", "m", "merge", "merge", "the unsaved edits again, on what is in the file now", 1),
            Key("outside.reload", "r", "reload", "reload", "what is in the file now; unsaved edits are dropped", 2),
        ),
    ),
    "leaving": (
        "When there are unsaved edits and you leave",
        (
            Key("leaving.save", "w", "save_and_leave", "save", "save them, then leave", 1),
            Key("leaving.keep", "k", "keep_and_leave", "keep for later", "leave; they are offered next time", 2),
            Key("leaving.drop", "d", "drop_and_leave", "drop", "leave without them; their journal is kept aside", 3),
        ),
    ),
    "preview": (
        "Before it is done",
        (Key("preview.apply", "enter", "apply", "apply", "do it, in the editor: the file is written by w", 10),),
    ),
    "prepare": (
        "Recipes",
        (Key("prepare.choose", "enter", "choose", "prepare", "ask what it needs, and show what it would change", 10),),
    ),
    "edits": (
        "History of edits",
        (Key("edits.go", "enter", "go", "go there", "undo or redo up to and with this edit", 10),),
    ),
    "kept": (
        "Kept maps",
        (
            Key("kept.compare", "enter", "compare", "compare", "compare with the editor's map, or the marked one", 10),
            Key("kept.mark", "space", "mark", "mark", "compare the next one with this one", 20),
            Key("kept.restore", "b", "restore", "go back", "back to this state, as an edit that can be undone", 30),
            Key("kept.part", "s", "restore_part", "selection", "the selection as it was there, and nothing else", 31),
            Key("kept.command", "y", "copy", "copy", "put the command on the clipboard", 40),
        ),
    ),
    "nextrun": (
        "The next run",
        (
            Key("nextrun.reverse", "r", "turn('reverse')", "reverse", "the other direction first (-R)", 10),
            Key("nextrun.trim", "t", "turn('no_trim')", "no trim", "without trimming (--no-trim)", 20),
            Key("nextrun.scrape", "s", "turn('no_scrape')", "no scrape", "without scraping (-n)", 30),
            Key("nextrun.retries", "plus", "retries", "retries", "more retries of bad sectors (-r), then none", 40),
            Key("nextrun.again", "a", "turn('try_again')", "try again", "failed blocks as non-tried (-A)", 50),
            Key("nextrun.retrim", "m", "turn('retrim')", "retrim", "failed blocks as non-trimmed (-M)", 60),
            Key("nextrun.copy", "y", "copy", "copy", "put the command line on the clipboard", 70),
        ),
    ),
    "damage": (
        "A damaged map",
        (Key("damage.accept", "enter", "accept", "accept", "go on with the proposed repair; w writes it", 10),),
    ),
    "areas": (
        "Partitions and other areas",
        (
            Key("areas.select", "enter", "choose", "select", "select this area", 10),
            Key("areas.load", "o", "load", "load", "from sfdisk --dump or --json, a list START SIZE LABEL, a map", 20),
        ),
    ),
}  # fmt: skip
