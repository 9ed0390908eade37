"""Everything that is kept as JSON and read again, with each of its values in turn replaced by one that has hurt before:
an infinite number is no integer, ten thousand digits are none either, and nesting is deeper than Python likes."""

from __future__ import annotations

import re

import pytest

from tests.fuzz.judging import judge
from tests.fuzz.targets import kept

VALUES = (b"1e999", b"-1e999", b"NaN", b"null", b"-1", b"[]", b"{}", b'"x"', b"9" * 5000, b"[" * 3000, b"true",
          b'"\\u001b[2J\\u202e"', b'"\\ud800"')  # fmt: skip
_VALUE = re.compile(rb'(?<=: )(?:"(?:[^"\\]|\\.)*"|-?[0-9.e+]+|true|false|null|\[\]|\{\})|(?<=[\[ ])-?[0-9.]+(?=[,\]])')
_NAME = re.compile(rb'"[a-z_]+"(?=: )')


@pytest.mark.parametrize("target", kept.TARGETS, ids=lambda one: one.name)
def test_every_value_replaced(target):
    places = 0
    for seed in target.seeds():
        # A long list has many values of one kind: some of them stand for all.
        found = list(_VALUE.finditer(seed))
        for match in found[:: max(1, len(found) // 40)]:
            places += 1
            for value in VALUES:
                _check(target, seed[: match.start()] + value + seed[match.end() :])
        for match in list(_NAME.finditer(seed))[:40]:
            _check(target, seed[: match.start()] + b'"\\u001b[2J"' + seed[match.end() :])
    assert places > 5


def _check(target, data: bytes) -> None:
    fault, _seconds = judge(target, data)
    assert fault is None, f"{data[:2000]!r}\n{fault.words}"
