"""An engine without a model: all that the pipeline does is real, but the translation."""

from __future__ import annotations

from collections.abc import Sequence

from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding.engine import Done, Engine, OnBatch, ignore
from qa_parallel.translation.decoding.settings import DecodingSettings
from qa_parallel.translation.models.model import resolve
from qa_parallel.translation.models.settings import ModelSettings


class Reversing(Engine):
    """Turns the words of a text round: as long as the source, different from it, and quick.

    The tokenizer is the demonstration model's, since tokens are the pipeline's own work.
    """

    def __init__(self, settings: DecodingSettings, source: str = "eng_Latn") -> None:
        self.model = resolve(ModelSettings(model="demo"))
        self.settings = settings
        self.source = source
        self.tokenizer = self.model.tokenizer()
        self.max_source_tokens = self.model.max_sentence

    def translate(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        target: str,
        on_batch: OnBatch = ignore,
    ) -> list[Translation]:
        """Every text with its words in reverse order, one window as one batch."""
        read = sum(map(len, tokens))
        on_batch(Done(len(texts), read, read))
        return [
            Translation(" ".join(reversed(text.split())), -0.5 * len(pieces), len(pieces) + 1)
            for text, pieces in zip(texts, tokens, strict=True)
        ]
