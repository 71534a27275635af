"""What is printed of a check for leakage."""

from __future__ import annotations

from pathlib import Path

import pytest

from qa_parallel.leakage.summary import describe, words
from tests import invented
from tests.golden import golden, printed

GOLDEN = Path(__file__).parent / "golden"


def test_what_is_printed() -> None:
    golden(GOLDEN / "summary.txt", printed(describe(invented.leaked())))


def test_one_of_each_has_no_plural_and_no_passages_are_not_told() -> None:
    report = invented.leaked()
    report["corpus"] |= {"rows": 1, "questions": 1, "languages": ["eng_Latn"]}
    report["checked"][0] |= {"passages": 0, "queries": {"eng_Latn": 1}}
    head = printed(describe(report)).splitlines()[:2]
    assert head == [
        "corpus@1: 1 row, 1 question in 1 language",
        "checked against xquad-r (xquad@0123): 1 question in 1 language",
    ]


@pytest.mark.parametrize(
    ("action", "questions", "said"),
    [
        ("drop", 1, "1 question leaked and was dropped."),
        ("drop", 2, "2 questions leaked and were dropped."),
        ("report", 1, "1 question leaked and is still in the data."),
        ("report", 2, "2 questions leaked and are still in the data."),
    ],
)
def test_what_became_of_leaks_in_a_sentence(action: str, questions: int, said: str) -> None:
    manifest = {
        "checked": [{"name": "xquad-r"}],
        "found": {"leaked": {"questions": questions}},
        "check-leakage": {"action": action},
    }
    assert words(manifest) == f"Compared with xquad-r: {said}"
