"""Which texts are decoded together, and how much room each translation gets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

# Room that a translation gets, in tokens, as a multiple of its source's length and a constant; a
# hypothesis that needs more is cut off, seen by its missing </s>, and decoded once more.
_ROOM, _ROOM_FIXED = 2.0, 16
# Part of the cache key: raise it when a text gets more room, or less.
ROOM_VERSION = 2
# No text of a batch is longer than so many times its shortest one, and a constant: what loops goes
# on until there is no room left for the longest.
_RANGE, _RANGE_FIXED = 2.0, 8
# What padding makes of the tokens of texts in such batches, at most about.
_PADDED = 1.25
# Tokens in the smallest batch that is cut for the sake of another worker.
_SMALL = 64


@dataclass(frozen=True)
class Item:
    """A text, its tokens, and its place among the texts that came with it."""

    index: int
    text: str
    tokens: list[str]


def numbered(texts: Sequence[str], tokens: Sequence[list[str]]) -> list[Item]:
    """The texts as items, in their order."""
    return [
        Item(index, text, piece)
        for index, (text, piece) in enumerate(zip(texts, tokens, strict=True))
    ]


def batches(items: Sequence[Item], budget: int, most: int) -> Iterator[list[Item]]:
    """Items of like length together, longest first.

    At most `budget` padded tokens and `most` items a batch.
    """
    batch: list[Item] = []
    longest = 0
    for item in sorted(items, key=lambda item: (-len(item.tokens), item.text)):
        full = (longest + 2) * (len(batch) + 1) > budget
        unlike = longest > _RANGE * len(item.tokens) + _RANGE_FIXED
        if batch and (full or unlike or len(batch) == most):
            yield batch
            batch = []
        if not batch:
            longest = len(item.tokens)
        batch.append(item)
    if batch:
        yield batch


def shared_out(items: Sequence[Item], budget: int, workers: int) -> int:
    """Padded tokens a batch: as many as `budget` allows, but a batch for every worker."""
    padded = _PADDED * sum(len(item.tokens) + 2 for item in items)
    return min(budget, max(int(padded / workers) + 1, _SMALL))


def room(tokens: int) -> int:
    """Most tokens of a translation, </s> included, for a source of that many tokens.

    >>> room(5), room(100)
    (26, 216)
    """
    return int(_ROOM * tokens) + _ROOM_FIXED
