"""What commands print: a live display while they run, tables when they end."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click

if TYPE_CHECKING:
    from rich.console import Console

    from qa_parallel.evaluation.stage import Evaluated
    from qa_parallel.leakage.stage import Checked
    from qa_parallel.pipeline.steps import Step, StepResult
    from qa_parallel.storage.folders import Outcome
    from qa_parallel.storage.stage import Stage

# Columns of tables that go to a file or a pipe.
_WIDTH = 120


class Live:
    """The live display, stopped however the run ends."""

    def __enter__(self) -> Any:
        from qa_parallel.translation.progress import Progress

        self._progress = Progress(console(stderr=True))
        return self._progress

    def __exit__(self, *error: object) -> None:
        self._progress.finish()


class Telling:
    """Says what is being done: in place on a terminal, now and then in a line elsewhere."""

    _EVERY = 15.0  # seconds

    def __enter__(self) -> Self:
        self._console = console(stderr=True)
        self._status = self._console.status("reading")
        self._said = time.monotonic()
        return self

    def __exit__(self, *error: object) -> None:
        self._status.stop()

    def pause(self) -> None:
        """Nothing is drawn until there is something to tell."""
        self._status.stop()

    def tell(self, text: str) -> None:
        self._status.update(text)
        if self._console.is_terminal:
            self._status.start()
        if not self._console.is_terminal and time.monotonic() - self._said > self._EVERY:
            self._said = time.monotonic()
            self._console.print(text, highlight=False, markup=False)

    def warn(self, text: str) -> None:
        self._console.print(f"Warning: {text}", style="yellow", highlight=False, markup=False)


def console(stderr: bool = False) -> Console:
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else _WIDTH)


def summary(stage: Stage, outcome: Outcome) -> None:
    """What a stage made, as it tells itself."""
    _before(outcome)
    render(stage.summary(outcome))


def corpus(outcome: Outcome) -> None:
    """A corpus: its size, some rows."""
    from qa_parallel.storage import summary as storage_summary

    _before(outcome)
    render(storage_summary.counts(outcome.manifest))
    rows(outcome)


def rows(outcome: Outcome) -> None:
    from qa_parallel.storage import summary as storage_summary

    render(storage_summary.rows(outcome.folder, outcome.manifest))


def reasons(step: Step, why: Sequence[str], before: str = "") -> None:
    """A line that says whether there is something to do, and why."""
    click.echo(f"{step.name}: {before + '; '.join(why) if why else 'up to date'}")


def results(done: Sequence[StepResult], page: Path) -> None:
    """Rows of the corpus, what became of every stage, the page to look at, how to go on."""
    from qa_parallel.pipeline import run as pipeline
    from qa_parallel.pipeline import summary as pipeline_summary

    corpus = pipeline.corpus_of(done)
    if corpus is not None:
        rows(corpus.outcome)
        click.echo()
    render(pipeline_summary.describe(done))
    click.echo(f"The page to look at is {page}.")
    if corpus is not None:
        click.echo(
            f"To publish it: qa-parallel publish {corpus.step.folder} --repo org/name --dry-run"
        )


def leaks(checked: Checked) -> None:
    from qa_parallel.leakage import summary as leakage_summary

    render(leakage_summary.describe(checked.report))


def evaluation(evaluated: Evaluated) -> None:
    from qa_parallel.evaluation import summary as evaluation_summary
    from qa_parallel.evaluation.stage import STAGE

    if evaluated.outcome is None:
        render(evaluation_summary.describe(evaluated.report))
    else:
        summary(STAGE, evaluated.outcome)


def differences(rows: Iterable[Mapping[str, Any]]) -> None:
    from qa_parallel.evaluation import summary as evaluation_summary

    render(evaluation_summary.differences(rows))


def _before(outcome: Outcome) -> None:
    """Say so if nothing had to be done."""
    if outcome.complete_before:
        click.echo(f"{outcome.folder} is complete already; nothing to do.")


def render(parts: Iterable[Any]) -> None:
    """Print what rich can; a plain string as it is, never folded."""
    target = console()
    for part in parts:
        if isinstance(part, str):
            click.echo(part)
        else:
            target.print(part)
