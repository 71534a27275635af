"""Whether one encoder retrieves better than another: paired bootstrap over questions.

The translations of a question are one sample, not eleven: what is drawn is a `qa_id`, with all its
languages. Runs that differ in their seed alone are averaged before.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from qa_parallel.errors import SourceError
from qa_parallel.evaluation.measures import among

Values = npt.NDArray[np.float64]

_RUN = ["query_language", "candidate_language"]
_KEYS = ["setting", *_RUN, "query_id", "qa_id"]
# Samples that are in memory at a time.
_SAMPLES = 100


@dataclass(frozen=True)
class Difference:
    """One measure of a setting, the mean of its runs, for two encoders.

    Attributes
    ----------
    first, second:
        Their values; `difference` is the second less the first.
    low, high:
        The middle 95 % of the differences in the samples.
    p:
        Two-sided: twice the smaller part of the samples on one side of zero, and at least what so
        few samples can show.
    questions:
        How many there are to draw from.
    """

    setting: str
    measure: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    p: float
    questions: int


def compare(
    first: Sequence[pl.DataFrame], second: Sequence[pl.DataFrame], samples: int, seed: int
) -> Iterator[Difference]:
    """The differences of all settings, over one evaluation set, in the measures that all have.

    Parameters
    ----------
    first, second:
        `Measurements.values` of each seed of an encoder, of the same set.
    samples:
        Of the bootstrap.

    Raises
    ------
    SourceError
        They hold different queries.
    """
    measures = _shared_measures([*first, *second])
    one, other = (_mean(frames, measures) for frames in (first, second))
    both = one.join(other, on=_KEYS, how="full", nulls_equal=True, suffix=":second")
    if both.height != one.height or both.height != other.height:
        raise SourceError(
            f"expected the same queries on both sides, found {one.height:,} and {other.height:,} "
            f"values of {both.height:,} together",
            "evaluate both with the same version, set and settings",
        )
    for (setting,), rows in both.group_by("setting", maintain_order=True):
        for measure in measures:
            mine = rows.drop_nulls(measure)
            if mine.height:
                yield _difference(mine, str(setting), measure, samples, seed)


def measures_of(values: pl.DataFrame) -> list[str]:
    """Names of the measures in `Measurements.values`; those that are not ours come last."""
    names = [name for name in values.columns if name not in _KEYS]
    known = [one.name for one in among(names)]
    return known + [name for name in names if name not in known]


def _shared_measures(frames: Sequence[pl.DataFrame]) -> list[str]:
    """Those that all of `frames` have, in the order of the first."""
    return [
        name for name in measures_of(frames[0]) if all(name in frame.columns for frame in frames)
    ]


def _mean(frames: Sequence[pl.DataFrame], measures: Sequence[str]) -> pl.DataFrame:
    every = pl.concat(frame.select(*_KEYS, *measures) for frame in frames)
    return every.group_by(_KEYS, maintain_order=True).agg(pl.col(measures).mean())


def _difference(
    rows: pl.DataFrame, setting: str, measure: str, samples: int, seed: int
) -> Difference:
    numbers = rows.select(
        pl.col("qa_id").rank("dense").cast(pl.Int64) - 1,
        run=pl.concat_str(_RUN, separator=" ", ignore_nulls=True).rank("dense").cast(pl.Int64) - 1,
    )
    questions, runs = numbers["qa_id"].to_numpy(), numbers["run"].to_numpy()
    shape = (int(questions.max()) + 1, int(runs.max()) + 1)

    def table(values: Values) -> Values:
        """Sums by question and run; an id may stand for several queries of a run."""
        found = np.zeros(shape)
        np.add.at(found, (questions, runs), values)
        return found

    counts = table(np.ones(rows.height))
    values = [table(rows[name].to_numpy()) for name in (measure, f"{measure}:second")]
    whole = np.ones((1, shape[0]))
    ours, theirs = (float(_means(whole, one, counts)[0]) for one in values)
    random = np.random.default_rng(seed)
    chance = np.full(shape[0], 1 / shape[0])
    drawn = []
    for start in range(0, samples, _SAMPLES):
        size = min(_SAMPLES, samples - start)
        weights = random.multinomial(shape[0], chance, size).astype(np.float64)
        drawn.append(_means(weights, values[1], counts) - _means(weights, values[0], counts))
    differences = np.concatenate(drawn)
    low, high = np.quantile(differences, (0.025, 0.975))
    tail = min((differences <= 0).sum(), (differences >= 0).sum())
    p = min(1.0, 2 * (int(tail) + 1) / (samples + 1))
    return Difference(
        setting, measure, ours, theirs, theirs - ours, float(low), float(high), p, shape[0]
    )


def _means(weights: Values, values: Values, counts: Values) -> Values:
    """For each sample the mean of its runs' means; a run that drew nothing is left out."""
    sizes = weights @ counts
    means = np.divide(weights @ values, sizes, out=np.full(sizes.shape, np.nan), where=sizes > 0)
    found: Values = np.nanmean(means, axis=1)
    return found
