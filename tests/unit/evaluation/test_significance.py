"""Paired bootstrap over questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from qa_parallel.errors import SourceError
from qa_parallel.evaluation.measures import MEASURES
from qa_parallel.evaluation.significance import Difference, compare


def values(numbers: Sequence[float], languages: Sequence[str] = ("eng",)) -> pl.DataFrame:
    """The same value for a question in each language, of every measure but rank distance."""
    return pl.DataFrame(
        [
            {
                "setting": "monolingual",
                "query_language": code,
                "candidate_language": code,
                "query_id": f"{code}/{key}",
                "qa_id": str(key),
                **{one.name: number for one in MEASURES},
                "rank_distance": None,
            }
            for code in languages
            for key, number in enumerate(numbers)
        ],
        schema_overrides={"rank_distance": pl.Float64()},
    )


def mean_ap(first: Sequence[pl.DataFrame], second: Sequence[pl.DataFrame]) -> Difference:
    (found,) = [one for one in compare(first, second, 1000, 0) if one.measure == "map"]
    return found


NUMBERS = np.random.default_rng(0).random((2, 200))


def test_no_difference() -> None:
    one = mean_ap([values(NUMBERS[0])], [values(NUMBERS[0])])
    assert (one.difference, one.low, one.high, one.p) == (0, 0, 0, 1)
    assert one.questions == 200


def test_what_is_not_measured_is_not_compared() -> None:
    found = {one.measure for one in compare([values([1.0])], [values([0.0])], 100, 0)}
    assert found == {one.name for one in MEASURES} - {"rank_distance"}


def test_a_measure_that_one_side_lacks_is_left_out() -> None:
    older = values([1.0, 2.0]).drop("mrr").with_columns(retired=0.5)
    found = {one.measure for one in compare([values([1.0, 2.0])], [older], 100, 0)}
    assert found == {one.name for one in MEASURES} - {"rank_distance", "mrr"}
    seeds = [values([1.0, 2.0]), older]
    assert {one.measure for one in compare(seeds, seeds, 100, 0)} == found


def test_a_measure_that_this_version_does_not_know_is_compared_by_its_name() -> None:
    both = [values([1.0, 2.0]).with_columns(retired=half) for half in (0.5, 0.75)]
    found = list(compare(both[:1], both[1:], 100, 0))
    assert (found[-1].measure, found[-1].difference) == ("retired", 0.25)


def test_a_difference_that_is_everywhere_is_sure() -> None:
    one = mean_ap([values(NUMBERS[0])], [values(NUMBERS[0] + 0.25)])
    assert [one.low, one.high] == pytest.approx([0.25, 0.25])
    assert one.p == pytest.approx(2 / 1001)


def test_the_spread_is_that_of_the_mean() -> None:
    """For a mean of independent differences: their deviation over the root of their number."""
    one = mean_ap([values(NUMBERS[0])], [values(NUMBERS[1])])
    differences = NUMBERS[1] - NUMBERS[0]
    assert one.difference == pytest.approx(differences.mean())
    error = differences.std() / np.sqrt(200)
    assert (one.high - one.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.08)


def test_translations_are_one_sample() -> None:
    """The same question eleven times over says no more than once."""
    codes = [f"l{number}" for number in range(11)]
    one = mean_ap([values(NUMBERS[0])], [values(NUMBERS[1])])
    many = mean_ap([values(NUMBERS[0], codes)], [values(NUMBERS[1], codes)])
    assert [many.low, many.high] == pytest.approx([one.low, one.high])
    assert many.questions == 200


def test_ragged_runs_count_alike() -> None:
    """The mean of a setting is that of its runs, however many questions each has."""
    first = pl.concat([values([0.0, 0.0, 0.0]), values([0.0], ["deu"])])
    second = pl.concat([values([0.0, 0.0, 0.0]), values([1.0], ["deu"])])
    assert mean_ap([first], [second]).second == 0.5


def test_seeds_are_averaged_first() -> None:
    one = mean_ap([values(NUMBERS[0])], [values(NUMBERS[1]), values(NUMBERS[0])])
    assert one.difference == pytest.approx((NUMBERS[1] - NUMBERS[0]).mean() / 2)


def test_other_queries() -> None:
    with pytest.raises(SourceError, match="expected the same queries on both sides"):
        mean_ap([values([1.0, 2.0])], [values([1.0])])
