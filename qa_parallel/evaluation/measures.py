"""Measures of retrieval, on arrays: no model and no text in sight.

The order of a ranking: score descending, then the number of the candidate ascending, which is the
order of ids where candidates are sorted by them. Every candidate has a rank, so nothing is cut off.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MONOLINGUAL, CROSS, MULTILINGUAL = "monolingual", "cross-lingual", "multilingual"
SETTINGS = (MONOLINGUAL, CROSS, MULTILINGUAL)
HEAD = 10
SHARE = f"share@{HEAD}"
# What the method is judged by: setting, measure, label.
MAIN = (
    ("monolingual", "map", "monolingual mAP"),
    ("cross-lingual", "map", "cross-lingual mAP"),
    ("multilingual", "map", "multilingual mAP"),
    ("multilingual", "rank_distance", "rank distance"),
)

Scores = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

RECALL = (1, 10, 100)
NDCG = 10
MEASURES = ("map", "mrr", *(f"recall@{k}" for k in RECALL), f"ndcg@{NDCG}", "rank_distance")


def standings(
    scores: Scores, blocks: Sequence[tuple[int, int]], rows: Integers, columns: Integers, depth: int
) -> tuple[Integers, Integers]:
    """How the candidates of each block stand to some of them, and to the head of the ranking.

    Parameters
    ----------
    scores:
        Of shape (queries, candidates).
    blocks:
        [start, end) of candidates that belong together, such as those of a language: side by side,
        and all of them.
    rows, columns:
        Pairs of a query and a candidate, sorted by query.
    depth:
        Length of the head.

    Returns
    -------
    before: of shape (pairs, blocks), how many candidates of the block rank before the pair's. The
        pair's rank in its block is one more, that among all one more than the sum of its row.
    head: of shape (queries, blocks), how many candidates of the block are among the first `depth`.

    Examples
    --------
    >>> scores = np.array([[0.5, 0.9, 0.5, 0.7]], dtype=np.float32)
    >>> before, head = standings(scores, [(0, 2), (2, 4)], np.array([0]), np.array([2]), 2)
    >>> before.tolist(), head.tolist()
    ([[2, 1]], [[1, 1]])
    """
    own = scores[rows, columns]
    edges = np.searchsorted(rows, np.arange(len(scores) + 1))
    before = np.empty((len(rows), len(blocks)), dtype=np.int64)
    tops = []
    for number, (start, end) in enumerate(blocks):
        ordered = np.sort(scores[:, start:end], axis=1)
        tops.append(ordered[:, -depth:])
        lower, upper = np.empty((2, len(rows)), dtype=np.int64)
        for row, (first, last) in enumerate(itertools.pairwise(edges)):
            mine = own[first:last]
            lower[first:last] = ordered[row].searchsorted(mine, "left")
            upper[first:last] = ordered[row].searchsorted(mine, "right")
        before[:, number] = end - start - upper
        itself = (columns >= start) & (columns < end)
        for pair in np.flatnonzero(upper - lower > itself):
            earlier = scores[rows[pair], start : min(end, columns[pair])]
            before[pair, number] += np.count_nonzero(earlier == own[pair])
    return before, _head(tops, depth)


def _head(tops: Sequence[Scores], depth: int) -> Integers:
    """Of the highest scores of each block, how many are among the first `depth` of all."""
    every = np.concatenate(tops, axis=1)
    depth = min(depth, every.shape[1])
    limit = np.partition(every, -depth, axis=1)[:, [-depth]]
    higher = np.stack([(top > limit).sum(axis=1) for top in tops], axis=1)
    # What equals the last score that counts gets the places that are left, in the order of blocks.
    equal = np.stack([(top == limit).sum(axis=1) for top in tops], axis=1)
    left = depth - higher.sum(axis=1, keepdims=True)
    taken = np.minimum(np.cumsum(equal, axis=1), left)
    found: Integers = higher + np.diff(taken, axis=1, prepend=0)
    return found


def measure(groups: Integers, ranks: Integers, gains: Values) -> tuple[Integers, dict[str, Values]]:
    """All measures of each query, from the ranks of its relevant candidates.

    Average precision and nDCG as trec_eval computes them, the gain of a candidate being its grade.
    Rank distance (arXiv 2408.10536) is the highest minus the lowest rank; NaN for a query with one
    relevant candidate, which says nothing.

    Parameters
    ----------
    groups, ranks, gains:
        One entry a relevant candidate: the number of its query, its rank from 1, its grade above 0.

    Returns
    -------
    The numbers of the queries, ascending, and an array of a value for each under the name of each
    of `MEASURES`.

    Examples
    --------
    >>> groups, values = measure(np.array([7, 7]), np.array([1, 4]), np.array([1.0, 1.0]))
    >>> groups.tolist(), values["map"].tolist(), values["rank_distance"].tolist()
    ([7], [0.75], [3.0])
    """
    order = np.lexsort((ranks, groups))
    ranks, gains = ranks[order], gains[order]
    names, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    place = np.arange(len(ranks)) - np.repeat(starts, counts) + 1

    def total(values: Values) -> Values:
        return np.add.reduceat(values, starts) if len(starts) else values

    first, last = ranks[starts], ranks[starts + counts - 1]
    ideal = gains[np.lexsort((-gains, groups[order]))]
    found = {"map": total(place / ranks) / counts, "mrr": 1 / first}
    for k in RECALL:
        found[f"recall@{k}"] = total((ranks <= k).astype(np.float64)) / counts
    best = total(_discounted(ideal, place))
    found[f"ndcg@{NDCG}"] = total(_discounted(gains, ranks)) / best
    found["rank_distance"] = np.where(counts > 1, last - first, np.nan)
    return names, found


def _discounted(gains: Values, ranks: Integers) -> Values:
    found: Values = np.where(ranks <= NDCG, gains / np.log2(ranks + 1), 0.0)
    return found
