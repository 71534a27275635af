"""Folders of stages in; out one HTML page that shows what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel import __version__
from qa_parallel.errors import RecipeError
from qa_parallel.page import history, retrieval
from qa_parallel.page.hits import pairs
from qa_parallel.page.parts import tongue
from qa_parallel.page.render import render
from qa_parallel.page.sample import COLUMNS, Fate, choose, embed
from qa_parallel.page.settings import PageSettings
from qa_parallel.page.stage_folders import StageFolder, find, first
from qa_parallel.pictures import Picture
from qa_parallel.schema import DECISIONS, LEAKS, check
from qa_parallel.stages import BUILD_BATCHES, CHECK_LEAKAGE, EVALUATE, FILTER, TRAIN_EVAL
from qa_parallel.storage import folders, store
from qa_parallel.training.pictures import training_curves

PAGE = "report.html"
ROWS = PageSettings().rows
TRAINING = "training.json"
_HITS = 40  # pairs of texts
_PLANS = 6


def write_report(folder: Path, *, rows: int = ROWS, seed: int = 0) -> Path:
    """Write report.html into `folder`, of a run or of one stage; the same data gives the same page.

    Parameters
    ----------
    rows:
        Questions that are shown, in all their languages; fewer where that would be too much.
    seed:
        Of the lot that chooses them.

    Raises
    ------
    StoreError
        There is nothing of ours in `folder`, nothing that is whole, or a file is broken.
    RecipeError
        `rows` or `seed` is negative.
    """
    if rows < 0 or seed < 0:
        raise RecipeError(f"expected rows and seed of at least 0, found {rows} and {seed}")
    found = find(folder, folders.VERSION)
    page = render(_contents(folder, found, rows, seed))
    store.write_bytes(folder / PAGE, page.encode())
    return folder / PAGE


def _contents(folder: Path, found: Sequence[StageFolder], rows: int, seed: int) -> dict[str, Any]:
    """All that the template may use."""
    told = history.history(found)
    filtered = _report(first(found, FILTER))
    leaks = _table(first(found, CHECK_LEAKAGE), "leaks", LEAKS)
    hits, all_hits = ([], 0) if leaks is None else pairs(leaks, _HITS)
    flows = history.flows(told)
    return {
        "title": folder.resolve().name,
        "version": __version__,
        "notes": list(history.notes(found, told, filtered)),
        "steps": list(history.entries(found, told)),
        "flows": flows,
        "source_counts": history.source_counts(told),
        "reasons": history.reasons(told),
        "own_checks": history.own_checks(told),
        "qualities": history.qualities(told),
        "check": told.get(CHECK_LEAKAGE.name),
        "hits": hits,
        "all_hits": all_hits,
        "plans": _plans(found),
        "evaluations": [
            one
            for place in found
            if place.stage == EVALUATE and place.whole
            for one in retrieval.evaluations(store.read_json(place.folder / "results.json"))
        ],
        "experiments": [
            (report, _training(place, report), retrieval.comparisons(report))
            for place in found
            if place.stage == TRAIN_EVAL and place.whole
            for report in [store.read_json(place.folder / "report.json")]
        ],
        **_sampled(found, leaks, rows, seed),
    }


def _report(one: StageFolder | None) -> dict[str, Any] | None:
    path = one and one.folder / "report.json"
    return store.read_json(path) if path and path.is_file() else None


def _training(place: StageFolder, report: Mapping[str, Any]) -> Picture | None:
    """How the trainings of an experiment went; None where their folders are not here."""
    paths = {run["name"]: place.folder / "runs" / run["name"] / TRAINING for run in report["runs"]}
    runs = {name: store.read_json(path) for name, path in paths.items() if path.is_file()}
    return training_curves(runs) if runs else None


def _table(one: StageFolder | None, name: str, schema: pl.Schema) -> pl.DataFrame | None:
    path = one and one.folder / f"{name}.parquet"
    return check(store.read_parquet(path), schema, name) if path and path.is_file() else None


def _plans(found: Sequence[StageFolder]) -> list[retrieval.Plan]:
    """One plan a strategy: those of other seeds look the same."""
    plans: dict[str, retrieval.Plan] = {}
    for one in found:
        if one.stage == BUILD_BATCHES and one.whole:
            made = retrieval.plan(one.name, store.read_json(one.folder / "report.json"))
            plans.setdefault(made.strategy, made)
    return list(plans.values())[:_PLANS]


def _sampled(
    found: Sequence[StageFolder], leaks: pl.DataFrame | None, rows: int, seed: int
) -> dict[str, Any]:
    """Questions for the page, and the languages that they are in."""
    corpus = next((one for one in found if one.is_corpus), None)
    if corpus is None or rows == 0:
        return {"sample": None, "data": None, "languages": []}
    fate = Fate.of(_table(first(found, FILTER), "decisions", DECISIONS), leaks)
    files = _files(corpus)
    keys = pl.concat(_read(corpus, files, ["qa_id", "passage_id", "language"]))
    languages = keys["language"].unique(maintain_order=True).to_list()
    sample = choose(keys, fate, rows, seed)
    chosen = pl.Series(sample.ids, dtype=pl.String)
    frames = (
        frame.filter(pl.col("qa_id").is_in(chosen.implode()))
        for frame in _read(corpus, files, COLUMNS)
    )
    tongues = [tongue(code) for code in languages]
    return {
        "sample": sample,
        "languages": tongues,
        "data": {
            "languages": [vars(one) for one in tongues],
            **embed(sample, frames, fate, languages),
        },
    }


def _files(corpus: StageFolder) -> list[Path]:
    """Data files of a corpus, and the rejected rows of a filtered one, where they are there."""
    rejected = [corpus.folder / name for name in corpus.manifest.get("rejected", {})]
    files = [corpus.folder / name for name in corpus.manifest["files"]]
    return files + [path for path in rejected if path.is_file()]


def _read(corpus: StageFolder, files: Sequence[Path], columns: list[str]) -> Iterator[pl.DataFrame]:
    for path in files:
        yield store.read_parquet(path, columns)
