"""Records of an evaluation set → items: a question in a language, and a passage of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.schema import text_id
from qa_parallel.sources import readers
from qa_parallel.sources.account import Account
from qa_parallel.sources.examples import Example, read_examples
from qa_parallel.sources.folding import Folding
from qa_parallel.sources.identify import pivot_for
from qa_parallel.sources.layouts import (
    ALIASES,
    HEAD,
    Layout,
    find_layout,
    has_pivot,
    offered_languages,
)
from qa_parallel.sources.settings import EvalSettings
from qa_parallel.sources.tables import folded
from qa_parallel.sources.tags import ENGLISH, read_tag

LAYOUTS = (
    "LAReQA or SQuAD JSON, JSON lines, CSV, parquet or TSV topics, a folder of such files named by "
    "language, a BEIR or MIRACL folder, a corpus of qa-parallel, or a Hub id"
)
# What is said of rows of a set that say a language which was not asked for.
OTHERS = "rows in other languages left out"


@dataclass(frozen=True, slots=True)
class Item:
    """One question in one language, and a passage that belongs to it, or one that does not.

    Attributes
    ----------
    language, passage_language:
        Of the question and of the passage.
    origin:
        The language of the file; another one where it has its questions in English too.
    key:
        The same for the translations of a question, where ids are.
    digest:
        Tells questions of one id apart.
    relevant:
        Sentences that hold the answer; the passage where it has none.
    """

    language: str
    passage_language: str
    origin: str
    key: str
    digest: str
    local_id: str | None
    title: str | None
    question: str | None
    answer: str | None
    passage: str | None
    breaks: Sequence[Sequence[int]] | None
    relevant: Sequence[int]


@dataclass(frozen=True)
class Side:
    """The languages of a file.

    Attributes
    ----------
    language:
        Of its questions. None: its rows say it, else they are in English.
    passages:
        Of its passages. None: the same.
    name:
        Of the file, which may name the language of questions that stand beside native ones.
    """

    language: str | None
    passages: str | None = None
    name: str = ""


def read_items(
    settings: EvalSettings, records: readers.Records, side: Side, where: str, account: Account
) -> Iterator[Item]:
    """The questions of a file, in each language that it has them in.

    Raises
    ------
    SourceError
        No column of questions is known, or what is taken for one holds labels.
    """
    head = list(itertools.islice(records, HEAD))
    first = [record for _, record in head]
    if not first:
        return
    language = side.language or ENGLISH
    layouts = _layouts(settings, first, side, where)
    columns = dict.fromkeys(itertools.chain.from_iterable(first))
    for layout in layouts.values():
        account.lay(layout, columns)
    folding = Folding()
    folding.look(first)
    for place, record in itertools.chain(head, records):
        account.lay_columns(record)
        sides = [
            [
                (_said(one, code, layout, settings), one)
                for one in read_examples(record, layout, account, f"{where}:{place}")
            ]
            for code, layout in layouts.items()
        ]
        folding.see(sides[0][0][1].question if sides[0] else None)
        for turn in _turns(sides):
            known = [(code, one) for code, one in turn if code is not None]
            if len(known) < len(turn):
                account.notes[OTHERS] += 1
            yield from _items(known, language, side.passages)
    if "question" not in settings.columns:
        folding.refuse([layout.words("question") for layout in layouts.values()], where)


def _layouts(
    settings: EvalSettings, head: Sequence[Mapping[str, Any]], side: Side, where: str
) -> dict[str, Layout]:
    """Language → layout: two where native questions have English ones beside them, as many as a
    dictionary of languages has."""
    language = side.language or ENGLISH
    codes = [language]
    pivot = pivot_for(head, side.name)
    if has_pivot(head) and language != pivot:
        codes.append(pivot)
    elif side.language is None and "question" not in settings.columns:
        codes = offered_languages(head) or codes
    try:
        return {
            code: find_layout(head, settings.columns, code, where, pivot=pivot) for code in codes
        }
    except SourceError as error:
        known = any(folded(name) in ALIASES["question"] for record in head for name in record)
        if settings.columns or known:
            raise
        keys = ", ".join(list(head[0])[:8]) or "none"
        raise SourceError(
            f"{settings.name}: expected an evaluation set, found keys {keys} in {where}",
            f"known are {LAYOUTS}; or name the columns: {settings.name}=PATH?question=COLUMN",
        ) from error


def _said(example: Example, code: str, layout: Layout, settings: EvalSettings) -> str | None:
    """The language of a row: what it says itself; None where that is not what was asked for."""
    said = read_tag(example.language) if example.language else None
    if said is None or said == code:
        return code
    if settings.language is None and settings.queries is None:
        return said
    return code if "language" in layout.named else None


def _turns(
    sides: Sequence[Sequence[tuple[str | None, Example]]],
) -> Iterator[list[tuple[str | None, Example]]]:
    """The examples of one question each: one question has several where it has several passages,
    and where its languages stand side by side."""
    if len(sides) > 1:
        yield [one for side in sides for one in side]
        return
    for _, group in itertools.groupby(sides[0], key=lambda one: (one[1].id, one[1].question)):
        yield list(group)


def _items(
    examples: Sequence[tuple[str, Example]], origin: str, passages: str | None
) -> Iterator[Item]:
    """One question's items: with each passage, and those passages that do not belong to it."""
    digest = text_id("", *dict.fromkeys(one.question or one.passage for _, one in examples))
    wrong: dict[tuple[str, str], str | None] = {}
    for code, one in examples:
        holding = () if one.unanswerable else _holding(one.sentence_breaks, one.answer_start)
        yield Item(
            code, passages or code, origin, one.id or digest, digest, one.id, one.title,
            one.question, one.answer, one.passage, one.sentence_breaks, holding,
        )  # fmt: skip
        wrong.update(((code, text.text.strip()), text.title) for text in one.negatives)
    for (code, passage), title in wrong.items():
        if passage:
            yield Item(
                code,
                passages or code,
                code,
                digest,
                digest,
                None,
                title,
                None,
                None,
                passage,
                None,
                (),
            )


def _holding(breaks: Sequence[Sequence[int]] | None, start: int | None) -> list[int]:
    """The sentence that holds the answer: the last one that begins at or before its start."""
    if breaks is None:
        return [0]
    before = [number for number, (first, _) in enumerate(breaks) if first <= (start or 0)]
    return [] if start is None else before[-1:]
