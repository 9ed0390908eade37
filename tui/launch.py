"""From the command line into the deck and out again: checks first, the crash file after."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

from tui.terminal import detect, refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tui.options import Options


def check() -> str | None:
    """Why the deck cannot open on this terminal, or None."""
    stream = sys.__stderr__
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and stream is not None and stream.isatty()
    return refusal(detect(os.environ, encoding=getattr(stream, "encoding", None)), interactive=interactive)


def launch(options: Options) -> int:
    """Run the deck; returns the exit code. Call ``check`` first."""
    if options.link == "slow":
        options = replace(options, mouse=False)
        os.environ["TEXTUAL_FPS"] = "10"
    from tui import crash
    from tui.app import DeckApp

    terminal = detect(os.environ, encoding=getattr(sys.__stderr__, "encoding", None))
    crash.start_log(terminal)
    app: DeckApp | None = None
    try:
        app = DeckApp(terminal, options)
        app.run(mouse=options.mouse)
        error = app.crash
    except Exception as raised:  # noqa: BLE001 - the last resort: everything unforeseen becomes a crash file
        error = raised
    if error is not None or app is None:
        return crash.report(error or RuntimeError("the deck did not start"), terminal)
    live = sum(job.live for job in app.jobs)
    if live and not app.return_code:  # after a lost line nobody reads it
        went_on = "1 job goes on" if live == 1 else f"{live} jobs go on"
        sys.stderr.write(f"rescuedeck: {went_on}; start rescuedeck again to see it\n")
    return app.return_code or 0
