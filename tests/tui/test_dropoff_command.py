"""``rescuedeck rescue`` with the strategy ``drop-off``: run, plan and tell, as a script and as a person use them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.mapfile import Mapfile, read_map, write_map
from engine.priorities import write_domain
from engine.ranges import RangeSet
from engine.rescue.status import State, read_status
from tests.engine.rescue.driving import wait_until
from tests.failing_disk import Drop, FailingDisk, Hang, first_difference, make_image
from tests.support import needs_fuse, needs_tool

pytestmark = [needs_tool("ddrescue"), needs_fuse()]
ROOT = Path(__file__).parents[2]
MIB = 1 << 20
EVENTS = {"pass", "progress", "drop-off", "hang", "power", "returned", "paused", "done", "error", "note"}
QUICK = ("--strategy", "drop-off", "--settle", "0", "--wait", "5", "--off-seconds", "0", "--no-edges")


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 4 * MIB)


def deck(*words, cwd=None, code=0, **env):
    argv = [sys.executable, "-m", "tui", "rescue", *map(str, words)]
    full = {**os.environ, "PYTHONPATH": str(ROOT), **env}
    done = subprocess.run(argv, env=full, cwd=cwd, capture_output=True, text=True, timeout=200)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    return done.stdout if code in (0, 1) else done.stdout + done.stderr


def document(text):
    return json.loads(text)


def events_of(text):
    return [json.loads(line) for line in text.splitlines()]


def true_image(folder, original):
    known = read_map(folder / "map")
    assert first_difference(original, folder / "image", list(known.ranges("+"))) is None
    return known


def test_run_with_a_power_command_then_plan(tmp_path, original):
    with FailingDisk(original, [Drop(offset=2 * MIB, size=512)]) as disk:
        command = shlex.join(disk.power_command("cycle"))
        out = deck("run", disk.device, "image", "map", *QUICK, "--power-command", command, "--json",
                   cwd=tmp_path, code=1)  # fmt: skip
        told = events_of(out)
        assert {event["event"] for event in told} <= EVENTS
        assert all(isinstance(event["time"], float) for event in told)
        kinds = [event["event"] for event in told if event["event"] not in ("progress", "note")]
        assert kinds[:4] == ["pass", "drop-off", "power", "returned"]
        assert kinds[-1] == "done"
        lost = next(event for event in told if event["event"] == "drop-off")
        assert lost["position"] <= 2 * MIB < lost["position"] + 65536
        progress = next(event for event in told if event["event"] == "progress")
        assert {"position", "rescued", "bad", "rate", "remaining_s"} <= set(progress)
        done = told[-1]
        assert (done["cycles"], done["missing"]) == (disk.cycles, done["missing"]) == (1, done["missing"])
        assert 0 < done["missing"] <= 65536
        assert true_image(tmp_path, original).ranges("+").total == done["rescued"]
        # plan: the memory of the campaign counts, not only its map
        found = document(deck("plan", "map", "--strategy", "drop-off", "--json", cwd=tmp_path))
        assert set(found) >= {"pass", "reason"}
        assert found["cycles"] == 1
        assert found["pass"] is None  # the place that kills is all that is missing: without its edges nothing is left
        assert found["lost"] == ""


@pytest.mark.full
def test_run_for_people_says_what_happens(tmp_path, original):
    with FailingDisk(original, [Hang(offset=2 * MIB, size=512)]) as disk:
        off, on = (shlex.join(disk.power_command(word)) for word in ("off", "on"))
        out = deck("run", disk.device, "image", "map", *QUICK, "--power-off", off, "--power-on", on,
                   "--hang-limit", "2", cwd=tmp_path, code=1)  # fmt: skip
        for words in ("pass 1: Nothing is known yet", "hang: a read at 2097152", "power: cutting the power",
                      "power: restoring the power", "returned: what was read before", "done: "):  # fmt: skip
            assert words in out, out
        assert disk.cycles == 1
        true_image(tmp_path, original)


def test_plan_of_a_fresh_map(tmp_path):
    write_map(tmp_path / "map", Mapfile.new(0, 1 << 30))
    found = document(deck("plan", "map", "--strategy", "drop-off", "--json", cwd=tmp_path))
    assert found["pass"]["direction"] == "forwards"
    assert found["pass"]["start"] + found["pass"]["size"] == 1 << 30
    assert "--idirect" in found["pass"]["arguments"]
    assert "--no-scrape" in found["pass"]["arguments"]
    assert "Nothing is known yet" in deck("plan", "map", "--strategy", "drop-off", cwd=tmp_path)
    write_map(tmp_path / "map", Mapfile.new(0, 1 << 30, "+"))
    found = document(deck("plan", "map", "--strategy", "drop-off", "--json", cwd=tmp_path))
    assert found["pass"] is None
    assert found["code"] == "complete"


@pytest.mark.full
def test_tell_while_a_person_is_the_switch(tmp_path, original):
    with FailingDisk(original, [Drop(offset=2 * MIB, size=512)]) as disk:
        out = document(deck("run", disk.device, "image", "map", *QUICK, "--detach", "--json", cwd=tmp_path))
        job = Path(out["directory"])

        def waits():
            seen = read_status(job)
            return seen is not None and seen.state is State.NEEDS_POWER and seen

        assert "cut the power of" in wait_until(waits).campaign.needs
        told = document(deck("tell", job, "budget", "--max-cycles", "5", "--hang-limit", "30", "--json"))
        assert told["answer"] == "budget accepted"
        assert told["state"] == "needs-power"
        assert read_status(job).campaign.max_cycles == 5
        assert "skip-area accepted" in deck("tell", job, "skip-area", "3M+64K")
        assert read_status(job).campaign.skipped == ((3 * MIB, 3 * MIB + 65536),)
        assert "unskip-area accepted" in deck("tell", job, "unskip-area", "3M+64K")
        assert "as soon as the drive is back" in deck("tell", job, "try-area", "3M+64K", "--reverse")
        assert "START+SIZE" in deck("tell", job, "skip-area", code=2)
        assert "nothing is paused" in deck("tell", job, "resume")
        disk.power_cycle()
        end = time.monotonic() + 60
        while (seen := read_status(job)).state is not State.DONE and time.monotonic() < end:
            time.sleep(0.1)
        assert seen.state is State.DONE, seen
        assert disk.cycles == 1
        true_image(tmp_path, original)
        assert "no running rescue" in deck("tell", job, "pause", code=2)


@pytest.mark.full
def test_what_is_wanted_first_comes_from_a_domain_map(tmp_path, original):
    write_domain(tmp_path / "wanted", RangeSet.of(3 * MIB, 3 * MIB + 65536), 4 * MIB)
    with FailingDisk(original) as disk:
        deck("run", disk.device, "image", "map", *QUICK, "--first", "wanted:100000", cwd=tmp_path)
        first = next(read for read in disk.reads() if read.touched)
        assert 3 * MIB <= first.offset < 3 * MIB + 65536


def test_a_switch_from_power_toml(tmp_path, original):
    folder = tmp_path / "config" / "rescuedeck"
    folder.mkdir(parents=True)
    file = folder / "power.toml"
    with FailingDisk(original, [Drop(offset=2 * MIB, size=512)]) as disk:
        words = ", ".join(json.dumps(word) for word in disk.power_command("cycle"))
        file.write_text(f"[bench]\ncycle = [{words}]\n")
        env = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
        run = ("run", disk.device, "image", "map", *QUICK, "--power-switch")
        assert "there is no power switch 'other'" in deck(*run, "other", cwd=tmp_path, code=2, **env)
        file.chmod(0o666)
        assert "may be written by other users" in deck(*run, "bench", cwd=tmp_path, code=3, **env)
        file.chmod(0o600)
        deck(*run, "bench", cwd=tmp_path, code=1, **env)
        assert disk.cycles == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--power-command", "/bin/true"], "only with --strategy drop-off"),
        (["--max-cycles", "3"], "only with --strategy drop-off"),
        (["--strategy", "drop-off", "--power-off", "/bin/true"], "go together"),
        (["--strategy", "drop-off", "--power-command", "/bin/true", "--power-switch", "x"], "one of"),
        (["--strategy", "drop-off", "--power-command", "nothing-of-that-name"], "no program"),
        (["--strategy", "drop-off", "--power-command", "a 'b"], "cannot be read"),
        (["--strategy", "drop-off", "--until", "yesterday"], "until"),
        (["--strategy", "drop-off", "--tries", "0"], "tries"),
        (["--strategy", "drop-off", "--option", "fill_mode=-"], ""),
    ],
)
def test_wrong_use_starts_nothing(tmp_path, original, words, said):
    argv = [sys.executable, "-m", "tui", "rescue", "run", str(original), "image", "map", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode in (2, 3), done.stdout
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "image").exists()
