"""From rows to a plan: which of them meet in which step.

    rows = gather([text_keys(corpus, settings.positive)], settings.validation)
    plan = make_plan(rows, settings)
    plan.batches  # BATCHES

Every language and pair gets its share by largest remainder; within it, rows are used as evenly as
can be; then they are put into batches in which no two share a passage, a question or a text to
find. Where these conflict, the third goes before the first, and the first before the second.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from qa_parallel.batches.fill import Samples, UnitBatches, fill_batches
from qa_parallel.batches.rows import Rows
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.shares import StableRandom, even_use, shuffle_repeats
from qa_parallel.batches.strata import Pools, Unit, too_small, training_units
from qa_parallel.batches.validation import validation_batches
from qa_parallel.components import Array
from qa_parallel.schema import BATCHES

Side = Literal["train", "validation"]


@dataclass(frozen=True)
class BatchPlan:
    """The plan of one side, and what it was made of; a trainer reads a `plan.Plan`.

    Attributes
    ----------
    batches:
        BATCHES, without negatives.
    question_rows, passage_rows:
        Numbers of the rows of each slot's question and passage.
    units, filled:
        What was asked for, and what came of it.
    too_small:
        Languages that were left out, with how many distinct texts they have to train on.
    """

    batches: pl.DataFrame
    question_rows: Array
    passage_rows: Array
    settings: BatchSettings
    pools: Pools
    units: list[Unit]
    filled: list[UnitBatches]
    too_small: dict[str, int]


def make_plan(rows: Rows, settings: BatchSettings, side: Side = "train") -> BatchPlan:
    """The plan of one side: batches to train by, or one pass over what is reserved.

    Raises
    ------
    QAParallelError
        Too few languages, rows or distinct passages to train by. A side without rows has no steps.
    """
    validation = side == "validation"
    small = too_small(Pools(rows, ~rows.reserved, settings.languages), settings)
    languages = [code for code in settings.languages or rows.languages if code not in small]
    pools = Pools(rows, rows.reserved == validation, languages)
    rng = StableRandom(settings.seed, int(validation))
    units, filled = (validation_batches if validation else _training)(pools, settings, rng)
    step, slot, questions, passages = _interleave(filled, rng)
    return BatchPlan(
        _table(rows, step, slot, questions, passages),
        questions,
        passages,
        settings,
        pools,
        units,
        filled,
        small,
    )


def _training(
    pools: Pools, settings: BatchSettings, rng: StableRandom
) -> tuple[list[Unit], list[UnitBatches]]:
    units = training_units(pools, settings)
    used = np.zeros(len(pools.rows), dtype=np.int32)
    return units, [
        fill_batches(unit, _sample(unit, pools, used, rng), pools, used, rng) for unit in units
    ]


def _sample(unit: Unit, pools: Pools, used: Array, rng: StableRandom) -> Samples:
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
        questions, passages = pools.pairs(unit.strata[place])
        times = even_use(used[questions], wanted, rng)
        used[questions] += times.astype(used.dtype)
        chosen = shuffle_repeats(times, rng)
        parts.append((questions[chosen], passages[chosen], np.full(wanted, place, dtype=np.int32)))
        moments.append(rng.spread(wanted))
    order = np.argsort(np.concatenate(moments), kind="stable")
    return Samples(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


def _interleave(filled: list[UnitBatches], rng: StableRandom) -> tuple[Array, Array, Array, Array]:
    """Step, slot, and the numbers of both rows, with the units' batches mixed evenly."""
    if not filled:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing, nothing
    moments = np.concatenate([rng.spread(len(one.sizes)) for one in filled])
    number = np.empty(len(moments), dtype=np.int64)
    number[np.argsort(moments, kind="stable")] = np.arange(len(moments))
    sizes = np.concatenate([one.sizes for one in filled])
    step = np.repeat(number, sizes)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    slot = np.arange(len(step)) - np.repeat(starts, sizes)
    questions = np.concatenate([one.samples.question_rows for one in filled])
    passages = np.concatenate([one.samples.passage_rows for one in filled])
    order = np.argsort(step, kind="stable")
    return step[order], slot[order], questions[order], passages[order]


def _table(rows: Rows, step: Array, slot: Array, questions: Array, passages: Array) -> pl.DataFrame:
    keys = rows.keys[questions.astype(np.uint32)]
    return pl.DataFrame(
        {
            "step": pl.Series(step, dtype=pl.Int32),
            "slot": pl.Series(slot, dtype=pl.Int32),
            "corpus": keys["corpus"],
            "qa_id": keys["qa_id"],
            "question_language": keys["language"],
            "passage_language": rows.keys["language"].gather(passages.astype(np.uint32)),
            "negatives": pl.Series([[]], dtype=BATCHES["negatives"]).new_from_index(0, len(step)),
        },
        schema=BATCHES,
    )
