"""A selection as a file of its own, through the same door as everything else that leaves."""

from __future__ import annotations

from pathlib import Path

from engine.cases.subject import Subject
from engine.errors import DamagedError, OutsideError, UsageError
from engine.extract import Item, Options, Written, extract
from engine.progress import SILENT, Reporter
from engine.source import Source, WindowSource


def save_selection(
    source: Source, start: int, end: int, path: Path, *, subject: Subject | None = None, reporter: Reporter = SILENT
) -> Written:
    """Write ``[start, end)`` of ``source`` to ``path``; what nobody has read stays a hole and is told beside it.

    A file that is there already is refused. Raises ``UsageError``, ``OutsideError``, ``CancelledError``.
    """
    if not 0 <= start < end <= source.size:
        raise UsageError("nothing is selected", advice="v begins a selection, v ends it")
    target = path.absolute()
    if target.exists():
        raise OutsideError("the output file exists already", code="exists", path=target, advice="name another one")
    if not target.parent.is_dir():
        raise OutsideError("there is no such folder", code="missing", path=target.parent, advice="check the name")
    facts = {"source": str(subject.path if subject is not None else source.path), "start": start, "end": end}
    item = Item(target.name, _Part(source, start, end - start), facts=facts)
    report = extract([item], target.parent, Options(existing="refuse"), reporter)
    if report.failed:
        problem = report.failed[0].problem
        raise DamagedError(problem.message, code=problem.code, path=target, offset=problem.offset)
    return report.written[0]


class _Part(WindowSource):
    """A window that leaves the source below open: the view goes on with it."""

    def close(self) -> None:
        return
