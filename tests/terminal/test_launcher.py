"""The launcher ./rescuedeck: its environment, its packages and its refusals, with stand-ins for Python, pip and apt.

The stand-ins live in the only folder of PATH, so nothing here reaches a network or this machine's packages. The
environments are real ones (venv without pip); the stand-in for pip "installs" small modules into them.
"""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import needs_root

CHECKOUT = Path(__file__).resolve().parents[2]
MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"
TOOLS = (
    "cat", "chmod", "cp", "env", "flock", "grep", "id", "ln", "mkdir", "mktemp", "nproc", "readlink", "rm", "sed",
    "sh", "sha256sum", "sleep", "sync", "tail", "tr",
)  # fmt: skip

PYTHON = """#!/bin/sh
echo "python $1 $2" >>"$LOG"
case "$*" in
*ensurepip*) echo "$PROBED $0"; exit "$PROBE_STATUS" ;;
"-m venv "*)
    "$REAL_PYTHON" -I -m venv --without-pip "$3" || exit
    cp -r "$STAND_INS/pip" "$3/lib/python$PROBED/site-packages/"
    ;;
*) exec "$REAL_PYTHON" "$@" ;;
esac
"""

PIP = r'''
import os, pathlib, sys, time
stand_ins, site = pathlib.Path(os.environ["STAND_INS"]), pathlib.Path(__file__).parent.parent
with open(os.environ["LOG"], "a") as log:
    print("pip", *sys.argv[1:], file=log)
mood = os.environ.get("PIP_MOOD", "")
if mood == "no network":
    sys.exit("WARNING: Retrying after connection broken by 'NewConnectionError(': Failed to establish a new "
             "connection: [Errno -3] Temporary failure in name resolution')'\n"
             "ERROR: Could not find a version that satisfies the requirement numpy (from versions: none)")
if mood == "wrong hash":
    sys.exit("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.")
(site / "numpy.py").write_text("half = True")
if mood == "hang":
    (stand_ins / "started").touch()
    time.sleep(60)
time.sleep(float(os.environ.get("PIP_TAKES", "0")))
(site / "psutil.py").touch()
(site / "textual.py").touch()
(site / "numpy.py").write_text("half = False")
(site / "pytest.py").write_text(
    "import json, os, sys\n"
    "print(json.dumps({'argv': sys.argv[1:], 'cwd': os.getcwd()}))\n"
)
'''

APT = """#!/bin/sh
echo "apt-get $*" >>"$LOG"
for package; do last=$package; done
case "$*" in
*install*) [ -z "${APT_FAILS:-}" ] || { echo "E: Unable to fetch some archives" >&2; exit 100; } ;;
*) exit 0 ;;
esac
for package; do
    case $package in
    deb-*) printf '#!/bin/sh\\n' >"$BIN/tool-${package#deb-}"; chmod +x "$BIN/tool-${package#deb-}" ;;
    esac
done
"""

TUI = """
import json, os, sys
import numpy
print(json.dumps({
    "argv": sys.argv[1:], "cwd": os.getcwd(), "prefix": sys.prefix, "file": __file__, "half": numpy.half,
    "bytecode": sys.pycache_prefix,
}))
sys.exit(7 if "seven" in sys.argv else 0)
"""

PACKAGES = """# tier  command  package  why
run  tool-imager  deb-imager  images drives; without it no rescue can run
test tool-screen  deb-screen  drives a terminal; those tests are skipped
full tool-office  deb-office  opens documents; those tests are skipped
"""


class Stage:
    """A checkout of its own, and a PATH in which only stand-ins and harmless tools are found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkout = folder / "check out"
        self.bin = folder / "bin"
        self.stand_ins = folder / "stand-ins"
        self.log = folder / "log"
        self.log.touch()
        for made in (self.checkout / "tui", self.checkout / "requirements", self.bin, self.stand_ins / "pip"):
            made.mkdir(parents=True)
        shutil.copy(CHECKOUT / "rescuedeck", self.checkout)
        (self.checkout / "tui" / "__main__.py").write_text(TUI)
        for tier in ("runtime", "test", "dev"):
            (self.checkout / "requirements" / f"{tier}.txt").write_text(f"# {tier}\n")
        (self.checkout / "requirements" / "debian.txt").write_text(PACKAGES)
        (self.stand_ins / "pip" / "__main__.py").write_text(PIP)
        for name in TOOLS:
            where = shutil.which(name)
            assert where is not None, name
            (self.bin / name).symlink_to(where)
        self.put("python3", PYTHON)
        self.put("apt-cache", '#!/bin/sh\necho "  Candidate: ${CANDIDATE:-3.11.2}"\n')
        self.put("apt-get", APT)
        self.settle("imager", "screen")
        self.env = {
            "PATH": str(self.bin),
            "HOME": str(folder / "home"),
            "LOG": str(self.log),
            "BIN": str(self.bin),
            "STAND_INS": str(self.stand_ins),
            "REAL_PYTHON": os.path.realpath(sys.executable),
            "PROBED": MINOR,
            "PROBE_STATUS": "0",
        }
        (folder / "home").mkdir()

    def put(self, name: str, text: str) -> None:
        """A stand-in in the PATH."""
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(text)
        (self.bin / name).chmod(0o755)

    def settle(self, *tools: str) -> None:
        """Tools that Debian's packages would have brought."""
        for tool in tools:
            self.put(f"tool-{tool}", "#!/bin/sh\n")

    def be(self, uid: int) -> None:
        """What the launcher takes itself for."""
        self.put("id", f"#!/bin/sh\necho {uid}\n")

    def run(self, *args: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
        """One start, without a terminal."""
        return subprocess.run(
            [self.checkout / "rescuedeck", *args], env=self.env | env, cwd=cwd or self.folder,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def start(self, *args: str, **env: str) -> subprocess.Popen[str]:
        """One start in the background, in a process group of its own."""
        return subprocess.Popen(
            [self.checkout / "rescuedeck", *args], env=self.env | env, cwd=self.folder, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def calls(self, program: str) -> list[str]:
        """How a stand-in was called so far."""
        return [line for line in self.log.read_text().splitlines() if line.startswith(program + " ")]

    def environments(self) -> list[Path]:
        """What was built beside the launcher."""
        return sorted(self.checkout.glob(".venv-*-py*"))


def said(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What the program at the end of the launcher printed: alone on standard output."""
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def wait_for(condition: Callable[[], bool]) -> None:
    """Until something has happened; the test's own time limit ends it if it never does."""
    while not condition():
        time.sleep(0.02)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    made.be(1000)
    return made


def test_first_start_builds_and_later_starts_only_start(stage: Stage) -> None:
    first = stage.run("map", "info", "a b")
    answer = said(first)
    assert answer["argv"] == ["map", "info", "a b"]
    (environment,) = stage.environments()
    assert answer["prefix"] == str(environment)
    assert (stage.checkout / ".venv").resolve() == environment
    assert "--require-hashes" in stage.calls("pip")[0] and "runtime.txt" in stage.calls("pip")[0]
    stage.log.write_text("")
    later = stage.run("devices", PIP_MOOD="no network")
    assert said(later)["argv"] == ["devices"]
    assert later.stderr == ""
    assert stage.log.read_text() == ""


def test_exit_code_and_arguments_pass_through(stage: Stage) -> None:
    stage.run()
    assert stage.run("seven").returncode == 7
    assert said(stage.run("--option=*", ""))["argv"] == ["--option=*", ""]


def test_through_a_link_from_a_folder_with_traps(stage: Stage) -> None:
    elsewhere = stage.folder / "elsewhere"
    for trap in ("tui", "numpy", "json", "pip", "venv"):
        (elsewhere / trap).mkdir(parents=True)
        (elsewhere / trap / "__init__.py").write_text("raise SystemExit('trap')")
    (elsewhere / "deck").symlink_to(stage.checkout / "rescuedeck")
    for _ in range(2):
        done = subprocess.run(
            ["./deck"], cwd=elsewhere, env=stage.env | {"PYTHONPATH": str(elsewhere)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert said(done)["cwd"] == str(elsewhere)
        assert said(done)["file"] == str(stage.checkout / "tui" / "__main__.py")


def test_checkout_may_move(stage: Stage) -> None:
    stage.run()
    stage.log.write_text("")
    moved = stage.folder / "moved"
    stage.checkout.rename(moved)
    stage.checkout = moved
    assert said(stage.run())["file"] == str(moved / "tui" / "__main__.py")
    assert stage.log.read_text() == ""


def test_half_made_environment_is_built_anew(stage: Stage) -> None:
    half = stage.start(PIP_MOOD="hang")
    wait_for((stage.stand_ins / "started").exists)
    os.killpg(half.pid, signal.SIGKILL)
    half.communicate()
    assert said(stage.run())["half"] is False
    assert len(stage.calls("pip")) == 2


def test_environment_whose_python_is_gone_is_built_anew(stage: Stage) -> None:
    stage.run()
    (environment,) = stage.environments()
    for name in (environment / "bin").glob("python*"):
        name.unlink()
        name.symlink_to("/nonexistent/python")
    assert said(stage.run())["half"] is False


def test_interrupted_set_up_says_so_and_goes_on_later(stage: Stage) -> None:
    half = stage.start(PIP_MOOD="hang")
    wait_for((stage.stand_ins / "started").exists)
    os.killpg(half.pid, signal.SIGINT)
    _, errors = half.communicate()
    assert half.returncode == 130
    assert "interrupted" in errors
    assert said(stage.run())["half"] is False


def test_starts_at_the_same_time_set_up_once(stage: Stage) -> None:
    starts = [stage.start(PIP_TAKES="0.3") for _ in range(3)]
    for start in starts:
        output, errors = start.communicate()
        assert start.returncode == 0, errors
        assert json.loads(output)["half"] is False
    assert len(stage.calls("pip")) == 1


@pytest.mark.parametrize(
    ("mood", "words"), [("no network", "no network"), ("wrong hash", "not the one that the lock names")]
)
def test_failed_set_up_is_one_line_and_not_for_ever(stage: Stage, mood: str, words: str) -> None:
    done = stage.run(PIP_MOOD=mood)
    assert (done.returncode, done.stdout) == (3, "")
    assert words in done.stderr.splitlines()[-1]
    assert said(stage.run())["half"] is False


def test_no_python(stage: Stage) -> None:
    (stage.bin / "python3").unlink()
    done = stage.run(RESCUEDECK_APT="no", CANDIDATE="3.9.2")
    assert done.returncode == 3
    assert done.stderr.splitlines()[-1].startswith("rescuedeck: no Python 3.11 or later")


def test_old_python_is_passed_by_for_a_newer_one(stage: Stage) -> None:
    stage.put("python3", "#!/bin/sh\nexit 1\n")
    done = stage.run(RESCUEDECK_APT="no", CANDIDATE="3.9.2")
    assert done.returncode == 3
    stage.put("python3.13", PYTHON)
    assert said(stage.run())["half"] is False


def test_python_that_makes_no_environments(stage: Stage) -> None:
    done = stage.run(PROBE_STATUS="2", RESCUEDECK_APT="no")
    assert done.returncode == 3
    assert f"Python {MINOR} cannot make environments" in done.stderr.splitlines()[-1]
    assert "-venv" in done.stderr.splitlines()[-1]


def test_chosen_python(stage: Stage) -> None:
    stage.put("other one", PYTHON)
    said(stage.run(RESCUEDECK_PYTHON=str(stage.bin / "other one")))
    done = stage.run(RESCUEDECK_PYTHON="/nonexistent/python")
    assert done.returncode == 3
    assert "RESCUEDECK_PYTHON" in done.stderr


def test_new_lock_builds_beside_and_spares_what_still_runs(stage: Stage) -> None:
    first = said(stage.run())["prefix"]
    running = subprocess.Popen([Path(first, "bin", "python"), "-c", "input()"], stdin=subprocess.PIPE)
    requirements = stage.checkout / "requirements" / "runtime.txt"
    requirements.write_text("# second\n")
    second = said(stage.run())["prefix"]
    assert second != first
    assert Path(first).is_dir()
    running.communicate(b"\n")
    requirements.write_text("# third\n")
    third = said(stage.run())["prefix"]
    assert stage.environments() == [Path(third)]


def test_environment_made_by_hand_is_left_alone(stage: Stage) -> None:
    own = stage.checkout / ".venv" / "bin"
    own.mkdir(parents=True)
    (own / "python").write_text("#!/bin/sh\nexit 99\n")
    (own / "python").chmod(0o755)
    assert said(stage.run())["prefix"] == str(stage.environments()[0])
    assert not (stage.checkout / ".venv").is_symlink()
    assert (own / "python").read_text() == "#!/bin/sh\nexit 99\n"


def test_root_installs_what_is_missing_and_says_why(stage: Stage) -> None:
    stage.be(0)
    (stage.bin / "tool-imager").unlink()
    done = stage.run()
    said(done)
    assert "missing deb-imager: images drives; without it no rescue can run" in done.stderr
    assert [call.split()[-1] for call in stage.calls("apt-get")] == ["deb-imager"]


def test_apt_that_fails_is_asked_once(stage: Stage) -> None:
    stage.be(0)
    (stage.bin / "tool-imager").unlink()
    (stage.bin / "tool-screen").unlink()
    done = stage.run("test", APT_FAILS="yes")
    said(done)
    assert "apt-get failed: E: Unable to fetch" in done.stderr
    assert "going on with what is there; the rest comes with: apt-get install deb-imager deb-screen" in done.stderr
    stage.log.write_text("")
    again = stage.run("test", APT_FAILS="yes")
    said(again)
    assert stage.calls("apt-get") == []
    assert "missing deb-screen" in again.stderr


def test_without_terminal_nobody_is_asked_for_a_password(stage: Stage) -> None:
    stage.put("sudo", '#!/bin/sh\necho "sudo $*" >>"$LOG"\n')
    (stage.bin / "tool-imager").unlink()
    done = stage.run()
    said(done)
    assert stage.calls("sudo") == [] and stage.calls("apt-get") == []
    assert "apt-get install deb-imager" in done.stderr


@pytest.mark.parametrize(("answer", "installed"), [(b"\n", True), (b"n\n", False)])
def test_on_a_terminal_sudo_is_called_after_a_question(stage: Stage, answer: bytes, installed: bool) -> None:
    stage.put("sudo", '#!/bin/sh\necho "sudo $*" >>"$LOG"\nexec "$@"\n')
    (stage.bin / "tool-imager").unlink()
    controller, terminal = pty.openpty()
    start = subprocess.Popen(
        [stage.checkout / "rescuedeck"], env=stage.env, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal
    )
    os.close(terminal)
    shown = b""
    while b"[Y/n]" not in shown:
        shown += os.read(controller, 4096)
    assert b"images drives" in shown
    assert stage.calls("sudo") == []
    os.write(controller, answer)
    while start.poll() is None:
        try:
            shown += os.read(controller, 4096)
        except OSError:  # the last holder of the terminal has gone
            break
    output, _ = start.communicate()
    os.close(controller)
    assert json.loads(output)["half"] is False
    assert bool(stage.calls("sudo")) is installed
    assert (stage.bin / "tool-imager").exists() is installed


def test_uv_is_used_when_it_is_there_and_pip_when_it_fails(stage: Stage) -> None:
    stage.put("uv", '#!/bin/sh\necho "uv $*" >>"$LOG"\nexit 1\n')
    assert said(stage.run())["half"] is False
    assert stage.calls("uv")[0].startswith("uv venv --python")
    assert len(stage.calls("pip")) == 1


def test_tests_get_their_options_and_paths(stage: Stage) -> None:
    answer = said(stage.run("test", "-k", "map"))
    assert answer["cwd"] == str(stage.checkout)
    assert answer["argv"][-4:] == ["-m", "not full", "-k", "map"]
    assert "test.txt" in stage.calls("pip")[-1]
    (stage.checkout / "tests").mkdir()
    (stage.checkout / "tests" / "test_a.py").touch()
    answer = said(stage.run("test", "test_a.py::test_b", cwd=stage.checkout / "tests"))
    assert answer["argv"][-1] == str(stage.checkout / "tests" / "test_a.py::test_b")


def test_adding_the_tests_keeps_the_environment(stage: Stage) -> None:
    first = said(stage.run())["prefix"]
    said(stage.run("test"))
    assert [str(path) for path in stage.environments()] == [first]
    stage.log.write_text("")
    said(stage.run("test"))
    said(stage.run())
    assert stage.log.read_text() == ""


def test_python_of_the_environment(stage: Stage) -> None:
    done = stage.run("python", "-c", "import sys; print(sys.prefix, sys.argv[1:])", "a b")
    assert done.stdout == f"{stage.environments()[0]} ['a b']\n"
    assert "dev.txt" in stage.calls("pip")[0]


@pytest.mark.parametrize(("mark", "installed"), [("slow", []), ("full", ["deb-office"])])
def test_heavy_packages_come_only_when_tests_need_them(stage: Stage, mark: str, installed: list[str]) -> None:
    stage.be(0)
    (stage.checkout / "tests").mkdir()
    (stage.checkout / "tests" / "test_a.py").write_text("@pytest.mark." + mark)
    answer = said(stage.run("test", "--full", "-x"))
    assert answer["argv"][-3:] == ["-m", "", "-x"]
    assert [call.split()[-1] for call in stage.calls("apt-get")] == installed


def test_root_leaves_nothing_in_somebody_elses_checkout(stage: Stage) -> None:
    needs_root()
    (stage.bin / "id").unlink()
    (stage.bin / "id").symlink_to(shutil.which("id") or "/usr/bin/id")
    for path in (stage.folder / "home", *stage.folder.rglob("*"), stage.folder):
        os.chown(path, 12345, 12345, follow_symlinks=False)
    data = stage.folder / "root's data"
    data.mkdir()
    answer = said(stage.run(HOME=str(data)))
    assert answer["prefix"].startswith(str(data / ".local" / "share" / "rescuedeck"))
    assert answer["bytecode"].startswith(str(data / ".cache"))
    assert answer["file"] == str(stage.checkout / "tui" / "__main__.py")
    assert [path for path in stage.checkout.rglob("*") if path.lstat().st_uid == 0] == []
    stage.log.write_text("")
    assert said(stage.run(HOME=str(data)))["prefix"] == answer["prefix"]
    assert stage.log.read_text() == ""
