"""Evaluation sets of any known layout: queries, candidates, and which belong together.

    evalset = open_evalset(EvalSettings(name="xquad-r", path="xquad-r"))
    evalset.queries, evalset.candidates, evalset.qrels

Nothing is left out that a model is judged on: questions without an answer are queries as well.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel import hub, language_codes
from qa_parallel.errors import LanguageError, SourceError
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES, text_id
from qa_parallel.sources import beir, readers
from qa_parallel.sources.account import Account, FieldAccount
from qa_parallel.sources.examples import Example, read_examples
from qa_parallel.sources.folding import Folding
from qa_parallel.sources.layouts import ENGLISH_ONLY, HEAD, find_layout
from qa_parallel.sources.settings import EvalSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import read_corpus
from qa_parallel.storage.folders import DATA

LAYOUTS = (
    "LAReQA or SQuAD JSON, JSON lines, CSV, parquet or TSV topics, a folder of such files named by "
    "language, a BEIR or MIRACL folder, a corpus of qa-parallel, or a Hub id"
)
ENGLISH = "eng_Latn"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
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
        QUERIES, CANDIDATES, QRELS. A set without passages has no candidates.
    account:
        What was read as what.
    """

    name: str
    source: str
    digest: str
    queries: pl.DataFrame
    candidates: pl.DataFrame
    qrels: pl.DataFrame
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
    path = Path(settings.path).expanduser()
    account = Account()
    if path.is_dir():
        tables = _folder(settings, path, judged, account)
    elif path.is_file():
        tables = _from_items(settings, _file(settings, path, account))
    elif _HUB_ID.fullmatch(settings.path) and not readers.is_known(path):
        commit, _ = hub.dataset_commit(settings.path, settings.revision)
        tables = _from_items(settings, _hub(settings, commit, account))
        return _whole(settings, f"{settings.path}@{commit}", commit, tables, account)
    else:
        raise SourceError(
            f"{settings.name}: expected an evaluation set, found nothing at {settings.path}",
            f"give {LAYOUTS}",
        )
    digest = _digest(path)
    return _whole(settings, f"{path.resolve().name}@{digest[:12]}", digest, tables, account)


def counts_only(local_id: str) -> bool:
    """Whether an id merely counts, so that another set may well have it for another question.

    >>> counts_only("qs-034"), counts_only("56beb4343aeaaa14008c925b")
    (True, False)
    """
    return _COUNTER.fullmatch(local_id) is not None


def language_of(name: str) -> str | None:
    """The language that a file or folder is named by; None where there is none.

    >>> language_of("de.json"), language_of("xquad.zh.json"), language_of("miracl-v1.0-sw")
    ('deu_Latn', 'zho_Hans', 'swh_Latn')
    >>> language_of("dev-context-en-question-de.json"), language_of("train.jsonl")
    ('deu_Latn', None)
    """
    stem = name
    while stem and readers.is_known(Path(stem)):
        stem = stem.removesuffix(".gz")
        stem = stem[: stem.rindex(".")]
    parts = stem.split(".")
    for part in (stem, *parts, re.split(r"[-_]", parts[-1])[-1]):
        if re.fullmatch(r"[A-Za-z]{2,3}([-_][A-Za-z]{2,4})?", part):
            try:
                return language_codes.parse(part)
            except LanguageError:
                continue
    return None


Tables = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]


@dataclass(frozen=True, slots=True)
class _Item:
    """One question in one language, and the passage that belongs to it."""

    language: str
    origin: str  # the language of the file; another one where it has its questions in English too
    key: str  # the same for the translations of a question, where ids are
    digest: str  # tells questions of one id apart
    local_id: str | None
    title: str | None
    question: str | None
    answer: str | None
    passage: str | None
    breaks: Sequence[Sequence[int]] | None
    relevant: Sequence[int]  # sentences that hold the answer; the passage where it has none


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
    return EvalSet(settings.name, source, digest, queries, candidates, qrels, account)


def _folder(settings: EvalSettings, path: Path, judged: bool, account: Account) -> Tables:
    if (path / folders.MANIFEST).is_file() and (path / DATA).is_dir():
        return _from_items(settings.model_copy(update={"parallel": True}), _corpus(path))
    if folders.is_unfinished(path):
        raise SourceError(
            f"{settings.name}: expected a whole corpus in {path}, found one that is half-written",
            "start the command that makes it again; it goes on where it stood",
        )
    if beir.is_beir(path):
        language = settings.language or language_of(path.name) or ENGLISH
        return beir.read(path, settings.name, language, settings.split, judged)
    inner = [one for one in sorted(path.iterdir()) if one.is_dir() and beir.is_beir(one)]
    if inner:
        return _stack(
            beir.read(one, settings.name, _language(settings, one), settings.split, judged)
            for one in inner
        )
    files = [
        one
        for one in sorted(path.iterdir())
        if one.is_file() and not one.name.startswith(".") and readers.is_known(one)
    ]
    if not files:
        names = ", ".join(sorted(one.name for one in path.iterdir())[:5]) or "nothing"
        raise SourceError(
            f"{settings.name}: expected an evaluation set in {path}, found {names}",
            f"known are {LAYOUTS}",
        )
    return _from_items(
        settings, itertools.chain.from_iterable(_file(settings, f, account) for f in files)
    )


def _language(settings: EvalSettings, path: Path) -> str:
    return settings.language or language_of(path.name) or ENGLISH


def _file(settings: EvalSettings, path: Path, account: Account) -> Iterator[_Item]:
    language = _language(settings, path)
    if beir.is_topics(path):
        for qid, text in beir.read_topics(path):
            yield _Item(language, language, qid, "", qid, None, text, None, None, None, ())
        return
    yield from _records(settings, readers.read_records(path), language, str(path), account)


def _hub(settings: EvalSettings, commit: str, account: Account) -> Iterator[_Item]:
    records = hub.dataset_records(settings.path, settings.config, settings.split or "test", commit)
    language = settings.language or language_of(settings.config or "") or ENGLISH
    return _records(settings, records, language, settings.path, account)


def _records(
    settings: EvalSettings, records: readers.Records, language: str, where: str, account: Account
) -> Iterator[_Item]:
    """Questions in the language of the file, and in English where it has them in English too."""
    head = list(itertools.islice(records, HEAD))
    first = [record for _, record in head]
    if not first:
        return
    bilingual = language != ENGLISH and any(ENGLISH_ONLY.intersection(record) for record in first)
    try:
        layouts = {
            code: find_layout(first, settings.columns, code, where)
            for code in ([language, ENGLISH] if bilingual else [language])
        }
    except SourceError as error:
        if settings.columns:
            raise
        keys = ", ".join(list(first[0])[:8]) or "none"
        raise SourceError(
            f"{settings.name}: expected an evaluation set, found keys {keys} in {where}",
            f"known are {LAYOUTS}; or name the columns: {settings.name}=PATH?question=COLUMN",
        ) from error
    columns = dict.fromkeys(itertools.chain.from_iterable(first))
    for layout in layouts.values():
        account.lay(layout, columns)
    folding = Folding()
    folding.look(first)
    for place, record in itertools.chain(head, records):
        account.lay_columns(record)
        sides = [
            [(code, one) for one in read_examples(record, layout, account, f"{where}:{place}")]
            for code, layout in layouts.items()
        ]
        folding.see(sides[0][0][1].question if sides[0] else None)
        for turn in _turns(sides):
            yield from _items(turn, language)
    if "question" not in settings.columns:
        folding.refuse([layout.words("question") for layout in layouts.values()], where)


def _turns(sides: Sequence[Sequence[tuple[str, Example]]]) -> Iterator[list[tuple[str, Example]]]:
    """The examples of one question each: one question has several where it has several passages,
    and where its languages stand side by side."""
    if len(sides) > 1:
        yield [one for side in sides for one in side]
        return
    for _, group in itertools.groupby(sides[0], key=lambda one: (one[1].id, one[1].question)):
        yield list(group)


def _items(examples: Sequence[tuple[str, Example]], origin: str) -> Iterator[_Item]:
    """One question's items: with each passage, and those passages that do not belong to it."""
    digest = text_id("", *dict.fromkeys(one.question or one.passage for _, one in examples))
    wrong: dict[tuple[str, str], str | None] = {}
    for code, one in examples:
        holding = () if one.unanswerable else _holding(one.sentence_breaks, one.answer_start)
        yield _Item(
            code, origin, one.id or digest, digest, one.id, one.title, one.question, one.answer,
            one.passage, one.sentence_breaks, holding,
        )  # fmt: skip
        wrong.update(((code, text.text.strip()), text.title) for text in one.negatives)
    for (code, passage), title in wrong.items():
        if passage:
            yield _Item(code, code, digest, digest, None, title, None, None, passage, None, ())


def _holding(breaks: Sequence[Sequence[int]] | None, start: int | None) -> list[int]:
    """The sentence that holds the answer: the last one that begins at or before its start."""
    if breaks is None:
        return [0]
    before = [number for number, (first, _) in enumerate(breaks) if first <= (start or 0)]
    return [] if start is None else before[-1:]


def _corpus(path: Path) -> Iterator[_Item]:
    for row in read_corpus(path).iter_rows(named=True):
        breaks = row["sentence_breaks"]
        relevant = row["answer_sentences"] if breaks else [0]
        yield _Item(
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


def _from_items(settings: EvalSettings, items: Iterable[_Item]) -> Tables:
    rows = list(items)
    joined = settings.parallel if settings.parallel is not None else _are_parallel(rows)
    repeated = _repeated(rows)
    queries: dict[str, tuple[Any, ...]] = {}
    candidates: dict[str, tuple[Any, ...]] = {}
    qrels: dict[tuple[str, str], int] = {}
    for item in rows:
        home = f"{settings.name}/{item.language}"
        found = list(_candidates(item, settings.name, home))
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


def _candidates(item: _Item, name: str, home: str) -> Iterator[tuple[Any, ...]]:
    if item.passage is None:
        return
    passage = text_id("p", item.passage)
    for number, (start, end) in enumerate(item.breaks or [(0, len(item.passage))]):
        own = f"{passage}-{number}" if item.breaks else passage
        text = item.passage[start:end]
        yield (
            f"{home}/{own}", name, item.language, None, item.title, text, item.passage,
            f"{home}/{passage}", start, end,
        )  # fmt: skip


def _repeated(items: Iterable[_Item]) -> set[tuple[str, str]]:
    """(origin, key) of ids that stand for several questions."""
    distinct = {(item.origin, item.key, item.digest) for item in items}
    counts = Counter((origin, key) for origin, key, _ in distinct)
    return {pair for pair, count in counts.items() if count > 1}


def _are_parallel(items: Iterable[_Item]) -> bool:
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
