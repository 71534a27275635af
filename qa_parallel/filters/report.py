"""What the filters did: figures and examples for the records, tables for a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl

from qa_parallel.filters.checks import CHECKS, LANGUAGES_LEFT
from qa_parallel.schema import FIELDS

_EXAMPLES = 5  # for each language and reason


def funnel(
    rows: pl.DataFrame,
    sources: pl.DataFrame,
    decisions: pl.DataFrame,
    checks: Iterable[str] = tuple(CHECKS),
) -> dict[str, Any]:
    """What is rejected in one language, reason by reason in the order of the checks.

    Parameters
    ----------
    rows:
        CORPUS rows of the language.
    sources:
        Rows of the languages that they were translated from: qa_id, language, texts.
    decisions:
        DECISIONS of the language.
    checks:
        The names of all checks in force, in their order.

    Returns
    -------
    rows, kept, rejected; and for each reason, "field check", how many rows it rejects, how many it
    alone rejects, how many are left after it and all before it, and up to 5 examples.
    """
    order = {name: place for place, name in enumerate([*checks, LANGUAGES_LEFT])}
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
