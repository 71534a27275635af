"""Checks of one's own: what they see, what they may give, and how their scores are judged."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from qa_parallel.errors import RecipeError
from qa_parallel.filters import CHECKS, Check, Limits, MeasureSettings, bounds, decide, score
from qa_parallel.filters.checks import Measure, Prior
from qa_parallel.filters.custom import score_check
from qa_parallel.filters.workers import Workers, can_be_sent
from tests.small_corpora import corpus_frame

SETTINGS = MeasureSettings(detector="none")
CAPITALS = pl.col("text").str.count_matches(r"\p{Lu}") / pl.col("text").str.len_chars()


def pair(qa_id: str, question: str, original: str, **more: Any) -> list[dict[str, Any]]:
    """A question in German, and the English one that it was translated from."""
    row = {"qa_id": qa_id, "language": "eng_Latn", "question": original, **more}
    german = {**row, "language": "deu_Latn", "question": question, "translated_from": "eng_Latn"}
    return [row, german]


FRAME = corpus_frame(
    [
        *pair("q1", "Wer hat das Haus gebaut?", "Who built the house?", passage="A house."),
        *pair("q2", "WER HAT DAS HAUS GEBAUT?", "Who built the house?", passage="A HOUSE."),
    ]
)


def found(check: Check, frame: pl.DataFrame = FRAME) -> dict[tuple[str, str, str], float]:
    """Scores of one check by id, language and field."""
    rows = score(frame, SETTINGS, checks=[check]).filter(check=check.name)
    return {
        (row["qa_id"], row["language"], row["field"]): round(row["score"], 3)
        for row in rows.to_dicts()
    }


def test_a_check_rejects_by_its_limit_and_says_why() -> None:
    shouting = Check("shouting", CAPITALS, limit=0.5, field="question", meaning="capitals")
    scores = score(FRAME, SETTINGS, checks=[shouting])
    decisions = decide(scores, checks=[shouting])
    assert decisions.filter(check="shouting").to_dicts() == [
        {
            "qa_id": "q2",
            "language": "deu_Latn",
            "field": "question",
            "check": "shouting",
            "score": pytest.approx(19 / 24),
            "limit": 0.5,
            "reason": "question capitals: 0.792, expected at most 0.5",
        }
    ]
    table = bounds(scores, Limits(), [shouting]).filter(check="shouting")
    assert table.select("language", "field", "low", "high").rows() == [
        ("deu_Latn", "question", None, 0.5),
        ("eng_Latn", "question", None, 0.5),
    ]


def test_a_check_on_the_other_side_and_one_that_only_measures() -> None:
    long = Check("long", pl.col("text").str.len_chars(), limit=21, side="min", field="question")
    rejected = decide(score(FRAME, SETTINGS, checks=[long]), checks=[long]).filter(check="long")
    assert set(rejected["language"]) == {"eng_Latn"}
    assert rejected["limit"].to_list() == [21, 21]
    told = Check("long", pl.col("text").str.len_chars(), field="question")
    scores = score(FRAME, SETTINGS, checks=[told])
    assert scores.filter(check="long").height == 4
    assert decide(scores, checks=[told]).filter(check="long").is_empty()


def test_other_scores_stay_as_they_are() -> None:
    shouting = Check("shouting", CAPITALS, limit=0.5)
    plain, more = score(FRAME, SETTINGS), score(FRAME, SETTINGS, checks=[shouting])
    names = pl.col("field", "check").cast(pl.String)
    assert (
        more.filter(pl.col("check") != "shouting")
        .with_columns(names)
        .equals(plain.with_columns(names))
    )


def test_a_check_sees_the_text_its_original_and_the_row() -> None:
    seen: dict[str, pl.DataFrame] = {}

    def look(rows: pl.DataFrame) -> list[None]:
        seen[f"{rows['language'][0]} {rows['field'][0]}"] = rows
        return [None] * rows.height

    assert found(Check("look", look, field=("question", "answer", "row"))) == {}
    assert set(seen) == {f"{code} {field}" for code in ("eng_Latn", "deu_Latn")
                         for field in ("question", "row")}  # fmt: skip
    german = seen["deu_Latn question"]
    assert german["text"].to_list() == german["question"].to_list()
    assert german["original"].to_list() == ["Who built the house?"] * 2
    assert german["passage_original"].to_list() == ["A house.", "A HOUSE."]
    assert seen["eng_Latn question"]["original"].to_list() == [None, None]
    assert "text" not in seen["deu_Latn row"].columns


def test_rows_without_the_text_are_not_measured() -> None:
    frame = corpus_frame([*pair("q1", "Wer?", "Who?"), *pair("q2", "Wo?", "Where?", passage="P.")])
    check = Check("size", lambda rows: [len(text) for text in rows["text"]], field="passage")
    assert found(check, frame) == {("q2", code, "passage"): 2 for code in ("eng_Latn", "deu_Latn")}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        (lambda rows: [1, None], [1, None]),
        (lambda rows: np.array([0.5, np.nan]), [0.5, None]),
        (lambda rows: rows["question"].str.contains("WER"), [0, 1]),
        (pl.col("text").str.len_chars(), [24, 24]),
    ],
)
def test_what_a_check_may_give(measure: Measure, expected: list[float | None]) -> None:
    table = found(Check("mine", measure, field="question"))
    assert [table.get((q, "deu_Latn", "question")) for q in ("q1", "q2")] == expected


@pytest.mark.parametrize(
    ("measure", "message"),
    [
        (lambda rows: [1.0], "expected 2 numbers, one for each row, found 1 values of Float64"),
        (
            lambda rows: rows["text"],
            "expected 2 numbers, one for each row, found 2 values of String",
        ),
        (pl.lit(1), "expected 2 numbers, one for each row, found 1 values"),
    ],
)
def test_what_a_check_may_not_give(measure: Measure, message: str) -> None:
    with pytest.raises(RecipeError, match=f"check mine: {message}"):
        found(Check("mine", measure, field="question"))


def test_what_a_check_raises_passes_with_its_name() -> None:
    def broken(rows: pl.DataFrame) -> Any:
        raise KeyError("gone")

    with pytest.raises(KeyError) as caught:
        found(Check("mine", broken))
    assert caught.value.__notes__ == ["while the check 'mine' measured"]


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ([Check("length", CAPITALS)], "found 'length', which is one of qa-parallel"),
        ([Check("languages", CAPITALS)], "found 'languages', which is"),
        ([Check("a", CAPITALS), Check("a", CAPITALS)], "found 'a', which is one of your own"),
        ([Check("a")], "check a: expected a function or an expression that measures"),
        (
            [Check("a", CAPITALS, learned="copied")],
            "check a: expected to learn from a check with a prior, found 'copied'",
        ),
    ],
)
def test_checks_that_do_not_fit(checks: list[Check], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        score(FRAME, SETTINGS, checks=checks)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"name": "two words"}, "name of letters, digits and underscores, found 'two words'"),
        ({"name": "../x"}, "found '../x'"),
        ({"field": "title"}, "expected a field of question, answer, passage, row, found 'title'"),
        ({"field": ()}, "expected a field"),
        ({"side": "both"}, "expected a side of min, max, found 'both'"),
    ],
)
def test_checks_that_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        Check(**{"name": "mine", "measure": CAPITALS, **values})


def test_scores_of_a_check_that_is_not_given_are_refused() -> None:
    scores = score(FRAME, SETTINGS, checks=[Check("shouting", CAPITALS)])
    with pytest.raises(RecipeError, match="expected scores of checks that are known, found shouti"):
        decide(scores)


def test_a_check_may_learn_its_limit_from_each_language() -> None:
    """200 values around 2 with a spread of about 0.7; one is five spreads away."""
    values = np.append(np.random.default_rng(0).normal(2, 0.5, 200), 8.0)
    prior = Prior(1.5, {"row": 0.6}, 1.0, 2.0)
    odd = Check("odd", lambda rows: values, 4, "both", "row", learned="odd", prior=prior)
    rows = [row for n in range(201) for row in pair(f"q{n}", f"Wer {n}?", f"Who {n}?")]
    scores = score(corpus_frame(rows), SETTINGS, checks=[odd])
    table = bounds(scores, Limits(), [odd]).filter(check="odd")
    assert table["basis"].to_list() == ["corpus", "corpus"]
    assert table["middle"].to_list() == pytest.approx([2, 2], abs=0.2)
    rejected = decide(scores, checks=[odd]).filter(check="odd")
    assert rejected["qa_id"].to_list() == ["q200", "q200"]


def words(rows: pl.DataFrame) -> pl.Series:
    """A check of a module: another process can import it."""
    return rows["text"].str.count_matches(r"\S+")


def test_other_processes_measure_what_can_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    from qa_parallel.filters import custom

    monkeypatch.setattr(custom, "_MANY", 0)
    nothing = [pl.lit(None, pl.String).alias(f"{name}_original") for name in
               ("question", "answer", "passage")]  # fmt: skip
    rows = FRAME.filter(language="deu_Latn").with_columns(nothing)
    with Workers(2) as workers:
        table = score_check(Check("words", words, field="question"), rows, workers)
        assert table["score"].to_list() == [5, 5]
        assert workers._pool is not None
    with Workers(2) as workers:
        here = Check("here", lambda rows: words(rows), field="question")
        assert score_check(here, rows, workers)["score"].to_list() == [5, 5]
        assert workers._pool is None


def test_what_only_this_script_has_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    assert can_be_sent(words)
    assert can_be_sent(CAPITALS)
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "words", words, raising=False)
    monkeypatch.setattr(words, "__module__", "__main__")
    assert not can_be_sent(words)


def test_the_table_can_be_read_by_name() -> None:
    assert all(name == check.name for name, check in CHECKS.items())
    assert all(check.learned is None or CHECKS[check.learned].prior for check in CHECKS.values())
