"""`qa-parallel run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FILE, FOLDER, OVERWRITE

if TYPE_CHECKING:
    from qa_parallel.pipeline import Outcome


@click.command()
@click.argument("recipe", type=FILE)
@click.option("--out", type=FOLDER, help="Another folder than the recipe's.")
@OVERWRITE
def run(recipe: Path, out: Path | None, overwrite: bool) -> None:
    """Run the stages of a RECIPE.

    Example: qa-parallel run recipes/quickstart.toml
    """
    from qa_parallel import pipeline
    from qa_parallel.engine import cores
    from qa_parallel.recipe import load_recipe

    loaded = load_recipe(recipe)
    if out is not None:
        loaded = loaded.model_copy(update={"out": out})
    corpus: Outcome | None = None
    with show.Live() as progress:
        stages = pipeline.run(loaded, progress, overwrite=overwrite, workers=cores())
        for stage, outcome in stages:
            progress.finish()
            if isinstance(outcome, pipeline.Checked):
                show.leaks(outcome)
                corpus = outcome.outcome if outcome.holds_corpus() else corpus
                continue
            if isinstance(outcome, pipeline.Evaluated):
                show.evaluation(outcome)
                continue
            if stage == "build-batches":
                show.plan(outcome)
                continue
            if stage == "train-eval":
                show.experiment(outcome)
                continue
            corpus = outcome
            if stage == "filter":
                show.funnel(outcome)
            else:
                show.counts(outcome)
    if corpus is not None:
        show.rows(corpus)
