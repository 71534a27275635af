"""The texts of a step, tokenised, in chunks of like length."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from qa_parallel.encoders.encoder import Encoder

# What one chunk more costs, in tokens: few rows make poor use of a processor.
_CHUNK_COST = 64
# Tokens of unknown words are counted in so many steps of a plan.
_LOOK = 50


class Batch(Protocol):
    """The rows of a step; lists with an entry a row."""

    @property
    def questions(self) -> list[str]: ...
    @property
    def positives(self) -> list[str]: ...
    @property
    def negatives(self) -> list[list[str]]: ...
    @property
    def question_languages(self) -> list[str]: ...
    @property
    def passage_languages(self) -> list[str]: ...


class Batches(Protocol):
    """Steps by number, such as a plan's."""

    def __len__(self) -> int: ...
    def __getitem__(self, step: int) -> Batch: ...


@dataclass(frozen=True)
class Texts:
    """A step's questions, positives and negatives as token ids.

    Attributes
    ----------
    rows:
        Questions, and as many positives.
    negatives:
        Texts beside them; of the whole batch, since a negative of one row is wrong for all.
    chunks:
        Ids of each text, the shortest first, cut into chunks so that little is padding.
    places:
        Where each text, questions first, then positives, then negatives, is in the chunks.
    """

    rows: int
    negatives: int
    chunks: list[list[list[int]]]
    places: list[int]


def tokenize(batch: Batch, encoder: Encoder, size: int) -> Texts:
    """Tokenise a step's texts behind the encoder's prefixes, in chunks of at most `size`."""
    negatives = list(itertools.chain.from_iterable(batch.negatives))
    ids = [
        *encoder.tokenize(batch.questions, encoder.query_prefix),
        *encoder.tokenize([*batch.positives, *negatives], encoder.passage_prefix),
    ]
    order = sorted(range(len(ids)), key=lambda text: len(ids[text]))
    places = [0] * len(ids)
    for place, text in enumerate(order):
        places[text] = place
    ends = cut([len(ids[text]) for text in order], size)
    chunks = [
        [ids[text] for text in order[start:end]] for start, end in itertools.pairwise([0, *ends])
    ]
    return Texts(len(batch.questions), len(negatives), chunks, places)


def cut(lengths: Sequence[int], size: int) -> list[int]:
    """Where chunks end that cost least to encode, of texts in the order of their lengths.

    A chunk costs its tokens, those of padding included, and as much again as some tokens for
    being one more. The cheapest cut of the first n texts ends with some chunk, before which stands
    the cheapest cut of fewer (dynamic programming).

    Parameters
    ----------
    lengths:
        Tokens of each text, rising.
    size:
        Texts of a chunk at most.

    Examples
    --------
    >>> cut([5, 5, 5, 90, 90], 4)
    [3, 5]
    """
    least = np.zeros(len(lengths) + 1)
    start = np.zeros(len(lengths) + 1, dtype=np.int64)
    for end, longest in enumerate(lengths, 1):
        starts = np.arange(max(0, end - size), end)
        costs = least[starts] + (end - starts) * longest + _CHUNK_COST
        best = int(costs.argmin())
        least[end], start[end] = costs[best], starts[best]
    ends = []
    end = len(lengths)
    while end:
        ends.append(end)
        end = int(start[end])
    return ends[::-1]


def ahead(
    batches: Batches, steps: Iterable[int], encoder: Encoder, size: int
) -> Iterator[tuple[int, Texts]]:
    """Each of `steps` with its texts; the next one is read and tokenised meanwhile."""
    with ThreadPoolExecutor(max_workers=1) as pool:

        def prepare(step: int) -> tuple[int, Texts]:
            return step, tokenize(batches[step], encoder, size)

        waiting = None
        for step in steps:
            upcoming = pool.submit(prepare, step)
            if waiting is not None:
                yield waiting.result()
            waiting = upcoming
        if waiting is not None:
            yield waiting.result()


def unknown_shares(batches: Batches, encoder: Encoder) -> dict[str, float]:
    """Which part of the tokens of each language stands for what the tokenizer does not know.

    Some steps, evenly from first to last, are looked at.
    """
    unknown = encoder.tokenizer.unk_token_id
    special = set(encoder.tokenizer.all_special_ids) - {unknown}
    counts: dict[str, list[int]] = {}

    def count(texts: Sequence[str], languages: Sequence[str]) -> None:
        for ids, language in zip(encoder.tokenize(texts), languages, strict=True):
            mine = counts.setdefault(language, [0, 0])
            mine[0] += ids.count(unknown)
            mine[1] += sum(token not in special for token in ids)

    for step in range(0, len(batches), max(1, len(batches) // _LOOK)):
        batch = batches[step]
        count(batch.questions, batch.question_languages)
        count(batch.positives, batch.passage_languages)
    return {language: found / max(1, of) for language, (found, of) in sorted(counts.items())}
