"""Volumes are made once for each family."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.filesystems.build import build
from engine.filesystems.index import Index
from engine.source import FileSource
from tests.engine.filesystems.written import FATS, TOOLS, Volume, make
from tests.support import needs_fuse, needs_root, needs_tool

_made: dict[str, Volume] = {}


def _volume(family: str, factory: pytest.TempPathFactory) -> Volume:
    for tool in TOOLS[family]:
        needs_tool(tool)
    if family not in FATS:
        needs_root()
    if family in ("ntfs", "exfat"):
        needs_fuse()
    if family not in _made:
        _made[family] = make(factory.mktemp(family), family)
    return _made[family]


@pytest.fixture
def volume(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Volume:
    return _volume(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def fat32(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    return _volume("fat32", tmp_path_factory)


@pytest.fixture(scope="session")
def ext4(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    return _volume("ext4", tmp_path_factory)


@pytest.fixture(scope="session")
def ntfs(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    return _volume("ntfs", tmp_path_factory)


def index_of(image: Path, where: Path) -> Index:
    with FileSource(image) as source:
        build(source, where / f"{image.stem}.sqlite")
    return Index(where / f"{image.stem}.sqlite")
