"""What is printed of a comparison of training plans."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.training.summary import describe
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(describe(invented.experiment())))
