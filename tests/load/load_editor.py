"""A map of a million blocks edited for an hour: 20,000 keys, one after the other as fast as they are answered.

An hour of typing without a pause is five to six keys a second. The keys are those of real work in a random order:
moving, zooming, looking for gaps, setting blocks and ranges, undo and redo, lists, menus, other screens, saving.
"""

from __future__ import annotations

import random

from engine.cases.generations import folder_beside
from engine.mapedit.journal import MAX_BYTES
from engine.mapfile import write_map
from engine.mapfile.write import render_map
from tests.bench.bench_mapfile import random_map
from tests.load.report import Report
from tests.load.typist import Typist, disk_use, open_files, typing
from tui.screens.map_editor import MapEditorScreen

_HOUR = 20_000


async def run(report: Report) -> None:
    """On a narrow terminal, where list and map take turns, and on a wide one with both."""
    for size, keys in (((80, 24), report.size(_HOUR, 300)), ((200, 50), report.size(_HOUR // 4, 60))):
        await _hour(report, size, keys)


async def _hour(report: Report, size: tuple[int, int], keys: int) -> None:
    blocks = report.size(1_000_000, 30_000)
    path = report.folder / f"{size[0]}" / "disk.map"
    path.parent.mkdir()
    write_map(path, random_map(blocks, 7), durable=False)
    async with typing(path, size=size) as typist:
        await typist.until(lambda: isinstance(typist.screen, MapEditorScreen) and typist.screen.opened)
        editor = typist.screen
        assert isinstance(editor, MapEditorScreen)
        hand = _Hand(typist, editor, random.Random(size[0]))
        document = editor.editing.document
        await typist.press("f", "-", "j", "j", kind="(first keys)")  # loads what is loaded late
        warm = files = 0
        next_weighing = 0
        while typist.count < keys:
            await hand.something()
            if typist.count >= next_weighing:
                next_weighing += keys // 20
                typist.weigh()
                if not warm and typist.count >= keys // 5:
                    warm, files = len(typist.memory) - 1, open_files()
        told = f"{blocks:,} blocks, {size[0]}x{size[1]}"
        report.value(f"keys pressed, {told}", typist.count, "")
        report.value("keys per second", typist.rate, "")
        report.keys(typist.times)
        journal = document._journal.path
        saved_bytes = render_map(document.saved)
        report.value("steps that can be undone", len(document.history), "")
        report.value("memory of undo and redo", document.nbytes / 1e6, "MB")
        report.value("edit journal", journal.stat().st_size / 1e6 if journal.exists() else 0, "MB")
        report.value("older generations kept", disk_use(folder_beside(path)) / 1e6, "MB")
        growth = typist.weigh() - min(typist.memory[warm:])
        report.value("memory after warm-up", min(typist.memory[warm:]) / 1e6, "MB")
        report.value("memory at the end", typist.memory[-1] / 1e6, "MB")
        allowed = 24 * (1 << 20) + 3 * document.nbytes  # arrays of a map come and go between two weighings
        report.must("memory is flat after warm-up", growth < allowed, f"{growth / 1e6:+.1f} MB")
        await typist.until(lambda: open_files() <= files + 2)  # none is left open when a look has ended
        report.must("the journal is bounded", not journal.exists() or journal.stat().st_size < MAX_BYTES + (1 << 20))
        done = sum(entry.done for entry in document.history)
        here = render_map(document.map)
        editor.editing.go_to(0)
        report.must("undoing everything gives the first map, byte for byte",
                    render_map(document.map) == render_map(random_map(blocks, 7)), f"{done} steps")  # fmt: skip
        editor.editing.go_to(done)
        report.must("and doing it again the last one", render_map(document.map) == here)
        report.must("the file is what was saved", path.read_bytes() == saved_bytes)


class _Hand:
    """What a person does in the editor, gesture by gesture."""

    def __init__(self, typist: Typist, editor: MapEditorScreen, dice: random.Random) -> None:
        self.typist, self.editor, self.dice = typist, editor, dice
        self.gestures = (
            (30, self.move), (10, self.zoom), (8, self.seek), (14, self.set_block), (5, self.set_range),
            (6, self.undo), (3, self.redo), (3, self.select), (3, self.list), (1, self.look), (1, self.change),
        )  # fmt: skip
        self.saved_at = 0

    async def something(self) -> None:
        weights, gestures = zip(*self.gestures, strict=True)
        await self.dice.choices(gestures, weights)[0]()
        if self.typist.count - self.saved_at > 2500:
            await self.save()

    async def move(self) -> None:
        for _ in range(self.dice.randrange(1, 6)):
            await self.typist.press(self.dice.choice("hjkl"), kind="cursor")

    async def zoom(self) -> None:
        await self.typist.press(self.dice.choice("++-"), kind="zoom")
        if self.dice.random() < 0.15:
            await self.typist.press("0", kind="zoom")

    async def seek(self) -> None:
        await self.typist.press(self.dice.choice("nN"), kind="next gap")

    async def _answer(self) -> None:
        if self.editor.prompt.busy:  # finished bytes would be lost: it asks
            await self.typist.press("y", kind="answer, then set")

    async def set_block(self) -> None:
        await self.typist.press("s", kind="status menu")
        await self.typist.press(self.dice.choice("+?*/-"), kind="set status of a block")
        await self._answer()

    async def set_range(self) -> None:
        await self.typist.press("v", kind="range")
        for _ in range(self.dice.randrange(1, 8)):
            await self.typist.press(self.dice.choice("ljl"), kind="longer range")
        await self.typist.press("v", kind="range")
        await self.typist.press("s", kind="status menu")
        await self.typist.press(self.dice.choice("?*/-"), kind="set status of a range")
        await self._answer()
        await self.typist.press("m", "n", kind="menus")

    async def undo(self) -> None:
        for _ in range(self.dice.randrange(1, 4)):
            await self.typist.press("u", kind="undo")

    async def redo(self) -> None:
        await self.typist.press("ctrl+r", kind="redo")

    async def select(self) -> None:
        await self.typist.press("m", kind="menus")
        await self.typist.press(self.dice.choice("ba"), kind="select block or area")
        if self.dice.random() < 0.2:
            await self.typist.press("m", "s", kind="menus")
            await self.typist.write(self.dice.choice("-/*"))
            await self.typist.press("enter", kind="select all of a status")
        await self.typist.press("m", "n", kind="menus")

    async def list(self) -> None:
        await self.typist.press("b", kind="list")
        for _ in range(self.dice.randrange(1, 10)):
            await self.typist.press(self.dice.choice("jjk"), kind="cursor in the list")
        if self.dice.random() < 0.2:
            await self.typist.press("o", kind="order of the list")
            await self.typist.press("pagedown", kind="cursor in the list")
            await self.typist.press("o", "o", kind="order of the list")
        await self.typist.press("b", kind="list")

    async def look(self) -> None:
        await self.typist.press(self.dice.choice("RHKc"), kind="another screen")
        await self.typist.press("q", kind="back")

    async def change(self) -> None:
        await self.typist.press("e", kind="menus")
        await self.typist.press(self.dice.choice("sj"), kind="split, join")

    async def save(self) -> None:
        self.saved_at = self.typist.count
        await self.typist.press("w", kind="menus")
        await self._answer()
        if not self.editor.prompt.busy:
            return
        await self.typist.write("note")
        await self.typist.press("enter", kind="save (begins)")
        await self.typist.until(lambda: not self.editor._busy)
