"""One input, judged: what it did to a target beyond what it may."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from engine.errors import RescueError
from tests.fuzz.limits import TooLong, TooMuchWork, time_limit
from tests.fuzz.target import Target, harmless, texts

_TOLD = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """``kind``: crash, hang, work, memory or text. ``place``: where in the engine, so that one fault counts once."""

    kind: str
    place: str
    words: str

    @property
    def slug(self) -> str:
        """A file name for it."""
        return "".join(char if char.isalnum() else "-" for char in f"{self.kind}-{self.place}")[:120]


def judge(target: Target, data: bytes) -> tuple[Fault | None, float]:
    """The fault that an input brings out, or None; and its seconds of processor time."""
    begun = time.process_time()
    try:
        with time_limit():
            try:
                result = target.run(data)
            except RescueError as error:
                result = (error.message, error.advice)
            bad = next((text for text in texts(result) if not harmless(text)), None)
    except TooLong as error:
        fault: Fault | None = _fault("hang", error)
    except TooMuchWork as error:
        fault = _fault("work", error)
    except MemoryError as error:
        fault = _fault("memory", error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        fault = _fault("crash", error)
    else:
        fault = None if bad is None else Fault("text", target.name, f"would reach a terminal as it is: {bad[:300]!r}")
    return fault, time.process_time() - begun


def _fault(kind: str, error: BaseException) -> Fault:
    told = "".join(traceback.format_exception(error)[-_TOLD:])
    return Fault(kind, f"{type(error).__name__} {_innermost(error.__traceback__)}", told)


def _innermost(trace: TracebackType | None) -> str:
    """The last place of the engine that it came through, else the last place at all."""
    place = "nowhere"
    for frame, line in traceback.walk_tb(trace):
        path = Path(frame.f_code.co_filename)
        if "engine" in path.parts and "tests" not in path.parts:
            place = f"{path.parent.name}/{path.name}:{line}"
        elif place == "nowhere" or place.startswith("tests "):
            place = f"tests {path.name}:{line}"
    return place
