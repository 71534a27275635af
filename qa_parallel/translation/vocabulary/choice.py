"""Which list of target tokens each language of a run may use, from which window on.

A list comes from text of the language: text that the user has, or what the run's first windows
were translated into, with the whole vocabulary; and from the names in the run's first rows, which
need only be read for it. It is used from the first window on before which
it proved itself on segments of that window. A list that fails is tried again, widened by twice
as many windows, then given up. What was decided is written down before the first segment is
translated by it: a run that is killed goes on with the same lists.
"""

from __future__ import annotations

import random
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.sources.source import Source
from qa_parallel.storage import folders, store
from qa_parallel.translation.decoding.engine import Engine
from qa_parallel.translation.models import inspection
from qa_parallel.translation.vocabulary import restricted
from qa_parallel.translation.vocabulary.restricted import Restricted
from qa_parallel.translation.vocabulary.text import LanguageText
from qa_parallel.translation.vocabulary.tokens import Sources, Vocabulary, build
from qa_parallel.translation.window import FIELDS, Window, prepare

# Characters of distinct source text that must be translated before each attempt: about 100,000,
# 200,000 and 400,000 tokens. Text of the user's is tried at once.
_AMOUNTS = (400_000, 800_000, 1_600_000)
# Rows of the source that are read for their names: a sentence with a name that is not among them is
# decoded with the whole vocabulary.
_ROWS_AHEAD = 2_000
# Segments of a proof. With fewer than the least, the list waits for another window.
_SAMPLE, _LEAST_SAMPLE = 200, 20
_SEED = 0
# A list of more than this share of the model's tokens saves too little.
_MOST = 0.75
# Bytes of models with a list that stay loaded, the last one in any case, and how many at most.
_LOADED_BYTES, _LOADED = 1 << 30, 8
_CHUNK = 10_000  # texts that are tokenised at once


@dataclass
class _State:
    """What is known of one language, as its file in the work folder says it."""

    attempts: list[dict[str, Any]] = field(default_factory=list)
    vocabulary: Vocabulary | None = None  # None = the whole one

    @property
    def settled(self) -> bool:
        """Whether later windows change nothing any more."""
        return self.vocabulary is not None or len(self.attempts) == len(_AMOUNTS)

    @classmethod
    def read(cls, path: Path) -> _State:
        if not path.exists():
            return cls()
        values = store.read_json(path)
        listed = values["vocabulary"]
        return cls(
            values["attempts"],
            None if listed is None else Vocabulary(tuple(listed["tokens"]), listed["copies"]),
        )

    def write(self, path: Path) -> None:
        store.write_json(path, asdict(self))


class Vocabularies:
    """The lists of a run.

    Parameters
    ----------
    engine:
        The whole model.
    home:
        The run's work folder.
    cache:
        Where the models with a list are put together.
    ahead:
        Source texts of the run, for the names in them; see `texts_ahead`.
    text:
        The user's text. None = learn from the run itself.
    """

    def __init__(
        self,
        engine: Engine,
        home: Path,
        cache: Path,
        ahead: Sequence[str],
        text: LanguageText | None = None,
    ) -> None:
        self._engine = engine
        self._home = home
        self._cache = cache
        self._text = text
        self._ahead = ahead
        self._amounts = _AMOUNTS if text is None else (0, *_AMOUNTS[:-1])
        self._all = inspection.vocabulary(engine.model.path)
        self._states: dict[str, _State] = {}
        self._loaded: OrderedDict[str, Restricted] = OrderedDict()
        # of the windows before, by their number: characters, and segments
        self._amount: tuple[int, int] = (0, 0)
        self._before: tuple[int, Window | None] = (0, None)

    def choose(self, language: str, window: Window, earlier: Sequence[Path]) -> Restricted | None:
        """The engine that translates `window` into `language`; None = the whole one.

        `earlier` are the folders of all windows before it, with their parts.
        """
        state = self._state(language)
        if not state.settled:
            self._attempt(language, state, window, earlier)
        return None if state.vocabulary is None else self._load(state.vocabulary)

    def _state(self, language: str) -> _State:
        if language not in self._states:
            self._states[language] = _State.read(_path(self._home, language))
        return self._states[language]

    def _attempt(
        self, language: str, state: _State, window: Window, earlier: Sequence[Path]
    ) -> None:
        """Try a list where enough is known to make one; write down what came of it."""
        needed = self._amounts[len(state.attempts)]
        # One attempt a window, whether the run was killed after it or not.
        tried = state.attempts[-1]["window"] if state.attempts else -1
        if tried == len(earlier) or self._translated(earlier) < needed:
            return
        known = self._segments(earlier)
        sample = _sample(window, known)
        if sample is None:
            return
        text = self._learn(language, earlier)
        prefix = self._engine.prefix(language)
        steering = (*prefix, self._engine.tokenizer.eos)
        vocabulary = build(self._all, text, self._sources, steering)
        attempt = {"window": len(earlier), "tokens": len(vocabulary.tokens), "of": len(self._all)}
        if len(vocabulary.tokens) <= _MOST * len(self._all):
            proof = restricted.prove(
                self._engine,
                self._load(vocabulary),
                vocabulary,
                [window.segments[index] for index in sample],
                [window.tokens[index] for index in sample],
                language,
            )
            attempt |= proof.to_json()
            if proof.passes():
                state.vocabulary = vocabulary
        attempt["passed"] = state.vocabulary is not None
        state.attempts.append(attempt)
        state.write(_path(self._home, language))

    def _translated(self, earlier: Sequence[Path]) -> int:
        """Characters of the distinct source texts in the windows before."""
        if self._amount[0] != len(earlier):
            texts = set(_texts(earlier, self._engine.source))
            self._amount = (len(earlier), sum(map(len, texts)))
        return self._amount[1]

    def _segments(self, earlier: Sequence[Path]) -> Sequence[str]:
        """Segments of the windows before; all languages ask for the same."""
        if self._before[0] != len(earlier):
            source = self._engine.source
            parts = [store.read_parquet(folders.part(folder, source)) for folder in earlier]
            self._before = (len(earlier), prepare(pl.concat(parts), self._engine))
        before = self._before[1]
        return before.segments if before else ()

    @cached_property
    def _sources(self) -> Sources:
        chunks = _chunks(self._ahead)
        return Sources.of(tokens for chunk in chunks for tokens in self._engine.encode(chunk))

    def _learn(self, language: str, earlier: Sequence[Path]) -> Counter[str]:
        """How often each token occurs in the user's text and in what was translated before."""
        given: Iterable[str] = () if self._text is None else self._text.of(language)
        count: Counter[str] = Counter()
        for texts in (given, _texts(earlier, language)):
            for chunk in _chunks(texts):
                for tokens in self._engine.encode(chunk):
                    count.update(tokens)
        return count

    def _load(self, vocabulary: Vocabulary) -> Restricted:
        key = vocabulary.digest
        if key not in self._loaded:
            size = (self._engine.model.path / "model.bin").stat().st_size
            most = max(1, min(_LOADED, _LOADED_BYTES // max(1, size)))
            while len(self._loaded) >= most:  # first out, then in: never one more than that
                self._loaded.popitem(last=False)
            self._loaded[key] = restricted.load(self._engine, vocabulary, self._cache)
        self._loaded.move_to_end(key)
        return self._loaded[key]


def texts_ahead(source: Source) -> list[str]:
    """The distinct texts of the run's first rows, in their order."""
    rows = next(source.frames(_ROWS_AHEAD))
    return list(dict.fromkeys(text for name in FIELDS for text in rows[name].drop_nulls()))


def settled(home: Path, languages: Iterable[str]) -> bool:
    """Whether every language of the run has its list, or will have none."""
    return all(_State.read(_path(home, language)).settled for language in languages)


def report(home: Path, languages: Iterable[str]) -> dict[str, Any]:
    """For the manifest: whether each language was restricted, and the figures of its proofs."""
    states = {language: _State.read(_path(home, language)) for language in languages}
    return {
        language: {
            "restricted": state.vocabulary is not None,
            "digest": state.vocabulary and state.vocabulary.digest,
            "attempts": state.attempts,
        }
        for language, state in states.items()
    }


def _path(home: Path, language: str) -> Path:
    return home / "vocabulary" / f"{language}.json"


def _sample(window: Window, known: Iterable[str]) -> list[int] | None:
    """Segments of the window that no earlier one had, at most half of them. None = too few."""
    seen = set(known)
    fresh = [index for index, text in enumerate(window.segments) if text not in seen]
    size = min(_SAMPLE, len(fresh) // 2)
    return random.Random(_SEED).sample(fresh, size) if size >= _LEAST_SAMPLE else None


def _texts(windows: Sequence[Path], language: str) -> Iterator[str]:
    for folder in windows:
        frame = store.read_parquet(folders.part(folder, language))
        for name in FIELDS:
            yield from frame[name].drop_nulls().unique(maintain_order=True)


def _chunks(texts: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    for text in texts:
        chunk.append(text)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
