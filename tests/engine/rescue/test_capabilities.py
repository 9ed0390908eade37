from __future__ import annotations

import os
import stat

import pytest

from engine.errors import OutsideError
from engine.rescue.capabilities import parse_help, probe
from engine.rescue.option_table import OPTIONS, SHOWN_ELSEWHERE, Kind
from tests.engine.rescue.help_texts import captured_127, described_128, described_129, described_130
from tests.support import needs_tool


def test_captured_help_gives_version_names_and_letters():
    caps = parse_help(*captured_127())
    assert caps.version == (1, 27)
    assert caps.letters["verify-on-error"] == "J"
    assert caps.letters["no-trim"] == "N"
    assert caps.letters["cpass"] == ""
    assert "sector-size" in caps.valued
    assert "idirect" not in caps.valued
    assert not caps.sweeps


def test_table_knows_every_option_of_the_captured_version_with_its_letter_and_kind():
    caps = parse_help(*captured_127())
    known = {long for spec in OPTIONS.values() for long in spec.longs}
    assert set(caps.letters) - known == SHOWN_ELSEWHERE
    for spec in OPTIONS.values():
        long = caps.resolve(spec.longs, spec.letter)
        if long is None:
            assert spec.since > (1, 27), spec.name
            continue
        assert (long in caps.valued) == (spec.kind not in (Kind.FLAG, Kind.LEVEL)), spec.name
        if spec.letter:
            assert caps.letters[long] == spec.letter


def test_renamed_options_are_found_by_known_name_or_letter():
    caps = parse_help(*described_128())
    check, size = OPTIONS["check_on_error"], OPTIONS["check_input_size"]
    assert caps.resolve(check.longs, check.letter) == "check-on-error"
    assert caps.resolve(size.longs, size.letter) == "some-new-name"


def test_later_versions():
    assert parse_help(*described_129()).has("continue-on-errno")
    assert parse_help(*described_129()).reopens_in_all_phases
    caps = parse_help(*described_130())
    assert caps.version == (1, 30)
    assert caps.version_text == "1.30-rc1"
    assert caps.sweeps
    trim = OPTIONS["no_trim"]
    assert caps.resolve(trim.longs, trim.letter) == "no-trim"  # not --no-sweep, which has its old letter


@pytest.mark.parametrize(
    ("help_text", "version_text", "code"),
    [
        ("dd_rescue Version 1.99, garloff@suse.de", "dd_rescue 1.99", "not-ddrescue"),
        ("", "", "not-ddrescue"),
        ("Usage: ddrescue infile outfile [mapfile]", "GNU ddrescue 1.19\n", "old-ddrescue"),
        ("\x1b[2Jmapfile", "\x1b]0;evil\x07\n", "not-ddrescue"),
    ],
)
def test_other_programs_are_refused(help_text, version_text, code):
    with pytest.raises(OutsideError) as caught:
        parse_help(help_text, version_text)
    assert caught.value.code == code
    assert "\x1b" not in str(caught.value)


@needs_tool("ddrescue")
def test_probe_of_the_installed_one():
    caps = probe()
    assert os.path.isabs(caps.path)
    assert caps.has("cpass")
    assert probe() is caps


def test_probe_asks_again_when_the_program_changes(tmp_path):
    program = tmp_path / "ddrescue"

    def install(version):
        program.write_text(f'#!/bin/sh\necho "GNU ddrescue {version}"\necho "  -n, --no-scrape  mapfile"\n')
        program.chmod(stat.S_IRWXU)
        os.utime(program, ns=(0, len(version) * 1000))

    install("1.27")
    assert probe(str(program)).version == (1, 27)
    install("1.28.1")
    assert probe(str(program)).version == (1, 28, 1)
