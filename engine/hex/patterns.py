"""What is searched for: hex with wildcards, text in several encodings, a regular expression over bytes."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from engine.errors import UsageError
from engine.text import safe_text

Kind = Literal["hex", "text", "any-case", "regex"]
ENCODINGS = ("utf-8", "cp1252", "cp437", "utf-16-le", "utf-16-be")
"""A text is looked for in all of these that can write it; those that write it alike count once."""
LONGEST = 4096
"""The longest pattern, and the longest match of a regular expression that is found across two blocks."""
_ANCHORS = re.compile(rb"(?<!\\)[\^$]|\\[AZbB]|\(\?<[=!]")
_NESTED = re.compile(rb"[*+}][?+]?\)[*+{]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as a person wrote it. Raises ``UsageError`` when made of something that cannot be searched for."""

    kind: Kind
    text: str
    encodings: tuple[str, ...] = ENCODINGS

    def __post_init__(self) -> None:
        self.compiled()

    def compiled(self) -> Compiled:
        """Ready to search with."""
        if self.kind == "hex":
            return _hex(self.text)
        if self.kind == "regex":
            return _regex(self.text)
        return _text(self.text, self.encodings, any_case=self.kind == "any-case")

    def to_json(self) -> dict[str, Any]:
        """For a job's arguments."""
        return {"kind": self.kind, "text": self.text, "encodings": list(self.encodings)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Pattern:
        """Raises ``UsageError``."""
        kind, text = value.get("kind"), value.get("text")
        encodings = value.get("encodings", list(ENCODINGS))
        if kind not in ("hex", "text", "any-case", "regex") or not isinstance(text, str):
            raise UsageError("that is no pattern", code="job-arguments")
        if not isinstance(encodings, list) or not set(encodings) <= set(ENCODINGS):
            raise UsageError(f"unknown encoding; known: {', '.join(ENCODINGS)}", code="job-arguments")
        return cls(kind, text, tuple(encodings))


class Compiled:
    """Finds matches in a block: plain needles by ``bytes.find``, the rest by a regular expression."""

    def __init__(self, needles: tuple[bytes, ...] = (), expression: re.Pattern[bytes] | None = None, *,
                 folded: bool = False, longest: int = LONGEST) -> None:  # fmt: skip
        """``folded``: needles are in lower case and so is what they are looked for in; ``expression`` then decides."""
        self._needles, self._expression, self._folded = needles, expression, folded
        self.longest = longest

    def finds(self, block: bytes, most: int, base: int = 0) -> list[tuple[int, int]]:
        """Matches that begin in the first ``most`` bytes of a block as (offset, size), in order. Needles may overlap
        themselves, the matches of an expression do not. ``base`` is where the block begins."""
        if not self._needles:
            assert self._expression is not None
            found = []
            for match in self._expression.finditer(block):
                if match.start() >= most:
                    break
                if match.end() > match.start():
                    found.append((match.start(), match.end() - match.start()))
            return found
        where = block.lower() if self._folded else block
        hits = sorted((at, size, number) for number, needle in enumerate(self._needles)
                      for at, size in self._plain(where, needle, most))  # fmt: skip
        listed = _untwinned(hits, base)
        if self._expression is None:
            return listed
        checked = []
        for at, _ in listed:
            exact = self._expression.match(block, at)
            if exact is not None:
                checked.append((at, exact.end() - at))
        return checked

    @staticmethod
    def _plain(block: bytes, needle: bytes, most: int) -> Iterator[tuple[int, int]]:
        end = min(len(block), most + len(needle) - 1)
        at = block.find(needle, 0, end)
        while at >= 0:
            yield at, len(needle)
            at = block.find(needle, at + 1, end)


def _untwinned(hits: list[tuple[int, int, int]], base: int) -> list[tuple[int, int]]:
    """UTF-16 text between zeros reads in both byte orders, one byte apart: the one at an even place is kept. The third
    of each hit says which needle it is of; the same match of two needles counts once."""
    kept: list[tuple[int, int, int]] = []
    for at, size, number in hits:
        if kept and kept[-1][:2] == (at, size):
            continue
        if kept and kept[-1][:2] == (at - 1, size) and kept[-1][2] != number and size > 2:
            if (base + at) % 2 == 0:
                kept[-1] = at, size, number
            continue
        kept.append((at, size, number))
    return [(at, size) for at, size, _ in kept]


def _hex(text: str) -> Compiled:
    """``de ad ?? e? ef``: pairs of hex digits, ``?`` for any digit."""
    digits = re.sub(r"[\s,:]|0[xX]|\\x", "", text)
    if not digits or len(digits) % 2 or not re.fullmatch(r"[0-9a-fA-F?]+", digits):
        raise UsageError(f"{safe_text(text, 60)!r} is no hex pattern", advice="write pairs: de ad ?? ef")
    if len(digits) > 2 * LONGEST:
        raise UsageError(f"the pattern is longer than {LONGEST} bytes")
    if "?" not in digits:
        return Compiled((bytes.fromhex(digits),), longest=len(digits) // 2)
    if not digits.strip("?"):
        raise UsageError("a pattern of wildcards alone is found everywhere", advice="give at least one digit")
    parts = [_wild(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    return Compiled((), re.compile(b"".join(parts), re.DOTALL), longest=len(parts))


def _wild(pair: str) -> bytes:
    if pair == "??":
        return b"."
    if "?" not in pair:
        return re.escape(bytes.fromhex(pair))
    values = bytes(value for value in range(256) if all(a in ("?", b) for a, b in zip(pair.lower(), f"{value:02x}",
                                                                                       strict=True)))  # fmt: skip
    return b"[" + b"".join(b"\\x%02x" % value for value in values) + b"]"


def _text(text: str, encodings: tuple[str, ...], *, any_case: bool) -> Compiled:
    if not text:
        raise UsageError("there is nothing to look for", advice="type a text")
    forms: dict[bytes, str] = {}
    for encoding in encodings:
        try:
            forms.setdefault(text.encode(encoding), encoding)
        except UnicodeEncodeError:
            continue  # this encoding has no such character: the text cannot stand there in it
    if not forms:
        raise UsageError("none of the encodings can write that text", advice=f"known: {', '.join(ENCODINGS)}")
    longest = max(map(len, forms))
    if longest > LONGEST:
        raise UsageError(f"the text is longer than {LONGEST} bytes")
    if not any_case:
        return Compiled(tuple(forms), longest=longest)
    alternatives = [b"".join(_any_case(char, encoding) for char in text) for encoding in dict.fromkeys(forms.values())]
    expression = re.compile(b"|".join(b"(?:" + one + b")" for one in alternatives), re.DOTALL)
    if text.isascii():
        return Compiled(tuple(form.lower() for form in forms), expression, folded=True, longest=longest)
    return Compiled((), expression, longest=2 * longest)


def _any_case(char: str, encoding: str) -> bytes:
    """The character in lower, upper and title case, as far as the encoding can write them."""
    forms = set()
    for one in {char, char.lower(), char.upper(), char.title()}:
        try:
            forms.add(one.encode(encoding))
        except UnicodeEncodeError:
            continue  # that case does not exist in this encoding; the others do
    return b"(?:" + b"|".join(re.escape(form) for form in sorted(forms, key=lambda one: (-len(one), one))) + b")"


def _regex(text: str) -> Compiled:
    """A Python expression over bytes; ``.`` is any byte. The pattern is read as Latin-1: ``\\xff`` is the byte FF."""
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise UsageError("a regular expression is over bytes", advice=r"write other characters as \xNN") from error
    if not raw or len(raw) > LONGEST:
        raise UsageError("an empty or endless expression", advice="type a shorter one" if raw else "type one")
    if _ANCHORS.search(re.sub(rb"\\\\|\\\[|\\\]|\[\^?\]?[^\]]*\]", b"", raw)):
        raise UsageError("^, $, \\b and look-behind have no meaning between bytes", advice="write the bytes beside it")
    if _NESTED.search(raw):
        raise UsageError("a repeat of a repeat can take for ever", advice="write it without (x+)+")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expression = re.compile(raw, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"that expression is wrong: {safe_text(str(error), 100)}") from error
    if expression.match(b"") is not None:
        raise UsageError("the expression is found in nothing at all", advice="let it need at least one byte")
    return Compiled((), expression)
