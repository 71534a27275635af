"""What is printed of the filters."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from qa_parallel.filters.checks import SCORES
from qa_parallel.filters.summary import describe, explain
from qa_parallel.schema import DECISIONS
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(describe(invented.filtered())))


def test_a_question_explained() -> None:
    place = {"qa_id": "q1", "language": "deu_Latn", "field": "question"}
    scores = pl.DataFrame(
        [{**place, "check": "copied", "score": 0.901}, {**place, "check": "length", "score": 0.2},
         {**place, "field": "answer", "check": "loop", "score": 0.123}],
        schema=SCORES,
    )  # fmt: skip
    bound = {"language": "deu_Latn", "field": "question", "texts": 17}
    limits = pl.DataFrame(
        [{**bound, "check": "copied", "low": None, "high": 0.75},
         {**bound, "check": "length", "low": -1.5, "high": 1.25}]
    )  # fmt: skip
    broken = {**place, "check": "copied", "score": 0.901, "limit": 0.75, "reason": "copied"}
    few = {**place, "field": "row", "check": "languages", "score": 1.0, "limit": 2.0,
           "reason": "the question is left in 1 languages, expected at least 2"}  # fmt: skip
    decisions = pl.DataFrame([broken, few], schema=DECISIONS)
    golden(GOLDEN / "explained.txt", printed([explain(scores, limits, decisions)]))
