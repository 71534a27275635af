"""Retrieval sets as BEIR and MIRACL lay them out: queries, documents, judgements.

    queries.jsonl                 {"_id", "text"}; MIRACL: topics/*.tsv, id <tab> text
    corpus.jsonl                  {"_id", "title", "text"}; MIRACL: docs-*.jsonl with "docid"
    qrels/test.tsv, dev.tsv ...   id, document, relevance with a header; or TREC's four columns,
                                  .txt, .trec or .qrels as well; JSON lines, CSV and parquet as
                                  {"query-id", "corpus-id", "score"}

A relevance is a whole number, 1 or 1.0. Files may be gzipped. What BEIR calls queries are those
of all its splits: only those with a judgement in the chosen split are taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.errors import SourceError
from qa_parallel.schema import CANDIDATES, QRELS, QUERIES
from qa_parallel.sources import readers
from qa_parallel.sources.files import File

# names of an id, and of a text, the first one present is taken
_ID = ("_id", "id", "docid", "query_id", "qid", "query-id", "corpus-id")
_TEXT = ("text", "query", "question", "contents")
# what stands in the first line of a file that has column names
_NAMES = frozenset((*_ID, *_TEXT, "score", "title", "answer", "context"))
# Columns of judgements, the first one present is taken.
_JUDGED = {
    "query": ("query-id", "query_id", "qid", "query", "topic"),
    "document": ("corpus-id", "corpus_id", "docid", "doc_id", "document-id", "document_id", "pid"),
    "relevance": ("score", "relevance", "rel", "label"),
}
# Judgements in columns of text, with or without a line of names.
_CELLS = (".tsv", ".txt", ".trec", ".qrels")
# What files of documents are named by
_DOCUMENTS = ("corpus", "docs", "collection")
_SPLITS = ("test", "dev", "validation")


def is_beir(folder: Path) -> bool:
    """Whether a folder is laid out as one retrieval set."""
    return bool(_files(folder, "queries") or _files(folder, "topics"))


def is_collection(folder: Path) -> bool:
    """Whether a folder has documents as well, which queries belong to."""
    return is_beir(folder) and any(_files(folder, name) for name in _DOCUMENTS)


def is_topics(path: Path | File) -> bool:
    """Whether a file is a list of topics: id, tab, text, without names of columns."""
    path = File.of(path)
    if path.format not in (".tsv", ".tab"):
        return False
    cells = next(readers.read_cells(path), (0, []))[1]
    return len(cells) == 2 and not _NAMES.intersection(cell.strip().lower() for cell in cells)


def read_topics(path: Path | File) -> Iterator[tuple[str, str]]:
    """The (id, text) pairs of a list of topics."""
    for number, cells in readers.read_cells(path):
        if len(cells) != 2 or not cells[0].strip():
            raise SourceError(
                f"expected an id, a tab and a text, found {len(cells)} columns at {path}:{number}"
            )
        yield cells[0].strip(), cells[1].strip()


def read(
    folder: Path,
    name: str,
    language: str,
    split: str | None = None,
    judged: bool = False,
    queries_language: str | None = None,
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """QUERIES, CANDIDATES and QRELS of one folder.

    Parameters
    ----------
    name, language:
        What ids begin with; languages are not joined, since equal ids mean different queries.
    split:
        Part of the name of the files of judgements and topics. None: the first of test, dev and
        validation that there is, else all files.
    judged:
        Keep only candidates that are relevant to a query; all where nothing is judged.
    queries_language:
        Of the queries. None: that of the documents.

    Raises
    ------
    SourceError
        A file is broken, or has no ids or texts.
    """
    home = f"{name}/{language}"
    asked = queries_language or language
    judgements = dict(_judgements(_chosen(_files(folder, "qrels", _CELLS), split)))
    queries = dict(_queries(folder, split))
    if judgements:
        wanted = {query for query, _ in judgements}
        queries = {query: text for query, text in queries.items() if query in wanted}
    relevant = {document for (_, document), score in judgements.items() if score > 0}
    documents = (
        (f"{home}/{key}", name, language, key, title, text, text, f"{home}/{key}", 0, len(text))
        for key, title, text in _documents(folder)
        if not judged or not judgements or key in relevant
    )
    return (
        pl.DataFrame(
            [
                (f"{name}/{asked}/{key}", name, asked, f"{home}/{key}", key, text, None)
                for key, text in queries.items()
            ],
            schema=QUERIES,
            orient="row",
        ),
        pl.DataFrame(list(documents), schema=CANDIDATES, orient="row"),
        pl.DataFrame(
            [
                (f"{home}/{query}", f"{home}/{document}", score)
                for (query, document), score in judgements.items()
            ],
            schema=QRELS,
            orient="row",
        ),
    )


def pairs(folder: Path, split: str | None = None) -> readers.Records:
    """Each query with the documents that are judged relevant to it, as a record.

    Parameters
    ----------
    split:
        As in `read`; None: "train", else the first of test, dev and validation that there is.
    """
    files = _files(folder, "qrels", _CELLS)
    if split is None:
        split = next((one for one in ("train",) if any(one in file.name for file in files)), None)
    relevant: dict[str, list[str]] = {}
    for (query, document), score in _judgements(_chosen(files, split)):
        if score > 0:
            relevant.setdefault(query, []).append(document)
    wanted = {document for some in relevant.values() for document in some}
    documents = {
        key: {"docid": key, "title": title, "text": text}
        for key, title, text in _documents(folder)
        if key in wanted
    }
    for query, text in _queries(folder, split):
        if query in relevant:
            found = [documents[key] for key in relevant[query] if key in documents]
            yield query, {"id": query, "query": text, "positive_passages": found}


def _files(folder: Path, what: str, more: tuple[str, ...] = ()) -> list[Path]:
    """Data files of the folder, or of a folder in it, that are named by what they hold."""
    found = [*folder.glob(f"{what}*"), *folder.glob(f"{what}/*")]
    return sorted(
        path
        for path in found
        if path.is_file() and (readers.is_known(path) or readers.file_format(path) in more)
    )


def _chosen(files: list[Path], split: str | None) -> list[Path]:
    """The files of a split."""
    if split is None:
        present = [one for one in _SPLITS if any(one in path.name for path in files)]
        return [path for path in files if not present or present[0] in path.name]
    chosen = [path for path in files if split in path.name]
    if files and not chosen:
        names = ", ".join(path.name for path in files)
        raise SourceError(f"expected files of the split {split!r}, found {names}")
    return chosen


def _queries(folder: Path, split: str | None) -> Iterator[tuple[str, str]]:
    for path in _files(folder, "queries"):
        if is_topics(path):  # MS MARCO
            yield from read_topics(path)
            continue
        for place, record in readers.read_records(path):
            yield _value(record, _ID, path, place), _value(record, _TEXT, path, place)
    for path in _chosen(_files(folder, "topics"), split):
        yield from read_topics(path)


def _documents(folder: Path) -> Iterator[tuple[str, str | None, str]]:
    for path in (file for name in _DOCUMENTS for file in _files(folder, name)):
        if is_topics(path):
            yield from ((key, None, text) for key, text in read_topics(path))
            continue
        for place, record in readers.read_records(path):
            title = str(record.get("title") or "").strip() or None
            yield _value(record, _ID, path, place), title, _value(record, _TEXT, path, place)


def _judgements(files: list[Path]) -> Iterator[tuple[tuple[str, str], int]]:
    """(query, document) and relevance; a file without any is an error."""
    for path in files:
        listed = readers.file_format(path) in _CELLS
        empty = True
        for pair, relevance, place in (_cells if listed else _records)(path):
            empty = False
            score = _whole_number(relevance)
            if score is None:
                raise SourceError(
                    f"expected a relevance that is a whole number, found {relevance!r} at "
                    f"{path}:{place}"
                )
            yield pair, score
        if empty:
            raise SourceError(
                f"expected judgements in {path}, found none",
                "it holds query, document and relevance: is it a Git LFS pointer?",
            )


_Judgement = tuple[tuple[str, str], Any, str]


def _cells(path: Path) -> Iterator[_Judgement]:
    """Query, document, relevance behind a line of names; or TREC's four columns."""
    names = {name for some in _JUDGED.values() for name in some}
    order: tuple[int, int, int] | None = None
    for number, line in enumerate(readers.read_cells(path)):
        place, cells = str(line[0]), [cell.strip() for cell in line[1]]
        cells = cells if len(cells) > 1 else cells[0].split()
        lower = [cell.lower() for cell in cells]
        if number == 0 and len(names.intersection(lower)) > 1:
            order = _order(lower)
            continue
        if len(cells) not in (3, 4) or (order and max(order) >= len(cells)):
            raise SourceError(
                f"expected query, document and relevance, found {cells} at {path}:{place}"
            )
        query, document, relevance = order or (0, len(cells) - 2, len(cells) - 1)
        yield (cells[query], cells[document]), cells[relevance], place


def _order(names: list[str]) -> tuple[int, int, int]:
    """Places of query, document and relevance among the names of columns; else the usual ones."""
    usual = (0, len(names) - 2, len(names) - 1)
    found = (
        next((names.index(one) for one in known if one in names), fallback)
        for known, fallback in zip(_JUDGED.values(), usual, strict=True)
    )
    query, document, relevance = found
    return query, document, relevance


def _records(path: Path) -> Iterator[_Judgement]:
    for place, record in readers.read_records(path):
        query, document = (
            _value(record, _JUDGED[name], path, place) for name in ("query", "document")
        )
        yield (query, document), _value(record, _JUDGED["relevance"], path, place), place


def _whole_number(text: str) -> int | None:
    """The number that `text` is: "1", "-1", "1.0"; None for any other text."""
    try:
        number = float(text)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def _value(record: Mapping[str, Any], names: tuple[str, ...], path: Path, place: str) -> str:
    for name in names:
        if record.get(name) is not None:
            return str(record[name])
    raise SourceError(
        f"expected one of {', '.join(names)}, found keys {', '.join(record)} at {path}:{place}"
    )
