"""The plan: which rows meet in which training step.

`rows.gather` numbers the rows of one or several corpora, `planning.make_plan` deals them into
batches, `report.describe` counts what came of it. All are pure functions over Polars frames; what
writes folders is `stage`, what a trainer reads is `plan`.
"""

from qa_parallel.batches.planning import Made, make_plan
from qa_parallel.batches.rows import Rows, gather, text_keys
from qa_parallel.batches.settings import BatchSettings

__all__ = ["BatchSettings", "Made", "Rows", "gather", "make_plan", "text_keys"]
