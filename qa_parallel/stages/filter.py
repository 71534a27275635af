"""A corpus in; out the rows that pass the filters, the rejected ones with reasons, and a report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import polars as pl

from qa_parallel import dataset, store
from qa_parallel.errors import SourceError, StoreError
from qa_parallel.filters import report as reports
from qa_parallel.filters.language import Identifier, digest
from qa_parallel.filters.limits import KEY, bounds, few, judge
from qa_parallel.filters.meaning import Encode
from qa_parallel.filters.measure import (
    VERSION,
    MeasureSettings,
    identifier_of,
    score_language,
)
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.schema import DECISIONS, FIELDS, SCORES
from qa_parallel.sources import SourceSettings
from qa_parallel.stages import folders
from qa_parallel.stages.folders import Outcome
from qa_parallel.stages.inputs import Input, open_input
from qa_parallel.translate import Stats

DECISIONS_FILE = "decisions.parquet"
LIMITS_FILE = "limits.parquet"
REPORT = "report.json"
REJECTED = "rejected"
# Kept when limits change: it does not depend on them.
SCORES_FOLDER = Path("work", "scores")

Tell = Callable[[str], None]


def filter_corpus(
    corpus: SourceSettings,
    settings: FilterSettings,
    out: Path,
    *,
    overwrite: bool = False,
    workers: int = 1,
    encode: Encode | None = None,
    tell: Tell = lambda _: None,
) -> Outcome:
    """Measure a corpus, decide, and write what is kept and what is rejected under `out`.

    Scores are kept in `out`, a file for each language, and are not measured again by a run that
    was stopped, or with other limits (and `overwrite`).

    Parameters
    ----------
    corpus:
        A corpus folder, or what `open_source` reads.
    workers:
        Threads that measure, and processes that identify languages.
    encode:
        Texts to unit vectors. None: the encoder that the settings name, if any, is loaded.
    tell:
        Told in a few words what is being done.

    Raises
    ------
    SourceError
        The corpus cannot be read, has no rows, or has fewer languages than a question must be
        left in; the identifier is unknown or not installed.
    StoreError
        The corpus is half-written; `out` belongs to other settings or to something else.
    """
    started = time.monotonic()
    folders.refuse_same(out, corpus.source)
    folders.refuse_foreign(out)
    given = open_input(corpus)
    if settings.min_languages > len(given.languages):
        raise SourceError(
            f"expected min_languages of at most {len(given.languages)}, as many as {given.name} "
            f"has, found {settings.min_languages}",
            "no question could be left",
        )
    identifier = identifier_of(settings, workers)
    described = _describe(given, settings, identifier)
    with store.locked(out):
        if not folders.claim(out, described, overwrite):
            return folders.complete(out)
        try:
            _measure(given, out, settings, identifier, encode, workers, tell)
        finally:
            if identifier is not None:
                identifier.close()
        tell("deciding")
        limits, decisions = _decide(given, out, settings)
        manifest = _write(out, given, settings, limits, decisions, described, tell)
        manifest = folders.finish(out, manifest, started)
        store.remove(out / folders.WORK)
    return Outcome(out, manifest)


def explain(out: Path, qa_id: str) -> Any:
    """A table of all scores of one question in a finished folder, beside their limits.

    Raises
    ------
    StoreError
        `out` is no folder of filtered rows, or not complete.
    SourceError
        It knows no question of that id.
    """
    if not (out / dataset.MANIFEST).is_file() or not (out / LIMITS_FILE).is_file():
        raise StoreError(
            f"expected a complete folder of the command filter in {out}, found none",
            "run qa-parallel filter CORPUS --out FOLDER first",
        )
    files = sorted((out / SCORES_FOLDER).glob("*.parquet"))
    found = pl.concat(
        [pl.scan_parquet(path, glob=False).filter(qa_id=qa_id).collect() for path in files]
        or [pl.DataFrame(schema=SCORES)]
    )
    if found.is_empty():
        raise SourceError(
            f"expected the id of a question in {out}, found {qa_id!r}",
            "ids are in the column qa_id of the corpus",
        )
    decisions = store.read_parquet(out / DECISIONS_FILE).filter(qa_id=qa_id)
    return reports.explain(found, store.read_parquet(out / LIMITS_FILE), decisions)


def _describe(
    given: Input, settings: FilterSettings, identifier: Identifier | None
) -> dict[str, Any]:
    """All that shapes the outcome, for comparing with what a folder was made with."""
    return {
        "made_by": folders.MADE_BY,
        "version": folders.VERSION,
        "corpus": {"name": given.name, "digest": given.digest},
        "filter": {
            **settings.model_dump(mode="json", exclude={"encoder", "detector"}),
            **_tools(given, settings, identifier),
        },
    }


def _tools(
    given: Input, settings: MeasureSettings, identifier: Identifier | None
) -> dict[str, Any]:
    """What measures besides ourselves: identifiers by language, and the encoder's weights."""
    names = {code: identifier and identifier.detector(code) for code in given.languages}
    weights = sorted(settings.encoder.glob("*.safetensors")) if settings.encoder else []
    return {
        "detectors": {code: name and digest(name) for code, name in names.items()},
        "encoder": [store.digest(path) for path in weights],
    }


def _measure(
    given: Input,
    out: Path,
    settings: FilterSettings,
    identifier: Identifier | None,
    encode: Encode | None,
    workers: int,
    tell: Tell,
) -> None:
    """SCORES of each language into its file, where it is not there already."""
    key = store.fingerprint(
        {
            "version": VERSION,
            "corpus": given.digest,
            "measure": settings.model_dump(
                mode="json", exclude={"limits", "min_languages", "encoder", "detector"}
            ),
            **_tools(given, settings, identifier),
        }
    )
    paths = {code: out / SCORES_FOLDER / f"{code}.parquet" for code in given.languages}
    waiting = [code for code in given.languages if not _is_measured(paths[code], key)]
    if waiting and settings.encoder is not None and encode is None:
        from qa_parallel.encoder import load_encoder

        encode = partial(load_encoder(settings.encoder), prefix=settings.prefix)
    sources: dict[str, pl.DataFrame] = {}
    reading = Lock()

    def measure(code: str) -> None:
        tell(f"measuring {code}")
        with reading:
            rows = pl.concat(given.frames(code))
            texts = _sources(given, _origins(rows, settings.pivot, given), sources)
        scores = score_language(rows, texts, settings, identifier, encode, workers=workers)
        store.write_parquet(paths[code], scores)
        store.write_json(paths[code].with_suffix(".json"), {"fingerprint": key})

    # One language has parts that keep only one core busy; an encoder needs no company.
    with ThreadPoolExecutor(workers if encode is None else 1) as pool:
        for _ in pool.map(measure, waiting):
            pass


def _is_measured(path: Path, key: str) -> bool:
    marker = path.with_suffix(".json")
    return path.is_file() and marker.is_file() and store.read_json(marker)["fingerprint"] == key


def _origins(rows: pl.DataFrame, pivot: str | None, given: Input) -> list[str]:
    """The languages of the corpus that rows were translated from, or are compared with."""
    named = rows["translated_from"].unique().drop_nulls().sort().to_list()
    return [code for code in {*named, pivot} if code in given.languages]


def _sources(given: Input, codes: list[str], known: dict[str, pl.DataFrame]) -> pl.DataFrame:
    """Ids, language and texts of those languages; read once for all that come from them."""
    columns = ["qa_id", "language", *FIELDS]
    for code in codes:
        if code not in known:
            known[code] = pl.concat(given.frames(code, columns))
    empty = pl.DataFrame(schema=dict.fromkeys(columns, pl.String()))
    return pl.concat([empty, *(known[code] for code in codes)])


def _decide(given: Input, out: Path, settings: FilterSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Limits as they hold and DECISIONS, language by language; then what is left over."""
    limits, decisions = [], [pl.DataFrame(schema=DECISIONS)]
    keys: list[pl.DataFrame] = []
    for code in given.languages:
        scores = store.read_parquet(out / SCORES_FOLDER / f"{code}.parquet")
        limits.append(bounds(scores, settings.limits))
        decisions.append(judge(scores, limits[-1]))
        keys += given.frames(code, KEY)
    found = pl.concat(decisions)
    every = pl.concat(keys)
    if every.is_empty():
        raise SourceError(f"expected rows in {given.name}, found none", "is this the right corpus?")
    return pl.concat(limits), pl.concat([found, few(every, found, settings.min_languages)])


def _write(
    out: Path,
    given: Input,
    settings: FilterSettings,
    limits: pl.DataFrame,
    decisions: pl.DataFrame,
    described: Mapping[str, Any],
    tell: Tell,
) -> dict[str, Any]:
    """All files but the manifest, which it returns."""
    for name in (dataset.DATA, REJECTED):
        store.remove(out / name)
    store.write_parquet(out / DECISIONS_FILE, decisions)
    store.write_parquet(out / LIMITS_FILE, limits)
    files: dict[str, Any] = {}
    rejected: dict[str, Any] = {}
    stats: dict[str, dict[str, Any]] = {}
    told: dict[str, Any] = {}
    sources: dict[str, pl.DataFrame] = {}
    detectors = described["filter"]["detectors"]
    for code in given.languages:
        tell(f"writing {code}")
        mine = decisions.filter(language=code)
        reasons = mine.group_by("qa_id", maintain_order=True).agg(
            reasons=pl.format("{}:{}", "field", "check"), why="reason"
        )
        kept, gone, seen = [], [], []
        stats[code] = Stats().to_json()
        for number, frame in enumerate(given.frames(code)):
            part = out / folders.WORK / f"{number:06d}"
            good = frame.join(mine, on="qa_id", how="anti", maintain_order="left")
            bad = frame.join(reasons, on="qa_id", how="inner", maintain_order="left")
            store.write_parquet(folders.part(part, code), good)
            kept.append(folders.part(part, code))
            if bad.height:
                store.write_parquet(folders.part(part / REJECTED, code), bad)
                gone.append(folders.part(part / REJECTED, code))
            stats[code]["rows"] += good.height
            stats[code]["spans"] += good["answer_start"].count()
            seen.append(frame.select("qa_id", "translated_from", *FIELDS))
        files |= dataset.write_shards(out, code, given.split, kept, 1)
        if gone:
            rejected |= dataset.write_shards(out, code, given.split, gone, len(gone), REJECTED)
        rows = pl.concat(seen).with_columns(
            pl.coalesce("translated_from", pl.lit(settings.pivot, dtype=pl.String))
        )
        origins = _sources(given, _origins(rows, settings.pivot, given), sources)
        detector = detectors[code]
        told[code] = {
            "detector": detector and detector["name"],
            **reports.funnel(rows, origins, mine),
        }
    report = {
        "corpus": described["corpus"],
        "languages": told,
        "limits": limits.to_dicts(),
        "detected": any(detectors.values()),
    }
    store.write_json(out / REPORT, report)
    dataset.write_readme(
        out,
        f"{given.name.rsplit('@')[0]} filtered",
        list(given.languages),
        given.split,
        f"Made by qa-parallel from {given.name}. Rejected rows, with reasons: {REJECTED}/. "
        f"What was rejected and why: {REPORT}, {DECISIONS_FILE}, {LIMITS_FILE}. Counts, digests "
        "and settings: manifest.json.",
        [REJECTED] if rejected else [],
    )
    return {
        **folders.manifest(dict(described), stats, files),
        "source_counts": {
            code: {name: item[name] for name in ("rows", "kept", "rejected")}
            for code, item in told.items()
        },
        "reasons": {
            code: {
                reason: {name: counts[name] for name in ("rejected", "alone", "left")}
                for reason, counts in item["reasons"].items()
            }
            for code, item in told.items()
        },
        **_left(given, decisions),
        "rejected": rejected,
        "input": dict(given.manifest),
    }


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
