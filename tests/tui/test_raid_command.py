"""``rescuedeck raid`` and ``rescuedeck sectors`` as a person or a script calls them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from tests.engine.raid.contents import even, volume
from tests.engine.raid.writer import lay, save
from tests.engine.sectors.test_sectors import PLAIN
from tests.engine.sectors.writer import convert
from tests.support import needs_tool
from tui.commands import run

MIB = 1 << 20


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    needs_tool("mkfs.ext4")
    folder = tmp_path_factory.mktemp("array")
    made = lay(volume(folder, "ext4", 32 * MIB, "mixed", 7), 4, 65536, "left-asymmetric", offset=MIB)
    save(made, folder / "set", seed=5)
    return made


def told(capsys, *words: object) -> tuple[int, dict]:
    code = run([str(word) for word in words] + ["--json", "--quiet"])
    return code, json.loads(capsys.readouterr().out)


def test_detect_save_and_use_it_as_a_source(laid, capsys, tmp_path):
    target = tmp_path / "found.array"
    code, answer = told(capsys, "raid", "detect", *laid.members, "--save", target)
    assert code == 0
    assert answer["verdict"] == "found"
    assert answer["strip_size"] == 65536
    best = answer["candidates"][0]
    assert best["order"] == [number + 1 for number in laid.order]
    assert best["layout"] == "left-asymmetric"
    assert best["data_offset"] == MIB
    assert {"layout", "order", "strip_size", "data_offset", "missing", "score", "evidence"} <= set(best)
    code, tree = told(capsys, "parts", "tree", target)
    assert code == 0
    assert tree["nodes"][0]["filesystem"]["kind"] == "ext4"
    code, listed = told(capsys, "fs", "list", target)
    assert any(entry["path"].strip("/") == "d0" for entry in listed["entries"])


def test_detect_in_words(laid, capsys):
    assert run(["raid", "detect", *map(str, laid.members), "--picture", "--all", "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "128 sectors (64.0 KiB)" in text
    assert "left-asymmetric, order " + ",".join(str(n + 1) for n in laid.order) in text.replace("\n   ", " ")
    assert all(len(line) <= 110 for line in text.splitlines())


def test_assemble_by_detection_and_by_hand(laid, capsys, tmp_path):
    image, described = tmp_path / "a.img", tmp_path / "b.array"
    code, done = told(capsys, "raid", "assemble", "--detect", *laid.members, "-o", image)
    assert code == 0
    assert done["size"] == len(laid.volume)
    assert image.read_bytes() == laid.volume
    order = ",".join("x" if drive == 1 else str(number + 1) for drive, number in enumerate(laid.order))
    words = ["--layout", "left-asymmetric", "--strip", "64K", "--order", order, "--offset", "1M"]
    code, done = told(capsys, "raid", "assemble", *words, *laid.members, "-o", described)
    assert code == 0
    assert done["size"] == len(laid.volume)
    code, _ = told(capsys, "raid", "assemble", *words, *laid.members, "-o", image)
    assert code == 3  # it exists
    code, _ = told(capsys, "raid", "assemble", *words, *laid.members, "-o", image, "--force")
    assert code == 0
    assert image.read_bytes() == laid.volume
    code, error = told(capsys, "raid", "assemble", *words, *laid.members, "-o", laid.members[0], "--force")
    assert code == 3
    assert error["error"]["code"] == "target-is-source"


def test_what_cannot_be_told_is_not_assembled(capsys, tmp_path):
    made = lay(even(6 * MIB), 3, 65536, "left-symmetric")
    members = save(made, tmp_path)
    code, answer = told(capsys, "raid", "detect", *members)
    assert code == 1
    assert answer["verdict"] == "encrypted"
    assert answer["candidates"] == []
    code, error = told(capsys, "raid", "assemble", "--detect", *members, "-o", tmp_path / "x.img")
    assert code == 1
    assert error["error"]["code"] == "encrypted"
    assert not (tmp_path / "x.img").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["raid", "detect", "a"], ["raid", "detect"], ["raid", "assemble", "a", "b", "c", "-o", "x"],
        ["raid", "assemble", "--detect", "--strip", "64K", "a", "b", "c", "-o", "x"],
        ["raid", "detect", "a", "b", "--map", "7=x"], ["raid", "detect", "a", "b", "--save", "x.img"],
        ["sectors", "convert", "a"],
    ],
)  # fmt: skip
def test_wrong_usage(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in "abc":
        Path(name).write_bytes(b"x" * 4096)
    assert run([*words, "--quiet"]) == 2


def test_sectors(capsys, tmp_path):
    raw = bytearray(convert(PLAIN, 520, "pi1"))
    written = next(n for n in range(500, 5000) if any(raw[n * 520 : n * 520 + 512]))
    raw[written * 520] ^= 1
    image = tmp_path / "raw.img"
    image.write_bytes(raw)
    code, found = told(capsys, "sectors", "detect", image, "--guards")
    assert code == 1  # a bad guard
    assert (found["sector_size"], found["trailer"], found["convert"]) == (520, "t10-pi", True)
    assert found["bad_guards"] == [{"start": written * 512, "size": 512}]
    code, done = told(capsys, "sectors", "convert", image, "-o", tmp_path / "plain.img")
    assert code == 1
    assert done["bad_guards"] == found["bad_guards"]
    assert Path(done["bad_guards_map"]).exists()
    assert (tmp_path / "plain.img").stat().st_size == len(PLAIN)
    assert run(["sectors", "detect", str(image), "--quiet"]) == 0
    text = capsys.readouterr().out
    assert "520 bytes, 512 of them data" in text
    image.write_bytes(random.Random(1).randbytes(1 << 20))
    assert told(capsys, "sectors", "detect", image)[0] == 1
