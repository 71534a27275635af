"""What is wrong with a row beside others of its language: shared targets, duplicates, answers."""

from __future__ import annotations

import polars as pl
from rapidfuzz import fuzz, process

from qa_parallel.filters.surface import BANDS
from qa_parallel.schema import answer_region

# Letters of a text that can hardly be the translation of different sources.
_LEAST_LETTERS = 20
# Likeness, 0 to 100, below which two sources are different.
_DIFFERENT = 70


def shared(texts: pl.DataFrame) -> pl.DataFrame:
    """For each target that stands for several sources, how many clearly different ones.

    Parameters
    ----------
    texts:
        Distinct pairs: `source`, `form` (hash of the target's words), `letters`.

    Returns
    -------
    `form` and `shared`, for targets of 20 letters or more with two or more sources.
    """
    words = pl.col("source").str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}\p{N}]+", " ")
    several = (
        texts.filter(pl.col("letters") >= _LEAST_LETTERS, pl.col("source").is_not_null())
        .filter(pl.col("form").is_duplicated())
        .with_columns(words.str.strip_chars())
        .unique(["form", "source"], maintain_order=True)
        .group_by("form", maintain_order=True)
        .agg("source")
        .filter(pl.col("source").list.len() > 1)
    )
    counts = [
        1 + sum(fuzz.ratio(sources[0], other) < _DIFFERENT for other in sources[1:])
        for sources in several["source"].to_list()
    ]
    return several.select("form", pl.Series("shared", counts, dtype=pl.Float32))


def duplicates(rows: pl.DataFrame) -> pl.Series:
    """How like each row is to an earlier one, 0 to 1; only what is all but equal is looked at.

    Parameters
    ----------
    rows:
        In their order: `text` (the question, or the passage where there is none), its `form` and
        `surface.BANDS`, and `rest`, a hash of answer and passage or null where there is neither.
        Rows can be duplicates if their `rest` is equal; near ones must also have the same numbers.
    """
    rows = rows.with_row_index()
    group = [pl.col("rest").fill_null(0), pl.col("rest").is_null()]
    first = pl.col("index").first().over("form", *group)
    exact = rows.select(first != pl.col("index")).to_series()
    likeness = exact.cast(pl.Float32)
    pairs = [
        rows.filter(pl.col("rest").is_not_null(), ~exact)
        .select("index", pl.col("index").first().over(band, "rest").alias("first"))
        .filter(pl.col("index") != pl.col("first"))
        for band in BANDS
    ]
    near = pl.concat(pairs).unique(maintain_order=True)
    if near.is_empty():
        return likeness.alias("duplicate")
    numbers = pl.col("text").str.extract_all(r"\p{Nd}+")
    texts = rows.select("index", text=pl.col("text").str.to_lowercase(), numbers=numbers)
    near = (
        near.join(texts, on="index", maintain_order="left")
        .join(texts, left_on="first", right_on="index", suffix="_first", maintain_order="left")
        .filter(pl.col("numbers") == pl.col("numbers_first"))
    )
    ratios = process.cpdist(
        near["text"].to_list(), near["text_first"].to_list(), scorer=fuzz.ratio, workers=-1
    )
    best = (
        near.select("index", ratio=pl.Series(ratios, dtype=pl.Float32) / 100)
        .group_by("index")
        .agg(pl.col("ratio").max())
    )
    return (
        rows.select("index", exact=likeness)
        .join(best, on="index", how="left", maintain_order="left")
        .select(duplicate=pl.max_horizontal("exact", "ratio"))
        .to_series()
    )


def answers(rows: pl.DataFrame) -> pl.Series:
    """How well each answer is found in the sentences that should hold it, 0 to 1.

    1 where `answer_start` says its place, else rapidfuzz's partial ratio; null without an answer,
    a passage or its sentences. `rows` has the columns of CORPUS.
    """
    found = rows.select(
        "answer",
        placed=pl.col("answer_start").is_not_null(),
        inside=answer_region(),
    ).with_row_index()
    checkable = pl.col("inside").is_not_null() & (pl.col("answer").str.len_chars() > 0)
    search = found.filter(~pl.col("placed"), checkable)
    ratios = process.cpdist(
        search["answer"].str.to_lowercase().to_list(),
        search["inside"].str.to_lowercase().to_list(),
        scorer=fuzz.partial_ratio,
        workers=-1,
    )
    found = found.join(
        search.select("index", ratio=pl.Series(ratios, dtype=pl.Float32) / 100),
        on="index",
        how="left",
        maintain_order="left",
    )
    score = pl.when("placed").then(1.0).otherwise("ratio").cast(pl.Float32)
    return found.select(answer_found=pl.when(checkable).then(score)).to_series()
