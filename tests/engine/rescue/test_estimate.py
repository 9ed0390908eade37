from __future__ import annotations

import pytest

from engine.mapfile.model import Totals
from engine.rescue.estimate import Estimator, RateRecorder


def totals(*amounts):
    return Totals(amounts, (1, 1, 1, 1, 1))


def test_copying_is_measured_by_what_is_left_untried():
    one = Estimator()
    for second in range(11):
        now = totals(0, 1000 - 10 * second, 5 * second, 0, 0)
        one.add(second, "copying", now)
    left = one.remaining(now)
    assert left.seconds == pytest.approx(90)
    assert "1 min 30 s for copying" in left.text
    assert "50 B of slow areas" in left.text


def test_nothing_is_promised_without_a_measurement():
    one = Estimator()
    assert one.remaining(totals(0, 5, 0, 0, 0)).seconds is None
    one.add(0, "copying", totals(0, 5, 0, 0, 0))
    one.add(1, "copying", totals(0, 4, 0, 0, 0))
    assert one.remaining(totals(0, 4, 0, 0, 0)).seconds is None


def test_standing_still_is_said():
    one = Estimator()
    for second in range(10):
        one.add(second, "copying", totals(0, 5, 0, 0, 0))
    left = one.remaining(totals(0, 5, 0, 0, 0))
    assert left.seconds is None
    assert "nothing gets done" in left.text


def test_very_long():
    one = Estimator()
    for second in range(10):
        now = totals(0, 10**12 - second, 0, 0, 0)
        one.add(second, "copying", now)
    assert one.remaining(now).text.startswith("more than 2 days")


def test_a_new_phase_is_measured_anew_and_old_seconds_are_forgotten():
    one = Estimator(window_s=10)
    for second in range(100):
        one.add(second, "copying", totals(0, 10**6 - (1000 * second if second < 50 else 50000), 0, 0, 0))
    assert one.rate == 0
    one.add(100, "scraping", totals(0, 0, 0, 512 * 100, 0))
    assert one.rate is None
    one.add(104, "scraping", totals(0, 0, 0, 512 * 96, 0))
    assert one.rate == 512
    assert one.remaining(totals(0, 0, 0, 512 * 96, 0)).seconds == pytest.approx(96)


def test_a_map_that_was_repaired_begins_a_new_measurement():
    one = Estimator()
    for second in range(5):
        one.add(second, "copying", totals(0, 100 - second, 0, 0, 0))
    one.add(5, "copying", totals(0, 500, 0, 0, 0))
    assert one.rate is None


def test_retrying_has_no_estimate():
    one = Estimator()
    one.add(0, "retrying", totals(0, 0, 0, 0, 4096))
    assert one.remaining(totals(0, 0, 0, 0, 4096)).seconds is None


def test_rates_of_any_length_fit_in_240_numbers_and_keep_their_mean():
    recorder = RateRecorder()
    for second in range(10_000):
        recorder.add(second % 100)
    history = recorder.history
    assert len(history.rates) <= 240
    assert history.step_s * len(history.rates) >= 9_900
    assert sum(history.rates) / len(history.rates) == pytest.approx(49.5, abs=2)


def test_uneven_seconds():
    recorder = RateRecorder()
    recorder.add(100, 0.5)
    recorder.add(200, 1.5)
    assert recorder.history.rates == (150, 200)
