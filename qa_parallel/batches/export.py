"""A plan for the trainer of sentence-transformers: its columns of texts, in the plan's order.

from datasets import load_dataset
from qa_parallel.batches.export import in_plan_order

data = load_dataset("plan/sentence-transformers")
args = SentenceTransformerTrainingArguments(
    "out", per_device_train_batch_size=100, batch_sampler=in_plan_order("plan")
)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.errors import SourceError
from qa_parallel.storage import store

# In the plan's folder.
FOLDER = "sentence-transformers"
SIZES = "sizes.json"


def columns(
    questions: Sequence[str], positives: Sequence[str], negatives: Sequence[list[str]], count: int
) -> pl.DataFrame:
    """The rows of a batch as anchor, positive, negative_1 … negative_<count>.

    Every row must have as many negatives: where one has too few, others of its batch, which are
    wrong for every row of it; "" where there is none in the whole batch.

    >>> columns(["q", "r"], ["p", "s"], [["n"], []], 1)["negative_1"].to_list()
    ['n', 'n']
    """
    there = list(itertools.chain.from_iterable(negatives)) or [""]
    more = itertools.cycle(there)
    whole = [[*mine, *itertools.islice(more, count - len(mine))] for mine in negatives]
    texts = {"anchor": questions, "positive": positives} | {
        f"negative_{place + 1}": [mine[place] for mine in whole] for place in range(count)
    }
    return pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String))


def readme(sides: Sequence[str]) -> str:
    """README.md of the folder: what `load_dataset` finds there, and how to keep the order."""
    splits = [f"  - split: {side}\n    path: {side}-*.parquet" for side in sides]
    head = "\n".join(["configs:", "- config_name: default", "  data_files:", *splits])
    return (
        f"---\n{head}\n---\n\n# A plan for sentence-transformers\n\n"
        "Rows stand in the order of the plan, batch after batch. The trainer shuffles them unless "
        "`batch_sampler=qa_parallel.batches.export.in_plan_order(PLAN)` is among its arguments.\n"
    )


def in_plan_order(plan: str | Path) -> Callable[..., Any]:
    """For `batch_sampler` of SentenceTransformerTrainingArguments: the batches as planned.

    Sizes are the plan's, whatever the batch size among the arguments. The training and the
    validation rows of the export are told apart by their number.

    Parameters
    ----------
    plan:
        The folder that `build-batches --export sentence-transformers` wrote.

    Raises
    ------
    SourceError
        From the sampler: the rows are not those of the export.
    """
    known: dict[str, list[int]] = store.read_json(Path(plan) / FOLDER / SIZES)

    def sampler(dataset: Any, batch_size: int, drop_last: bool = False, **_: Any) -> Any:
        for sizes in known.values():
            if sum(sizes) == len(dataset):
                return _sampler(dataset, sizes, batch_size)
        raise SourceError(
            f"expected the rows of the plan ({', '.join(str(sum(one)) for one in known.values())})"
            f", found {len(dataset)}",
            "give the trainer the whole dataset that was exported",
        )

    return sampler


def _sampler(dataset: Any, sizes: Sequence[int], batch_size: int) -> Any:
    from sentence_transformers.base.sampler import DefaultBatchSampler

    class InOrder(DefaultBatchSampler):  # type: ignore[misc,unused-ignore]
        def __iter__(self) -> Iterator[list[int]]:
            ends = itertools.accumulate(sizes)
            return (list(range(end - size, end)) for size, end in zip(sizes, ends, strict=True))

        def __len__(self) -> int:
            return len(sizes)

    return InOrder(range(len(dataset)), batch_size=max(batch_size, *sizes), drop_last=False)
