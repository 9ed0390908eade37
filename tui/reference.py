"""The command line and the keys, as told by the code itself: for completion, the manual page and the documentation."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Option:
    """One option. ``names`` longest last; ``takes`` is its value's name, empty for a switch."""

    names: tuple[str, ...]
    takes: str
    choices: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that can be called: its words, arguments, options, what it does, one example."""

    words: tuple[str, ...]
    arguments: tuple[str, ...]
    options: tuple[Option, ...]
    help: str
    example: str
    usage: str


def commands() -> Iterator[Command]:
    """Every command, in the order of the table. Imports all command modules."""
    from tui.commands import GROUPS, group_parser

    for group, about in GROUPS.items():
        _module, parser = group_parser(group)
        yield from _commands((group,), parser, about)


def _commands(words: tuple[str, ...], parser: argparse.ArgumentParser, about: str) -> Iterator[Command]:
    leaves = next((a for a in parser._actions if isinstance(a, argparse._SubParsersAction)), None)
    if leaves is None:
        yield Command(
            words, tuple(_argument(a) for a in parser._actions if not a.option_strings),
            tuple(_option(a) for a in parser._actions if a.option_strings and a.help != argparse.SUPPRESS),
            about, (parser.epilog or "").removeprefix("example: ").strip(), _usage(parser),
        )  # fmt: skip
        return
    told = {choice.dest: choice.help or "" for choice in leaves._choices_actions}
    for name, leaf in leaves.choices.items():
        yield from _commands((*words, name), leaf, told.get(name, ""))


def _usage(parser: argparse.ArgumentParser) -> str:
    return " ".join(parser.format_usage().removeprefix("usage: ").split())


def _argument(action: argparse.Action) -> str:
    name = action.metavar or action.dest
    return name if isinstance(name, str) else " ".join(name)


def _option(action: argparse.Action) -> Option:
    takes = "" if action.nargs == 0 else _argument(action) if action.metavar else action.dest.upper()
    choices = tuple(str(choice) for choice in action.choices) if action.choices is not None else ()
    names = tuple(sorted(action.option_strings, key=len))
    return Option(names, takes, choices, (action.help or "").replace("%%", "%"))


def key_tables() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(title of the scope, its (keys, what they do)), as the help screens show them."""
    from tui.keys import SCOPES

    for title, keys in SCOPES.values():
        yield title, [(key.display_all, key.help) for key in keys]


# -- completion


def bash() -> str:
    """For ``/etc/bash_completion.d`` or ``eval``."""
    known = list(commands())
    lines = ["# rescuedeck completion for bash", "_rescuedeck() {", '    local cur="${COMP_WORDS[COMP_CWORD]}" words']
    lines.append('    local one="${COMP_WORDS[1]}" two="${COMP_WORDS[1]} ${COMP_WORDS[2]}"')
    lines.append("    if ((COMP_CWORD == 1)); then")
    groups = " ".join(dict.fromkeys(command.words[0] for command in known))
    lines += [f"        COMPREPLY=($(compgen -W '{groups}' -f -- \"$cur\"))", "        return", "    fi"]
    verbs: dict[str, list[str]] = {}
    for command in known:
        if len(command.words) > 1:
            verbs.setdefault(command.words[0], []).append(command.words[1])
    lines.append("    if ((COMP_CWORD == 2)); then")
    lines.append('        case "$one" in')
    for group, names in verbs.items():
        lines.append(f"            {group}) COMPREPLY=($(compgen -W '{' '.join(names)}' -- \"$cur\")); return ;;")
    lines += ["        esac", "    fi", '    words=""', '    case "$one" in']
    for command in known:
        if len(command.words) == 1:
            lines.append(f"        {command.words[0]}) words='{_names(command)}' ;;")
    lines += ["    esac", '    case "$two" in']
    for command in known:
        if len(command.words) > 1:
            lines.append(f"        '{' '.join(command.words)}') words='{_names(command)}' ;;")
    lines += ["    esac", '    if [[ "$cur" == -* ]]; then', '        COMPREPLY=($(compgen -W "$words" -- "$cur"))']
    lines += ["    else", '        COMPREPLY=($(compgen -f -- "$cur"))', "    fi", "}"]
    lines.append("complete -o filenames -F _rescuedeck rescuedeck ./rescuedeck")
    return "\n".join(lines) + "\n"


def zsh() -> str:
    """For a file ``_rescuedeck`` in ``fpath``, or ``eval``: zsh runs bash's through its own adapter."""
    return "#compdef rescuedeck\nautoload -U +X bashcompinit && bashcompinit\n" + bash()


def fish() -> str:
    """For ``~/.config/fish/completions/rescuedeck.fish``."""
    lines = ["# rescuedeck completion for fish"]
    seen: set[str] = set()
    for command in commands():
        group = command.words[0]
        if group not in seen:
            seen.add(group)
            lines.append(f"complete -c rescuedeck -n __fish_use_subcommand -a {group} -d {_quoted(_group_help(group))}")
        when = f"__fish_seen_subcommand_from {group}"
        if len(command.words) > 1:
            verb = command.words[1]
            lines.append(f"complete -c rescuedeck -n '{when}' -a {verb} -d {_quoted(command.help)}")
            when += f"; and __fish_seen_subcommand_from {verb}"
        for option in command.options:
            words = f"complete -c rescuedeck -n '{when}'"
            for name in option.names:
                words += f" -l {name[2:]}" if name.startswith("--") else f" -s {name[1:]}"
            words += " -r" if option.takes else ""
            words += f" -a {_quoted(' '.join(option.choices))}" if option.choices else ""
            lines.append(f"{words} -d {_quoted(option.help)}")
    return "\n".join(lines) + "\n"


def _group_help(group: str) -> str:
    from tui.commands import GROUPS

    return GROUPS[group]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", " ") + "'"


def _names(command: Command) -> str:
    return " ".join(name for option in command.options for name in option.names)


# -- documents


def markdown() -> str:
    """The reference of commands and keys."""
    lines = ["# Commands and keys", "", "Made from the program itself: `rescuedeck completion reference`.", ""]
    lines += ["## Commands", ""]
    for command in commands():
        lines += [f"### rescuedeck {' '.join(command.words)}", "", f"{command.help[:1].upper()}{command.help[1:]}.", ""]
        lines += ["```", command.usage, "```", ""]
        if command.options:
            lines += ["| option | |", "| --- | --- |"]
            for option in command.options:
                takes = f" {option.takes}" if option.takes else ""
                what = option.help + (f" ({', '.join(option.choices)})" if option.choices else "")
                lines.append(f"| `{', '.join(option.names)}{takes}` | {_cell(what)} |")
            lines.append("")
        if command.example:
            lines += ["```", command.example, "```", ""]
    lines += ["## Keys", ""]
    for title, keys in key_tables():
        lines += [f"### {title}", "", "| key | |", "| --- | --- |"]
        lines += [f"| `{_cell(key)}` | {_cell(what)} |" for key, what in keys]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def manual() -> str:
    """A manual page, section 1."""
    from engine import __version__

    lines = [f'.TH RESCUEDECK 1 "" "rescuedeck {__version__}" "User Commands"', ".SH NAME"]
    lines += ["rescuedeck \\- get data off failing disks, from a terminal", ".SH SYNOPSIS"]
    lines += [".B rescuedeck", "[\\fIPATH\\fR]", ".br", ".B rescuedeck", "\\fICOMMAND\\fR [\\fIARGUMENT\\fR ...]"]
    lines += [".SH DESCRIPTION"]
    lines += [
        "Without a command the full-screen deck opens. Sources are only ever read. Sizes: decimal, 0x hex, suffixes s",
        "(512-byte sectors), K, M, G, T. With \\fB\\-\\-json\\fR a command prints one JSON document.",
        ".SH COMMANDS",
    ]
    for command in commands():
        lines += [".SS " + _roff(f"rescuedeck {' '.join(command.words)}"), _roff(command.help) + "."]
        lines += [".PP", _roff(command.usage)]
        for option in command.options:
            takes = f" \\fI{_roff(option.takes)}\\fR" if option.takes else ""
            lines += [".TP", "\\fB" + _roff(", ".join(option.names)) + "\\fR" + takes, _roff(option.help)]
    lines += [".SH KEYS"]
    for title, keys in key_tables():
        lines.append(".SS " + _roff(title))
        for key, what in keys:
            lines += [".TP", "\\fB" + _roff(key) + "\\fR", _roff(what)]
    lines += [".SH EXIT STATUS"]
    lines += ["0 done; 1 done, but damaged, not found or incomplete; 2 wrong usage; 3 something outside is"]
    lines += ["missing or failed; 130 interrupted, work so far kept."]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("\n", " ")
    return "\\&" + safe if safe.startswith((".", "'")) else safe
