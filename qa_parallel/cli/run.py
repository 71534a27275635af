"""`qa-parallel run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from qa_parallel.cli.fields import option
from qa_parallel.cli.output import SAYING, Command, Said, out

_SECTION = "Recipe"


@click.command(cls=Command)
@click.argument("recipe")
@option(
    _SECTION,
    "--set",
    "changes",
    multiple=True,
    metavar="TABLE.KEY=VALUE",
    help="Change a setting of the recipe, repeatable, e.g. --set translate.beam=4.",
)
@option(
    _SECTION,
    "--from-stage",
    metavar="STAGE",
    help="Run this stage and those after it again, even if they are up to date.",
)
@option(_SECTION, "--until-stage", metavar="STAGE", help="Stop after this stage.")
@option(_SECTION, "--dry-run", is_flag=True, help="Print what would be done, and why; do nothing.")
@out("Write to this folder instead of the recipe's.", required=False)
@SAYING
def command(
    recipe: str,
    changes: tuple[str, ...],
    from_stage: str | None,
    until_stage: str | None,
    dry_run: bool,
    out: Path | None,
    said: Said,
) -> None:
    """RECIPE is a TOML file, or the name of a recipe that comes with the package. A stage is
    skipped if its settings, its input and its code have not changed; for the others the reason is
    printed. If it is interrupted, start the same command again: it continues where it stopped.

    Examples: qa-parallel run quickstart

    qa-parallel run recipes/quickstart.toml --set translate.beam=1 --dry-run
    """
    from qa_parallel import api

    if dry_run:
        said.show(
            api.foresee(
                recipe,
                out=out,
                change=changes,
                from_stage=from_stage,
                until_stage=until_stage,
                progress=said.progress,
            )
        )
        return

    def begin(step: Any, reasons: tuple[str, ...]) -> None:
        said.line(f"{step.name}: {'; '.join(reasons) or 'up to date'}")

    def ended(done: Any) -> None:
        if done.made:
            said.render(done.tables())

    said.show(
        api.run(
            recipe,
            out=out,
            change=changes,
            from_stage=from_stage,
            until_stage=until_stage,
            progress=said.progress,
            begin=begin,
            ended=ended,
        )
    )
