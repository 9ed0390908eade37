"""Benchmarks: what rescuedeck costs against anchors measured in the same run. ``python -m tests.bench [names]``.

Every ``bench_NAME.py`` here is found by itself and holds ``run(report: Report) -> None``. Absolute times say little on
a shared machine; the ratios to an anchor (the tool that people would use instead, or the bare system call) do.
"""
