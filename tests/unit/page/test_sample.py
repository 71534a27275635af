"""The questions that are chosen for the page, and what it tells of each."""

from __future__ import annotations

import polars as pl
import pytest

from qa_parallel.page.sample import Fate, choose, embed
from qa_parallel.schema import DECISIONS
from tests.small_corpora import corpus_frame, leaks, parallel


def decisions(*rows: tuple[str, str, str]) -> pl.DataFrame:
    """DECISIONS from qa_id, language, check."""
    made = [
        {"qa_id": one, "language": code, "field": "question", "check": check, "score": 1.0,
         "limit": 0.5, "reason": f"question {check}"}
        for one, code, check in rows
    ]  # fmt: skip
    return pl.DataFrame(made, schema=DECISIONS)


def keys(questions: int, codes: tuple[str, ...] = ("eng_Latn", "deu_Latn")) -> pl.DataFrame:
    return corpus_frame(parallel(questions, codes)).select("qa_id", "passage_id", "language")


def test_rare_reasons_are_among_the_sample() -> None:
    often = [(f"q{number}", "deu_Latn", "copied") for number in range(0, 200)]
    fate = Fate.of(decisions(*often, ("q7", "deu_Latn", "loop"), ("q300", "deu_Latn", "han")), None)
    sample = choose(keys(400), fate, 20, seed=0)
    assert len(sample.ids) == len(set(sample.ids)) == 20
    assert {"q7", "q300"} <= set(sample.ids)
    assert (sample.all, sample.concerned, sample.chosen_concerned) == (400, 201, 10)
    assert sample.ids == sorted(sample.ids, key=lambda one: int(one[1:]))
    assert choose(keys(400), fate, 20, seed=0) == sample
    assert choose(keys(400), fate, 20, seed=1).ids != sample.ids


def test_few_questions_are_all_there_and_many_languages_make_them_fewer() -> None:
    fate = Fate.of(None, None)
    assert len(choose(keys(5), fate, 200, seed=0).ids) == 5
    rejected = Fate.of(decisions(*((f"q{n}", "deu_Latn", "copied") for n in range(5))), None)
    assert choose(keys(5), rejected, 4, seed=0).chosen_concerned == 4
    codes = tuple(f"l{number}" for number in range(200))
    assert len(choose(keys(100, codes), fate, 200, seed=0).ids) == 60


def test_each_row_says_what_became_of_it() -> None:
    frame = corpus_frame(parallel(4, ("eng_Latn", "deu_Latn")))
    fate = Fate.of(
        decisions(("q0", "deu_Latn", "copied"), ("q0", "deu_Latn", "loop")),
        leaks(
            {"qa_id": "q1", "passage_id": "q-p1"},
            {"qa_id": "q2", "passage_id": "q-p2", "field": "passage"},
            {"qa_id": "q3", "passage_id": "q-p3", "leaked": False},
        ),
    )
    sample = choose(frame.select("qa_id", "passage_id", "language"), fate, 9, seed=0)
    told = embed(sample, [frame], fate, ["eng_Latn", "deu_Latn"])
    states = {
        question["id"]: [row["state"] for row in question["rows"].values()]
        for question in told["questions"]
    }
    assert states == {
        "q0": ["kept", "rejected"], "q1": ["leaked"] * 2, "q2": ["leaked"] * 2, "q3": ["kept"] * 2,
    }  # fmt: skip
    assert told["reasons"] == ["question copied", "question loop"]
    assert told["questions"][0]["rows"]["deu_Latn"]["why"] == [
        [0, "question copied"], [1, "question loop"],
    ]  # fmt: skip


@pytest.mark.parametrize("before", ["", "🦊 ", "x" * 9_000 + " "])
def test_the_answer_is_marked_where_a_script_counts_it(before: str) -> None:
    text = f"{before}the red fox ran {'y' * 9_000}"
    row = {**parallel(1, ("eng_Latn",))[0], "passage": text, "answer": "red fox",
           "answer_start": text.index("red")}  # fmt: skip
    frame = corpus_frame([row])
    sample = choose(frame.select("qa_id", "passage_id", "language"), Fate.of(None, None), 1, seed=0)
    told = embed(sample, [frame], Fate.of(None, None), ["eng_Latn"])
    cell = told["questions"][0]["rows"]["eng_Latn"]
    passage = told["passages"][cell["p"]]
    assert len(passage) < 1_600
    units = passage.encode("utf-16-le")
    start, end = (2 * place for place in cell["s"])
    assert units[start:end].decode("utf-16-le") == "red fox"


def test_a_passage_is_on_the_page_once() -> None:
    rows = parallel(6, ("eng_Latn",))
    frame = corpus_frame([{**row, "passage": "The same."} for row in rows])
    sample = choose(frame.select("qa_id", "passage_id", "language"), Fate.of(None, None), 6, seed=0)
    told = embed(sample, [frame], Fate.of(None, None), ["eng_Latn"])
    assert told["passages"] == ["The same."]
