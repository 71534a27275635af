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

from qa_parallel.evaluation.measures import MAP, RANK_DISTANCE, SETTINGS, SHARE, among, named
from qa_parallel.schema import RESULTS
from qa_parallel.storage import store
from qa_parallel.storage.summary import layouts


def words(manifest: Mapping[str, Any]) -> str:
    """Which encoder was evaluated on which sets."""
    encoder = manifest.get("encoder", {})
    name = store.portable(encoder.get("encoder") or encoder.get("vectors"))
    return f"Retrieval of {name} on {', '.join(one['name'] for one in manifest.get('sets', []))}."


def brief(report: Mapping[str, Any]) -> str:
    """mAP on the first set, a value a setting."""
    found = {
        one["setting"]: f"{MAP.format(one['value'])} {one['setting']}"
        for one in report["results"]
        if one["measure"] == MAP.name and one["query_language"] is None
    }
    first = report["sets"][0]["name"]
    return f"{first}: {MAP.label} {', '.join(found.values())}" if found else first


def describe(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """For each set its size, a table a setting, what was left out, and the signature."""
    results = pl.DataFrame(report["results"], schema=RESULTS)
    for warning in report.get("warnings", ()):
        yield Text(f"Warning: {warning}", style="yellow")
    yield from layouts(report)
    for one in report["sets"]:
        mine = results.filter(pl.col("dataset") == one["name"])
        yield Text(
            f"{one['name']} ({one['source']}): {one['queries']:,} queries, "
            f"{one['candidates']:,} candidates in {len(one['languages'])} languages"
        )
        yield from _judged(one)
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
        one = named(row["measure"])
        table.add_row(
            row["setting"],
            one.heading,
            one.format(row["first"]),
            one.format(row["second"]),
            one.format(row["difference"], sign=True),
            f"{one.format(row['low'])} … {one.format(row['high'])}",
            f"{row['p']:.3f}",
        )
    return table


def _setting(rows: pl.DataFrame) -> Table:
    """The mean of all runs, then a row a query language: the mean of its runs."""
    measures = among(rows["measure"])
    table = Table(box=None, pad_edge=False)
    table.add_column("queries in", no_wrap=True)
    own = rows.filter(measure=SHARE.name).filter(
        pl.col("query_language") == pl.col("candidate_language")
    )
    headings = [one.heading for one in measures]
    for heading in [*headings, *(["own language@10"] if own.height else []), "queries"]:
        table.add_column(heading, justify="right")
    for (language,), mine in rows.filter(pl.col("measure") != SHARE.name).group_by(
        "query_language", maintain_order=True
    ):
        cells = []
        for measure in measures:
            values = mine.filter(measure=measure.name)["value"]
            cells.append(measure.format(_mean(values)) if len(values) else "")
        if own.height:
            share = own if language is None else own.filter(query_language=language)
            cells.append(SHARE.format(_mean(share["value"])))
        counted = mine.filter(measure=MAP.name)["queries"].sum()
        style = "bold" if language is None else None
        table.add_row(str(language or "mean"), *cells, f"{counted:,}", style=style)
    return table


def _judged(one: Mapping[str, Any]) -> Iterator[Text]:
    """Judgements whose documents are missing, and texts that would retrieve themselves."""
    judged = one.get("judged", {})
    if judged.get("missing"):
        yield Text(
            f"not in the collection: the documents of {judged['missing']:,} of "
            f"{judged['judgements']:,} judgements, {judged['relevant_missing']:,} of them "
            "relevant; they count as not found"
        )
    if one.get("own"):
        yield Text(f"left aside: {one['own']:,} candidates that are the text of their own query")


def _left_out(counts: Mapping[str, int]) -> Iterator[Text]:
    if counts["without"]:
        yield Text(f"left out: {counts['without']:,} queries without a relevant candidate")
    if counts.get("single"):
        yield Text(
            f"{RANK_DISTANCE.label} without {counts['single']:,} queries with one relevant "
            "candidate"
        )


def _mean(values: pl.Series) -> float:
    return float(np.mean(values.to_numpy()))
