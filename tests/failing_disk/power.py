"""The power switch of a failing disk as a program, for whatever wants a power command.

Usage: python -m tests.failing_disk.power CONTROL {cycle,off,on,status,identity,reads,violations,lose}
(or by path, from any directory: python tests/failing_disk/power.py CONTROL cycle)

Exit status 0: done; 1: the disk's control socket does not answer; 2: wrong use; 3: --wait ran out of time.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

if not __package__:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from tests.failing_disk.control import Control, ControlError


def main(argv: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="power", description="Power switch and meters of a failing disk.")
    parser.add_argument("control", help="the control socket beside the mount")
    actions = parser.add_subparsers(dest="action", required=True)
    for name in ("cycle", "on"):
        action = actions.add_parser(name)
        action.add_argument("--wait", type=float, metavar="SECONDS", help="wait so long for the disk to be back")
        action.add_argument("--off-seconds", type=float, default=0.0, help="(cycle) time without power")
    for name in ("off", "status", "identity", "reads", "violations"):
        actions.add_parser(name)
    actions.add_parser("lose").add_argument("mode", choices=("offline", "gone", "removed", "hung"))
    args = parser.parse_args(argv)
    control = Control(args.control)
    try:
        return _run(control, args)
    except ControlError as error:
        print(f"power: {error}", file=sys.stderr)
        return 1


def _run(control: Control, args: argparse.Namespace) -> int:
    if args.action in ("cycle", "on", "off"):
        off = getattr(args, "off_seconds", 0.0)
        answer = control.call("power", timeout=30 + off, action=args.action, off_seconds=off)
        wait = getattr(args, "wait", None)
        if wait is not None:
            answer = control.call("wait", timeout=wait + 30, states=["alive"], timeout_seconds=wait)
            if not answer["reached"]:
                print(f"power: the disk did not come back within {wait:g} s", file=sys.stderr)
                return 3
        print(json.dumps({key: answer[key] for key in ("state", "node", "device", "cycles")}))
    elif args.action == "lose":
        control.call("lose", mode=args.mode)
    elif args.action == "identity":
        print(json.dumps(control.call("status")["identity"]))
    elif args.action == "reads":
        since = 0
        while reads := control.call("reads", since=since)["reads"]:
            since = reads[-1][0] + 1
            for read in reads:
                print(json.dumps(read))
    else:
        print(json.dumps(control.call(args.action)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
