"""Help texts of ddrescue: 1.27 as captured, later ones with the changes that their news and change logs describe."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).parent / "data"


def captured_127() -> tuple[str, str]:
    return (DATA / "ddrescue-1.27-help.txt").read_text(), (DATA / "ddrescue-1.27-version.txt").read_text()


def described_128() -> tuple[str, str]:
    """1.28 renamed the long name of ``-J`` (known) and that of ``-I`` (taken here as one we have never heard of)."""
    text, version = captured_127()
    text = text.replace("-J, --verify-on-error          ", "-J, --check-on-error           ")
    text = text.replace("-I, --verify-input-size        ", "-I, --some-new-name            ")
    return text, version.replace("1.27", "1.28")


def described_129() -> tuple[str, str]:
    """1.29: new option --continue-on-errno."""
    text, version = described_128()
    before = "      --cpass="
    text = text.replace(before, "      --continue-on-errno=<n>    continue on errno\n" + before)
    return text, version.replace("1.28", "1.29")


def described_130() -> tuple[str, str]:
    """1.30: ``-N`` means --no-sweep; --no-trim has no letter any more."""
    text, version = described_129()
    old = "  -N, --no-trim                  skip the trimming phase\n"
    assert old in text
    text = text.replace(old, "  -N, --no-sweep                 skip the sweeping phase\n")
    before = "      --pause-on-error="
    text = text.replace(before, "      --no-trim                  skip the trimming phase\n" + before)
    return text, version.replace("1.29", "1.30-rc1")
