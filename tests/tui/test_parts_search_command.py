"""``rescuedeck parts search`` as a person or a script calls it, and its job."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine import jobs
from engine.cases import create_case, read_history
from engine.errors import OutsideError
from engine.jobs.partition_search import load_result
from tests.engine.partitions.disks import MIB, put, sfdisk
from tests.engine.partitions.volume_kinds import Makery, copy_into
from tests.support import needs_tool
from tui.commands import run

LAYOUT = "label: dos\nstart=2048, size=4096, type=1\nstart=8192, size=65536, type=e\nstart=102400, size=32768, type=7\n"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Makery:
    return Makery(tmp_path_factory.mktemp("volumes"))


@pytest.fixture
def folder(made: Makery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A disk image that has lost its table, with three volumes; and one that has it still."""
    needs_tool("sfdisk")
    for name in ("lost.img", "whole.img"):
        disk = sfdisk(tmp_path / name, LAYOUT, 80 * MIB)
        for lba, kind in ((2048, "fat12"), (8192, "fat16"), (102400, "ntfs")):
            copy_into(disk, lba * 512, made(kind))
    put(tmp_path / "lost.img", 440, bytes(72))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> str:
    """Run ``parts LINE``; its standard output."""
    assert run(["parts", *line.split()]) == code
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], line: str, code: int = 0) -> dict[str, Any]:
    """Run it with --json; its one document."""
    value = json.loads(call(capsys, line + " --json", code))
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("deep", ["", " --deep"])
def test_what_is_lost_and_the_table_for_it(folder: Path, capsys: pytest.CaptureFixture[str], deep: str) -> None:
    value = document(capsys, f"search lost.img{deep}")
    assert value["deep"] == bool(deep)
    systems = [one["filesystem"] for one in value["found"]]
    places = [(one["start"], one["size"]) for one in value["found"]]
    told = [(*place, one["kind"], one["label"]) for place, one in zip(places, systems, strict=True)]
    assert told == [
        (MIB, 2 * MIB, "fat12", "F12LABEL"),
        (4 * MIB, 32 * MIB, "fat16", "F16LABEL"),
        (50 * MIB, 16 * MIB, "ntfs", "NTLABEL"),
    ]
    for one in value["found"]:
        assert (one["confidence"], one["listed"], one["by_backup"], one["standing"]) == ("high", False, False, "volume")
        assert {"what", "offset"} == set(one["evidence"][0])
    assert value["plan"]["label"] == "dos"
    assert [one["start"] for one in value["plan"]["partitions"]] == [MIB, 4 * MIB, 50 * MIB]
    assert value["unread_bytes"] == 0
    people = call(capsys, f"search lost.img{deep}")
    assert 'NTFS "NTLABEL"' in people
    assert "3 partitions, 0 of them logical" in people
    assert max(map(len, people.splitlines())) <= 80


def test_the_script_rebuilds_the_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call(capsys, "search lost.img --script found.sfdisk")
    assert run(["parts", "search", "lost.img", "--script", "found.sfdisk"]) == 3
    assert "exists" in capsys.readouterr().err
    call(capsys, "search lost.img --script found.sfdisk --force")
    plan = document(capsys, "repair lost.img rebuild --layout found.sfdisk")
    assert not plan["applied"]
    call(capsys, "repair lost.img rebuild --layout found.sfdisk --apply")
    after = document(capsys, "search lost.img")
    assert all(one["listed"] for one in after["found"])
    assert "the present table names all of it" in call(capsys, "search lost.img")
    listed = document(capsys, "search whole.img")
    assert [one["start"] for one in after["found"]] == [one["start"] for one in listed["found"]]


def test_a_person_chooses(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    value = document(capsys, "search lost.img --choose 4M --choose 102400s --table gpt")
    assert value["plan"]["label"] == "gpt"
    assert [one["start"] for one in value["plan"]["partitions"]] == [4 * MIB, 50 * MIB]
    assert run(["parts", "search", "lost.img", "--choose", "5M"]) == 2
    assert "nothing was found at 5M" in capsys.readouterr().err


def test_nothing_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "blank").write_bytes(bytes(MIB))
    value = document(capsys, f"search {tmp_path}/blank", 1)
    assert (value["found"], value["plan"]["partitions"]) == ([], [])
    assert "--deep looks at every sector" in call(capsys, f"search {tmp_path}/blank", 1)
    assert run(["parts", "search", f"{tmp_path}/blank", "--script", f"{tmp_path}/out"]) == 1
    assert not (tmp_path / "out").exists()


def test_unread_areas_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lost.map").write_text(f"0 + 1\n0 {3 * MIB} +\n{3 * MIB} {37 * MIB} -\n{40 * MIB} {40 * MIB} +\n")
    value = document(capsys, "search lost.img --map lost.map --deep")
    assert [one["start"] for one in value["found"]] == [MIB, 50 * MIB]
    assert value["unread_bytes"] == 37 * MIB
    assert value["unread"] == [{"start": 3 * MIB, "size": 37 * MIB}]
    assert "never read, and so not searched: 37.0 MiB" in call(capsys, "search lost.img --map lost.map")


def test_hostile_labels_cannot_write_to_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(folder / "lost.img", MIB + 512 + 2 * 3 * 512, b"\x1b[31m\x9b1m" + b"    ")
    for offset in range(0, 16 * 512, 32):
        put(folder / "lost.img", MIB + 512 + 6 * 512 + offset, b"\x1b[31mRED\n  \x08" + bytes(20))
    text = call(capsys, "search lost.img --all")
    assert "\x1b" not in text
    assert "\x9b" not in text


# --- in the background


def ended(directory: Path) -> jobs.Job:
    for change in jobs.watch(directory, period_s=0.05):
        if not change.job.live:
            return change.job
    return jobs.load(directory)


def test_a_job_searches_a_case(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case = create_case(folder / "case", title="lost", image=folder / "lost.img")
    told = document(capsys, "search case --deep --detach")
    job = ended(Path(told["directory"]))
    assert job.state is jobs.JobState.DONE, job.error
    assert job.result == {"volumes": 3, "lost": 3, "unread_bytes": 0}
    assert Path(told["directory"]).parent == case.jobs_dir
    found = load_result(told["directory"])
    assert [find.kind for find in found.lost] == ["fat12", "fat16", "ntfs"]
    again = document(capsys, f"search case --job {told['job']}")
    now = document(capsys, "search case --deep")
    assert again["found"] == now["found"]
    assert again["plan"] == now["plan"]
    assert [action.facts["lost"] for action in read_history(case) if action.action == "partitions-searched"] == [3]
    assert run(["parts", "search", "whole.img", "--window", "0+1M", "--job", told["job"]]) == 3
    assert "searched something else" in capsys.readouterr().err


def test_a_stopped_job_goes_on(made: Makery, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    with open(disk, "wb") as file:
        file.truncate(1536 * MIB)
    copy_into(disk, 3 * MIB, made("fat16"))
    copy_into(disk, 1400 * MIB + 512, made("ntfs"))
    arguments = {"source": str(disk), "map": None, "window": None, "sector_size": None, "deep": True}
    job = jobs.start("partition-search", arguments, tmp_path / "jobs")
    jobs.stop(job.directory)
    job = ended(job.directory)
    runs = 1
    if job.state is jobs.JobState.STOPPED:  # else it was too quick for us
        with pytest.raises(OutsideError):
            load_result(job.directory)
        job = ended(jobs.resume(job.directory).directory)
        runs = 2
    assert job.state is jobs.JobState.DONE, job.error
    assert job.runs == runs
    assert [(find.start, find.kind) for find in load_result(job.directory).volumes] == [
        (3 * MIB, "fat16"), (1400 * MIB + 512, "ntfs"),
    ]  # fmt: skip


def test_devices_need_a_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["parts", "search", "/dev/nothing", "--detach"]) == 2
    assert "make a case" in capsys.readouterr().err


