"""Segments that are translated already: no segment is translated twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from qa_parallel.storage.cache import TextCache


@dataclass(frozen=True)
class Translation:
    """One translated segment.

    `logprob` is the sum over the `tokens` generated tokens (end token included); `flags` as in
    `qa_parallel.translation.decoding.guards`, with "redecoded" where the second decoding was kept.
    """

    text: str
    logprob: float
    tokens: int
    flags: tuple[str, ...] = ()


class TranslationCache(TextCache):
    """A file per (model digest, decoding settings, source, target).

    A run that is killed and started again meets the same cache at the same places as an unbroken
    one, and translates the same batches.
    """

    kind = "translation"
    columns = {"text": "TEXT", "logprob": "REAL", "tokens": "INTEGER", "flags": "TEXT"}  # noqa: RUF012

    def known(self, texts: Sequence[str]) -> dict[str, Translation]:
        """The translations of those `texts` that are in the cache."""
        return {
            source: Translation(text, logprob, tokens, _split(flags))
            for source, text, logprob, tokens, flags in self._select(texts)
        }

    def store(self, translations: Mapping[str, Translation]) -> None:
        """Add `translations` (source text to translation) in one transaction."""
        self._insert(
            (source, item.text, item.logprob, item.tokens, ",".join(item.flags))
            for source, item in translations.items()
        )


def _split(flags: str) -> tuple[str, ...]:
    return tuple(flags.split(",")) if flags else ()
