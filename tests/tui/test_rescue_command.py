"""``rescuedeck rescue``: as a person at a terminal and as a script use it, with the real ddrescue."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cases import create_case
from engine.jobs import list_jobs, stop
from engine.mapfile import Mapfile, read_map, write_map
from tests.engine.rescue.driving import wait_until
from tests.failing_disk import Drop, FailingDisk, make_image
from tests.support import needs_fuse, needs_tool

pytestmark = [needs_tool("ddrescue")]
ROOT = Path(__file__).parents[2]
MIB = 1 << 20


@pytest.fixture
def original(tmp_path):
    return make_image(tmp_path / "original", 2 * MIB)


def launch(*words, cwd=None, **more):
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    argv = [sys.executable, "-m", "tui", "rescue", *map(str, words)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(argv, env=env, cwd=cwd, start_new_session=True, **pipes, **more)


def deck(*words, cwd=None):
    with launch(*words, cwd=cwd) as child:
        out, err = child.communicate(timeout=120)
    return child.returncode, out, err


def test_a_whole_run_for_people(tmp_path, original):
    code, out, err = deck("run", original, "image", "map", cwd=tmp_path)
    assert code == 0, err
    assert "pass 1: nothing has been read yet" in out
    assert "ddrescue --no-trim" in out
    assert "everything is rescued" in out
    assert "rescued 2.0 MiB (2097152 B), missing 0 B" in out
    assert (tmp_path / "image").read_bytes() == original.read_bytes()


def test_what_the_checks_refuse_leaves_nothing_behind(tmp_path, original):
    here = set(os.listdir(tmp_path))
    for more in ((), ("--json",)):
        code, out, err = deck("run", original, "nowhere/image", "map", *more, cwd=tmp_path)
        assert code == 3
        said = f"{out}{err}".strip().splitlines()
        assert len(said) == 1, "told once"
        assert "the folder for the image does not exist" in said[0]
        assert set(os.listdir(tmp_path)) == here
    # a folder that holds a rescue keeps it
    assert deck("run", original, "image", "map", cwd=tmp_path)[0] == 0
    kept = os.listdir(tmp_path / "map.jobs")
    assert deck("run", original, "nowhere/image", "map", cwd=tmp_path)[0] == 3
    assert os.listdir(tmp_path / "map.jobs") == kept


def test_json_is_one_event_a_line_and_bad_sectors_make_exit_code_1(tmp_path, original):
    write_map(tmp_path / "bad", Mapfile.new(0, 2 * MIB, "+").set_range(MIB, MIB + 1024, "-"))
    code, out, err = deck(
        "run", original, "image", "map", "--json", "--retries", "0", "--option", "test_mode=bad",
        "--option", "max_read_rate=1M", cwd=tmp_path,
    )  # fmt: skip
    assert code == 1, err
    events = [json.loads(line) for line in out.splitlines()]
    assert [event["event"] for event in events if event["event"] != "progress"] == ["pass", "pass", "done"]
    assert all("time" in event for event in events)
    progress = [event for event in events if event["event"] == "progress"]
    assert progress
    assert {"position", "rescued", "bad", "rate", "remaining_s"} <= set(progress[0])
    assert events[-1]["missing"] == 1024
    assert "--json" not in err
    # a second run goes on from the map, and has nothing to do
    code, out, _ = deck("run", original, "image", "map", "--retries", "0", cwd=tmp_path)
    assert code == 1
    assert "no retry passes were asked for" in out


def test_dry_run_starts_nothing(tmp_path, original):
    code, out, err = deck("run", original, tmp_path / "image", tmp_path / "map", "--dry-run")
    assert code == 0, err
    assert "source-readable" in out
    assert "ddrescue --no-trim --no-scrape --mapfile-interval=1,5" in out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["original"]
    code, out, _ = deck("run", original, original, tmp_path / "map", "--dry-run", "--json")
    document = json.loads(out)
    assert code == 3
    assert not document["startable"]
    assert "same-thing" in [check["code"] for check in document["checks"] if check["severity"] == "refuse"]


def test_dangers_need_force_and_refusals_name_their_reason(tmp_path, original):
    code, _, err = deck("run", original, tmp_path / "image", tmp_path / "map", "--option", "truncate")
    assert code == 3
    assert "everything rescued so far is lost" in err
    assert not (tmp_path / "image").exists()
    code, out, _ = deck("run", original, original, tmp_path / "map", "--json")
    assert code == 3
    assert json.loads(out.splitlines()[-1])["event"] == "error"
    assert json.loads(out.splitlines()[-1])["code"] == "same-thing"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a", "b"],
        *(["a", "b", "c", *more] for more in (
            ["--option", "cluster_size=0"], ["--option", "=1"], ["--recipe", "x"], ["--recipe", "direct"],
            ["--with", "x"], ["--range", "5-1"], ["--strategy", "x"], ["--retries", "x"],
        )),
    ],
)  # fmt: skip
def test_wrong_usage(tmp_path, words):
    code, _, err = deck("run", *words, cwd=tmp_path)
    assert code == 2, err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_rescue_of_a_case_bears_its_title(tmp_path, original):
    case = create_case(tmp_path / "case", title="Smith", source_path=str(original), source_size=2 * MIB)
    assert deck("run", "case", cwd=tmp_path)[0] == 0
    (job,) = list_jobs(case.jobs_dir).jobs
    assert job.title == "Smith"


def test_a_missing_source_is_one_clear_line(tmp_path):
    code, _, err = deck("run", "nowhere", "image", "map", cwd=tmp_path)
    assert code == 3
    assert "nowhere: No such file or directory" in err
    assert not (tmp_path / "image").exists()


def test_ctrl_c_stops_cleanly_with_the_map_saved(tmp_path, original):
    with launch("run", original, "image", "map", "--option", "max_read_rate=256K", cwd=tmp_path) as child:
        path = tmp_path / "map"
        wait_until(lambda: path.exists() and path.stat().st_size and read_map(path).ranges("+"))
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "stopping" in err
    assert "stopped, the map is saved; go on: rescuedeck jobs resume" in out
    known = read_map(path)
    assert known.ranges("+")
    size = known.ranges("+").total
    assert (tmp_path / "image").read_bytes()[:size] == original.read_bytes()[:size]


def test_a_lost_terminal_does_not_stop_the_rescue(tmp_path, original):
    # A hundred seconds of reading: it cannot have ended by itself when the terminal has, however busy the machine is.
    with launch("run", original, "image", "map", "--option", "max_read_rate=16K", cwd=tmp_path) as child:
        path = tmp_path / "map"
        wait_until(lambda: path.exists() and path.stat().st_size and read_map(path).ranges("+"))
        child.send_signal(signal.SIGHUP)
        child.communicate(timeout=60)
    job = list_jobs(tmp_path / "map.jobs").jobs[0]
    assert job.live
    before = read_map(path).ranges("+").total
    wait_until(lambda: read_map(path).ranges("+").total > before)
    stop(job.directory)
    wait_until(lambda: not list_jobs(tmp_path / "map.jobs").jobs[0].live)
    size = read_map(path).ranges("+").total
    assert size > before
    assert (tmp_path / "image").read_bytes()[:size] == original.read_bytes()[:size]


def test_detach(tmp_path, original):
    code, out, err = deck(
        "run", original, "image", "map", "--detach", "--json", "--option", "max_read_rate=256K", cwd=tmp_path
    )
    assert code == 0, err
    directory = json.loads(out)["directory"]
    stop(directory)
    wait_until(lambda: not list_jobs(tmp_path / "map.jobs").jobs[0].live)


@needs_fuse()
def test_a_drop_is_told_with_advice(tmp_path, original):
    with FailingDisk(original, [Drop(offset=MIB, size=512)]) as disk:
        code, out, err = deck("run", disk.path, "image", "map", "--recipe", "careful", cwd=tmp_path)
        assert code == 3
        assert "drop-off: the drive no longer answers" in out
        assert "cut the drive's power" in err
        code, out, _ = deck("plan", "map", cwd=tmp_path)
        assert code == 0
        assert "have not been tried" in out


def test_plan(tmp_path):
    path = tmp_path / "map"
    write_map(path, Mapfile.new(0, MIB, "+").set_range(4096, 8192, "*"))
    code, out, err = deck("plan", path, "--json", "--option", "idirect")
    assert code == 0, err
    document = json.loads(out)
    assert document["pass"]["start"] == 4096
    assert document["pass"]["size"] == 4096
    assert document["pass"]["direction"] == "forwards"
    assert document["pass"]["arguments"] == ["--no-scrape", "--idirect"]
    assert "not trimmed" in document["reason"]
    write_map(path, Mapfile.new(0, MIB, "+"))
    code, out, _ = deck("plan", path, "--json")
    assert json.loads(out) == {"pass": None, "reason": "everything is rescued"}
    path.write_text("nonsense")
    assert deck("plan", path)[0] == 1
    assert deck("plan", tmp_path / "none")[0] == 3


def test_lists():
    code, out, _ = deck("run", "--list-recipes", "--json")
    assert code == 0
    assert {"copy", "trim", "scrape", "careful"} <= {recipe["name"] for recipe in json.loads(out)["recipes"]}
    code, out, _ = deck("run", "--list-options")
    assert code == 0
    assert "cluster_size" in out
