"""Where the translated answer stands in the translated passage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_parallel.languages import LANGUAGES
from qa_parallel.segment import Span
from qa_parallel.text import is_word

# Least rapidfuzz partial ratio (0 to 100) at which a fuzzy place is believed.
FUZZY_SCORE = 85.0
# A short answer matches somewhere by accident.
FUZZY_LENGTH = 5
_STEM_LENGTH = 4


def place(
    answer: str, passage: str, sentences: Sequence[Span], language: str
) -> tuple[int, str] | None:
    """Start of `answer` in `passage` (code points) and how it was found; None where it was not.

    `sentences` are the [start, end) of the sentences that hold the answer, known from the
    source; nothing outside them is looked at. "exact": the same words, case aside, as whole
    words, else with an ending after them (as in agglutinative languages), in scripts without
    spaces anywhere; never a part of a number. "fuzzy": the best partial match by rapidfuzz, of at
    least `FUZZY_SCORE`.

    >>> place("haus", "Er geht. Das Haus ist alt.", [(9, 26)], "deu_Latn")
    (13, 'exact')
    """
    if not sentences or not answer:
        return None
    start, end = sentences[0][0], sentences[-1][1]
    region = passage[start:end]
    spaced = LANGUAGES[language].segmented
    found = _exact(answer, region, spaced)
    if found is not None:
        return start + found, "exact"
    found = _fuzzy(answer, region, spaced)
    return None if found is None else (start + found, "fuzzy")


def _exact(answer: str, region: str, spaced: bool) -> int | None:
    body = r"\s+".join(re.escape(word) for word in answer.split())
    inflected = None
    for match in re.finditer(body, region, re.IGNORECASE):
        start, end = match.span()
        before, after = region[start - 1 : start], region[end : end + 1]
        if _one_number(before, region[start]) or _one_number(region[end - 1], after):
            continue
        if not spaced:
            return start
        # Not \b: a vowel sign of Devanagari is no \w, yet stands inside a word.
        if before and is_word(before):
            continue
        if not (after and is_word(after)):
            return start
        if inflected is None and len(answer) >= _STEM_LENGTH:
            inflected = start
    return inflected


def _one_number(left: str, right: str) -> bool:
    return left.isdigit() and right.isdigit()


def _fuzzy(answer: str, region: str, spaced: bool) -> int | None:
    from rapidfuzz import fuzz

    # With the answer longer than the region, rapidfuzz would look for the region in it.
    if len(answer) < FUZZY_LENGTH or len(answer) > len(region):
        return None
    match = fuzz.partial_ratio_alignment(answer.lower(), region.lower(), score_cutoff=FUZZY_SCORE)
    if match is None or len(region.lower()) != len(region):
        return None
    found = int(match.dest_start)
    if spaced:  # back to the beginning of the word
        while found and is_word(region[found - 1]) and is_word(region[found]):
            found -= 1
    while found < len(region) - 1 and region[found].isspace():
        found += 1
    return found
