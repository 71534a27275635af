"""What a plan draws from: rows of one corpus, question language and passage language; and how many.

A unit is a run of batches that draw from the same strata: the monolingual batches of one language,
or all cross-lingual ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from qa_parallel.batches.rows import Rows
from qa_parallel.batches.settings import BatchSettings, exponent
from qa_parallel.batches.shares import largest_remainder
from qa_parallel.batches.strategies import STRATEGIES, BatchKind
from qa_parallel.components import Array
from qa_parallel.errors import LanguageError, RecipeError, SourceError


class Stratum(NamedTuple):
    """A corpus, and the languages of question and passage, by their positions."""

    corpus: int
    question_language: int
    passage_language: int


@dataclass(frozen=True)
class Unit:
    """Batches that draw from the same strata.

    Attributes
    ----------
    sizes:
        Rows of each batch.
    strata, wanted:
        Where the rows come from, and how many from each: as many as the batches hold.
    """

    kind: BatchKind
    sizes: Array
    strata: tuple[Stratum, ...]
    wanted: Array


class Pools:
    """The rows of one side, training or validation, by stratum."""

    def __init__(self, rows: Rows, side: Array, languages: Sequence[str] | None = None) -> None:
        allowed = np.array([languages is None or code in languages for code in rows.languages])
        there = side & allowed[rows.language]
        self.rows, self.side = rows, side
        # by question and language
        self._has_question = _marked(rows, there & (rows.question_meaning >= 0))
        self._has_positive = _marked(rows, there & (rows.positive_meaning >= 0))
        self._question_is_positive = _marked(rows, rows.question_is_positive)
        self._corpus = np.zeros(len(rows.of), dtype=np.int16)
        self._corpus[rows.question] = rows.corpus

    @cached_property
    def questions(self) -> dict[tuple[int, int], Array]:
        """The numbers of the questions of a corpus in a language."""
        corpora = range(int(self._corpus.max(initial=0)) + 1)
        return {
            (corpus, question): np.flatnonzero(
                self._has_question[:, question] & (self._corpus == corpus)
            )
            for corpus in corpora
            for question in range(len(self.rows.languages))
        }

    @cached_property
    def sizes(self) -> Array:
        """Rows of each stratum: (corpora, question languages, passage languages)."""
        count = len(self.rows.languages)
        table = np.zeros((int(self._corpus.max(initial=0)) + 1, count, count), dtype=np.int64)
        for (corpus, question), questions in self.questions.items():
            for passage in range(count):
                table[corpus, question, passage] = self._findable(
                    questions, question, passage
                ).sum()
        return table

    def _findable(self, questions: Array, question: int, passage: int) -> Array:
        """Which of the questions have something to find that is not the question itself.

        `question` and `passage` are languages, by their positions.
        """
        there: Array = self._has_positive[questions, passage]
        return (
            there & ~self._question_is_positive[questions, question]
            if question == passage
            else there
        )

    def pairs(self, stratum: Stratum) -> tuple[Array, Array]:
        """The numbers of the rows of the questions, and of the passages, of a stratum."""
        questions = self.questions[stratum.corpus, stratum.question_language]
        questions = questions[
            self._findable(questions, stratum.question_language, stratum.passage_language)
        ]
        table = self.rows.of
        return table[questions, stratum.question_language], table[
            questions, stratum.passage_language
        ]

    def askable(self, languages: Iterable[int]) -> int:
        """Questions in these languages that have a text to find in any language."""
        findable = self._has_positive.any(axis=1)
        return int(sum((self._has_question[:, place] & findable).sum() for place in languages))

    def distinct(self, strata: Iterable[Stratum], enough: int) -> tuple[int, str]:
        """Of passages, questions and texts to find, how many distinct there are of the rarest.

        Counting stops where all have `enough`.
        """
        rows = self.rows
        seen = {
            name: np.zeros(int(numbers.max(initial=-1)) + 1, dtype=bool)
            for name, numbers in (
                ("passages", rows.group),
                ("questions", rows.question_meaning),
                ("texts to find", rows.positive_meaning),
            )
        }
        least, name = 0, "passages"
        for stratum in strata:
            questions, passages = self.pairs(stratum)
            seen["passages"][rows.group[questions]] = True
            seen["questions"][rows.question_meaning[questions]] = True
            seen["texts to find"][rows.positive_meaning[passages]] = True
            least, name = min((int(marks.sum()), name) for name, marks in seen.items())
            if least >= enough:
                break
        return least, name


def _marked(rows: Rows, chosen: Array) -> Array:
    table = np.zeros(rows.of.shape, dtype=bool)
    table[rows.question[chosen], rows.language[chosen]] = True
    return table


def too_small(pools: Pools, settings: BatchSettings) -> dict[str, int]:
    """Languages that cannot fill one batch of their own, with how much they have for it.

    Where the strategy has such batches, they are left out of the plan: few rows would be drawn
    again and again. Nothing where the settings name the languages, or where none would be left.
    """
    kinds = [kind for kind in batch_kinds(settings) if kind.grouped]
    found: dict[str, int] = {}
    there = 0
    for place, code in enumerate(pools.rows.languages):
        cell = (place, place)
        corpora = np.flatnonzero(pools.sizes[:, *cell])
        if len(corpora) and any(kind.pairs(code, code) for kind in kinds):
            there += 1
            strata = [Stratum(int(corpus), *cell) for corpus in corpora]
            distinct, _ = pools.distinct(strata, settings.batch_size)
            if distinct < settings.batch_size:
                found[code] = distinct
    return {} if settings.languages is not None or len(found) == there else found


def training_units(pools: Pools, settings: BatchSettings) -> list[Unit]:
    """The units of a plan to train by, with the shares that the settings ask for.

    Raises
    ------
    RecipeError
        Too few languages, or fewer distinct passages than rows in a batch.
    LanguageError, SourceError
        A language, or a pair, that has no rows.
    """
    kinds = batch_kinds(settings)
    cells = {kind: _cells(pools, settings, kind) for kind in kinds}
    question_languages = {place for pairs in cells.values() for place, _ in pairs}
    steps = settings.steps or math.ceil(
        (settings.epochs or 1) * pools.askable(sorted(question_languages)) / settings.batch_size
    )
    counts = largest_remainder(np.array(list(kinds.values())), steps)
    units: list[Unit] = []
    for (kind, pairs), count in zip(cells.items(), counts, strict=True):
        weights = pools.sizes.sum(axis=0)[*np.array(pairs).T] ** exponent(settings.language_weights)
        if kind.grouped:
            parts = zip(pairs, largest_remainder(weights, count), strict=True)
            units += [_unit(kind, pools, settings, [pair], np.ones(1), n) for pair, n in parts if n]
        elif count:
            units.append(_unit(kind, pools, settings, pairs, weights, count))
    for unit in units:
        _refuse_small(unit, pools, settings.batch_size)
    return units


def batch_kinds(settings: BatchSettings) -> dict[BatchKind, float]:
    """The kinds of batches that the settings ask for, with their shares."""
    return STRATEGIES[settings.strategy].parts(settings.alpha)


def _cells(pools: Pools, settings: BatchSettings, kind: BatchKind) -> list[tuple[int, int]]:
    """The pairs of languages that a kind of batch draws from; an error where there are none."""
    codes = pools.rows.languages
    for wanted in settings.languages or ():
        if wanted not in codes:
            raise LanguageError(
                f"expected languages of the corpus ({', '.join(codes)}), found {wanted}"
            )
    for pair in settings.pairs or ():
        if any(code not in codes for code in pair):
            raise LanguageError(
                f"expected pairs of the corpus's languages ({', '.join(codes)}), found "
                f"{':'.join(pair)}"
            )
        question, passage = map(codes.index, pair)
        if not pools.sizes[:, question, passage].any():
            raise SourceError(
                f"expected questions in {pair[0]} with passages in {pair[1]}, found none to train "
                "on",
                "leave this pair out",
            )
    pairs = pairs_there(pools, settings, kind)
    if not pairs:
        there = [code for place, code in enumerate(codes) if pools.sizes[:, place, place].any()]
        crosses = not any(kind.pairs(code, code) for code in codes)
        if crosses and len(there) < 2:
            raise RecipeError(
                f"expected two languages or more for {kind.name} batches, found "
                f"{', '.join(there) or 'none'}",
                "choose --strategy monolingual, or more languages",
            )
        raise SourceError(
            f"expected rows for {kind.name} batches, found no question "
            + ("in two languages" if crosses else "to train on"),
        )
    return pairs


def pairs_there(pools: Pools, settings: BatchSettings, kind: BatchKind) -> list[tuple[int, int]]:
    """The pairs of languages that have rows for a kind of batch.

    Of two different languages, only those that the settings choose, if they do.
    """
    codes = pools.rows.languages
    chosen = None if settings.pairs is None else set(settings.pairs)

    def allowed(question: str, passage: str) -> bool:
        wanted = chosen is None or question == passage or (question, passage) in chosen
        return wanted and kind.pairs(question, passage)

    return [
        (int(question), int(passage))
        for question, passage in np.argwhere(np.any(pools.sizes, axis=0))
        if allowed(codes[question], codes[passage])
    ]


def _unit(
    kind: BatchKind,
    pools: Pools,
    settings: BatchSettings,
    cells: Sequence[tuple[int, int]],
    weights: Array,
    steps: int,
) -> Unit:
    """A unit whose rows are divided among pairs of languages, then among corpora."""
    strata: list[Stratum] = []
    wanted: list[int] = []
    totals = largest_remainder(weights, int(steps) * settings.batch_size)
    for cell, total in zip(cells, totals, strict=True):
        corpora = np.flatnonzero(pools.sizes[:, *cell])
        shares = pools.sizes[corpora, *cell] ** exponent(settings.source_weights)
        strata += [Stratum(int(corpus), *cell) for corpus in corpora]
        wanted += largest_remainder(shares, int(total)).tolist()
    sizes = np.full(int(steps), settings.batch_size)
    return Unit(kind, sizes, tuple(strata), np.array(wanted))


def _refuse_small(unit: Unit, pools: Pools, size: int) -> None:
    """An error where not even one batch can be filled."""
    distinct, what = pools.distinct(unit.strata, size)
    if distinct >= size:
        return
    where = ""
    if unit.kind.grouped:
        _, *pair = unit.strata[0]
        where = " in " + " → ".join(dict.fromkeys(pools.rows.languages[one] for one in pair))
    raise RecipeError(
        f"expected at least {size:,} distinct {what}{where} for {unit.kind.name} batches of "
        f"{size:,}, found {distinct:,} to train on",
        "choose a smaller --batch-size"
        + (", or leave the language out" if where else "")
        + _reserved(pools.rows),
    )


def _reserved(rows: Rows) -> str:
    """What validation takes, where it takes anything."""
    passages, reserved = (len(np.unique(one)) for one in (rows.group, rows.group[rows.reserved]))
    return (
        f", or --validation 0: {reserved:,} of {passages:,} passages are reserved"
        if reserved
        else ""
    )
