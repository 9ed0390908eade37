"""Load: what days of work do to the deck. ``python -m tests.load [names] [--small]``.

Every ``load_NAME.py`` here is found by itself and holds ``async run(report: Report) -> None``: it makes a case as large
as cases get, opens the real deck on it without a terminal, and presses keys. Told are the times from a key to its
picture, by kind of key, what the process takes in memory and what lies on the disk afterwards. Times are for the reader
and depend on the machine; what must hold everywhere (memory flat, files bounded, nothing lost) ends the run with an
error when it does not. ``--small`` does the same with less of it, in seconds: that is what the tests run.
"""
