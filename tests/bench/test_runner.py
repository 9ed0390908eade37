"""The benchmark runner itself: finds what is there, measures by turns, prints ratios. No figure is judged here."""

from __future__ import annotations

import io
import json
import sys
from importlib import import_module
from pathlib import Path

import pytest

from tests.bench import __main__ as runner
from tests.bench.report import Report, command


def test_every_benchmark_is_found_and_can_run():
    assert "mapfile" in runner.names()
    for name in runner.names():
        assert callable(import_module(f"tests.bench.bench_{name}").run)


def test_ours_and_the_anchor_take_turns(tmp_path: Path):
    out, calls = io.StringIO(), []
    report = Report(tmp_path, rounds=3, out=out, bench="trial")
    report.against("this", lambda: calls.append("ours"), lambda: calls.append("anchor"), "that", aim=1e9)
    assert calls == ["ours", "anchor"] * 3
    assert report.rows[0].ratio is not None
    assert "met" in out.getvalue()
    report.value("bytes", 300, "B/s", 200, "bare", aim=1)
    assert report.rows[1].ratio == 1.5
    assert "MISSED" in out.getvalue()
    report.time("alone", lambda: None)
    assert report.rows[2].ratio is None


def test_sizes_of_a_small_run(tmp_path: Path):
    assert Report(tmp_path, small=True).sizes(1_000, 1_000_000) == (1_000,)
    assert Report(tmp_path).sizes(1_000, 1_000_000) == (1_000, 1_000_000)


def test_a_failing_anchor_is_no_figure(tmp_path: Path):
    command([sys.executable, "-c", "print(5)"], tmp_path / "out")()
    assert (tmp_path / "out").read_text() == "5\n"
    with pytest.raises(RuntimeError):
        command([sys.executable, "-c", "raise SystemExit(3)"])()
    command([sys.executable, "-c", "raise SystemExit(3)"], ok=(3,))()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    class Trial:
        @staticmethod
        def run(report: Report) -> None:
            report.against("this", lambda: None, lambda: None, "that")

    monkeypatch.setattr(runner, "names", lambda: ["trial"])
    monkeypatch.setattr(runner, "import_module", lambda name: Trial)
    assert runner.main(["--rounds", "1", "--json", str(tmp_path / "figures")]) == 0
    assert "trial" in capsys.readouterr().out
    assert json.loads((tmp_path / "figures").read_text())[0]["bench"] == "trial"
    with pytest.raises(SystemExit):
        runner.main(["nonsense"])
