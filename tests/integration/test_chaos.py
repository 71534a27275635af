"""A few rounds of what `tests/chaos/kill.py` does at length."""

from __future__ import annotations

from pathlib import Path

from tests.chaos import kill

QUESTIONS = Path(__file__).parents[2] / "recipes" / "quickstart" / "questions.jsonl"


def test_killed_three_times_the_files_are_the_same() -> None:
    source = ["--source", str(QUESTIONS), "--limit", "40", "--window-rows", "8"]
    options = ["--kills", "3", "--", *source, "--to", "fr,de", "--model", "demo", "--beam", "1"]
    assert kill.main(options) == 0
