"""Comparison form and letters."""

from __future__ import annotations

import sys
import unicodedata

import polars as pl
import pytest

from qa_parallel.text import comparison_form, comparison_forms, has_letters


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Où est-il ?", "ou est il"),
        ("STRASSE", "straße"),
        ("Ａ１", "a1"),
        ("Ёлка", "елка"),
        ("a\u00a0 b", "a b"),
        ("¿Qué?", "que"),
    ],
)
def test_equal_in_comparison_form(one: str, other: str) -> None:
    assert comparison_form(one) == comparison_form(other)


@pytest.mark.parametrize(("one", "other"), [("कि", "की"), ("a b", "ab"), ("1", "2"), ("กา", "กี")])
def test_different_in_comparison_form(one: str, other: str) -> None:
    """Vowel signs are no accents: without them another word stands there."""
    assert comparison_form(one) != comparison_form(other)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    """Every character that Python knows, inside a word and at its end."""
    known = [
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
    ]
    step = 40
    texts = [
        " ".join(f"a{char}B" for char in known[i : i + step]) for i in range(0, len(known), step)
    ]
    texts += ["", "ΟΔΟΣ", "STRASSE", "e\u0301", "A\u0301\u0328!", "한국어", "  – ", "“ok”"]
    expected = [comparison_form(text) for text in texts]
    assert comparison_forms(pl.Series(texts)).to_list() == expected


def test_nulls_stay_where_they_are() -> None:
    texts = pl.Series([None, "É", None, "b!"], dtype=pl.String)
    assert comparison_forms(texts).to_list() == [None, "e", None, "b"]


def test_letters() -> None:
    assert has_letters("3 kg")
    assert has_letters("字")
    assert not has_letters("1990–95 (!) \U0001f600")
