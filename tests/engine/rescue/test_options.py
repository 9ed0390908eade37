from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.rescue.capabilities import parse_help
from engine.rescue.checks import Severity, check_options
from engine.rescue.option_table import OPTIONS, Kind
from engine.rescue.options import RescueOptions
from tests.engine.rescue.help_texts import captured_127


def test_every_option_of_the_table_is_a_field_and_the_other_way_round():
    fields = [field.name for field in dataclasses.fields(RescueOptions)]
    assert sorted(fields) == sorted(OPTIONS)
    for spec in OPTIONS.values():
        default = RescueOptions().get(spec.name)
        assert default is (False if spec.kind is Kind.FLAG else None)
        assert spec.explain


def _values(spec):
    if spec.kind is Kind.FLAG:
        return st.booleans()
    if spec.kind is Kind.PATH:
        return st.text(st.characters(exclude_characters="\0\n", exclude_categories=("Cs",)), min_size=1, max_size=20)
    if spec.kind is Kind.TEXT:
        return st.sampled_from({"cpass": ["0", "1-3,5"], "fill_mode": ["?-", "l"]}.get(spec.name, ["5", "5,110"]))
    return st.integers(spec.low, spec.high) | st.sampled_from([spec.low, *spec.also])


@given(st.fixed_dictionaries({}, optional={spec.name: _values(spec) for spec in OPTIONS.values()}))
def test_json_round_trip(values):
    options = RescueOptions().with_values(**values)
    assert RescueOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("cluster-size", "8", 8),
        ("input_position", "1M", 1 << 20),
        ("timeout", "5m", 300),
        ("idirect", "", True),
        ("idirect", "no", False),
        ("verify-on-error", "yes", True),
        ("log_reads", "/tmp/a b", "/tmp/a b"),
        ("retry_passes", "-1", -1),
        ("skip_size", "0", 0),
        ("size", "default", None),
    ],
)
def test_text_values(name, text, value):
    options = RescueOptions(size=5).with_text(name, text)
    key = name.replace("-", "_").replace("verify_on", "check_on")
    assert options.get(key) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cluster_size", "0"), ("cluster_size", "many"), ("skip_size", "1000"), ("cpass", "6"), ("cpass", "1;reboot"),
        ("verbose", "5"), ("timeout", "-1"), ("timeout", "1.5"), ("fill_mode", "x"), ("fill_mode", "--"),
        ("map_sync_interval", "4"),
        ("continue_on_errno", "EIO"), ("domain_mapfile", ""), ("nonsense", "1"),
        ("data_preview", "33"), ("idirect", "maybe"),
    ],
)  # fmt: skip
def test_wrong_values_are_refused_with_a_reason(name, text):
    with pytest.raises(UsageError) as caught:
        RescueOptions().with_text(name, text)
    assert caught.value.exit_code == 2
    assert caught.value.message


@pytest.mark.parametrize("value", [{"idirect": 1}, {"cluster_size": True}, {"cluster_size": "8"}, {"x": 1}, [], None])
def test_json_of_other_shape_is_refused(value):
    with pytest.raises(UsageError):
        RescueOptions.from_json(value)


@pytest.mark.parametrize(
    ("values", "severity", "option"),
    [
        ({"idirect": True, "sector_size": 520}, Severity.REFUSED, "sector_size"),
        ({"max_bad_areas": 1, "max_new_bad_areas": 1}, Severity.REFUSED, "max_new_bad_areas"),
        ({"skip_size": 0, "max_skip_size": 1 << 20}, Severity.REFUSED, "max_skip_size"),
        ({"skip_size": 1 << 21, "max_skip_size": 1 << 20}, Severity.REFUSED, "max_skip_size"),
        ({"map_save_interval": 60, "map_sync_interval": 30}, Severity.REFUSED, "map_sync_interval"),
        ({"same_file": True}, Severity.REFUSED, "same_file"),
        ({"command_mode": True}, Severity.REFUSED, "command_mode"),
        ({"continue_on_errno": "5"}, Severity.REFUSED, "continue_on_errno"),
        ({"input_position": 1 << 62, "size": 1 << 62}, Severity.REFUSED, "size"),
        ({"truncate": True}, Severity.DANGER, "truncate"),
        ({"fill_mode": "+"}, Severity.DANGER, "fill_mode"),
        ({"generate_mode": True}, Severity.DANGER, "generate_mode"),
        ({"input_position": 1000}, Severity.NOTE, "input_position"),
        ({"check_on_error": True}, Severity.NOTE, "check_on_error"),
        ({"no_sweep": True}, Severity.NOTE, "no_sweep"),
        ({}, Severity.NOTE, "idirect"),
    ],
)
def test_rules_between_options(values, severity, option):
    found = check_options(RescueOptions(**values), parse_help(*captured_127()))
    assert (severity, option) in {(finding.severity, finding.option) for finding in found}
    assert [finding.severity for finding in found] == sorted((f.severity for f in found), key=list(Severity).index)


def test_a_good_set_has_nothing_to_complain_about():
    options = RescueOptions(idirect=True, sector_size=4096, input_position=1 << 20, no_scrape=True, no_trim=True)
    assert check_options(options, parse_help(*captured_127())) == ()
