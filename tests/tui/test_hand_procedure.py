"""What practitioners do by hand with a drive that drops off, through sub-commands, on a disk that does just that.

Forward until it drops, power cycle, backwards until it drops, power cycle; mark the culprits and read what lies
between; then scrape up to each culprit from its other side. Each culprit may cost one power cycle more than finding it
did.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.mapfile.parse import read_map
from engine.ranges import RangeSet
from tests.failing_disk import Drop, Error, FailingDisk, first_difference, make_image
from tests.support import needs_fuse, needs_tool
from tui.commands import run

pytestmark = [needs_tool("ddrescue"), needs_fuse()]
S = 512
M = 1 << 20
CAREFUL = ["--recipe", "careful", "--option", "cluster_size=1"]
FIRST = Drop(offset=2 * M + 10 * S, size=4 * S)
LAST = Drop(offset=5 * M + 7 * S, size=2 * S)
BAD = Error(offset=4 * M, size=2 * S)
MARGIN = 16


class Bench:
    """Commands at one failing disk."""

    def __init__(self, disk: FailingDisk, capsys: pytest.CaptureFixture[str]) -> None:
        self.disk, self.capsys = disk, capsys

    def call(self, *words: object, code: int = 0) -> str:
        given = run([str(word) for word in words])
        told = self.capsys.readouterr()
        assert given == code, told.out + told.err
        return told.out

    def document(self, *words: object, code: int = 0) -> dict[str, Any]:
        value = json.loads(self.call(*words, "--json", code=code))
        assert isinstance(value, dict)
        return value

    def rescue(self, *words: object, code: int) -> list[dict[str, Any]]:
        """The events of a rescue."""
        text = self.call("rescue", "run", self.disk.device, "disk.img", "disk.map", "--min-free", "0", *CAREFUL, *words,
                         "--json", code=code)  # fmt: skip
        return [json.loads(line) for line in text.splitlines()]

    def next_bytes(self, *options: object) -> int:
        """What the forecast says that a careful run would read."""
        value = self.document("map", "next", "disk.map", "--recipe", "careful", *options)
        assert not value["warnings"], value
        return int(value["bytes"])


def dropped_at(events: list[dict[str, Any]]) -> int:
    """The suspect's first byte."""
    drops = [event for event in events if event["event"] == "drop-off"]
    assert len(drops) == 1
    return int(drops[0]["position"])


def test_the_hand_procedure_through_sub_commands(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    original = make_image(tmp_path / "original", 8 * M)
    with FailingDisk(original, [BAD, FIRST, LAST]) as disk:
        bench = Bench(disk, capsys)
        # forward until the drop, then backward until the drop
        first = dropped_at(bench.rescue(code=3))
        assert first == FIRST.offset
        disk.power_cycle()
        last = dropped_at(bench.rescue("--option", "reverse", code=3))
        assert last == LAST.offset + LAST.size - S
        disk.power_cycle()

        # mark both culprits with a margin: seen as a diff, then done; each is a generation
        skip = ["map", "recipe", "skip-culprit", "disk.map", "--with", f"sectors={MARGIN}"]
        told = bench.document(*skip, "--with", f"at={first}", "--with", "direction=forwards", "--dry-run")
        assert {(move["old"], move["new"]) for move in told["changes"]} == {("*", "-"), ("?", "-"), ("*", "?")}
        bench.call(*skip, "--with", f"at={first}", "--with", "direction=forwards", "--in-place")
        bench.call(*skip, "--with", f"at={last + S}", "--with", "direction=backwards", "--in-place")
        margins = RangeSet([(first, first + MARGIN * S), (last + S - MARGIN * S, last + S)])
        assert read_map("disk.map").ranges("-") == margins
        # the middle, without a drop
        assert bench.next_bytes() == last - first + S - 2 * MARGIN * S
        bench.rescue(code=1)
        assert disk.state == "alive"
        assert disk.cycles == 2
        assert read_map("disk.map").ranges("*/-") == margins.union(RangeSet.of(BAD.offset, BAD.offset + BAD.size))

        # up to each culprit from its other side; what it then costs is one cycle each
        for low, high, way in (
            (first + S, first + MARGIN * S, ["--option", "reverse"]), (last + S - MARGIN * S, last, []),
        ):  # fmt: skip
            bench.call("map", "set", "disk.map", f"{low}-{high}", "non-tried", "--in-place")
            reads = ["map", "read", "disk.map", f"{low}-{high}", "--source", disk.device, "--image", "disk.img"]
            dry = bench.document(*reads, "--dry-run")
            assert dry["ranges"] == [{"start": low, "end": high}]
            bench.call(*reads, *CAREFUL, *way, "--json", code=3)
            disk.power_cycle()
        assert disk.cycles == 4
        bench.call("map", "change-types", "disk.map", "?*/", "-", "--in-place", "--note", "the culprits are given up")

        # as good as it gets: every readable byte and no other, each culprit touched once more than needed
        made = read_map("disk.map")
        assert list(made.ranges("+")) == list(disk.truth().readable)
        assert made.totals().unfinished == FIRST.size + LAST.size + BAD.size
        assert first_difference(original, "disk.img", list(made.ranges("+"))) is None
        for culprit in (FIRST, LAST):
            assert len(disk.touches(culprit.offset, culprit.size)) == 2
        assert disk.violations() == []

        # and all of it can be told afterwards
        kept = bench.document("map", "generations", "disk.map")["generations"]
        commands = [one["command"] for one in kept if one["command"]]
        assert len(commands) == 4  # before the very first there was no map to keep
        assert all(command.startswith("ddrescue ") for command in commands)
        assert sum("recipe skip-culprit" in one["note"] for one in kept) == 2
        told = bench.document("map", "diff", f"disk.map@{kept[0]['number']}", "disk.map", code=1)
        assert told["gained"] > 5 * M
        assert told["lost"] == 0
