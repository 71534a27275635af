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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl

from qa_parallel.leakage.known_meanings import Encode, KnownMeanings
from qa_parallel.leakage.known_texts import KnownTexts
from qa_parallel.leakage.ngrams import Array, Grams
from qa_parallel.leakage.settings import LeakageSettings
from qa_parallel.schema import LEAKS, check
from qa_parallel.sources.evalsets import EvalSet, counts_only
from qa_parallel.sources.tags import ENGLISH
from qa_parallel.text import comparison_forms

ROWS = 1 << 13  # rows compared at once

# Of the shorter answer's runs of characters, the share from which two answers say the same ...
_SAME_ANSWER = 0.5
# ... and the similarity of two questions from which their answers do not matter.
_SAME_WORDING = 0.8


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
        self.questions = KnownTexts(questions, self.settings.ngrams, _question_shingles, limit)
        self.passages = KnownTexts(passages, self.settings.ngrams, _passage_shingles, limit)
        self.meanings = encode and KnownMeanings(self.questions.frame, encode, self.settings.cosine)


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
        texts = some.select("row", "answer", text=field).drop_nulls("text")
        parts += _compared(texts, field, known, reference)
    parts += _across(rows, reference)
    by = ["leaked", "overlap"]
    hits = pl.concat(parts).sort(by, descending=True, nulls_last=True, maintain_order=True)
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


def _compared(
    texts: pl.DataFrame, field: str, known: Sequence[KnownTexts], reference: Reference
) -> Iterator[pl.DataFrame]:
    """What the texts of a field share with those of the evaluation sets."""
    distinct = texts.select("text").unique(maintain_order=True).with_row_index("number")
    grams = Grams(comparison_forms(distinct["text"]))
    for one in known:
        pairs = [one.sharing(grams)]
        if one is (reference.questions if field == "question" else reference.passages):
            # a short answer ("yes", "Paris") is nobody's own
            enough = 1 if field != "answer" else min(reference.settings.ngrams)
            pairs += [one.same(grams, enough), one.near(grams)]
        hits = (
            pl.concat(pairs)
            .join(distinct, on="number")
            .join(texts, on="text")
            .join(_benchmark_side(one.frame), on="known")
            .with_columns(field=pl.lit(field))
        )
        yield hits.with_columns(leaked=_is_leak(hits, reference.settings)).select(_HITS)


def _is_leak(hits: pl.DataFrame, settings: LeakageSettings) -> pl.Series:
    """Whether what two texts share is enough.

    Questions on one pattern ("what is the capital of Peru", "of Chad") are as similar as one with
    a word changed; what tells them apart is their answers, where both have one.
    """
    few = pl.col("kind").str.ends_with("-gram") & (pl.col("overlap") < settings.containment)
    alike = (pl.col("kind") == "same") | (pl.col("overlap") >= _SAME_WORDING)
    marked = hits.select(leaked=~few, unsure=~few & ~alike & (pl.col("field") == "question"))
    unsure = marked["unsure"].arg_true()
    return marked["leaked"].scatter(unsure, _may_be_one(hits[unsure]))


def _may_be_one(hits: pl.DataFrame) -> pl.Series:
    """Whether the answers of both sides are the same, or one side has none."""
    mine, theirs = (
        comparison_forms(hits[name]).to_list() for name in ("answer", "benchmark_answer")
    )
    agree = [
        not one or not other or _share(_runs(one), _runs(other)) >= _SAME_ANSWER
        for one, other in zip(mine, theirs, strict=True)
    ]
    return pl.Series(agree, dtype=pl.Boolean)


def _runs(text: str) -> set[str]:
    whole = f" {text} "
    return {whole[start : start + 3] for start in range(len(whole) - 2)}


def _share(one: set[str], other: set[str]) -> float:
    return len(one & other) / min(len(one), len(other))


def _across(rows: pl.DataFrame, reference: Reference) -> Iterator[pl.DataFrame]:
    """Questions whose nearest one of an evaluation set without their language is near enough."""
    if reference.meanings is None:
        return
    for (language,), some in rows.group_by("language", maintain_order=True):
        texts = some.select("row", text="question").drop_nulls()
        distinct = texts.select("text").unique(maintain_order=True).with_row_index("number")
        pairs = reference.meanings.nearest(distinct["text"], str(language))
        yield (
            pairs.join(distinct, on="number")
            .join(texts, on="text")
            .join(_benchmark_side(reference.questions.frame), on="known")
            .with_columns(field=pl.lit("question"), kind=pl.lit("cosine"), leaked=pl.lit(True))
            .select(_HITS)
        )


def _benchmark_side(known: pl.DataFrame) -> pl.DataFrame:
    return known.rename({"text": "benchmark_text", "answer": "benchmark_answer"})


def _question_shingles(grams: Grams) -> Array:
    return grams.characters(3)


def _passage_shingles(grams: Grams) -> Array:
    return grams.words(3)


def _questions(evalset: EvalSet) -> pl.DataFrame:
    return evalset.queries.select(
        "benchmark",
        "local_id",
        benchmark_id="query_id",
        benchmark_language="language",
        text="question",
        answer="answer",
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
        answer=pl.lit(None, pl.String),
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
