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
import hashlib
import itertools
import os
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from qa_parallel import hub, language_codes
from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.schema import CORPUS, text_id
from qa_parallel.sources import readers
from qa_parallel.sources.account import Account
from qa_parallel.sources.examples import Example, read_examples
from qa_parallel.sources.files import STDIN, File, choose_split, find_files, names_of
from qa_parallel.sources.folding import Folding
from qa_parallel.sources.layouts import HEAD, Layout, column_names, find_layout
from qa_parallel.sources.settings import SourceSettings, are_numbers

# Fields that a corpus has no place for.
ASIDE = ("negatives",)

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass
class Counts:
    """What became of the questions of a source: its records, or their turns, and where a question
    has several passages, one with each.

    `read` = `kept` + `blank` + `without_question` + `unanswerable` + `duplicates`; the others count
    rows with a question, duplicates among them.

    >>> str(Counts(read=1200, kept=1190, duplicates=10))
    'read 1,200, kept 1,190, duplicates 10'
    """

    read: int = 0
    kept: int = 0
    blank: int = 0  # neither question nor answer nor passage
    without_question: int = 0
    unanswerable: int = 0  # marked so by the layout
    duplicates: int = 0  # the same id and the same texts as an earlier row
    without_id: int = 0  # id made from the texts
    renamed: int = 0  # the id stands for several questions, so a digest of the texts follows it
    unplaced: int = 0  # the answer was not found in the passage, or more than once
    repaired: int = 0  # characters that cannot be kept were replaced

    def __str__(self) -> str:
        shown = {item.name: getattr(self, item.name) for item in fields(self)}
        return ", ".join(
            f"{name.replace('_', ' ')} {count:,}"
            for name, count in shown.items()
            if count or name in ("read", "kept")
        )


@dataclass(frozen=True)
class _Part:
    """One file or one Hub split: where its rows come from, and how to read them again."""

    where: str  # for messages
    label: str  # begins `source_row`
    # told of what had to be settled on the way
    records: Callable[[Counter[str]], readers.Records]


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
    counts, account:
        Of the whole source up to the limit, complete once it is open: what became of its rows, and
        what was read as what.
    """

    settings: SourceSettings
    name: str
    digest: str
    license: str | None
    counts: Counts = field(default_factory=Counts)
    account: Account = field(default_factory=Account)
    _parts: Sequence[_Part] = ()
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
            if row["passage"] is None:
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
        for row in self._candidates(counts, self.account, folding):
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
            raise SourceError(
                f"expected at least one question in {self.settings.source}, found none ({counts})",
                "check the data and the columns option",
            )
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
            layout = self._layout(first, account, part.where)
            seen = {key for record in first for key in record}
            for place, record in itertools.chain(head, records):
                if not seen.issuperset(record):
                    # A column that no earlier record had: it may be one that is wanted.
                    seen.update(record)
                    first.append(record)
                    layout = self._layout(first, account, part.where)
                where = f"{part.where}:{place}"
                for number, example in enumerate(read_examples(record, layout, account, where)):
                    if number == 0:
                        folding.see(example.question)
                    if _usable(example, counts):
                        yield self._row(example, f"{part.label}{place}")

    def _layout(self, head: list[readers.Record], account: Account, where: str) -> Layout:
        settings = self.settings
        layout = find_layout(head, settings.columns, settings.source_language, where, settings.keep)
        account.lay(layout, dict.fromkeys(key for record in head for key in record), ASIDE)
        return layout

    def _row(self, example: Example, place: str) -> dict[str, Any]:
        texts = example.question, example.answer, example.passage
        row: dict[str, Any] = dict.fromkeys(CORPUS)
        row.update(
            qa_id=example.id or text_id("q", *texts),
            passage_id=text_id("p", example.passage),
            language=self.settings.source_language,
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
    # os.path, since pathlib raises for names that are too long and for homes of unknown users
    path = Path(os.path.expanduser(settings.source))  # noqa: PTH111
    if os.path.exists(path) or settings.source == STDIN or glob.has_magic(settings.source):  # noqa: PTH110
        source = _open_files(settings, path)
    elif _HUB_ID.fullmatch(settings.source) and not readers.is_known(path):
        source = _open_hub(settings)
    else:
        raise SourceError(
            f"expected an existing path or a Hub id org/name, found {settings.source!r}",
            "check the path; a Hub id names its owner too, for example rajpurkar/squad",
        )
    source._survey()
    return source


def folder_files(folder: Path) -> list[Path]:
    """The data files right inside a folder, sorted by name; others and hidden ones are left out.

    Raises
    ------
    SourceError
        There is none.
    """
    files = [
        path
        for path in sorted(folder.iterdir(), key=lambda path: path.name)
        if path.is_file() and not path.name.startswith(".") and readers.is_known(path)
    ]
    if not files:
        raise SourceError(
            f"expected data files ({', '.join(readers.READERS)}) in {folder}, found none",
            "give the folder that holds them directly, or one file",
        )
    return files


def distinct_id(qa_id: str, question: str | None, answer: str | None, passage: str | None) -> str:
    """The id of a question whose source gives `qa_id` to several: a digest of its texts follows."""
    return f"{qa_id}-{text_id('', question, answer, passage)}"


def _open_files(settings: SourceSettings, path: Path) -> Source:
    _refuse_hub_settings(settings)
    account = Account()
    how = readers.Reading(
        settings.encoding,
        settings.source_language,
        header=not are_numbers(settings.columns),
        known=column_names(settings.columns),
    )
    if path.is_dir() and (path / "manifest.json").is_file() and (path / "data").is_dir():
        raise SourceError(
            f"expected a file or a folder of files, found a corpus of several languages in {path}",
            f"give the folder of one language, {path / 'data' / settings.source_language}",
        )
    files = find_files(settings.source, path, readers.known_format)
    if not files:
        raise SourceError(
            f"expected data files ({', '.join(readers.READERS)}) in {settings.source}, found none",
            "give the folder that holds them, or one file",
        )
    if len(files) == 1 and not readers.known_format(files[0].format):
        raise SourceError(f"expected one of {', '.join(readers.READERS)}, found {files[0].name}")
    if path.is_dir() or len(files) > 1:
        _refuse_parallel(path, files)
        asked = "split" in settings.model_fields_set
        files, others = choose_split(files, settings.split, asked=asked, where=settings.source)
        if others:
            account.notes[f"files of other splits: {names_of(others)}"] = 0
    digest = _digest(files)
    parts = [
        _Part(
            str(file),
            f"{file.label}:",
            lambda notes, file=file: readers.read_records(file, replace(how, notes=notes)),  # type: ignore[misc]
        )
        for file in files
    ]
    called = files[0].name if len(files) == 1 and not path.is_dir() else path.resolve().name
    name = f"{called}@{digest[:12]}"
    return Source(settings, name, digest, settings.license, account=account, _parts=parts)


def _refuse_hub_settings(settings: SourceSettings) -> None:
    """A file has no configuration and no revision."""
    for name in ("config", "revision"):
        if getattr(settings, name) is not None:
            raise SourceError(
                f"expected {name} for a Hub data set, found it for the files of {settings.source}",
                f"leave {name} out",
            )


def _digest(files: Sequence[File]) -> str:
    """SHA-256 of a file, or of the list of several with theirs."""
    if len(files) == 1 and files[0].label == files[0].name and files[0].member is None:
        return files[0].digest()
    listing = "".join(f"{file.digest()}  {file.label}\n" for file in files)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()


def _open_hub(settings: SourceSettings) -> Source:
    repo, config, split = settings.source, settings.config, settings.split
    commit, licence = hub.dataset_commit(repo, settings.revision)
    part = _Part(
        f"{repo}, split {split}", "", lambda _: hub.dataset_records(repo, config, split, commit)
    )
    return Source(settings, f"{repo}@{commit}", commit, settings.license or licence, _parts=[part])


def _refuse_parallel(folder: Path, files: Sequence[File]) -> None:
    """A folder of en.json, de.json, ... is no source in one language."""
    try:
        codes = {language_codes.parse(re.split("[./]", file.label)[0]) for file in files}
    except LanguageError:
        return
    if len(codes) > 1:
        raise SourceError(
            f"expected data in one language, found {', '.join(sorted(codes))} in {folder}",
            "join parallel files with qa-parallel import, or give one of the files",
        )


def _usable(example: Example, counts: Counts) -> bool:
    """Whether a record becomes a row; counts it either way."""
    counts.read += 1
    if example.question is None:
        if example.answer is None and example.passage is None:
            counts.blank += 1
        else:
            counts.without_question += 1
        return False
    if example.unanswerable:
        counts.unanswerable += 1
        return False
    counts.without_id += example.id is None
    counts.unplaced += (
        example.answer is not None and example.passage is not None and example.answer_start is None
    )
    counts.repaired += example.repaired
    return True


def _hash(*texts: str | None) -> int:
    return int(text_id("", *texts), 16)
