from __future__ import annotations

import shlex

import pytest

from engine.errors import UsageError
from engine.rescue.capabilities import parse_help
from engine.rescue.command import build
from engine.rescue.options import RescueOptions
from engine.rescue.recipes import RECIPES, STANDARD, RecipeKind, apply, find_recipe
from tests.engine.rescue.help_texts import captured_127, described_128, described_130

CAPS = parse_help(*captured_127(), path="/usr/bin/ddrescue")


def argv(options, caps=CAPS):
    return build(caps, options, "/dev/x", "/i", "/m").argv


def test_long_names_in_table_order_then_absolute_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = RescueOptions(idirect=True, sector_size=4096, input_position=512, reverse=True, verbose=2)
    made = build(CAPS, options, "/dev/disk/by-id/x", "-image", "map file")
    assert made.argv == (
        "/usr/bin/ddrescue", "--input-position=512", "--reverse", "--sector-size=4096", "--idirect", "--verbose",
        "--verbose", "/dev/disk/by-id/x", f"{tmp_path}/-image", f"{tmp_path}/map file",
    )  # fmt: skip
    assert shlex.split(made.shown) == ["ddrescue", *made.argv[1:]]


def test_paired_options_become_one_argument():
    assert "--skip-size=65536,1048576" in argv(RescueOptions(skip_size=65536, max_skip_size=1 << 20))
    assert "--skip-size=,1048576" in argv(RescueOptions(max_skip_size=1 << 20))
    assert "--skip-size=0" in argv(RescueOptions(skip_size=0))
    assert "--mapfile-interval=1,5" in argv(RescueOptions(map_save_interval=1, map_sync_interval=5))
    assert "--max-bad-areas=+3" in argv(RescueOptions(max_new_bad_areas=3))
    assert "--max-bad-areas=3" in argv(RescueOptions(max_bad_areas=3))


def test_spelling_follows_the_version():
    options = RescueOptions(idirect=True, check_on_error=True, no_trim=True, no_sweep=True, check_input_size=True)
    assert argv(options)[1:-3] == ("--no-trim", "--idirect", "--verify-on-error", "--verify-input-size")
    assert "--check-on-error" in argv(options, parse_help(*described_128()))
    assert "--some-new-name" in argv(options, parse_help(*described_128()))
    newest = argv(options, parse_help(*described_130()))
    assert "--no-trim" in newest
    assert "--no-sweep" in newest


@pytest.mark.parametrize("path", ["-", "--force", "-m"])
def test_no_path_is_read_as_an_option_or_standard_input(path):
    made = build(CAPS, RescueOptions(domain_mapfile=path), path, path, path)
    assert all(not argument.startswith("-") for argument in made.argv[-3:])
    assert made.argv[1].startswith("--domain-mapfile=/")


def test_shown_command_carries_no_control_characters():
    shown = build(CAPS, RescueOptions(), "/dev/x", "/a\x1b[2J\nb", "/m").shown
    assert "\x1b" not in shown
    assert "\n" not in shown


def test_impossible_ones_are_refused():
    for options in (RescueOptions(quiet=True), RescueOptions(continue_on_errno="5")):
        with pytest.raises(UsageError):
            argv(options)
    with pytest.raises(UsageError):
        build(CAPS, RescueOptions(), "", "/i", "/m")
    with pytest.raises(UsageError):
        build(CAPS, RescueOptions(), "/a\0b", "/i", "/m")


def test_every_recipe_makes_a_command_and_says_what_it_does():
    for recipe in RECIPES.values():
        made = argv(apply(recipe, RescueOptions(size=512)))
        assert made[0] == "/usr/bin/ddrescue"
        assert len(recipe.explain) > 30
        assert recipe.kind is (RecipeKind.PASS if recipe.statuses else RecipeKind.MODIFIER)
    assert set(STANDARD) <= set(RECIPES)
    with pytest.raises(UsageError):
        find_recipe("no such thing")


def test_the_careful_pass_is_what_was_measured_to_lose_one_cluster_only():
    made = argv(apply(find_recipe("careful"), RescueOptions(sector_size=512)))
    needed = {"--idirect", "--verify-on-error", "--no-scrape", "--no-trim", "--skip-size=0", "--cpass=1"}
    assert needed | {"--mapfile-interval=1,5"} <= set(made)
