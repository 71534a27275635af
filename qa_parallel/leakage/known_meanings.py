"""Questions of evaluation sets, prepared for being looked up in by what they mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
import polars as pl

Array = np.ndarray[Any, np.dtype[Any]]
# Texts to vectors, one row each; any length of vectors.
Encode = Callable[[Sequence[str]], Array]

# The place of a text among those asked for, the number of a known one, their cosine.
PAIRS = pl.Schema({"number": pl.UInt32(), "known": pl.Int64(), "overlap": pl.Float64()})

_BLOCK = 1 << 11  # vectors on either side that are multiplied at once


class KnownMeanings:
    """The vectors of questions of evaluation sets, for languages that these do not have.

    Parameters
    ----------
    frame:
        known, benchmark, benchmark_language, text.
    encode:
        Called from one thread at a time.
    limit:
        Cosine, at least.
    """

    def __init__(self, frame: pl.DataFrame, encode: Encode, limit: float) -> None:
        self._frame, self._encode, self._limit = frame, encode, limit
        self._lock = Lock()
        self._vectors = self._encoded(frame["text"])

    def nearest(self, texts: pl.Series, language: str) -> pl.DataFrame:
        """The nearest question, of benchmarks without `language`: PAIRS."""
        own = self._frame.filter(pl.col("benchmark_language") == language)["benchmark"].unique()
        others = self._frame.with_row_index("place").filter(
            ~pl.col("benchmark").is_in(own.implode())
        )
        if not len(texts) or not others.height:
            return pl.DataFrame(schema=PAIRS)
        best, cosine = _nearest(self._encoded(texts), self._vectors[others["place"].to_numpy()])
        near = np.flatnonzero(cosine >= self._limit)
        known = others["known"].gather(best[near])
        overlap = np.minimum(cosine[near], 1)
        return pl.DataFrame({"number": near, "known": known, "overlap": overlap}).cast(PAIRS)

    def _encoded(self, texts: pl.Series) -> Array:
        if not len(texts):
            return np.zeros((0, 0), np.float32)
        with self._lock:  # tokenizers are not to be used by two threads at once
            vectors: Array = np.array(self._encode(texts.to_list()), dtype=np.float32)
        lengths: Array = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.maximum(lengths, 1e-12)


def _nearest(texts: Array, known: Array) -> tuple[Array, Array]:
    """For each unit vector the nearest of `known`, and its cosine; a block of both at a time."""
    best = np.zeros(len(texts), np.int64)
    cosine = np.full(len(texts), -np.inf, np.float32)
    for start in range(0, len(known), _BLOCK):
        for first in range(0, len(texts), _BLOCK):
            rows = slice(first, first + _BLOCK)
            block = texts[rows] @ known[start : start + _BLOCK].T
            found = block.argmax(axis=1)
            values = block[np.arange(len(block)), found]
            better = values > cosine[rows]
            best[rows] = np.where(better, found + start, best[rows])
            cosine[rows] = np.where(better, values, cosine[rows])
    return best, cosine
