"""Corpus in, parallel corpus out, on an engine whose translations can be foretold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
import pytest

from qa_parallel.errors import LanguageError
from qa_parallel.schema import CORPUS
from qa_parallel.sentences import annotate
from qa_parallel.storage.corpus import Stats
from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding.engine import OnBatch, ignore
from qa_parallel.translation.settings import TranslateSettings
from qa_parallel.translation.window import assemble, decode, prepare, translate_corpus


class Shouting:
    """An engine that "translates" by writing capitals; it remembers what it was asked."""

    source = "eng_Latn"
    max_source_tokens = 10

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> list[list[str]]:
        return [text.split() for text in texts]

    def translate(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        target: str,
        on_batch: OnBatch = ignore,
    ) -> list[Translation]:
        assert [len(item) for item in tokens] == [len(text.split()) for text in texts]
        self.asked += texts
        return [
            Translation(text.upper(), -float(len(item)), len(item), ("loop",) * ("bad" in text))
            for text, item in zip(texts, tokens, strict=True)
        ]


class Memory(dict[str, Translation]):
    """A cache in memory."""

    def known(self, texts: Sequence[str]) -> Mapping[str, Translation]:
        return {text: self[text] for text in texts if text in self}

    def store(self, translations: Mapping[str, Translation]) -> None:
        self.update(translations)


def corpus(*rows: dict[str, Any]) -> pl.DataFrame:
    filled = [
        {
            **dict.fromkeys(CORPUS.names()),
            "qa_id": f"q{number}",
            "passage_id": f"p{number}",
            "language": "eng_Latn",
            "flags": [],
            **row,
        }
        for number, row in enumerate(rows)
    ]
    return pl.DataFrame(filled, schema=CORPUS)


SENTENCES = ["Tom came at noon.", "He sat down.", "Mary left in 1990."]
PASSAGE = "Tom came at noon. He sat down.\n\nMary left in 1990."


def test_a_row_comes_back_whole() -> None:
    rows = corpus(
        {"question": "Who left?", "answer": "Mary", "passage": PASSAGE, "answer_start": 32}
    )
    out = translate_corpus(rows, ["deu_Latn"], Shouting(), "shout@1")
    assert out.schema == CORPUS
    original, german = out.to_dicts()
    assert original["sentence_breaks"] == [[0, 17], [18, 30], [32, 50]]
    assert original["answer_sentences"] == [2]
    assert german["passage"] == PASSAGE.upper()
    assert (german["qa_id"], german["passage_id"]) == ("q0", "p0")
    assert (german["language"], german["translated_from"]) == ("deu_Latn", "eng_Latn")
    assert german["translator"] == "shout@1"
    assert german["sentence_breaks"] == [[0, 17], [18, 30], [32, 50]]
    assert german["answer_sentences"] == [2]
    assert (german["answer_start"], german["answer_method"]) == (32, "exact")
    assert german["question_logprob"] == -1.0
    assert original["translator"] is None
    assert original["question_logprob"] is None


def test_equal_sentences_are_translated_once() -> None:
    engine = Shouting()
    rows = corpus(
        {"question": "Who came?", "answer": "Tom", "passage": PASSAGE},
        {"question": "Who left?", "answer": "Mary", "passage": PASSAGE},
        {"question": "Who left?", "answer": "Tom", "passage": "Mary left in 1990."},
    )
    window = prepare(rows, engine)
    _, stats = assemble(window, decode(window, "deu_Latn", engine), "deu_Latn")
    assert sorted(engine.asked) == sorted(["Who came?", "Who left?", "Tom", "Mary", *SENTENCES])
    assert (stats.segments, stats.unique, stats.translated) == (13, 7, 7)


def test_what_the_cache_knows_is_not_translated() -> None:
    engine, cache = Shouting(), Memory()
    first = prepare(corpus({"question": "Who came?", "answer": "Tom"}), engine)
    second = prepare(corpus({"question": "Who came?", "answer": "Mary"}), engine)
    decode(first, "deu_Latn", engine, cache)
    engine.asked.clear()
    rows, stats = assemble(second, decode(second, "deu_Latn", engine, cache), "deu_Latn")
    assert engine.asked == ["Mary"]
    assert (stats.cached, stats.translated) == (1, 1)
    assert rows["question"].to_list() == ["WHO CAME?"]


def test_numbers_alone_are_not_sent_to_the_model() -> None:
    engine = Shouting()
    out = translate_corpus(
        corpus({"question": "When?", "answer": "1990–1995 (!)"}), ["deu_Latn"], engine
    )
    assert engine.asked == ["When?"]
    german = out.filter(language="deu_Latn").to_dicts()[0]
    assert german["answer"] == "1990-1995 (!)"  # punctuation as Moses writes it
    assert german["answer_logprob"] is None


def test_missing_fields_stay_missing() -> None:
    out = translate_corpus(corpus({"question": "Why?"}), ["deu_Latn"], Shouting())
    german = out.filter(language="deu_Latn").to_dicts()[0]
    assert german["question"] == "WHY?"
    for name in ("answer", "passage", "sentence_breaks", "answer_start", "passage_logprob"):
        assert german[name] is None


def test_long_sentences_are_cut_put_together_and_flagged() -> None:
    words = " ".join(f"word{number}" for number in range(25))
    out = translate_corpus(corpus({"question": words}), ["deu_Latn"], Shouting())
    german = out.filter(language="deu_Latn").to_dicts()[0]
    assert german["question"] == words.upper()
    assert german["flags"] == ["question:cut"]


def test_flags_name_their_field() -> None:
    out = translate_corpus(
        corpus({"question": "A bad one?", "answer": "good", "passage": "It is bad. It is bad."}),
        ["deu_Latn"],
        Shouting(),
    )
    assert out.filter(language="deu_Latn")["flags"].to_list() == [["question:loop", "passage:loop"]]


def test_the_logprob_of_a_field_is_a_mean_over_its_tokens() -> None:
    class Uneven(Shouting):
        def translate(self, texts: Any, tokens: Any, *rest: Any) -> list[Translation]:
            return [Translation(text, -6.0, len(item)) for text, item in zip(texts, tokens)]  # noqa: B905

    out = translate_corpus(
        corpus({"question": "One two. One two three four."}), ["deu_Latn"], Uneven()
    )
    assert out.filter(language="deu_Latn")["question_logprob"].to_list() == [-2.0]


def test_breaks_of_the_source_are_kept_if_they_cover_the_passage() -> None:
    given = [[0, 30], [32, 50]]
    kept = annotate(corpus({"passage": PASSAGE, "sentence_breaks": given}))
    assert kept["sentence_breaks"].to_list() == [given]
    for wrong in ([[0, 17], [32, 50]], [[18, 30], [0, 17], [32, 50]], [[0, 30], [32, 999]]):
        mended = annotate(corpus({"passage": PASSAGE, "sentence_breaks": wrong}))
        assert mended["sentence_breaks"].to_list() == [[[0, 17], [18, 30], [32, 50]]]


def test_an_answer_across_two_sentences_has_both() -> None:
    rows = annotate(corpus({"passage": PASSAGE, "answer": "noon. He sat", "answer_start": 12}))
    assert rows["answer_sentences"].to_list() == [[0, 1]]


def test_rows_of_another_language_are_refused() -> None:
    with pytest.raises(LanguageError, match="expected rows in eng_Latn, found fra_Latn"):
        translate_corpus(corpus({"language": "fra_Latn"}), ["deu_Latn"], Shouting())


def test_stats_add_up_and_survive_json() -> None:
    one = Stats(rows=2, spans=1)
    one.placed["exact"] += 1
    both = one + Stats.from_json(json.loads(json.dumps(one.to_json())))
    assert (both.rows, both.spans, both.placed) == (4, 2, {"exact": 2})


def test_settings_take_what_people_type() -> None:
    settings = TranslateSettings.model_validate({"to": "de, zh-TW,German"})
    assert settings.to == ("deu_Latn", "zho_Hant")
