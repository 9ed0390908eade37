"""The mutation runner's own parts, without the tool it needs: its rooms are there, faults are found where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant, sample
from tests.mutation.nest import codes_in, exchange
from tests.mutation.rooms import ROOMS
from tests.mutation.trial import changed_functions

ROOT = Path(__file__).parents[2]
SOURCE = "LIMIT = 5\n\n\nclass Box:\n    size = 3\n\n    def full(self):\n        return (lambda: 4 > LIMIT)()\n"


@pytest.mark.parametrize("name", ROOMS)
def test_every_room_has_its_modules_and_tests(name):
    room = ROOMS[name]
    files = room.files(ROOT)
    assert files
    assert all((ROOT / place).exists() for place in room.tests)
    for end in room.precious:
        assert any(file.endswith(end) for file in files), end
    assert {room.share(file, 30) for file in files} <= {10, 30}


def changed(old: str, new: str) -> list[tuple[str, int]] | None:
    return changed_functions(compile(SOURCE, "", "exec"), compile(SOURCE.replace(old, new), "", "exec"))


def test_a_fault_is_put_down_to_the_outermost_function():
    assert changed("4 >", "4 >=") == [("Box.full", 7)]
    assert changed("size = 3", "size = 4") is None
    assert changed("LIMIT = 5", "LIMIT = 6") is None
    assert changed("\n\n\nclass", "\n\nclass") == []


def test_a_loaded_function_gets_its_faulty_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "box.py").write_text(SOURCE)
    loaded: dict[str, type] = {}
    exec(compile(SOURCE, str(tmp_path / "box.py"), "exec"), loaded)
    assert not loaded["Box"]().full()
    request = {"module": "box.py", "source": SOURCE.replace("4 >", "6 >"), "functions": [["Box.full", 7]]}
    assert exchange(request)
    assert loaded["Box"]().full()
    assert not exchange(request | {"functions": [["Box.empty", 9]]})
    assert {code.co_name for code in codes_in(compile(SOURCE, "", "exec"))} == {"<module>", "Box", "full", "<lambda>"}


def test_the_draw_can_be_repeated():
    found = [Mutant("m.py", "AddNot", n, n, (n, n), "") for n in range(50)]
    drawn = sample(found, 7, 1)
    assert drawn == sample(found, 7, 1) != sample(found, 7, 2)
    assert len(drawn) == 7
    assert sample(found, 50, 1) == found
