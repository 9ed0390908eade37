"""Themes: every variable that a sheet uses exists in every theme; statuses are told apart by everybody."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path

import pytest

from engine.devices import Device
from tests.tui.shell import deck, run, text, until
from themes import sheet, sheets
from themes.palettes import DESCRIPTIONS, MARKS, THEMES, choose
from tui.commands.open import THEME_NAMES
from tui.screens.help import HelpScreen
from tui.terminal import to_ascii

RGB = [name for name, theme in THEMES.items() if not theme.ansi]
Colour = tuple[float, float, float]


def linear(value: str) -> Colour:
    """sRGB hex to linear light."""
    parts = (int(value[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return red, green, blue


def seen_by(eye: str, colour: Colour) -> Colour:
    """What a dichromat sees (Vienot, Brettel and Mollon 1999)."""
    if eye == "normal":
        return colour
    r, g, b = colour
    long = 17.8824 * r + 43.5161 * g + 4.11935 * b
    middle = 3.45565 * r + 27.1554 * g + 3.86714 * b
    short = 0.0299566 * r + 0.184309 * g + 1.46709 * b
    if eye == "protanope":
        long = 2.02344 * middle - 2.52581 * short
    else:
        middle = 0.494207 * long + 1.24827 * short
    return (
        0.0809444479 * long - 0.130504409 * middle + 0.116721066 * short,
        -0.0102485335 * long + 0.0540193266 * middle - 0.113614708 * short,
        -0.000365296938 * long - 0.00412161469 * middle + 0.693511405 * short,
    )


def lab(colour: Colour) -> Colour:
    """CIE L*a*b*, D65."""
    r, g, b = (max(0.0, min(1.0, c)) for c in colour)
    x, y, z = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883,
    )
    fx, fy, fz = (t ** (1 / 3) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def luminance(value: str) -> float:
    r, g, b = linear(value)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("eye", ["normal", "deuteranope", "protanope"])
@pytest.mark.parametrize("name", RGB)
def test_statuses_keep_their_distance(name: str, eye: str) -> None:
    colours = [lab(seen_by(eye, linear(THEMES[name].variables[f"status-{mark.name}"]))) for mark in MARKS]
    assert min(math.dist(a, b) for a, b in itertools.combinations(colours, 2)) > 15


@pytest.mark.parametrize("name", RGB)
def test_text_can_be_read(name: str) -> None:
    theme = THEMES[name]
    ground = theme.background
    assert ground is not None
    for variable in ("text", "soft"):
        assert contrast(theme.variables[variable], ground) >= 4.5
        assert contrast(theme.variables[variable], theme.variables["bar"]) >= 4.5
    for colour in (theme.error, theme.warning, theme.accent, theme.success):
        assert colour is not None
        assert contrast(colour, ground) >= 4.5
    assert contrast(theme.variables["block-cursor-background"], theme.variables["block-cursor-foreground"]) >= 4.5
    for mark in MARKS:
        assert contrast(theme.variables[f"status-{mark.name}"], ground) >= 3
    for name in ("status-finished-text", "status-bad-text"):
        assert contrast(theme.variables[name], ground) >= 4.5, name


@pytest.mark.parametrize("name", RGB)
def test_what_stands_on_colour_can_be_read(name: str) -> None:
    """Letters in filled cells, at the cursor, in a selection, in the field under it; keys and alarms in bars."""
    theme, values = THEMES[name], THEMES[name].variables
    ground = str(theme.background)
    for mark in MARKS:
        if mark.name != "non-tried":  # it is drawn on the panel
            assert contrast(values[f"status-{mark.name}"], ground) >= 3, mark.name
    assert contrast(values["status-non-tried"], str(theme.panel)) >= 3
    for below, above in (
        ("map-selected", "map-selected-text"), ("map-cursor", "map-cursor-text"), ("field-now", "field-now-text"),
        ("block-cursor-blurred-background", "block-cursor-blurred-foreground"),
    ):  # fmt: skip
        assert contrast(values[below], values[above]) >= 4.5, below
    for field in ("field-a", "field-b", "field-c"):
        assert contrast(values[field], ground) >= 4.5, field
    for bar in (str(theme.accent), str(theme.error)):
        assert contrast(bar, values["bar"]) >= 3, "keys and what writes stand in bars, in bold"


def test_sixteen_colours_leave_out_what_is_dark_on_black() -> None:
    """The dark blue and red of many terminals cannot be read on black: text takes the bright ones."""
    ansi = THEMES["ansi"]
    texts = [ansi.variables[f"status-{name}-text"] for name in ("finished", "non-scraped", "bad")]
    dark = {"ansi_blue", "ansi_red", "ansi_magenta", "ansi_black", "ansi_bright_black"}
    assert not dark & {*texts, ansi.error, ansi.accent}


def test_every_status_has_its_own_letter_and_glyph_in_ascii_too() -> None:
    assert [mark.letter for mark in MARKS] == ["+", "?", "*", "/", "-"], "ddrescue's own"
    for form in ([m.glyph for m in MARKS], [to_ascii(m.glyph) for m in MARKS], [m.label for m in MARKS]):
        assert len(set(form)) == len(MARKS)


def test_the_16_colours_of_statuses_differ() -> None:
    values = [THEMES["ansi"].variables[f"status-{mark.name}"] for mark in MARKS]
    assert len(set(values)) == len(values)
    assert all(value.startswith("ansi_") for value in values)


def test_no_colour_outside_the_palettes() -> None:
    for path in sheets():
        css = re.sub(r"/\*.*?\*/", "", Path(path).read_text(), flags=re.DOTALL)
        for value in re.findall(r":\s*([^;{}]+);", css):
            named = re.search(r"(?<![\w$-])(#[0-9a-fA-F]{3,8}|rgb|hsl|red|green|blue|yellow|white|black)\b", value)
            assert not named, f"{path}: {value}"


def test_command_line_offers_exactly_these_themes() -> None:
    assert tuple(THEMES) == THEME_NAMES
    assert set(DESCRIPTIONS) == set(THEMES)


def test_theme_follows_the_terminal() -> None:
    assert choose("truecolor") == "dark"
    assert choose("256") == "dark"
    assert choose("16") == "ansi"
    assert choose("none", slow=True) == "mono"
    assert choose("truecolor", slow=True) == "ansi"


def test_a_sheet_that_is_not_there_is_told() -> None:
    with pytest.raises(FileNotFoundError):
        sheet("nothing")


@pytest.mark.parametrize("theme", list(THEMES))
def test_every_screen_stands_in_every_theme(theme: str, devices: list[Device], folder: Path) -> None:
    """A variable that a theme lacks ends the program when a sheet that uses it is applied."""

    async def test() -> None:
        async with deck(theme=theme) as (app, pilot):
            await until(pilot, lambda: "/dev/sdb" in text(app))
            for key in ("d", "J", "question_mark"):
                await pilot.press(key)
                await pilot.pause()
            assert isinstance(app.screen, HelpScreen)
            assert app.theme == theme

    run(test)


def test_palette_switches_the_theme_and_offers_only_ours(devices: list[Device], folder: Path) -> None:
    async def test() -> None:
        async with deck() as (app, pilot):
            offered = {command.title: command for command in app.get_system_commands(app.screen)}
            assert [title for title in offered if title.startswith("Theme")] == [f"Theme: {name}" for name in THEMES]
            assert set(app.available_themes) == set(THEMES)
            offered["Theme: light"].callback()
            await pilot.pause()
            assert app.theme == "light"
            assert app.screen.styles.background.hex == "#FFFFFF"

    run(test)
