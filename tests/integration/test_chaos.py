"""A few rounds of what `tests/chaos/kill.py` does at length."""

from __future__ import annotations

from tests.chaos import kill


def test_killed_four_times_the_files_are_the_same() -> None:
    assert kill.main(["--kills", "4", "--only", "two languages,overwrite"]) == 0
