"""`qa-parallel run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from qa_parallel.cli import show
from qa_parallel.cli.options import FILE, FOLDER

if TYPE_CHECKING:
    from qa_parallel.pipeline.steps import Step


@click.command()
@click.argument("recipe", type=FILE)
@click.option("--out", type=FOLDER, help="Another folder than the recipe's.")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="TABLE.KEY=VALUE",
    help="Another setting than the recipe's, repeatable, e.g. --set translate.beam=4.",
)
@click.option(
    "--from-stage",
    metavar="STAGE",
    help="Do this stage and those after it anew, even if up to date; those before are taken as "
    "they are.",
)
@click.option("--until-stage", metavar="STAGE", help="Leave out what comes after this stage.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and why; do nothing.")
def run(
    recipe: Path,
    out: Path | None,
    changes: tuple[str, ...],
    from_stage: str | None,
    until_stage: str | None,
    dry_run: bool,
) -> None:
    """Run the stages of a RECIPE.

    A stage whose settings, input and code are as they were is skipped; of the others it is said
    why they are done. Stopped or killed, the same command goes on.

    Example: qa-parallel run recipes/quickstart.toml --set translate.beam=1 --dry-run
    """
    from qa_parallel.machine import cores
    from qa_parallel.page.stage import write_report
    from qa_parallel.pipeline import run as pipeline
    from qa_parallel.pipeline.recipe import load_recipe
    from qa_parallel.storage.stage import Tools

    loaded = load_recipe(recipe, changes)
    if out is not None:
        loaded = loaded.model_copy(update={"out": out})
    with show.Live() as progress, show.Telling() as telling:
        tools = Tools(progress, cores(), telling.tell, telling.warn)
        if dry_run:
            for step, reasons in pipeline.foresee(loaded, tools, from_stage, until_stage):
                telling.pause()
                show.reasons(step, reasons, "would run: ")
            return

        def begin(step: Step, reasons: tuple[str, ...]) -> None:
            telling.pause()
            show.reasons(step, reasons)

        results = []
        for result in pipeline.run(loaded, tools, from_stage, until_stage, begin=begin):
            progress.finish()
            telling.pause()
            results.append(result)
            if result.made:
                show.summary(result.step.stage, result.outcome)
    show.results(results, write_report(loaded.out))
