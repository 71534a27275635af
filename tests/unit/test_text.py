"""Comparison form and letters."""

from __future__ import annotations

import pytest

from qa_parallel.text import comparison_form, has_letters


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


def test_letters() -> None:
    assert has_letters("3 kg")
    assert has_letters("字")
    assert not has_letters("1990–95 (!) \U0001f600")
