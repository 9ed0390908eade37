"""Saving: old or new, never a part; generations; journals that survive a torn line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.atomic import append_line, new_file, write_atomic
from engine.errors import OutsideError
from tests.support import needs_tool

ROOT = Path(__file__).parents[2]


def test_replaces_and_keeps_generations(tmp_path):
    target = tmp_path / "a.map"
    for number in range(5):
        write_atomic(target, b"%d" % number, keep=3)
    assert target.read_bytes() == b"4"
    assert [(tmp_path / f"a.map.{n}").read_bytes() for n in (1, 2, 3)] == [b"3", b"2", b"1"]
    assert sorted(os.listdir(tmp_path)) == ["a.map", "a.map.1", "a.map.2", "a.map.3"]


def test_mode_of_new_and_old_files(tmp_path):
    target = tmp_path / "s.json"
    write_atomic(target, b"x")
    assert target.stat().st_mode & 0o777 == 0o600
    target.chmod(0o640)
    write_atomic(target, b"y")
    assert target.stat().st_mode & 0o777 == 0o640


def test_a_symlink_is_replaced_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"keep me")
    (tmp_path / "link").symlink_to("victim")
    write_atomic(tmp_path / "link", b"new")
    assert (tmp_path / "victim").read_bytes() == b"keep me"


_SAVE = """
import os, sys
from engine.atomic import write_atomic
write_atomic(sys.argv[1] + "/f", b"new" * 5000, keep=2)
print("acknowledged")
"""


@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC", "error=EIO"])
def test_every_system_call_of_a_save_may_fail(tmp_path, fault):
    """Kill or fail the n-th call of each kind: afterwards the file is old or new, and new if it was acknowledged."""
    needs_tool("strace")
    checked = 0
    for call in ("write", "fsync", "rename", "linkat", "link", "fchmod"):
        for number in range(1, 4):
            case = tmp_path / f"{call}{number}"
            case.mkdir()
            (case / "f").write_bytes(b"old")
            done = subprocess.run(
                ["strace", "-o", "/dev/null", "-P", str(case / "f"), "-P", str(case), "-e", f"trace={call}",
                 "-e", f"inject={call}:{fault}:when={number}", sys.executable, "-c", _SAVE, str(case)],
                cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
            found = (case / "f").read_bytes()
            assert found in (b"old", b"new" * 5000)
            if "acknowledged" in done.stdout:
                assert found == b"new" * 5000
            checked += 1
    assert checked == 18


def test_disk_full_keeps_the_old_file(tmp_path):
    """A file size limit makes the write short and then fail, as a full disk does."""
    (tmp_path / "f").write_bytes(b"old")
    script = (
        "import resource, signal, sys\n"
        "from engine.atomic import write_atomic\n"
        "from engine.errors import OutsideError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try:\n    write_atomic(sys.argv[1], b'n' * 5000)\n"
        "except OutsideError as error:\n    print('refused', error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "f")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("refused")
    assert (tmp_path / "f").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["f"]


def test_a_torn_journal_line_is_closed_off(tmp_path):
    journal = tmp_path / "j"
    append_line(journal, b'{"n":1}')
    with open(journal, "ab") as stream:
        stream.write(b'{"n":')
    append_line(journal, b'{"n":3}')
    assert journal.read_bytes() == b'{"n":1}\n{"n":\n{"n":3}\n'


def test_new_file_refuses_an_existing_one(tmp_path):
    os.close(new_file(tmp_path / "o"))
    with pytest.raises(OutsideError) as caught:
        new_file(tmp_path / "o")
    assert caught.value.code == "exists"
    os.close(new_file(tmp_path / "o", force=True))
