"""Evaluation sets and an encoder in; out RESULTS, the values of every query, and pictures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel import __version__
from qa_parallel.encoders.encoder import find_encoder, load_encoder
from qa_parallel.encoders.prefixes import missing_prefixes
from qa_parallel.encoders.vectors import encode, given
from qa_parallel.errors import ModelError, StoreError
from qa_parallel.evaluation import measures, summary
from qa_parallel.evaluation.pictures import draw
from qa_parallel.evaluation.ranking import Measurements, Task, Vectors, debias, evaluate, summarise
from qa_parallel.evaluation.settings import EvaluateSettings
from qa_parallel.evaluation.significance import compare, measures_of
from qa_parallel.places import Place, is_file, refuse_unwritable
from qa_parallel.schema import RESULTS
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.cache import cache_folder
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage

# Raise it when the same vectors and sets would give other results than before.
VERSION = 1
RESULTS_FILE = "results.parquet"
VALUES = "values.parquet"
REPORT = "results.json"
PICTURES = "pictures"

Tell = Callable[[str], None]


@dataclass
class Evaluated:
    """What an evaluation found.

    Attributes
    ----------
    report:
        As in results.json: sets, counts, settings, signatures, results.
    outcome:
        The folder that was written. None where none was asked for.
    """

    report: dict[str, Any]
    outcome: Outcome | None = None


def evaluate_sets(
    sets: Sequence[EvalSettings],
    settings: EvaluateSettings,
    out: Path | None = None,
    *,
    overwrite: bool = False,
    tell: Tell = lambda _: None,
) -> Evaluated:
    """Evaluate an encoder, or vectors that are given, on evaluation sets.

    Parameters
    ----------
    out:
        Folder of results, values and pictures. None: nothing is written.
    tell:
        Told in a few words what is being done.

    Raises
    ------
    ModelError
        The encoder cannot be loaded; there is none and there are no vectors, or both.
    SourceError
        A set cannot be read, or has nothing to retrieve; a text has no vector.
    StoreError
        `out` belongs to other settings or to something else.
    """
    if out is None:
        report, _ = _evaluate(_open(sets, settings, tell), tell)
        return Evaluated(report)
    folders.refuse_foreign(out)
    job = prepare_evaluation(sets, settings, tell=tell)
    return read_evaluation(carry_out(job, out, fresh(overwrite)))


def prepare_evaluation(
    sets: Sequence[EvalSettings], settings: EvaluateSettings, *, tell: Tell = lambda _: None
) -> Job:
    """The job of `evaluate_sets`; the encoder is loaded."""
    opened = _open(sets, settings, tell)

    def make(out: Path) -> dict[str, Any]:
        report, values = _evaluate(opened, tell)
        return _write(out, report, values, opened.described)

    encoder = settings.encoder or settings.embeddings
    words = f"{encoder} on {', '.join(one.name for one in sets)}"
    return Job(opened.described, make, keeps=STAGE.keeps, words=words)


def read_evaluation(outcome: Outcome) -> Evaluated:
    """What an evaluation found, from its folder."""
    return Evaluated(store.read_json(outcome.folder / REPORT), outcome)


def write_texts(sets: Sequence[EvalSettings], settings: EvaluateSettings, path: Path) -> int:
    """Every id with its text, as JSON lines, for an encoder that runs elsewhere; how many.

    Prefixes are left to whoever encodes them.
    """
    refuse_unwritable(path, "--texts")
    frames = []
    for one in sets:
        task = Task(open_evalset(one))
        texts = task.texts(settings.candidates, settings.titles)
        frames += [
            task.queries.select(
                "language", id="query_id", kind=pl.lit("query"), text=pl.Series(task.questions)
            ),
            task.candidates.select(
                "language", id="candidate_id", kind=pl.lit("candidate"), text=pl.Series(texts)
            ),
        ]
    rows = pl.concat(frames).select("id", "kind", "language", "text")
    store.write_bytes(path, rows.write_ndjson().encode())
    return rows.height


def compare_results(
    outs: Sequence[Path], samples: int = 1000, seed: int = 0, warn: Tell = lambda _: None
) -> Iterator[dict[str, Any]]:
    """Differences of results to the first ones, set by set; p and interval by paired bootstrap.

    Results of one strategy whose seeds differ are averaged and stand for one encoder. What is
    compared are the measures that all of them have.

    Parameters
    ----------
    warn:
        Told of measures that are left out.

    Returns
    -------
    Rows of "dataset", "baseline", "system", and the fields of `compare.Difference`.

    Raises
    ------
    StoreError
        A folder holds no whole results, or those of other sets, texts or measures than the first
        one's.
    """
    systems: dict[str, list[Path]] = {}
    reports = {out: _results(out) for out in outs}
    first = reports[outs[0]]
    for out, report in reports.items():
        if _compared(report) != _compared(first):
            raise StoreError(
                f"expected results on {_compared(first)} in {out}, found {_compared(report)}",
                "evaluate both on the same sets under the same names, with the same candidates",
            )
        settings = report["evaluate"]
        name = settings["strategy"] if settings["seed"] is not None else None
        systems.setdefault(name or str(out), []).append(out)
    if len(systems) < 2:
        raise StoreError(
            f"expected results of at least two encoders, found {len(systems)}",
            "results of one strategy that differ in their seed count as one",
        )
    values = {out: store.read_parquet(out / VALUES) for out in outs}
    _tell_missing(values, warn)
    baseline, *others = systems
    for one in first["sets"]:
        for other in others:
            ours, theirs = (
                [values[out].filter(dataset=one["name"]).drop("dataset") for out in systems[side]]
                for side in (baseline, other)
            )
            for row in compare(ours, theirs, samples, seed):
                yield {
                    "dataset": one["name"], "baseline": baseline, "system": other, **asdict(row),
                }  # fmt: skip


def _results(out: Path) -> dict[str, Any]:
    if not is_file(out / folders.MANIFEST) or not is_file(out / VALUES):
        raise StoreError(
            f"expected the results of an evaluation in {out}, found none",
            "run qa-parallel evaluate --out FOLDER first",
        )
    return store.read_json(out / REPORT)


def _compared(report: dict[str, Any]) -> str:
    """What must be the same on both sides."""
    sets = ", ".join(f"{one['name']}={one['source']}" for one in report["sets"])
    return f"{sets} ({report['evaluate']['candidates']})"


def _tell_missing(values: Mapping[Path, pl.DataFrame], warn: Tell) -> None:
    """Say which measures only some results have; StoreError where all have none."""
    known = {out: measures_of(one.drop("dataset")) for out, one in values.items()}
    every = dict.fromkeys(itertools.chain.from_iterable(known.values()))
    lacking = [
        f"{measures.named(name).label} (not in {', '.join(map(str, without))})"
        for name in every
        if (without := [out for out, names in known.items() if name not in names])
    ]
    hint = "evaluate again with --overwrite to compare all measures"
    if not set.intersection(*map(set, known.values())):
        raise StoreError("expected a measure that all results have, found none", hint)
    if lacking:
        warn(f"left out: {', '.join(lacking)}; {hint}")


@dataclass(frozen=True)
class _Source:
    """Where vectors come from: an encoder, or a file.

    Attributes
    ----------
    name, record:
        "folder@digest"; what the vectors depend on besides the texts.
    languages:
        That the encoder was trained on. None: nobody knows.
    vectors:
        Texts, their ids and their side ("query" or "passage") to vectors.
    warnings:
        What is to be said of it beside the results.
    """

    name: str
    record: dict[str, Any]
    languages: tuple[str, ...] | None
    vectors: Callable[[list[str], list[str], str], Vectors]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Opened:
    """What is evaluated on what, read and described."""

    tasks: Sequence[Task]
    settings: EvaluateSettings
    source: _Source
    described: dict[str, Any]
    layout: dict[str, Any]  # what was read as what, by set


def _open(sets: Sequence[EvalSettings], settings: EvaluateSettings, tell: Tell) -> _Opened:
    tell("reading")
    evalsets = [open_evalset(one) for one in sets]
    tasks = [Task(one) for one in evalsets]
    source = _source(settings, tell)
    layout = {one.name: one.account.to_json() for one in evalsets}
    return _Opened(tasks, settings, source, _describe(settings, source, evalsets, sets), layout)


def _source(settings: EvaluateSettings, tell: Tell) -> _Source:
    """The encoder, or the file of vectors; ModelError unless there is one of them."""
    if settings.embeddings is not None and settings.encoder is None:
        return _file(settings.embeddings)
    if settings.encoder is not None and settings.embeddings is None:
        tell("loading the encoder")
        return _encoder(find_encoder(settings.encoder), settings, tell)
    found = "both" if settings.encoder else "neither"
    raise ModelError(f"expected an encoder or a file of vectors, found {found}")


def _file(path: Path) -> _Source:
    if not is_file(path):
        raise ModelError(
            f"expected a file of vectors, found none at {str(path)!r}", "check the path"
        )
    name = f"{path.name}@{store.digest(path)[:12]}"
    return _Source(name, {"vectors": name}, None, lambda texts, ids, side: given(path, ids))


def _encoder(folder: Path, settings: EvaluateSettings, tell: Tell) -> _Source:
    loaded = load_encoder(folder, settings)
    cache = cache_folder(settings.cache) / "vectors"
    place = Place.of(str(settings.encoder))
    called = folder.resolve().name if place.is_folder else settings.encoder
    name = f"{called}@{loaded.digest[:12]}"
    asked = {"query": settings.query_prefix, "passage": settings.passage_prefix}
    own = {"query": loaded.query_prefix, "passage": loaded.passage_prefix}
    prefixes = {side: own[side] if asked[side] is None else asked[side] for side in own}
    record = {
        "encoder": name,
        "pooling": loaded.pooling,
        **prefixes,
        "length": loaded.max_length,
        "precision": str(loaded.model.dtype).removeprefix("torch."),
    }

    def vectors(texts: list[str], ids: list[str], side: str) -> Vectors:
        def told(done: int, of: int) -> None:
            tell(f"{side}: {done:,} of {of:,} texts encoded")

        return encode(texts, loaded, prefixes[side] or "", cache, told)

    # "" is somebody's decision
    query, passage = (one if one else "none" if one == "" else own[side]
                      for side, one in asked.items())  # fmt: skip
    lacking = missing_prefixes(str(called), query, passage)
    return _Source(name, record, loaded.languages, vectors, (lacking,) if lacking else ())


def _evaluate(opened: _Opened, tell: Tell) -> tuple[dict[str, Any], pl.DataFrame]:
    """The report, and the values of every query."""
    settings, source, described = opened.settings, opened.source, opened.described
    results, values, told = [], [], []
    for task, one in zip(opened.tasks, described["sets"], strict=True):
        found = _runs(task, settings, source, tell)
        results.append(
            summarise(
                found,
                encoder=source.name,
                strategy=settings.strategy,
                seed=settings.seed,
                signature=one["signature"],
            )
        )
        values.append(found.values.select(pl.lit(task.name).alias("dataset"), pl.all()))
        told.append({**one, "counts": found.counts, "judged": task.judged, "own": task.own.height})
    report = {
        **described,
        "sets": told,
        "layout": opened.layout,
        "warnings": source.warnings,
        "results": pl.concat(results).to_dicts(),
    }
    return report, pl.concat(values)


def _runs(task: Task, settings: EvaluateSettings, source: _Source, tell: Tell) -> Measurements:
    def vectors(side: str, texts: list[str], table: pl.DataFrame, key: str) -> Vectors:
        found = source.vectors(texts, table[key].to_list(), side)
        return debias(found, table["language"]) if settings.debias else found

    texts = task.texts(settings.candidates, settings.titles)
    return evaluate(
        task,
        vectors("query", task.questions, task.queries, "query_id"),
        vectors("passage", texts, task.candidates, "candidate_id"),
        lambda done, of: tell(f"{task.name}: {done:,} of {of:,} queries ranked"),
    )


def _describe(
    settings: EvaluateSettings,
    source: _Source,
    evalsets: Sequence[EvalSet],
    sets: Sequence[EvalSettings],
) -> dict[str, Any]:
    """All that shapes the outcome, for comparing with what a folder was made with."""
    options = [one.model_dump(mode="json", exclude={"name", "path"}) for one in sets]
    return description(
        STAGE.name,
        VERSION,
        settings.model_dump(mode="json", include=_SHAPES),
        measures=[one.name for one in measures.MEASURES],
        encoder=source.record,
        sets=[
            {
                "name": one.name,
                "source": one.source,
                "digest": one.digest,
                "options": more,
                "languages": one.languages,
                "queries": one.queries.height,
                "candidates": one.candidates.height,
                "untrained": sorted(set(one.languages) - set(source.languages or one.languages)),
                "signature": _signature(one, settings, source),
            }
            for one, more in zip(evalsets, options, strict=True)
        ],
    )


# Settings that are not part of what is said of the encoder.
_SHAPES = {"candidates", "titles", "debias", "strategy", "seed"}


def _signature(evalset: EvalSet, settings: EvaluateSettings, source: _Source) -> str:
    """How a result was made, in a line, as sacrebleu has it."""
    parts = {
        "set": f"{evalset.name}={evalset.source}",
        **source.record,
        "candidates": settings.candidates,
        **({} if settings.titles is None else {"titles": "yes" if settings.titles else "no"}),
        "debias": "yes" if settings.debias else "no",
        "version": __version__,
    }
    return "|".join(f"{name}:{value}" for name, value in parts.items())


def _write(
    out: Path, report: dict[str, Any], values: pl.DataFrame, described: dict[str, Any]
) -> dict[str, Any]:
    """The files of the folder; returns its manifest."""
    store.remove(out / PICTURES)
    results = pl.DataFrame(report["results"], schema=RESULTS)
    store.write_parquet(out / RESULTS_FILE, results)
    store.write_parquet(out / VALUES, values)
    store.write_json(out / REPORT, report)
    pictures = {f"{PICTURES}/{name}": one for name, one in draw({"": results}).items()}
    for name, picture in pictures.items():
        store.write_bytes(out / name, picture.file())
    names = [RESULTS_FILE, VALUES, REPORT, *pictures]
    files = {name: store.record(out / name) for name in names}
    return {
        **folders.manifest(described, {}, files),
        "kind": "evaluation",
        "layout": report["layout"],
    }


def _prepare(context: Context) -> Job:
    settings = context.tables["evaluate"]
    return prepare_evaluation(settings.evalsets(), settings, tell=context.tools.tell)


def _summary(outcome: Outcome) -> Iterator[Any]:
    yield from summary.describe(store.read_json(outcome.folder / REPORT))
    yield f"Results and pictures are in {outcome.folder}."


STAGE = Stage(
    name="evaluate",
    title="Evaluate",
    makes="evaluation",
    words=summary.words,
    brief=lambda outcome: summary.brief(store.read_json(outcome.folder / REPORT)),
    summary=_summary,
    keeps="known vectors stay in the cache",
    recipe=RecipeStep("evaluated", _prepare),
)
