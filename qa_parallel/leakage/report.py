"""What a leakage check found: in figures, for the records, and in tables, for a person."""

from __future__ import annotations

from typing import Any

import polars as pl

from qa_parallel.sources.evalsets import EvalSet

_EXAMPLES = 5  # for each benchmark, field and kind


def describe_set(evalset: EvalSet) -> dict[str, Any]:
    """What was read of an evaluation set, for the manifest: counts by language, digest."""
    counts = evalset.queries.group_by("language").len().sort("language")
    return {
        "name": evalset.name,
        "source": evalset.source,
        "digest": evalset.digest,
        "queries": dict(counts.iter_rows()),
        "passages": evalset.candidates["passage_id"].n_unique(),
    }


def count_hits(leaks: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows and questions for each benchmark, field, kind, and whether it is a leak."""
    by = ["benchmark", "leaked", "field", "kind"]
    counted = leaks.group_by(by).agg(rows=pl.len(), questions=pl.col("qa_id").n_unique())
    return counted.sort(by, descending=[False, True, False, False]).to_dicts()


def examples(leaks: pl.DataFrame) -> list[dict[str, Any]]:
    """Some hits of each benchmark, field and kind, spread from the strongest to the weakest."""
    by = ["benchmark", "field", "kind", "leaked"]
    ranked = leaks.sort("overlap", "qa_id", descending=[True, False], nulls_last=True)
    rank, size = pl.int_range(pl.len()), pl.len()
    step = pl.max_horizontal(pl.lit(1), size // _EXAMPLES)
    chosen = ranked.filter(((rank % step == 0) & (rank // step < _EXAMPLES)).over(by))
    return chosen.sort(by, maintain_order=True).to_dicts()
