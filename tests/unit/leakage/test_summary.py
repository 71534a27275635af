"""What is printed of a check for leakage."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.leakage.summary import describe
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(describe(invented.leaked())))
