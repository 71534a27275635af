"""Whether the questions of a source are questions: many rows and few different ones are labels.

XCOPA has a column "question" that holds "cause" or "effect".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.sources.values import is_reference, read_texts

# Rows from which, and different questions a row up to which they are taken for labels: single
# words, and whole sentences, which may well be asked of many passages.
_WORDS = (20, 0.2)
_SENTENCES = (50, 0.02)
# Different single words that may be labels
_LABELS = 20
_SHOWN = 3
# Characters that the texts of a better column have at the least, on the average
_LENGTH = 8


class Folding:
    """Counts questions and different ones; knows the first records, for a better column."""

    def __init__(self) -> None:
        self._head: list[Mapping[str, Any]] = []
        self._rows = 0
        self._hashes: set[int] = set()
        self._some: dict[str, None] = {}

    def look(self, head: Sequence[Mapping[str, Any]]) -> None:
        """Take the first records of a file on record."""
        self._head = self._head or list(head)

    def see(self, question: str | None) -> None:
        """Count a question."""
        if question is not None:
            self._rows += 1
            self._hashes.add(hash(question))
            if len(self._some) < _SHOWN:
                self._some[question] = None

    def refuse(self, paths: Sequence[str], where: str) -> None:
        """SourceError where the questions are too few different ones."""
        words = not any(" " in question for question in self._some)
        rows, share = _WORDS if words and len(self._hashes) <= _LABELS else _SENTENCES
        if self._rows < rows or len(self._hashes) > share * self._rows:
            return
        shown = ", ".join(f"{text[:40]!r}" for text in self._some)
        column = " or ".join(paths)
        better = self._better(paths)
        raise SourceError(
            f"expected questions in the column {column}, found {len(self._hashes):,} different "
            f"in {self._rows:,} rows of {where}: {shown}",
            (f"is it columns question={better}? " if better else "name another column; ")
            + f"if it is right as it is, say so: columns question={paths[0]}",
        )

    def _better(self, paths: Sequence[str]) -> str | None:
        """The column that looks most like questions: different sentences in nearly all rows."""
        best: tuple[float, str] | None = None
        for name in dict.fromkeys(key for record in self._head for key in record):
            texts = [
                text.text for record in self._head for text in read_texts(record.get(name)).texts
            ]
            if name in paths or not texts or len(set(texts)) < 0.8 * len(self._head):
                continue
            if sum(map(len, texts)) < _LENGTH * len(texts) or all(map(is_reference, texts)):
                continue
            asked = sum(text.rstrip().endswith(("?", "？", "؟")) for text in texts) / len(texts)
            if best is None or asked > best[0] + 0.2:
                best = asked, name
        return best[1] if best else None
