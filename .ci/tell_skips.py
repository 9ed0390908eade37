"""Says how many tests were skipped, and why, from pytest's JUnit reports."""

from __future__ import annotations

import sys
from collections import Counter
from xml.etree import ElementTree

reasons: Counter[str] = Counter()
total = 0
for path in sys.argv[1:]:
    for case in ElementTree.parse(path).iter("testcase"):
        total += 1
        for skipped in case.findall("skipped"):
            reasons[skipped.get("message") or "no reason given"] += 1

print(f"{reasons.total()} of {total} tests skipped")
for reason, count in reasons.most_common():
    print(f"  {count} x {reason}")
sys.exit(0 if total else "no test was run")
