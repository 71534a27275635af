"""The folder that filters leave: kept and rejected rows, decisions, limits, and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl

from qa_parallel.filters import report as reports
from qa_parallel.filters.limits import KEY
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.schema import FIELDS
from qa_parallel.sources.inputs import Input
from qa_parallel.storage import folders, store
from qa_parallel.storage.corpus import Stats, write_readme, write_shards
from qa_parallel.storage.folders import DATA

DECISIONS_FILE = "decisions.parquet"
LIMITS_FILE = "limits.parquet"
REPORT = "report.json"
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


def write_filtered(
    out: Path,
    given: Input,
    settings: FilterSettings,
    limits: pl.DataFrame,
    decisions: pl.DataFrame,
    described: Mapping[str, Any],
    origins: Origins,
    workers: int,
) -> dict[str, Any]:
    """All files but the manifest, which it returns."""
    for name in (DATA, REJECTED):
        store.remove(out / name)
    store.write_parquet(out / DECISIONS_FILE, decisions)
    store.write_parquet(out / LIMITS_FILE, limits)

    def write(code: str) -> _Written:
        return _write_language(out, given, code, settings, decisions.filter(language=code), origins)

    with ThreadPoolExecutor(workers) as threads:
        written = dict(zip(given.languages, threads.map(write, given.languages), strict=True))
    detectors = described["filter"]["detectors"]
    report = {
        "corpus": described["corpus"],
        "languages": {
            code: {"detector": detectors[code] and detectors[code]["name"], **item.funnel}
            for code, item in written.items()
        },
        "limits": limits.to_dicts(),
        "detected": any(detectors.values()),
    }
    store.write_json(out / REPORT, report)
    rejected = _merged([item.rejected for item in written.values()])
    write_readme(
        out,
        f"{given.name.rsplit('@')[0]} filtered",
        list(given.languages),
        given.split,
        f"Made by qa-parallel from {given.name}. Rejected rows, with reasons: {REJECTED}/. "
        f"What was rejected and why: {REPORT}, {DECISIONS_FILE}, {LIMITS_FILE}. Counts, digests "
        "and settings: manifest.json.",
        [REJECTED] if rejected else [],
    )
    stats = {code: item.stats for code, item in written.items()}
    files = _merged([item.files for item in written.values()])
    return {
        **folders.manifest(dict(described), stats, files),
        "source_counts": {
            code: {name: item.funnel[name] for name in ("rows", "kept", "rejected")}
            for code, item in written.items()
        },
        "reasons": {
            code: {
                reason: {name: counts[name] for name in ("rejected", "alone", "left")}
                for reason, counts in item.funnel["reasons"].items()
            }
            for code, item in written.items()
        },
        **_left(given, decisions),
        "rejected": rejected,
        "layout": dict(given.layout),
    }


@dataclass(frozen=True)
class _Written:
    """What was written of one language: files by their paths, counts, and the report's part."""

    files: dict[str, Any]
    rejected: dict[str, Any]
    stats: dict[str, Any]
    funnel: dict[str, Any]


def _write_language(
    out: Path,
    given: Input,
    code: str,
    settings: FilterSettings,
    decisions: pl.DataFrame,
    origins: Origins,
) -> _Written:
    """The kept and the rejected rows of one language; `decisions` are its own."""
    reasons = decisions.group_by("qa_id", maintain_order=True).agg(
        reasons=pl.format("{}:{}", "field", "check"), why="reason"
    )
    kept, gone, seen = [], [], []
    stats = Stats().to_json()
    for number, frame in enumerate(given.frames(code)):
        part = out / folders.WORK / f"{number:06d}"
        good = frame.join(decisions, on="qa_id", how="anti", maintain_order="left")
        bad = frame.join(reasons, on="qa_id", how="inner", maintain_order="left")
        store.write_parquet(folders.part(part, code), good)
        kept.append(folders.part(part, code))
        if bad.height:
            store.write_parquet(folders.part(part / REJECTED, code), bad)
            gone.append(folders.part(part / REJECTED, code))
        stats["rows"] += good.height
        stats["spans"] += good["answer_start"].count()
        seen.append(frame.select("qa_id", "translated_from", *FIELDS))
    files = write_shards(out, code, given.split, kept, 1)
    rejected = write_shards(out, code, given.split, gone, len(gone) or 1, REJECTED)
    rows = pl.concat(seen).with_columns(
        pl.coalesce("translated_from", pl.lit(settings.pivot, dtype=pl.String))
    )
    funnel = reports.funnel(rows, origins.of(rows), decisions)
    return _Written(files, rejected, stats, funnel)


def _merged(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: value for part in parts for name, value in part.items()}


def _left(given: Input, decisions: pl.DataFrame) -> dict[str, Any]:
    """How many questions and passages are left, and how many questions in every language."""
    ids = pl.concat(given.frames(columns=[*KEY, "passage_id"]))
    kept = ids.join(decisions, on=KEY, how="anti")
    questions = kept.group_by("qa_id").len()
    complete = questions.filter(pl.col("len") == len(given.languages)).height
    return {
        "questions": {"all": questions.height, "complete": complete},
        "passages": kept["passage_id"].n_unique(),
    }
