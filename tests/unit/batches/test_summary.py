"""What is printed of a plan."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.batches.summary import tables, unmet
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(tables(invented.plan())))


def test_one_of_each_has_no_plural() -> None:
    report = invented.plan()
    report["rows"] |= {"all": 1, "without_question": 1, "question_is_positive": 1}
    text = " ".join(printed(tables(report)).split())
    assert "1 row read" in text
    assert "1 has no question" in text
    assert "1 is its own positive and paired with translations only" in text
    side = {**report["train"], "short": {"batches": 1, "rows": 1}, "replaced": 1}
    assert unmet(side)[:2] == [
        "1 batch is short by 1 row: nothing more would fit",
        "1 row fitted into no batch and was replaced by another",
    ]
