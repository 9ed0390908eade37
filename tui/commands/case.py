"""``rescuedeck case``: make a case directory, show one, read its history."""

from __future__ import annotations

import argparse

from engine.text import format_exact, parse_size, safe_text
from tui.commands.output import Output, common


def configure(parser: argparse.ArgumentParser) -> None:
    """Add ``create``, ``show`` and ``history``."""
    leaves = parser.add_subparsers(dest="verb", required=True, metavar="create|show|history")
    create = leaves.add_parser("create", help="make a case directory")
    common(create, example="rescuedeck case create smith-ssd")
    create.add_argument("directory", help="a folder that does not exist yet, or an empty one")
    create.add_argument("--source", help="the failing device, or an image to work on")
    create.add_argument("--image", help="where the image is or shall be (default: in the case)")
    create.add_argument("--map", help="where the rescue map is or shall be (default: in the case)")
    create.add_argument("--title", default="", help="a name for people")
    create.add_argument("--size", help="size of the source where it cannot be opened now")
    show = common(leaves.add_parser("show", help="what a case holds"), example="rescuedeck case show smith-ssd")
    show.add_argument("directory")
    history = common(leaves.add_parser("history", help="what was done, with times"))
    history.add_argument("directory")
    history.add_argument("--last", type=int, metavar="N", help="only the last N actions")


def run(args: argparse.Namespace, out: Output) -> int:
    """Dispatch to the verb."""
    return {"create": _create, "show": _show, "history": _history}[args.verb](args, out)


def _create(args: argparse.Namespace, out: Output) -> int:
    from engine.cases import create_case, record
    from engine.cases.describe import describe_case, source_facts

    facts = source_facts(args.source) if args.source else None
    if args.size:
        size: int | None = parse_size(args.size)
    else:
        size = facts.size if facts else None
    case = create_case(
        args.directory,
        title=args.title,
        image=args.image,
        map=args.map,
        source_path=facts.path if facts else None,
        source_size=size,
        sector_size=facts.sector_size if facts else 512,
        identity=facts.identity if facts else None,
    )
    record(case, "case-created", source=case.source_path)
    out.document(describe_case(case))
    out.line(f"case {safe_text(str(case.directory))} is made")
    out.line(f"open it: rescuedeck open {safe_text(str(args.directory))}")
    return 0


def _show(args: argparse.Namespace, out: Output) -> int:
    from engine.cases import load_case
    from engine.cases.describe import describe_case
    from engine.cases.next_steps import next_steps
    from engine.cases.state import state_of
    from tui.next_words import step_line

    case = load_case(args.directory)
    value = describe_case(case)
    steps = next_steps(state_of(case.directory))
    value["next"] = [
        {"step": one.id, "reason": one.reason, "volume": one.volume, "name": one.name or None} for one in steps
    ]
    out.document(value)
    out.line(f"case     {safe_text(case.title)} ({safe_text(str(case.directory))}), begun {safe_text(case.created)}")
    size = format_exact(case.source_size) if case.source_size is not None else "size unknown"
    out.line(f"source   {safe_text(case.source_path or 'not chosen yet')}, {size}")
    identity = ", ".join(f"{key} {item}" for key, item in case.identity.items() if isinstance(item, str) and item)
    if identity:
        out.line(f"identity {safe_text(identity)}")
    for name in ("image", "map"):
        entry = value[name]
        state = format_exact(entry["size"]) if entry["exists"] else "not there yet"
        out.line(f"{name:<8} {safe_text(entry['path'])}, {state}")
    if value["bytes"] is not None:
        counts = ", ".join(f"{key.replace('_', ' ')} {format_exact(n)}" for key, n in value["bytes"].items() if n)
        out.line(f"rescued  {counts}")
    out.line(f"kept     {value['generations']} map generations, {value['jobs']} jobs, {value['actions']} actions")
    for number, step in enumerate(steps):
        out.line(f"{'' if number else 'next':<8} {step_line(step)}")
    return 0


def _history(args: argparse.Namespace, out: Output) -> int:
    from engine.cases import load_case, read_history

    actions = read_history(load_case(args.directory), args.last)
    out.document({"actions": [{"time": a.time, "action": a.action, **a.facts} for a in actions]})
    for action in actions:
        facts = ", ".join(f"{key} {value}" for key, value in action.facts.items() if value not in (None, ""))
        out.line(safe_text(f"{action.time}  {action.action:<20} {facts}".rstrip()))
    return 0
