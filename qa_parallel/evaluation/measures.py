"""Measures of retrieval: each one a value, computed from ranks; no model and no text in sight.

A measure more is one `Measure` more in `MEASURES`: evaluation, tables, page and cards look there.

The order of a ranking: score descending, then the number of the candidate ascending, which is the
order of ids where candidates are sorted by them. Every candidate has a rank, so nothing is cut off.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from qa_parallel.errors import SourceError

MONOLINGUAL, CROSS, MULTILINGUAL = "monolingual", "cross-lingual", "multilingual"
SETTINGS = (MONOLINGUAL, CROSS, MULTILINGUAL)
HEAD = 10  # of a ranking, whose languages are counted

Scores = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quantity:
    """Something that is measured, and how it is written.

    Attributes
    ----------
    name:
        In data: "recall@10".
    label:
        For people: "mAP".
    digits:
        After the decimal point, in tables and sentences.

    Examples
    --------
    >>> distance = Quantity("rank_distance", "rank distance", digits=1)
    >>> distance.format(1213.4), distance.format(-2.0, sign=True), distance.format(None)
    ('1,213.4', '-2.0', '')
    """

    name: str
    label: str
    digits: int = 4  # as trec_eval prints them

    def format(self, value: float | None, *, sign: bool = False) -> str:
        """`value` as text, with a plus where `sign` asks for one; nothing for None."""
        if value is None:
            return ""
        return f"{value:{'+' if sign else ''},.{self.digits}f}"

    def spread(self, mean: float, deviation: float | None) -> str:
        """A mean and the standard deviation around it; None where there is one value alone."""
        around = "" if deviation is None else f" ± {self.format(deviation)}"
        return self.format(mean) + around

    @property
    def heading(self) -> str:
        """What stands over a column of it."""
        return self.label

    @property
    def cell(self) -> str:
        """Format of a number in the small cell of a heat map: a digit less."""
        return f",.{self.digits - 1}f"


@dataclass(frozen=True)
class Relevant:
    """The relevant candidates of some queries: those of a query side by side, by rank.

    Attributes
    ----------
    ranks, gains:
        An entry a candidate: its rank from 1, its grade above 0. The rank is infinite where it was
        judged, but is not in the collection: it is never found, and counts in denominators.
    places:
        An entry a candidate: 1 for the first relevant one of its query, 2 for the second.
    starts, counts:
        An entry a query: where its candidates begin, and how many they are.
    """

    ranks: Values
    gains: Values
    places: Integers
    starts: Integers
    counts: Integers

    def sums(self, values: Values) -> Values:
        """Of each query's `values`, which have an entry a candidate."""
        return np.add.reduceat(values, self.starts) if len(self.starts) else values

    @property
    def highest(self) -> Values:
        """The rank of each query's first relevant candidate."""
        first: Values = self.ranks[self.starts]
        return first

    @property
    def ranked(self) -> Values:
        """How many of each query's relevant candidates are in the collection."""
        return self.sums(np.isfinite(self.ranks).astype(np.float64))

    @property
    def lowest(self) -> Values:
        """The rank of each query's last relevant candidate in the collection; infinite for none."""
        last: Values = self.ranks[self.starts + np.maximum(self.ranked.astype(np.int64), 1) - 1]
        return last

    @property
    def ideal(self) -> Values:
        """`gains` in the order of the best ranking there can be."""
        queries = np.repeat(np.arange(len(self.counts)), self.counts)
        best: Values = self.gains[np.lexsort((-self.gains, queries))]
        return best


@dataclass(frozen=True, kw_only=True)
class Measure(Quantity):
    """A measure of retrieval.

    Attributes
    ----------
    compute:
        A value a query; NaN for one of which the measure says nothing.
    better:
        Whether higher or lower values are.
    settings:
        Where it is measured.

    Examples
    --------
    >>> success = Measure(
    ...     name="success@5",
    ...     label="success@5",
    ...     compute=lambda found: (found.highest <= 5).astype(float),
    ... )
    >>> _, relevant = grouped(np.array([7, 7, 8]), np.array([4, 9, 6]), np.ones(3))
    >>> success.compute(relevant).tolist()
    [1.0, 0.0]
    """

    compute: Callable[[Relevant], Values]
    better: Literal["higher", "lower"] = "higher"
    settings: tuple[str, ...] = SETTINGS

    @property
    def heading(self) -> str:
        """The label, with an arrow down where lower is better."""
        return self.label if self.better == "higher" else f"{self.label} ↓"


def _average_precision(found: Relevant) -> Values:
    """As trec_eval computes it."""
    precision: Values = found.sums(found.places / found.ranks) / found.counts
    return precision


def _reciprocal_rank(found: Relevant) -> Values:
    return 1 / found.highest


def _recall(depth: int) -> Measure:
    def compute(found: Relevant) -> Values:
        return found.sums((found.ranks <= depth).astype(np.float64)) / found.counts

    return Measure(name=f"recall@{depth}", label=f"recall@{depth}", compute=compute)


def _ndcg(depth: int) -> Measure:
    """As trec_eval computes it, the gain of a candidate being its grade."""

    def discounted(gains: Values, ranks: Values | Integers) -> Values:
        return np.where(ranks <= depth, gains / np.log2(ranks + 1), 0.0)

    def compute(found: Relevant) -> Values:
        best = found.sums(discounted(found.ideal, found.places))
        return found.sums(discounted(found.gains, found.ranks)) / best

    return Measure(name=f"ndcg@{depth}", label=f"nDCG@{depth}", compute=compute)


def _rank_distance(found: Relevant) -> Values:
    """The lowest minus the highest rank; one relevant candidate says nothing."""
    distance = np.full(len(found.counts), np.nan)
    np.subtract(found.lowest, found.highest, out=distance, where=found.ranked > 1)
    return distance


MAP = Measure(name="map", label="mAP", compute=_average_precision)
MRR = Measure(name="mrr", label="MRR", compute=_reciprocal_rank)
# Of the translations of an answer among all languages, arXiv 2408.10536.
RANK_DISTANCE = Measure(
    name="rank_distance",
    label="rank distance",
    digits=1,
    compute=_rank_distance,
    better="lower",
    settings=(MULTILINGUAL,),
)
MEASURES = (MAP, MRR, _recall(1), _recall(10), _recall(100), _ndcg(10), RANK_DISTANCE)
# Of the candidates of a language in the head of the ranking.
SHARE = Quantity(f"share@{HEAD}", f"share of the first {HEAD} candidates", digits=3)


@dataclass(frozen=True)
class Headline:
    """A measure in a setting, one of those that the method is judged by."""

    setting: str
    measure: Measure

    @property
    def heading(self) -> str:
        """What stands over it; the setting is not named where there is no other."""
        one = self.measure
        return one.heading if len(one.settings) == 1 else f"{self.setting} {one.heading}"

    def of(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of RESULTS, or of differences, is about it."""
        return (row["setting"], row["measure"]) == (self.setting, self.measure.name)


HEADLINES = (*(Headline(one, MAP) for one in SETTINGS), Headline(MULTILINGUAL, RANK_DISTANCE))


def named(name: str) -> Quantity:
    """What is called so in data; one that only another version knows is called by its name."""
    known = {one.name: one for one in (*MEASURES, SHARE)}
    return known.get(name) or Quantity(name, name)


def among(names: Iterable[str]) -> list[Measure]:
    """Those of `MEASURES` that are among `names`."""
    present = set(names)
    return [one for one in MEASURES if one.name in present]


def measure(
    groups: Integers, ranks: Values | Integers, gains: Values
) -> tuple[Integers, dict[str, Values]]:
    """All measures of each query, from the ranks of its relevant candidates.

    Parameters
    ----------
    groups, ranks, gains:
        One entry a relevant candidate: the number of its query, its rank from 1, infinite where it
        is not in the collection, its grade above 0.

    Raises
    ------
    SourceError
        Two candidates of a query have one rank: the ranks come from no ranking.

    Returns
    -------
    The numbers of the queries, ascending, and under the name of each of `MEASURES` an array of a
    value for each; NaN where it says nothing of the query.

    Examples
    --------
    >>> groups, values = measure(np.array([7, 7]), np.array([1, 4]), np.array([1.0, 1.0]))
    >>> groups.tolist(), values["map"].tolist(), values["rank_distance"].tolist()
    ([7], [0.75], [3.0])
    """
    queries, relevant = grouped(groups, ranks, gains)
    return queries, {one.name: one.compute(relevant) for one in MEASURES}


def grouped(groups: Integers, ranks: Values | Integers, gains: Values) -> tuple[Integers, Relevant]:
    """The numbers of the queries, ascending, and what is relevant to them, as `measure` takes it.

    >>> queries, relevant = grouped(np.array([8, 7, 7]), np.array([2, 4, 1]), np.ones(3))
    >>> queries.tolist(), relevant.ranks.tolist(), relevant.places.tolist()
    ([7, 8], [1.0, 4.0, 2.0], [1, 2, 1])
    """
    order = np.lexsort((ranks, groups))
    _refuse_impossible(groups[order], ranks[order])
    queries, starts, counts = np.unique(groups[order], return_index=True, return_counts=True)
    places = np.arange(len(order)) - np.repeat(starts, counts) + 1
    found = Relevant(ranks[order].astype(np.float64), gains[order], places, starts, counts)
    return queries, found


def _refuse_impossible(groups: Integers, ranks: Values | Integers) -> None:
    """Of sorted pairs: ranks that no ranking gives, with which a mean precision exceeds 1."""
    shared = (groups[1:] == groups[:-1]) & (ranks[1:] == ranks[:-1]) & np.isfinite(ranks[1:])
    wrong = np.flatnonzero(shared)
    if len(wrong):
        raise SourceError(
            f"expected a rank for each candidate of query {groups[wrong[0]]}, found two relevant "
            f"ones at rank {ranks[wrong[0]]:g}",
            "the scores are no numbers, or a candidate is there twice",
        )
    if not (ranks >= 1).all():
        raise SourceError(f"expected ranks from 1, found {ranks[~(ranks >= 1)][0]:g}")


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
    # What is no candidate of a query has the score -inf, and no place.
    equal = np.stack([((top == limit) & np.isfinite(top)).sum(axis=1) for top in tops], axis=1)
    left = depth - higher.sum(axis=1, keepdims=True)
    taken = np.minimum(np.cumsum(equal, axis=1), left)
    found: Integers = higher + np.diff(taken, axis=1, prepend=0)
    return found
