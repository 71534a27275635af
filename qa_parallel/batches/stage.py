"""One or several corpora in, a plan of training steps out."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from qa_parallel.batches import export, summary
from qa_parallel.batches.negatives import candidates, choose, text_forms
from qa_parallel.batches.pictures import language_map
from qa_parallel.batches.plan import KIND, Plan, corpus_frames, texts_of
from qa_parallel.batches.planning import BatchPlan, Side, make_plan
from qa_parallel.batches.report import describe
from qa_parallel.batches.rows import Rows, gather, positive_text, text_keys
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.errors import SourceError
from qa_parallel.places import Place
from qa_parallel.sources.inputs import Input, open_input
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import DATA, README, Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage

# Raise it when the same corpora and settings would give another plan than before.
VERSION = 2
REPORT = "report.json"
PICTURE = "languages.svg"
SIDES: tuple[Side, ...] = ("train", "validation")
_THREADS = 2
_SHARD = 100_000  # rows; a step is in one shard


def build_batches(
    corpora: Sequence[SourceSettings],
    settings: BatchSettings,
    out: Path,
    *,
    overwrite: bool = False,
) -> Outcome:
    """Write the plan of training on `corpora`, and of validation, with statistics and a picture.

    Parameters
    ----------
    corpora:
        Corpus folders, or what `open_source` reads.

    Raises
    ------
    SourceError
        A corpus cannot be read, or is given twice.
    StoreError
        `out` belongs to something else, or to other corpora or settings.
    QAParallelError
        The corpora do not have what the settings ask for.
    """
    folders.refuse_foreign(out)
    return carry_out(prepare_batches(corpora, settings), out, fresh(overwrite))


def prepare_batches(corpora: Sequence[SourceSettings], settings: BatchSettings) -> Job:
    """The job of `build_batches`."""
    given = [open_input(one) for one in corpora]
    _refuse_twins(given)
    described = description(
        STAGE.name,
        VERSION,
        settings.model_dump(mode="json"),
        corpora=[{"name": one.name, "digest": one.digest} for one in given],
    )

    def make(out: Path) -> dict[str, Any]:
        rows = gather([_keys(one, settings) for one in given], settings.validation)
        plans = {side: make_plan(rows, settings, side) for side in SIDES}
        if settings.negatives == "bm25":
            plans = {side: _with_negatives(plan, given, settings) for side, plan in plans.items()}
        store.remove(out / DATA)
        files: dict[str, Any] = {}
        for side, plan in plans.items():
            files |= _write(out, f"{DATA}/{side}", _shards(plan.batches))
        store.remove(out / export.FOLDER)
        if settings.export == "sentence-transformers":
            files |= _export(
                out, {side: plan.batches for side, plan in plans.items()}, given, settings
            )
        layout = {name: told for one in given for name, told in one.layout.items()}
        report: dict[str, Any] = {**described, "rows": _counts(rows), "layout": layout}
        for side, plan in plans.items():
            report[side] = describe(plan)
        store.write_json(out / REPORT, report)
        store.write_bytes(out / PICTURE, language_map(report).file())
        return {
            **folders.manifest(described, {}, files),
            "kind": KIND,
            "corpora": [
                {"name": known.name, "digest": known.digest, "path": _seen_from(out, one.source)}
                for known, one in zip(given, corpora, strict=True)
            ],
            "rows": report["rows"],
            "layout": layout,
            "steps": {side: report[side]["steps"] for side in SIDES},
        }

    return Job(
        described,
        make,
        input=[dict(one.manifest) for one in given],
        words=f"{settings.strategy} batches of {', '.join(one.words for one in given)}",
    )


def _seen_from(out: Path, source: str) -> str:
    """Where a corpus is; one on the Hub stays as it is."""
    place = Place.of(source)
    return os.path.relpath(place.path, out) if place.exists else source


def _refuse_twins(given: Sequence[Input]) -> None:
    digests = [one.digest for one in given]
    for place, digest in enumerate(digests):
        if digest in digests[:place]:
            raise SourceError(
                f"expected each corpus once, found {given[place].name} twice",
                "--source-weights says how much of each is drawn",
            )


def _keys(given: Input, settings: BatchSettings) -> pl.DataFrame:
    """Keys of all rows of a corpus; one frame of texts a thread is in memory."""
    parts: list[pl.DataFrame] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = []
        for frame in corpus_frames(given, settings.positive):
            waiting.append(pool.submit(text_keys, frame, settings.positive))
            if len(waiting) > _THREADS:
                parts.append(waiting.pop(0).result())
        parts += [one.result() for one in waiting]
    return pl.concat(parts)


def _with_negatives(plan: BatchPlan, given: Sequence[Input], settings: BatchSettings) -> BatchPlan:
    """The plan with hard negatives; the comparison forms of all texts to find are in memory."""
    rows = plan.pools.rows
    numbers = rows.keys.with_row_index("row").filter(pl.Series(plan.pools.side))
    count = settings.negatives_per_row
    drawn, ranked, forms = [], [], []
    for place, one in enumerate(given):
        for language in one.languages:
            mine = numbers.filter(corpus=place, language=language)
            frames = [
                frame.select(
                    "qa_id", "question", "answer", positive=positive_text(settings.positive)
                ).join(mine.select("row", "qa_id"), on="qa_id")
                for frame in corpus_frames(one, settings.positive, language)
            ]
            texts = pl.concat(frames)
            found, others = candidates(plan, texts, count)
            drawn.append(found)
            ranked.append(others)
            forms.append(text_forms(texts))
    by_row = pl.concat(forms).sort("row")
    chosen = choose(plan, np.concatenate(drawn), np.concatenate(ranked), by_row, count)
    return replace(plan, batches=chosen)


def _write(out: Path, name: str, shards: Sequence[pl.DataFrame]) -> dict[str, Any]:
    """Shards by their name; returns rows, bytes and SHA-256 of each file."""
    files = {}
    for number, frame in enumerate(shards):
        path = f"{name}-{number:05d}-of-{len(shards):05d}.parquet"
        store.write_parquet(out / path, frame)
        files[path] = {"rows": frame.height, **store.record(out / path)}
    return files


def _export(
    out: Path,
    batches: Mapping[Side, pl.DataFrame],
    given: Sequence[Input],
    settings: BatchSettings,
) -> dict[str, Any]:
    """The texts in the plan's order, and the sizes of its batches."""
    count = settings.negatives_per_row if settings.negatives != "none" else 0
    files: dict[str, Any] = {}
    sizes: dict[str, list[int]] = {}
    for side, frame in batches.items():
        texts = texts_of(frame, given, settings, others=settings.negatives == "sentences")
        plan = Plan(frame, texts, settings, {})
        sizes[side] = [plan.size(step) for step in range(len(plan))]
        parts = [
            export.columns(batch.questions, batch.positives, batch.negatives, count)
            for batch in plan
        ]
        if parts:
            whole = pl.concat(parts)
            shards = [whole.slice(*ends) for ends in _ends(frame)]
            files |= _write(out, f"{export.FOLDER}/{side}", shards)
    store.write_json(out / export.FOLDER / export.SIZES, sizes)
    store.write_bytes(
        out / export.FOLDER / README,
        export.readme([side for side, one in sizes.items() if one]).encode(),
    )
    return files


def _shards(batches: pl.DataFrame) -> list[pl.DataFrame]:
    return [batches.slice(*ends) for ends in _ends(batches)]


def _ends(batches: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """First row and number of rows of each shard; a step is in one of them."""
    steps = batches["step"].to_numpy()
    lasts = np.flatnonzero(np.diff(steps, append=-1)) + 1
    start = 0
    for last in lasts.tolist():
        if last - start >= _SHARD or last == len(steps):
            yield start, last - start
            start = last


def _counts(rows: Rows) -> dict[str, int]:
    return {
        "all": len(rows),
        "reserved": int(rows.reserved.sum()),
        "without_question": int((rows.question_meaning < 0).sum()),
        "without_positive": int((rows.positive_meaning < 0).sum()),
        "question_is_positive": int(rows.question_is_positive.sum()),
    }


def _prepare(context: Context) -> Job:
    corpus = SourceSettings(source=str(context.input))
    return prepare_batches([corpus], context.tables["build-batches"])


def _summary(outcome: Outcome) -> Iterator[Any]:
    yield from summary.tables(store.read_json(outcome.folder / REPORT))
    yield f"The plan is in {outcome.folder}, its picture in {outcome.folder}/{PICTURE}."


STAGE = Stage(
    name="build-batches",
    title="Plan the batches",
    makes=KIND,
    words=summary.words,
    brief=lambda outcome: summary.brief(outcome.manifest),
    summary=_summary,
    files=(REPORT,),
    recipe=RecipeStep("batches", _prepare, reads="corpus"),
)
