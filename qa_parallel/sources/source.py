"""QA data of any known layout, from files or the Hub, as CORPUS frames.

    source = open_source(SourceSettings(source="squad.json"))
    for frame in source.frames(1000):
        ...

A source is read twice in streaming fashion: once by `open_source`, which checks every row, counts,
and learns which ids stand for more than one question; then by each call of `frames`. So an error at
the end of the file shows before hours of translation, not after, ids do not depend on the order
of rows, and no more than 16 bytes a row are held.
"""

from __future__ import annotations

import glob
import itertools
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from qa_parallel import language_codes
from qa_parallel.errors import SourceError
from qa_parallel.places import Place
from qa_parallel.schema import CORPUS, text_id
from qa_parallel.sources import readers
from qa_parallel.sources.account import Account
from qa_parallel.sources.counts import Counts, usable
from qa_parallel.sources.examples import Example, read_examples
from qa_parallel.sources.files import STDIN
from qa_parallel.sources.folding import Folding
from qa_parallel.sources.identify import SAMPLE, code_of, identify, pivot_for, warning
from qa_parallel.sources.layouts import HEAD, Layout, find_layout, has_pivot
from qa_parallel.sources.parts import Part, on_disk, on_hub
from qa_parallel.sources.settings import AUTO, SourceSettings
from qa_parallel.sources.tags import ENGLISH, pair_of, read_tag

# Fields that a corpus has no place for.
ASIDE = ("negatives",)
# Columns that tell a corpus of ours, and those of them that say where a row comes from.
OURS = frozenset({"qa_id", "passage_id", "language", "question", "source", "source_row"})
PROVENANCE = (
    *("passage_id", "answers", "answer_sentences", "source", "source_row", "license"),
    *("translated_from", "translator", "question_logprob", "answer_logprob", "passage_logprob"),
    "flags",
)


@dataclass
class Source:
    """An opened source; `open_source` makes it.

    Attributes
    ----------
    name:
        "file-name@digest" (12 digits) or "org/name@commit".
    digest:
        SHA-256 of the file, of a folder's files with their names, or the Hub commit.
    license:
        None where it is not known.
    language:
        Code of the language of its rows.
    counts, account:
        Of the whole source up to the limit, complete once it is open: what became of its rows, and
        what was read as what.
    """

    settings: SourceSettings
    name: str
    digest: str
    license: str | None
    language: str
    counts: Counts = field(default_factory=Counts)
    account: Account = field(default_factory=Account)
    _parts: Sequence[Part] = ()
    _said: Counter[str] = field(default_factory=Counter, repr=False)
    _keep: np.ndarray[Any, np.dtype[np.bool_]] = field(
        default_factory=lambda: np.zeros(0, dtype=np.bool_), repr=False
    )
    _shared: frozenset[int] = field(default=frozenset(), repr=False)

    @property
    def total(self) -> int | None:
        """Rows that `frames` yields. None would mean that it is not known beforehand."""
        return self.counts.kept

    def frames(self, size: int) -> Iterator[pl.DataFrame]:
        """CORPUS rows in source order, `size` to a frame, fewer only in the last.

        Raises
        ------
        SourceError
            The source has changed since it was opened, or cannot be read any more.
        """
        if size < 1:
            raise SourceError(f"expected frames of at least 1 row, found {size}")
        rows = self._rows()
        schema = pl.Schema({**CORPUS, **dict.fromkeys(self.settings.keep, pl.String())})
        while batch := list(itertools.islice(rows, size)):
            yield pl.DataFrame(batch, schema=schema, orient="row")

    def _rows(self) -> Iterator[dict[str, Any]]:
        seen = 0
        for row in itertools.islice(self._candidates(), len(self._keep)):
            keep = self._keep[seen]
            seen += 1
            if not keep:
                continue
            if self._shared and _hash(row["qa_id"]) in self._shared:
                row["qa_id"] = distinct_id(
                    row["qa_id"], row["question"], row["answer"], row["passage"]
                )
            if row["passage_id"] is None:
                row["passage_id"] = row["qa_id"]
            yield row
        if seen < len(self._keep):
            raise SourceError(
                f"expected {len(self._keep)} rows in {self.name}, found {seen}: it has changed",
                "start again",
            )

    def _survey(self) -> None:
        """Read all once: count, find duplicates and ids with several meanings."""
        ids, contents = array("Q"), array("Q")
        distinct: set[int] = set()
        counts, limit = self.counts, self.settings.limit
        folding = Folding()
        sample: list[str] = []
        for row in self._candidates(counts, self.account, folding):
            if len(sample) < SAMPLE:
                sample.append(f"{row['question']} {(row['passage'] or row['answer'] or '')}")
            key = _hash(row["qa_id"]), _hash(row["question"], row["answer"], row["passage"])
            ids.append(key[0])
            contents.append(key[1])
            if limit is not None:
                distinct.add(hash(key))
                if len(distinct) == limit:
                    break
        self.account.refuse_unread()
        if len(ids) and "question" not in self.settings.columns:
            folding.refuse(self.account.fields["question"].paths, self.settings.source)
        id_column, content_column = (np.frombuffer(part, np.uint64) for part in (ids, contents))
        if not len(id_column):
            others = ", ".join(code for code, _ in self._said.most_common(5))
            raise SourceError(
                f"expected at least one question in {self.settings.source}, found none ({counts})",
                f"its rows say that they are in {others}: give that as source_language"
                if others
                else "check the data and the columns option",
            )
        if told := warning(sample, self.language):
            self.account.warnings.append(told)
        # sorted by id, content and place, the first row of each pair is the one to keep
        order = np.lexsort((content_column, id_column))
        new_id = np.ones(len(order), np.bool_)
        new_id[1:] = np.diff(id_column[order]) != 0
        new_pair = new_id.copy()
        new_pair[1:] |= np.diff(content_column[order]) != 0
        self._keep = np.zeros(len(order), np.bool_)
        self._keep[order[new_pair]] = True
        again = id_column[order][new_pair & ~new_id]  # further contents of an id
        self._shared = frozenset(again.tolist())
        counts.kept = int(self._keep.sum())
        counts.duplicates = len(order) - counts.kept
        counts.renamed = int(np.isin(id_column[self._keep], again).sum())

    def _candidates(
        self,
        counts: Counts | None = None,
        account: Account | None = None,
        folding: Folding | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Rows that have a question, duplicates among them, with the source's own ids."""
        counts, account, folding = counts or Counts(), account or Account(), folding or Folding()
        for part in self._parts:
            records = part.records(account.notes)
            head = list(itertools.islice(records, HEAD))
            if not head:
                continue
            first = [record for _, record in head]
            folding.look(first)
            layout = self._layout(first, account, part)
            seen = {key for record in first for key in record}
            for place, record in itertools.chain(head, records):
                if not seen.issuperset(record):
                    # A column that no earlier record had: it may be one that is wanted.
                    seen.update(record)
                    first.append(record)
                    layout = self._layout(first, account, part)
                where = f"{part.where}:{place}"
                for number, example in enumerate(read_examples(record, layout, account, where)):
                    if number == 0:
                        folding.see(example.question)
                    other = other_language(example.language, self.language)
                    if other is not None:
                        counts.read += 1
                        counts.other_language += 1
                        self._said[other] += 1
                    elif usable(example, counts):
                        yield self._row(example, f"{part.label}{place}", record)

    def _layout(self, head: list[readers.Record], account: Account, part: Part) -> Layout:
        settings = self.settings
        if (pair := pair_of(part.name)) and has_pivot(head) and self.language not in pair:
            raise SourceError(
                f"expected questions in {self.language}, found {' and '.join(pair)} in "
                f"{part.where}",
                "choose one of these",
            )
        layout = find_layout(
            head, settings.columns, self.language, part.where, settings.keep,
            pivot=pivot_for(head, part.name),
        )  # fmt: skip
        account.lay(layout, dict.fromkeys(key for record in head for key in record), ASIDE)
        return layout

    def _row(self, example: Example, place: str, record: readers.Record) -> dict[str, Any]:
        texts = example.question, example.answer, example.passage
        row: dict[str, Any] = dict.fromkeys(CORPUS)
        row.update(
            qa_id=example.id or text_id("q", *texts),
            passage_id=text_id("p", example.passage) if example.passage else None,
            language=self.language,
            title=example.title,
            question=example.question,
            answer=example.answer,
            answers=example.answers or None,
            passage=example.passage,
            sentence_breaks=example.sentence_breaks,
            answer_start=example.answer_start,
            answer_method=example.answer_method,
            split=example.split or self.settings.split,
            source=self.name,
            source_row=place,
            license=example.license or self.license,
            flags=[],
            **example.keep,
        )
        if is_ours(record):  # where it came from, not that it came by way of us
            row |= {name: record[name] for name in PROVENANCE if record.get(name) is not None}
        return row


def open_source(settings: SourceSettings) -> Source:
    """Open and check QA data; reads all of it once, up to the limit.

    The questions keep their ids. Where one id stands for several questions, each gets the digest of
    its texts as well ("12-5f0c..."), whatever the order of rows; which ids those are is told from
    the rows up to the limit. Rows without an id get one made from question, answer and passage.
    Of several answers the first is the answer, all of them are `answers`.

    Raises
    ------
    SourceError
        The source is missing, empty, broken, of an unknown layout, or out of reach.

    Examples
    --------
    >>> source = open_source(SourceSettings(source="faq.csv"))  # doctest: +SKIP
    >>> source.name, source.total, str(source.counts)  # doctest: +SKIP
    ('faq.csv@0c1d5f7a9b3e', 120, 'read 122, kept 120, duplicates 2, without id 120')
    """
    place = Place.of(settings.source)
    matched = glob.has_magic(settings.source) and not place.trouble
    if place.exists or settings.source in STDIN or matched:
        found = on_disk(settings, place.path)
    elif place.is_hub_id and not readers.is_known(place.path):
        found = on_hub(settings)
    else:
        raise SourceError(
            f"expected an existing path or a Hub id org/name, found {place}",
            "check the path; a Hub id names its owner too, for example rajpurkar/squad",
        )
    source = Source(
        settings,
        found.name,
        found.digest,
        settings.license or found.license,
        _language(settings, found.parts),
        account=Account(notes=found.notes),
        _parts=found.parts,
    )
    source._survey()
    return source


def is_ours(record: readers.Record) -> bool:
    """Whether a record is a row of a corpus of ours."""
    return record.keys() >= OURS


def other_language(tag: str | None, language: str) -> str | None:
    """The language that a row says, if it is not the one that is read; None where it says none.

    >>> other_language("de", "eng_Latn"), other_language("en-GB", "eng_Latn")
    ('deu_Latn', None)
    >>> other_language("zh", "zho_Hant"), other_language("python", "eng_Latn")
    (None, None)
    """
    said = read_tag(tag) if tag else None
    if tag is None or said is None or said == language:
        return None
    known = language_codes.LANGUAGES.get(language)
    # a macrolanguage is any of its members: "ar", "zh"
    return None if known and tag.strip().lower() == known.iso639_1 else said


def _language(settings: SourceSettings, parts: Sequence[Part]) -> str:
    """The language that was given; of a corpus of ours the one that its rows say."""
    asked = settings.source_language
    if asked != AUTO and "source_language" in settings.model_fields_set:
        return asked
    head = next((head for part in parts if (head := _head(part))), [])
    if head and is_ours(head[0]):
        said = str(head[0]["language"])
        return said if said in language_codes.LANGUAGES else asked
    if asked != AUTO:
        return asked
    return _identified(settings, head)


def _head(part: Part) -> list[readers.Record]:
    return [record for _, record in itertools.islice(part.records(Counter()), HEAD)]


def _identified(settings: SourceSettings, head: list[readers.Record]) -> str:
    """The language that the rows say, else what they look like."""
    layout = find_layout(head, settings.columns, ENGLISH, settings.source)
    examples = [one for record in head for one in read_examples(record, layout)]
    said = {read_tag(one.language) for one in examples if one.language} - {None}
    if len(said) == 1:
        code = said.pop()
    else:
        texts = [f"{one.question or ''} {one.passage or one.answer or ''}" for one in examples]
        code = code_of(identify(texts))
    if code is None or code not in language_codes.LANGUAGES:
        raise SourceError(
            f"expected a language that can be told from {settings.source}, found none for sure",
            "give it as source_language",
        )
    return code


def distinct_id(qa_id: str, question: str | None, answer: str | None, passage: str | None) -> str:
    """The id of a question whose source gives `qa_id` to several: a digest of its texts follows."""
    return f"{qa_id}-{text_id('', question, answer, passage)}"


def _hash(*texts: str | None) -> int:
    return int(text_id("", *texts), 16)
