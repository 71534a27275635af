"""Which questions of a corpus are known from evaluation sets, by their texts or by their ids.

    reference = Reference([open_evalset(settings)], LeakageSettings())
    leaks = find_leaks(corpus, reference)
    clean = drop_leaks(corpus, leaks)

A question that leaks in one language leaks in all its translations, and a leaked passage taints
every question on it: what is dropped is the group, never a row. What two texts share by habit (a
title, a phrase of the census) is reported, not dropped.

Questions are compared with questions, passages with passages and with questions that they may
quote, answers of rows without a passage (FAQs) with passages; in every language at once, so that
a text with a wrong language code is found as well.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from qa_parallel.evalsets import ENGLISH, EvalSet, counts_only
from qa_parallel.ngrams import Array, Index, Neighbours, character_grams, sizes, word_grams
from qa_parallel.schema import LEAKS, check
from qa_parallel.text import comparison_forms

ROWS = 1 << 13  # rows compared at once

# Texts to vectors, one row each; any length of vectors.
Encode = Callable[[Sequence[str]], "np.ndarray[Any, Any]"]


class LeakageSettings(BaseModel):
    """What counts as a leak, and what follows from one.

    Attributes
    ----------
    action:
        "report"; "drop" what leaks, with its group; "fail" (exit code 3) where anything leaks.
    ngrams:
        Lengths of the runs of words that are looked for. A text that is shorter is compared whole.
    containment:
        Of the shorter text's n-grams, the share that makes a leak; below it they are reported.
    similarity:
        Weighted Jaccard similarity of near duplicates: three characters at a time of questions,
        three words of passages.
    cosine:
        Similarity of questions across languages, where there is an encoder.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    action: Literal["report", "drop", "fail"] = "report"
    ngrams: tuple[int, ...] = Field(default=(8, 13), min_length=1)
    containment: float = Field(default=0.5, gt=0, le=1)
    similarity: float = Field(default=0.5, gt=0, le=1)
    cosine: float = Field(default=0.95, gt=0, le=1)


class Reference:
    """Evaluation sets, prepared for being looked up in.

    Their passages are those that are relevant to a query, or all where nothing is judged.
    """

    def __init__(
        self,
        evalsets: Sequence[EvalSet],
        settings: LeakageSettings | None = None,
        encode: Encode | None = None,
    ) -> None:
        self.settings = settings or LeakageSettings()
        questions = pl.concat([_questions(one) for one in evalsets])
        passages = pl.concat([_passages(one) for one in evalsets])
        self.ids = _by_id(questions)
        self.titles = _by_title(passages)
        limit = self.settings.similarity
        self.questions = _Texts(questions, self.settings.ngrams, _question_shingles, limit)
        self.passages = _Texts(passages, self.settings.ngrams, _passage_shingles, limit)
        self.encode = encode
        self.vectors = _encoded(self.questions.frame["text"], encode) if encode else None


def find_leaks(
    frames: pl.DataFrame | Iterable[pl.DataFrame], reference: Reference, threads: int = 2
) -> pl.DataFrame:
    """LEAKS of CORPUS rows: the strongest of each kind for every row, field and benchmark.

    Frames are read one after another, so that a corpus may be larger than memory.

    >>> find_leaks(corpus, reference)  # doctest: +SKIP
    """
    given = [frames] if isinstance(frames, pl.DataFrame) else frames
    parts = (part for frame in given for part in frame.iter_slices(ROWS))
    found = [pl.DataFrame(schema=LEAKS)]
    with ThreadPoolExecutor(threads) as pool:
        waiting = []
        for part in parts:
            waiting.append(pool.submit(_find, part, reference))
            if len(waiting) > threads:
                found.append(waiting.pop(0).result())
        found += [one.result() for one in waiting]
    return pl.concat(found)


def leaked_groups(leaks: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """The `qa_id`s that leak by themselves, and the `passage_id`s whose every question does."""
    real = leaks.filter("leaked")
    on_passage = pl.col("field") == "passage"
    return (
        real.filter(~on_passage)["qa_id"].unique().sort(),
        real.filter(on_passage)["passage_id"].unique().sort(),
    )


def is_leaked(questions: pl.Series, passages: pl.Series) -> pl.Expr:
    """Whether a CORPUS row belongs to one of these groups."""
    return pl.col("qa_id").is_in(questions.implode()) | pl.col("passage_id").is_in(
        passages.implode()
    )


def drop_leaks(corpus: pl.DataFrame, leaks: pl.DataFrame) -> pl.DataFrame:
    """The rows that belong to no group that leaks."""
    return corpus.filter(~is_leaked(*leaked_groups(leaks)))


def _find(rows: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Leaks of one slice of a corpus."""
    rows = rows.with_row_index("row")
    no_passage = pl.col("passage").is_null()
    fields = {
        "question": (rows, [reference.questions]),
        "passage": (rows, [reference.passages, reference.questions]),
        "answer": (rows.filter(no_passage), [reference.passages]),
    }
    parts = [_same_id(rows, reference), _same_title(rows, reference)]
    for field, (some, known) in fields.items():
        texts = some.select("row", text=field).drop_nulls()
        parts += [_compared(texts, field, one, reference) for one in known]
    parts.append(_across(rows, reference))
    hits = pl.concat(parts).sort("overlap", descending=True, nulls_last=True, maintain_order=True)
    best = hits.unique(["row", "field", "benchmark", "kind"], keep="first", maintain_order=True)
    keys = rows.select("row", "qa_id", "passage_id", "language")
    leaks = best.join(keys, on="row").sort("row", "field", "benchmark", "kind")
    whole = leaks.with_columns(pl.col("overlap").cast(pl.Float32), evidence=_stretches(leaks))
    return check(whole, LEAKS, "leaks")


_HITS = ["row", "field", "benchmark", "benchmark_id", "benchmark_language", "kind", "overlap",
         "leaked", "text", "benchmark_text"]  # fmt: skip


def _same_id(rows: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Equal ids; those that merely count are reported, since another set may have them too."""
    hits = rows.select("row", "qa_id", text="question").join(
        reference.ids, left_on="qa_id", right_on="local_id"
    )
    return hits.with_columns(
        field=pl.lit("id"), kind=pl.lit("id"), overlap=pl.lit(None, pl.Float64)
    ).select(_HITS)


def _same_title(rows: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    titles = rows.select("row", text="title").drop_nulls()
    hits = titles.with_columns(form=comparison_forms(titles["text"])).join(
        reference.titles, on="form"
    )
    return hits.with_columns(
        field=pl.lit("title"), kind=pl.lit("title"), overlap=pl.lit(1.0), leaked=pl.lit(False)
    ).select(_HITS)


def _compared(texts: pl.DataFrame, field: str, known: _Texts, reference: Reference) -> pl.DataFrame:
    """What the texts of a field share with those of the evaluation sets."""
    settings = reference.settings
    distinct = texts.select("text").unique(maintain_order=True).with_row_index("number")
    forms = comparison_forms(distinct["text"])
    same_field = (
        known is reference.questions if field == "question" else known is reference.passages
    )
    pairs = [known.sharing(forms, settings.ngrams)]
    if same_field:
        # a short answer ("yes", "Paris") is nobody's own
        enough = 1 if field != "answer" else min(settings.ngrams)
        pairs += [known.same(forms, enough), known.near(forms)]
    share = pl.col("kind").str.ends_with("-gram")
    return (
        pl.concat(pairs)
        .join(distinct, on="number")
        .join(texts, on="text")
        .join(known.frame.rename({"text": "benchmark_text"}).drop("title", "form"), on="known")
        .with_columns(
            field=pl.lit(field), leaked=~share | (pl.col("overlap") >= settings.containment)
        )
        .select(_HITS)
    )


def _across(rows: pl.DataFrame, reference: Reference) -> pl.DataFrame:
    """Questions whose nearest evaluation question, in any language, is near enough."""
    known = reference.questions.frame.rename({"text": "benchmark_text"})
    texts = rows.select("row", text="question").drop_nulls()
    if (
        reference.encode is None
        or reference.vectors is None
        or not texts.height
        or not known.height
    ):
        pairs = pl.DataFrame(
            schema={"row": pl.UInt32, "text": pl.String, "known": pl.Int64, "overlap": pl.Float64}
        )
    else:
        cosines = _encoded(texts["text"], reference.encode) @ reference.vectors.T
        pairs = texts.with_columns(
            known=pl.Series(cosines.argmax(axis=1), dtype=pl.Int64),
            overlap=pl.Series(cosines.max(axis=1), dtype=pl.Float64),
        ).filter(pl.col("overlap") >= reference.settings.cosine)
    return (
        pairs.join(known, on="known")
        .with_columns(field=pl.lit("question"), kind=pl.lit("cosine"), leaked=pl.lit(True))
        .select(_HITS)
    )


class _Texts:
    """Texts of evaluation sets, one for each benchmark and comparison form, with their n-grams."""

    def __init__(
        self,
        frame: pl.DataFrame,
        ngrams: Sequence[int],
        shingles: Callable[[pl.Series], Array],
        similarity: float,
    ) -> None:
        forms = frame.with_columns(form=comparison_forms(frame["text"]))
        forms = forms.unique(["benchmark", "form"], keep="first", maintain_order=True)
        self.frame = (
            forms.filter(pl.col("form") != "").with_row_index("known").cast({"known": pl.Int64})
        )
        batches = [part["form"] for part in self.frame.iter_slices(1 << 16)]
        counts = [len(part) for part in batches]
        self._index = {n: Index([word_grams(part, n) for part in batches], counts) for n in ngrams}
        self._shingles = shingles
        self._neighbours = Neighbours([shingles(part) for part in batches], counts, similarity)

    def same(self, forms: pl.Series, words: int) -> pl.DataFrame:
        """Texts that are equal; spaces play no part, and nor do texts of fewer words."""
        long_enough = forms.str.count_matches(" ", literal=True) >= words - 1
        mine = pl.DataFrame({"number": range(len(forms)), "form": forms}).filter(long_enough)
        solid = pl.col("form").str.replace_all(" ", "", literal=True)
        pairs = mine.with_columns(solid).join(self.frame.with_columns(solid), on="form")
        return _pairs(pairs["number"], pairs["known"], "same", np.ones(pairs.height))

    def sharing(self, forms: pl.Series, ngrams: Sequence[int]) -> pl.DataFrame:
        """Texts with n-grams in common, and of the shorter one's n-grams the share."""
        parts = []
        for n in ngrams:
            keys, index = word_grams(forms, n), self._index[n]
            pairs = index.shared(keys)
            mine = sizes(keys, len(forms))[pairs["text"].to_numpy()]
            theirs = index.sizes[pairs["known"].to_numpy()]
            share = pairs["shared"].to_numpy() / np.minimum(mine, theirs)
            parts.append(_pairs(pairs["text"], pairs["known"], f"{n}-gram", share))
        return pl.concat(parts)

    def near(self, forms: pl.Series) -> pl.DataFrame:
        """Near duplicates."""
        pairs = self._neighbours.near(self._shingles(forms), len(forms))
        similarity = pairs["similarity"].to_numpy()
        return _pairs(pairs["text"], pairs["known"], "near-duplicate", similarity)


def _pairs(number: pl.Series, known: pl.Series, kind: str, overlap: Array) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "number": number.cast(pl.UInt32),
            "known": known.cast(pl.Int64),
            "kind": pl.Series([kind], dtype=pl.String).new_from_index(0, len(number)),
            "overlap": pl.Series(overlap, dtype=pl.Float64),
        }
    )


def _question_shingles(forms: pl.Series) -> Array:
    return character_grams(forms, 3)


def _passage_shingles(forms: pl.Series) -> Array:
    return word_grams(forms, 3)


def _questions(evalset: EvalSet) -> pl.DataFrame:
    return evalset.queries.select(
        "benchmark",
        "local_id",
        benchmark_id="query_id",
        benchmark_language="language",
        text="question",
        title=pl.lit(None, pl.String),
    )


def _passages(evalset: EvalSet) -> pl.DataFrame:
    candidates = evalset.candidates
    if evalset.qrels.height:
        relevant = evalset.qrels.filter(pl.col("relevance") > 0)
        judged = candidates.join(relevant, on="candidate_id", how="semi")
        candidates = candidates.join(judged, on="passage_id", how="semi")
    return candidates.unique("passage_id", keep="first", maintain_order=True).select(
        "benchmark",
        "local_id",
        benchmark_id="passage_id",
        benchmark_language="language",
        text="passage",
        title="title",
    )


def _by_id(questions: pl.DataFrame) -> pl.DataFrame:
    """One question for each id of a benchmark, in English where it has that."""
    named = questions.drop_nulls("local_id").sort(
        pl.col("benchmark_language") != ENGLISH, maintain_order=True
    )
    first = named.unique(["benchmark", "local_id"], keep="first", maintain_order=True)
    counting = [counts_only(one) for one in first["local_id"]]
    return first.with_columns(leaked=~pl.Series(counting, dtype=pl.Boolean)).rename(
        {"text": "benchmark_text"}
    )


def _by_title(passages: pl.DataFrame) -> pl.DataFrame:
    titles = passages.drop_nulls("title")
    forms = titles.with_columns(form=comparison_forms(titles["title"]), benchmark_text="title")
    return forms.unique(["benchmark", "form"], keep="first", maintain_order=True).drop(
        "text", "title"
    )


def _encoded(texts: pl.Series, encode: Encode) -> Array:
    vectors: Array = np.array(encode(texts.to_list()), dtype=np.float32)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def _stretches(leaks: pl.DataFrame) -> pl.Series:
    """The longest run of words that both texts of each row share."""
    pairs = leaks.select("text", "benchmark_text")
    forms = [comparison_forms(pairs[name]).to_list() for name in pairs.columns]
    found: dict[tuple[str, str], str] = {}
    for one, other in zip(*forms, strict=True):
        if (one, other) not in found:
            found[one, other] = one if one == other else _stretch(one.split(), other.split())
    return pl.Series([found[pair] for pair in zip(*forms, strict=True)], dtype=pl.String)


def _stretch(one: Sequence[str], other: Sequence[str]) -> str:
    match = difflib.SequenceMatcher(None, one, other, autojunk=False).find_longest_match()
    return " ".join(one[match.a : match.a + match.size])
