"""What an evaluation found, for a person: a table a setting, and what was left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel.evaluation.measures import MEASURES, SETTINGS, SHARE
from qa_parallel.schema import RESULTS
from qa_parallel.storage.summary import layouts

_NAMES = {"map": "mAP", "mrr": "MRR", "ndcg@10": "nDCG@10", "rank_distance": "rank distance"}


def describe(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """For each set its size, a table a setting, what was left out, and the signature."""
    results = pl.DataFrame(report["results"], schema=RESULTS)
    yield from layouts(report)
    for one in report["sets"]:
        mine = results.filter(pl.col("dataset") == one["name"])
        yield Text(
            f"{one['name']} ({one['source']}): {one['queries']:,} queries, "
            f"{one['candidates']:,} candidates in {len(one['languages'])} languages"
        )
        if one["untrained"]:
            yield Text(f"The encoder was not trained on {', '.join(one['untrained'])}.")
        for setting in SETTINGS:
            rows = mine.filter(pl.col("setting") == setting)
            if rows.height:
                yield Text(f"\n{setting}", style="bold")
                yield _setting(rows)
                yield from _left_out(one["counts"][setting])
        yield Text(f"\n{one['signature']}\n", style="dim")


def differences(rows: Iterable[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """For each set and system a table: both values, their difference and how sure it is."""
    pairs = itertools.groupby(rows, lambda row: (row["dataset"], row["system"], row["baseline"]))
    for _, group in pairs:
        mine = list(group)
        first = mine[0]
        yield Text(
            f"{first['dataset']}: {first['system']} against {first['baseline']}, paired bootstrap "
            f"over {max(row['questions'] for row in mine):,} questions"
        )
        yield _differences(mine)


def _differences(rows: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("setting", "measure"):
        table.add_column(name, no_wrap=True)
    for name in ("baseline", "system", "difference", "95 %", "p"):
        table.add_column(name, justify="right")
    for row in rows:
        show = _format(row["measure"])
        table.add_row(
            row["setting"],
            _NAMES.get(row["measure"], row["measure"]),
            show(row["first"]),
            show(row["second"]),
            f"{row['difference']:+.4f}" if show is _part else f"{row['difference']:+,.1f}",
            f"{show(row['low'])} … {show(row['high'])}",
            f"{row['p']:.3f}",
        )
    return table


def _setting(rows: pl.DataFrame) -> Table:
    """The mean of all runs, then a row a query language: the mean of its runs."""
    measures = [one for one in MEASURES if one in rows["measure"]]
    table = Table(box=None, pad_edge=False)
    table.add_column("queries in", no_wrap=True)
    own = rows.filter(measure=SHARE).filter(
        pl.col("query_language") == pl.col("candidate_language")
    )
    for name in [*measures, *([SHARE] if own.height else []), "queries"]:
        label = "own language@10" if name == SHARE else _NAMES.get(name, name)
        table.add_column(label, justify="right")
    for (language,), mine in rows.filter(pl.col("measure") != SHARE).group_by(
        "query_language", maintain_order=True
    ):
        cells = []
        for measure in measures:
            values = mine.filter(measure=measure)["value"]
            cells.append(_format(measure)(_mean(values)) if len(values) else "")
        if own.height:
            share = own if language is None else own.filter(query_language=language)
            cells.append(_part(_mean(share["value"])))
        counted = mine.filter(measure="map")["queries"].sum()
        style = "bold" if language is None else None
        table.add_row(str(language or "mean"), *cells, f"{counted:,}", style=style)
    return table


def _left_out(counts: Mapping[str, int]) -> Iterator[Text]:
    if counts["without"]:
        yield Text(f"left out: {counts['without']:,} queries without a relevant candidate")
    if counts.get("single"):
        yield Text(
            f"rank distance without {counts['single']:,} queries with one relevant candidate"
        )


def _format(measure: str) -> Any:
    return _places if measure == "rank_distance" else _part


def _mean(values: pl.Series) -> float:
    return float(np.mean(values.to_numpy()))


def _part(value: float) -> str:
    return f"{value:.4f}"


def _places(value: float) -> str:
    return f"{value:,.1f}"
