"""From scores to decisions: which limits hold where, and what breaks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.filters.checks import CHECKS, Limits
from qa_parallel.schema import DECISIONS, FIELDS, SCORES

# Texts of a language and field from which its own middle and spread are taken.
ENOUGH = 100
KEY = ["qa_id", "language"]
_PLACE = ["language", "field"]
# The check of `few`, which is none of texts.
LANGUAGES_LEFT = "languages"


@dataclass(frozen=True)
class _Prior:
    """What is known of a learned check before any text of the language is seen.

    `shift` and `stretch` bound what a corpus may teach: its middle within `shift` of the prior's,
    its spread at most `stretch` times the prior's and at least 1 / `stretch` of it.
    Below `least`, a score is bad in itself: there, part of the spreads that are allowed is enough.
    """

    middle: float
    spread: dict[str, float]
    shift: float
    stretch: float
    least: float | None = None


_PRIORS = {
    "length": _Prior(0.0, {"question": 0.15, "answer": 0.3, "passage": 0.13}, 0.35, 1.5),
    "logprob": _Prior(-0.7, dict.fromkeys(("question", "answer", "passage"), 0.3), 0.6, 2.0),
    # below 0 another text is nearer than its own
    "cosine": _Prior(0.06, dict.fromkeys(("question", "answer", "passage"), 0.025), 0.1, 2.0, 0.0),
}
_PART = 0.75


def decide(
    scores: pl.DataFrame, limits: Limits | None = None, min_languages: int = 1
) -> pl.DataFrame:
    """DECISIONS for SCORES: what is rejected, and why; a row fails in its own language only.

    Parameters
    ----------
    limits:
        None = the defaults.
    min_languages:
        A question that survives in fewer languages is rejected in all of them.
    """
    found = judge(scores, bounds(scores, limits or Limits()))
    keys = scores.select(KEY).unique(maintain_order=True)
    return pl.concat([found, few(keys, found, min_languages)])


def bounds(scores: pl.DataFrame, limits: Limits) -> pl.DataFrame:
    """The limits as they hold: a row per language, field and check that is judged there.

    Columns: language, field, check, low, high (null = none), middle, spread, texts, basis.

    Middle and spread of a learned check come from the language's own texts of that field if
    there are 100 or more: from the shortest stretch of values that holds half of them, which a
    broken half cannot move far, leaving out rows that fixed limits reject. And whatever a corpus
    says, it moves the prior only so far: a middle beyond, a spread too wide or too narrow are
    taken back to the nearest permitted value ("bounded" as the basis), so that a corpus which is
    largely broken does not teach what is normal.
    """
    values = limits.model_dump()
    judged = [name for name in CHECKS if values[name] is not None]
    present = scores.select(*_PLACE, "check").unique().sort(pl.all())
    fixed = [name for name in judged if CHECKS[name].learned is None]
    rows = [
        {
            **row,
            "low": float(values[name]) if CHECKS[name].side == "min" else None,
            "high": float(values[name]) if CHECKS[name].side == "max" else None,
        }
        for row in present.to_dicts()
        if (name := row["check"]) in fixed
    ]
    table = pl.DataFrame(rows, schema=_BOUNDS)
    teaching = scores.filter(pl.col("check").is_in(sorted(_PRIORS)))
    clean = teaching.join(judge(scores, table), on=KEY, how="anti", maintain_order="left")
    learned = [
        _learn(clean, row, values[row["check"]])
        for row in present.to_dicts()
        if row["check"] in judged and CHECKS[row["check"]].learned
    ]
    return pl.concat([table, pl.DataFrame(learned, schema=_BOUNDS)]).sort(*_PLACE, "check")


_BOUNDS = pl.Schema(
    {
        **{name: SCORES[name] for name in (*_PLACE, "check")},
        "low": pl.Float32(),
        "high": pl.Float32(),
        "middle": pl.Float32(),
        "spread": pl.Float32(),
        "texts": pl.Int64(),
        # "corpus", "prior" or "bounded"; null for fixed limits
        "basis": pl.String(),
    }
)


def _learn(scores: pl.DataFrame, row: dict[str, Any], spreads: float) -> dict[str, Any]:
    """The limits of one learned check in one language and field."""
    check = CHECKS[row["check"]]
    prior = _PRIORS[check.learned or ""]
    values = scores.filter(
        pl.col("language") == row["language"],
        pl.col("field") == row["field"],
        pl.col("check") == check.learned,
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


def judge(scores: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """DECISIONS: the scores that break the limits in `table` (see `bounds`)."""
    score, low, high = pl.col("score"), pl.col("low"), pl.col("high")
    under = (score < low).fill_null(False)
    meanings = {name: item.meaning for name, item in CHECKS.items()}
    least = pl.when(under).then(pl.lit("at least")).otherwise(pl.lit("at most"))
    broken = (
        scores.filter(_suspected(scores, table))
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
    reason = pl.format(
        "{} {}: {}, expected {} {}", "field", meaning, score.round(3), "least", limit
    )
    return broken.with_columns(reason=reason).select(DECISIONS.names())


def _suspected(scores: pl.DataFrame, table: pl.DataFrame) -> pl.Series:
    """Which scores break the strictest limit of any language: most need no closer look."""
    width = len(CHECKS)
    low, high = np.full((2, len(FIELDS) * width), [[-np.inf], [np.inf]], np.float32)
    limits = table.cast({name: SCORES[name] for name in ("field", "check")})
    places, scored = (
        (
            frame["field"].to_physical().cast(pl.Int32) * width + frame["check"].to_physical()
        ).to_numpy()
        for frame in (limits, scores)
    )
    np.maximum.at(low, places, limits["low"].fill_null(-np.inf).to_numpy())
    np.minimum.at(high, places, limits["high"].fill_null(np.inf).to_numpy())
    values = scores["score"].to_numpy()
    return pl.Series((values < low[scored]) | (values > high[scored]))


def few(keys: pl.DataFrame, decisions: pl.DataFrame, least: int) -> pl.DataFrame:
    """DECISIONS for what is left of questions that survive in fewer than `least` languages.

    `keys` are qa_id and language of all rows.
    """
    kept = keys.join(decisions, on=KEY, how="anti", maintain_order="left")
    left = pl.len().over("qa_id")
    reason = pl.format(
        "the question is left in {} languages, expected at least {}", left, pl.lit(least)
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
