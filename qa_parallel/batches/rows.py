"""The rows of one or several corpora as numbers: what a plan is made of.

A row is a question in a language. What may not meet in one batch becomes integers: the group of its
passage, and what its question and its positive mean. Texts of one comparison form mean the same,
and so do their translations: this is decided once, over all languages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from qa_parallel.batches.settings import Positive
from qa_parallel.components import Array, connected, numbers
from qa_parallel.errors import SourceError
from qa_parallel.schema import answer_region
from qa_parallel.text import comparison_forms

_OWN = 30  # bytes: five words of Latin, ten characters of Chinese or Thai


@dataclass(frozen=True)
class Rows:
    """Rows by number; all arrays have one entry a row unless it says otherwise.

    Attributes
    ----------
    keys:
        corpus (position among those given), qa_id, passage_id, language.
    languages:
        Codes; `language` are positions in it.
    question:
        Number of the question: the same for its translations within a corpus.
    group:
        Number of the passage. Passages that share a question id, in any corpus, or a text in any
        language, are one group.
    question_meaning, positive_meaning:
        Numbers, each among its kind: one for the rows of a question, and for all rows whose texts
        have one comparison form in some language. -1 where there is no text.
    question_is_positive:
        Whether the question is its own positive, as a sentence is that was put in for the sake of
        its translations: something to learn across languages, nothing within one.
    reserved:
        Whether the row is kept for validation.
    """

    keys: pl.DataFrame
    languages: tuple[str, ...]
    corpus: Array
    language: Array
    question: Array
    group: Array
    question_meaning: Array
    positive_meaning: Array
    question_is_positive: Array
    reserved: Array

    def __len__(self) -> int:
        return self.keys.height

    @cached_property
    def of(self) -> Array:
        """The row of each question in each language: (questions, languages). -1 = there is none."""
        questions = int(self.question.max(initial=-1)) + 1
        table = np.full((questions, len(self.languages)), -1, dtype=np.int32)
        table[self.question, self.language] = np.arange(len(self), dtype=np.int32)
        return table


def positive_text(positive: Positive) -> pl.Expr:
    """The text of CORPUS rows that their questions are to find; null where there is none."""
    if positive != "sentence":
        return _filled(pl.col(positive))
    return _filled(answer_region())


def other_sentences(frame: pl.DataFrame) -> pl.Series:
    """The sentences of CORPUS rows that do not hold the answer: a list a row, as they stand.

    A row without an answer has none: all its sentences might be right.
    """
    rows = frame.select("passage", "sentence_breaks", "answer_sentences").iter_rows()
    return pl.Series(
        "others",
        [
            [
                passage[start:end]
                for number, (start, end) in enumerate(breaks)
                if number not in answers and passage[start:end].strip()
            ]
            if passage and breaks and answers
            else []
            for passage, breaks, answers in rows
        ],
        dtype=pl.List(pl.String),
    )


def _filled(text: pl.Expr) -> pl.Expr:
    """Null where there is nothing but space."""
    return pl.when(text.str.strip_chars() != "").then(text)


def text_keys(frame: pl.DataFrame, positive: Positive) -> pl.DataFrame:
    """The keys of CORPUS rows, with hashes of their comparison forms; null where there is no text.

    Two texts of one hash would only be kept apart without need.
    """
    texts = frame.select(
        "qa_id",
        "passage_id",
        "language",
        question=_filled(pl.col("question")),
        positive=positive_text(positive),
        passage=pl.coalesce(_filled(pl.col("passage")), _own_answer()),
    )
    return texts.select(
        "qa_id",
        "passage_id",
        "language",
        question_form=_hashes(texts["question"]),
        positive_form=_hashes(texts["positive"]),
        passage_form=_hashes(texts["passage"]),
    )


def _own_answer() -> pl.Expr:
    """The answer, which stands for the passage of a FAQ; a short one ("yes") is nobody's own."""
    return pl.when(pl.col("answer").str.len_bytes() >= _OWN).then(pl.col("answer"))


def _hashes(texts: pl.Series) -> pl.Series:
    """Hashes of the comparison forms, each distinct text looked at once."""
    distinct = texts.drop_nulls().unique()
    forms = comparison_forms(distinct)
    # without a letter or a number a text is only like itself
    forms = forms.zip_with(forms != "", distinct)
    hashes = pl.DataFrame({"text": distinct, "hash": forms.hash(seed=0)})
    return (
        texts.alias("text").to_frame().join(hashes, on="text", how="left", maintain_order="left")
    )["hash"]


def gather(corpora: Sequence[pl.DataFrame], validation: float = 0.0) -> Rows:
    """Number the rows of `text_keys`, one frame a corpus; reserve a share of the passages.

    Raises
    ------
    SourceError
        No row has both a question and a positive, or a question is there twice in a language.
    """
    table = pl.concat(
        [frame.with_columns(corpus=pl.lit(place, pl.UInt16)) for place, frame in enumerate(corpora)]
    )
    if not table.filter(
        pl.col("question_form").is_not_null() & pl.col("positive_form").is_not_null()
    ).height:
        raise SourceError(
            f"expected rows with a question and a text to find, found none among {table.height:,}",
            "choose another --positive",
        )
    _refuse_twins(table)
    codes = tuple(table["language"].unique(maintain_order=True))
    places = {code: place for place, code in enumerate(codes)}
    ids, passages = numbers(table, "qa_id"), numbers(table, "passage_id")
    questions, positives, texts = (
        numbers(table, f"{name}_form") for name in ("question", "positive", "passage")
    )
    return Rows(
        keys=table.select("corpus", "qa_id", "passage_id", "language"),
        languages=codes,
        corpus=table["corpus"].to_numpy().astype(np.int16),
        language=table["language"].replace_strict(places, return_dtype=pl.Int16).to_numpy(),
        question=numbers(table, "corpus", "qa_id"),
        group=connected(ids, passages, texts),
        question_meaning=np.where(questions < 0, -1, connected(ids, questions)),
        positive_meaning=np.where(positives < 0, -1, connected(ids, positives)),
        question_is_positive=table.select(
            (pl.col("question_form") == pl.col("positive_form")).fill_null(False)
        )
        .to_series()
        .to_numpy(),
        # a question that comes again, with another passage, is not to be validated by either
        reserved=reserve(
            connected(ids, passages, texts, questions), table["passage_id"], passages, validation
        ),
    )


def _refuse_twins(table: pl.DataFrame) -> None:
    twins = table.filter(pl.struct("corpus", "qa_id", "language").is_duplicated())
    if twins.height:
        row = twins.row(0, named=True)
        raise SourceError(
            f"expected each question once in a language, found {row['qa_id']!r} several times in "
            f"{row['language']}"
        )


def reserve(group: Array, passage_ids: pl.Series, passages: Array, share: float) -> Array:
    """Whether each row is for validation: the `share` of groups whose ids hash lowest.

    One at least, if any are wanted and two are there. New passages move few of the old ones. A
    group of more passages than are wanted, as they grow where a translator says the same of much,
    goes to training.
    """
    count = int(group.max()) + 1
    wanted = min(max(1, round(share * count)), count - 1) if share else 0
    if not wanted:
        return np.zeros(len(group), dtype=bool)
    _, first = np.unique(passages, return_index=True)
    large = np.bincount(group[first], minlength=count) > max(1, round(share * len(first)))
    digests = [
        hashlib.blake2b(passage.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for passage in passage_ids.gather(first)
    ]
    ranks = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
    lowest = np.full(count, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(lowest, group[first], ranks)
    chosen = np.zeros(count, dtype=bool)
    chosen[np.lexsort((lowest, large))[: min(wanted, max(1, int((~large).sum())))]] = True
    return chosen[group]
