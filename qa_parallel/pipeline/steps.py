"""The steps of a recipe: which stages it has, the folder of each, what each reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa_parallel import stages
from qa_parallel.errors import RecipeError
from qa_parallel.pipeline.recipe import Recipe
from qa_parallel.storage.folders import Outcome
from qa_parallel.storage.jobs import Job
from qa_parallel.storage.stage import Context, RecipeStep, Stage, Tools

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Step:
    """A stage of a recipe.

    Attributes
    ----------
    how:
        How a recipe runs that stage.
    reads:
        The step whose outcome it reads. None: it reads none of them.
    """

    recipe: Recipe
    stage: Stage
    how: RecipeStep
    reads: Step | None

    @property
    def name(self) -> str:
        """As the recipe calls the stage."""
        return self.stage.name

    @property
    def folder(self) -> Path:
        """Where its outcome goes."""
        return self.recipe.out / self.how.folder

    def ready(self) -> bool:
        """Whether `prepare` has nothing to fetch or to convert first."""
        return self.how.ready(self.recipe.tables())

    def prepare(self, tools: Tools) -> Job:
        """Read the input and describe the job; errors are those of the stage."""
        reads = None if self.reads is None else self.reads.folder
        return self.how.prepare(Context(self.recipe.name, self.recipe.tables(), reads, tools))


@dataclass(frozen=True)
class StepResult:
    """What became of a step.

    Attributes
    ----------
    reasons:
        Why it was made. Empty where it is up to date.
    outcome:
        What is in its folder.
    seconds:
        That it took.
    """

    step: Step
    reasons: tuple[str, ...]
    outcome: Outcome
    seconds: float = 0.0

    def tables(self) -> Iterator[RenderableType]:
        """What the stage tells of its outcome."""
        yield from self.step.stage.summary(self.outcome)

    @property
    def made(self) -> bool:
        """Whether there was something to do."""
        return bool(self.reasons)


def steps(recipe: Recipe) -> list[Step]:
    """The steps of a recipe in the order of the road; a stage without a table is left out."""
    tables = recipe.tables()
    found: list[Step] = []
    latest: dict[str, Step] = {}
    for stage in stages.STAGES:
        how = stage.recipe
        if how is None or stage.name not in tables:
            continue
        reads = None if how.reads is None else latest[how.reads]
        found.append(Step(recipe, stage, how, reads))
        if how.hands_on(tables[stage.name]):
            latest[stage.makes] = found[-1]
    return found


def place(steps: Sequence[Step], name: str) -> int:
    """The position of the step of that name.

    Raises
    ------
    RecipeError
        The recipe has no such stage.
    """
    names = [step.name for step in steps]
    if name not in names:
        close = difflib.get_close_matches(name, names, n=1)
        raise RecipeError(
            f"expected a stage of the recipe ({', '.join(names)}), found {name!r}",
            f"did you mean {close[0]!r}?" if close else "the recipe has no table of that name",
        )
    return names.index(name)
