"""What is wrong with a hypothesis, judged from the hypothesis and its source alone."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence

from qa_parallel.text import comparison_form

# Names of the flags, in the order in which they are reported.
EMPTY, TRUNCATED, LOOP, COPY, UNKNOWN = "empty", "truncated", "loop", "copy", "unk"

# Part of the cache key: raise it when a guard changes its mind about a text.
VERSION = 2

_COPY_WORDS = 4  # shorter texts are often names, equal in both languages


def faults(
    source: str, hypothesis: str, source_tokens: Sequence[str], tokens: Sequence[str], ended: bool
) -> tuple[str, ...]:
    """Flags of one hypothesis, () where nothing is wrong.

    Parameters
    ----------
    source, hypothesis:
        The texts.
    source_tokens, tokens:
        Their subword tokens, without language and end tokens.
    ended:
        Whether the model closed the sentence itself (`</s>`); False means that it was cut off
        at the length limit.

    Examples
    --------
    >>> faults("a cat", "un chat", ["a", "cat"], ["un", "chat"], ended=False)
    ('truncated',)
    """
    found = []
    if not hypothesis.strip():
        found.append(EMPTY)
    if not ended:
        found.append(TRUNCATED)
    if loops(tokens) and not loops(source_tokens):
        found.append(LOOP)
    if is_copy(source, hypothesis):
        found.append(COPY)
    if "<unk>" in hypothesis and "<unk>" not in source:
        found.append(UNKNOWN)
    return tuple(found)


def loops(tokens: Sequence[str]) -> bool:
    """Whether a stretch of tokens is repeated back to back until it cannot be meant.

    A stretch of one or two tokens must stand there five times over, one of three tokens three
    times, a longer one twice: "ha ha ha" is speech, "in a small hotel in a small hotel" is not.
    A pure run of punctuation ("....") needs eight.

    >>> loops("we stayed in a small hotel in a small hotel".split())
    True
    >>> loops("no no no".split())
    False
    """
    tokens = [token.casefold() for token in tokens]
    # Each token of a second copy has occurred before: that bounds the stretch.
    again = len(tokens) - len(set(tokens))
    if again < 4:
        return False
    for period in range(1, min(again, len(tokens) // 2) + 1):
        # a run of n equal pairs at a distance of one period: the stretch stands there 1 + n/period
        # times
        equal = bytes(map(operator.eq, tokens[period:], tokens))
        least = period * (4 if period < 3 else 2 if period == 3 else 1)
        if b"\1" * least not in equal:
            continue
        for run in re.finditer(b"\1{%d,}" % least, equal):
            stretch = tokens[run.start() : run.start() + period]
            wordy = any(char.isalnum() for token in stretch for char in token)
            if wordy or run.end() - run.start() >= 7 * period:
                return True
    return False


def is_copy(source: str, hypothesis: str) -> bool:
    """Whether the hypothesis is its source again, case and punctuation aside.

    Texts of fewer than four words, and texts whose words all begin with capitals or digits
    (names, titles, codes), may rightly be equal in both languages.
    """
    words = source.split()
    plain = sum(len(word) > 2 and word[0].islower() for word in words)
    if len(words) < _COPY_WORDS or plain < 2:
        return False
    return comparison_form(source) == comparison_form(hypothesis)
