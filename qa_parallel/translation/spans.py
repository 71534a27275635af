"""Where the translated answer stands in the translated passage."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qa_parallel.language_codes import LANGUAGES
from qa_parallel.sentences import Span
from qa_parallel.text import is_word

# Least rapidfuzz partial ratio (0 to 100) at which a fuzzy place is believed.
FUZZY_SCORE = 85.0
# A short answer matches somewhere by accident.
FUZZY_LENGTH = 5
_STEM_LENGTH = 4
_SPACE, _RUN = re.compile(r"\s"), re.compile(r"\s\s")
# Turkish has an i with and one without a dot in either case; `lower` makes two characters of İ.
_DOTS = str.maketrans("İı", "ii")


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
    if not sentences or not answer.strip():
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
    # No regular expression: to compile one for each answer took a third of the pipeline's time.
    wanted, _ = _single_spaced(_folded(answer).strip())
    text, places = _single_spaced(_folded(region))
    inflected = None
    upto = 0
    while (found := text.find(wanted, upto)) >= 0:
        upto = found + len(wanted)
        start, end = places[found], places[upto - 1] + 1
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


def _folded(text: str) -> str:
    """`text` without case, every character in its place: `casefold` makes two of some."""
    return text.translate(_DOTS).lower().replace("ς", "σ")


def _single_spaced(text: str) -> tuple[str, Sequence[int]]:
    """`text` with one space for each run of white space, and where its characters stood."""
    if not _RUN.search(text):
        return _SPACE.sub(" ", text), range(len(text))
    kept = [
        index
        for index, char in enumerate(text)
        if not (char.isspace() and text[index + 1 : index + 2].isspace())
    ]
    return _SPACE.sub(" ", "".join(text[index] for index in kept)), kept


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
