"""Scores by a check that measures rows by itself: those of the table that can, and one's own."""

from __future__ import annotations

from functools import partial

import polars as pl

from qa_parallel.errors import RecipeError
from qa_parallel.filters.checks import ROW, Check
from qa_parallel.filters.workers import Workers

# Rows from which processes are worth their start.
_MANY = 20_000


def of_field(rows: pl.DataFrame, field: str) -> pl.DataFrame:
    """The rows as `Check.measure` sees them for one field.

    Parameters
    ----------
    rows:
        CORPUS columns, and question_original, answer_original, passage_original.
    """
    named = rows.with_columns(field=pl.lit(field))
    if field == ROW:
        return named
    return named.with_columns(
        text=pl.col(field), original=pl.col(f"{field}_original"), logprob=pl.col(f"{field}_logprob")
    )


def values(check: Check, rows: pl.DataFrame) -> pl.Series:
    """One number for each row by the name of the check; null where it is not checkable.

    Parameters
    ----------
    rows:
        As `of_field` gives them.

    Raises
    ------
    RecipeError
        The check gives something else. What its function raises passes as it is, with a note.
    """
    try:
        if isinstance(check.measure, pl.Expr):
            found = rows.select(check.measure).to_series()
        else:
            found = pl.Series(check.measure(rows) if check.measure else None)
    except Exception as error:
        error.add_note(f"while the check {check.name!r} measured")
        raise
    if len(found) != rows.height or not (
        found.dtype.is_numeric() or found.dtype in (pl.Boolean, pl.Null)
    ):
        raise RecipeError(
            f"check {check.name}: expected {rows.height:,} numbers, one for each row, found "
            f"{len(found):,} values of {found.dtype}"
        )
    return found.cast(pl.Float32).fill_nan(None).alias(check.name)


def score_check(check: Check, rows: pl.DataFrame, workers: Workers) -> pl.DataFrame:
    """Scores of all fields that `check` looks at, in the columns of SCORES, names as strings.

    Parameters
    ----------
    rows:
        CORPUS rows of one language, and question_original, answer_original, passage_original.
    """
    names = dict.fromkeys(("qa_id", "language", "field", "check"), pl.String())
    parts = [pl.DataFrame(schema={**names, "score": pl.Float32()})]
    for field in check.fields:
        mine = rows if field == ROW else rows.filter(pl.col(field).is_not_null())
        if mine.is_empty():
            continue
        # Scores alone come back: the rows are here.
        scores = workers.call(partial(values, check), of_field(mine, field), pays=len(mine) > _MANY)
        keys = mine.select("qa_id", "language", field=pl.lit(field), check=pl.lit(check.name))
        parts.append(keys.with_columns(score=scores).drop_nulls("score"))
    return pl.concat(parts)
