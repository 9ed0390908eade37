"""Looking at jobs: states, damaged and hostile directories, polling, the registry, words for people."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DamagedError, NotFoundError, OutsideError, RefusedError, RescueError, UsageError
from engine.jobs import (
    JobState,
    Progress,
    create,
    list_jobs,
    load,
    logout_risk,
    poll,
    registry,
    remaining_text,
    start,
    stop,
)
from engine.jobs.eta import coarse
from engine.jobs.locate import find_jobs, find_one
from engine.jobs.logout import LogindPolicy, parse_policy, read_policy
from engine.jobs.model import Job
from engine.jobs.snapshot import Spec, build
from tests.engine.jobs.helpers import kill_runner, look, until, until_ended
from tests.engine.jobs.job_kinds import RUNNER
from tests.support import needs_root

ROOT = Path(__file__).parents[3]
SPEC = Spec("self-test", {}, "t", 1.0)


def built(value: object, *, held: bool = False) -> Job:
    return build(Path("/jobs/x"), SPEC, value, held=held, mark=(1, 1))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("told", "held", "state"),
    [
        (None, False, "lost"),
        (None, True, "starting"),
        ({"state": "queued"}, False, "queued"),
        ({"state": "queued"}, True, "starting"),
        ({"state": "starting"}, False, "lost"),
        ({"state": "running"}, False, "lost"),
        ({"state": "stopping"}, False, "lost"),
        ({"state": "running"}, True, "running"),
        ({"state": "done"}, False, "done"),
        ({"state": "done"}, True, "done"),
        ({"state": "failed"}, False, "failed"),
        ({"state": "nonsense"}, False, "lost"),
        ({"state": 7}, True, "starting"),
    ],
)
def test_state_and_lock_together_say_how_it_is(told, held, state):
    job = built(told, held=held)
    assert job.state == state
    assert job.resumable == (state in ("queued", "lost", "failed", "stopped"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "state", "done", "total", "unit", "rate", "message", "facts", "warning", "pid", "host", "runs", "started",
    "updated", "progressed", "finished", "elapsed_s", "stop_requests", "stop_requested", "error", "result",
)  # fmt: skip


@settings(max_examples=60)
@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=8), st.booleans())
def test_any_state_file_gives_a_job_that_can_be_shown(value, held):
    job = built(json.loads(json.dumps(value)), held=held)
    remaining_text(job)
    document = json.loads(json.dumps(job.document()))
    assert document["state"] in list(JobState)
    for text in (job.message, job.warning, job.progress.unit, job.error.message if job.error else ""):
        assert "\x1b" not in text
        assert "\n" not in text


@pytest.fixture
def job_dir(jobs_dir):
    return create("self-test", {}, jobs_dir, "a job").directory


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff" * 100, b'{"a": ' * 3000, b'{"kind": 7}', b"{}"])
def test_a_damaged_spec_is_one_clear_error_and_a_damaged_state_is_none(jobs_dir, job_dir, data):
    (job_dir / "state.json").write_bytes(data)
    assert load(job_dir).state in (JobState.LOST, JobState.QUEUED)
    (job_dir / "spec.json").write_bytes(data)
    with pytest.raises(DamagedError):
        load(job_dir)
    listing = list_jobs(jobs_dir)
    assert listing.jobs == ()
    assert len(listing.problems) == 1


def test_a_spec_that_is_too_large_is_not_read(job_dir):
    with open(job_dir / "spec.json", "wb") as stream:
        stream.truncate(5 << 30)
    with pytest.raises(DamagedError, match="larger"):
        load(job_dir)


def test_other_folders_are_no_jobs(jobs_dir, job_dir):
    (jobs_dir / "holiday").mkdir()
    (jobs_dir / "everybodys").mkdir()
    (jobs_dir / "everybodys").chmod(0o777)
    (jobs_dir / "note.txt").write_text("x")
    (jobs_dir / "link").symlink_to(job_dir)
    assert [job.directory for job in list_jobs(jobs_dir).jobs] == [job_dir]
    assert list_jobs(jobs_dir).problems == ()
    assert list_jobs(jobs_dir / "nowhere").jobs == ()
    with pytest.raises(NotFoundError):
        load(jobs_dir / "nowhere")
    with pytest.raises(NotFoundError):
        load(jobs_dir / "note.txt")


def test_symbolic_links_are_not_followed(jobs_dir, job_dir, tmp_path):
    (jobs_dir / "link").symlink_to(job_dir)
    with pytest.raises(RefusedError, match="symbolic link"):
        load(jobs_dir / "link")
    outside = tmp_path / "outside.json"
    for name in ("spec.json", "lock", "stderr.log"):
        copy = tmp_path / f"copy-{name}"
        shutil.copytree(job_dir, copy)
        copy.chmod(0o700)
        outside.write_bytes((job_dir / "spec.json").read_bytes())
        (copy / name).unlink(missing_ok=True)
        (copy / name).symlink_to(outside)
        with pytest.raises(OutsideError):
            _run(copy)
        assert outside.read_bytes() == (job_dir / "spec.json").read_bytes()


def _run(directory: Path) -> None:
    from engine.jobs import resume

    resume(directory)


def test_a_fifo_instead_of_a_file_does_not_hang(job_dir):
    for name, shown in (("state.json", True), ("lock", False), ("spec.json", False)):
        (job_dir / name).unlink(missing_ok=True)
        os.mkfifo(job_dir / name)
        if shown:
            assert load(job_dir).state is JobState.LOST
        else:
            with pytest.raises(RescueError):
                load(job_dir)


def test_a_folder_that_others_may_write_is_not_trusted(job_dir):
    for mode in (0o770, 0o707, 0o777):
        job_dir.chmod(mode)
        with pytest.raises(RefusedError, match="other users may write"):
            load(job_dir)
        with pytest.raises(RefusedError):
            _run(job_dir)
    job_dir.chmod(0o755)
    assert load(job_dir).state is JobState.QUEUED


def test_somebody_elses_job_is_refused_but_not_the_callers_of_sudo(jobs_dir, job_dir, monkeypatch):
    needs_root()
    os.chown(job_dir, 4321, 4321)
    for attempt in (load, _run, stop):
        with pytest.raises(RefusedError, match="another user"):
            attempt(job_dir)
    assert [problem.code for problem in list_jobs(jobs_dir).problems] == ["foreign-job"]
    assert [problem.code for problem in poll([job_dir], {}).problems.values()] == ["foreign-job"]
    monkeypatch.setenv("SUDO_UID", "4321")
    monkeypatch.setenv("SUDO_GID", "4321")
    assert load(job_dir).state is JobState.QUEUED
    monkeypatch.setenv("SUDO_UID", "4322")
    with pytest.raises(RefusedError):
        load(job_dir)


def test_under_sudo_everything_belongs_to_the_caller(jobs_dir, monkeypatch):
    needs_root()
    monkeypatch.setenv("SUDO_UID", "4321")
    monkeypatch.setenv("SUDO_GID", "4321")
    parent = jobs_dir / "new" / "jobs"
    job = until_ended(start("self-test", {"steps": 1, "pause_s": 0}, parent).directory)
    assert job.state is JobState.DONE
    link = next(registry.registry_directory().iterdir())
    for path in (parent.parent, parent, job.directory, *job.directory.rglob("*"), link):
        if path.parent.name != "work":  # what the work writes is its own affair
            assert path.lstat().st_uid == 4321, path


def test_where_the_file_system_keeps_no_permissions_they_are_not_asked_for(job_dir, monkeypatch):
    from engine.host import mounts

    job_dir.chmod(0o777)
    real = mounts.mount_of(job_dir)
    assert real is not None
    monkeypatch.setattr(mounts, "mount_of", lambda path: mounts.replace(real, fstype="exfat"), raising=True)
    monkeypatch.setattr(mounts, "replace", __import__("dataclasses").replace, raising=False)
    assert load(job_dir).state is JobState.QUEUED


def test_poll_tells_changes_only(jobs_dir):
    quiet = create("self-test", {}, jobs_dir).directory
    job = start("talk", {"stay": True, "count": 1}, jobs_dir, runner=RUNNER)
    until(job.directory, lambda job: job.progress.done == 1)
    paths = [quiet, job.directory, jobs_dir / "nowhere"]
    first = poll(paths, {}, runner=RUNNER)
    assert {job.directory for job in first.changed} == {quiet, job.directory}
    assert first.gone == ()
    second = poll(paths, first.jobs, runner=RUNNER)
    assert second.jobs[quiet] is first.jobs[quiet]
    assert quiet not in [job.directory for job in second.changed]
    lost = kill_runner(job.directory)
    assert lost.state is JobState.LOST
    third = poll(paths, second.jobs, runner=RUNNER)
    assert [job.state for job in third.changed] == [JobState.LOST]
    shutil.rmtree(quiet)
    fourth = poll(paths, third.jobs, runner=RUNNER)
    assert fourth.gone == (quiet,)
    assert fourth.changed == ()
    assert list(fourth.jobs) == [job.directory]


def test_a_state_that_has_not_changed_is_not_read_again(job_dir, monkeypatch):
    first = poll([job_dir], {})
    monkeypatch.setattr("engine.jobs.watching.load", lambda *args: pytest.fail("it was read again"))
    assert poll([job_dir], first.jobs).changed == ()


def test_the_registry_knows_where_jobs_are(jobs_dir, tmp_path):
    first = create("self-test", {}, jobs_dir).directory
    second = create("self-test", {}, tmp_path / "other" / "jobs").directory
    assert set(registry.known()) == {first, second}
    assert registry.add(first)
    assert len(registry.known()) == 2
    shutil.move(first, tmp_path / "unplugged")
    assert registry.known() == (second,)
    shutil.move(tmp_path / "unplugged", first)
    assert set(registry.known()) == {first, second}
    registry.forget(first)
    registry.forget(first)
    assert registry.known() == (second,)
    (registry.registry_directory() / "junk").write_text("x")
    (registry.registry_directory() / "loop").symlink_to("loop")
    (registry.registry_directory() / "relative").symlink_to("../..")
    assert registry.known() == (second,)


def test_a_home_that_cannot_be_written_does_not_keep_jobs_from_running(jobs_dir, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert not registry.add(jobs_dir)
    assert registry.known() == ()
    assert until_ended(start("self-test", {"steps": 1, "pause_s": 0}, jobs_dir).directory).state is JobState.DONE


def test_a_word_finds_jobs(jobs_dir, tmp_path, monkeypatch):
    job = create("self-test", {}, jobs_dir).directory
    other = create("self-test", {}, tmp_path / "case" / "jobs").directory

    def found(where=None):
        return {job.directory for job in find_jobs(where).jobs}

    assert found() == {job, other}
    assert found(jobs_dir) == {job}
    assert found(jobs_dir.parent) == {job}
    assert found(tmp_path / "case") == {other}
    assert found(job) == {job}
    assert found(job.name) == {job}
    assert found(job.name[:4]) == {job, other}
    monkeypatch.chdir(tmp_path / "case")
    registry.forget(other)
    assert found() == {job, other}
    for nothing in ("nothing", tmp_path / "nothing", ""):
        with pytest.raises(NotFoundError):
            find_jobs(nothing)
    assert find_one(job, lambda job: job.live, what="running").directory == job
    with pytest.raises(NotFoundError, match="no running job"):
        find_one(None, lambda job: job.live, what="running")
    with pytest.raises(UsageError, match="2 unfinished jobs"):
        find_one(None, lambda job: job.resumable, what="unfinished")


def test_remaining_time_is_honest():
    def text(done, total, rate, elapsed_s=100.0, state="running"):
        value = {"state": state, "done": done, "total": total, "rate": rate, "elapsed_s": elapsed_s, "runs": 1}
        return remaining_text(built(value, held=True))

    assert text(1, None, 5.0) == "not known"
    assert text(1, 100, None) == "not known yet"
    assert text(1, 100, 5.0, elapsed_s=3.0) == "not known yet"
    assert text(1, 100, 0.0) == "stands still"
    assert text(100, 100, 5.0) == "almost done"
    assert text(0, 10**12, 10**6) == "more than 2 days"
    assert text(0, 600, 1.0) == "about 10 min"
    assert text(0, 600, 1.0, state="done") == ""
    assert remaining_text(built({"state": "running", "done": 1, "total": 5, "rate": 1.0})) == ""


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (3, "a few seconds"),
        (14, "about 14 s"),
        (47, "about 45 s"),
        (89, "about 90 s"),
        (754, "about 13 min"),
        (3300, "about 55 min"),
        (5399, "about 90 min"),
        (6 * 3600 + 700, "about 6.2 h"),
        (40 * 3600, "about 40 h"),
        (49 * 3600, "more than 2 days"),
    ],
)
def test_an_estimate_has_two_digits(seconds, words):
    assert coarse(seconds) == words


def test_progress_as_json():
    assert Progress(1, 2, "B", 3.5).document() == {"done": 1, "total": 2, "unit": "B", "rate": 3.5}


@pytest.fixture
def systemd(tmp_path, monkeypatch):
    """A made-up machine: where this process is, and what logind is told."""
    root = tmp_path / "root"
    (root / "run/systemd/system").mkdir(parents=True)
    (root / "proc/self").mkdir(parents=True)
    monkeypatch.setattr("engine.jobs.logout._user_name", lambda uid: {0: "root", 1000: "ann"}[uid])

    def place(group, **files):
        (root / "proc/self/cgroup").write_text(f"0::{group}\n")
        for name, text in files.items():
            path = root / name.replace("__", "/").replace("_conf", ".conf")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return root

    return place


SESSION = "/user.slice/user-1000.slice/session-3.scope"
KILL = "[Login]\nKillUserProcesses=yes\n"


def test_logout_kills_only_where_it_does(systemd):
    assert logout_risk(systemd(SESSION)) is None
    root = systemd(SESSION, etc__systemd__logind_conf=KILL)
    risk = logout_risk(root)
    assert risk is not None
    assert "KillUserProcesses" in risk.message
    assert "enable-linger ann" in risk.advice
    assert logout_risk(systemd("/user.slice/user-0.slice/session-3.scope")) is None
    assert logout_risk(systemd("/system.slice/rescue.service")) is None
    assert "desktop session" in logout_risk(systemd("/user.slice/user-1000.slice/user@1000.service/app.slice")).message
    (root / "var/lib/systemd/linger").mkdir(parents=True)
    (root / "var/lib/systemd/linger/ann").touch()
    assert logout_risk(root) is None
    shutil.rmtree(root / "run")
    assert logout_risk(root) is None


def test_logind_settings_are_read_as_systemd_does(systemd):
    root = systemd(
        SESSION,
        usr__lib__systemd__logind_conf="[Login]\nKillUserProcesses=no\n",
        etc__systemd__logind_conf="[Login]\n#KillUserProcesses=no\nKillExcludeUsers=root bob\n",
        usr__lib__systemd__logind_conf_d__50_conf=KILL,
        etc__systemd__logind_conf_d__60_conf="[Login]\nKillOnlyUsers=ann\n",
    )
    for path in root.rglob("logind_conf_d"):
        path.rename(path.with_name("logind.conf.d"))
    for path in root.rglob("logind.conf_d"):
        path.rename(path.with_name("logind.conf.d"))
    assert read_policy(root) == LogindPolicy(True, ("root", "bob"), ("ann",))
    assert read_policy(root).kills("ann")
    assert not read_policy(root).kills("bob")
    (root / "etc/systemd/logind.conf.d/50.conf").write_text("")
    assert not read_policy(root).kill
    assert parse_policy(["[Other]\nKillUserProcesses=yes\n"]) == LogindPolicy()


def test_the_real_machine_can_be_asked():
    risk = logout_risk()
    assert risk is None or risk.advice


def test_looking_at_jobs_is_light():
    code = "import sys, engine.jobs, engine.jobs.locate, engine.jobs.run\n"
    code += "print({'numpy', 'textual', 'rich', 'construct', 'psutil', 'asyncio'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_look_does_not_change_anything(job_dir):
    before = {path.name: path.stat() for path in job_dir.iterdir()}
    look(job_dir)
    after = {path.name: path.stat() for path in job_dir.iterdir()}
    assert {name: (s.st_mtime_ns, s.st_ino) for name, s in before.items()} == {
        name: (s.st_mtime_ns, s.st_ino) for name, s in after.items()
    }
