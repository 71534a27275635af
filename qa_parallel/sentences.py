"""Where the sentences of a text are, in any language; offsets are code points, as Python counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import polars as pl

from qa_parallel import schema
from qa_parallel.language_codes import LANGUAGES
from qa_parallel.schema import CORPUS

Span = tuple[int, int]
# Looks back, or a long run of spaces would be tried from each of them.
_LINE_BREAK = re.compile(r"(?<![ \t])[ \t]*\n\s*")
# A line that ends without punctuation and goes on in lower case was wrapped, not ended.
_TERMINAL = ".!?…。！？।॥؟۔።:;\"'”’»)]"


def annotate(rows: pl.DataFrame) -> pl.DataFrame:
    """CORPUS rows with `sentence_breaks` and `answer_sentences` filled in where they are null.

    Breaks that the source gave are kept if they cover the passage; the answer's sentences
    follow from `answer_start` and the length of the answer, none where the place is unknown.
    """
    known: dict[tuple[str, str], list[Span]] = {}
    breaks: list[list[Span] | None] = []
    holders: list[list[int] | None] = []
    for passage, language, given, answer, start in rows.select(
        "passage", "language", "sentence_breaks", "answer", "answer_start"
    ).iter_rows():
        if passage is None:
            breaks.append(None)
            holders.append(None)
            continue
        found = _covering(passage, given)
        if found is None:
            key = (passage, language)
            if key not in known:
                known[key] = sentence_spans(passage, language)
            found = known[key]
        breaks.append(found)
        has_place = start is not None and answer
        holders.append(sentences_of(start, start + len(answer), found) if has_place else [])
    return rows.with_columns(
        schema.breaks(breaks),
        pl.Series("answer_sentences", holders, dtype=CORPUS["answer_sentences"]),
    )


def _covering(passage: str, given: Any) -> list[Span] | None:
    """Sentence breaks of the source, if nothing but space lies outside and between them."""
    if given is None or not len(given):
        return None
    found = [(int(start), int(end)) for start, end in given]
    edges = [0, *(edge for span in found for edge in span), len(passage)]
    if edges != sorted(edges):
        return None
    outside = zip(edges[::2], edges[1::2], strict=True)
    return None if any(passage[start:end].strip() for start, end in outside) else found


def sentence_spans(text: str, language: str) -> list[Span]:
    """[start, end) of every sentence of `text`, without the white space around it.

    Blank text has none. A line break ends a sentence unless the line was merely wrapped.

    >>> sentence_spans("It rained. We stayed in.", "eng_Latn")
    [(0, 10), (11, 24)]
    """
    return [
        trimmed
        for start, end in _paragraphs(text)
        for begin, finish in _boundaries(text[start:end], language)
        if (trimmed := _trim(text, start + begin, start + finish)) is not None
    ]


def _paragraphs(text: str) -> list[Span]:
    ends = [
        match.start()
        for match in _LINE_BREAK.finditer(text)
        if not _wrapped(text, match.start(), match.end(), match.group())
    ]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


def _wrapped(text: str, before: int, after: int, gap: str) -> bool:
    if gap.count("\n") > 1 or before == 0 or after == len(text):
        return False
    return text[before - 1] not in _TERMINAL and text[after].islower()


def _boundaries(text: str, language: str) -> list[Span]:
    from sentencex import segment

    spans: list[Span] = []
    start = 0
    for sentence in segment(LANGUAGES[language].iso639_1 or "en", text):
        # sentencex returns the pieces in order; finding them keeps us right even should it
        # drop characters between two of them.
        found = text.find(sentence, start)
        if found < 0:
            return [(0, len(text))]
        spans.append((found, found + len(sentence)))
        start = found + len(sentence)
    return spans


def _trim(text: str, start: int, end: int) -> Span | None:
    stripped = text[start:end].strip()
    if not stripped:
        return None
    start += text[start:end].index(stripped)
    return start, start + len(stripped)


def sentences_of(start: int, end: int, spans: Sequence[Span]) -> list[int]:
    """Indices of the sentences that [start, end) touches.

    >>> sentences_of(8, 13, [(0, 10), (11, 24)])
    [0, 1]
    """
    return [index for index, (left, right) in enumerate(spans) if left < end and start < right]
