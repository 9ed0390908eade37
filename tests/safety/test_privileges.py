"""Who may read and write what: nothing of a client's is for others, a case keeps its owner, jobs trust nobody else."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import jobs
from engine.cases import create_case, keep_map, load_case, record
from engine.errors import RefusedError, RescueError
from engine.jobs import JournalTail, list_jobs, load, registry, remove, resume, stop, watching
from engine.jobs.directory import JobDirectory
from engine.jobs.ledger import Ledger
from engine.mapedit import Document, SetStatus
from engine.mapfile import Mapfile, write_map
from engine.ranges import RangeSet
from tests.engine.carve.made_files import made
from tests.safety.other_user import ANNA, BERT, as_user, folder_for_all
from tests.support import needs_root, needs_tool

CHECKOUT = Path(__file__).resolve().parents[2]


def others_may(path: Path) -> str:
    """What group and others may do with it, as ``path mode``; empty when nothing."""
    mode = os.lstat(path).st_mode
    return f"{path} {stat.S_IMODE(mode):o}" if not stat.S_ISLNK(mode) and mode & 0o077 else ""


def everything_below(folder: Path) -> list[Path]:
    return [folder, *folder.rglob("*")]


# -- nothing is for others to read --------------------------------------------------------------------------------


class Work:
    """A person at the command line with careless umasks, 000 and 022 in turn; all is written below ``self.folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.umask = folder, 0o022
        self.temporary = folder / "tmp"
        self.home = folder / "home"
        for one in (folder, self.temporary, self.home):
            one.mkdir(exist_ok=True)
        kinds = ("CONFIG", "STATE", "CACHE", "DATA")
        self.environment = {
            **os.environ, "PYTHONPATH": str(CHECKOUT), "TMPDIR": str(self.temporary), "HOME": str(self.home),
            **{f"XDG_{kind}_HOME": str(self.home / kind.lower()) for kind in kinds},
        }  # fmt: skip

    def run(self, *words: object, ok: tuple[int, ...] = (0, 1)) -> str:
        self.umask ^= 0o022
        done = subprocess.run(
            [sys.executable, "-m", "tui", *map(str, words)], env=self.environment, umask=self.umask, text=True,
            capture_output=True, stdin=subprocess.DEVNULL, timeout=250, check=False, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode in ok, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout

    def loose(self, but: set[Path]) -> list[str]:
        """What others may read of what was made."""
        return [told for path in everything_below(self.folder) if path not in but and (told := others_may(path))]


@pytest.mark.full
def test_nothing_that_is_made_is_for_others(tmp_path: Path) -> None:
    for tool in ("ddrescue", "mkfs.vfat", "mcopy", "sfdisk"):
        needs_tool(tool)
    patient = _patient(tmp_path / "patient")
    work = Work(tmp_path / "work")
    case = work.folder / "case"
    case.mkdir(mode=0o755)
    os.chmod(case, 0o755)  # an empty folder that was there before
    mine = {work.folder, work.temporary, work.home}
    run = work.run
    run("case", "create", case, "--source", patient)
    run("rescue", "run", case, "--quiet")
    map_ = load_case(case).map
    run("map", "set", map_, "0x200000+64K", "-", "--in-place", "--lose-finished", "--note", "tried")
    run("map", "set", map_, "0x300000+64K", "/", "--in-place", "--lose-finished")
    run("fs", "list", case)
    run("fs", "extract", case, "-o", case / "exports" / "files")
    run("fs", "extract", case, "-o", case / "exports" / "later", "--detach")
    run("fs", "unallocated", case, "-o", case / "exports" / "free.bin")
    run("fs", "domain", case, "--what", "metadata", "-o", case / "first.map")
    run("carve", case, "-o", case / "exports" / "carved", "--catalogue", case / "finds.jsonl")
    run("parts", "repair", case, "type-mismatch", "--apply")
    run("report", case, "-o", case / "report.html")
    run("report", case, "-o", work.folder / "report.md")
    run("dvr", "scan", case, "-o", case / "exports" / "films", ok=(0, 1, 3))
    for _ in range(400):
        if not any(job.live for job in list_jobs(case / "jobs").jobs):
            break
        time.sleep(0.25)
    made_here = [path for path in everything_below(case) if path.is_file()]
    kinds = {"image.img", "rescue.map", "case.json", "history.jsonl", "spec.json", "state.json", "journal.jsonl",
             "finds.jsonl", "report.html", "0001.map", "0001.json"}  # fmt: skip
    assert kinds <= {path.name for path in made_here}
    assert any(path.suffix == ".sqlite" or "index" in path.name for path in made_here)
    assert any(path.name.startswith("free") for path in made_here)
    assert any(path.parent.name == "undo" for path in made_here)
    assert any("exports/files" in str(path) for path in made_here)
    assert any("exports/carved" in str(path) for path in made_here)
    assert work.loose(mine) == []
    assert not list(work.temporary.iterdir()), "temporary files are gone"


def _patient(path: Path) -> Path:
    """A disk with one FAT partition that has a picture in it, and a deleted one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as stream:
        stream.truncate(24 << 20)
    find = shutil.which("sfdisk") or "/usr/sbin/sfdisk"
    subprocess.run([find, "-q", path], input=b"label: dos\nstart=2048, type=c\n", check=True, capture_output=True)
    volume = path.with_suffix(".fat")
    with open(volume, "wb") as stream:
        stream.truncate(23 << 20)
    subprocess.run(
        [shutil.which("mkfs.vfat") or "/usr/sbin/mkfs.vfat", "-F", "16", volume], check=True, capture_output=True
    )
    for name in ("jpeg", "png"):
        (path.parent / f"{name}.bin").write_bytes(made(name))
        subprocess.run(["mcopy", "-i", volume, path.parent / f"{name}.bin", f"::{name}.{name[:3]}"], check=True)
    with open(path, "r+b") as stream:
        stream.seek(1 << 20)
        stream.write(volume.read_bytes())
    return path


# -- a case keeps its owner ---------------------------------------------------------------------------------------


@pytest.fixture
def case_of_anna(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A case that Anna made in her own folder, and what she may reach."""
    needs_root()
    with folder_for_all() as folder:
        monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))
        os.chown(folder, ANNA, ANNA)

        def make() -> None:
            case = create_case(folder / "case", source_path="/dev/null", source_size=1 << 20)
            write_map(case.map, Mapfile.new(0, 1 << 20))

        as_user(ANNA, make)
        yield folder / "case"


def foreign(folder: Path, uid: int) -> list[str]:
    return [f"{path} {os.lstat(path).st_uid}" for path in everything_below(folder) if os.lstat(path).st_uid != uid]


def _work_on(case_folder: Path) -> Callable[[], None]:
    """What a screen and its commands leave in a case."""

    def work() -> None:
        case = load_case(case_folder)
        record(case, "looked-at")
        document = Document.open(case.map)
        if document.offer is not None:
            document.discard_offer()
        document.apply(SetStatus(RangeSet.of(0, 4096), "-"))
        document.save("root was here")
        document.apply(SetStatus(RangeSet.of(4096, 8192), "-"))
        keep_map(case.map, case.maps_dir, "kept")
        create_case(case_folder.parent / f"another-{os.getpid()}")

    return work


def test_root_works_in_the_case_of_somebody_and_it_stays_theirs(case_of_anna: Path) -> None:
    as_user(0, _work_on(case_of_anna))
    assert foreign(case_of_anna.parent, ANNA) == []
    as_user(0, _work_on(case_of_anna), sudo_from=ANNA)
    assert foreign(case_of_anna.parent, ANNA) == []
    as_user(0, _work_on(case_of_anna), sudo_from=BERT)  # another administrator: the case is still Anna's
    assert foreign(case_of_anna.parent, ANNA) == []
    assert [told for path in everything_below(case_of_anna) if (told := others_may(path))] == []
    as_user(ANNA, _work_on(case_of_anna))  # and she can go on


def test_a_case_of_root_is_refused_with_what_to_do(case_of_anna: Path) -> None:
    place = case_of_anna.parent / "roots"

    def make() -> None:
        create_case(place)
        os.chown(place, 0, 0)

    as_user(0, make)

    def look() -> str:
        try:
            load_case(place)
        except RescueError as error:
            return f"{error.code}: {error}"
        return "read"

    told = as_user(ANNA, look)
    assert told.startswith("permission") and "sudo" in told
    assert as_user(BERT, lambda: _told(lambda: load_case(case_of_anna))).startswith("permission")


def _told(work: Callable[[], object]) -> str:
    try:
        work()
    except RescueError as error:
        return f"{error.code}: {error}"
    return "done"


def test_a_planted_file_of_root_is_not_given_away(case_of_anna: Path) -> None:
    secret = case_of_anna.parent / "secret"
    secret.write_bytes(b"")
    os.chown(secret, 0, 0)
    os.link(secret, case_of_anna / "planted.jsonl")
    from engine.atomic import append_line

    as_user(0, lambda: append_line(case_of_anna / "planted.jsonl", b"x"))
    assert os.stat(secret).st_uid == 0
    os.symlink(secret, case_of_anna / "link.jsonl")
    assert _told(lambda: append_line(case_of_anna / "link.jsonl", b"x")) != "done"


# -- job directories ----------------------------------------------------------------------------------------------


def _made_job(folder: Path) -> str:
    return str(jobs.create("rescue", {"source": "/dev/null"}, folder / "jobs", "a pass").directory)


def test_a_job_of_somebody_else_is_not_touched(case_of_anna: Path) -> None:
    job = Path(as_user(ANNA, lambda: _made_job(case_of_anna)))
    os.chmod(case_of_anna, 0o755)  # she opened her case to all: Bert gets at the job's directory
    os.chmod(case_of_anna / "jobs", 0o755)
    os.chmod(job, 0o755)
    spec = (job / "spec.json").read_bytes()

    def tries(uid: int) -> list[str]:
        works = (lambda: load(job), lambda: resume(job), lambda: stop(job), lambda: remove(job),
                 lambda: JournalTail(job).read())  # fmt: skip
        return as_user(uid, lambda: [_told(work) for work in works])

    for uid, name in ((BERT, "only its owner"), (0, f"sudo -u '#{ANNA}'")):
        told = tries(uid)
        assert all(one.startswith("foreign-job") and name in one for one in told), told
    assert as_user(0, lambda: load(job).kind, sudo_from=ANNA) == "rescue"
    assert as_user(0, lambda: _told(lambda: load(job)), sudo_from=BERT).startswith("foreign-job")
    assert (job / "spec.json").read_bytes() == spec
    listed = as_user(BERT, lambda: [error.code for error in list_jobs(case_of_anna / "jobs").problems])
    assert listed == ["foreign-job"]


def test_roots_own_job_in_the_case_of_somebody(case_of_anna: Path) -> None:
    job = Path(as_user(0, lambda: _made_job(case_of_anna)))
    assert os.stat(job).st_uid == 0 and foreign(job, 0) == []
    assert as_user(0, lambda: load(job).kind) == "rescue"
    told = as_user(ANNA, lambda: _told(lambda: load(job)))
    assert told.startswith(("foreign-job", "permission")) and "sudo" in told
    mine = Path(as_user(0, lambda: _made_job(case_of_anna), sudo_from=ANNA))
    assert foreign(mine, ANNA) == []
    assert as_user(ANNA, lambda: load(mine).kind) == "rescue"


def test_planted_links_and_folders_that_others_may_write_to(case_of_anna: Path) -> None:
    job = Path(as_user(ANNA, lambda: _made_job(case_of_anna)))
    target = case_of_anna.parent / "target"
    target.write_bytes(b"roots own")

    def in_job(work: Callable[[JobDirectory], object]) -> Callable[[], str]:
        def do() -> str:
            with JobDirectory(job) as opened:
                return _told(lambda: work(opened))

        return do

    link = case_of_anna / "jobs" / "linked"
    os.symlink(job, link)
    assert "symbolic link" in as_user(ANNA, lambda: _told(lambda: load(link)))
    for name, work in (
        ("stderr.log", lambda opened: os.close(opened.open_log())),
        ("lock", lambda opened: os.close(opened.open_lock(create=True) or 0)),
        ("journal.jsonl", lambda opened: opened.append("journal.jsonl", b"{}")),
        ("reserve.1", lambda opened: Ledger(opened).close()),
        ("work", lambda opened: opened.make_work()),
    ):
        path = job / name
        if path.exists():
            path.unlink()
        os.symlink(target, path)
        told = as_user(0, in_job(work), sudo_from=ANNA)
        assert told != "done" or name == "reserve.1", name
        os.unlink(path) if path.is_symlink() else None
    assert target.read_bytes() == b"roots own" and os.stat(target).st_uid == 0
    (job / "state.json").unlink()
    os.symlink(target, job / "state.json")  # replaced, never followed
    as_user(0, in_job(lambda opened: opened.save("state.json", b"{}", durable=False)), sudo_from=ANNA)
    assert target.read_bytes() == b"roots own" and not (job / "state.json").is_symlink()
    for mode in (0o770, 0o702):
        os.chmod(job, mode)
        assert as_user(ANNA, lambda: _told(lambda: load(job))).startswith("open-job")


def test_links_that_others_put_into_the_registry_lead_nowhere(case_of_anna: Path) -> None:
    job = Path(as_user(ANNA, lambda: _made_job(case_of_anna)))
    assert as_user(ANNA, registry.known) == (job,)
    place = registry.registry_directory()
    os.symlink(case_of_anna, place / "planted")
    os.chown(place / "planted", BERT, BERT, follow_symlinks=False)
    assert as_user(ANNA, registry.known) == (job,)
    polled = as_user(BERT, lambda: [error.code for error in watching.poll([job], {}).problems.values()])
    assert polled in (["foreign-job"], ["permission"])


def test_refusals_are_what_a_person_can_act_on(case_of_anna: Path) -> None:
    job = Path(as_user(ANNA, lambda: _made_job(case_of_anna)))
    with pytest.raises(RefusedError) as caught:
        load(job)
    assert caught.value.advice and "sudo -u" in caught.value.advice
    assert json.loads((job / "spec.json").read_bytes())["asked_by"]["uid"] == ANNA
