"""Decisions: what limits let through, what a broken corpus may teach, what is left over."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from qa_parallel.filters import CHECKS, Limits, bounds, decide
from qa_parallel.filters.checks import SCORES
from qa_parallel.schema import DECISIONS


def table(rows: list[tuple[str, str, str, str, float]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCORES, orient="row")


def lengths(values: list[float], language: str = "deu_Latn") -> pl.DataFrame:
    return table(
        [(f"q{i}", language, "passage", "length", value) for i, value in enumerate(values)]
    )


def test_every_check_has_a_limit() -> None:
    assert set(Limits.model_fields) == set(CHECKS)


def test_a_row_fails_in_its_own_language_with_its_reason() -> None:
    found = decide(
        table(
            [
                ("q1", "deu_Latn", "question", "script", 0.2),
                ("q1", "fra_Latn", "question", "script", 0.9),
                ("q2", "deu_Latn", "passage", "entities", 3),
            ]
        )
    )
    assert found.schema == DECISIONS
    assert found.select("qa_id", "language", "field", "check", "limit").rows() == [
        ("q1", "deu_Latn", "question", "script", 0.5),
        ("q2", "deu_Latn", "passage", "entities", 0.0),
    ]
    assert found["reason"][0] == (
        "question share of letters in the script of the language: 0.2, expected at least 0.5"
    )


def test_each_language_is_judged_by_its_own_limits() -> None:
    # Lengths spread around 0.2 in German, around 0 in French: the same value is far off in one.
    spread = np.linspace(-0.1, 0.1, 200)
    scores = pl.concat(
        [
            lengths([*(spread + 0.2), -0.35], "deu_Latn"),
            lengths([*spread, -0.35], "fra_Latn"),
        ]
    )
    limits = bounds(scores, Limits())
    low = {row["language"]: row["low"] for row in limits.filter(check="length").to_dicts()}
    expected = [
        (row["qa_id"], row["language"])
        for row in scores.to_dicts()
        if row["score"] < low[row["language"]]
    ]
    assert low["fra_Latn"] < -0.35 < low["deu_Latn"]
    assert expected == [("q200", "deu_Latn")]
    assert decide(scores).select("qa_id", "language").rows() == expected


def test_a_limit_can_be_changed_and_left_out() -> None:
    scores = table([("q1", "deu_Latn", "question", "script", 0.2)])
    assert decide(scores, Limits(script=0.1)).is_empty()
    assert decide(scores, Limits(script=None)).is_empty()


def test_a_score_at_its_limit_is_kept() -> None:
    scores = table([("q1", "deu_Latn", "question", "script", 0.5)])
    assert decide(scores).is_empty()


def test_few_texts_are_judged_by_the_prior() -> None:
    found = bounds(lengths([0.1, 0.2, 3.0]), Limits())
    assert found["basis"].to_list() == ["prior"]
    assert found["low"][0] == pytest.approx(-4 * 0.13, abs=1e-6)


def test_many_texts_teach_their_own_middle() -> None:
    values = np.random.default_rng(0).normal(0.2, 0.12, 2000)
    found = bounds(lengths(values.tolist()), Limits())
    assert found["basis"].to_list() == ["corpus"]
    assert found["middle"][0] == pytest.approx(0.2, abs=0.05)
    assert found["spread"][0] == pytest.approx(0.12, abs=0.02)


@pytest.mark.parametrize("broken", [0.1, 0.3, 0.45])
def test_a_corpus_that_is_largely_broken_does_not_teach_the_limit(broken: float) -> None:
    dice = np.random.default_rng(1)
    good = dice.normal(0, 0.12, round(1000 * (1 - broken)))
    bad = dice.normal(-1.2, 0.2, round(1000 * broken))  # a third of the text is left
    found = decide(lengths([*good.tolist(), *bad.tolist()]))
    rejected = {int(qa_id[1:]) for qa_id in found["qa_id"]}
    caught = sum(place >= len(good) for place in rejected)
    assert caught > 0.9 * len(bad)
    assert len(rejected) - caught < 0.02 * len(good)


def test_a_corpus_that_is_wholly_broken_is_held_to_the_prior() -> None:
    values = np.random.default_rng(2).normal(-1.5, 0.5, 1000)
    scores = lengths(values.tolist())
    assert bounds(scores, Limits())["basis"].to_list() == ["bounded"]
    assert decide(scores)["qa_id"].n_unique() > 500


def test_rows_that_other_checks_reject_do_not_teach() -> None:
    good = np.random.default_rng(3).normal(0, 0.1, 150)
    bad = [(f"b{i}", "deu_Latn", "passage", "length", 0.6) for i in range(149)]
    copies = [(f"b{i}", "deu_Latn", "passage", "copied", 1.0) for i in range(149)]
    found = bounds(pl.concat([lengths(good.tolist()), table(bad), table(copies)]), Limits())
    learned = found.filter(check="length")
    assert learned["texts"].to_list() == [150]


def test_a_text_without_its_end_is_held_to_a_closer_limit() -> None:
    values = np.random.default_rng(4).normal(0, 0.12, 1000)
    cut = table([("cut", "deu_Latn", "passage", name, -0.4) for name in ("length", "unfinished")])
    found = decide(pl.concat([lengths(values.tolist()), cut])).filter(qa_id="cut")
    assert found["check"].to_list() == ["unfinished"]


@pytest.mark.parametrize(("middle", "low"), [(0.1, 0.025), (0.065, 0.0), (0.03, -0.02625)])
def test_a_text_nearer_to_another_is_held_to_a_closer_limit(middle: float, low: float) -> None:
    """Three spreads of 0.025 below the middle; where that is below 0, 0 or three quarters of it."""
    half = np.linspace(middle - 0.025 * 0.6745, middle + 0.025 * 0.6745, 501)
    tails = np.concatenate([half[0] - 0.02 - half * 0, half[-1] + 0.02 + half * 0])[::2]
    values = np.concatenate([half, tails])
    scores = table([(f"q{i}", "vie_Latn", "passage", "cosine", v) for i, v in enumerate(values)])
    found = bounds(scores, Limits())
    assert found["spread"][0] == pytest.approx(0.025, abs=1e-3)
    assert found["low"][0] == pytest.approx(low, abs=3e-3)


def test_questions_left_in_too_few_languages_go_everywhere() -> None:
    rows = [
        (qa_id, code, "question", "script", 1.0)
        for qa_id in ("q1", "q2")
        for code in ("eng_Latn", "deu_Latn", "fra_Latn")
    ]
    rows[1] = ("q1", "deu_Latn", "question", "script", 0.0)
    found = decide(table(rows), min_languages=3)
    assert found.select("qa_id", "language", "check").rows() == [
        ("q1", "deu_Latn", "script"),
        ("q1", "eng_Latn", "languages"),
        ("q1", "fra_Latn", "languages"),
    ]


def test_an_unknown_check_is_refused() -> None:
    with pytest.raises(ValidationError):
        Limits.model_validate({"lenght": 3})
