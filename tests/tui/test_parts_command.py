"""``rescuedeck parts`` and ``rescuedeck hex`` as a person or a script calls them."""

from __future__ import annotations

import hashlib
import json
import random
import struct
from pathlib import Path
from typing import Any

import pytest

from engine.cases import create_case, read_history
from engine.mapfile.lock import hold_map
from tests.engine.partitions.disks import MIB, blank, entry, ext4, get, loop, ntfs, place_file, put, run, table
from tests.support import needs_tool
from tui.commands import run as rescuedeck

START = 63


@pytest.fixture(scope="module")
def cloned(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The recovery partition that does not boot: made for sector 2048, standing at 63; ext4 in a logical behind it."""
    needs_tool("mkfs.ntfs")
    needs_tool("mkfs.ext4")
    folder = tmp_path_factory.mktemp("cloned")
    image = blank(folder / "d.img", 16 * MIB)
    put(image, 0, table(entry(0x27, START, 8192, 0x80), entry(0x0F, 10_240, 20_000)))
    put(image, 10_240 * 512, table(entry(0x83, 2048, 8192)))
    place_file(image, START * 512, ntfs(folder, 4 * MIB, hidden=2048, label="RECOVERY"))
    place_file(image, 12_288 * 512, ext4(folder, 4 * MIB, label="ho[/b]me"))
    return image.read_bytes()


@pytest.fixture
def disk(tmp_path: Path, cloned: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d.img").write_bytes(cloned)
    return tmp_path / "d.img"


def call(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> str:
    assert rescuedeck(line.split()) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> dict[str, Any]:
    value = json.loads(call(capsys, line + " --json", code))
    assert isinstance(value, dict)
    return value


def error(capsys: pytest.CaptureFixture[str], line: str, code: int, slug: str) -> str:
    assert rescuedeck([*line.split(), "--json"]) == code
    value = json.loads(capsys.readouterr().out)["error"]
    assert value["code"] == slug
    return str(value["message"])


def test_tree_has_the_keys_of_the_contract(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "parts tree d.img")
    assert {"scheme", "sector_size", "nodes"} <= set(found)
    assert (found["scheme"], found["sector_size"]) == ("mbr", 512)
    waiting, kinds = list(found["nodes"]), []
    while waiting:
        node = waiting.pop(0)
        assert {"kind", "index", "start", "size", "type", "type_name", "name", "flags", "filesystem", "problems",
                "children"} <= set(node)  # fmt: skip
        for problem in node["problems"]:
            assert {"code", "message", "fixable"} <= set(problem)
        kinds.append((node["kind"], node["index"]))
        waiting += node["children"]
    assert [kind for kind in kinds if kind[0] != "gap"] == [
        ("mbr", 1), ("primary", 1), ("extended", 2), ("ebr", 1), ("logical", 5),
    ]  # fmt: skip
    first = next(node for node in found["nodes"][0]["children"] if node["kind"] == "primary")
    assert first["flags"] == ["active"]
    assert first["filesystem"]["kind"] == "ntfs"
    assert first["filesystem"]["label"] == "RECOVERY"
    assert {"kind", "label", "uuid", "size"} <= set(first["filesystem"])
    assert [problem["code"] for problem in first["problems"] if problem["fixable"]] == ["hidden-sectors-mismatch"]


def test_tree_for_people_fits_80_columns(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for options in ("", " --all"):
        lines = call(capsys, f"parts tree d.img{options}").splitlines()
        assert max(map(len, lines)) <= 80
        text = "\n".join(lines)
        assert "hidden-sectors-mismatch" in text
        assert 'NTFS "RECOVERY"' in text
        assert 'ext4 "ho[/b]me"' in text
    assert "(free)" in text
    assert "EBR 1" in text


def test_hostile_names_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs_tool("sgdisk")
    image = blank(tmp_path / "g.img", 16 * MIB)
    run("sgdisk", "-n", "1:0:+4M", "-c", "1:\x1b[31m\u202e", image)
    text = call(capsys, f"parts tree {image} --all")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_check_says_what_to_type(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "parts check d.img", 1)
    assert not found["ok"]
    assert {"code", "message", "fixable", "level", "start", "kind"} <= set(found["problems"][0])
    text = call(capsys, "parts check d.img", 1)
    advice = next(line for line in text.splitlines() if "parts repair" in line).split()
    assert advice[0] == "rescuedeck"
    assert document(capsys, " ".join(advice[1:]))["applied"] is False


def test_repair_shows_applies_and_takes_back(disk: Path, cloned: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    line = "parts repair d.img hidden-sectors-mismatch --at 63s"
    shown = document(capsys, line)
    assert shown["applied"] is False
    assert shown["undo_file"] is None
    assert disk.read_bytes() == cloned
    for write in shown["plan"]["writes"]:
        assert set(write) >= {"offset", "old_hex", "new_hex", "reason"}
        assert write["old_hex"] == get(disk, write["offset"], len(write["old_hex"]) // 2).hex()
    assert [write["old_hex"] for write in shown["plan"]["writes"]] == ["00080000", "00080000"]
    assert [write["new_hex"] for write in shown["plan"]["writes"]] == ["3f000000", "3f000000"]
    text = call(capsys, line)
    assert "nothing was written" in text
    assert "00 08 00 00" in text
    assert max(map(len, text.splitlines())) <= 80
    done = document(capsys, line + " --apply")
    assert done["applied"] is True
    assert done["problems_left"] == []
    assert get(disk, START * 512 + 0x1C, 4) == bytes.fromhex("3f000000")
    assert document(capsys, "parts check d.img")["ok"]
    back = document(capsys, f"parts undo {done['undo_file']}")
    assert back["restored"] is True
    assert disk.read_bytes() == cloned
    assert document(capsys, f"parts undo {done['undo_file']}")["bytes"] == 0


def test_repair_of_what_is_not_wrong(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    error(capsys, "parts repair d.img fsinfo-bad", 1, "no-such-finding")
    error(capsys, "parts repair d.img hidden-sectors-mismatch --at 12288s", 1, "no-such-finding")
    error(capsys, "parts repair d.img rebuild", 2, "usage")
    error(capsys, "parts undo d.img", 1, "undo-damaged")
    error(capsys, "parts tree missing.img", 3, "missing")


def test_holes_of_a_map_are_unread_and_not_written(
    disk: Path, cloned: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    end = START * 512
    Path("d.map").write_text(f"0 + 1\n0 {end} +\n{end} 512 -\n{end + 512} {16 * MIB - end - 512} +\n")
    found = document(capsys, "parts check d.img --map d.map", 1)
    assert [problem["code"] for problem in found["problems"] if problem["level"] != "note"] == ["unread"]
    error(capsys, "parts repair d.img boot-from-backup --at 63s --map d.map --apply", 3, "unread")
    assert disk.read_bytes() == cloned
    text = call(capsys, "hex d.img --at 63s --plain --map d.map")
    assert text.splitlines()[0].split()[1:17] == ["??"] * 16
    fields = document(capsys, "hex d.img --at 63s --template ntfs-boot --map d.map", 1)["fields"]
    assert all(field["value"] is None and field["problem"] == "never read" for field in fields)


def test_window_writes_into_the_image_below(disk: Path, cloned: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    size = 8192 * 512
    put(disk, START * 512, bytes(512))
    line = f"parts repair d.img boot-sector-bad --window 63s+{size} --apply"
    assert document(capsys, line)["applied"] is True
    assert disk.read_bytes() == cloned


def test_case_keeps_the_undo_file_and_the_history(
    tmp_path: Path, cloned: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    case = create_case(tmp_path / "case")
    case.image.write_bytes(cloned)
    line = f"parts repair {case.directory} hidden-sectors-mismatch --apply"
    case.map.write_text("0 + 1\n0 0x1000000 +\n")
    with hold_map(case.map, "ddrescue"):
        error(capsys, line, 3, "target-in-use")
    done = document(capsys, line)
    assert Path(done["undo_file"]).parent == case.undo_dir
    document(capsys, f"parts undo {done['undo_file']}")
    assert case.image.read_bytes() == cloned
    assert [action.action for action in read_history(case)][-2:] == ["repaired", "repair-undone"]


def test_devices_want_to_be_lifted_and_confirmed(disk: Path, cloned: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with loop(disk) as device:
        line = f"parts repair {device} hidden-sectors-mismatch --undo-dir {disk.parent}"
        assert document(capsys, line)["applied"] is False
        error(capsys, line + " --apply", 2, "usage")
        error(capsys, line + " --apply --allow-device", 2, "usage")
        error(capsys, line + " --apply --allow-device --confirm wrong", 3, "device-locked")
        assert disk.read_bytes() == cloned
        word = Path(device).name
        done = document(capsys, f"{line} --apply --allow-device --confirm {word}")
        assert done["applied"] is True
        error(capsys, f"parts undo {done['undo_file']}", 2, "usage")
        document(capsys, f"parts undo {done['undo_file']} --allow-device --confirm {word}")
    assert disk.read_bytes() == cloned


def test_rebuild_from_an_sfdisk_script(disk: Path, cloned: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    needs_tool("sfdisk")
    Path("layout").write_text(run("sfdisk", "-d", disk))
    before = run("sfdisk", "-d", disk)
    put(disk, 446, bytes(66))
    put(disk, 10_240 * 512, bytes(512))
    done = document(capsys, "parts repair d.img rebuild --layout layout --apply")
    assert done["applied"] is True
    assert run("sfdisk", "-d", disk) == before


def test_repairs_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    names = {one["name"] for one in document(capsys, "parts repairs")["repairs"]}
    assert {"hidden-sectors", "boot-from-backup", "gpt-primary", "rebuild"} <= names


def test_tree_of_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "noise.img"
    image.write_bytes(random.Random(4).randbytes(MIB))
    assert document(capsys, f"parts tree {image}", 1)["nodes"] == []
    image.write_bytes(b"")
    assert document(capsys, f"parts tree {image}", 1)["scheme"] == "none"


# --- hex


def test_hex_finds_the_structure_and_its_fault(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "hex d.img --at 63s", 1)
    assert found["template"] == "ntfs-boot"
    fields = {field["name"]: field for field in found["fields"]}
    assert {"name", "offset", "size", "value", "meaning"} <= set(fields["hidden_sectors"])
    assert fields["hidden_sectors"]["value"] == 2048
    assert fields["hidden_sectors"]["ok"] is False
    assert fields["mft_lcn"]["class"] == "critical"
    assert document(capsys, "hex d.img")["template"] == "mbr"
    assert document(capsys, "hex d.img --at 10240s")["template"] == "ebr"
    text = call(capsys, "hex d.img --at 63s", 1)
    assert "the partition begins at sector 63" in text
    assert max(map(len, text.splitlines())) <= 80


def test_hex_of_unknown_bytes_is_a_dump(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    image = tmp_path / "x.img"
    image.write_bytes(struct.pack("<16s", b"\x1b[31m hello \xff") * 4)
    found = document(capsys, f"hex {image} --at 16 --size 20")
    assert found["template"] is None
    assert found["bytes_hex"] == (image.read_bytes()[16:36]).hex()
    text = call(capsys, f"hex {image}")
    assert ".[31m hello" in text
    assert "\x1b" not in text
    error(capsys, f"hex {image} --at 64", 2, "usage")
    error(capsys, f"hex {image} --template nonsense", 2, "usage")


def test_reading_commands_leave_the_image_alone(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = hashlib.sha256(disk.read_bytes()).hexdigest()
    disk.chmod(0o444)
    for line, code in (("parts tree d.img", 0), ("parts check d.img", 1), ("hex d.img", 0),
                       ("parts repair d.img hidden-sectors", 0)):  # fmt: skip
        call(capsys, line, code)
    assert hashlib.sha256(disk.read_bytes()).hexdigest() == before
    assert [path.name for path in disk.parent.iterdir()] == ["d.img"]


def test_a_repair_into_a_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk = blank(tmp_path / "disk.img", 32 * MIB)
    put(disk, 446, table(entry(0x0E, 2048, 8192))[446:512])
    before, out = disk.read_bytes(), tmp_path / "copy.img"
    words = ["parts", "repair", str(disk), "type", "--at", "1M", "--set-type", "linux"]
    assert rescuedeck([*words, "--into", str(out)]) == 2  # only with --apply
    assert rescuedeck([*words, "--into", str(out), "--apply", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["applied"], told["into"]) == (True, str(out))
    assert disk.read_bytes() == before
    assert get(out, 450, 1) == b"\x83"
    assert rescuedeck([*words, "--into", str(out), "--apply"]) == 3
    assert "exists already" in capsys.readouterr().err
