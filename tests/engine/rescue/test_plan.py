from __future__ import annotations

import dataclasses

import pytest

from engine.errors import UsageError
from engine.mapfile.model import Mapfile
from engine.ranges import RangeSet
from engine.rescue.domain import totals_in
from engine.rescue.options import RescueOptions
from engine.rescue.outcome import Ending
from engine.rescue.plan import LEFT, PassRecord, next_pass, single_pass
from engine.rescue.recipes import RECIPES

BASE = RescueOptions(idirect=True)


def blocks(*parts):
    at, made = 0, []
    for size, status in parts:
        made.append((at, size, status))
        at += size
    return Mapfile.from_blocks(made)


def ran(recipe, known, ending=Ending.FINISHED, before=None):
    after = known.totals().bytes
    return PassRecord(recipe, ending, before or after, after)


def test_the_order_is_most_data_for_least_harm():
    known = blocks((100, "+"), (50, "?"), (20, "*"), (10, "/"), (5, "-"))
    order = []
    history = []
    for chars in ("?", "*", "/", "-"):
        plan = next_pass(known, history, BASE)
        order.append(plan.next.recipe)
        assert plan.reason
        assert plan.next.options.idirect
        for area in known.ranges(chars):
            known = known.set_range(*area, "+")
    assert order == ["copy", "trim", "scrape", "retry-reverse"]
    assert next_pass(known, history, BASE).next is None
    assert next_pass(known, history, BASE).reason == "everything is rescued"
    for part, reason in ((100, "everything in the chosen part is rescued"), (185, "everything is rescued")):
        assert next_pass(known, history, BASE, domain=RangeSet.of(0, part)).reason == reason


def test_nothing_read_yet():
    plan = next_pass(None, [], BASE, size=1000)
    assert (plan.next.recipe, plan.next.start, plan.next.size, plan.next.direction) == ("copy", 0, 1000, "forwards")


def test_a_recipe_that_leaves_the_same_is_not_run_again():
    known = blocks((100, "+"), (50, "?"))
    plan = next_pass(known, [ran("copy", known)], BASE)
    assert plan.next.recipe == "sweep"
    plan = next_pass(known, [ran("copy", known), ran("sweep", known)], BASE)
    assert plan.next is None
    assert "50 B" in plan.reason
    # interrupted ones do not count, those that a person left do
    assert next_pass(known, [ran("copy", known, Ending.STOPPED)], BASE).next.recipe == "copy"
    assert next_pass(known, [ran("copy", known, LEFT)], BASE).next.recipe == "sweep"


def test_retries_change_sides_and_end():
    known = blocks((100, "+"), (50, "-"))
    better = ((100, 0, 0, 0, 60))
    gained = PassRecord("retry-reverse", Ending.FINISHED, better, known.totals().bytes)
    names = []
    history = []
    while (plan := next_pass(known, history, BASE, retries=3)).next is not None:
        names.append(plan.next.recipe)
        history.append(dataclasses.replace(gained, recipe=plan.next.recipe, before=(90, 0, 0, 0, 60)))
    assert names == ["retry-reverse", "retry", "retry-reverse"]
    assert plan.next is None
    assert next_pass(known, [], BASE, retries=0).next is None


def test_retries_end_early_when_they_bring_nothing():
    known = blocks((100, "+"), (50, "-"))
    history = [ran("retry-reverse", known), ran("retry", known)]
    plan = next_pass(known, history, BASE, retries=9)
    assert plan.next is None
    assert "brought nothing" in plan.reason


def test_only_the_domain_counts():
    known = blocks((100, "+"), (50, "?"), (50, "-"))
    domain = RangeSet([(0, 100), (150, 160)])
    plan = next_pass(known, [], BASE, domain=domain)
    assert plan.next.recipe == "retry-reverse"
    assert (plan.next.start, plan.next.size) == (150, 10)
    assert next_pass(known, [], BASE, domain=RangeSet.of(0, 100)).next is None
    assert totals_in(known, RangeSet.of(90, 300)).bytes == (10, 150, 0, 0, 50)


def test_single_pass_and_unknown_recipes():
    known = blocks((100, "+"), (50, "?"), (10, "-"))
    for name in RECIPES:
        made = single_pass(name, known, BASE, size=160)
        assert made.start + made.size <= 160
    with pytest.raises(UsageError):
        single_pass("nonsense", known, BASE, size=160)


def test_records_survive_json():
    record = PassRecord("copy", Ending.FINISHED, (1, 2, 3, 4, 5), (5, 4, 3, 2, 1))
    assert PassRecord.from_json(record.to_json()) == record
    for broken in ({}, {"recipe": "x"}, {**record.to_json(), "after": [1]}, {**record.to_json(), "before": None}):
        with pytest.raises(ValueError):
            PassRecord.from_json(broken)
