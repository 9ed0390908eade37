"""The loads in small: what must hold under load (memory flat, files bounded, nothing lost) holds; all of them run."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.load import __main__ as runner
from tests.load.report import BrokenError, Report
from tests.load.typist import Typist, typing
from tests.tui.shell import run


@pytest.mark.full
@pytest.mark.parametrize("name", runner.names())
def test_in_small(name: str, tmp_path: Path) -> None:
    report = runner.run_one(name, tmp_path, small=True)
    assert report.figures


def test_what_does_not_hold_ends_the_run() -> None:
    out = io.StringIO()
    report = Report(Path(), out=out, load="trial")
    report.must("this holds", True, 5)
    with pytest.raises(BrokenError, match="trial: does not hold: that"):
        report.must("that", False, 7)
    report.keys({"j": [(0.001, 0.0005), (0.2, 0.15)], "none": []})
    assert [figure.value for figure in report.figures if figure.name == "j most"] == [200]
    assert " late" in out.getvalue() and "none" not in out.getvalue()
    assert Report(Path(), small=True).size(9, 1) == 1


def test_a_key_is_painted_before_the_next(tmp_path: Path) -> None:
    async def type_() -> None:
        async with typing(None) as typist:
            assert isinstance(typist, Typist)
            before = typist.app.sent
            await typist.press("question_mark", kind="help")
            assert "one row up" in typist.text() and typist.app.sent > before
            ((wall, cpu),) = typist.times["help"]
            assert cpu > 0 and wall > 0
            assert typist.weigh() > 1 << 20

    run(type_)


def test_unknown_names_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert {"editor", "titles", "files", "carve", "rescue", "history"} <= set(runner.names())
    with pytest.raises(SystemExit):
        runner.main(["nonsense"])
