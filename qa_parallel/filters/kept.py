"""The rows that filters leave: those that are kept, and those that are rejected, with reasons."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import polars as pl

from qa_parallel.filters.report import funnel
from qa_parallel.schema import FIELDS
from qa_parallel.sources.inputs import Input
from qa_parallel.storage.corpus import CorpusWriter

# Folder beside the corpus.
REJECTED = "rejected"


class Origins:
    """The texts that rows of a corpus were translated from, read once for all of them."""

    def __init__(self, given: Input, pivot: str | None) -> None:
        self._given, self._pivot = given, pivot
        self._known: dict[str, pl.DataFrame] = {}
        self._reading = Lock()

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Ids, language and texts of the languages that `rows` come from or are compared with."""
        columns = ["qa_id", "language", *FIELDS]
        empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
        named = rows["translated_from"].unique().drop_nulls().sort().to_list()
        codes = [code for code in {*named, self._pivot} if code in self._given.languages]
        with self._reading:
            for code in codes:
                if code not in self._known:
                    self._known[code] = pl.concat(self._given.frames(code, columns))
            return pl.concat([empty, *(self._known[code] for code in codes)])


def write_rows(
    writer: CorpusWriter,
    given: Input,
    pivot: str | None,
    decisions: pl.DataFrame,
    origins: Origins,
    workers: int,
    checks: Sequence[str],
) -> dict[str, dict[str, Any]]:
    """Write kept and rejected rows; returns the part of each language in the report.

    `checks` are the names of all in force.
    """

    def write(code: str) -> dict[str, Any]:
        mine = decisions.filter(language=code)
        return _write_language(writer, given, code, pivot, mine, origins, checks)

    with ThreadPoolExecutor(workers) as threads:
        return dict(zip(given.languages, threads.map(write, given.languages), strict=True))


def _write_language(
    writer: CorpusWriter,
    given: Input,
    code: str,
    pivot: str | None,
    decisions: pl.DataFrame,
    origins: Origins,
    checks: Sequence[str],
) -> dict[str, Any]:
    """The kept and the rejected rows of one language; `decisions` are its own."""
    reasons = decisions.group_by("qa_id", maintain_order=True).agg(
        reasons=pl.concat_str("field", "check", separator=":"), why="reason"
    )
    seen = []
    for frame in given.frames(code):
        writer.add(code, frame.join(decisions, on="qa_id", how="anti", maintain_order="left"))
        bad = frame.join(reasons, on="qa_id", how="inner", maintain_order="left")
        if bad.height:
            writer.add(code, bad, REJECTED)
        seen.append(frame.select("qa_id", "translated_from", *FIELDS))
    rows = pl.concat(seen).with_columns(
        pl.coalesce("translated_from", pl.lit(pivot, dtype=pl.String))
    )
    return funnel(rows, origins.of(rows), decisions, checks)
