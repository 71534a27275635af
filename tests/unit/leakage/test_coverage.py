"""What was compared with what: nothing is said of texts that no other text stood beside."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from qa_parallel.leakage.coverage import coverage, texts_read
from tests.small_corpora import corpus_frame
from tests.unit.leakage.test_find import PASSAGE, evalset

NO_LEAK = pl.lit(False)


def row(qa_id: str, language: str, **given: Any) -> dict[str, Any]:
    return {"qa_id": qa_id, "passage_id": f"p{qa_id}", "language": language, "question": "Why?",
            "passage": None, "answer": None} | given  # fmt: skip


def covered(
    *rows: dict[str, Any], by_meaning: bool = False, leaked: pl.Expr = NO_LEAK, **known: Any
) -> dict[str, Any]:
    sets = [evalset("Who built it?", **known)]
    read = texts_read(corpus_frame(list(rows)))
    return coverage(read, sets, leaked, by_meaning=by_meaning)


def words(found: dict[str, Any]) -> list[str]:
    return [one["words"] for one in found["not_compared"]]


def test_a_language_that_the_set_lacks() -> None:
    found = covered(row("a", "deu_Latn"), row("b", "deu_Latn"))
    assert found["questions"] == 2
    assert words(found) == ["deu_Latn questions with bench (English only)"]
    assert found["verdict"] == "Nothing is known of leaks: none of 2 questions was compared."
    (one,) = found["compared"]
    assert one == {"benchmark": "bench", "field": "question", "language": "deu_Latn",
                   "texts": 2, "known": 0, "left": 2}  # fmt: skip


def test_a_translation_is_compared_by_its_original() -> None:
    found = covered(
        row("a", "eng_Latn"), row("a", "deu_Latn", translated_from="eng_Latn"), row("b", "deu_Latn")
    )
    assert found["questions"] == 1
    assert [(one["language"], one["texts"], one["left"]) for one in found["compared"]] == [
        ("eng_Latn", 1, 0),
        ("deu_Latn", 2, 1),
    ]
    assert found["verdict"] == (
        "Of what was compared nothing leaks; 1 of 2 questions were not compared with every set."
    )


def test_an_encoder_compares_questions_but_no_passages() -> None:
    found = covered(
        row("a", "deu_Latn", passage="Eine Mühle."), by_meaning=True, passages=[PASSAGE]
    )
    assert (found["questions"], found["verdict"]) == (0, "Nothing leaks.")
    assert words(found) == ["deu_Latn passages with bench (English only)"]


def test_of_what_leaks_nothing_more_need_be_known() -> None:
    found = covered(row("a", "deu_Latn"), row("b", "deu_Latn"), leaked=pl.col("qa_id") == "a")
    assert found["questions"] == 1


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"passage": "Eine Mühle."}, ["question", "passage"]),
        ({"answer": "Blitz."}, ["question", "answer"]),
        ({"passage": "Eine Mühle.", "answer": "Blitz."}, ["question", "passage"]),
        ({"question": None, "passage": " "}, []),
    ],
)
def test_texts_by_field(given: dict[str, Any], fields: list[str]) -> None:
    found = covered(row("a", "deu_Latn", **given), passages=[PASSAGE])
    assert [name for name, counts in found["texts"].items() if counts] == fields
    assert [one["field"] for one in found["compared"]] == fields


def test_questions_of_the_set_in_languages_that_the_corpus_lacks() -> None:
    """A set of several languages whose questions are no translations of each other."""
    german, english = evalset("Wer?", "Wo?", language="deu_Latn"), evalset("Who?", ids=["7"])
    both = pl.concat([german.queries, english.queries.with_columns(qa_id=pl.lit("bench/7"))])
    german.__dict__["queries"] = both
    read = texts_read(corpus_frame([row("a", "eng_Latn")]))
    found = coverage(read, [german], NO_LEAK, by_meaning=False)
    assert words(found) == [
        "2 of 3 questions of bench, which are in none of the corpus's languages"
    ]
    assert found["questions"] == 0


def test_many_languages_are_counted() -> None:
    codes = ["deu_Latn", "fra_Latn", "spa_Latn", "ita_Latn", "por_Latn", "swe_Latn"]
    (line,) = words(covered(*(row(code, code) for code in codes)))
    assert line == "questions in 6 languages with bench (English only)"
