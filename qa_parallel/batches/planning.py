"""From rows to a plan: which of them meet in which step.

    rows = gather([text_keys(corpus, settings.positive)], settings.validation)
    made = make_plan(rows, settings)
    made.batches  # BATCHES

Every language and pair gets its share by largest remainder; within it, rows are used as evenly as
can be; then they are dealt into batches in which no two share a passage, a question or a text to
find. Where these conflict, the third goes before the first, and the first before the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from qa_parallel.batches.deal import Dealt, Draws, deal
from qa_parallel.batches.one_pass import one_pass
from qa_parallel.batches.rows import Array, Rows
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.shares import Dice, drawn, even_use
from qa_parallel.batches.strata import Pools, Unit, training_units
from qa_parallel.schema import BATCHES

Side = Literal["train", "validation"]


@dataclass(frozen=True)
class Made:
    """A plan, and what it was made of.

    Attributes
    ----------
    batches:
        BATCHES, without negatives.
    asked, found:
        Numbers of the rows of each slot's question and passage.
    units, dealt:
        What was asked for, and what came of it.
    """

    batches: pl.DataFrame
    asked: Array
    found: Array
    settings: BatchSettings
    pools: Pools
    units: list[Unit]
    dealt: list[Dealt]


def make_plan(rows: Rows, settings: BatchSettings, side: Side = "train") -> Made:
    """The plan of one side: batches to train by, or one pass over what is reserved.

    Raises
    ------
    QAParallelError
        Too few languages, rows or distinct passages to train by. A side without rows has no steps.
    """
    validation = side == "validation"
    pools = Pools(rows, rows.reserved == validation, settings.languages)
    dice = Dice(settings.seed, int(validation))
    units, dealt = (one_pass if validation else _training)(pools, settings, dice)
    step, slot, asked, found = _interleave(dealt, dice)
    return Made(_table(rows, step, slot, asked, found), asked, found, settings, pools, units, dealt)


def _training(pools: Pools, settings: BatchSettings, dice: Dice) -> tuple[list[Unit], list[Dealt]]:
    units = training_units(pools, settings)
    used = np.zeros(len(pools.rows), dtype=np.int32)
    return units, [deal(unit, _draw(unit, pools, used, dice), pools, used, dice) for unit in units]


def _draw(unit: Unit, pools: Pools, used: Array, dice: Dice) -> Draws:
    """Rows of the unit's strata, as many as are wanted, mixed evenly from first to last.

    Small strata choose first: they have the least choice.
    """
    parts: list[tuple[Array, Array, Array]] = []
    moments: list[Array] = []
    sizes = np.array([pools.sizes[stratum] for stratum in unit.strata])
    for place in np.argsort(sizes, kind="stable").tolist():
        wanted = int(unit.wanted[place])
        if not wanted:
            continue
        asked, found = pools.pairs(unit.strata[place])
        times = even_use(used[asked], wanted, dice)
        used[asked] += times.astype(used.dtype)
        chosen = drawn(times, dice)
        parts.append((asked[chosen], found[chosen], np.full(wanted, place, dtype=np.int32)))
        moments.append(dice.spread(wanted))
    order = np.argsort(np.concatenate(moments), kind="stable")
    return Draws(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def _interleave(dealt: list[Dealt], dice: Dice) -> tuple[Array, Array, Array, Array]:
    """Step, slot, and the numbers of both rows, with the units' batches mixed evenly."""
    if not dealt:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing, nothing
    moments = np.concatenate([dice.spread(len(one.sizes)) for one in dealt])
    number = np.empty(len(moments), dtype=np.int64)
    number[np.argsort(moments, kind="stable")] = np.arange(len(moments))
    sizes = np.concatenate([one.sizes for one in dealt])
    step = np.repeat(number, sizes)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    slot = np.arange(len(step)) - np.repeat(starts, sizes)
    asked = np.concatenate([one.draws.asked for one in dealt])
    found = np.concatenate([one.draws.found for one in dealt])
    order = np.argsort(step, kind="stable")
    return step[order], slot[order], asked[order], found[order]


def _table(rows: Rows, step: Array, slot: Array, asked: Array, found: Array) -> pl.DataFrame:
    keys = rows.keys[asked.astype(np.uint32)]
    return pl.DataFrame(
        {
            "step": pl.Series(step, dtype=pl.Int32),
            "slot": pl.Series(slot, dtype=pl.Int32),
            "corpus": keys["corpus"],
            "qa_id": keys["qa_id"],
            "question_language": keys["language"],
            "passage_language": rows.keys["language"].gather(found.astype(np.uint32)),
            "negatives": pl.Series([[]], dtype=BATCHES["negatives"]).new_from_index(0, len(step)),
        },
        schema=BATCHES,
    )
