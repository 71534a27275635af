"""The nearest vectors, block by block, against all at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
import pytest

from qa_parallel.leakage import known_meanings
from qa_parallel.leakage.known_meanings import PAIRS, KnownMeanings

Vectors = dict[str, "np.ndarray[Any, Any]"]


def vectors(prefix: str, count: int, seed: int) -> Vectors:
    made = np.random.default_rng(seed).normal(size=(count, 5))
    return {f"{prefix}{number}": row for number, row in enumerate(made)}


def frame(
    texts: Sequence[str], languages: Sequence[str], benchmarks: Sequence[str]
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "known": [100 + number for number in range(len(texts))],
            "benchmark": benchmarks,
            "benchmark_language": languages,
            "text": texts,
        }
    )


def test_blocks_find_what_one_matrix_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_meanings, "_BLOCK", 7)
    known, asked = vectors("k", 40, 1), vectors("a", 30, 2)

    def encode(texts: Sequence[str]) -> np.ndarray[Any, Any]:
        return np.array([{**known, **asked}[text] for text in texts])

    table = frame(list(known), ["deu_Latn"] * 40, ["b"] * 40)
    found = KnownMeanings(table, encode, 0.8).nearest(pl.Series(list(asked)), "eng_Latn")
    assert found.schema == PAIRS
    expected = {}
    for number, one in enumerate(asked.values()):
        cosines = [one @ k / np.linalg.norm(one) / np.linalg.norm(k) for k in known.values()]
        if max(cosines) >= 0.8:
            expected[number] = (100 + int(np.argmax(cosines)), max(cosines))
    assert len(expected) > 10
    for number, row, overlap in found.iter_rows():
        assert (row, overlap) == (expected[number][0], pytest.approx(expected[number][1], abs=1e-5))
    assert found.height == len(expected)


def test_benchmarks_that_have_the_language_are_left_out_whole() -> None:
    def encode(texts: Sequence[str]) -> np.ndarray[Any, Any]:
        return np.ones((len(texts), 3))

    table = frame(["a", "b", "c"], ["eng_Latn", "deu_Latn", "deu_Latn"], ["two", "two", "one"])
    known = KnownMeanings(table, encode, 0.9)
    assert known.nearest(pl.Series(["x"]), "eng_Latn")["known"].to_list() == [102]
    assert known.nearest(pl.Series(["x"]), "fra_Latn")["known"].to_list() == [100]
    assert known.nearest(pl.Series(["x"]), "deu_Latn").height == 0
    assert known.nearest(pl.Series([], dtype=pl.String), "eng_Latn").height == 0


def test_nothing_is_not_encoded() -> None:
    def encode(texts: Sequence[str]) -> np.ndarray[Any, Any]:
        assert texts
        return np.ones((len(texts), 3))

    known = KnownMeanings(frame(["a"], ["eng_Latn"], ["b"]).clear(), encode, 0.9)
    assert known.nearest(pl.Series(["x"]), "eng_Latn").height == 0
