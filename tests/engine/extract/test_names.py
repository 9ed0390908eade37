"""Hostile names: always inside the target, always a name of this world, each once."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.extract.names import Namer, safe_component, safe_name, with_mark
from engine.text import safe_text

HOSTILE = st.one_of(
    st.text(max_size=300),
    st.lists(st.sampled_from(["..", ".", "", "/", "\\", "\0", "\x1b[2J", "C:", "\u202e", "\udc80", "con", "a" * 300,
                              "-rf", "e\u0301" * 200, "é.mpg", " "]), max_size=12).map("/".join),
)  # fmt: skip


@given(HOSTILE)
def test_whatever_a_disk_says_stays_inside(text):
    name = safe_name(text)
    parts = name.split("/")
    assert name and not name.startswith("/")
    assert ".." not in parts and "." not in parts and "" not in parts
    for part in parts:
        assert len(part.encode()) <= 190
        assert not set(part) & set('\\:*?"<>|\0')
        assert safe_text(part) == part
        assert not part.startswith("-") and not part.endswith((".", " "))
    assert os.path.normpath(os.path.join("/t", name)) == "/t/" + name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../etc/passwd", "etc/passwd"), ("/etc/shadow", "etc/shadow"), ("a\0b", "a_b"), ("", "unnamed"),
        ("...", "unnamed"), ("CON.mpg", "_CON.mpg"), ("nul", "_nul"), (".config", ".config"), ("-rf", "_rf"),
        ("Tatort: Rot? 20:15", "Tatort_ Rot_ 20_15"), ("x" * 300 + ".mpg", "x" * 186 + ".mpg"), ("end. ", "end"),
        ("A\u0308pfel", "\u00c4pfel"),
    ],
)  # fmt: skip
def test_names(text, name):
    assert safe_name(text) == name


def test_a_title_with_a_slash_is_one_component():
    assert safe_component("AC/DC live") == "AC_DC live"


def test_each_name_is_given_once_whatever_its_case():
    there = {"film (2).mpg"}
    names = Namer(lambda name: name in there)
    assert [names.give(name) for name in ("Film.mpg", "film.mpg", "FILM.mpg", "film (3).mpg")] == [
        "Film.mpg", "film (3).mpg", "FILM (4).mpg", "film (3) (2).mpg",
    ]  # fmt: skip
    assert with_mark("a.b/film.mpg", ".holed") == "a.b/film.holed.mpg"
