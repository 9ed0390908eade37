"""Are the tests worth their name? Small faults are put into the code, and some test must notice each (see `__main__`).

It runs by hand, not with the other tests. What came of it, and how to repeat it: docs/mutation.md.
"""
