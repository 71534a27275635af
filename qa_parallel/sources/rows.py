"""Rows that somebody holds in memory, as a file that every stage can read, and read again."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel.errors import SourceError
from qa_parallel.storage import store


def write_rows(rows: Any, folder: Path) -> Path:
    """The file in `folder` that holds `rows`, named by its contents: equal rows, the same file.

    So a translation of rows that was stopped goes on, and a plan finds its texts again.

    Parameters
    ----------
    rows:
        A Polars or pandas frame, a `datasets.Dataset`, or dictionaries that JSON can hold, which
        need not have the same keys.

    Raises
    ------
    SourceError
        Something else, or no rows.
    """
    frame = _frame(rows)
    if frame is not None:
        if frame.is_empty():
            raise SourceError("expected rows of questions and answers, found an empty frame")
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        data, kind = buffer.getvalue(), "parquet"
    else:
        data, kind = _json_lines(rows), "jsonl"
    path = folder / f"rows-{hashlib.sha256(data).hexdigest()[:16]}.{kind}"
    if not path.is_file():
        store.write_bytes(path, data)
    return path


def _frame(rows: Any) -> pl.DataFrame | None:
    """`rows` as a Polars frame, if they are a table of any known kind."""
    if isinstance(rows, pl.LazyFrame):
        return rows.collect()
    if isinstance(rows, pl.DataFrame):
        return rows
    library = type(rows).__module__.partition(".")[0]
    if library == "pandas":
        frame = pl.from_pandas(rows)
        return frame if isinstance(frame, pl.DataFrame) else None
    if library == "datasets" and hasattr(rows, "to_polars"):
        frame = rows.to_polars()
        return frame if isinstance(frame, pl.DataFrame) else pl.concat(frame)
    return None


def _json_lines(rows: Any) -> bytes:
    listed = list(rows) if isinstance(rows, Iterable) and not isinstance(rows, Mapping) else None
    if listed is None or not all(isinstance(row, Mapping) for row in listed):
        raise SourceError(
            "expected a path, a Hub id, a Polars or pandas frame, a datasets.Dataset or a list of "
            f"dictionaries, found {type(rows).__name__}",
            "one split of a DatasetDict is a Dataset: dataset['train']",
        )
    if not listed:
        raise SourceError("expected rows of questions and answers, found an empty list")
    try:
        lines = [json.dumps(dict(row), ensure_ascii=False) for row in listed]
    except (TypeError, ValueError) as error:
        raise SourceError(
            f"expected values of text, numbers, lists and dictionaries in the rows, found: {error}"
        ) from None
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
