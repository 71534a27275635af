"""Rows beside others: targets of several sources, duplicates, answers in their sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from qa_parallel import schema
from qa_parallel.filters import rows, score, surface
from qa_parallel.filters.characters import Characters
from qa_parallel.filters.meaning import Vectors
from qa_parallel.schema import CORPUS


def corpus(language: str, origin: str | None, **columns: Sequence[Any]) -> pl.DataFrame:
    """CORPUS rows q0, q1, … with the given columns, everything else null."""
    size = len(next(iter(columns.values())))
    given: dict[str, Sequence[Any]] = {
        "qa_id": [f"q{number}" for number in range(size)],
        "passage_id": [f"q{number}" for number in range(size)],
        "language": [language] * size,
        "translated_from": [origin] * size,
        **columns,
    }
    return pl.DataFrame(
        [
            pl.Series(name, given.get(name, [None] * size), dtype=dtype)
            for name, dtype in CORPUS.items()
        ]
    )


def found(check: str, *frames: pl.DataFrame, language: str = "deu_Latn") -> dict[str, float]:
    """Scores of one check, by question."""
    scores = score(pl.concat(frames)).filter(check=check, language=language)
    return dict(scores.select("qa_id", "score").iter_rows())


def test_a_target_of_many_sources_is_counted() -> None:
    same = "Das ist immer wieder derselbe Satz ohne Sinn."
    sources = [
        "Who wrote the first history of the island?",
        "How many people live along the coast now?",
        "What does the museum in the harbour show?",
        "WHAT does the museum in the harbour show",
    ]
    english = corpus("eng_Latn", None, question=list(sources))
    german = corpus("deu_Latn", "eng_Latn", question=[same] * 4)
    assert set(found("shared", english, german).values()) == {3.0}


def test_paraphrases_may_share_a_target() -> None:
    sources = ["When was the tower of the town built?", "When was the town's tower built?"]
    english = corpus("eng_Latn", None, question=list(sources))
    german = corpus("deu_Latn", "eng_Latn", question=["Wann wurde der Turm der Stadt gebaut?"] * 2)
    assert set(found("shared", english, german).values()) == {1.0}


QUESTION = "In welchem Jahr wurde die große Brücke über den Fluss von der Stadt gebaut?"


def test_duplicates_are_the_same_words_with_the_same_answer() -> None:
    questions = [
        QUESTION,
        QUESTION.lower().replace("?", " ?"),
        QUESTION,
        QUESTION.replace("große", "grosse"),
        QUESTION.replace("Jahr", "Jahr 5"),
        "Wo liegt der See?",
    ]
    answers = ["1900", "1900", "1901", "1900", "1900", "im Norden"]
    likeness = found("duplicate", corpus("deu_Latn", None, question=questions, answer=answers))
    assert likeness["q0"] == 0
    assert likeness["q1"] == 1
    assert likeness["q2"] == 0  # another answer
    assert 0.95 < likeness["q3"] < 1
    assert likeness["q4"] == 0  # another number
    assert likeness["q5"] == 0


def test_questions_over_one_passage_are_no_duplicates() -> None:
    passage = "Die Brücke wurde 1900 gebaut, und der See liegt im Norden der Stadt."
    frame = corpus(
        "deu_Latn",
        None,
        question=["Wann wurde sie gebaut?", "Wo liegt der See?"],
        answer=["1900", "im Norden"],
        passage=[passage, passage],
    )
    assert found("duplicate", frame) == {"q0": 0, "q1": 0}


def test_one_passage_for_two_sources_is_no_duplicate() -> None:
    english = corpus("eng_Latn", None, passage=["The bridge is old.", "The lake is deep."])
    german = corpus("deu_Latn", "eng_Latn", passage=["Die Brücke ist alt."] * 2)
    assert found("duplicate", english, german) == {"q0": 0, "q1": 0}


def test_bands_meet_for_near_texts_alone() -> None:
    text = QUESTION + " Und wer hat sie damals im Auftrag der Stadt entworfen?"
    other = "Wie viele Menschen leben heute an der Küste, und wovon leben sie im Winter?"
    bands = surface.bands(Characters.of([text, text.replace("damals", "einst"), other]))
    assert (bands[0] == bands[1]).any()
    assert not (bands[0] == bands[2]).any()


def test_answers_are_looked_for_in_their_sentences() -> None:
    passage = "Sie wurde 1900 gebaut. Der See liegt im Norden."
    frame = corpus(
        "deu_Latn",
        "eng_Latn",
        answer=["im Norden", "Im norden", "1900", "1900"],
        passage=[passage] * 4,
    ).with_columns(
        schema.breaks([[(0, 22), (23, 47)]] * 4),
        pl.Series("answer_sentences", [[1], [1], [1], []], dtype=CORPUS["answer_sentences"]),
        pl.Series("answer_start", [37, None, None, None], dtype=pl.Int32),
    )
    likeness = rows.answers(frame).to_list()
    assert likeness[:2] == [1, 1]
    assert likeness[2] < 0.6
    assert likeness[3] is None


def test_a_passage_of_many_questions_is_measured_once() -> None:
    seen: list[str] = []

    def encode(texts: list[str]) -> Vectors:
        seen.extend(texts)
        return np.eye(4, dtype=np.float32)[[len(text) % 4 for text in texts]]

    english = corpus("eng_Latn", None, passage=["The lake lies in the north.", "A bridge."] * 50)
    german = corpus("deu_Latn", "eng_Latn", passage=["Der See liegt im Norden.", "Brücken."] * 50)
    scores = score(pl.concat([english, german]), encode=encode)
    assert seen == ["Der See liegt im Norden.", "The lake lies in the north."]  # the short are not
    assert scores.filter(check="cosine").is_empty()  # one pair has no neighbours


def test_flags_of_the_translator_count_by_field() -> None:
    english = corpus("eng_Latn", None, question=["a b"], passage=["c d"])
    flags = pl.Series([["passage:loop", "passage:redecoded", "question:cut"]])
    german = corpus(
        "deu_Latn", "eng_Latn", question=["a b"], passage=["c d"], translator=["m@1"]
    ).with_columns(flags=flags)
    scores = score(pl.concat([english, german])).filter(check="flags")
    assert dict(scores.select(pl.col("field").cast(pl.String), "score").iter_rows()) == {
        "question": 0.0,
        "passage": 1.0,
    }
