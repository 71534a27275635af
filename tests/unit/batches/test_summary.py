"""What is printed of a plan."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.batches.summary import tables
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(tables(invented.plan())))
