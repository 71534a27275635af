"""A corpus in one language to the same corpus in many: unique segments out, rows back in.

`prepare` cuts a frame into unique segments and tokenises them once for all languages;
`decode` translates them into one language; `assemble` puts the rows together again. They work on
Polars frames and know nothing of files; `translate_corpus` is the three for a notebook.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from qa_parallel import language_codes, schema
from qa_parallel.errors import LanguageError
from qa_parallel.schema import CORPUS
from qa_parallel.sentences import Span, annotate, sentence_spans
from qa_parallel.storage.corpus import Stats
from qa_parallel.text import has_letters
from qa_parallel.translation import segment, spans
from qa_parallel.translation.cache import Translation
from qa_parallel.translation.decoding.engine import Done, OnBatch, ignore

FIELDS = ("question", "answer", "passage")
# Flag of a text of which a sentence was too long for the model and was cut at commas or words.
CUT = "cut"


class Translator(Protocol):
    """What `decode` needs of an engine; tests put a dictionary in its place."""

    source: str
    max_source_tokens: int

    def encode(self, texts: Sequence[str]) -> list[list[str]]:
        """Subword tokens of each text."""
        ...

    def translate(
        self,
        texts: Sequence[str],
        tokens: Sequence[list[str]],
        target: str,
        on_batch: OnBatch = ...,
    ) -> list[Translation]:
        """Translations in the order of `texts`."""
        ...


class Cache(Protocol):
    """Where known translations are; `qa_parallel.translation.cache.TranslationCache` is one."""

    def known(self, texts: Sequence[str]) -> Mapping[str, Translation]: ...

    def store(self, translations: Mapping[str, Translation]) -> None: ...


@dataclass(frozen=True)
class _Text:
    """One distinct text: its sentences as segment numbers, or as strings that stay as they are."""

    sentences: tuple[tuple[int | str, ...], ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True)
class Window:
    """A frame of source rows cut into unique segments; see `prepare`."""

    rows: pl.DataFrame
    segments: list[str]
    tokens: list[list[str]]
    texts: list[_Text]
    # field -> index into `texts` for every row, None where the row has no such text
    columns: dict[str, list[int | None]]
    # segments before the same ones were merged
    occurrences: int


def prepare(rows: pl.DataFrame, engine: Translator) -> Window:
    """Cut CORPUS rows of the engine's source language into unique, tokenised segments."""
    rows = annotate(rows)
    drafts: dict[tuple[str, tuple[Span, ...]], int] = {}
    columns: dict[str, list[int | None]] = {}
    for name in FIELDS:
        breaks = rows["sentence_breaks"].to_list() if name == "passage" else [None] * rows.height
        columns[name] = [
            None
            if not text
            else drafts.setdefault((text, _spans(text, given, engine)), len(drafts))
            for text, given in zip(rows[name].to_list(), breaks, strict=True)
        ]
    sentences = dict.fromkeys(text[start:end] for text, bounds in drafts for start, end in bounds)
    normal = {raw: segment.normalise(raw, engine.source) for raw in sentences}
    tokens: dict[str, list[str]] = {}

    def count(texts: Sequence[str]) -> list[int]:
        new = [text for text in texts if text not in tokens]
        tokens.update(zip(new, engine.encode(new), strict=True))
        return [len(tokens[text]) for text in texts]

    whole = list(dict.fromkeys(normal.values()))
    cut = dict(zip(whole, segment.pieces(whole, count, engine.max_source_tokens), strict=True))
    numbers: dict[str, int] = {}
    texts = [
        _Text(
            sentences=tuple(
                tuple(
                    numbers.setdefault(piece, len(numbers)) if has_letters(piece) else piece
                    for piece in cut[normal[text[start:end]]]
                )
                for start, end in bounds
            ),
            gaps=tuple(segment.gaps(text, bounds)),
        )
        for text, bounds in drafts
    ]
    segments = list(numbers)
    count(segments)
    sizes = [sum(isinstance(piece, int) for s in text.sentences for piece in s) for text in texts]
    occurrences = sum(
        sizes[index] for column in columns.values() for index in column if index is not None
    )
    encoded = [tokens[text] for text in segments]
    return Window(rows, segments, encoded, texts, columns, occurrences)


def _spans(text: str, given: Any, engine: Translator) -> tuple[Span, ...]:
    if given is None:
        return tuple(sentence_spans(text, engine.source))
    return tuple((int(start), int(end)) for start, end in given)


@dataclass(frozen=True)
class Decoded:
    """Translations of a window's segments, in their order, and what they cost."""

    translations: list[Translation]
    fresh: int  # segments that the cache did not have
    tokens: int  # generated, second decodings included
    seconds: float


def decode(
    window: Window,
    target: str,
    engine: Translator,
    cache: Cache | None = None,
    on_batch: OnBatch = ignore,
) -> Decoded:
    """Translations of every segment of `window` into `target`.

    Parameters
    ----------
    cache:
        Asked before, and told after. None = everything is translated.
    on_batch:
        Told of every finished batch.
    """
    started = time.monotonic()
    generated = 0

    def count(done: Done) -> None:
        nonlocal generated
        generated += done.generated
        on_batch(done)

    known = {} if cache is None else dict(cache.known(window.segments))
    missing = [index for index, text in enumerate(window.segments) if text not in known]
    fresh = engine.translate(
        [window.segments[index] for index in missing],
        [window.tokens[index] for index in missing],
        target,
        count,
    )
    new = {window.segments[index]: item for index, item in zip(missing, fresh, strict=True)}
    if cache is not None and new:
        cache.store(new)
    known.update(new)
    translations = [known[text] for text in window.segments]
    return Decoded(translations, len(missing), generated, round(time.monotonic() - started, 3))


def assemble(
    window: Window, decoded: Decoded, target: str, translator: str = ""
) -> tuple[pl.DataFrame, Stats]:
    """CORPUS rows of `window` in `target`, and what was done for them.

    Parameters
    ----------
    translator:
        What the column of that name says: "model@revision".
    """
    rows, placed = _assemble(window, decoded.translations, target, translator)
    stats = Stats(
        rows=rows.height,
        segments=window.occurrences,
        unique=len(window.segments),
        cached=len(window.segments) - decoded.fresh,
        translated=decoded.fresh,
        tokens=decoded.tokens,
        seconds=decoded.seconds,
        spans=window.rows["answer_start"].count(),
        placed=placed,
        flags=Counter(flag for flags in rows["flags"].to_list() for flag in flags),
    )
    return rows, stats


@dataclass(frozen=True)
class _Built:
    text: str
    breaks: list[Span]
    logprob: float | None
    flags: list[str]


def _assemble(
    window: Window, translations: Sequence[Translation], target: str, translator: str
) -> tuple[pl.DataFrame, Counter[str]]:
    built = [_build(text, translations, target) for text in window.texts]
    fields = {
        name: [None if index is None else built[index] for index in column]
        for name, column in window.columns.items()
    }
    starts, methods = _place(window, fields, target)
    source = window.rows["language"]
    rows = schema.in_order(window.rows).with_columns(
        *(
            pl.Series(name, [item and item.text for item in items], dtype=pl.String())
            for name, items in fields.items()
        ),
        *(
            # further digits mean nothing and would not compress
            pl.Series(
                f"{name}_logprob", [item and item.logprob for item in items], pl.Float32()
            ).cast(CORPUS[f"{name}_logprob"])
            for name, items in fields.items()
        ),
        schema.breaks([item.breaks if item else None for item in fields["passage"]]),
        pl.Series("answer_start", starts, dtype=CORPUS["answer_start"]),
        pl.Series("answer_method", methods, dtype=CORPUS["answer_method"]),
        pl.Series("flags", list(_row_flags(fields)), dtype=CORPUS["flags"]),
        pl.lit(target).alias("language"),
        source.alias("translated_from"),
        pl.lit(translator, dtype=pl.String()).alias("translator"),
        pl.lit(None, dtype=CORPUS["answers"]).alias("answers"),
    )
    return rows, Counter(method for method in methods if method)


def _build(text: _Text, translations: Sequence[Translation], target: str) -> _Built:
    joiner = language_codes.LANGUAGES[target].joiner
    flags: dict[str, None] = {}
    logprob, tokens = 0.0, 0
    sentences = []
    for pieces in text.sentences:
        parts = []
        if len(pieces) > 1:
            flags[CUT] = None
        for piece in pieces:
            if isinstance(piece, str):
                parts.append(piece)
                continue
            done = translations[piece]
            parts.append(done.text)
            logprob += done.logprob
            tokens += done.tokens
            flags.update(dict.fromkeys(done.flags))
        sentences.append(joiner.join(parts))
    joined, breaks = segment.rejoin(sentences, text.gaps, target)
    return _Built(joined, breaks, logprob / tokens if tokens else None, list(flags))


def _place(
    window: Window, fields: Mapping[str, list[_Built | None]], target: str
) -> tuple[list[int | None], list[str | None]]:
    starts: list[int | None] = []
    methods: list[str | None] = []
    holders = window.rows["answer_sentences"].to_list()
    for answer, passage, held in zip(fields["answer"], fields["passage"], holders, strict=True):
        found = None
        if answer and passage and held:
            inside = [passage.breaks[index] for index in held]
            found = spans.place(answer.text, passage.text, inside, target)
        starts.append(found[0] if found else None)
        methods.append(found[1] if found else None)
    return starts, methods


def _row_flags(fields: Mapping[str, list[_Built | None]]) -> Iterator[list[str]]:
    for row in zip(*fields.values(), strict=True):
        yield [
            f"{name}:{flag}"
            for name, item in zip(fields, row, strict=True)
            if item
            for flag in item.flags
        ]


def translate_corpus(
    corpus: pl.DataFrame, targets: Sequence[str], engine: Translator, translator: str = ""
) -> pl.DataFrame:
    """`corpus` and its translations into `targets` in one frame, for small data.

    Raises
    ------
    LanguageError
        Rows are not in the engine's source language.
    """
    foreign = set(corpus["language"].unique()) - {engine.source}
    if foreign:
        raise LanguageError(
            f"expected rows in {engine.source}, found {', '.join(sorted(foreign))}",
            "translate one source language at a time",
        )
    window = prepare(corpus, engine)
    frames = [
        assemble(window, decode(window, target, engine), target, translator)[0]
        for target in targets
    ]
    return pl.concat([schema.in_order(window.rows), *frames])
