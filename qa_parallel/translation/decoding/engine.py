"""Decoding: subword tokens in, guarded translations out, on one CTranslate2 translator."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from qa_parallel.errors import ModelError
from qa_parallel.machine import cores
from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding import guards
from qa_parallel.translation.decoding.devices import (
    default_compute_type,
    distributions,
    load,
    pick_device,
)
from qa_parallel.translation.decoding.packing import Item, batches, numbered, room, shared_out
from qa_parallel.translation.decoding.settings import DecodingSettings

if TYPE_CHECKING:
    from pathlib import Path

    import ctranslate2

    from qa_parallel.translation.models.model import Model

REDECODED = "redecoded"

# Tokens in the smallest batch that is tried when memory runs out.
_LEAST = 16
# Source tokens in a batch that is decoded, and in one that is scored: what is scored has logits for
# all its tokens at once, and more than these few gain nothing.
_TOKENS = {"cpu": 4096, "cuda": 16384}
_SCORED = {"cpu": 256, "cuda": 4096}
# Digits of a log-probability that are kept: the texts beside it in a batch move the last ones.
_DIGITS = 4
# Positions kept free for the language token, </s> and the model's own offset.
_RESERVED = 8
# Stronger settings for the second decoding of what the guards flagged.
_MORE_BEAMS = 2
_SECOND = {"no_repeat_ngram_size": 3, "repetition_penalty": 1.15, "disable_unk": True}


@dataclass(frozen=True)
class Done:
    """A batch that is finished: its segments, the tokens read and the tokens generated.

    What is decoded a second time has only tokens generated: its segments were counted before.
    """

    segments: int
    read: int
    generated: int


OnBatch = Callable[[Done], None]


def ignore(done: Done) -> None:
    """For those who need not be told."""


class Engine:
    """A loaded model that translates lists of short texts from one language.

    Parameters
    ----------
    model:
        As `qa_parallel.translation.models.model.resolve` gives it.
    settings:
        Decoding settings.
    source:
        NLLB code of the language of all texts.
    """

    _restricted = False  # to the tokens of a vmap.txt in the model's folder

    def __init__(self, model: Model, settings: DecodingSettings, source: str) -> None:
        self.model = model
        self.source = source
        self.device = pick_device(settings.device)
        self.settings = resolved(settings)
        self.tokenizer = model.tokenizer()
        self.batch_tokens = settings.batch_tokens or _TOKENS[self.device]
        most = distributions(self.device, model.words)
        self.batch_texts = max(1, most // (settings.beam + _MORE_BEAMS))
        self.score_tokens = max(_LEAST, min(self.batch_tokens, _SCORED[self.device], most))
        threads = settings.threads or cores()
        self._workers = threads if self.device == "cpu" else len(settings.device_index)
        self._translator = self._loaded(model)
        self.max_source_tokens = min(model.max_positions - _RESERVED, model.max_sentence)

    def within(self, folder: Path) -> Engine:
        """Another engine, on this one's model in `folder`, where a vmap.txt restricts it."""
        other = copy.copy(self)
        other.model = replace(self.model, path=folder)
        other._translator = self._loaded(other.model)
        other._restricted = True
        return other

    def _loaded(self, model: Model) -> ctranslate2.Translator:
        kind = str(self.settings.compute_type)
        return load(model, self.device, self.settings.device_index, self._workers, kind)

    def prefix(self, target: str) -> list[str]:
        """What every translation into `target` is forced to begin with."""
        return self.model.wrap([], self.source, target)[1]

    def encode(self, texts: Sequence[str]) -> list[list[str]]:
        """Subword tokens of each text, without language and end tokens."""
        return self.tokenizer.encode_batch(texts)

    def translate(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        target: str,
        on_batch: OnBatch = ignore,
    ) -> list[Translation]:
        """Translations of `texts` into `target`, in their order.

        `tokens` are what `encode` gave for `texts`. `on_batch` is told of every finished batch.
        """
        items = numbered(texts, tokens)
        first: dict[int, Translation] = {}
        second: dict[int, Translation] = {}
        for index, translation, again in self._decode(items, target, on_batch):
            (second if again else first)[index] = translation
        better = self._better(items, first, second, target)
        return [better.get(index, first[index]) for index in range(len(items))]

    def mend(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        flagged: Sequence[Translation],
        target: str,
        on_batch: OnBatch = ignore,
    ) -> list[Translation]:
        """What another engine said of `texts`, all `flagged`, or a second decoding where better."""
        items, first = numbered(texts, tokens), dict(enumerate(flagged))
        second = {index: done for index, done, _ in self._decode(items, target, on_batch, True)}
        better = self._better(items, first, second, target)
        return [better.get(index, first[index]) for index in range(len(items))]

    def _better(
        self,
        items: Sequence[Item],
        first: Mapping[int, Translation],
        second: Mapping[int, Translation],
        target: str,
    ) -> dict[int, Translation]:
        """The second decodings that are better than the first, by index.

        The penalties bend the scores of the second decoding; for the comparison, and for the
        record, the plain model scores it.
        """
        changed = [
            items[index] for index in sorted(second) if second[index].text != first[index].text
        ]
        texts = [second[item.index].text for item in changed]
        plain = self.score([item.tokens for item in changed], texts, target)
        better = {}
        for item, (logprob, count) in zip(changed, plain, strict=True):
            scored = round(logprob, _DIGITS)
            again = replace(second[item.index], logprob=scored, tokens=count)
            if _rank(again) > _rank(first[item.index]):
                better[item.index] = replace(again, flags=(*again.flags, REDECODED))
        return better

    def score(
        self, tokens: Sequence[list[str]], translations: Sequence[str], target: str
    ) -> list[tuple[float, int]]:
        """Sum of log-probabilities and number of tokens, </s> included, of given translations.

        `tokens` are what `encode` gave for their sources.
        """
        if not tokens:
            return []
        wrapped = [self.model.wrap(pieces, self.source, target) for pieces in tokens]
        prefix = self.prefix(target)
        limit = self.model.max_positions - _RESERVED
        targets = [
            prefix + pieces[: limit - len(prefix)]
            for pieces in self.tokenizer.encode_batch(translations)
        ]
        while True:
            try:
                scored = self._translator.score_batch(
                    [source for source, _ in wrapped],
                    targets,
                    max_batch_size=self.score_tokens,
                    batch_type="tokens",
                    max_input_length=0,
                )
                break
            except RuntimeError as error:
                self.score_tokens = self._less(error, self.score_tokens)
        skip = len(prefix)
        return [
            (float(sum(item.log_probs[skip:])), max(1, len(item.log_probs) - skip))
            for item in scored
        ]

    def _decode(
        self, items: Sequence[Item], target: str, on_batch: OnBatch, again: bool = False
    ) -> Iterator[tuple[int, Translation, bool]]:
        """Index, translation and whether it is a second decoding; all are with `again`.

        Batches go longest first, several in flight; texts are detokenised while others are
        decoded. What the guards flag is decoded once more, behind the rest, without waiting for
        the last of it.
        """
        waiting = deque((batch, again) for batch in self.cut(items))
        running: deque[tuple[list[Item], bool, list[Any], int]] = deque()
        flagged: list[Item] = []
        depth = 2 * self._workers + 2
        while waiting or running or flagged:
            if not waiting:
                waiting.extend((batch, True) for batch in self.cut(flagged))
                flagged = []
            while waiting and len(running) < depth:
                batch, again = waiting.popleft()
                pending = self._submit(batch, target, _SECOND if again else {})
                running.append((batch, again, pending, self.batch_tokens))
            batch, again, pending, budget = running.popleft()
            try:
                results = [future.result() for future in pending]
            except RuntimeError as error:
                # Batches that were in flight together fail together and count once.
                self.batch_tokens = min(self.batch_tokens, self._less(error, budget))
                waiting.appendleft((batch, again))
                waiting = deque(
                    (part, kind)
                    for large, kind in waiting
                    for part in batches(large, self.batch_tokens, self.batch_texts)
                )
                continue
            told = on_batch if not again else lambda done: on_batch(Done(0, 0, done.generated))
            for item, translation in self._finish(batch, results, target, told):
                yield item.index, translation, again
                if translation.flags and self.settings.guards and not again:
                    flagged.append(item)

    def cut(self, items: Sequence[Item]) -> Iterator[list[Item]]:
        """The batches that `items` are decoded in."""
        budget = shared_out(items, self.batch_tokens, self._workers)
        return batches(items, budget, self.batch_texts)

    def _less(self, error: RuntimeError, budget: int) -> int:
        """After `error` in a batch of at most `budget` tokens: half of it, if memory ran out."""
        if "out of memory" not in str(error).lower():
            raise error
        if budget <= _LEAST:
            raise ModelError(
                f"the device's memory does not hold {self.model.name} and one batch of {budget} "
                "tokens",
                "use a smaller --beam, or --device cpu",
            ) from None
        return max(_LEAST, budget // 2)

    def _submit(self, batch: Sequence[Item], target: str, options: dict[str, Any]) -> list[Any]:
        wrapped = [self.model.wrap(item.tokens, self.source, target) for item in batch]
        forced = len(self.prefix(target))
        least, most = self._lengths(batch)
        pending: list[Any] = self._translator.translate_batch(
            [source for source, _ in wrapped],
            [prefix for _, prefix in wrapped],
            asynchronous=True,
            beam_size=self.settings.beam + (_MORE_BEAMS if options else 0),
            length_penalty=self.settings.length_penalty,
            max_input_length=0,
            max_decoding_length=forced + most,
            min_decoding_length=forced + least,
            return_end_token=True,
            return_scores=True,
            use_vmap=self._restricted,
            **options,
        )
        return pending

    def _lengths(self, batch: Sequence[Item]) -> tuple[int, int]:
        """Least and most tokens to generate for a batch, behind those that are forced."""
        least = 1  # nothing that is sent here means nothing
        return least, self._room(batch[0])

    def _room(self, item: Item) -> int:
        """Most tokens of its translation, </s> included."""
        return min(room(len(item.tokens)), self.model.max_positions - _RESERVED - 1)

    def _finish(
        self,
        batch: Sequence[Item],
        results: Sequence[Any],
        target: str,
        on_batch: OnBatch,
    ) -> Iterator[tuple[Item, Translation]]:
        skip = len(self.prefix(target))
        eos = self.tokenizer.eos
        whole = [result.hypotheses[0][skip:] for result in results]
        # The batch has room for its longest text. What a shorter one became is cut to its own: it
        # is to be the same beside any others.
        hypotheses = [tokens[: self._room(item)] for item, tokens in zip(batch, whole, strict=True)]
        ended = [bool(tokens) and tokens[-1] == eos for tokens in hypotheses]
        bodies = [
            tokens[:-1] if end else tokens for tokens, end in zip(hypotheses, ended, strict=True)
        ]
        texts = self.tokenizer.decode_batch(bodies)
        on_batch(
            Done(
                len(batch),
                sum(len(item.tokens) for item in batch),
                sum(len(tokens) for tokens in hypotheses),
            )
        )
        for item, result, uncut, tokens, body, text, end in zip(
            batch, results, whole, hypotheses, bodies, texts, ended, strict=True
        ):
            text = _tidy(item.text, text)
            flags = guards.faults(item.text, text, item.tokens, body, end)
            # CTranslate2 divides by length ** penalty, the forced prefix counted; undo it.
            logprob = result.scores[0] * (len(uncut) + skip) ** self.settings.length_penalty
            logprob *= len(tokens) / max(1, len(uncut))  # cut or not, the mean is that of all
            yield item, Translation(text, round(logprob, _DIGITS), max(1, len(tokens)), flags)


def _rank(translation: Translation) -> tuple[int, float]:
    faults = len({*translation.flags} - {REDECODED})
    return -faults, translation.logprob / translation.tokens


def _tidy(source: str, text: str) -> str:
    """Drop the full stop that models add to a word or phrase which has none."""
    text = text.strip()
    if source[-1:].isalnum() and len(text) > 1 and text[-1] in ".。।" and text[-2] not in ".。।":
        return text[:-1].rstrip()
    return text


def resolved(settings: DecodingSettings) -> DecodingSettings:
    """The settings with the precision that they mean on this machine."""
    kind = settings.compute_type or default_compute_type(pick_device(settings.device))
    return settings.model_copy(update={"compute_type": kind})
