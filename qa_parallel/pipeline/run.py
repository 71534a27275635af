"""The stages by themselves, and those of a recipe in their order."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing
from typing import Any

from qa_parallel.batches.stage import build_batches
from qa_parallel.errors import RecipeError, StoreError
from qa_parallel.evaluation.stage import (
    Evaluated,
    compare_results,
    evaluate_sets,
    read_evaluation,
    write_texts,
)
from qa_parallel.filters.stage import explain, filter_corpus
from qa_parallel.leakage.stage import Checked, check_leakage, read_check, refuse_leaks
from qa_parallel.page.stage import write_report
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.pipeline.steps import Stage, Step, Tools, place, stages
from qa_parallel.places import refuse_unwritable
from qa_parallel.publishing.stage import Publication, prepare, publish
from qa_parallel.sources.stage import import_parallel
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import Outcome, Standing
from qa_parallel.storage.jobs import carry_out, look
from qa_parallel.training.experiment import plan_strategies, read_sets, train_eval
from qa_parallel.translation.runner import Reporter
from qa_parallel.translation.stage import translate

__all__ = [
    "Checked",
    "Evaluated",
    "Outcome",
    "Publication",
    "Reporter",
    "Stage",
    "Step",
    "Tools",
    "build_batches",
    "check_leakage",
    "compare_results",
    "corpus_of",
    "evaluate_sets",
    "explain",
    "filter_corpus",
    "foresee",
    "import_parallel",
    "plan_strategies",
    "prepare",
    "publish",
    "read_check",
    "read_evaluation",
    "read_sets",
    "refuse_leaks",
    "run",
    "train_eval",
    "translate",
    "write_report",
    "write_texts",
]

# What was made, for `OUT` to say so.
RECORD = "recipe.json"
_AGAIN = "asked for"


def run(
    recipe: Recipe,
    tools: Tools,
    first: str | None = None,
    last: str | None = None,
    *,
    begin: Callable[[Stage, tuple[str, ...]], None] = lambda *_: None,
) -> Iterator[Step]:
    """Run the stages of `recipe` in their order, but those that are up to date.

    Every stage has a folder of its own in `recipe.out`, and reads that of the stage before. It is
    up to date where the folder was made with the same settings, of the same input, by the same
    version of its code. Translations that are known stay in the cache whatever is made anew.

    Parameters
    ----------
    first:
        Make this stage and those after it anew; those before it are taken as they are.
    last:
        Leave out what comes after it.
    begin:
        Told of every stage what is to be done, why (nothing: it is up to date), before it is.

    Raises
    ------
    RecipeError
        The recipe has no such stage, or names data that is not there.
    StoreError
        A folder is not of that stage, or a stage before `first` is not complete.
    LeakageError
        Something leaks, and that is to be an error.
    """
    before, chosen = _chosen(recipe, first, last)
    recipe.require()
    _claim(recipe)
    with store.locked(recipe.out):
        store.write_json(recipe.out / RECORD, _record(recipe))
        for stage in before:
            yield Step(stage, (), folders.complete(stage.folder))
        for stage in chosen:
            started = time.monotonic()
            with closing(stage.prepare(tools)) as job:
                reasons = _reasons(look(job, stage.folder), first)
                begin(stage, reasons)
                outcome = carry_out(job, stage.folder, "always" if first else "changed")
            yield Step(stage, reasons, outcome, time.monotonic() - started)
            if stage.name == "check-leakage":
                refuse_leaks(read_check(outcome))


def foresee(
    recipe: Recipe, tools: Tools, first: str | None = None, last: str | None = None
) -> Iterator[tuple[Stage, tuple[str, ...]]]:
    """Every stage that `run` looks at, and why it would be made; nothing where it would not.

    Parameters and errors are those of `run`. Nothing is made or written.
    """
    _, chosen = _chosen(recipe, first, last)
    recipe.require()
    _claim(recipe)
    changing: set[str] = set()
    for stage in chosen:
        reasons = _foreseen(stage, tools, first, changing)
        if reasons:
            changing.add(stage.name)
        yield stage, reasons


def corpus_of(steps: Sequence[Step]) -> Step | None:
    """The last step that left a corpus."""
    return next((step for step in reversed(steps) if step.stage.leaves_corpus), None)


def _chosen(recipe: Recipe, first: str | None, last: str | None) -> tuple[list[Stage], list[Stage]]:
    """The stages that are taken as they are, and those that are looked at."""
    every = stages(recipe)
    start = 0 if first is None else place(every, first)
    end = len(every) if last is None else place(every, last) + 1
    if start >= end:
        raise RecipeError(
            f"expected the last stage not to come before the first, found {first} and {last}",
            f"their order is {', '.join(stage.name for stage in every)}",
        )
    for stage in every[:start]:
        if not (stage.folder / folders.SETTINGS).is_file() or folders.is_unfinished(stage.folder):
            raise StoreError(
                f"expected a complete outcome of {stage.name} in {stage.folder}, found none",
                f"{first} starts from it; run without a first stage, or from {stage.name}",
            )
        if not folders.is_whole(stage.folder):
            raise StoreError(
                f"expected the files that the manifest of {stage.folder} names, found one missing "
                "or cut short",
                f"run from {stage.name}",
            )
    return every[:start], every[start:end]


def _foreseen(
    stage: Stage, tools: Tools, first: str | None, changing: Container[str]
) -> tuple[str, ...]:
    if stage.reads is not None and stage.reads.name in changing:
        return ("its input will change",)
    if not (stage.folder / folders.SETTINGS).exists():
        folders.refuse_foreign(stage.folder)
        return ("not made yet",)
    if not stage.ready():
        return ("its model is to be fetched or converted",)
    with closing(stage.prepare(tools)) as job:
        return _reasons(look(job, stage.folder), first)


def _reasons(standing: Standing, first: str | None) -> tuple[str, ...]:
    return (_AGAIN,) if standing.complete and first is not None else standing.reasons


def _record(recipe: Recipe) -> dict[str, Any]:
    settings = recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"out"})
    return {"made_by": folders.MADE_BY, **settings}


def _claim(recipe: Recipe) -> None:
    """StoreError where no folder can be, or it holds the outcome of another recipe."""
    refuse_unwritable(recipe.out)
    path = recipe.out / RECORD
    known = store.read_json(path) if path.is_file() else {}
    if known and (known.get("made_by"), known.get("name")) != (folders.MADE_BY, recipe.name):
        raise StoreError(
            f"expected the outcome of the recipe {recipe.name!r} in {recipe.out}, found that of "
            f"{known.get('name')!r}",
            "choose another --out, or delete that folder",
        )
