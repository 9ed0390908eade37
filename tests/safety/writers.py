"""Every function of the program that saves something, found in its source text."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = "engine/atomic.py"
ATOMIC = frozenset(
    {"write_atomic", "write_json", "append_line", "AppendFile", "new_file", "write_all", "output_file", "rotate"}
)
_OS = frozenset(
    {
        "write", "pwrite", "writev", "pwritev", "replace", "rename", "link", "symlink", "unlink", "remove", "rmdir",
        "truncate", "ftruncate", "mkdir", "makedirs", "mkfifo", "mknod", "posix_fallocate", "copy_file_range",
        "sendfile", "removexattr", "setxattr", "chmod", "fchmod", "chown", "fchown", "utime",
    }
)  # fmt: skip
_METHODS = frozenset({"write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "unlink", "rmdir", "mkdir"})
_MODULES = frozenset({"shutil", "tempfile", "sqlite3"})
_LOOKING = frozenset({"which", "get_terminal_size", "disk_usage", "Error", "gettempdir", "Connection", "Row"})
_HANDLERS = frozenset({"RotatingFileHandler", "FileHandler"})


@dataclass(frozen=True, order=True)
class Writer:
    """A function (``module.py:qualified.name``) that makes one of the ``calls`` by itself."""

    place: str
    calls: tuple[str, ...]


def writers() -> list[Writer]:
    """All of them, in the engine and in the top storey. ``engine/atomic`` itself is what the others go through."""
    found: dict[str, set[str]] = {}
    for folder in ("engine", "tui"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if name != HOME:
                _walk(ast.parse(path.read_text()), f"{name}:", "", found)
    return sorted(Writer(place, tuple(sorted(calls))) for place, calls in found.items())


def _walk(node: ast.AST, module: str, inside: str, found: dict[str, set[str]]) -> None:
    for child in ast.iter_child_nodes(node):
        here = inside
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            # as ``co_qualname`` has it
            nested = inside and not inside.endswith("|")
            here = f"{inside}.<locals>.{child.name}" if nested else inside[:-1] + child.name
        elif isinstance(child, ast.ClassDef):
            here = f"{inside[:-1] if inside.endswith('|') else inside}{child.name}.|"
        elif isinstance(child, ast.Call):
            call = _writes(child)
            if call is not None:
                found.setdefault(module + (inside.rstrip("|") or "<module>"), set()).add(call)
        _walk(child, module, here, found)


def _writes(call: ast.Call) -> str | None:
    function = call.func
    if isinstance(function, ast.Name):
        if function.id in ATOMIC or function.id in _HANDLERS:
            return function.id
        return "open" if function.id == "open" and _opens_to_write(call, 1) else None
    if not isinstance(function, ast.Attribute):
        return None
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    if owner == "os":
        if function.attr == "open":
            text = ast.unparse(call)
            return "os.open" if any(flag in text for flag in ("O_WRONLY", "O_RDWR", "O_CREAT", "flags")) else None
        return f"os.{function.attr}" if function.attr in _OS else None
    if owner in _MODULES:
        return None if function.attr in _LOOKING else f"{owner}.{function.attr}"
    if function.attr in ATOMIC and owner == "atomic":
        return function.attr
    if function.attr == "open" and owner != "os" and _opens_to_write(call, 0):
        return "Path.open"
    if function.attr in ("rename", "replace") and len(call.args) == 1 and not call.keywords:
        return f"Path.{function.attr}"  # str.replace takes two
    return f"Path.{function.attr}" if function.attr in _METHODS else None


def _opens_to_write(call: ast.Call, place: int) -> bool:
    mode = next((k.value for k in call.keywords if k.arg == "mode"), None)
    if mode is None and len(call.args) > place:
        mode = call.args[place]
    return isinstance(mode, ast.Constant) and isinstance(mode.value, str) and bool(set(mode.value) & set("wax+"))
