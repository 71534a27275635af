"""Tables of text: CSV and TSV as they lie, and sheets of Excel.

What spreadsheets and exports add is taken away: a line `sep=;`, lines of a title above the names,
columns without a name, rows that end early.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from qa_parallel.errors import SourceError
from qa_parallel.sources.values import number_words

Record = dict[str, Any]
Records = Iterator[tuple[str, Record]]
Rows = Iterator[tuple[int, list[Any]]]

FIELD_LIMIT = 16 * 2**20  # characters in one CSV field; Python's own limit is 131,072
_SEPARATORS = ",;\t|"
_TITLES = 10  # lines among which the names of the columns are
_QUOTED = 200  # lines that a quoted field of a TSV file may have


def read_csv(
    lines: Iterable[tuple[int, str]],
    where: str,
    notes: Counter[str],
    known: Collection[str],
    *,
    tabs: bool = False,
    header: bool = True,
) -> Records:
    """The records of comma-, semicolon-, tab- or bar-separated text.

    Parameters
    ----------
    lines:
        With their numbers, line ends kept.
    known:
        Folded names of columns, by which the line of names is known.
    tabs:
        The separator is a tab, and a quote may be one of a text.
    header:
        Whether there is a line of names. Else the columns are called "0", "1" …

    Raises
    ------
    SourceError
        A syntax error, or a row with more columns than there are names.
    """
    text = iter(lines)
    first = list(itertools.islice(_from_text(text), _TITLES))
    separator = "\t" if tabs else None
    if first and (match := re.fullmatch(r'"?sep=(.)"?\s*', first[0][1])):
        separator = match[1]
        first = list(_from_text(iter(first[1:])))
    if not first:
        return
    place = _names_line([line for _, line in first], separator, known) if header else 0
    if titles := sum(bool(line.strip()) for _, line in first[:place]):
        notes["lines of a title left out"] += titles
    head = first[place][1]
    separator = separator or _separator(head, [line for _, line in first[place + 1 :]])
    cells = _cells(head, separator, where)
    if not header:
        names = [str(number) for number in range(len(cells))]
        rest = itertools.chain(first[place:], text)
    else:
        names = [cell.strip() for cell in cells]
        rest = itertools.chain(first[place + 1 :], text)
    rows = (
        _tab_rows(rest, len(names))
        if separator == "\t"
        else _comma_rows(rest, separator, where, "CSV")
    )
    yield from _records(rows, names, where, notes)


def read_sheets(book: bytes, where: str, notes: Counter[str], known: Collection[str]) -> Records:
    """The records of the first sheet of a workbook that has rows under names that are known.

    Raises
    ------
    SourceError
        The package that reads workbooks is missing, or the file is none.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise SourceError(
            f"expected the package python-calamine for {where}, found none",
            "pip install 'qa-parallel[xlsx]', or save the sheet as CSV (UTF-8)",
        ) from None
    import io

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(book))
        sheets = {
            name: workbook.get_sheet_by_name(name).to_python() for name in workbook.sheet_names
        }
    except (CalamineError, OSError, ValueError) as error:
        raise SourceError(f"expected a workbook, found {where} unreadable ({error})") from error
    filled = {
        name: [[_cell(one) for one in row] for row in rows]
        for name, rows in sheets.items()
        if any(any(one not in ("", None) for one in row) for row in rows)
    }
    if not filled:
        return
    chosen = next((name for name, rows in filled.items() if _sheet_names(rows, known)), None)
    chosen = chosen or next(iter(filled))
    if others := [name for name in filled if name != chosen]:
        notes[f"sheet {chosen}; left aside: sheets {', '.join(others)}"] = 0
    rows = filled[chosen]
    place = _sheet_names(rows, known)
    start = 0 if place is None else place
    while not any(rows[start]):
        start += 1
    names = [str(one or "").strip() for one in rows[start]]
    numbered = ((number + 1, rows[number]) for number in range(start + 1, len(rows)))
    yield from _records(numbered, names, where, notes)


def folded(name: object) -> str:
    """The name of a column in lower case, `-` and space as `_`."""
    return re.sub(r"[\s-]+", "_", str(name).strip().lower())


def _separator(head: str, rows: Sequence[str]) -> str:
    """What parts the columns; for a single column a character that no text has."""
    best = max(_SEPARATORS, key=head.count)
    texts = [row for row in rows if row.strip()]
    if head.count(best) or not texts or all(best in row for row in texts):
        return best
    return "\x1f"


def _from_text(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Lines from the first one on that is not blank."""
    return itertools.dropwhile(lambda pair: not pair[1].strip(), lines)


def _names_line(lines: Sequence[str], separator: str | None, known: Collection[str]) -> int:
    """Which of the lines holds the names of the columns; the first where none is known."""
    for place, line in enumerate(lines):
        for one in separator or _SEPARATORS:
            # a title has fewer cells than the names
            fewer = all(_filled(above, one) < _filled(line, one) for above in lines[:place])
            if fewer and any(folded(cell.strip('"\r\n ')) in known for cell in line.split(one)):
                return place
    return 0


def _filled(line: str, separator: str) -> int:
    return sum(bool(cell.strip()) for cell in line.split(separator))


def _sheet_names(rows: Sequence[Sequence[Any]], known: Collection[str]) -> int | None:
    for place, row in enumerate(rows[:_TITLES]):
        if any(isinstance(one, str) and folded(one) in known for one in row):
            return place
    return None


def _cells(line: str, separator: str, where: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error as error:
        raise SourceError(f"expected a line of names in {where}, found: {error}") from error


def _comma_rows(lines: Iterable[tuple[int, str]], separator: str, where: str, kind: str) -> Rows:
    """Rows by the rules of CSV, each with the number of its first line."""
    start = 0

    def text() -> Iterator[str]:
        nonlocal start
        for number, line in lines:
            start = start or number
            yield line

    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))
    rows = csv.reader(text(), delimiter=separator, strict=True)
    while True:
        start = 0
        try:
            values = next(rows, None)
        except csv.Error as error:
            raise SourceError(
                f"expected {kind}, found a syntax error in the record at {where}:{start} ({error})",
                'write a quote inside a quoted field as "", or save the data as JSON lines',
            ) from error
        if values is None:
            return
        if values:
            yield start, values


def _tab_rows(lines: Iterable[tuple[int, str]], width: int) -> Rows:
    """Rows of a TSV file: a quote is one of the text, but where the field is quoted as in CSV."""
    waiting = list[tuple[int, str]]()
    source = iter(lines)
    while True:
        number, line = waiting.pop(0) if waiting else next(source, (0, ""))
        if not number:
            return
        if not line.strip("\r\n"):
            continue
        cells = line.rstrip("\r\n").split("\t")
        if _open_quote(cells):
            # A field that goes on in the next lines: they have fewer columns than a row.
            for _ in range(_QUOTED - len(waiting)):
                waiting += itertools.islice(source, 1)
            for taken in range(1, len(waiting) + 1):
                more = waiting[taken - 1][1]
                if width > 1 and more.rstrip("\r\n").count("\t") >= width - 1:
                    break
                joined = line + "".join(text for _, text in waiting[:taken])
                parts = joined.rstrip("\r\n").split("\t")
                if len(parts) == width and width > 1 and not _open_quote(parts):
                    cells, waiting = parts, waiting[taken:]
                    break
        yield number, [_unquoted(cell) for cell in cells]


def _open_quote(cells: Sequence[str]) -> bool:
    """Whether the last field begins with a quote that does not end it."""
    last = cells[-1]
    return last.startswith('"') and not re.fullmatch(r'"(?:[^"]|"")*"', last, re.DOTALL)


def _unquoted(cell: str) -> str:
    if re.fullmatch(r'"(?:[^"]|"")*"', cell, re.DOTALL):
        return cell[1:-1].replace('""', '"')
    return cell


def _records(rows: Rows, names: Sequence[str], where: str, notes: Counter[str]) -> Records:
    """Rows by the names of their columns; columns without a name must be empty."""
    named = [name for name in names if name]
    if len(set(named)) < len(named):
        raise SourceError(f"expected different column names, found {list(names)} in {where}")
    for number, values in rows:
        if len(values) > len(names) and any(str(one or "").strip() for one in values[len(names) :]):
            raise SourceError(
                f"expected {len(names)} columns ({', '.join(names)}), found {len(values)} "
                f"at {where}:{number}",
                "quote fields that hold the separator",
            )
        if len(values) < len(names):
            notes["short rows"] += 1
            values = [*values, *[None] * (len(names) - len(values))]
        record = {}
        for place, (name, value) in enumerate(zip(names, values, strict=False)):
            if name:
                record[name] = value
            elif str(value or "").strip():
                record[f"column {place + 1}"] = value
        yield str(number), record


def _cell(value: Any) -> Any:
    """A cell as text: a number as it is written, a date by its ISO form."""
    if value is None or isinstance(value, str | bool):
        return value
    return number_words(value) if isinstance(value, int | float) else str(value)
