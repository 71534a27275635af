"""A corpus measured: one number per row, field and check. What is too much, `limits` says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.filters import numbers, rows, surface
from qa_parallel.filters.characters import Characters
from qa_parallel.filters.checks import CHECKS, SCORES, Check, scores_schema, together
from qa_parallel.filters.custom import of_field, score_check, values
from qa_parallel.filters.language import NONE, Identifier, least_letters
from qa_parallel.filters.meaning import Encode, margins
from qa_parallel.filters.settings import MeasureSettings
from qa_parallel.filters.workers import Workers
from qa_parallel.schema import CORPUS, FIELDS, check, complete

# Raise it when the same settings would give other scores than before.
VERSION = 4
# Characters that are looked at together: small enough for the processor's cache to be of use.
_CHUNK = 250_000
# Chunks of a language from which processes of their own are worth their start.
_MANY = 4
# How many times as long an answer must be to be identified: most are names, which say little.
_NAMES = 3
# What a row is known by when it is compared with others: the first of these that it has.
_NAMING = ("question", "passage", "answer")
# Letters that a text must have for its vector to mean something.
_LEAST_ENCODED = 10


def score(
    corpus: pl.DataFrame,
    settings: MeasureSettings | None = None,
    identifier: Identifier | None = None,
    encode: Encode | None = None,
    workers: Workers | None = None,
    checks: Sequence[Check] = (),
) -> pl.DataFrame:
    """SCORES of a CORPUS frame in which the rows that others were translated from stand too.

    Parameters
    ----------
    corpus:
        Of its columns only `qa_id` and `language` must be there; what others would be needed for
        is not measured. Without `translated_from` give a pivot in the settings.
    settings:
        None = the defaults.
    identifier:
        Tells languages. None = one is made from the settings.
    encode:
        Texts to unit vectors, for the cosine of source and target. None = no cosine.
    workers:
        Processes that look at the texts. None = this one alone.
    checks:
        One's own, besides those of the table.

    Raises
    ------
    SourceError
        The ids or the languages are missing, or a column has another type than in CORPUS.
    RecipeError
        A check of one's own has a name that there is already, or does not give a number a row.

    >>> score(pl.DataFrame({"qa_id": ["1"], "language": ["deu_Latn"], "answer": ["..."]})).filter(
    ...     check="empty"
    ... )["score"].to_list()
    [0.0]
    """
    settings = settings or MeasureSettings()
    together(checks)
    types = scores_schema(checks)
    key = pl.Schema({name: CORPUS[name] for name in ("qa_id", "language")})
    check(corpus, key, "corpus")
    corpus = complete(corpus, CORPUS, "corpus")
    workers = workers or Workers()
    mine = identifier or identifier_of(settings, workers)
    parts = [pl.DataFrame(schema=types)]
    for language in corpus["language"].unique(maintain_order=True):
        target = corpus.filter(language=language)
        table = score_language(target, corpus, settings, mine, encode, workers=workers)
        parts.append(table.cast(types))
        own = [score_own(one, target, corpus, settings, workers) for one in checks]
        parts += [one.cast(types) for one in own]
    return pl.concat(parts)


def score_own(
    own: Check,
    target: pl.DataFrame,
    sources: pl.DataFrame,
    settings: MeasureSettings,
    workers: Workers,
) -> pl.DataFrame:
    """Scores of rows in one language by a check of one's own: SCORES with names as strings."""
    pairs = _pair(target.with_row_index("row"), sources, settings.pivot)
    return score_check(own, _beside(target, pairs), workers)


def identifier_of(settings: MeasureSettings, workers: Workers) -> Identifier | None:
    """The language identifier that the settings ask for, if any."""
    return None if settings.detector == NONE else Identifier(settings.detector, workers)


def score_language(
    target: pl.DataFrame,
    sources: pl.DataFrame,
    settings: MeasureSettings,
    identifier: Identifier | None,
    encode: Encode | None = None,
    *,
    workers: Workers,
) -> pl.DataFrame:
    """SCORES of rows in one language, by the checks of the table.

    `sources` holds, among others, what the rows come from.
    """
    if target.is_empty():
        return pl.DataFrame(schema=SCORES)
    language = str(target["language"][0])
    target = target.with_row_index("row")
    paired = _pair(target, sources, settings.pivot)
    named = pl.coalesce(pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in _NAMING)
    naming = set(target.select(named).to_series())
    whole = _beside(target, paired)
    fields = {}
    for field in FIELDS:
        table = _field(paired, field, language, identifier, encode, workers, field in naming)
        mine = of_field(whole, field)
        fields[field] = table.with_columns(
            values(one, mine)
            for one in CHECKS.values()
            if one.measure is not None and field in one.fields
        )
    likeness = rows.duplicates(_identities(target, fields))
    asked = target["question"].is_not_null()
    for field, wanted in (("question", asked), ("passage", ~asked)):
        fields[field] = fields[field].with_columns(
            pl.when(wanted).then(likeness).alias("duplicate")
        )
    long = [_long(target, table, field) for field, table in fields.items()]
    return pl.concat(long).select(SCORES.names())


def _pair(target: pl.DataFrame, sources: pl.DataFrame, pivot: str | None) -> pl.DataFrame:
    """Every row with the texts that it was translated from, null where there are none."""
    origin = pl.coalesce("translated_from", pl.lit(pivot, dtype=pl.String))
    return target.select(
        "row", "qa_id", *FIELDS, origin=pl.when(origin != pl.col("language")).then(origin)
    ).join(
        sources.select("qa_id", *FIELDS, origin="language").unique(["qa_id", "origin"]),
        on=["qa_id", "origin"],
        how="left",
        suffix="_source",
        maintain_order="left",
    )


def _beside(target: pl.DataFrame, paired: pl.DataFrame) -> pl.DataFrame:
    """The rows with the texts that they were translated from: question_original …"""
    return target.hstack(
        paired.select(pl.col(f"{name}_source").alias(f"{name}_original") for name in FIELDS)
    )


def _field(
    paired: pl.DataFrame,
    field: str,
    language: str,
    identifier: Identifier | None,
    encode: Encode | None,
    workers: Workers,
    sketched: bool,
) -> pl.DataFrame:
    """Scores of one field, a row for each row; equal pairs of texts are measured once."""
    target, source = pl.col(field), pl.col(f"{field}_source")
    lost = target.is_null() & source.is_not_null()
    table = paired.select(
        "row", "origin", target=pl.when(lost).then(pl.lit("")).otherwise(target), source=source
    )
    table = table.with_columns(
        key=pl.struct("target", "source", "origin").hash(),
        origin=pl.when(pl.col("source").is_not_null()).then("origin"),
    )
    texts = table.filter(pl.col("target").is_not_null()).unique("key", maintain_order=True)
    if texts.is_empty():
        nothing = pl.lit(None, dtype=pl.UInt64)
        return table.select("row", form=nothing, source_form=nothing)
    parts = [
        _texts(part.select("key", "target", "source"), language, origin, workers, sketched)
        for (origin,), part in texts.group_by("origin", maintain_order=True)
    ]
    measured = pl.concat(parts, how="diagonal")
    if identifier is not None:
        measured = measured.with_columns(_odds(measured, language, field, identifier))
    if encode is not None:
        measured = measured.with_columns(_cosine(measured, encode))
    form = pl.when(pl.col("source").is_not_null()).then(pl.col("source").str.to_lowercase().hash())
    measured = measured.with_columns(source_form=form)
    measured = measured.join(rows.shared(measured), on="form", how="left", maintain_order="left")
    measured = measured.drop("target", "source", "origin", "letters", strict=False)
    return table.select("row", "key").join(measured, on="key", how="left", maintain_order="left")


def _odds(texts: pl.DataFrame, language: str, field: str, identifier: Identifier) -> pl.Series:
    least = least_letters(language) * (_NAMES if field == "answer" else 1)
    enough = (texts["letters"] >= least).to_numpy()
    odds = identifier.odds(texts["target"].filter(pl.Series(enough)).to_list(), language)
    values = np.full(texts.height, np.nan, dtype=np.float32)
    if odds is not None:
        values[enough] = odds
    return pl.Series("language", values, nan_to_null=True)


def _cosine(texts: pl.DataFrame, encode: Encode) -> pl.Series:
    pairs = texts.with_row_index().filter(
        pl.col("source").is_not_null(), pl.col("letters") >= _LEAST_ENCODED
    )
    values = np.full(texts.height, np.nan, dtype=np.float32)
    if pairs.height:
        target, source = (encode(pairs[side].to_list()) for side in ("target", "source"))
        values[pairs["index"].to_numpy()] = margins(target, source)
    return pl.Series("cosine", values, nan_to_null=True)


def _identities(target: pl.DataFrame, fields: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """What `rows.duplicates` compares: the question, else the passage, and the rest of a row.

    Where nothing else is there, the rest is the source: one text for two sources may be a fault
    of either, which `rows.shared` counts.
    """
    asked = pl.col("question").is_not_null()
    table = target.select("question", text=pl.coalesce(_NAMING))
    nothing = pl.lit(None, dtype=pl.UInt64)
    for field, measured in fields.items():
        found = {name: name if name in measured.columns else nothing for name in surface.BANDS}
        found |= {"form": "form", "from": "source_form"}
        columns = measured.select(**{f"{field}_{name}": item for name, item in found.items()})
        table = table.hstack(columns)
    answer, passage = pl.col("answer_form"), pl.when(asked).then("passage_form")
    alone = answer.is_null() & passage.is_null()
    origin = pl.when(asked).then("question_from").otherwise("passage_from")
    rest = pl.struct(answer, passage, pl.when(alone).then(origin).alias("origin")).hash()
    first = {
        name: pl.coalesce(f"{field}_{name}" for field in _NAMING)
        for name in ("form", *surface.BANDS)
    }
    table = table.select(
        "text", rest=pl.when(~(alone & origin.is_null() & asked)).then(rest), **first
    )
    # Of texts that say the same in other letters, all have the bands of the first.
    distinct = table.select("form", *surface.BANDS).unique("form", maintain_order=True)
    return table.drop(surface.BANDS).join(distinct, on="form", how="left", maintain_order="left")


def _long(target: pl.DataFrame, table: pl.DataFrame, field: str) -> pl.DataFrame:
    """SCORES, and the number of the row, from a table with a column for each check."""
    return (
        target.select("row", "qa_id")
        .join(
            table.drop("key", "form", "source_form", *surface.BANDS, strict=False),
            on="row",
            maintain_order="left",
        )
        .unpivot(index=["row", "qa_id"], variable_name="check", value_name="score")
        .drop_nulls("score")
        .with_columns(
            pl.col("check").cast(SCORES["check"]),
            pl.col("score").cast(SCORES["score"]),
            language=pl.lit(target["language"][0]),
            field=pl.lit(field, dtype=SCORES["field"]),
        )
    )


def _texts(
    texts: pl.DataFrame, language: str, origin: Any, workers: Workers, sketched: bool
) -> pl.DataFrame:
    """`texts` (key, target, source) with what each tells by itself, measured in chunks."""
    measure = partial(_chunk, language=language, origin=origin, sketched=sketched)
    chunks = list(_chunks(texts.select("target", "source")))
    parts = workers.map(measure, chunks, pays=len(chunks) >= _MANY)
    return texts.hstack(pl.concat(parts))


def _chunks(texts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Slices of about `_CHUNK` characters."""
    sizes = texts.select(
        pl.col("target").str.len_bytes() + pl.col("source").str.len_bytes().fill_null(0)
    ).to_series()
    numbers = (sizes.cast(pl.Int64).cum_sum() // (2 * _CHUNK)).rle()
    start = 0
    for length in numbers.struct.field("len"):
        yield texts.slice(start, length)
        start += length


def _chunk(texts: pl.DataFrame, *, language: str, origin: Any, sketched: bool) -> pl.DataFrame:
    """A column for each check that needs nothing but a text and its source."""
    target = Characters.of(texts["target"].to_list())
    source = None if origin is None else Characters.of(texts["source"].to_list())
    found = surface.measure(target, source, language, origin, sketched)
    columns = [
        pl.Series(name, values, nan_to_null=True)
        if values.dtype == np.uint64
        else pl.Series(name, values.astype(np.float32), nan_to_null=True)
        for name, values in found.items()
    ]
    table = texts.with_columns(*columns, *surface.leftovers(language))
    if source is None:
        return table.drop("target", "source", "unfinished")
    return table.with_columns(
        numbers.changes(texts["target"], texts["source"], (target, source)),
        unfinished=pl.when("unfinished").then("length"),
    ).drop("target", "source")
