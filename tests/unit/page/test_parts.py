"""Shades of tables, and languages as HTML knows them."""

from __future__ import annotations

from qa_parallel.page.parts import heat, tongue


def test_shades_go_from_the_lowest_to_the_highest() -> None:
    values = {("a", "a"): 1.0, ("a", "b"): 0.5, ("b", "a"): 0.0}
    made = heat("t", values, ["a", "b"], ["a", "b"], ("r", "c"), ".1f")
    assert [[cell.shade for cell in row] for row in made.cells] == [[10, 5], [0, None]]
    same = heat("t", {("a", "a"): 3.0}, ["a"], ["a"], ("r", "c"), ".1f")
    assert same.cells[0][0].shade == 0


def test_languages_as_html_knows_them() -> None:
    assert (tongue("arb_Arab").tag, tongue("arb_Arab").direction) == ("ar-Arab", "rtl")
    assert (tongue("zho_Hant").tag, tongue("zho_Hant").direction) == ("zh-Hant", "ltr")
    assert tongue("no such").name == "no such"
