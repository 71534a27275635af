"""The stages of a recipe: the folder of each, what it reads, how its job is made ready."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qa_parallel.batches.settings import BatchSettings
from qa_parallel.batches.stage import prepare_batches
from qa_parallel.errors import RecipeError
from qa_parallel.evaluation.settings import EvaluationSettings
from qa_parallel.evaluation.stage import prepare_evaluation
from qa_parallel.filters.settings import FilterSettings
from qa_parallel.filters.stage import prepare_filter
from qa_parallel.leakage.settings import CheckSettings
from qa_parallel.leakage.stage import prepare_check
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.sources.settings import SourceSettings
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job
from qa_parallel.training.experiment import prepare_experiment
from qa_parallel.training.settings import TrainEvalSettings
from qa_parallel.translation.models.model import is_ready
from qa_parallel.translation.runner import Reporter
from qa_parallel.translation.stage import prepare_translation

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Tools:
    """What stages are given besides their settings.

    Attributes
    ----------
    reporter:
        Who is told how the translation goes.
    workers:
        Threads and processes of the filters.
    tell, warn:
        Told in a few words what is being done; what the user should know of.
    """

    reporter: Reporter
    workers: int = 1
    tell: Tell = lambda _: None
    warn: Tell = lambda _: None


Make = Callable[[Tools], Job]


@dataclass(frozen=True)
class Stage:
    """A stage of a recipe.

    Attributes
    ----------
    name, folder:
        As the recipe calls it; where its outcome goes.
    reads:
        The stage whose outcome it reads. None: it reads none of them.
    leaves_corpus:
        Whether later stages read its outcome as a corpus.
    prepare:
        Reads the input and describes the job.
    ready:
        Whether that needs nothing to be fetched or converted first.
    """

    name: str
    folder: Path
    reads: Stage | None
    leaves_corpus: bool
    prepare: Make
    ready: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class Step:
    """What became of a stage.

    Attributes
    ----------
    reasons:
        Why it was made. Empty where it is up to date.
    outcome:
        What is in its folder.
    seconds:
        That it took.
    """

    stage: Stage
    reasons: tuple[str, ...]
    outcome: Outcome
    seconds: float = 0.0

    @property
    def made(self) -> bool:
        """Whether there was something to do."""
        return bool(self.reasons)


def stages(recipe: Recipe) -> list[Stage]:
    """The stages that a recipe has, in their order."""

    def stage(name: str, folder: str, reads: Stage | None, make: Make, *, corpus: bool = False,
              ready: Callable[[], bool] = lambda: True) -> Stage:  # fmt: skip
        found.append(Stage(name, recipe.out / folder, reads, corpus, make, ready))
        return found[-1]

    found: list[Stage] = []
    ready = partial(is_ready, recipe.model)
    last = stage(
        "translate", "translated", None, partial(_translate, recipe), corpus=True, ready=ready
    )
    if recipe.filter is not None:
        last = stage("filter", "filtered", last, partial(_filter, recipe.filter, last), corpus=True)
    if recipe.check_leakage is not None:
        check = partial(_check, recipe.check_leakage, last)
        drops = recipe.check_leakage.action == "drop"
        checked = stage("check-leakage", "checked", last, check, corpus=drops)
        last = checked if drops else last
    if recipe.build_batches is not None:
        last = stage("build-batches", "batches", last, partial(_plan, recipe.build_batches, last))
    if recipe.evaluate is not None:
        stage("evaluate", "evaluated", None, partial(_evaluate, recipe.evaluate))
    if recipe.train_eval is not None:  # a recipe that has it has a plan
        stage("train-eval", "trained", last, partial(_train, recipe.train_eval, last))
    return found


def place(stages: Sequence[Stage], name: str) -> int:
    """The position of the stage of that name.

    Raises
    ------
    RecipeError
        The recipe has no such stage.
    """
    names = [stage.name for stage in stages]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        raise RecipeError(
            f"expected a stage of the recipe ({', '.join(names)}), found {name!r}",
            f"did you mean {close[0]!r}?" if close else "the recipe has no table of that name",
        )
    return names.index(name)


def _corpus(stage: Stage) -> SourceSettings:
    return SourceSettings(source=str(stage.folder))


def _translate(recipe: Recipe, tools: Tools) -> Job:
    return prepare_translation(
        recipe.source, recipe.model, recipe.translate, tools.reporter, title=recipe.name
    )


def _filter(settings: FilterSettings, reads: Stage, tools: Tools) -> Job:
    return prepare_filter(_corpus(reads), settings, workers=tools.workers, tell=tools.tell)


def _check(settings: CheckSettings, reads: Stage, _: Tools) -> Job:
    return prepare_check(_corpus(reads), settings.evalsets(), settings)


def _plan(settings: BatchSettings, reads: Stage, _: Tools) -> Job:
    return prepare_batches([_corpus(reads)], settings)


def _evaluate(settings: EvaluationSettings, tools: Tools) -> Job:
    return prepare_evaluation(settings.evalsets(), settings, tell=tools.tell)


def _train(settings: TrainEvalSettings, reads: Stage, tools: Tools) -> Job:
    return prepare_experiment(
        [reads.folder],
        settings.evalsets(),
        settings.experiment(),
        tell=tools.tell,
        warn=tools.warn,
    )
