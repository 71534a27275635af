"""Texts of evaluation sets, prepared for being looked up in by their n-grams."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from qa_parallel.leakage.ngrams import Array, Grams, Index, Neighbours, sizes
from qa_parallel.text import comparison_forms

_BATCH = 1 << 16  # texts that n-grams are made of at once


class KnownTexts:
    """One text for each benchmark and comparison form, with its n-grams.

    Parameters
    ----------
    frame:
        benchmark, text, and whatever else the hits are to tell.
    ngrams:
        Lengths of runs of words.
    shingles:
        The n-grams that near duplicates share.
    similarity:
        Weighted Jaccard similarity of near duplicates, at least.

    Attributes
    ----------
    frame:
        The same with `known`, the number of the text.
    """

    def __init__(
        self,
        frame: pl.DataFrame,
        ngrams: Sequence[int],
        shingles: Callable[[Grams], Array],
        similarity: float,
    ) -> None:
        forms = frame.with_columns(form=comparison_forms(frame["text"]))
        forms = forms.unique(["benchmark", "form"], keep="first", maintain_order=True)
        named = forms.filter(pl.col("form") != "").with_row_index("known").cast({"known": pl.Int64})
        self.frame = named.drop("form")
        self._solid = named.select("known", form=_solid("form"))
        self._ngrams, self._shingles = ngrams, shingles
        batches = [Grams(part["form"]) for part in named.iter_slices(_BATCH)]
        counts = [len(grams) for grams in batches]
        self._index = {n: Index([grams.words(n) for grams in batches], counts) for n in ngrams}
        self._neighbours = Neighbours([shingles(grams) for grams in batches], counts, similarity)

    def same(self, texts: Grams, words: int) -> pl.DataFrame:
        """Texts that are equal; spaces play no part, and nor do texts of fewer words."""
        long_enough = texts.forms.str.count_matches(" ", literal=True) >= words - 1
        mine = pl.DataFrame({"number": range(len(texts)), "form": texts.forms}).filter(long_enough)
        pairs = mine.with_columns(_solid("form")).join(self._solid, on="form")
        return _pairs(pairs["number"], pairs["known"], "same", np.ones(pairs.height))

    def sharing(self, texts: Grams) -> pl.DataFrame:
        """Texts with n-grams in common, and of the shorter one's n-grams the share."""
        parts = []
        for n in self._ngrams:
            keys, index = texts.words(n), self._index[n]
            pairs = index.shared(keys)
            mine = sizes(keys, len(texts))[pairs["text"].to_numpy()]
            theirs = index.sizes[pairs["known"].to_numpy()]
            share = pairs["shared"].to_numpy() / np.minimum(mine, theirs)
            parts.append(_pairs(pairs["text"], pairs["known"], f"{n}-gram", share))
        return pl.concat(parts)

    def near(self, texts: Grams) -> pl.DataFrame:
        """Near duplicates."""
        pairs = self._neighbours.near(self._shingles(texts), len(texts))
        similarity = pairs["similarity"].to_numpy()
        return _pairs(pairs["text"], pairs["known"], "near-duplicate", similarity)


def _solid(column: str) -> pl.Expr:
    return pl.col(column).str.replace_all(" ", "", literal=True)


def _pairs(number: pl.Series, known: pl.Series, kind: str, overlap: Array) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "number": number.cast(pl.UInt32),
            "known": known.cast(pl.Int64),
            "kind": pl.Series([kind], dtype=pl.String).new_from_index(0, len(number)),
            "overlap": pl.Series(overlap, dtype=pl.Float64),
        }
    )
