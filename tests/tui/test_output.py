"""Progress of plain commands: on a terminal its figures stay whole, whatever the message."""

from __future__ import annotations

import io
import os

import pytest

from tui.commands.output import StderrReporter

LONG = "Copying non-tried blocks... Pass 1 (forwards)"


class Screen(io.StringIO):
    """A standard error that is a terminal."""

    def isatty(self) -> bool:
        return True


def shown(monkeypatch: pytest.MonkeyPatch, width: int, message: str, done: int = 3 << 20) -> str:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((width, 24)))
    StderrReporter("a job", quiet=False).update(done, 64 << 20, "B", message)
    return screen.getvalue().removeprefix("\r\x1b[K")


@pytest.mark.parametrize("width", [20, 40, 50, 80, 200])
def test_the_figures_stay_whole(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    line = shown(monkeypatch, width, LONG)
    assert line.endswith("3.0 MiB  4.7 %")
    assert len(line) < width
    assert (LONG in line) == (width >= 80)


def test_almost_all_is_not_all(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(monkeypatch, 80, "", (64 << 20) - 512).endswith("> 99.9 %")
