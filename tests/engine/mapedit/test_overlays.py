"""Overlays from the files that people have at hand, the real sfdisk among them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from engine.errors import DamagedError, NotFoundError, OutsideError
from engine.mapedit.disk_overlays import partition_overlays, partition_ranges
from engine.mapedit.overlays import borders_of, parse_overlays, read_overlays, union_of
from engine.mapfile.model import Mapfile
from engine.mapfile.write import write_map
from engine.ranges import RangeSet
from tests.support import needs_tool

M = 1 << 20


@pytest.mark.parametrize("label", ["gpt", "dos"])
@pytest.mark.parametrize("form", ["--dump", "--json"])
def test_what_sfdisk_prints(tmp_path: Path, label: str, form: str):
    needs_tool("sfdisk")
    disk = tmp_path / "disk.img"
    disk.touch()
    disk.open("r+b").truncate(64 * M)
    name = ', name="system [bold]"' if label == "gpt" else ""
    script = f"label: {label}\nstart=2048, size=8192{name}\nstart=10240, size=4096\n"
    if label == "dos":
        script += "start=16384, size=32768, type=5\nstart=18432, size=2048\n"
    subprocess.run(["sfdisk", "-q", disk], input=script.encode(), check=True, capture_output=True, timeout=30)
    text = subprocess.run(["sfdisk", form, disk], check=True, capture_output=True, timeout=30).stdout
    (tmp_path / "table").write_bytes(text)
    found = read_overlays(tmp_path / "table")
    assert found[0].label.startswith("partition 1")
    assert [list(one.ranges) for one in found[:2]] == [[(M, 5 * M)], [(5 * M, 7 * M)]]
    if label == "gpt":
        assert found[0].label == "partition 1 system [bold]"
    else:
        assert list(found[3].ranges) == [(9 * M, 10 * M)]
    assert borders_of(found)[0].position == M


def test_partitions_of_an_image(tmp_path: Path):
    needs_tool("sfdisk")
    disk = tmp_path / "disk.img"
    disk.touch()
    with disk.open("r+b") as file:
        file.truncate(64 * M)
    script = b"label: dos\nstart=2048, size=8192\nstart=16384, size=32768, type=5\nstart=18432, size=2048\n"
    subprocess.run(["sfdisk", "-q", disk], input=script, check=True, capture_output=True, timeout=30)
    found = partition_overlays(str(disk))
    assert [one.label.split()[1] for one in found] == ["1", "5"]
    assert partition_ranges(str(disk), 5) == RangeSet.of(9 * M, 10 * M)
    assert partition_ranges(str(disk), None) == RangeSet([(M, 5 * M), (9 * M, 10 * M)])
    with pytest.raises(NotFoundError):
        partition_ranges(str(disk), 2)
    # a table that was never read is no table
    write_map(tmp_path / "map", Mapfile.new(0, 64 * M).set_range(M, 64 * M, "+"))
    with pytest.raises(NotFoundError):
        partition_ranges(str(disk), 1, tmp_path / "map")


def test_other_sector_sizes():
    dump = b"label: gpt\nunit: sectors\nsector-size: 4096\n\n/dev/sdx1 : start= 256, size= 10, type=83\n"
    assert list(parse_overlays(dump)[0].ranges) == [(M, M + 40960)]
    value = {"partitiontable": {"sectorsize": 4096, "partitions": [{"node": "x2", "start": 256, "size": 10}]}}
    assert list(parse_overlays(json.dumps(value).encode())[0].ranges) == [(M, M + 40960)]


def test_a_plain_list():
    text = b"# what matters\n0 1M boot sector and tables\n1M 64K files\n\n2M 0x1000 files # more\n5M 8s\n"
    found = parse_overlays(text)
    assert [one.label for one in found] == ["boot sector and tables", "files", "area at 5242880"]
    assert found[1].ranges == RangeSet([(M, M + 65536), (2 * M, 2 * M + 4096)])
    assert union_of(found).total == M + 65536 + 4096 + 4096


def test_json_and_domain_maps():
    found = parse_overlays(b'[{"label": "mft \\u001b[31m", "start": 512, "size": 1024}]')
    assert (found[0].label, list(found[0].ranges)) == ("mft \\x1b[31m", [(512, 1536)])
    found = parse_overlays(b"# a domain\n0x0 +\n0x200 0x200 +\n0x800 0x200 -\n")
    assert list(found[0].ranges) == [(512, 1024)]
    assert "domain" in found[0].label
    assert list(parse_overlays(b"0 ? 1\n0 512 +\n512 512 -\n")[0].ranges) == [(0, 512)]


@pytest.mark.parametrize(
    "text",
    [b"{", b"[1]", b'{"partitiontable": 5}', b'{"partitiontable": {"partitions": [{"node": 1}]}}', b"nothing\n",
     b"1 x label\n", b"5\n", b"9223372036854775807 5 far\n", b"[" * 100_000, b"\xff\xfe\x00",
     b"/dev/sda1 : start= x, size= 5\n", b'[{"label": "a", "start": -5, "size": 5}]'],
)  # fmt: skip
def test_what_is_no_list_is_refused(tmp_path, text):
    (tmp_path / "list").write_bytes(text)
    with pytest.raises(DamagedError) as caught:
        read_overlays(tmp_path / "list")
    assert caught.value.path is not None
    with pytest.raises(OutsideError):
        read_overlays(tmp_path / "none")
