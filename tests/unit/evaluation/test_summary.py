"""The comparison of encoders in words: every table says what is compared."""

from __future__ import annotations

from pathlib import Path

from qa_parallel.evaluation.summary import describe, differences
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(describe(invented.evaluation())))


def test_what_is_printed_of_a_comparison() -> None:
    golden(GOLDEN / "differences.txt", printed(differences(invented.differences())))


def test_each_pair_has_its_title() -> None:
    shape = {"dataset": "x", "system": "c", "setting": "monolingual", "measure": "map"}
    figures = {"first": 0.4, "second": 0.5, "difference": 0.1, "low": 0.0, "high": 0.2, "p": 0.5}
    rows = [{**shape, **figures, "baseline": one, "questions": 7} for one in ("a", "b")]
    titles = [part for part in map(str, differences(rows)) if "against" in part]
    assert len(titles) == 2
