"""Shares, even use and shuffles, against counting by hand."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qa_parallel.batches.shares import StableRandom, even_use, largest_remainder, shuffle_repeats


@given(st.lists(st.integers(1, 50), min_size=1, max_size=8), st.integers(0, 500))
def test_largest_remainder(weights: list[int], total: int) -> None:
    exact = [Fraction(weight * total, sum(weights)) for weight in weights]
    expected = [int(one) for one in exact]
    order = sorted(range(len(weights)), key=lambda place: (expected[place] - exact[place], place))
    for place in order[: total - sum(expected)]:
        expected[place] += 1
    assert largest_remainder(np.array(weights), total).tolist() == expected


@given(st.lists(st.integers(0, 5), min_size=1, max_size=8), st.integers(0, 40), st.integers(0, 9))
def test_even_use(used: list[int], count: int, seed: int) -> None:
    times = even_use(np.array(used), count, StableRandom(seed))
    expected = sorted(used)
    for _ in range(count):  # one draw after another, always of the least used
        expected[0] += 1
        expected.sort()
    assert sorted((np.array(used) + times).tolist()) == expected
    assert times.min() >= 0
    assert int(times.sum()) == count


def test_repeats_lie_apart() -> None:
    positions = shuffle_repeats(np.array([4, 4, 4, 4]), StableRandom(3))
    for start in range(0, 16, 4):
        assert sorted(positions[start : start + 4].tolist()) == [0, 1, 2, 3]


def test_random_numbers_are_the_same_everywhere() -> None:
    # PCG64's own stream, worked out once: numpy promises it for good
    raw = np.random.PCG64(np.random.SeedSequence([7, 0])).random_raw(3)
    assert StableRandom(7, 0).uniform(3).tolist() == [
        int(one >> 11) / 2**53 for one in raw.tolist()
    ]
    assert StableRandom(7, 0).order(8).tolist() == [6, 3, 4, 0, 2, 7, 5, 1]
    assert StableRandom(8, 0).order(8).tolist() != StableRandom(7, 0).order(8).tolist()
    assert StableRandom(7, 1).order(8).tolist() != StableRandom(7, 0).order(8).tolist()
