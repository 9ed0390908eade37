"""``rescuedeck doctor``: which programs and permissions are there, and what each lack costs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import textwrap
from typing import Any

from engine import __version__
from engine.text import safe_text
from tui.commands.output import Output, common


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    common(parser, example="rescuedeck doctor --json")


def run(_args: argparse.Namespace, out: Output) -> int:
    """Print what was found. Returns 1 when something that imaging cannot do without is missing."""
    from engine.host.installation import find_installation, how_to_get
    from engine.host.packages import look_at_packages
    from engine.host.permissions import all_permissions
    from engine.host.toolbox import TOOLS, look_for

    installed = find_installation()
    states = [look_for(tool) for tool in TOOLS if installed.kind == "checkout" or not tool.for_tests]
    loaded = look_at_packages()
    problem = _ddrescue_problem()
    permissions = all_permissions()
    can_image = problem is None and all(state.found for state in states if state.tool.required)
    ok = can_image and all(state.version is not None for state in loaded if state.package.required)
    tools = [
        {
            "name": state.tool.name,
            "found": state.found,
            "version": state.version,
            "needed_for": state.tool.needed_for,
            "path": state.path,
            "package": state.tool.package,
            "advice": "" if state.path else how_to_get(state.tool.package),
            "required": state.tool.required,
            "without": state.tool.without,
            "problem": problem if state.tool.name == "ddrescue" and state.path else state.problem,
        }
        for state in states
    ]
    packages = [
        {
            "name": state.package.name,
            "version": state.version,
            "required": state.package.required,
            "without": state.package.without,
            "problem": state.problem,
            "advice": "" if state.version else installed.add_package.format(state.package.name),
        }
        for state in loaded
    ]
    about = {
        "version": __version__,
        "kind": installed.kind,
        "title": installed.title,
        "place": str(installed.place),
        "command": installed.command,
        "update": installed.update,
        "python": sys.executable,
    }
    allowed = [{"what": item.what, "ok": item.ok, "advice": item.advice} for item in permissions]
    facts = _terminal()
    out.document(
        {
            "installation": about,
            "packages": packages,
            "tools": tools,
            "permissions": allowed,
            "terminal": facts,
            "ok": ok,
        }
    )
    out.lines(
        [*_installation(about, packages), *_programs(tools, installed.kind), *_report(allowed, facts, ok, can_image)]
    )
    return 0 if ok else 1


def _ddrescue_problem() -> str | None:
    """Why the ddrescue that is here cannot be driven; None when it can, or when there is none."""
    from engine.errors import RescueError
    from engine.rescue.capabilities import OLDEST, probe
    from engine.tools import find_tool

    if find_tool("ddrescue") is None:
        return None
    try:
        version = probe().version
    except RescueError as error:
        return error.message
    if version < OLDEST:
        return f"too old: {'.'.join(map(str, OLDEST))} or later is needed"
    return None


def _terminal() -> dict[str, Any]:
    from tui.terminal import detect, refusal

    terminal = detect(os.environ, encoding=getattr(sys.stdout, "encoding", None))
    return {
        "term": terminal.term,
        "colours": terminal.colours,
        "utf8": terminal.utf8,
        "ssh": terminal.ssh,
        "width": terminal.width,
        "height": terminal.height,
        "deck": refusal(terminal, interactive=True) or "",
        "locale": os.environ.get("LC_ALL") or os.environ.get("LC_CTYPE") or os.environ.get("LANG") or "C",
        "python": platform.python_version(),
        "kernel": platform.release(),
    }


def _installation(about: dict[str, Any], packages: list[dict[str, Any]]) -> list[str]:
    """For people, in 80 columns: what this is, how it is updated, and its Python packages."""
    lines = [f"rescuedeck {about['version']}"]
    lines += _fact("what", f"{about['title']} in {about['place']}")
    lines += _fact(
        "start", about["command"] if os.geteuid() == 0 else f"{about['command']} (as root: with sudo before it)"
    )
    lines += _fact("update", about["update"])
    lines += ["", f"Python packages (Python {platform.python_version()})"]
    there = [f"{package['name']} {package['version']}" for package in packages if package["version"]]
    if there:
        lines += _long(f"  ok       {', '.join(there)}")
    for package in packages:
        if package["version"]:
            continue
        mark = "MISSING" if package["required"] else "missing"
        lines += _long(f"  {mark:<8} {package['name']}: without it: {package['without']}")
        lines += _under(package["problem"] and f"does not load: {package['problem']}")
        lines += _under(package["advice"])
    return [*lines, ""]


def _programs(tools: list[dict[str, Any]], kind: str) -> list[str]:
    """What is there in one line each, what is missing with its cost and the way to it."""
    lines = ["Programs"]
    for tool in tools:
        if tool["found"] and not tool["problem"]:
            lines += _row("ok", tool["name"], safe_text(tool["version"] or ""), tool["needed_for"])
            continue
        lines += _row("MISSING" if tool["required"] else "missing", tool["name"], "", tool["needed_for"])
        lines += _under(tool["problem"] or f"without it: {tool['without']}")
        lines += _under(tool["advice"])
    if kind == "archive" and any(tool["advice"].startswith("apt ") for tool in tools):
        lines += _long(
            "  Without a network: 'apt download PACKAGE' on a connected machine of the same release, here 'dpkg -i'."
        )
    return [*lines, ""]


def _report(allowed: list[dict[str, Any]], facts: dict[str, Any], ok: bool, can_image: bool) -> list[str]:
    """What is allowed, what the terminal can do, and the sum of it all."""
    lines = ["Permissions"]
    for item in allowed:
        lines.append(f"  {'ok' if item['ok'] else 'no':<8} {item['what']}")
        lines += _under(item["advice"])
    size = f"{facts['width']}x{facts['height']}"
    words = [f"TERM={safe_text(facts['term']) or '(not set)'}", f"colours {facts['colours']}", size]
    words += ["UTF-8" if facts["utf8"] else "ASCII only", *(["over SSH"] if facts["ssh"] else [])]
    lines += ["", "Terminal", f"  {', '.join(words)}, locale {safe_text(facts['locale'])}"]
    lines += _under(facts["deck"])
    lines += [f"  Python {facts['python']}, Linux {safe_text(facts['kernel'])}", ""]
    if not ok and can_image:
        lines.append("Not all of rescuedeck works here; see MISSING above.")
    elif not ok:
        lines.append("Drives cannot be imaged here; see MISSING above.")
    elif any(item["what"] == "read drives" and not item["ok"] for item in allowed):
        lines.append("Image files can be imaged here; for drives see 'read drives' above.")
    else:
        lines.append("Drives can be imaged here.")
    return lines


def _row(mark: str, name: str, version: str, purpose: str) -> list[str]:
    return textwrap.wrap(f"  {mark:<8} {name:<12} {version:<9} {purpose}", 79, subsequent_indent=" " * 34)


def _fact(name: str, text: str) -> list[str]:
    return _long(f"  {name:<8} {safe_text(text)}")


def _long(text: str) -> list[str]:
    return textwrap.wrap(text, 79, subsequent_indent=" " * 11, break_on_hyphens=False)


def _under(text: str | None) -> list[str]:
    return (
        textwrap.wrap(text, 79, initial_indent=" " * 11, subsequent_indent=" " * 11, break_on_hyphens=False)
        if text
        else []
    )
