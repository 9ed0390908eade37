"""Every option of ddrescue: found by typing, explained, checked as it is set."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from textual.widget import Widget
from textual.widgets import Static

from engine.errors import UsageError
from engine.rescue.capabilities import Capabilities
from engine.rescue.checks import check_options
from engine.rescue.option_table import OPTIONS, Group, Kind, OptionSpec
from engine.rescue.options import RescueOptions, Value
from engine.text import format_size
from tui.keys import bindings
from tui.screens.base import DeckScreen
from tui.widgets.row_list import RowList
from tui.widgets.rows import Cell, Column, Row, Section

_OPTION = "option:"
# Fixed widths: every group is a section of its own, and the columns must not jump from one to the next.
_COLUMNS = (Column("option", 22, least=22), Column("value", 12, least=12), Column("", 70, flex=True, least=20))


def value_text(spec: OptionSpec, value: Value) -> str:
    """An option's value as people read it; empty where ddrescue's default holds."""
    if value is None or value is False:  # a number 0 is a value
        return ""
    if spec.kind is Kind.FLAG:
        return "on"
    if spec.kind is Kind.SIZE and isinstance(value, int) and value >= 1024:
        return format_size(value) if value % 1024 == 0 else str(value)
    unit = {Kind.SECONDS: " s", Kind.SIZE: " B"}.get(spec.kind, "")
    return f"{value}{unit}"


def spelling(spec: OptionSpec, capabilities: Capabilities | None) -> str:
    """The option as this version of ddrescue writes it."""
    found = capabilities.resolve(spec.longs, spec.letter) if capabilities is not None else None
    return "--" + (found or spec.longs[0])


def summary(options: RescueOptions) -> str:
    """The options that are set, in one line."""
    parts = []
    for name, value in options.changed().items():
        text = value_text(OPTIONS[name], value)
        parts.append(name if text == "on" else f"{name} {text}")
    return ", ".join(parts) or "ddrescue's defaults"


def matches(spec: OptionSpec, wanted: str) -> bool:
    """Whether an option has to do with what was typed: its name, its letter, or a word of its explanation."""
    wanted = wanted.strip()
    if not wanted:
        return True
    if wanted.startswith("-") and len(wanted) == 2:
        return spec.letter == wanted[1]
    wanted = wanted.lower()
    names = " ".join((spec.name, *spec.longs, spec.explain, spec.group)).lower()
    return all(word in names for word in wanted.lstrip("-").replace("_", " ").split()) or wanted.lstrip("-") in names


def best_match(specs: Iterable[OptionSpec], wanted: str) -> OptionSpec | None:
    """The option that was most likely meant: by its whole name, its beginning, a part of it, or else by the text."""
    word = wanted.strip().lstrip("-").replace("-", "_").lower()

    def rank(spec: OptionSpec) -> int:
        names = [spec.name, *(long.replace("-", "_") for long in spec.longs)]
        if word in names:
            return 0
        if any(name.startswith(word) for name in names):
            return 1
        return 2 if any(word in name for name in names) else 3

    found = (spec for spec in specs if matches(spec, wanted))
    return min(found, key=lambda spec: (rank(spec), len(spec.name)), default=None)


def option_sections(
    options: RescueOptions, capabilities: Capabilities | None, wanted: str = "", *, only_set: bool = False
) -> list[Section]:
    """All options that match, by group; those that the rescue keeps for itself are grey."""
    sections = []
    for group in Group:
        rows = tuple(
            _row(spec, options.get(spec.name), capabilities)
            for spec in OPTIONS.values()
            if spec.group is group and matches(spec, wanted) and (not only_set or options.is_set(spec.name))
        )
        if rows:
            sections.append(Section(group.value.upper(), _COLUMNS, rows))
    among = "among those that are set: t looks among all" if only_set else "press / to look for another word"
    return sections or [Section("", _COLUMNS, (), f"no option matches; {among}")]


def _row(spec: OptionSpec, value: Value, capabilities: Capabilities | None) -> Row:
    missing = capabilities is not None and capabilities.resolve(spec.longs, spec.letter) is None
    style = "row--soft" if spec.managed or missing else ""
    text = value_text(spec, value)
    return Row(
        _OPTION + spec.name,
        (Cell(spelling(spec, capabilities), "row--strong" if text else style), Cell(text, "row--good"), spec.explain),
        style,
    )


def explanation(spec: OptionSpec, options: RescueOptions, capabilities: Capabilities | None) -> str:
    """What an option does, what it takes, what it is called here, and what the checks say of it."""
    lines = [spec.explain[:1].upper() + spec.explain[1:] + "."]
    facts = [f"our name {spec.name}"]
    if spec.letter:
        facts.append(f"letter -{spec.letter}")
    if spec.kind is not Kind.FLAG:
        facts.append(f"takes {_takes(spec)}")
    if spec.since > (1, 22):
        facts.append("since " + ".".join(map(str, spec.since)))
    lines.append("; ".join(facts) + ".")
    if spec.managed:
        lines.append(f"Kept by the rescue itself: {spec.managed}.")
    lines += [f"{finding.severity}: {finding.message}" for finding in check_options(options, capabilities)
              if finding.option == spec.name]  # fmt: skip
    return "\n".join(lines)


def _takes(spec: OptionSpec) -> str:
    if spec.kind in (Kind.TEXT, Kind.PATH):
        return spec.unit or str(spec.kind)
    example = {Kind.SIZE: " (64K, 1M, 0x200, 8s)", Kind.SECONDS: " (30, 5m, 2h)"}.get(spec.kind, "")
    top = "" if spec.high >= 1 << 31 else f" to {spec.high}"
    special = f", or {' or '.join(map(str, spec.also))}" if spec.also else ""
    return f"{spec.unit or 'a number'} from {spec.low}{top}{special}{example}"


class OptionsScreen(DeckScreen):
    """Calls ``then`` with the options when they were changed and are to be kept."""

    TITLE = "ddrescue options"
    SCOPES = ("options", "list")
    BINDINGS = bindings("options")
    HELP = (
        "Every option that the installed ddrescue has, under its own name. Those in grey are kept by the rescue itself "
        "or are not in this version. A recipe lays its own options over these. Sizes take K, M, G, s for 512-byte "
        "sectors and 0x; times take s, m, h, d. What contradicts itself is refused before anything starts."
    )

    def __init__(
        self, options: RescueOptions, then: Callable[[RescueOptions], None], *, capabilities: Capabilities | None = None
    ) -> None:
        super().__init__()
        self._before = options
        self._options = options
        self._then = then
        self._capabilities = capabilities
        self._wanted = ""
        self._only_set = False
        self._list = RowList(id="options")
        self._text = Static("", markup=False, classes="explain")

    def body(self) -> Iterable[Widget]:
        """The list, and what the option under the cursor does."""
        yield self._list
        yield self._text

    def on_mount(self) -> None:
        """Show all."""
        self._show()

    def _show(self) -> None:
        self._list.show(
            option_sections(self._options, self._capabilities, self._wanted, only_set=self._only_set)
        )
        changed = len(self._options.changed())
        version = f"ddrescue {self._capabilities.version_text}, " if self._capabilities is not None else ""
        looking = f", looking for {self._wanted!r}" if self._wanted else ""
        self.set_subject(f"{version}{changed} set{looking}")
        self._explain()

    def _spec(self) -> OptionSpec | None:
        row = self._list.chosen
        return OPTIONS[row.id.removeprefix(_OPTION)] if row is not None else None

    def _explain(self) -> None:
        spec = self._spec()
        self._text.update("" if spec is None else explanation(spec, self._options, self._capabilities))

    def on_row_list_moved(self) -> None:
        """Explain the one under the cursor."""
        self._explain()

    def on_row_list_opened(self) -> None:
        """A double click."""
        self.action_change()

    def action_change(self) -> None:
        """A flag turns round, anything else is typed."""
        spec = self._spec()
        if spec is None:
            return
        if spec.managed:
            self.say(f"that is kept by the rescue itself: {spec.managed}", "warning")
        elif spec.kind is Kind.FLAG:
            self._set(spec, "no" if self._options.get(spec.name) else "yes")
        else:
            from tui.dialogs.path import complete_path

            value = self._options.get(spec.name)
            self.prompt.read(
                f"{spec.name} ({spec.unit or spec.kind}):", lambda text: self._set(spec, text or "default"),
                value="" if value is None else str(value), complete=complete_path if spec.kind is Kind.PATH else None,
            )  # fmt: skip

    def _set(self, spec: OptionSpec, text: str) -> None:
        if spec.kind is Kind.PATH and text not in ("", "default"):
            # The rescue runs in another directory than this screen.
            text = os.path.abspath(os.path.expanduser(text))
        try:
            self._options = self._options.with_text(spec.name, text)
        except UsageError as error:
            self.tell_error(error)
            return
        self._show()
        found = [finding for finding in check_options(self._options, self._capabilities) if finding.option == spec.name]
        if found:
            self.say(f"{found[0].severity}: {found[0].message}", "warning")
        else:
            self.say("")

    def action_default(self) -> None:
        """Back to ddrescue's own default."""
        spec = self._spec()
        if spec is not None:
            self._set(spec, "default")

    def action_find(self) -> None:
        """Look for a word."""
        self.prompt.read("find (empty: all):", self._find)

    def _find(self, text: str) -> None:
        self._wanted = text
        self._show()
        best = best_match(OPTIONS.values(), text) if text.strip() else None
        if best is not None:
            self._list.choose(_OPTION + best.name)

    def action_only_set(self) -> None:
        """Only what is set, or all."""
        self._only_set = not self._only_set
        self._show()

    def action_back(self) -> None:
        """Back; changes are kept when that is what is wanted."""
        if self._options == self._before:
            super().action_back()
            return
        count = sum(self._options.get(name) != self._before.get(name) for name in OPTIONS)
        self.prompt.ask(f"Keep what was changed ({count})?", self._keep, default="y")

    def _keep(self, answer: str) -> None:
        super().action_back()
        if answer == "y":
            self._then(self._options)
