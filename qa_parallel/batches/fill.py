"""Sampled rows into batches, so that no two in a batch may be taken for each other."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import islice

import numpy as np

from qa_parallel.batches.rows import Rows
from qa_parallel.batches.shares import StableRandom
from qa_parallel.batches.strata import Pools, Stratum, Unit
from qa_parallel.components import Array

# How far a batch looks for rows that fit, in batches.
_LOOK = 10
# Rows of a stratum that are tried at random before all of them are.
_TRIES = (64, 4096)
_POOLS = 256  # kept in memory


@dataclass(frozen=True)
class Samples:
    """Rows sampled from strata: numbers of the rows of question and passage, and the stratum's."""

    question_rows: Array
    passage_rows: Array
    stratum: Array

    def take(self, order: Array) -> Samples:
        return Samples(self.question_rows[order], self.passage_rows[order], self.stratum[order])


@dataclass(frozen=True)
class UnitBatches:
    """The batches of a unit.

    Attributes
    ----------
    samples:
        Row by row, batch after batch.
    sizes:
        Rows of each batch: fewer than asked for where nothing more would fit.
    replaced:
        How many drawn rows fitted nowhere, so that another row took their place.
    """

    samples: Samples
    sizes: Array
    replaced: int


def fill_batches(
    unit: Unit, samples: Samples, pools: Pools, used: Array, rng: StableRandom
) -> UnitBatches:
    """Put `samples` into the batches of `unit`, in their order where they fit.

    A row that must not meet what is in a batch waits for the next one. Where too many wait, others
    of their stratum are taken instead, else others of the unit; where none fits, the batch stays
    short.

    Parameters
    ----------
    used:
        How often each row's question was drawn; kept up to date.
    """
    keys = keys_of(pools.rows, samples)
    spare = _Spare(unit, pools, used, rng)
    waiting: OrderedDict[int, deque[int]] = OrderedDict()  # by passage, oldest first
    placed: list[int] = []
    extra: list[tuple[int, int, int]] = []
    sizes = []
    fresh = 0
    for size in unit.sizes.tolist():
        batch = BatchKeys()
        members: list[int] = []
        look = _LOOK * size
        for group in list(islice(waiting, look)):
            if len(members) == size:
                break
            if batch.add(*keys[waiting[group][0]]):
                members.append(_pop(waiting, group))
        end = min(fresh + look, len(keys))
        while len(members) < size and fresh < end:
            if batch.add(*keys[fresh]):
                members.append(fresh)
            else:
                waiting.setdefault(keys[fresh][0], deque()).append(fresh)
            fresh += 1
        while len(members) < size and waiting:
            longest = max(islice(waiting, look), key=lambda group: len(waiting[group]))
            draw = waiting[longest][-1]
            row = spare.find(int(samples.stratum[draw]), batch)
            if row is None:
                break
            waiting[longest].pop()
            if not waiting[longest]:
                del waiting[longest]
            used[samples.question_rows[draw]] -= 1
            used[row[0]] += 1
            batch.add(*spare.keys(row))
            members.append(len(keys) + len(extra))
            extra.append(row)
        placed += members
        sizes.append(len(members))
    more = np.array(extra, dtype=np.int32).reshape(-1, 3).T
    whole = Samples(
        *(
            np.concatenate([one, two])
            for one, two in zip(
                (samples.question_rows, samples.passage_rows, samples.stratum), more, strict=True
            )
        )
    )
    return UnitBatches(whole.take(np.array(placed, dtype=np.int64)), np.array(sizes), len(extra))


def _pop(waiting: OrderedDict[int, deque[int]], group: int) -> int:
    draw = waiting[group].popleft()
    if not waiting[group]:
        del waiting[group]
    return draw


def keys_of(rows: Rows, samples: Samples) -> list[tuple[int, int, int]]:
    """What must be different in a batch: passage, question, and text to find of each row."""
    columns = (
        rows.group[samples.question_rows],
        rows.question_meaning[samples.question_rows],
        rows.positive_meaning[samples.passage_rows],
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


class BatchKeys:
    """What is in a batch already."""

    __slots__ = ("groups", "positives", "questions")

    def __init__(self) -> None:
        self.groups: set[int] = set()
        self.questions: set[int] = set()
        self.positives: set[int] = set()

    def add(self, group: int, question: int, positive: int) -> bool:
        """Take a row in; False, and nothing done, where it must not be here."""
        if group in self.groups or question in self.questions or positive in self.positives:
            return False
        self.groups.add(group)
        self.questions.add(question)
        self.positives.add(positive)
        return True


class _Spare:
    """Rows beyond those that were drawn, for batches that would stay short."""

    def __init__(self, unit: Unit, pools: Pools, used: Array, rng: StableRandom) -> None:
        self._unit, self._pools, self._used, self._rng = unit, pools, used, rng
        self._kept: OrderedDict[Stratum, tuple[Array, Array]] = OrderedDict()

    def keys(self, row: tuple[int, int, int]) -> tuple[int, int, int]:
        """What must be different in a batch, of a row that was found."""
        rows = self._pools.rows
        question, passage, _ = row
        return (
            int(rows.group[question]),
            int(rows.question_meaning[question]),
            int(rows.positive_meaning[passage]),
        )

    def find(self, stratum: int, batch: BatchKeys) -> tuple[int, int, int] | None:
        """A row that fits, of this stratum or else of another, among the least used ones.

        None: no row of the unit fits.
        """
        others = self._rng.order(len(self._unit.strata)).tolist()
        for place in [stratum, *(other for other in others if other != stratum)]:
            pair = self._find(place, batch)
            if pair is not None:
                return (*pair, place)
        return None

    def _find(self, place: int, batch: BatchKeys) -> tuple[int, int] | None:
        questions, passages = self._pairs(self._unit.strata[place])
        for tries in _TRIES:
            if tries < len(questions):
                some = (self._rng.uniform(tries) * len(questions)).astype(np.int64)
                pair = self._least_used(questions[some], passages[some], batch)
                if pair is not None:
                    return pair
        return self._least_used(questions, passages, batch)

    def _least_used(
        self, questions: Array, passages: Array, batch: BatchKeys
    ) -> tuple[int, int] | None:
        rows = self._pools.rows
        taken = (
            np.isin(rows.group[questions], list(batch.groups))
            | np.isin(rows.question_meaning[questions], list(batch.questions))
            | np.isin(rows.positive_meaning[passages], list(batch.positives))
        )
        free = np.flatnonzero(~taken)
        if not len(free):
            return None
        best = free[np.argmin(self._used[questions[free]] + self._rng.uniform(len(free)))]
        return int(questions[best]), int(passages[best])

    def _pairs(self, stratum: Stratum) -> tuple[Array, Array]:
        if stratum not in self._kept:
            if len(self._kept) >= _POOLS:
                self._kept.popitem(last=False)
            self._kept[stratum] = self._pools.pairs(stratum)
        return self._kept[stratum]
