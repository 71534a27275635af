"""What two texts have in common, marked in both: for a reader, who wants to see it at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from qa_parallel.language_codes import LANGUAGES
from qa_parallel.text import comparison_form

_WORD = re.compile(r"[^\W_]+(?:[^\w\s][^\W_]+)*", re.UNICODE)
# Shared words in a row from which they are marked; with fewer, only the longest run is.
_RUN = 3
# The comparison takes the square of this many words.
_MOST = 400
_BEFORE = 60  # characters shown before the first mark of a text that is cut


class Part(NamedTuple):
    """A stretch of a text, and whether the other text has it too."""

    text: str
    shared: bool


class _Token(NamedTuple):
    start: int
    end: int
    form: str


def mark(
    one: str, other: str, languages: tuple[str, str], length: int
) -> tuple[list[Part], list[Part]]:
    """Both texts in parts, cut to about `length` characters around the first mark.

    Words are compared without case, accents and punctuation, characters where a script has no
    spaces. What only two or fewer words in a row share is habit, and not marked unless it is all.

    >>> mark("Who hid the key?", "who hid the lock", ("eng_Latn", "eng_Latn"), 99)[0]
    [Part(text='Who hid the', shared=True), Part(text=' key?', shared=False)]
    """
    texts = [" ".join(text.split()) for text in (one, other)]
    tokens = [
        list(_tokens(text, language))[:_MOST]
        for text, language in zip(texts, languages, strict=True)
    ]
    forms = [[token.form for token in side] for side in tokens]
    matcher = difflib.SequenceMatcher(None, forms[0], forms[1], autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    longest = max((block.size for block in blocks), default=0)
    kept = [block for block in blocks if block.size >= min(_RUN, longest)]
    ours = [_span(tokens[0], block.a, block.size) for block in kept]
    theirs = [_span(tokens[1], block.b, block.size) for block in kept]
    return _parts(texts[0], ours, length), _parts(texts[1], theirs, length)


def plain(text: str, length: int) -> list[Part]:
    """A text that shares nothing, cut to `length` characters."""
    return _parts(" ".join(text.split()), [], length)


def _tokens(text: str, language: str) -> Iterator[_Token]:
    known = LANGUAGES.get(language)
    pattern = _WORD if known is None or known.segmented else re.compile(r"\w")
    for match in pattern.finditer(text):
        yield _Token(match.start(), match.end(), comparison_form(match[0]))


def _span(tokens: Sequence[_Token], start: int, size: int) -> tuple[int, int]:
    return tokens[start].start, tokens[start + size - 1].end


def _parts(text: str, spans: Sequence[tuple[int, int]], length: int) -> list[Part]:
    begin = 0
    if len(text) > length and spans and spans[0][1] > length:
        begin = max(0, spans[0][0] - _BEFORE)
    end = min(len(text), begin + length)
    parts = [Part("… ", False)] if begin else []
    here = begin
    for start, stop in spans:
        start, stop = max(start, here), min(stop, end)
        if start >= stop:
            continue
        parts += [Part(text[here:start], False), Part(text[start:stop], True)]
        here = stop
    parts.append(Part(text[here:end], False))
    if end < len(text):
        parts.append(Part(" …", False))
    return [part for part in parts if part.text]
