"""What leaks, as pairs of texts for the page: every text once, with all that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from qa_parallel.page.overlap import Part, mark, plain
from qa_parallel.page.parts import Tongue, tongue

_LENGTH = 700  # characters shown of a text
# Kinds whose texts have no words in common to be marked.
_WORDLESS = ("cosine", "id")
_KINDS = {
    "id": "the same id",
    "same": "the same text",
    "near-duplicate": "nearly the same text",
    "cosine": "the same meaning in another language",
    "title": "the same title",
}


@dataclass(frozen=True)
class Side:
    """One of two texts."""

    id: str
    language: Tongue
    parts: Sequence[Part]


@dataclass(frozen=True)
class Hit:
    """Two texts that have something in common.

    Attributes
    ----------
    kinds:
        What shows it, the strongest first.
    leaked:
        Whether it counts as a leak, or is only reported.
    """

    field: str
    benchmark: str
    kinds: Sequence[str]
    leaked: bool
    ours: Side
    theirs: Side


def pairs(leaks: pl.DataFrame, most: int) -> tuple[list[Hit], int]:
    """Up to `most` pairs of texts from LEAKS, and how many there are; leaks first.

    They are spread over benchmarks, fields, kinds and texts, so that what is rare is seen too.
    """
    by = ["qa_id", "language", "field", "benchmark", "benchmark_id"]
    found = leaks.sort("leaked", "overlap", descending=True, nulls_last=True, maintain_order=True)
    grouped = found.group_by(by, maintain_order=True).agg(
        pl.col("kind", "overlap"),
        pl.col("leaked").any(),
        pl.col("benchmark_language", "text", "benchmark_text").first(),
        first=pl.col("kind").first(),
    )
    kinds = ["leaked", "benchmark", "field", "first"]
    place = pl.int_range(pl.len())
    chosen = grouped.with_columns(
        turn=place.over(kinds), again=place.over([*kinds, "benchmark_id"])
    ).sort("leaked", "again", "turn", descending=[True, False, False], maintain_order=True)
    return [_hit(row) for row in chosen.head(most).iter_rows(named=True)], grouped.height


def _hit(row: dict[str, Any]) -> Hit:
    text, other = row["text"] or "", row["benchmark_text"] or ""
    languages = (row["language"], row["benchmark_language"] or "")
    if row["first"] in _WORDLESS:
        ours, theirs = plain(text, _LENGTH), plain(other, _LENGTH)
    else:
        ours, theirs = mark(text, other, languages, _LENGTH)
    return Hit(
        row["field"],
        row["benchmark"],
        [
            _strength(name, overlap)
            for name, overlap in zip(row["kind"], row["overlap"], strict=True)
        ],
        row["leaked"],
        Side(row["qa_id"], tongue(languages[0]), ours),
        Side(row["benchmark_id"], tongue(languages[1]), theirs),
    )


def kind(name: str) -> str:
    """What a kind of LEAKS means.

    >>> kind("8-gram")
    'shared runs of 8 words'
    """
    return _KINDS.get(name) or f"shared runs of {name.removesuffix('-gram')} words"


def _strength(name: str, overlap: float | None) -> str:
    words = kind(name)
    return words if overlap is None or overlap >= 1 else f"{words}, {max(overlap, 0.01):.2f}"
