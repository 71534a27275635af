"""One pass over what is reserved: every question once in each kind of batch of the strategy."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from qa_parallel.batches.fill import BatchKeys, Samples, UnitBatches, keys_of
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.shares import StableRandom
from qa_parallel.batches.strata import Pools, Stratum, Unit, batch_kinds, pairs_there

_TRIES = 100  # batches that are tried for a row before a new one is begun


def validation_batches(
    pools: Pools, settings: BatchSettings, rng: StableRandom
) -> tuple[list[Unit], list[UnitBatches]]:
    """Batches of at most `batch_size` rows, as even in size as their rows allow.

    A question that could be asked for passages of several other languages gets one by chance. A row
    that would be alone in its batch, where nothing can be told, is left out.
    """
    units, filled = [], []
    for kind in batch_kinds(settings):
        pairs = pairs_there(pools, settings, kind)
        for cells in [[pair] for pair in pairs] if kind.grouped else [pairs]:
            strata, samples = _once(pools, cells, rng)
            members = pack(keys_of(pools.rows, samples), settings.batch_size)
            if members:
                order = np.concatenate([np.array(batch) for batch in members])
                batches = UnitBatches(
                    samples.take(order), np.array([len(one) for one in members]), 0
                )
                wanted = np.bincount(batches.samples.stratum, minlength=len(strata))
                units.append(Unit(kind, batches.sizes, strata, wanted))
                filled.append(batches)
    return units, filled


def _once(
    pools: Pools, cells: Sequence[tuple[int, int]], rng: StableRandom
) -> tuple[tuple[Stratum, ...], Samples]:
    """Every question of the cells once, in random order."""
    strata = tuple(
        Stratum(corpus, *cell)
        for cell in cells
        for corpus in np.flatnonzero(pools.sizes[:, *cell]).tolist()
    )
    parts = []
    for number, stratum in enumerate(strata):
        pair = pools.pairs(stratum)
        parts.append((*pair, np.full(len(pair[0]), number)))
    questions, passages, place = (
        np.concatenate([np.zeros(0, dtype=np.int64), *column])
        for column in (zip(*parts, strict=True) if parts else ((), (), ()))
    )
    order = rng.order(len(questions))
    first = order[np.sort(np.unique(questions[order], return_index=True)[1])]
    return strata, Samples(questions[first], passages[first], place[first])


def pack(keys: Sequence[tuple[int, int, int]], size: int) -> list[list[int]]:
    """Positions in batches of at most `size`, no two of a batch alike in any key.

    As few batches as that takes if rows are dealt in turn, the most frequent passages first.

    >>> pack([(0, 0, 0), (0, 1, 1), (1, 2, 2), (2, 3, 3)], 10)
    [[0, 2], [1, 3]]
    """
    often = [Counter(column) for column in zip(*keys, strict=True)]
    counts = [max(count[key] for count, key in zip(often, row, strict=True)) for row in keys]
    order = sorted(range(len(keys)), key=lambda place: -counts[place])
    number = max([math.ceil(len(keys) / size), *counts]) if keys else 0
    batches = [BatchKeys() for _ in range(number)]
    members: list[list[int]] = [[] for _ in batches]
    smallest = [(0, place) for place in range(number)]
    for row in order:
        tried: list[tuple[int, int]] = []
        while smallest and len(tried) < _TRIES:
            count, place = heapq.heappop(smallest)
            if batches[place].add(*keys[row]):
                members[place].append(row)
                if count + 1 < size:
                    heapq.heappush(smallest, (count + 1, place))
                break
            tried.append((count, place))
        else:
            batches.append(BatchKeys())
            batches[-1].add(*keys[row])
            members.append([row])
            heapq.heappush(smallest, (1, len(batches) - 1))
        for one in tried:
            heapq.heappush(smallest, one)
    return [batch for batch in members if len(batch) > 1]
