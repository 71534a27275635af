"""Dealing drawn rows into batches, so that no two in a batch may be taken for each other."""

from __future__ import annotations

from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import islice

import numpy as np

from qa_parallel.batches.rows import Array, Rows
from qa_parallel.batches.shares import Dice
from qa_parallel.batches.strata import Pools, Stratum, Unit

# How far a batch looks for rows that fit, in batches.
_LOOK = 10
# Rows of a stratum that are tried at random before all of them are.
_TRIES = (64, 4096)
_POOLS = 256  # kept in memory


@dataclass(frozen=True)
class Draws:
    """Rows drawn from strata: numbers of the rows of question and passage, and the stratum's."""

    asked: Array
    found: Array
    stratum: Array

    def take(self, order: Array) -> Draws:
        return Draws(self.asked[order], self.found[order], self.stratum[order])


@dataclass(frozen=True)
class Dealt:
    """The batches of a unit.

    Attributes
    ----------
    draws:
        Row by row, batch after batch.
    sizes:
        Rows of each batch: fewer than asked for where nothing more would fit.
    replaced:
        How many drawn rows fitted nowhere, so that another row took their place.
    """

    draws: Draws
    sizes: Array
    replaced: int


def deal(unit: Unit, draws: Draws, pools: Pools, used: Array, dice: Dice) -> Dealt:
    """Put `draws` into the batches of `unit`, in their order where they fit.

    A row that must not meet what is in a batch waits for the next one. Where too many wait, others
    of their stratum are taken instead, else others of the unit; where none fits, the batch stays
    short.

    Parameters
    ----------
    used:
        How often each row's question was drawn; kept up to date.
    """
    keys = keys_of(pools.rows, draws)
    spare = _Spare(unit, pools, used, dice)
    waiting: OrderedDict[int, deque[int]] = OrderedDict()  # by passage, oldest first
    placed: list[int] = []
    extra: list[tuple[int, int, int]] = []
    sizes = []
    fresh = 0
    for size in unit.sizes.tolist():
        batch = Batch()
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
            row = spare.find(int(draws.stratum[draw]), batch)
            if row is None:
                break
            waiting[longest].pop()
            if not waiting[longest]:
                del waiting[longest]
            used[draws.asked[draw]] -= 1
            used[row[0]] += 1
            batch.add(*spare.keys(row))
            members.append(len(keys) + len(extra))
            extra.append(row)
        placed += members
        sizes.append(len(members))
    more = np.array(extra, dtype=np.int32).reshape(-1, 3).T
    whole = Draws(
        *(
            np.concatenate([one, two])
            for one, two in zip((draws.asked, draws.found, draws.stratum), more, strict=True)
        )
    )
    return Dealt(whole.take(np.array(placed, dtype=np.int64)), np.array(sizes), len(extra))


def _pop(waiting: OrderedDict[int, deque[int]], group: int) -> int:
    draw = waiting[group].popleft()
    if not waiting[group]:
        del waiting[group]
    return draw


def keys_of(rows: Rows, draws: Draws) -> list[tuple[int, int, int]]:
    """What must be different in a batch: passage, question, and text to find of each row."""
    columns = (
        rows.group[draws.asked],
        rows.question_form[draws.asked],
        rows.positive_form[draws.found],
    )
    return list(zip(*(column.tolist() for column in columns), strict=True))


class Batch:
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

    def __init__(self, unit: Unit, pools: Pools, used: Array, dice: Dice) -> None:
        self._unit, self._pools, self._used, self._dice = unit, pools, used, dice
        self._kept: OrderedDict[Stratum, tuple[Array, Array]] = OrderedDict()

    def keys(self, row: tuple[int, int, int]) -> tuple[int, int, int]:
        """What must be different in a batch, of a row that was found."""
        rows = self._pools.rows
        asked, found, _ = row
        return (
            int(rows.group[asked]),
            int(rows.question_form[asked]),
            int(rows.positive_form[found]),
        )

    def find(self, stratum: int, batch: Batch) -> tuple[int, int, int] | None:
        """A row that fits, of this stratum or else of another, among the least used ones.

        None: no row of the unit fits.
        """
        others = self._dice.order(len(self._unit.strata)).tolist()
        for place in [stratum, *(other for other in others if other != stratum)]:
            pair = self._find(place, batch)
            if pair is not None:
                return (*pair, place)
        return None

    def _find(self, place: int, batch: Batch) -> tuple[int, int] | None:
        asked, found = self._pairs(self._unit.strata[place])
        for tries in _TRIES:
            if tries < len(asked):
                some = (self._dice.uniform(tries) * len(asked)).astype(np.int64)
                pair = self._least_used(asked[some], found[some], batch)
                if pair is not None:
                    return pair
        return self._least_used(asked, found, batch)

    def _least_used(self, asked: Array, found: Array, batch: Batch) -> tuple[int, int] | None:
        rows = self._pools.rows
        taken = (
            np.isin(rows.group[asked], list(batch.groups))
            | np.isin(rows.question_form[asked], list(batch.questions))
            | np.isin(rows.positive_form[found], list(batch.positives))
        )
        free = np.flatnonzero(~taken)
        if not len(free):
            return None
        best = free[np.argmin(self._used[asked[free]] + self._dice.uniform(len(free)))]
        return int(asked[best]), int(found[best])

    def _pairs(self, stratum: Stratum) -> tuple[Array, Array]:
        if stratum not in self._kept:
            if len(self._kept) >= _POOLS:
                self._kept.popitem(last=False)
            self._kept[stratum] = self._pools.pairs(stratum)
        return self._kept[stratum]
