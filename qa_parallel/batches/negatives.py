"""Hard negatives: what is like the right text of a question and is wrong for it.

Sentences of the same passage are drawn when a step is read. Texts that share words with a
question are ranked once for each row by BM25 (bm25s, Lucene's variant, k1 = 1.5, b = 0.75) among
the texts to find of one corpus, language and side. Each batch then takes the best that share
nothing with any of its rows, and hold none of their answers, since what is a negative for one row
is one for all.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import polars as pl

from qa_parallel.batches.planning import BatchPlan
from qa_parallel.components import Array
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.schema import BATCHES
from qa_parallel.text import comparison_forms

# Candidates of a row beyond those that are wanted: its own passage and the batch's may be there.
_MORE = 50
_UNSEGMENTED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"


def sample_negatives(
    pools: Sequence[Sequence[str]],
    positives: Sequence[str],
    answers: Iterable[str | None],
    count: int,
    rng: np.random.Generator,
) -> list[list[str]]:
    """`count` texts of each row's pool at most; none that is right for a row of the batch.

    What differs from a right one in case, accents or punctuation alone is as right, and so is what
    holds one of the answers.
    """
    texts = [*positives, *itertools.chain(*pools)]
    forms = comparison_forms(pl.Series(texts, dtype=pl.String))
    right, others = set(forms[: len(positives)]), forms[len(positives) :]
    held = holding(others, comparison_forms(pl.Series(list(answers), dtype=pl.String)))
    refused = (form in right or one for form, one in zip(others, held, strict=True))
    drawn = []
    for pool in pools:
        wrong = [text for text in pool if not next(refused)]
        order = rng.permutation(len(wrong))[:count]
        drawn.append([wrong[place] for place in order.tolist()])
    return drawn


def holding(texts: pl.Series, answers: pl.Series) -> pl.Series:
    """Which of some texts hold one of the answers; all are comparison forms.

    An answer is a run of words; of characters in texts without spaces between words.

    >>> holding(pl.Series(["it was 1902", "in 19023"]), pl.Series(["1902", None])).to_list()
    [True, False]
    """
    words = answers.drop_nulls().unique()
    words = words.filter(words != "")
    if not len(words):
        return pl.Series([False]).new_from_index(0, len(texts))
    text = pl.col("text")
    padded = pl.concat_str(pl.lit(" "), text, pl.lit(" "))
    found = (
        pl.when(text.str.contains(_UNSEGMENTED))
        .then(_solid(text).str.contains_any(words.str.replace_all(" ", "").to_list()))
        .otherwise(padded.str.contains_any([f" {word} " for word in words]))
    )
    return texts.alias("text").to_frame().select(found.fill_null(False)).to_series()


def _solid(text: pl.Expr) -> pl.Expr:
    return text.str.replace_all(" ", "", literal=True)


def rank(documents: pl.Series, queries: pl.Series, language: str, count: int) -> Array:
    """Positions of the `count` best documents of each query, -1 where fewer share a word with it.

    Words are compared by their comparison forms; in languages without spaces, pairs of characters.

    >>> rank(pl.Series(["A cat sat.", "A dog."]), pl.Series(["Which cat?"]), "eng_Latn", 2).tolist()
    [[0, -1]]
    """
    import bm25s

    index = bm25s.BM25()
    index.index(_words(documents, language), show_progress=False)
    found, scores = index.retrieve(
        _words(queries, language), k=min(count, len(documents)), show_progress=False
    )
    ranked: Array = np.where(scores > 0, found, -1).astype(np.int32)
    return np.pad(ranked, ((0, 0), (0, count - ranked.shape[1])), constant_values=-1)


def _words(texts: pl.Series, language: str) -> list[list[str]]:
    forms = comparison_forms(texts)
    if LANGUAGES[language].segmented:
        return [form.split() for form in forms]
    whole = forms.str.replace_all(" ", "", literal=True)
    return [[form[place : place + 2] for place in range(max(1, len(form) - 1))] for form in whole]


def candidates(plan: BatchPlan, texts: pl.DataFrame, count: int) -> tuple[Array, Array]:
    """Ranked candidates of the rows of one corpus and language.

    Parameters
    ----------
    texts:
        row (its number), question and positive, of one corpus, language and side.
    count:
        Negatives that are wanted for a row.

    Returns
    -------
    The numbers of the rows whose passages are drawn, and for each of them (rows, candidates) the
    numbers of others, best first; -1 = no more.
    """
    rows = plan.pools.rows
    there = texts.drop_nulls("positive").sort("row")
    forms = pl.Series(rows.positive_meaning[there["row"].to_numpy()])
    documents = there.filter(forms.is_first_distinct())
    wanted = there.filter(pl.col("row").is_in(pl.Series(np.unique(plan.passage_rows)).implode()))
    if not wanted.height:
        return np.zeros(0, dtype=np.int64), np.zeros((0, count + _MORE), dtype=np.int64)
    # the question in the passage's language; a text without one is its own question
    queries = wanted.select(pl.coalesce("question", "positive")).to_series()
    language = rows.keys["language"][int(wanted["row"][0])]
    ranked = rank(documents["positive"], queries, language, count + _MORE)
    numbers = documents["row"].to_numpy().astype(np.int64)
    return wanted["row"].to_numpy(), np.where(ranked < 0, -1, numbers[ranked])


def text_forms(texts: pl.DataFrame) -> pl.DataFrame:
    """The comparison forms of what rows (row, positive, answer) are to find and of its answers."""
    forms = {name: comparison_forms(texts[name]) for name in ("positive", "answer")}
    return texts.select("row").with_columns(**forms)


def choose(
    plan: BatchPlan, drawn: Array, ranked: Array, forms: pl.DataFrame, count: int
) -> pl.DataFrame:
    """BATCHES with up to `count` negatives a row.

    Parameters
    ----------
    drawn, ranked:
        As of `candidates`, of all corpora and languages together.
    forms:
        As of `text_forms`, of all rows of the plan's side, sorted.
    """
    rows = plan.pools.rows
    place = np.full(len(rows), -1, dtype=np.int64)
    place[drawn] = np.arange(len(drawn))
    ends = np.flatnonzero(np.diff(plan.batches["step"].to_numpy(), append=-1)) + 1
    numbers = forms["row"].to_numpy()

    def at(rows: Array) -> Array:
        return np.searchsorted(numbers, rows).astype(np.uint32)

    slots: list[Array] = []
    chosen: list[Array] = []
    start = 0
    for end in ends.tolist():
        questions, passages = plan.question_rows[start:end], plan.passage_rows[start:end]
        others = ranked[place[passages]]
        free = (
            (others >= 0)
            & ~np.isin(rows.group[others], rows.group[questions])
            & ~np.isin(rows.question_meaning[others], rows.question_meaning[questions])
            & ~np.isin(rows.positive_meaning[others], rows.positive_meaning[passages])
        )
        there = np.unique(others[free])
        asked = np.concatenate([questions, passages])
        held = holding(forms["positive"].gather(at(there)), forms["answer"].gather(at(asked)))
        free &= ~np.isin(others, there[held.to_numpy()])
        best = free & (np.cumsum(free, axis=1) <= count)
        slot, column = np.nonzero(best)
        slots.append(slot + start)
        chosen.append(others[slot, column])
        start = end
    return _with_negatives(plan, slots, chosen)


def _with_negatives(plan: BatchPlan, slots: list[Array], chosen: list[Array]) -> pl.DataFrame:
    empty = np.zeros(0, dtype=np.int64)
    flat = np.concatenate([empty, *chosen])
    ids = plan.pools.rows.keys["qa_id"].gather(flat.astype(np.uint32))
    lists = (
        pl.DataFrame({"slot_row": np.concatenate([empty, *slots]), "negatives": ids})
        .group_by("slot_row", maintain_order=True)
        .agg("negatives")
    )
    numbered = plan.batches.drop("negatives").with_columns(
        slot_row=pl.int_range(pl.len(), dtype=pl.Int64)
    )
    joined = numbered.join(lists, on="slot_row", how="left", maintain_order="left")
    return joined.with_columns(pl.col("negatives").fill_null([])).select(BATCHES.names())
