"""Does it help? Encoders trained by several plans from one start, evaluated and compared."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from qa_parallel import extras
from qa_parallel.batches.plan import KIND as PLAN
from qa_parallel.batches.plan import Head, read_head
from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import build_batches
from qa_parallel.encoders.encoder import digest, find_encoder
from qa_parallel.errors import ModelError, TrainingError
from qa_parallel.evaluation import measures
from qa_parallel.evaluation.pictures import draw
from qa_parallel.evaluation.ranking import Task
from qa_parallel.evaluation.stage import compare_results, evaluate_sets
from qa_parallel.pictures import Picture
from qa_parallel.sources.evalsets import EvalSet, open_evalset
from qa_parallel.sources.settings import EvalSettings, SourceSettings
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job, carry_out, description, fresh
from qa_parallel.storage.stage import Context, RecipeStep, Stage
from qa_parallel.text import counted
from qa_parallel.training import summary
from qa_parallel.training.loop import steps_of
from qa_parallel.training.pictures import training_curves
from qa_parallel.training.settings import START, ExperimentSettings
from qa_parallel.training.stage import ENCODER, entry, prepare_training, write_card
from qa_parallel.training.stage import REPORT as TRAINING

# Raise it when the same plans, encoder and sets would give other results than before.
VERSION = 1
REPORT = "report.json"
PICTURES = "pictures"
_PLANS, _RUNS, _RESULTS = "plans", "runs", "results"
_KEY = ["dataset", "setting", "query_language", "candidate_language", "measure"]

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Run:
    """A training: what it is called, its seed, its plan's folder, digest and steps."""

    system: str
    seed: int
    plan: Path
    digest: str
    steps: int

    @property
    def name(self) -> str:
        return f"{self.system}-{self.seed}"


def train_eval(
    plans: Sequence[Path],
    sets: Sequence[EvalSettings],
    settings: ExperimentSettings,
    out: Path,
    *,
    overwrite: bool = False,
    tell: Tell = lambda _: None,
    warn: Tell = lambda _: None,
) -> Outcome:
    """Train an encoder by each plan from the same start, evaluate all, compare them.

    What is finished is not done again; a training that was killed continues.

    Parameters
    ----------
    tell, warn:
        Told in a few words what is being done; what the user should know of.

    Raises
    ------
    TrainingError
        The plans have different numbers of steps, and no number was asked for.
    ModelError, SourceError, StoreError
        An encoder, an evaluation set or a plan cannot be read, or has changed.
    """
    folders.refuse_foreign(out)
    job = prepare_experiment(plans, sets, settings, tell=tell, warn=warn)
    return carry_out(job, out, fresh(overwrite))


def prepare_experiment(
    plans: Sequence[Path],
    sets: Sequence[EvalSettings],
    settings: ExperimentSettings,
    *,
    tell: Tell = lambda _: None,
    warn: Tell = lambda _: None,
) -> Job:
    """The job of `train_eval`; sets and plans are read, the encoder is found."""
    extras.require("train", "training", *extras.TRAINING)
    evalsets = read_sets(sets, tell)
    if settings.encoder is None:
        raise ModelError("expected an encoder to train, found none", "give --encoder FOLDER")
    start = settings.encoder
    encoder = find_encoder(start)
    tell("reading the plans")
    runs = list(runs_of(plans, settings))
    _refuse_unequal(runs)
    described = description(
        STAGE.name,
        VERSION,
        settings.model_dump(mode="json", exclude={"cache", "device", "encoder"}),
        runs={run.name: run.digest for run in runs},
        encoder={"name": encoder.resolve().name, "digest": digest(encoder)},
        sets=[
            {
                "name": one.name,
                "digest": one.digest,
                "options": given.model_dump(mode="json", exclude={"name", "path"}),
            }
            for one, given in zip(evalsets, sets, strict=True)
        ],
        measures=[one.name for one in measures.MEASURES],
    )

    def make(out: Path) -> dict[str, Any]:
        results = [(START, _evaluate(sets, settings, out, START, 0, start, tell))]
        said: set[str] = set()
        for run in runs:
            home = out / _RUNS / run.name
            training = prepare_training(
                run.plan,
                settings.training(run.seed),
                tell=lambda text, run=run: tell(f"{run.name}: {text}"),  # type: ignore[misc]
                warn=partial(_once, said, warn),
            )
            carry_out(training, home, "changed")
            found = _evaluate(sets, settings, out, run.system, run.seed, home / ENCODER, tell)
            write_card(home, store.read_json(found / "results.json"))
            results.append((run.system, found))
        tell("comparing")
        averages = means(results)
        store.write_json(out / REPORT, _report(runs, results, averages, settings, out))
        store.remove(out / PICTURES)
        pictures = _pictures(runs, averages, out)
        for name, picture in pictures.items():
            store.write_bytes(out / name, picture.file())
        names = [REPORT, *pictures]
        files = {name: store.record(out / name) for name in names}
        return {**folders.manifest(described, {}, files), "kind": "experiment"}

    names = ", ".join(one.name for one in sets)
    words = f"{counted(len(runs), 'training')} of {start}, evaluated on {names}"
    return Job(described, make, inner=(_RUNS, _RESULTS), keeps=STAGE.keeps, words=words)


def _once(said: set[str], warn: Tell, text: str) -> None:
    """Say of a language, which all runs may share, what is to be said of it once."""
    subject = text.partition(":")[0]
    if subject not in said:
        said.add(subject)
        warn(text)


def read_sets(sets: Sequence[EvalSettings], tell: Tell = lambda _: None) -> list[EvalSet]:
    """Read all evaluation sets, so that one that is missing is known before hours have gone."""
    tell("reading the evaluation sets")
    evalsets = [open_evalset(one) for one in sets]
    for one in evalsets:
        Task(one)
    return evalsets


def plan_strategies(
    corpora: Sequence[SourceSettings],
    strategies: Sequence[str],
    settings: BatchSettings,
    seeds: int,
    out: Path,
    *,
    overwrite: bool = False,
    tell: Tell = lambda _: None,
) -> list[Path]:
    """A plan for each strategy and seed, of the same corpora and with the same number of steps.

    Raises
    ------
    ExtraError
        What trains by the plans is not installed: said before they are made.
    """
    extras.require("train", "training", *extras.TRAINING)
    found = []
    for strategy, seed in itertools.product(
        strategies, range(settings.seed, settings.seed + seeds)
    ):
        home = out / f"{strategy}-{seed}"
        tell(f"planning {home.name}")
        # parsed again: settings may not fit a strategy
        values = {**settings.model_dump(), "strategy": strategy, "seed": seed}
        build_batches(corpora, BatchSettings.model_validate(values), home, overwrite=overwrite)
        found.append(home)
    return found


def runs_of(plans: Sequence[Path], settings: ExperimentSettings) -> Iterator[Run]:
    """Each plan with each seed; a system is all runs whose plans differ in their seed alone.

    It is called by its strategy or, where that would not tell it from another one, by the folder of
    its first plan.
    """
    heads = [(folder, read_head(folder)) for folder in plans]
    names = _names(heads)
    known: Counter[str] = Counter()
    for folder, head in heads:
        for _ in range(settings.seeds):
            seed = settings.seed + known[head.kind]
            known[head.kind] += 1
            steps = steps_of(head.steps, settings)
            yield Run(names[head.kind], seed, folder, head.digest, steps)


def _names(plans: Sequence[tuple[Path, Head]]) -> dict[str, str]:
    """What each kind of plan is called."""
    first = {head.kind: (folder, head) for folder, head in reversed(plans)}
    strategies = Counter(head.settings.strategy for _, head in first.values())
    names = {
        kind: head.settings.strategy
        if strategies[head.settings.strategy] == 1
        else folder.resolve().name
        for kind, (folder, head) in first.items()
    }
    doubled = [name for name, count in Counter([START, *names.values()]).items() if count > 1]
    if doubled:
        raise TrainingError(
            f"expected plans in folders of different names, found two systems {doubled[0]!r}",
            "plans of one strategy are called by their folders; rename one",
        )
    return names


def _refuse_unequal(runs: Sequence[Run]) -> None:
    steps = {run.name: run.steps for run in runs}
    if len(set(steps.values())) > 1:
        raise TrainingError(
            "expected plans of equally many steps, found "
            + ", ".join(f"{name}: {count:,}" for name, count in steps.items()),
            f"--steps {min(steps.values())} takes the first ones of each",
        )


def _evaluate(
    sets: Sequence[EvalSettings],
    settings: ExperimentSettings,
    out: Path,
    system: str,
    seed: int,
    encoder: str | Path,
    tell: Tell,
) -> Path:
    """The folder of the results of an encoder."""
    name = system if system == START else f"{system}-{seed}"
    home = out / _RESULTS / name
    evaluate_sets(
        sets,
        settings.evaluation(str(encoder), system, seed),
        home,
        overwrite=True,
        tell=lambda text: tell(f"{name}: {text}"),
    )
    return home


def _pictures(runs: Sequence[Run], averages: pl.DataFrame, out: Path) -> dict[str, Picture]:
    """How the trainings went and what their encoders find, by the names of the files."""
    trainings = {run.name: store.read_json(out / _RUNS / run.name / TRAINING) for run in runs}
    systems = averages["system"].unique(maintain_order=True)
    maps = draw({name: averages.filter(system=name) for name in systems})
    pictures = {"training.svg": training_curves(trainings), **maps}
    return {f"{PICTURES}/{name}": picture for name, picture in pictures.items()}


def _report(
    runs: Sequence[Run],
    results: Sequence[tuple[str, Path]],
    averages: pl.DataFrame,
    settings: ExperimentSettings,
    out: Path,
) -> dict[str, Any]:
    told = []
    for run in runs:
        one = store.read_json(out / _RUNS / run.name / TRAINING)
        mine = {"system": run.system, "seed": run.seed, "plan": one["plan"]}
        told.append({**entry(run.name, one), **mine})
    return {
        "runs": told,
        "means": averages.to_dicts(),
        "differences": list(_differences(results, settings.samples)),
    }


def means(results: Sequence[tuple[str, Path]]) -> pl.DataFrame:
    """Mean and standard deviation over the seeds of each system; null with one seed.

    Returns
    -------
    system, dataset, setting, query_language, candidate_language, measure, value, sd, seeds.
    """
    frames = [
        store.read_parquet(folder / "results.parquet").with_columns(system=pl.lit(system))
        for system, folder in results
    ]
    return (
        pl.concat(frames)
        .group_by("system", *_KEY, maintain_order=True)
        .agg(pl.col("value").mean(), sd=pl.col("value").std(), seeds=pl.len())
    )


def _differences(results: Sequence[tuple[str, Path]], samples: int) -> Iterator[dict[str, Any]]:
    """Every system against each one before it."""
    systems = list(dict.fromkeys(system for system, _ in results))
    for place, baseline in enumerate(systems[:-1]):
        rest = [baseline, *systems[place + 1 :]]
        outs = [folder for name in rest for system, folder in results if system == name]
        yield from compare_results(outs, samples)


def _prepare(context: Context) -> Job:
    settings = context.tables["train-eval"]
    return prepare_experiment(
        [context.input],
        settings.evalsets(),
        settings.experiment(),
        tell=context.tools.tell,
        warn=context.tools.warn,
    )


def _summary(outcome: Outcome) -> Iterator[Any]:
    folder = outcome.folder
    yield from summary.describe(store.read_json(folder / REPORT))
    yield f"Encoders are in {folder}/{_RUNS}/NAME/{ENCODER}, pictures in {folder}/{PICTURES}."


STAGE = Stage(
    name="train-eval",
    title="Train and compare",
    makes="experiment",
    words=summary.experiment_words,
    brief=lambda outcome: summary.experiment_brief(outcome.manifest),
    summary=_summary,
    keeps="trainings and evaluations with unchanged settings are kept",
    recipe=RecipeStep("trained", _prepare, reads=PLAN),
)
