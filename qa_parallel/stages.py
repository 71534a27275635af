"""The road from data to a trained encoder: a row a stage, in its order.

The row itself stands at the end of the stage's own module. Who lists stages, the page, recipes and
the terminal, reads this table: a stage that is added to it is known to all of them. What only looks
at folders, report and publish, is no stage: it leaves none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qa_parallel.batches.stage import STAGE as BUILD_BATCHES
from qa_parallel.errors import StoreError
from qa_parallel.evaluation.stage import STAGE as EVALUATE
from qa_parallel.filters.stage import STAGE as FILTER
from qa_parallel.leakage.stage import STAGE as CHECK_LEAKAGE
from qa_parallel.sources.stage import STAGE as IMPORT
from qa_parallel.storage.stage import Stage
from qa_parallel.training.experiment import STAGE as TRAIN_EVAL
from qa_parallel.training.stage import STAGE as TRAIN
from qa_parallel.translation.stage import STAGE as TRANSLATE

__all__ = [
    "BUILD_BATCHES",
    "CHECK_LEAKAGE",
    "EVALUATE",
    "FILTER",
    "IMPORT",
    "STAGES",
    "TRAIN",
    "TRAIN_EVAL",
    "TRANSLATE",
    "Stage",
    "named",
    "of",
]

STAGES = (TRANSLATE, IMPORT, FILTER, CHECK_LEAKAGE, BUILD_BATCHES, EVALUATE, TRAIN, TRAIN_EVAL)


def named(name: object) -> Stage:
    """The stage of that name.

    Raises
    ------
    StoreError
        There is none.

    >>> named("filter").title
    'Filter'
    """
    for stage in STAGES:
        if stage.name == name:
            return stage
    names = ", ".join(stage.name for stage in STAGES)
    raise StoreError(
        f"expected a stage that is known ({names}), found {name!r}",
        "was it made by another version of qa-parallel?",
    )


def of(described: Mapping[str, Any]) -> Stage:
    """The stage that a manifest or settings belong to; errors as `named`.

    >>> of({"stage": "evaluate", "version": 1}).makes
    'evaluation'
    """
    return named(described.get("stage"))
