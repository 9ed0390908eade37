"""Every finding that the engine can make, and every repair, is in the documentation; repairs that are named exist."""

from __future__ import annotations

import re
from pathlib import Path

from engine.partitions.gpt_types import BASIC_DATA, GPT_TYPES, LINUX_DATA, gpt_type_name
from engine.partitions.mbr_types import EXTENDED, MBR_TYPES, mbr_type_name
from engine.partitions.repairs import REPAIRS

ROOT = Path(__file__).parents[3]
SOURCES = [path.read_text() for path in (ROOT / "engine" / "partitions").rglob("*.py") if "search" not in path.parts]


def test_findings_are_documented() -> None:
    pattern = re.compile(r"(?:Finding|Problem|\.problem)\(\s*\"([a-z0-9-]+)\"")
    codes = {code for text in SOURCES for code in pattern.findall(text)}
    codes |= {"gpt-primary-bad", "gpt-backup-bad", "hidden-sectors-mismatch", "partition-offset-mismatch"}
    assert len(codes) > 40
    text = (ROOT / "docs" / "partitions.md").read_text()
    assert {code for code in codes if f"`{code}`" not in text} == set()


def test_repairs_are_documented_and_named_ones_exist() -> None:
    text = (ROOT / "docs" / "partitions.md").read_text()
    assert {name for name in REPAIRS if f"`{name}" not in text} == set()
    named = {name for source in SOURCES for name in re.findall(r"\"(?:note|warning|error)\",\s*\"([a-z-]+)\"", source)}
    assert len(named) > 8
    assert named <= {*REPAIRS, "warning", "error"}


def test_types_have_names() -> None:
    assert mbr_type_name(0x07).startswith("NTFS")
    assert mbr_type_name(0x3F) == "unknown"
    assert gpt_type_name(BASIC_DATA) == "Microsoft basic data"
    assert gpt_type_name(LINUX_DATA) == "Linux file system"
    assert set(MBR_TYPES) >= EXTENDED
    assert len(GPT_TYPES) > 200
    assert all(re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", guid) for guid in GPT_TYPES)
