"""Whole numbers from shares, even use of rows, and shuffles that are the same everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class StableRandom:
    """Random numbers from a seed, the same on every machine and with every version of numpy.

    Only the bits of PCG64 are used: numpy promises them for good, but not what it makes of them.
    """

    def __init__(self, seed: int, *branch: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence([seed, *branch]))

    def uniform(self, count: int) -> Array:
        """`count` numbers of [0, 1)."""
        raw: Array = self._bits.random_raw(count)
        return (raw >> np.uint64(11)) * 2.0**-53

    def order(self, count: int) -> Array:
        """0 … count - 1, shuffled."""
        shuffled: Array = np.argsort(self.uniform(count), kind="stable")
        return shuffled

    def spread(self, count: int) -> Array:
        """`count` moments of [0, 1), one in each of as many equal parts: ascending."""
        moments: Array = (np.arange(count) + self.uniform(count)) / max(1, count)
        return moments


def largest_remainder(weights: Array, total: int) -> Array:
    """`total` divided in proportion to `weights`, as whole numbers (Hamilton's method).

    What is left after rounding down goes to the largest remainders; of equal ones, to the first.

    >>> largest_remainder(np.array([1.0, 1.0, 1.0]), 10).tolist()
    [4, 3, 3]
    """
    exact = np.asarray(weights, dtype=float) / np.sum(weights) * total
    # 2.9999999999999996 is 3: what the division lost must not decide
    whole: Array = np.floor(np.round(exact, 9)).astype(np.int64)
    remainders = np.round(exact - whole, 9)
    whole[np.argsort(-remainders, kind="stable")[: total - int(whole.sum())]] += 1
    return whole


def even_use(used: Array, count: int, rng: StableRandom) -> Array:
    """How often to take each of some rows for `count` draws, so that all are used evenly.

    Parameters
    ----------
    used:
        How often each was taken before.

    >>> even_use(np.array([2, 0, 0]), 4, StableRandom(1)).tolist()
    [0, 2, 2]
    """
    order = np.lexsort((rng.uniform(len(used)), used))
    levels = used[order].astype(np.int64)
    ranks = np.arange(len(used))
    # draws that raise the rows before to the level of this one
    needed = ranks * levels - np.concatenate(([0], np.cumsum(levels)[:-1]))
    raised = int(np.searchsorted(needed, count, side="right"))
    level, more = divmod(count - int(needed[raised - 1]), raised)
    times = np.zeros(len(used), dtype=np.int64)
    times[order[:raised]] = levels[raised - 1] + level - levels[:raised]
    times[order[:more]] += 1
    return times


def shuffle_repeats(times: Array, rng: StableRandom) -> Array:
    """Positions, each as often as `times` says, shuffled so that repeats lie far apart.

    >>> sorted(shuffle_repeats(np.array([2, 0, 1]), StableRandom(1)).tolist())
    [0, 0, 2]
    """
    positions = np.repeat(np.arange(len(times)), times)
    starts = np.concatenate(([0], np.cumsum(times)[:-1]))
    occurrence = np.arange(len(positions)) - starts[positions]
    moments = (occurrence + rng.uniform(len(positions))) / times[positions]
    return positions[np.argsort(moments, kind="stable")]
