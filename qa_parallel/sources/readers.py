"""One reader per file format: a file in, (place, record) pairs out, one at a time.

A record is a plain dict as the file has it; a place says where in the file it stands, for a person
to find it again: a line number, or a path such as `data.0.paragraphs.3.qas.1`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.sources.encodings import text_lines
from qa_parallel.sources.files import File
from qa_parallel.sources.files import file_format as file_format
from qa_parallel.sources.tables import Record as Record
from qa_parallel.sources.tables import Records as Records
from qa_parallel.sources.tables import read_csv, read_sheets


@dataclass(frozen=True)
class Reading:
    """How files are read, and what had to be settled on the way.

    Attributes
    ----------
    encoding:
        Of text. None: UTF-8, UTF-16 by its mark, or an older one by the look of it.
    language:
        Code of the language, by which an older encoding is told.
    header:
        Whether a table has a line of names.
    known:
        Folded names of columns: the line of names holds one of them.
    notes:
        What is said of the files, with counts.
    """

    encoding: str | None = None
    language: str = "eng_Latn"
    header: bool = True
    known: Collection[str] = frozenset()
    notes: Counter[str] = field(default_factory=Counter)


def read_records(path: Path | File, how: Reading | None = None) -> Records:
    """Read the records of one file, in file order, each with its place in the file.

    JSON lines, CSV, TSV, parquet and Arrow are streamed; a JSON document (SQuAD, or an array of
    objects) and a workbook are loaded whole, one file at a time. Files may be compressed.

    Raises
    ------
    SourceError
        The format is not known, or the file is broken; the message gives file and line.

    Examples
    --------
    >>> next(read_records(Path("faq.csv")))  # doctest: +SKIP
    ('2', {'Question': 'Where is it?', 'Answer': 'Here.'})
    """
    file = File.of(path)
    reader = READERS.get(file.format)
    if reader is None:
        raise SourceError(f"expected one of {', '.join(READERS)}, found {file.name}")
    return reader(file, how or Reading())


def read_cells(path: Path | File, how: Reading | None = None) -> Iterator[tuple[int, list[str]]]:
    """Lines of a file without column names, cut at tabs, each with its number, from 1."""
    for number, line in _lines(File.of(path), how or Reading()):
        yield number, line.rstrip("\r\n").split("\t")


def is_known(path: Path | str) -> bool:
    """Whether a file of this name can be read."""
    return file_format(path) in READERS


def known_format(suffix: str) -> bool:
    """Whether there is a reader for a format."""
    return suffix in READERS


def _json(file: File, how: Reading) -> Records:
    """A .json file: a document, or JSON lines under the wrong name (AfriQA)."""
    lines = _lines(file, how)
    first = next(lines, None)
    if first is None:
        return
    number, text = first
    if _parses(text):
        second = next(lines, None)
        if second is not None:
            yield from _json_lines(file, how)
            return
        document = json.loads(text)
    else:
        try:
            document = json.loads(text + "".join(line for _, line in lines))
        except (ValueError, RecursionError) as error:
            line = number - 1 + getattr(error, "lineno", 1)
            raise SourceError(
                f"expected JSON, found a syntax error at {file}:{line} ({error})",
                "repair or export the file again",
            ) from error
    yield from _document(file, document)


def _document(file: File, document: Any) -> Records:
    """The records of a JSON document: SQuAD's, an array, a table by columns, objects by id."""
    if isinstance(document, dict):
        for key in ("data", "Data", "rows", "examples", "items", "questions", "Questions"):
            rows = document.get(key)
            if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
                yield from _squad(file, document[key], key)
                return
    if isinstance(document, list):
        for index, item in enumerate(document):
            yield str(index), _object(item, file, str(index))
    elif not isinstance(document, dict) or not _holds_records(document):
        yield "0", _object(document, file, "0")
    elif rows := _by_columns(document):
        yield from rows
    elif all(isinstance(one, dict) for one in document.values()):
        for key, item in document.items():
            yield key, item if "id" in item else {"id": key, **item}
    else:
        raise SourceError(
            f"expected an array of objects, JSON lines or SQuAD's {{'data': [...]}}, found an "
            f"object of {', '.join(document) or 'nothing'} in {file}",
            "save it as one object for each question",
        )


def _holds_records(document: Mapping[str, Any]) -> bool:
    """Whether an object is no record itself, but made of lists or objects."""
    return all(isinstance(value, list | dict) for value in document.values())


def _by_columns(document: Mapping[str, Any]) -> list[tuple[str, Record]]:
    """The rows of a table that was written by columns, as pandas and MS MARCO do; none else."""
    columns = list(document.values())
    if columns and all(isinstance(one, list) for one in columns):
        columns = [dict(enumerate(one)) for one in columns]
    if not columns or not all(isinstance(one, dict) for one in columns):
        return []
    keys = list(columns[0])
    counted = all(str(key).isdecimal() for key in keys)
    if not keys or not counted or any(set(one) != set(keys) for one in columns):
        return []
    return [
        (
            str(key),
            {
                name: document_column[key]
                for name, document_column in zip(document, columns, strict=True)
            },
        )
        for key in keys
    ]


def _squad(file: File, articles: list[Any], key: str) -> Records:
    """Questions of the SQuAD layout, each with its paragraph's and its article's fields."""
    for i, article in enumerate(articles):
        place = f"{key}.{i}"
        article = _object(article, file, place)
        if "paragraphs" not in article:  # {"data": [{"question": ...}, ...]}
            yield place, article
            continue
        shared = {key: value for key, value in article.items() if key != "paragraphs"}
        for j, paragraph in enumerate(_array(article["paragraphs"], file, f"{place}.paragraphs")):
            here = f"{place}.paragraphs.{j}"
            paragraph = _object(paragraph, file, here)
            outer = shared | {key: value for key, value in paragraph.items() if key != "qas"}
            for k, question in enumerate(_array(paragraph.get("qas"), file, f"{here}.qas")):
                yield f"{here}.qas.{k}", outer | _object(question, file, f"{here}.qas.{k}")


def _json_lines(file: File, how: Reading) -> Records:
    lines = _lines(file, how)
    for number, line in lines:
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            if line.strip() in ("{", "[", "[{"):  # a document under the wrong name
                yield from _json(file, how)
                return
            raise SourceError(
                f"expected one JSON object a line, found a syntax error at {file}:{number} "
                f"({error})",
                "repair the line or take it out",
            ) from error
        if isinstance(item, list) and item and isinstance(item[0], dict):
            yield from _document(file, item)
            continue
        yield str(number), _object(item, file, str(number))


def _csv(file: File, how: Reading) -> Records:
    lines = _lines(file, how, skip_blank=False)
    tabs = file.format in (".tsv", ".tab")
    return read_csv(lines, str(file), how.notes, how.known, tabs=tabs, header=how.header)


def _sheets(file: File, how: Reading) -> Records:
    with file.open() as book:
        data = book.read()
    return read_sheets(data, str(file), how.notes, how.known)


def _parquet(file: File, how: Reading) -> Records:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with file.open() as raw, pyarrow.parquet.ParquetFile(_seekable(raw)) as table:
            for batch in table.iter_batches(batch_size=1024):
                for record in batch.to_pylist():
                    yield str(number), record
                    number += 1
    # pyarrow raises ValueError and OverflowError for values that Python has not, such as text
    # that is no UTF-8
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SourceError(
            f"expected a parquet file, found {file} unreadable at row {number} ({error})",
            "download or write it again",
        ) from error


def _arrow(file: File, how: Reading) -> Records:
    """What `datasets.save_to_disk` writes, and files of Arrow and Feather."""
    import pyarrow
    import pyarrow.ipc

    number = 0
    try:
        with file.open() as raw:
            stream = _seekable(raw)
            if stream.read(6) == b"ARROW1":
                stream.seek(0)
                table = pyarrow.ipc.open_file(stream)
                batches = (table.get_batch(n) for n in range(table.num_record_batches))
            else:
                stream.seek(0)
                batches = iter(pyarrow.ipc.open_stream(stream))
            for batch in batches:
                for record in batch.to_pylist():
                    yield str(number), record
                    number += 1
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SourceError(
            f"expected an Arrow file, found {file} unreadable at row {number} ({error})",
            "download or write it again",
        ) from error


def _seekable(raw: Any) -> Any:
    """A stream that can be read from any place: a member of an archive is loaded whole."""
    import io

    return raw if raw.seekable() else io.BytesIO(raw.read())


READERS: dict[str, Callable[[File, Reading], Records]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".jsonlines": _json_lines,
    ".jl": _json_lines,
    ".csv": _csv,
    ".tsv": _csv,
    ".tab": _csv,
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".feather": _arrow,
    ".xlsx": _sheets,
    ".xls": _sheets,
    ".ods": _sheets,
}


def _lines(file: File, how: Reading, *, skip_blank: bool = True) -> Iterator[tuple[int, str]]:
    """Lines of a text file with their numbers, from 1, line ends kept."""
    with file.open() as raw:
        for number, line in text_lines(raw, str(file), how.encoding, how.language, how.notes):
            if line.strip() or not skip_blank:
                yield number, line


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _object(item: object, file: File, place: str) -> Record:
    if not isinstance(item, dict):
        raise SourceError(f"expected an object, found {type(item).__name__} at {file}:{place}")
    return item


def _array(item: object, file: File, place: str) -> list[Any]:
    if not isinstance(item, list):
        raise SourceError(f"expected an array, found {type(item).__name__} at {file}:{place}")
    return item
