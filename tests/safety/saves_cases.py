"""Cases and the small files in them, reports."""

from __future__ import annotations

from pathlib import Path

from engine.errors import NotFoundError
from tests.safety.pieces import after, anew, cli, files, guarded, image, nothing
from tests.safety.sweep import Scenario, State


def _case(folder: Path) -> None:
    after(folder, image, ("case", "create", "case", "--title", "old", "--source", folder / "disk.img"))


def _look_case(folder: Path) -> State:
    from engine.cases import load_case, read_history

    try:
        case = load_case(folder / "case")
    except NotFoundError:
        return {"title": None, "history": ()}
    return {"title": case.title, "history": tuple(entry.action for entry in read_history(case))}


@guarded
def _change_case(folder: Path) -> None:
    import dataclasses

    from engine.cases import load_case, record
    from engine.cases.case import save_case

    case = load_case(folder / "case")
    save_case(dataclasses.replace(case, title="new"))
    if not any(entry == "renamed" for entry in _look_case(folder)["history"]):  # type: ignore[attr-defined]
        record(case, "renamed", note="y" * 3000)


@guarded
def _small_files(folder: Path) -> None:
    """What a case keeps beside: bookmarks, options, strategy, a request to a rescue, its status."""
    from engine.cases.subject import Subject
    from engine.hex.bookmarks import Bookmark, add_bookmark
    from engine.rescue.control import send
    from engine.rescue.options import RescueOptions
    from engine.rescue.presets import StrategyPreset, save_preset, save_strategy

    add_bookmark(Subject(folder / "disk.img", None), Bookmark(512, 16, "here"))
    save_preset(folder / "case", RescueOptions(retry_passes=2))
    save_strategy(folder / "case", StrategyPreset("drop-off", 12.0))
    send(folder / "case", "pause")


def _look_small_files(folder: Path) -> State:
    from engine.cases.subject import Subject
    from engine.hex.bookmarks import load_bookmarks
    from engine.rescue.control import read_request
    from engine.rescue.presets import load_preset, load_strategy

    options, request = load_preset(folder / "case"), read_request(folder / "case")
    strategy = load_strategy(folder / "case")
    assert not strategy.ignored
    return {
        "marks": tuple(mark.name for mark in load_bookmarks(Subject(folder / "disk.img", None))),
        "retries": None if options is None else options.retry_passes,
        "strategy": (strategy.strategy, strategy.hang_limit_s),
        "request": None if request is None else request.action,
    }


def _report_of(folder: Path) -> State:
    path = folder / "case.html"
    return {"report": path.read_bytes().endswith(b"</html>\n") if path.exists() else None}


def _reported(folder: Path) -> None:
    _case(folder)
    after(folder, nothing, ("report", "case", "-o", "case.html"))
    assert _change_case(folder) == 0


def _report_title(folder: Path) -> State:
    text = (folder / "case.html").read_text()
    return {**_report_of(folder), "title": "new" in text}


_SAVE = ("hex", "disk.img", "--at", "512", "--size", "70000", "--save", "out.bin")
CASES = [
    Scenario("case create", image, cli("case", "create", "case", "--title", "t", "--source", "disk.img"), _look_case,
             resumes=False),
    Scenario("case change", _case, _change_case, _look_case),
    Scenario("case files", _case, _small_files, _look_small_files),
    Scenario("report", _case, cli("report", "case", "-o", "case.html"), _report_of),
    Scenario("report again", _reported, cli("report", "case", "-o", "case.html", "--force"), _report_title),
    Scenario("hex save", image, cli(*_SAVE), files, again=anew(cli(*_SAVE), "out.bin*")),
]  # fmt: skip
