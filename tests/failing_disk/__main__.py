"""`python -m tests.failing_disk MOUNT_DIR --image IMAGE ...`, or from anywhere `python tests/failing_disk ...`."""

from __future__ import annotations

import os
import sys

if not __package__:
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from tests.failing_disk.server import main

if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # libfuse's threads are gone or idle; there is nothing to wait for
