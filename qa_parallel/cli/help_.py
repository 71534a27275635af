"""`qa-parallel help`."""

from __future__ import annotations

from pathlib import Path

import click

import qa_parallel
from qa_parallel.cli.output import Command

# The package whose README.md is the manual page of a command.
PAGES = {
    "translate": "translation",
    "languages": "translation",
    "import": "sources",
    "filter": "filters",
    "check-leakage": "leakage",
    "build-batches": "batches",
    "evaluate": "evaluation",
    "train-eval": "training",
    "run": "pipeline",
    "recipes": "pipeline",
    "report": "page",
    "publish": "publishing",
    "encoders": "encoders",
}


@click.command(cls=Command)
@click.argument("stage", required=False)
@click.pass_context
def command(ctx: click.Context, stage: str | None) -> None:
    """STAGE is a command, or the part of the package that it belongs to.

    Example: qa-parallel help translate
    """
    if ctx.parent is None:
        raise click.UsageError("expected to be called by the group")
    group = ctx.parent.command
    if stage is None:
        click.echo(ctx.parent.get_help())
    elif stage in PAGES or stage in PAGES.values():
        page = Path(qa_parallel.__file__).parent / PAGES.get(stage, stage) / "README.md"
        click.echo_via_pager(page.read_text(encoding="utf-8"))
    elif isinstance(group, click.Group) and (other := group.get_command(ctx.parent, stage)):
        with click.Context(other, info_name=stage, parent=ctx.parent) as inner:
            click.echo(other.get_help(inner))
    else:
        names = ", ".join(PAGES)
        raise click.UsageError(f"expected a stage ({names}), found {stage!r}")
