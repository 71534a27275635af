"""What a run of a recipe came to, for a person: a row for each stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.table import Table

from qa_parallel.pipeline.steps import StepResult


def describe(results: Sequence[StepResult]) -> Iterator[RenderableType]:
    """A table: stage, whether it was made, what came of it, seconds, folder."""
    table = Table(box=None, pad_edge=False)
    table.add_column("stage", no_wrap=True)
    table.add_column("")
    table.add_column("result")
    table.add_column("seconds", justify="right")
    table.add_column("folder", overflow="fold")
    for result in results:
        table.add_row(
            result.step.name,
            "done" if result.made else "skipped",
            result.step.stage.brief(result.outcome),
            f"{result.seconds:,.1f}" if result.made else "",
            str(result.step.folder),
        )
    yield table
