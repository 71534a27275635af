"""From scores to decisions: which limits hold where, and what breaks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.errors import RecipeError
from qa_parallel.filters.checks import (
    LANGUAGES_LEFT,
    SCORED,
    Check,
    Limits,
    scores_schema,
    together,
)
from qa_parallel.schema import DECISIONS

# Texts of a language and field from which its own middle and spread are taken.
ENOUGH = 100
KEY = ["qa_id", "language"]
_PLACE = ["language", "field"]
# Of the spreads that are allowed, where a score is bad in itself.
_PART = 0.75


def decide(
    scores: pl.DataFrame,
    limits: Limits | None = None,
    min_languages: int = 1,
    checks: Sequence[Check] = (),
) -> pl.DataFrame:
    """DECISIONS for SCORES: what is rejected, and why; a row fails in its own language only.

    Parameters
    ----------
    limits:
        None = the defaults.
    min_languages:
        A question that survives in fewer languages is rejected in all of them.
    checks:
        One's own, besides those of the table.
    """
    found = judge(scores, bounds(scores, limits or Limits(), checks), checks)
    keys = scores.select(KEY).unique(maintain_order=True)
    return pl.concat([found, few(keys, found, min_languages)])


def bounds(scores: pl.DataFrame, limits: Limits, checks: Sequence[Check] = ()) -> pl.DataFrame:
    """The limits as they hold: a row per language, field and check that is judged there.

    Columns: language, field, check, low, high (null = none), middle, spread, texts, basis.

    Middle and spread of a learned check come from the language's own texts of that field if
    there are 100 or more: from the shortest stretch of values that holds half of them, which a
    broken half cannot move far, leaving out rows that fixed limits reject. And whatever a corpus
    says, it moves the prior only so far: a middle beyond, a spread too wide or too narrow are
    taken back to the nearest permitted value ("bounded" as the basis), so that a corpus which is
    largely broken does not teach what is normal.
    """
    every = together(checks)
    scores = _typed(scores, checks)
    values = {check.name: check.limit for check in checks} | limits.model_dump()
    present = [
        row
        for row in scores.select(*_PLACE, "check").unique().sort(pl.all()).to_dicts()
        if values[row["check"]] is not None
    ]
    rows = [
        {
            **row,
            "low": float(values[name]) if every[name].side == "min" else None,
            "high": float(values[name]) if every[name].side == "max" else None,
        }
        for row in present
        if every[name := row["check"]].learned is None
    ]
    table = pl.DataFrame(rows, schema=_BOUNDS)
    teachers = [name for name, check in every.items() if check.prior is not None]
    teaching = scores.filter(pl.col("check").is_in(teachers))
    clean = teaching.join(judge(scores, table, checks), on=KEY, how="anti", maintain_order="left")
    learned = [
        _learn(clean, row, every, values[row["check"]])
        for row in present
        if every[row["check"]].learned is not None
    ]
    whole = pl.concat([table, pl.DataFrame(learned, schema=_BOUNDS)])
    types = scores_schema(checks)
    ordered = whole.select(pl.col(name).cast(types[name]) for name in (*_PLACE, "check"))
    return whole[ordered.with_row_index().sort(*_PLACE, "check")["index"]]


_BOUNDS = pl.Schema(
    {
        **{name: pl.String() for name in (*_PLACE, "check")},
        "low": pl.Float32(),
        "high": pl.Float32(),
        "middle": pl.Float32(),
        "spread": pl.Float32(),
        "texts": pl.Int64(),
        # "corpus", "prior" or "bounded"; null for fixed limits
        "basis": pl.String(),
    }
)


def _typed(scores: pl.DataFrame, checks: Sequence[Check]) -> pl.DataFrame:
    """SCORES whose names are those of all checks in force, whatever they were."""
    types = scores_schema(checks)
    try:
        return scores.cast({name: types[name] for name in ("field", "check")})
    except pl.exceptions.InvalidOperationError:
        known = together(checks)
        unknown = sorted(set(scores["check"].cast(pl.String)) - set(known))
        raise RecipeError(
            f"expected scores of checks that are known, found {', '.join(unknown)}",
            "give the checks that were measured",
        ) from None


def _learn(
    scores: pl.DataFrame, row: dict[str, Any], every: Mapping[str, Check], spreads: float
) -> dict[str, Any]:
    """The limits of one learned check in one language and field."""
    check = every[row["check"]]
    teacher = every[check.learned or ""]
    prior = teacher.prior
    if prior is None:
        raise ValueError(f"expected a prior of {teacher.name}, found none")
    values = scores.filter(
        pl.col("language") == row["language"],
        pl.col("field") == row["field"],
        pl.col("check") == teacher.name,
    )["score"]
    middle, spread, basis = prior.middle, prior.spread[row["field"]], "prior"
    if len(values) >= ENOUGH:
        own_middle, own_spread = shortest_half(values.to_numpy())
        middle = min(max(own_middle, prior.middle - prior.shift), prior.middle + prior.shift)
        spread = min(max(own_spread, spread / prior.stretch), spread * prior.stretch)
        far = middle != own_middle or spread < own_spread
        basis = "bounded" if far else "corpus"
    low = middle - spreads * spread
    if prior.least is not None:
        low = max(low, min(prior.least, middle - _PART * spreads * spread))
    return {
        **row,
        "low": low if check.side != "max" else None,
        "high": middle + spreads * spread if check.side != "min" else None,
        "middle": middle,
        "spread": spread,
        "texts": len(values),
        "basis": basis,
    }


def shortest_half(values: Any) -> tuple[float, float]:
    """Median and half width of the shortest stretch that holds half of the values.

    The width is scaled so that it is the standard deviation of a normal distribution.
    (Rousseeuw and Leroy 1987, "shorth".)

    >>> middle, spread = shortest_half(np.random.default_rng(0).normal(3, 2, 100_000))
    >>> abs(middle - 3) < 0.2, abs(spread - 2) < 0.1
    (True, True)
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    half = (len(ordered) + 1) // 2
    widths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    start = int(np.argmin(widths))
    inside = ordered[start : start + half]
    return float(np.median(inside)), float(widths[start]) / 2 / 0.6745


def judge(scores: pl.DataFrame, table: pl.DataFrame, checks: Sequence[Check] = ()) -> pl.DataFrame:
    """DECISIONS: the scores that break the limits in `table` (see `bounds`)."""
    scores, table = _typed(scores, checks), _typed(table, checks)
    score, low, high = pl.col("score"), pl.col("low"), pl.col("high")
    under = (score < low).fill_null(False)
    meanings = {name: check.meaning for name, check in together(checks).items()}
    least = pl.when(under).then(pl.lit("at least")).otherwise(pl.lit("at most"))
    broken = (
        scores.filter(_suspected(scores, table, len(meanings)))
        .join(
            table.select(*_PLACE, "check", "low", "high"),
            on=[*_PLACE, "check"],
            maintain_order="left",
        )
        .filter(under | (score > high).fill_null(False))
        .with_columns(
            pl.col("field", "check").cast(pl.String),
            limit=pl.when(under).then(low).otherwise(high),
            least=least,
        )
    )
    meaning = pl.col("check").replace_strict(meanings, return_dtype=pl.String)
    limit = pl.col("limit").round(3)
    reason = pl.concat_str(
        "field", pl.lit(" "), meaning, pl.lit(": "), score.round(3), pl.lit(", expected "),
        "least", pl.lit(" "), limit,
    )  # fmt: skip
    return broken.with_columns(reason=reason).select(DECISIONS.names())


def _suspected(scores: pl.DataFrame, table: pl.DataFrame, checks: int) -> pl.Series:
    """Which scores break the strictest limit of any language: most need no closer look.

    `checks` is how many checks are in force.
    """
    low, high = np.full((2, len(SCORED) * checks), [[-np.inf], [np.inf]], np.float32)
    places, scored = (
        (
            frame["field"].to_physical().cast(pl.Int32) * checks + frame["check"].to_physical()
        ).to_numpy()
        for frame in (table, scores)
    )
    np.maximum.at(low, places, table["low"].fill_null(-np.inf).to_numpy())
    np.minimum.at(high, places, table["high"].fill_null(np.inf).to_numpy())
    values = scores["score"].to_numpy()
    return pl.Series((values < low[scored]) | (values > high[scored]))


def few(keys: pl.DataFrame, decisions: pl.DataFrame, least: int) -> pl.DataFrame:
    """DECISIONS for what is left of questions that survive in fewer than `least` languages.

    `keys` are qa_id and language of all rows.
    """
    kept = keys.join(decisions, on=KEY, how="anti", maintain_order="left")
    left = pl.len().over("qa_id")
    reason = pl.concat_str(
        pl.lit("the question is left in "),
        left,
        pl.lit(f" languages, expected at least {least}"),
    )
    return (
        kept.with_columns(
            field=pl.lit("row"),
            check=pl.lit(LANGUAGES_LEFT),
            score=left.cast(pl.Float32),
            limit=pl.lit(least, pl.Float32),
            reason=reason,
        )
        .filter(pl.col("score") < least)
        .select(DECISIONS.names())
    )
