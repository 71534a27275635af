"""Text to sentences and back: normalise, split, shorten what is too long, rejoin.

Offsets are code points throughout, as Python counts them.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from qa_parallel.language_codes import LANGUAGES
from qa_parallel.sentences import Span

# Every rule of Moses' normalize-punctuation.perl needs one of these; text without them comes
# back as it was, and is not sent through 40 regular expressions (175 µs a sentence).
_NEEDS_MOSES = re.compile(r"[\r()`\";:%\u00a0´‘’‚“”„–—…«»]|  |''")
# Where a sentence that is too long is cut, the best place first.
_CUTS = (r"(?<=[;；؛])\s*", r"(?<=[,，、،])\s*", r"\s+")


def normalise(text: str, language: str) -> str:
    """Punctuation as Moses writes it, and single spaces: what NLLB's vocabulary was built on.

    >>> normalise("“Really” –  she said…", "eng_Latn")
    '"Really" - she said...'
    """
    text = " ".join(text.split())
    if _NEEDS_MOSES.search(text):
        for pattern, substitution in _rules(language):
            text = pattern.sub(substitution, text)
        text = " ".join(text.split())
    return text


@cache
def _rules(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Moses' rules as sacremoses has them, which looks every one up again for every text."""
    from sacremoses import MosesPunctNormalizer

    rules = MosesPunctNormalizer(lang=LANGUAGES[language].iso639_1 or "en").substitutions
    return [(re.compile(pattern), substitution) for pattern, substitution in rules]


def gaps(text: str, spans: Sequence[Span]) -> list[str]:
    """What stands between the sentences: one string fewer than there are spans.

    >>> gaps("One.\\n\\nTwo.", [(0, 4), (6, 10)])
    ['\\n\\n']
    """
    return [text[left[1] : right[0]] for left, right in itertools.pairwise(spans)]


def rejoin(
    sentences: Sequence[str], between: Sequence[str], language: str
) -> tuple[str, list[Span]]:
    """Put translated sentences together as `language` writes them; also their [start, end).

    Line breaks of the source are kept; other gaps become what the language writes between two
    sentences: nothing in Chinese and Japanese, a space elsewhere. (In Thai too, which writes none
    between words: 612 of 612 sentence gaps of XQuAD-R's human translation are spaces.)

    >>> rejoin(["Eins.", "Zwei."], ["  "], "deu_Latn")
    ('Eins. Zwei.', [(0, 5), (6, 11)])
    >>> rejoin(["一。", "二。"], [" "], "zho_Hans")
    ('一。二。', [(0, 2), (2, 4)])
    """
    if not sentences:
        return "", []
    joiner = LANGUAGES[language].joiner
    parts: list[str] = []
    spans: list[Span] = []
    length = 0
    lines = 0  # line breaks since the last sentence that is not empty
    for sentence, gap in zip(sentences, ["", *between], strict=True):
        lines = max(lines, gap.count("\n"))
        if sentence and length:
            gap = "\n" * lines or joiner
            parts.append(gap)
            length += len(gap)
        if sentence:
            lines = 0
        parts.append(sentence)
        spans.append((length, length + len(sentence)))
        length += len(sentence)
    return "".join(parts), spans


def pieces(
    sentences: Sequence[str], count: Callable[[Sequence[str]], Sequence[int]], limit: int
) -> list[list[str]]:
    """Cut each sentence into pieces of at most `limit` tokens: at semicolons, commas, then words.

    `count` gives the number of tokens of each of many texts. A sentence within the limit comes
    back whole. A single word beyond the limit is cut by characters: nothing else is left to cut
    it by.

    >>> pieces(["a, b c, d", "e"], lambda texts: [len(text.split()) for text in texts], 2)
    [['a,', 'b c,', 'd'], ['e']]
    """
    cut: dict[str, list[str]] = {}
    waiting = list(dict.fromkeys(sentences))
    while waiting:  # all sentences in step: counting tokens is cheapest in large batches
        sizes = count(waiting)
        parts = {
            piece: _split(piece)
            for piece, size in zip(waiting, sizes, strict=True)
            if size > limit and len(piece) > 1
        }
        found = list(dict.fromkeys(part for split in parts.values() for part in split))
        known = dict(zip(found, count(found), strict=True))
        for piece, split in parts.items():
            cut[piece] = _merge(split, [known[part] for part in split], limit)
        waiting = list(dict.fromkeys(part for piece in parts for part in cut[piece]))
    return [list(_leaves(sentence, cut)) for sentence in sentences]


def _leaves(piece: str, cut: Mapping[str, Sequence[str]]) -> Iterator[str]:
    if piece not in cut:
        yield piece
    for part in cut.get(piece, ()):
        yield from _leaves(part, cut)


def _split(sentence: str) -> list[str]:
    """Parts at the best kind of place that there is, halves where there is none."""
    for pattern in _CUTS:
        parts = [part for part in re.split(pattern, sentence) if part]
        if len(parts) > 1:
            return parts
    half = len(sentence) // 2
    return [sentence[:half], sentence[half:]]


def _merge(parts: Sequence[str], sizes: Sequence[int], limit: int) -> list[str]:
    """Neighbouring parts together again, as far as the limit allows. Token counts add up.

    Where they do not quite (strange text), the parts stay apart, so that cutting comes to an end.
    """
    merged: list[str] = []
    room = 0
    for part, size in zip(parts, sizes, strict=True):
        if merged and size <= room:
            merged[-1] += " " + part
            room -= size
        else:
            merged.append(part)
            room = limit - size
    return merged if len(merged) > 1 else list(parts)
