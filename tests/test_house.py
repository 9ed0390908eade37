"""The rules of the house, held by tests: who may import whom, who may open what, how heavy a start is."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GROUND = {"errors", "progress", "ranges", "atomic", "text", "tools", "source", "template", "times", "edits", "host"}
KNOWLEDGE = {"mapfile", "devices", "partitions", "filesystems", "dvr", "ole2", "raid", "sectors", "artifacts"}
WORK = {"cases", "jobs", "rescue", "mapedit", "priorities", "carve", "extract", "recordings", "hex", "demo", "report"}


def modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Dotted names imported anywhere in a module, late ones included."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def room(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if parts[0] == "engine" and len(parts) > 1 else None


def test_every_room_stands_on_a_known_floor():
    entries = [p for p in (ROOT / "engine").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()]
    rooms = {p.stem if p.is_file() else p.name for p in entries}
    assert rooms - {"__init__"} <= GROUND | KNOWLEDGE | WORK


@pytest.mark.parametrize("path", modules("engine"), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downwards(path):
    mine = path.relative_to(ROOT / "engine").parts[0].removesuffix(".py")
    for name in imports(path):
        assert name.split(".")[0] not in ("tui", "textual", "rich", "themes", "tests"), f"{path} imports {name}"
        other = room(name)
        if other is None or other == mine or other not in GROUND | KNOWLEDGE | WORK:
            continue
        if mine in GROUND:
            assert other in GROUND, f"the ground floor's {mine} imports {other}"
        elif mine in KNOWLEDGE:
            assert other in GROUND, f"{mine} imports its neighbour {other}"


WRITERS = {"atomic", "edits"}


def opens_for_writing(tree: ast.AST) -> list[int]:
    """Lines that open something for writing in a way that could hit an image or a device."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            mode = next(
                (k.value for k in node.keywords if k.arg == "mode"), node.args[1] if len(node.args) > 1 else None
            )
            if mode is not None and not (isinstance(mode, ast.Constant) and set(str(mode.value)) <= set("rbt")):
                found.append(node.lineno)
        of_os = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os"
        if of_os and node.attr in ("O_WRONLY", "O_RDWR", "pwrite", "ftruncate", "truncate"):
            found.append(node.lineno)
    return found


# Modules that write files of their own (never an image or device that exists already), each with its reason.
MAY_WRITE: dict[str, str] = {
    "mapfile/lock.py": "the lock file beside a map, which says who holds it",
    "demo/drive.py": "the log of the demonstration's drive, in the folder the demonstration made",
    "extract/part.py": "the .part file that it made itself and goes on with",
    "jobs/directory.py": "a job's own files: its lock, the log of what it prints, room kept for a full disk",
}


@pytest.mark.parametrize("path", modules("engine"), ids=lambda p: str(p.relative_to(ROOT)))
def test_only_few_rooms_open_for_writing(path):
    name = str(path.relative_to(ROOT / "engine"))
    if name.split("/")[0].removesuffix(".py") in WRITERS or name in MAY_WRITE:
        return
    lines = opens_for_writing(ast.parse(path.read_text()))
    assert not lines, f"{path}: lines {lines} open for writing; go through engine.atomic"


def run_fresh(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_engine_knows_no_terminal():
    names = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in modules("engine") if p.name != "__main__.py"]
    code = f"import importlib, sys\nfor n in {names!r}: importlib.import_module(n.removesuffix('.__init__'))\n"
    code += "print(sorted({m.split('.')[0] for m in sys.modules} & {'textual', 'rich', 'tui'}))"
    assert run_fresh(code).strip() == "[]"


@pytest.mark.parametrize("argv", [["--version"], ["map", "--help"], ["doctor", "--help"], ["devices", "--help"]])
def test_plain_commands_start_light(argv):
    code = f"import sys\nfrom tui.__main__ import main\nmain({argv!r})\n"
    code += "print('HEAVY', sorted({m.split('.')[0] for m in sys.modules} & {'textual', 'rich', 'numpy', 'construct'}))"
    assert "HEAVY []" in run_fresh(code)
