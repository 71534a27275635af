"""Hard negatives: ranked as BM25 ranks, and never a right answer for anybody in the batch."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from typing import Any

import numpy as np
import polars as pl
import pytest

from qa_parallel.batches.negatives import (
    candidates,
    choose,
    holding,
    rank,
    sample_negatives,
    text_forms,
)
from qa_parallel.batches.planning import BatchPlan, make_plan
from qa_parallel.batches.rows import gather, positive_text, text_keys
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.text import comparison_form
from tests.small_corpora import corpus_frame

WORDS = ["the", "cat", "dog", "house", "river", "town", "king", "old", "new", "red", "runs"]


def bm25(documents: list[list[str]], query: list[str]) -> list[float]:
    """Lucene's BM25 (k1 = 1.5, b = 0.75), word by word."""
    mean = sum(map(len, documents)) / len(documents)
    scores = []
    for words in documents:
        count, score = Counter(words), 0.0
        for word in query:
            holding = sum(word in other for other in documents)
            idf = math.log(1 + (len(documents) - holding + 0.5) / (holding + 0.5))
            norm = 1.5 * (1 - 0.75 + 0.75 * len(words) / mean)
            score += idf * count[word] / (count[word] + norm)
        scores.append(score)
    return scores


def test_ranked_as_bm25_ranks() -> None:
    rng = np.random.default_rng(1)
    documents = [" ".join(rng.choice(WORDS, size=rng.integers(3, 9))) + "." for _ in range(40)]
    queries = [" ".join(rng.choice(WORDS, size=3)).title() + "?" for _ in range(10)]
    found = rank(pl.Series(documents), pl.Series(queries), "eng_Latn", 60)
    assert found.shape == (10, 60)
    words = [comparison_form(text).split() for text in documents]
    for query, mine in zip(queries, found.tolist(), strict=True):
        scores = bm25(words, comparison_form(query).split())
        there = [one for one in mine if one >= 0]
        assert mine == there + [-1] * (60 - len(there))
        assert set(there) == {place for place, score in enumerate(scores) if score > 0}
        values = [scores[place] for place in there]
        assert values == pytest.approx(sorted(values, reverse=True))


def test_languages_without_spaces_are_compared_by_pairs_of_characters() -> None:
    documents = pl.Series(["他在北京大学学习。", "今天下雨。"])
    found = rank(documents, pl.Series(["北京在哪里？", "雨"]), "zho_Hans", 2)
    assert found.tolist() == [[0, -1], [-1, -1]]


def made_with_negatives(rows: list[dict[str, Any]], count: int, **options: Any) -> BatchPlan:
    frame = corpus_frame(rows)
    kept = gather([text_keys(frame, "sentence")])
    made = make_plan(kept, BatchSettings(validation=0, **options))
    texts = frame.select(
        "qa_id", "language", "question", "answer", positive=positive_text("sentence")
    )
    numbers = kept.keys.with_row_index("row")
    parts = [
        candidates(
            made,
            texts.filter(language=code).join(numbers.filter(language=code), on="qa_id"),
            count,
        )
        for code in kept.languages
    ]
    drawn, ranked = (np.concatenate(column) for column in zip(*parts, strict=True))
    forms = text_forms(texts.join(numbers, on=["qa_id", "language"])).sort("row")
    return dataclasses.replace(made, batches=choose(made, drawn, ranked, forms, count))


def test_no_negative_is_right_for_anybody_in_the_batch() -> None:
    rng = np.random.default_rng(2)
    rows = [
        {
            "qa_id": f"q{number}",
            "passage_id": f"p{number // 3}",
            "language": code,
            "question": " ".join(rng.choice(WORDS, size=2)) + f" {number if number % 4 else ''}",
            "passage": " ".join(rng.choice(WORDS, size=3))
            + f" {code} {number if number % 5 else ''}",
            "answer": ("" if number % 7 else str(rng.choice(WORDS))).upper(),
        }
        for code in ("eng_Latn", "deu_Latn")
        for number in range(90)
    ]
    by_key = {(row["qa_id"], row["language"]): row for row in rows}
    made = made_with_negatives(rows, 2, strategy="hybrid", batch_size=6)
    found = 0
    for (_,), batch in made.batches.group_by("step", maintain_order=True):
        asked = [by_key[key] for key in batch.select("qa_id", "question_language").iter_rows()]
        right = [by_key[key] for key in batch.select("qa_id", "passage_language").iter_rows()]
        for slot in batch.to_dicts():
            assert len(slot["negatives"]) <= 2
            for qa_id in slot["negatives"]:
                wrong = by_key[qa_id, slot["passage_language"]]
                found += 1
                for row in asked:
                    assert row["passage_id"] != wrong["passage_id"]
                    assert comparison_form(row["question"]) != comparison_form(wrong["question"])
                for row in right:
                    assert comparison_form(row["passage"]) != comparison_form(wrong["passage"])
                for row in asked + right:
                    words = comparison_form(wrong["passage"]).split()
                    assert comparison_form(row["answer"]) not in words
                own = by_key.get((slot["qa_id"], slot["passage_language"]))
                assert own is not None
                shared = set(own["question"].split()) & set(wrong["passage"].split())
                assert shared, (own, wrong)
    assert found > made.batches.height


def test_a_sentence_that_holds_an_answer_of_the_batch_is_none() -> None:
    pools = [["It burned in 1902.", "Rain fell.", "The MILL stood."], ["In 19020 cars came."]]
    rng = np.random.default_rng(1)
    drawn = sample_negatives(pools, ["It burned.", "Cars."], ["1902", None, "the mill"], 3, rng)
    assert drawn == [["Rain fell."], ["In 19020 cars came."]]


@pytest.mark.parametrize(
    ("text", "answer", "held"),
    [
        ("il était à Paris", "était", True),
        ("he saw parish churches", "paris", False),
        ("new york city", "york city", True),
        ("他在北京大学学习", "北京", True),
        ("他 在 北 京", "北京", True),
        ("2008年在北京", "2008", True),
        ("เกาะนี้อยู่ที่ไหน", "อยู่", True),
        ("any", "", False),
        ("", "any", False),
    ],
)
def test_holding_an_answer(text: str, answer: str, held: bool) -> None:
    forms = comparison_form(text), comparison_form(answer)
    for texts in ([forms[0]], ["plain", forms[0], None], [None, forms[0], "中文"]):
        found = holding(pl.Series(texts, dtype=pl.String), pl.Series([forms[1], None]))
        assert found.to_list() == [text == forms[0] and held for text in texts]
