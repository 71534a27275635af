"""One reader per file format: a path in, (place, record) pairs out, one at a time.

A record is a plain dict as the file has it; a place says where in the file it stands, for a person
to find it again: a line number, or a path such as `data.0.paragraphs.3.qas.1`.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from qa_parallel.errors import SourceError

Record = dict[str, Any]
Records = Iterator[tuple[str, Record]]

FIELD_LIMIT = 16 * 2**20  # characters in one CSV field; Python's own limit is 131,072


def read_records(path: Path) -> Records:
    """Read the records of one file, in file order, each with its place in the file.

    JSON lines, CSV, TSV and parquet are streamed; a JSON document (SQuAD, or an array of objects)
    is loaded whole, one file at a time. Text is UTF-8, with or without a byte order mark, plain or
    gzipped.

    Raises
    ------
    SourceError
        The format is not known, or the file is broken; the message gives file and line.

    Examples
    --------
    >>> next(read_records(Path("faq.csv")))  # doctest: +SKIP
    ('2', {'Question': 'Where is it?', 'Answer': 'Here.'})
    """
    reader = READERS.get(file_format(path))
    if reader is None:
        raise SourceError(f"expected one of {', '.join(READERS)}, found {path.name}")
    return reader(path)


def read_cells(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines of a file without column names, cut at tabs, each with its number, from 1."""
    for number, line in _lines(path):
        yield number, line.rstrip("\r\n").split("\t")


def file_format(path: Path) -> str:
    """The suffix that names the format, in lower case and without .gz: `a.JSON.gz` → `.json`."""
    name = path.name.lower().removesuffix(".gz")
    suffix = Path(name).suffix
    # a gzipped parquet file has no reader: parquet compresses by itself
    return "" if suffix == ".parquet" and path.suffix.lower() == ".gz" else suffix


def is_known(path: Path) -> bool:
    """Whether a file of this name can be read."""
    return file_format(path) in READERS


def _json(path: Path) -> Records:
    """A .json file: a document, or JSON lines under the wrong name (AfriQA)."""
    lines = _lines(path)
    first = next(lines, None)
    if first is None:
        return
    number, text = first
    if _parses(text):
        second = next(lines, None)
        if second is not None:
            yield from _json_lines(path)
            return
        document = json.loads(text)
    else:
        try:
            document = json.loads(text + "".join(line for _, line in lines))
        except (ValueError, RecursionError) as error:
            line = number - 1 + getattr(error, "lineno", 1)
            raise SourceError(
                f"expected JSON, found a syntax error at {path}:{line} ({error})",
                "repair or export the file again",
            ) from error
    if isinstance(document, dict) and isinstance(document.get("data"), list):
        yield from _squad(path, document["data"])
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield str(index), _object(item, path, str(index))
    elif isinstance(document, dict) and all(isinstance(v, list | dict) for v in document.values()):
        raise SourceError(
            f"expected an array of objects, JSON lines or SQuAD's {{'data': [...]}}, found an "
            f"object of {', '.join(document) or 'nothing'} in {path}",
            "save it as one object for each question",
        )
    else:
        yield "0", _object(document, path, "0")


def _squad(path: Path, articles: list[Any]) -> Records:
    """Questions of the SQuAD layout, each with its paragraph's and its article's fields."""
    for i, article in enumerate(articles):
        place = f"data.{i}"
        article = _object(article, path, place)
        if "paragraphs" not in article:  # {"data": [{"question": ...}, ...]}
            yield place, article
            continue
        shared = {key: value for key, value in article.items() if key != "paragraphs"}
        for j, paragraph in enumerate(_array(article["paragraphs"], path, f"{place}.paragraphs")):
            here = f"{place}.paragraphs.{j}"
            paragraph = _object(paragraph, path, here)
            outer = shared | {key: value for key, value in paragraph.items() if key != "qas"}
            for k, question in enumerate(_array(paragraph.get("qas"), path, f"{here}.qas")):
                yield f"{here}.qas.{k}", outer | _object(question, path, f"{here}.qas.{k}")


def _json_lines(path: Path) -> Records:
    for number, line in _lines(path):
        try:
            item = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise SourceError(
                f"expected one JSON object a line, found a syntax error at {path}:{number} "
                f"({error})",
                "repair the line or take it out",
            ) from error
        yield str(number), _object(item, path, str(number))


def _csv(path: Path) -> Records:
    """Comma-, semicolon-, tab- or bar-separated text with a header line."""
    number = 0  # of the last line handed to csv, blank ones at the start included

    def text() -> Iterator[str]:
        nonlocal number
        for number, line in _lines(path, skip_blank=False):  # noqa: B007
            yield line

    lines = text()
    header = next((line for line in lines if line.strip()), "")
    delimiter = "\t" if file_format(path) == ".tsv" else max(",;\t|", key=header.count)
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    try:
        names = [name.strip() for name in next(csv.reader([header], delimiter=delimiter), [])]
    except csv.Error as error:  # line ends of carriage returns alone
        raise SourceError(
            f"expected a header line in {path}, found: {error}", "save it with \\n line ends"
        ) from error
    if len(set(names)) < len(names):
        raise SourceError(f"expected different column names, found {names} in {path}")
    rows = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        start = number + 1
        try:
            values = next(rows, None)
        except csv.Error as error:
            raise SourceError(
                f"expected {file_format(path)[1:].upper()}, found a syntax error in the record "
                f"at {path}:{start} ({error})",
                'write a quote inside a quoted field as "", or save the data as JSON lines',
            ) from error
        if values is None:
            return
        if not values:  # a blank line
            continue
        if len(values) != len(names):
            raise SourceError(
                f"expected {len(names)} columns ({', '.join(names)}), found {len(values)} "
                f"at {path}:{start}",
                "quote fields that hold the separator",
            )
        yield str(start), dict(zip(names, values, strict=True))


def _parquet(path: Path) -> Records:
    import pyarrow
    import pyarrow.parquet

    number = 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=1024):
                for record in batch.to_pylist():
                    yield str(number), record
                    number += 1
    # pyarrow raises ValueError and OverflowError for values that Python has not, such as text
    # that is no UTF-8
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise SourceError(
            f"expected a parquet file, found {path} unreadable at row {number} ({error})",
            "download or write it again",
        ) from error


READERS: dict[str, Callable[[Path], Records]] = {
    ".json": _json,
    ".jsonl": _json_lines,
    ".ndjson": _json_lines,
    ".csv": _csv,
    ".tsv": _csv,
    ".parquet": _parquet,
}


def _lines(path: Path, *, skip_blank: bool = True) -> Iterator[tuple[int, str]]:
    """Lines of a UTF-8 file with their numbers, from 1, line ends kept."""
    offset = 0
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rb") as file:
            for number, data in enumerate(file, start=1):
                try:
                    line = data.decode("utf-8")
                except UnicodeDecodeError as error:
                    raise SourceError(
                        f"expected UTF-8, found byte 0x{data[error.start]:02x} at byte "
                        f"{offset + error.start} of {path} (line {number})",
                        "convert it, for example with iconv -f LATIN1 -t UTF-8",
                    ) from error
                offset += len(data)
                if number == 1:
                    line = line.removeprefix("\ufeff")  # byte order mark
                if line.strip() or not skip_blank:
                    yield number, line
    except (OSError, EOFError, zlib.error) as error:
        raise SourceError(f"cannot read {path}: {error}", "check the file") from error


def _parses(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _object(item: object, path: Path, place: str) -> Record:
    if not isinstance(item, dict):
        raise SourceError(f"expected an object, found {type(item).__name__} at {path}:{place}")
    return item


def _array(item: object, path: Path, place: str) -> list[Any]:
    if not isinstance(item, list):
        raise SourceError(f"expected an array, found {type(item).__name__} at {path}:{place}")
    return item
