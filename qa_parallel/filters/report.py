"""What the filters did: figures and examples for the records, tables for a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from qa_parallel.filters.limits import CHECKS, ENOUGH, KEY, LANGUAGES_LEFT
from qa_parallel.schema import FIELDS

_EXAMPLES = 5  # for each language and reason
_SHOWN = 2  # of these in the tables
_LENGTH = 200  # characters shown of a text


def funnel(rows: pl.DataFrame, sources: pl.DataFrame, decisions: pl.DataFrame) -> dict[str, Any]:
    """What is rejected in one language, reason by reason in the order of the checks.

    Parameters
    ----------
    rows:
        CORPUS rows of the language.
    sources:
        Rows of the languages that they were translated from: qa_id, language, texts.
    decisions:
        DECISIONS of the language.

    Returns
    -------
    rows, kept, rejected; and for each reason, "field check", how many rows it rejects, how many it
    alone rejects, how many are left after it and all before it, and up to 5 examples.
    """
    order = {name: place for place, name in enumerate([*CHECKS, LANGUAGES_LEFT])}
    sizes = decisions.group_by("qa_id").len()
    alone = set(sizes.filter(pl.col("len") == 1)["qa_id"])
    reasons: dict[str, Any] = {}
    gone: set[str] = set()
    total = rows.height
    concerned = decisions.select("qa_id").unique()
    rows, sources = (
        frame.join(concerned, on="qa_id", how="semi", maintain_order="left")
        for frame in (rows, sources)
    )
    groups = {
        (str(field), str(check)): group
        for (field, check), group in decisions.group_by("field", "check", maintain_order=True)
    }
    for field, check in sorted(groups, key=lambda key: (order[key[1]], key[0])):
        group = groups[field, check]
        ids = set(group["qa_id"])
        gone |= ids
        reasons[f"{field} {check}"] = {
            "rejected": len(ids),
            "alone": len(ids & alone),
            "left": total - len(gone),
            "examples": _examples(group, field, rows, sources),
        }
    return {
        "rows": total,
        "kept": total - len(gone),
        "rejected": len(gone),
        "reasons": reasons,
    }


def _examples(
    group: pl.DataFrame, field: str, rows: pl.DataFrame, sources: pl.DataFrame
) -> list[dict[str, Any]]:
    """Decisions spread over the scores, with the texts that they are about."""
    ranked = group.sort("score", "qa_id")
    step = max(1, ranked.height // _EXAMPLES)
    chosen = ranked.gather_every(step).head(_EXAMPLES)
    name = field if field in FIELDS else "question"
    texts = rows.filter(pl.col("qa_id").is_in(chosen["qa_id"].implode())).select(
        "qa_id", "translated_from", target=name
    )
    origins = sources.select("qa_id", pl.col("language").alias("translated_from"), source=name)
    return (
        chosen.join(texts, on="qa_id", how="left", maintain_order="left")
        .join(origins, on=["qa_id", "translated_from"], how="left", maintain_order="left")
        .select("qa_id", "score", "limit", "source", "target")
        .to_dicts()
    )


def describe(report: Mapping[str, Any]) -> Iterator[RenderableType]:
    """Tables and lines that tell what was rejected, why, and with which limits."""
    languages: Mapping[str, Any] = report["languages"]
    table = Table(box=None, pad_edge=False)
    table.add_column("language", no_wrap=True)
    table.add_column("reason", no_wrap=True)
    for name in ("rejected", "it alone", "left"):
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
            yield f"{code}: language not checkable, no installed identifier knows it"
    by_basis: dict[str, dict[str, None]] = {"prior": {}, "bounded": {}}
    for bound in report["limits"]:
        if bound["basis"] in by_basis:
            by_basis[bound["basis"]][f"{bound['language']} {bound['field']} {bound['check']}"] = (
                None
            )
    if by_basis["prior"]:
        names = ", ".join(by_basis["prior"])
        yield f"fewer than {ENOUGH} texts, judged by the built-in prior: {names}"
    if by_basis["bounded"]:
        names = ", ".join(by_basis["bounded"])
        yield f"far from what is usual, so that the corpus did not set the limit: {names}"


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
