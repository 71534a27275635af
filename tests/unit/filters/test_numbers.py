"""Numbers and codes: what counts as changed, and what translators may do."""

from __future__ import annotations

import polars as pl
import pytest

from qa_parallel.filters.numbers import changes


def changed(source: str, target: str, column: str = "numbers") -> float:
    return float(changes(pl.Series([target]), pl.Series([source]))[column][0])


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("in 1990", "im Jahr 1990"),
        ("10,000 people", "10 000 personnes"),
        ("783,562 square kilometres and 300,948 miles", "7,83,562 और 3,00,948"),
        ("in 2015", "२०१५ में"),
        ("five of 12", "fünf von zwölf"),  # missing alone
        ("five", "5"),  # new alone
        ("9:30 pm", "21.30 Uhr"),
        ("the 1990s", "die 90er"),
        ("1,500,000 rupees", "15 लाख"),
        ("3.5 km", "3,5 km"),
        ("05 May", "5. Mai"),
        ("no number", "keine Zahl"),
    ],
)
def test_what_a_translator_may_do(source: str, target: str) -> None:
    assert changed(source, target) == 0


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("in 1990", "im Jahr 1991"),
        ("in 2015", "२०१६ में"),
        ("9:30 pm", "20.30 Uhr"),
        ("10,000 people", "10 001 personnes"),
        ("12 of 40", "13 von 40"),
        ("5", "50"),
    ],
)
def test_a_changed_number_is_found(source: str, target: str) -> None:
    assert changed(source, target) > 0


def test_the_share_counts_all_numbers_of_the_source() -> None:
    assert changed("1 2 3 4", "1 2 3 5") == 0.25


def test_addresses_and_codes() -> None:
    assert changed("see www.a.org/x", "siehe www.a.org/x", "codes") == 0
    assert changed("see www.a.org/x", "siehe www.b.org/x", "codes") == 1
    assert changed("the H5N1 virus", "das H5N1-Virus", "codes") == 0
    assert changed("the H5N1 virus", "das H7N9-Virus", "codes") == 1
    assert changed("write to a@b.org", "schreib an c@b.org", "codes") == 1
    assert changed("the B-52", "бомбардировщик Б-52", "codes") == 0


def test_without_a_source_nothing_has_changed() -> None:
    empty = pl.Series([None], dtype=pl.String)
    assert changes(pl.Series(["in 1990"]), empty)["numbers"].to_list() == [0]
