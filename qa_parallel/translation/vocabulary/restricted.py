"""Decoding within a list of target tokens, and the proof that it does no harm.

The projection onto NLLB's 256,206 words is over half of the decoder's work; a language uses a
tenth of them.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

from qa_parallel import extras
from qa_parallel.errors import ModelError
from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding.engine import REDECODED, Done, Engine, OnBatch, ignore
from qa_parallel.translation.models.model import Model
from qa_parallel.translation.vocabulary.tokens import Vocabulary

# How far a restricted translation may fall behind: mean log-probability per token, as the whole
# model gives it, and chrF where there are references.
MOST_LOGPROB = 0.02
MOST_CHRF = 0.3
# CTranslate2's file of candidates. One line with an empty key holds for every source. Lines for
# single source words are out: CTranslate2 4.8.5 keeps the ids of the batch before when the
# candidates change, so that it raises IndexError, or takes one token for another.
_CANDIDATES = "vmap.txt"


class Restricted:
    """An engine that decodes within a list; what the list does not reach has the whole model.

    Whole are decoded: a source whose names are not in the list, and, where guards are on, once
    more with stronger settings what is flagged still after its second decoding within the list.

    Parameters
    ----------
    whole, narrow:
        Engines on the model without and with the list; see `load`.
    """

    def __init__(self, whole: Engine, narrow: Engine, vocabulary: Vocabulary) -> None:
        self.whole = whole
        self.narrow = narrow
        self.vocabulary = vocabulary
        self.source = whole.source
        self.max_source_tokens = whole.max_source_tokens

    def encode(self, texts: Sequence[str]) -> list[list[str]]:
        """As the engine's."""
        return self.whole.encode(texts)

    def translate(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        target: str,
        on_batch: OnBatch = ignore,
    ) -> list[Translation]:
        """Translations of `texts` into `target`, in their order."""

        def some(chosen: list[int]) -> tuple[list[str], list[list[str]]]:
            return [texts[index] for index in chosen], [tokens[index] for index in chosen]

        def again(batch: Done) -> None:
            on_batch(Done(0, 0, batch.generated))

        near = [index for index, piece in enumerate(tokens) if self.vocabulary.reaches(piece)]
        far = sorted(set(range(len(texts))).difference(near))
        done: dict[int, Translation] = {}

        def fill(chosen: list[int], found: list[Translation]) -> None:
            done.update(zip(chosen, found, strict=True))

        fill(near, self.narrow.translate(*some(near), target, on_batch))
        fill(far, self.whole.translate(*some(far), target, on_batch))
        if self.whole.settings.guards:
            bad = [index for index in near if set(done[index].flags) - {REDECODED}]
            fill(bad, self.whole.mend(*some(bad), [done[index] for index in bad], target, again))
        return [done[index] for index in range(len(texts))]


def load(whole: Engine, vocabulary: Vocabulary, cache: Path) -> Restricted:
    """`whole` and, beside it in memory, its model restricted to `vocabulary`.

    Two translators, since one that changes between lists, or between a list and none, can mix
    up token ids where the vocabulary is padded (float16 on a GPU).
    """
    return Restricted(whole, whole.within(folder(whole.model, vocabulary, cache)), vocabulary)


def folder(model: Model, vocabulary: Vocabulary, cache: Path) -> Path:
    """A folder of links to the model's files and the list as CTranslate2 reads it.

    It appears by rename. Where links cannot be made, the files are copied.

    Raises
    ------
    ModelError
        The cache folder cannot be written.
    """
    target = cache / "restricted" / f"{model.digest[:16]}-{vocabulary.digest}"
    files = [path for path in model.path.iterdir() if path.is_file() and path.name != _CANDIDATES]
    if all((target / name).is_file() for name in (_CANDIDATES, *(path.name for path in files))):
        return target
    part = target.with_name(f".{target.name}.part-{os.getpid()}")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for path in files:
            _link(path.resolve(), part / path.name)
        (part / _CANDIDATES).write_text("\t" + " ".join(vocabulary.tokens) + "\n", "utf-8")
        shutil.rmtree(target, ignore_errors=True)  # links whose model has moved
        part.rename(target)
    except OSError as error:
        if not (target / _CANDIDATES).is_file():  # else another process was faster
            raise ModelError(
                f"cannot make a model with a restricted vocabulary in {target.parent}: "
                f"{error.strerror or error}",
                "name another folder with --cache, or leave out --restrict-vocabulary",
            ) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _link(path: Path, link: Path) -> None:
    try:
        link.symlink_to(path)
    except OSError:
        shutil.copyfile(path, link)


class Scorer(Protocol):
    """The whole model, as the proof needs it."""

    def translate(
        self, texts: Sequence[str], tokens: Sequence[list[str]], target: str
    ) -> list[Translation]: ...

    def score(
        self, tokens: Sequence[list[str]], translations: Sequence[str], target: str
    ) -> list[tuple[float, int]]: ...


class Decoder(Protocol):
    """What is put to the proof."""

    def translate(
        self, texts: Sequence[str], tokens: Sequence[list[str]], target: str
    ) -> list[Translation]: ...


@dataclass(frozen=True)
class Proof:
    """What a list did to segments that it was not learned from.

    Attributes
    ----------
    tokens:
        Size of the list.
    segments:
        Segments that were translated both ways.
    reached:
        Share of them whose names are in the list.
    identical:
        Share of equal outputs.
    logprob_whole, logprob_restricted:
        Mean log-probability per token that the whole model gives to the outputs.
    speedup:
        Time without the list, divided by the time with it; the only figure that differs from
        run to run.
    chrf_whole, chrf_restricted:
        chrF of the outputs; None where there are no references.
    """

    tokens: int
    segments: int
    reached: float
    identical: float
    logprob_whole: float
    logprob_restricted: float
    speedup: float
    chrf_whole: float | None = None
    chrf_restricted: float | None = None

    def passes(self) -> bool:
        """Whether the list may be used."""
        if not self.logprob_whole - self.logprob_restricted <= MOST_LOGPROB:
            return False
        if self.chrf_whole is None or self.chrf_restricted is None:
            return True
        return self.chrf_whole - self.chrf_restricted <= MOST_CHRF

    def to_json(self) -> dict[str, Any]:
        """The figures that there are, four digits of each."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in values.items()
            if value is not None
        }


def prove(
    whole: Scorer,
    restricted: Decoder,
    vocabulary: Vocabulary,
    texts: Sequence[str],
    tokens: Sequence[list[str]],
    target: str,
    references: Sequence[str] | None = None,
) -> Proof:
    """Translate `texts` both ways and let the whole model judge.

    Parameters
    ----------
    tokens:
        Those of `texts`.
    references:
        Translations by people, for chrF (needs sacrebleu). None = no chrF.
    """
    outputs, means, seconds = [], [], []
    for decoder in (whole, restricted):
        started = time.perf_counter()
        outputs.append([done.text for done in decoder.translate(texts, tokens, target)])
        seconds.append(time.perf_counter() - started)
        scores = whole.score(tokens, outputs[-1], target)
        means.append(sum(one for one, _ in scores) / sum(count for _, count in scores))
    same = sum(one == other for one, other in zip(*outputs, strict=True))
    proof = Proof(
        tokens=len(vocabulary.tokens),
        segments=len(texts),
        reached=sum(map(vocabulary.reaches, tokens)) / len(texts),
        identical=same / len(texts),
        logprob_whole=means[0],
        logprob_restricted=means[1],
        speedup=seconds[0] / seconds[1],
    )
    if references is None:
        return proof
    chrf = [_chrf(output, references) for output in outputs]
    return replace(proof, chrf_whole=chrf[0], chrf_restricted=chrf[1])


def _chrf(outputs: Sequence[str], references: Sequence[str]) -> float:
    extras.require("dev", "chrF", "sacrebleu")
    from sacrebleu.metrics.chrf import CHRF

    return float(CHRF().corpus_score(outputs, [references]).score)
