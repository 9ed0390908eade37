"""The runner with the kinds of the tests: ``python -m tests.engine.jobs.job_runner DIRECTORY``."""

from __future__ import annotations

import sys

from engine.jobs.run import main
from tests.engine.jobs.job_kinds import KINDS_OF_TESTS

if __name__ == "__main__":
    sys.exit(main(kinds=KINDS_OF_TESTS))
