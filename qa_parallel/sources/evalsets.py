"""Evaluation sets of any known layout: queries, candidates, and which belong together.

    evalset = open_evalset(EvalSettings(name="xquad-r", path="xquad-r"))
    evalset.queries, evalset.candidates, evalset.qrels

Nothing is left out that a model is judged on: questions without an answer are queries as well.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel import hub
from qa_parallel.errors import SourceError
from qa_parallel.places import Place
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES, text_id
from qa_parallel.sources import beir, readers
from qa_parallel.sources.account import Account, FieldAccount
from qa_parallel.sources.files import File, choose_split, find_files, names_of, split_of
from qa_parallel.sources.items import LAYOUTS, Item, Side, read_items
from qa_parallel.sources.layouts import column_names
from qa_parallel.sources.settings import MISSING, EvalSettings, are_numbers
from qa_parallel.sources.tags import (
    ENGLISH,
    folder_languages,
    language_of,
    passages_of,
)
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import read_corpus
from qa_parallel.storage.folders import DATA

# Of the splits that files are named by, the one that is evaluated on where none is asked for.
_SPLITS = ("test", "validation", "train")
# An id that counts ("12", "q-000123", "train_17"): equal ones in two sets mean nothing.
_COUNTER = re.compile(r"\D*\d{0,9}(\D+\d{1,4})?\D*")


@dataclass(frozen=True)
class EvalSet:
    """An evaluation set in tables.

    Attributes
    ----------
    name, source, digest:
        The name that was given; "file-name@digest" or "org/name@commit"; the whole digest.
    queries, candidates, qrels:
        QUERIES, CANDIDATES, QRELS. A set without passages has no candidates. Judgements of
        documents that are not among the candidates stay: they count in denominators.
    missing:
        Which share of the judged documents may be missing, as in `EvalSettings`.
    account:
        What was read as what.
    """

    name: str
    source: str
    digest: str
    queries: pl.DataFrame
    candidates: pl.DataFrame
    qrels: pl.DataFrame
    missing: float = MISSING
    account: Account = field(default_factory=Account)

    @property
    def languages(self) -> list[str]:
        """Codes of the languages that it has queries or candidates in."""
        return sorted({*self.queries["language"], *self.candidates["language"]})


def open_evalset(settings: EvalSettings, *, judged: bool = False) -> EvalSet:
    """Read an evaluation set whole.

    Parameters
    ----------
    judged:
        Of a BEIR or MIRACL folder only the candidates that are judged relevant, not the collection
        around them, which may be all of Wikipedia.

    Raises
    ------
    SourceError
        It is missing, empty, broken or in a layout that is not known.

    Examples
    --------
    >>> evalset = open_evalset(EvalSettings(name="x", path="xquad-r"))  # doctest: +SKIP
    >>> evalset.queries.height, evalset.candidates.height  # doctest: +SKIP
    (13090, 13014)
    """
    place = Place.of(settings.path)
    path = place.path
    account = Account()
    if place.is_folder:
        digest = _digest(path)
        tables = _folder(settings, path, judged, account)
    elif not place.trouble and (files := find_files(settings.path, path, readers.known_format)):
        _refuse_hub_settings(settings)
        digest = files[0].digest() if len(files) == 1 else _digest(path)
        tables = _from_items(settings, _files(settings, files, account))
    elif place.is_hub_id and not readers.is_known(path):
        commit, _ = hub.dataset_commit(settings.path, settings.revision)
        tables = _from_items(settings, _hub(settings, commit, account))
        return _whole(settings, f"{settings.path}@{commit}", commit, tables, account)
    else:
        raise SourceError(
            f"{settings.name}: expected an evaluation set, found nothing at {place}",
            f"give {LAYOUTS}",
        )
    return _whole(settings, f"{path.resolve().name}@{digest[:12]}", digest, tables, account)


def counts_only(local_id: str) -> bool:
    """Whether an id merely counts, so that another set may well have it for another question.

    >>> counts_only("qs-034"), counts_only("56beb4343aeaaa14008c925b")
    (True, False)
    """
    return _COUNTER.fullmatch(local_id) is not None


Tables = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


def _whole(
    settings: EvalSettings, source: str, digest: str, tables: Tables, account: Account
) -> EvalSet:
    queries, candidates, qrels = tables
    account.refuse_unread()
    if not queries.height and not candidates.height:
        raise SourceError(
            f"{settings.name}: expected questions or passages, found none in {settings.path}",
            "check the file, and its columns: NAME=PATH?question=COLUMN",
        )
    if not account.fields:  # of a layout that is read without looking for columns
        account.rows = queries.height
        account.fields = {
            "question": FieldAccount(["queries"], found=queries.height),
            "answer": FieldAccount(["answers"], found=queries["answer"].count()),
            "passage": FieldAccount(["documents"], found=candidates.height),
        }
    return EvalSet(
        settings.name, source, digest, queries, candidates, qrels, settings.missing, account
    )


def _folder(settings: EvalSettings, path: Path, judged: bool, account: Account) -> Tables:
    if (path / folders.MANIFEST).is_file() and (path / DATA).is_dir():
        return _from_items(settings.model_copy(update={"parallel": True}), _corpus(path))
    if folders.is_unfinished(path):
        raise SourceError(
            f"{settings.name}: expected a whole corpus in {path}, found one that is half-written",
            "start the command that makes it again; it continues where it stopped",
        )
    _refuse_hub_settings(settings)
    if beir.is_beir(path):
        return _beir(settings, path, judged)
    inner = [one for one in sorted(path.iterdir()) if one.is_dir() and beir.is_beir(one)]
    if inner:
        return _stack(_beir(settings, one, judged, among=inner) for one in inner)
    files = find_files(settings.path, path, readers.known_format)
    if not files:
        names = ", ".join(sorted(one.name for one in path.iterdir())[:5]) or "nothing"
        raise SourceError(
            f"{settings.name}: expected an evaluation set in {path}, found {names}",
            f"known are {LAYOUTS}",
        )
    return _from_items(settings, _files(settings, files, account))


def _beir(settings: EvalSettings, folder: Path, judged: bool, among: Sequence[Path] = ()) -> Tables:
    """A retrieval set; of several in a folder, each must say its language."""
    named = settings.language or language_of(folder.name)
    if named is None and len(among) > 1:
        raise SourceError(
            f"{settings.name}: expected a language in the name of each folder, found {folder.name}",
            "name it by its language, or give it alone with ?language=CODE",
        )
    language = named or ENGLISH
    return beir.read(
        folder, settings.name, language, settings.split, judged, settings.queries or language
    )


def _files(settings: EvalSettings, files: Sequence[File], account: Account) -> Iterator[Item]:
    """The items of files, each in the language that its name says."""
    asked = settings.split is not None
    split = settings.split or next(
        (one for one in _SPLITS if one in {split_of(file.label) for file in files}), "test"
    )
    chosen, others = choose_split(files, split, asked=asked, where=settings.path)
    if others:
        account.notes[f"files of other splits: {names_of(others)}"] = 0
    languages: dict[str, str | None] = {chosen[0].label: language_of(chosen[0].name)}
    if len(chosen) > 1 and settings.language is None:
        languages = folder_languages([file.label for file in chosen], settings.path)
        if None in languages.values():
            account.notes["in English, since no file names a language"] = 0
    for file in chosen:
        yield from _file(settings, file, languages.get(file.label), account)


def _file(
    settings: EvalSettings, file: File, named: str | None, account: Account
) -> Iterator[Item]:
    asked = settings.language
    side = Side(
        settings.queries or asked or named,
        asked if settings.queries else None if asked else passages_of(file.name),
        file.name,
    )
    how = readers.Reading(
        settings.encoding,
        side.language or ENGLISH,
        header=not are_numbers(settings.columns),
        known=column_names(settings.columns),
        notes=account.notes,
    )
    if how.header and beir.is_topics(file):
        code = side.language or ENGLISH
        for qid, text in beir.read_topics(file):
            yield Item(code, code, code, qid, "", qid, None, text, None, None, None, ())
        return
    yield from read_items(settings, readers.read_records(file, how), side, str(file), account)


def _hub(settings: EvalSettings, commit: str, account: Account) -> Iterator[Item]:
    records = hub.dataset_records(settings.path, settings.config, settings.split or "test", commit)
    asked = settings.language
    side = Side(
        settings.queries or asked or language_of(settings.config or ""),
        asked if settings.queries else None,
    )
    return read_items(settings, records, side, settings.path, account)


def _refuse_hub_settings(settings: EvalSettings) -> None:
    """A file has no configuration and no revision."""
    for name in ("config", "revision"):
        if getattr(settings, name) is not None:
            raise SourceError(
                f"{settings.name}: expected {name} for a Hub data set, found it for the files of "
                f"{settings.path}",
                f"leave {name} out",
            )


def _corpus(path: Path) -> Iterator[Item]:
    for row in read_corpus(path).iter_rows(named=True):
        breaks = row["sentence_breaks"]
        relevant = row["answer_sentences"] if breaks else [0]
        yield Item(
            row["language"],
            row["language"],
            row["language"],
            row["qa_id"],
            "",
            row["qa_id"],
            row["title"],
            row["question"],
            row["answer"],
            row["passage"],
            breaks or None,
            relevant or (),
        )


def _from_items(settings: EvalSettings, items: Iterable[Item]) -> Tables:
    rows = list(items)
    joined = settings.parallel if settings.parallel is not None else _are_parallel(rows)
    repeated = _repeated(rows)
    queries: dict[str, tuple[Any, ...]] = {}
    candidates: dict[str, tuple[Any, ...]] = {}
    qrels: dict[tuple[str, str], int] = {}
    for item in rows:
        home = f"{settings.name}/{item.language}"
        found = list(_candidates(item, settings.name))
        candidates.update((row[0], row) for row in found if row[0] not in candidates)
        if item.question is None:
            continue
        key = item.key if (item.origin, item.key) not in repeated else f"{item.key}-{item.digest}"
        qa_id = f"{settings.name}/{key}" if joined else f"{settings.name}/{item.origin}/{key}"
        own = key if item.origin == item.language else f"{item.origin}-{key}"
        ids = (f"{home}/{own}", settings.name, item.language, qa_id, item.local_id)
        queries.setdefault(ids[0], (*ids, item.question, item.answer))
        for number in item.relevant if found else ():
            qrels[qa_id, found[number][0]] = 1
    return (
        pl.DataFrame(list(queries.values()), schema=QUERIES, orient="row"),
        pl.DataFrame(list(candidates.values()), schema=CANDIDATES, orient="row"),
        pl.DataFrame([(*key, one) for key, one in qrels.items()], schema=QRELS, orient="row"),
    )


def _candidates(item: Item, name: str) -> Iterator[tuple[Any, ...]]:
    if item.passage is None:
        return
    home = f"{name}/{item.passage_language}"
    passage = text_id("p", item.passage)
    for number, (start, end) in enumerate(item.breaks or [(0, len(item.passage))]):
        own = f"{passage}-{number}" if item.breaks else passage
        text = item.passage[start:end]
        yield (
            f"{home}/{own}", name, item.passage_language, None, item.title, text, item.passage,
            f"{home}/{passage}", start, end,
        )  # fmt: skip


def _repeated(items: Iterable[Item]) -> set[tuple[str, str]]:
    """(origin, key) of ids that stand for several questions."""
    distinct = {(item.origin, item.key, item.digest) for item in items}
    counts = Counter((origin, key) for origin, key, _ in distinct)
    return {pair for pair, count in counts.items() if count > 1}


def _are_parallel(items: Iterable[Item]) -> bool:
    """Whether equal ids in files of several languages mean one question."""
    keys: dict[str, set[str]] = {}
    english: dict[str, str | None] = {}
    for item in items:
        keys.setdefault(item.origin, set()).add(item.key)
        # beside two questions of one id stands one English question, or the id means nothing
        if (
            item.origin != item.language
            and english.setdefault(item.key, item.question) != item.question
        ):
            return False
    every = set().union(*keys.values())
    return not any(map(counts_only, every)) or all(
        len(some) >= 0.9 * len(every) for some in keys.values()
    )


def _stack(tables: Iterable[Tables]) -> Tables:
    queries, candidates, qrels = zip(*tables, strict=True)
    return pl.concat(queries), pl.concat(candidates), pl.concat(qrels)


def _digest(path: Path) -> str:
    """SHA-256 of a file, or of the list of a folder's files with theirs."""
    if path.is_file():
        return store.digest(path)
    files = sorted(one for one in path.rglob("*") if one.is_file() and not one.name.startswith("."))
    listing = "".join(f"{store.digest(one)}  {one.relative_to(path)}\n" for one in files)
    return hashlib.sha256(listing.encode("utf-8", "surrogateescape")).hexdigest()
