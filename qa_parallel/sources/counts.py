"""What became of the questions of a source."""

from __future__ import annotations

from dataclasses import dataclass, fields

from qa_parallel.sources.examples import Example


@dataclass
class Counts:
    """What became of the questions of a source: its records, or their turns, and where a question
    has several passages, one with each.

    `read` = `kept` + `blank` + `without_question` + `unanswerable` + `other_language` +
    `duplicates`; the others count rows with a question, duplicates among them.

    >>> str(Counts(read=1200, kept=1190, duplicates=10))
    'read 1,200, kept 1,190, duplicates 10'
    """

    read: int = 0
    kept: int = 0
    blank: int = 0  # neither question nor answer nor passage
    without_question: int = 0
    unanswerable: int = 0  # marked so by the layout
    other_language: int = 0  # says another language than the one that is read
    duplicates: int = 0  # the same id and the same texts as an earlier row
    without_id: int = 0  # id made from the texts
    renamed: int = 0  # the id stands for several questions, so a digest of the texts follows it
    unplaced: int = 0  # the answer was not found in the passage, or more than once
    repaired: int = 0  # characters that cannot be kept were replaced

    def __str__(self) -> str:
        shown = {item.name: getattr(self, item.name) for item in fields(self)}
        return ", ".join(
            f"{name.replace('_', ' ')} {count:,}"
            for name, count in shown.items()
            if count or name in ("read", "kept")
        )


def usable(example: Example, counts: Counts) -> bool:
    """Whether a record becomes a row; counts it either way."""
    counts.read += 1
    if example.question is None:
        if example.answer is None and example.passage is None:
            counts.blank += 1
        else:
            counts.without_question += 1
        return False
    if example.unanswerable:
        counts.unanswerable += 1
        return False
    counts.without_id += example.id is None
    counts.unplaced += (
        example.answer is not None and example.passage is not None and example.answer_start is None
    )
    counts.repaired += example.repaired
    return True
