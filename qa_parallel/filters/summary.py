"""What the filters did, in the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel.filters.checks import LANGUAGES_LEFT
from qa_parallel.filters.limits import ENOUGH, KEY
from qa_parallel.text import counted, percent

_SHOWN = 2  # of these in the tables
_LENGTH = 200  # characters shown of a text


def words(manifest: Mapping[str, Any]) -> str:
    """How many rows were measured, and how many rejected."""
    counts = manifest.get("source_counts", {}).values()
    rows, gone = (sum(one[name] for one in counts) for name in ("rows", "rejected"))
    return (
        f"{counted(rows, 'row')} measured, {gone:,} rejected ({percent(gone, rows)}), each with a "
        "reason."
    )


def describe(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Tables and lines that tell what was rejected, why, and with which limits."""
    languages: Mapping[str, Any] = report["languages"]
    table = Table(box=None, pad_edge=False)
    table.add_column("language", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    for name in ("rejected", "only reason", "left"):
        table.add_column(name, justify="right")
    for code, item in languages.items():
        share = f"{item['rejected'] / item['rows']:.1%}" if item["rows"] else ""
        table.add_row(code, "all rows", f"{item['rejected']:,} {share}", "", f"{item['kept']:,}")
        for reason, counts in item["reasons"].items():
            numbers = (f"{counts[name]:,}" for name in ("rejected", "alone", "left"))
            table.add_row("", reason, *numbers)
    yield table
    yield from (Text(line) for line in _notes(report))
    for code, item in languages.items():
        for reason, counts in item["reasons"].items():
            yield from _shown(code, reason, counts["examples"][:_SHOWN])


def _notes(report: Mapping[str, Any]) -> Iterator[str]:
    """What a reader of the figures has to know."""
    for code, item in report["languages"].items():
        if item["detector"] is None and report["detected"]:
            yield f"{code}: language not checked, because no installed identifier knows it"
    by_basis: dict[str, dict[str, None]] = {"prior": {}, "bounded": {}}
    for bound in report["limits"]:
        if bound["basis"] in by_basis:
            by_basis[bound["basis"]][f"{bound['language']} {bound['field']} {bound['check']}"] = (
                None
            )
    if by_basis["prior"]:
        names = ", ".join(by_basis["prior"])
        yield f"fewer than {ENOUGH} texts, so judged by built-in limits: {names}"
    if by_basis["bounded"]:
        names = ", ".join(by_basis["bounded"])
        yield f"far from what is usual, so the corpus did not set these limits alone: {names}"


def _shown(code: str, reason: str, examples: list[dict[str, Any]]) -> Iterator[RenderableType]:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for item in examples:
        head = f"{code}, {reason} {item['score']:.3g} (limit {item['limit']:.3g})"
        table.add_row("", Text(f"{head}  [{item['qa_id']}]", style="bold"))
        for side in ("source", "target"):
            if item[side] is not None:
                table.add_row(side, Text(_shorten(item[side])))
    yield table


def _shorten(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LENGTH else text[:_LENGTH] + "…"


def explain(scores: pl.DataFrame, limits: pl.DataFrame, decisions: pl.DataFrame) -> Table:
    """All scores of one question beside their limits, those that break one marked.

    Parameters are SCORES of the question, `limits.bounds`, and its DECISIONS.
    """
    place = [*KEY[1:], "field", "check"]
    rows = (
        scores.with_columns(pl.col("field", "check").cast(pl.String))
        .join(
            limits.drop("texts").with_columns(pl.col("field", "check").cast(pl.String)),
            on=place,
            how="left",
            maintain_order="left",
        )
        .join(
            decisions.select(*place, broken=pl.lit(True)),
            on=place,
            how="left",
            maintain_order="left",
        )
    )
    table = Table(box=None, pad_edge=False)
    for name in ("language", "field", "check"):
        table.add_column(name, no_wrap=True)
    for name in ("score", "at least", "at most"):
        table.add_column(name, justify="right")
    table.add_column("")
    before: tuple[str, str] | None = None
    for row in rows.iter_rows(named=True):
        here = (row["language"], row["field"])
        label = here if here != before else ("", "")
        before = here
        numbers = ("" if row[name] is None else f"{row[name]:.3f}" for name in ("low", "high"))
        verdict = "rejected" if row["broken"] else "not judged" if _unjudged(row) else ""
        style = "bold" if row["broken"] else ""
        table.add_row(*label, row["check"], f"{row['score']:.3f}", *numbers, verdict, style=style)
    for reason in decisions.filter(check=LANGUAGES_LEFT).iter_rows(named=True):
        table.add_row(reason["language"], "row", LANGUAGES_LEFT, "", "", "", reason["reason"])
    return table


def _unjudged(row: Mapping[str, Any]) -> bool:
    return row["low"] is None and row["high"] is None
