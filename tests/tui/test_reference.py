"""Completion, manual page and reference are made from the program: they hold every command, option and key."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tui import reference
from tui.commands import GROUPS
from tui.commands import run as rescuedeck

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference.md"


def test_every_group_has_commands_with_help() -> None:
    known = list(reference.commands())
    assert {command.words[0] for command in known} == set(GROUPS)
    assert not [command.words for command in known if not command.help]
    assert not [(command.words, option.names) for command in known for option in command.options if not option.help]


def test_the_document_is_as_the_program() -> None:
    assert DOCUMENT.read_text() == reference.markdown(), "run: rescuedeck completion reference > docs/reference.md"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "man", "reference"])
def test_it_is_printed(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert rescuedeck(["completion", shell]) == 0
    assert "rescue" in capsys.readouterr().out


def _complete(*words: str) -> set[str]:
    script = (
        reference.bash()
        + "COMP_WORDS=({}); COMP_CWORD={}; _rescuedeck; printf '%s\\n' \"${{COMPREPLY[@]}}\"".format(
            " ".join(f"'{word}'" for word in words), len(words) - 1
        )
    )
    done = subprocess.run([shutil.which("bash") or "bash", "-c", script], capture_output=True, text=True, check=True)
    assert not done.stderr
    return set(done.stdout.split())


def test_bash_completes_groups_verbs_and_options() -> None:
    assert "partitions" not in _complete("rescuedeck", "pa")
    assert "parts" in _complete("rescuedeck", "pa")
    assert {"info", "list", "check"} <= _complete("rescuedeck", "map", "")
    assert "--map" in _complete("rescuedeck", "carve", "disk.img", "--m")
    assert "--deep" in _complete("rescuedeck", "parts", "search", "x", "--d")
