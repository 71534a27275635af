"""A recipe, step by step: what is done, what is up to date, and why."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import closing
from typing import Any

from qa_parallel.errors import RecipeError, StoreError
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.pipeline.steps import Step, StepResult, place, steps
from qa_parallel.places import refuse_unwritable
from qa_parallel.storage import folders, store
from qa_parallel.storage.folders import Standing
from qa_parallel.storage.jobs import Job, carry_out, look
from qa_parallel.storage.stage import Tools

# What was made, for `OUT` to say so.
RECORD = "recipe.json"
_AGAIN = "asked for"


def run(
    recipe: Recipe,
    tools: Tools,
    first: str | None = None,
    last: str | None = None,
    *,
    begin: Callable[[Step, tuple[str, ...]], None] = lambda *_: None,
) -> Iterator[StepResult]:
    """Run the stages of `recipe` in their order, but those that are up to date.

    Every stage has a folder of its own in `recipe.out`, and reads that of the stage before. It is
    up to date where the folder was made with the same settings, of the same input, by the same
    version of its code. Translations that are known stay in the cache whatever is made again.

    Parameters
    ----------
    first:
        Make this stage and those after it again; those before it are taken as they are.
    last:
        Leave out what comes after it.
    begin:
        Told of every stage before it is done: what is done if it is new, else why it is done
        again; nothing where it is up to date.

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
    recipe.require([step.name for step in chosen])
    _claim(recipe)
    with store.locked(recipe.out):
        store.write_json(recipe.out / RECORD, _record(recipe))
        for step in before:
            yield StepResult(step, (), folders.complete(step.folder))
        for step in chosen:
            started = time.monotonic()
            with closing(step.prepare(tools)) as job:
                reasons = _reasons(look(job, step.folder), first)
                begin(step, _said(job, reasons))
                outcome = carry_out(job, step.folder, "always" if first else "changed")
            yield StepResult(step, reasons, outcome, time.monotonic() - started)
            step.how.refuse(outcome)


def foresee(
    recipe: Recipe, tools: Tools, first: str | None = None, last: str | None = None
) -> Iterator[tuple[Step, tuple[str, ...]]]:
    """Every step that `run` looks at, and why it would be made; nothing where it would not.

    Parameters and errors are those of `run`. Nothing is made or written.
    """
    _, chosen = _chosen(recipe, first, last)
    recipe.require([step.name for step in chosen])
    _claim(recipe)
    changing: set[str] = set()
    for step in chosen:
        reasons = _foreseen(step, tools, first, changing)
        if reasons:
            changing.add(step.name)
        yield step, reasons


def corpus_of(results: Sequence[StepResult]) -> StepResult | None:
    """That of the last step that left a corpus."""
    corpora = [one for one in results if one.outcome.manifest["kind"] == "corpus"]
    return corpora[-1] if corpora else None


def _chosen(recipe: Recipe, first: str | None, last: str | None) -> tuple[list[Step], list[Step]]:
    """The steps that are taken as they are, and those that are looked at."""
    every = steps(recipe)
    start = 0 if first is None else place(every, first)
    end = len(every) if last is None else place(every, last) + 1
    if start >= end:
        raise RecipeError(
            f"expected the last stage not to come before the first, found {first} and {last}",
            f"their order is {', '.join(step.name for step in every)}",
        )
    for step in every[:start]:
        if not (step.folder / folders.SETTINGS).is_file() or folders.is_unfinished(step.folder):
            raise StoreError(
                f"expected a complete output of {step.name} in {step.folder}, found none",
                f"{first} starts from it; run without a first stage, or from {step.name}",
            )
        if not folders.is_whole(step.folder):
            raise StoreError(
                f"expected the files that the manifest of {step.folder} names, found one missing "
                "or cut short",
                f"run from {step.name}",
            )
    return every[:start], every[start:end]


def _foreseen(
    step: Step, tools: Tools, first: str | None, changing: Container[str]
) -> tuple[str, ...]:
    if step.reads is not None and step.reads.name in changing:
        return ("its input changes",)
    if not (step.folder / folders.SETTINGS).exists():
        folders.refuse_foreign(step.folder)
        return (folders.NEW,)
    if not step.ready():
        return ("its model has to be downloaded or converted",)
    with closing(step.prepare(tools)) as job:
        return _reasons(look(job, step.folder), first)


def _said(job: Job, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """What is done where nothing was there before; else why it is done."""
    return (job.words,) if job.words and reasons == (folders.NEW,) else reasons


def _reasons(standing: Standing, first: str | None) -> tuple[str, ...]:
    return (_AGAIN,) if standing.complete and first is not None else standing.reasons


def _record(recipe: Recipe) -> dict[str, Any]:
    settings = recipe.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"out"})
    return {"made_by": folders.MADE_BY, **settings}


def _claim(recipe: Recipe) -> None:
    """StoreError where no folder can be, or it holds the output of another recipe."""
    refuse_unwritable(recipe.out)
    path = recipe.out / RECORD
    known = store.read_json(path) if path.is_file() else {}
    if known and (known.get("made_by"), known.get("name")) != (folders.MADE_BY, recipe.name):
        raise StoreError(
            f"expected the output of the recipe {recipe.name!r} in {recipe.out}, found that of "
            f"{known.get('name')!r}",
            "choose another --out, or delete that folder",
        )
